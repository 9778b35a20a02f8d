"""Two servers with one database, one master key and data folders of one name, as replicas have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from assay.core import Settings
from assay.store import Database, Vault
from assay.store.users import change_user, create_user, new_user
from assay.web.access import Doorkeeper
from assay.web.accounts import Accounts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pair(database: Database, tmp_path: Path) -> AsyncIterator[tuple[Doorkeeper, Doorkeeper]]:
    """What one changes the other hears of."""
    settings = Settings(data=tmp_path / "data", master_key=tmp_path / "key")
    vault = Vault(bytes(range(32)), Path("/nowhere"))
    doorkeepers: list[Doorkeeper] = []

    async def changed() -> None:
        for doorkeeper in doorkeepers:
            await doorkeeper.refresh()

    doorkeepers.extend([await Doorkeeper.open(settings, vault, await Accounts.open(database, changed)) for _ in range(2)])
    yield doorkeepers[0], doorkeepers[1]
    for doorkeeper in doorkeepers:
        doorkeeper.accounts.close()


def session_of(doorkeeper: Doorkeeper, value: str) -> str | None:
    """The session that a browser with this cookie has."""
    cookie = f"{next(iter(SimpleCookie(doorkeeper.cookie(value))))}={value}"
    return doorkeeper.session_of({"headers": [(b"cookie", cookie.encode())]})


async def test_a_session_of_one_is_good_at_the_other_until_it_ends_anywhere(pair: tuple[Doorkeeper, Doorkeeper]) -> None:
    here, there = pair
    value = here.redeem(here.new_link(), "192.0.2.1")
    session = session_of(there, value)
    assert session is not None
    await there.sign_out(session)
    assert session_of(here, value) is None
    other = here.redeem(here.new_link(), "192.0.2.1")
    await here.sign_out(session_of(here, other) or "")
    assert session_of(there, value) is None, "what one has ended is not forgotten when the other ends more"
    assert session_of(there, other) is None


async def test_whoever_is_disabled_at_one_is_out_at_the_other(pair: tuple[Doorkeeper, Doorkeeper], database: Database) -> None:
    here, there = pair
    ana = await create_user(database, new_user("Ana", email="ana@example.org", role="admin"))
    await here.accounts.changed()
    assert not here.accounts.has_admin, "nobody can sign in with it yet"
    await here.accounts.set_password(ana.id, "correct horse battery")
    assert there.accounts.has_admin
    account, value = await there.sign_in("ana@example.org", "correct horse battery", "192.0.2.1")
    session = session_of(here, value) or ""
    assert here.accounts.of_session(session) == account
    await change_user(database, ana.id, disabled=1)
    await there.accounts.changed()
    assert here.accounts.of_session(session) is None
    assert not here.accounts.has_admin
