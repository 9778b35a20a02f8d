"""Teams, users and the audit log, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from assay.core import Conflict, InvalidInput, Limits, NotFound, Scopes, now_us
from assay.store import Database, Sql, Vault, keys
from assay.store.audit import append_entry, list_entries
from assay.store.teams import change_team, create_team, get_team, list_teams
from assay.store.users import change_user, create_user, get_user, list_users, new_user, touch_user

pytestmark = pytest.mark.anyio

VAULT = Vault(bytes(range(32)), Path("/nowhere"))


async def test_a_team_counts_who_is_in_it(database: Database) -> None:
    team = await create_team(database, "  core \t team ", Limits(concurrent=3))
    assert (team.name, team.limits.concurrent) == ("core team", 3)
    ana = await create_user(database, new_user("Ana", email="ana@example.org", team=team.id))
    gone = await create_user(database, new_user("Gone", team=team.id))
    await change_user(database, gone.id, disabled=now_us())
    await keys.create_key(database, VAULT, "of the team", team=team.id)
    await keys.create_key(database, VAULT, "of Ana", user=ana.id)
    revoked, _ = await keys.create_key(database, VAULT, "revoked", user=ana.id)
    await keys.revoke_key(database, revoked.id)
    counted = await get_team(database, team.id)
    assert (counted.members, counted.keys) == (1, 2)


async def test_a_teams_name_is_its_own(database: Database) -> None:
    first, second = [await create_team(database, name, Limits()) for name in ("one", "two")]
    with pytest.raises(Conflict, match="'two'") as refused:
        await change_team(database, first.id, name="two")
    assert refused.value.code == "team.exists"
    with pytest.raises(Conflict):
        await create_team(database, " two ", Limits())
    changed = await change_team(database, first.id, name="three", limits=Limits(tokens_per_minute=5), archived=7)
    assert (changed.name, changed.limits.tokens_per_minute, changed.archived) == ("three", 5, 7)
    assert [team.id for team in await list_teams(database)] == [first.id, second.id]
    for name in ("", "x" * 201, "two\x00"):
        with pytest.raises(InvalidInput):
            await create_team(database, name, Limits())
    with pytest.raises(NotFound):
        await change_team(database, "none", name="x")


async def test_a_user_is_known_by_one_address_in_one_spelling(database: Database) -> None:
    ana = await create_user(database, new_user(" Ana ", email=" Ana@Example.ORG "))
    assert (ana.name, ana.email, ana.role) == ("Ana", "ana@example.org", "member")
    with pytest.raises(Conflict) as refused:
        await create_user(database, new_user("Other", email="ANA@example.org"))
    assert refused.value.code == "user.exists"
    nobody = [await create_user(database, new_user("No address")) for _ in range(2)]
    with pytest.raises(Conflict):
        await change_user(database, nobody[0].id, email="ana@example.org")
    await change_user(database, nobody[0].id, subject="issuer|1")
    with pytest.raises(Conflict):
        await change_user(database, nobody[1].id, subject="issuer|1")
    for email in ("", "x", "a b@c.d", "@x.y", "x@", "a@b@c"):
        with pytest.raises(InvalidInput):
            await create_user(database, new_user("X", email=email))
    assert len(await list_users(database)) == 3


async def test_two_changes_of_one_account_at_once_are_both_made(database: Database) -> None:
    """Whoever is disabled while they change their password stays disabled."""
    ana = await create_user(database, new_user("Ana", email="ana@example.org"))
    changes: list[dict[str, Any]] = [
        {"disabled": 5},
        {"password": "x"},
        {"role": "viewer"},
        {"name": "Ana B"},
        {"limits": Limits(concurrent=1)},
    ]
    await asyncio.gather(*(change_user(database, ana.id, end_sessions=True, **change) for change in changes))
    now = await get_user(database, ana.id)
    assert (now.disabled, now.password, now.role, now.name, now.limits.concurrent) == (5, "x", "viewer", "Ana B", 1)
    assert now.generation == len(changes)
    with pytest.raises(NotFound, match="'nobody'"):
        await change_user(database, "nobody", name="x")


async def test_when_somebody_was_seen_only_moves_forward(database: Database) -> None:
    ana = await create_user(database, new_user("Ana"))
    for at in (5, 9, 7):
        await touch_user(database, ana.id, at)
    assert (await get_user(database, ana.id)).last_seen == 9


async def test_a_key_knows_its_owners_and_all_that_it_counts_against(database: Database) -> None:
    team, own = [await create_team(database, name, Limits(concurrent=9)) for name in ("users", "keys")]
    ana = await create_user(database, new_user("Ana", team=team.id, limits=Limits(requests_per_minute=7)))
    plain, plain_key = await keys.create_key(database, VAULT, "plain", user=ana.id, limits=Limits(tokens_per_minute=3))
    moved, moved_key = await keys.create_key(database, VAULT, "moved", user=ana.id, team=own.id)
    askers = await keys.load_askers(database, VAULT)
    pepper = VAULT.derive(keys.PEPPER)
    asker, other = askers[keys.hash_key(pepper, plain_key)], askers[keys.hash_key(pepper, moved_key)]
    assert (asker.key, asker.user, asker.team) == (plain.id, ana.id, team.id)
    assert [(holder.kind, holder.name) for holder in asker.holders] == [("key", "plain"), ("user", "Ana"), ("team", "users")]
    assert [holder.limits for holder in asker.holders] == [
        Limits(tokens_per_minute=3),
        Limits(requests_per_minute=7),
        Limits(concurrent=9),
    ]
    assert (other.team, moved.team, moved.team_name, plain.team, plain.team_name) == (own.id, own.id, "keys", None, "users")


async def test_a_rotated_key_has_two_secrets_and_one_end(database: Database) -> None:
    ends = now_us() + 10**9
    row, first = await keys.create_key(database, VAULT, "k", expires=ends, scopes=Scopes(models=("a*",)))
    _, second = await keys.rotate_key(database, VAULT, row.id, 60)
    rotated, third = await keys.rotate_key(database, VAULT, row.id, 10**6)
    pepper = VAULT.derive(keys.PEPPER)
    found = [(await keys.load_askers(database, VAULT)).get(keys.hash_key(pepper, key)) for key in (first, second, third)]
    assert found[0] is None
    assert found[1] is not None
    assert found[2] is not None
    assert found[1].expires == found[2].expires == ends, "the old secret does not outlive the key"
    assert {asker.key for asker in found if asker} == {row.id}
    assert rotated.hint == f"…{third[-4:]}"


async def test_a_disabled_user_and_an_archived_team_take_their_keys_along(database: Database) -> None:
    team = await create_team(database, "core", Limits())
    ana = await create_user(database, new_user("Ana"))
    bo = await create_user(database, new_user("Bo", team=team.id))
    for owner in (ana, bo):
        await keys.create_key(database, VAULT, owner.name, user=owner.id)
    await change_user(database, ana.id, disabled=1)
    assert [asker.user for asker in (await keys.load_askers(database, VAULT)).values()] == [bo.id]
    await change_team(database, team.id, archived=1)
    assert await keys.load_askers(database, VAULT) == {}


async def test_the_audit_log_is_read_newest_first_and_never_rewritten(database: Database) -> None:
    for number in range(6):
        await append_entry(
            database,
            actor="ana" if number % 2 else "bo",
            actor_name="x",
            address=None,
            action=f"did {number % 3}",
            target="nul \x00, half \ud800",
            detail={"number": number, "odd": "\x00"},
        )
    everything = await list_entries(database, 10)
    assert [entry.detail["number"] for entry in everything] == [5, 4, 3, 2, 1, 0]
    assert "\x00" not in everything[0].target
    assert [entry.detail["number"] for entry in await list_entries(database, 2, before=everything[1].id)] == [3, 2]
    assert [entry.detail["number"] for entry in await list_entries(database, 10, actor="ana", action="did 0")] == [3]
    for statement in (Sql("DELETE FROM audit"), Sql("UPDATE audit SET actor = 'x'")):
        with pytest.raises(Exception, match=r"append-only|refused|constraint|append"):
            await database.write([(statement, {})])
    assert len(await list_entries(database, 10)) == 6
