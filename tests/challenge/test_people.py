"""People who judge: what they are shown, what their votes become, and who may vote at all."""

from __future__ import annotations

import asyncio
import itertools
import math

import msgspec
import pytest

from assay.challenge.people import ADMIN, HOLD_S, Guest, People, read_guest
from assay.challenge.queries import CHAIN, Run, list_skipped, list_unvoted, set_state
from assay.challenge.record import number_of
from assay.challenge.shown import ShownPair
from assay.core import (
    Conflict,
    Forbidden,
    InvalidInput,
    Message,
    NotFound,
    Refusal,
    Text,
    ToolResult,
    Unauthorized,
    Verdict,
    assistant,
    user,
)
from assay.store import Database, Sql
from assay.store.chain import read_verdicts, verify_chain
from tests.challenge.pairs import CHALLENGER, INCUMBENT, JUDGE, NAMES, add_challenge, answer, answers, calls_a_tool

pytestmark = pytest.mark.anyio


class Heard:
    """What the challenge is told."""

    def __init__(self) -> None:
        self.votes: list[tuple[str, int, Verdict]] = []
        self.passed_over: list[tuple[str, int]] = []


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def people(database: Database, heard: Heard) -> People:
    return People(database, lambda *vote: heard.votes.append(vote), lambda *pair: heard.passed_over.append(pair))


async def guest(people: People, run: Run, name: str) -> str:
    """The session of somebody who was invited and came."""
    _, token = await people.invite(run.id, name)
    return (await people.redeem(run.id, token)).session


async def next_pair(people: People, run: Run, session: str = "one") -> ShownPair:
    """The next pair, which there must be."""
    pair = await people.next_pair(run.id, session)
    assert pair is not None
    return pair


async def test_a_pair_says_nothing_of_who_wrote_what(people: People, database: Database) -> None:
    run = await add_challenge(database, 1, answered=False)
    turns = (*calls_a_tool(), Message(role="tool", parts=(ToolResult(id="toolu_quokka_1", parts=answers("42")[0].parts),)))
    await answer(database, run, 1, turns=(*turns, *answers("It is 42.")))
    pair = await next_pair(people, run)
    written = msgspec.json.encode(pair).decode()
    assert not [name for name in (*NAMES, "sig-of", "toolu", "hm", "annotations") if name in written.lower()]
    assert [message.text for message in pair.transcript] == ["Question 1?"]
    assert [message.text for message in pair.a] == [message.text for message in pair.b] == ["", "", "It is 42."]
    assert (pair.a[0].parts[0], pair.a[1].parts[0]) == (pair.b[0].parts[0], pair.b[1].parts[0])
    assert '"id":"1"' in written


async def test_a_refusal_is_shown_as_words(people: People, database: Database) -> None:
    """Only some providers tell a refusal from an answer: as such it would tell whose it is."""
    run = await add_challenge(database, 1, answered=False)
    await answer(database, run, 1, turns=[Message(role="assistant", parts=(Refusal(text="I would rather not."),))])
    assert (await next_pair(people, run)).a == (assistant("I would rather not."),)


async def test_the_sides_are_drawn_by_a_fair_coin_and_stay(people: People, database: Database) -> None:
    """Of 200 tosses a fair coin gives 100, give or take 5 standard deviations in all but one of two million runs."""
    run = await add_challenge(database, 200, judges=(JUDGE.id,))
    first = []
    for number in range(1, 201):
        pair = await next_pair(people, run)
        assert pair.number == number
        if number % 10 == 0:
            assert await next_pair(people, run) == pair, "the page was loaded again"
        first.append(pair.a[0].text == "It is so.")
        await people.skip(run.id, number, "one")
    assert abs(sum(first) - 100) < 5 * math.sqrt(200) / 2
    changes = sum(one != other for one, other in itertools.pairwise(first))
    assert abs(changes - 99.5) < 5 * math.sqrt(199) / 2, "neither alternating nor in blocks"


async def test_a_vote_is_a_verdict_in_the_order_shown(people: People, database: Database, heard: Heard) -> None:
    run = await add_challenge(database, 2)
    pair = await next_pair(people, run)
    assert (pair.number, pair.voted, pair.waiting) == (1, 0, 2)
    voted = await people.vote(run.id, 1, "one", "b")
    assert (voted.voted, voted.waiting) == (1, 1)
    [verdict] = await read_verdicts(database, source=run.id, chain=CHAIN)
    order = (CHALLENGER, INCUMBENT) if pair.a[0].text == "It is so." else (INCUMBENT, CHALLENGER)
    assert tuple((one.model, one.deployment) for one in verdict.subjects) == tuple((one.model, one.id) for one in order)
    assert {one.calls for one in verdict.subjects} == {("call-1-challenger",), ("call-1-incumbent",)}
    assert (verdict.kind, verdict.choice, verdict.by, verdict.source, verdict.flags) == ("vote", "b", "admin", run.id, ())
    assert number_of(verdict) == 1
    assert all(one.transcript for one in verdict.subjects)
    assert heard.votes == [(run.id, 1, verdict)]
    assert await list_unvoted(database, run.id) == [2]
    assert (await verify_chain(database, CHAIN)).ok


async def test_a_vote_counts_once_however_often_it_is_sent(people: People, database: Database, heard: Heard) -> None:
    run = await add_challenge(database, 1)
    await next_pair(people, run)
    sent = await asyncio.gather(*(people.vote(run.id, 1, "one", "a") for _ in range(5)), return_exceptions=True)
    refused = [one for one in sent if isinstance(one, Conflict)]
    assert [one.code for one in refused] == ["vote.already_cast"] * 4
    assert len(heard.votes) == len(await read_verdicts(database, chain=CHAIN)) == 1


async def test_where_people_decide_one_vote_settles_a_pair(people: People, database: Database) -> None:
    run = await add_challenge(database, 1)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    assert await people.next_pair(run.id, ana) is None, "it is before somebody else"
    await wait_longer_than_a_hold(database)
    assert (await next_pair(people, run, ana)).number == 1
    both = await asyncio.gather(people.vote(run.id, 1, "one", "a"), people.vote(run.id, 1, ana, "b"), return_exceptions=True)
    assert [one.code for one in both if isinstance(one, Conflict)] == ["vote.already_cast"]
    assert len(await read_verdicts(database, chain=CHAIN)) == 1
    assert [await people.next_pair(run.id, session) for session in ("one", ana)] == [None, None]


async def test_what_somebody_left_goes_to_the_next_and_comes_first(people: People, database: Database) -> None:
    """Items count in order: a pair before somebody who went away would hold up all after it."""
    run = await add_challenge(database, 2)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    assert (await next_pair(people, run, ana)).number == 2
    await people.skip(run.id, 2, ana)
    await wait_longer_than_a_hold(database)
    assert (await next_pair(people, run, ana)).number == 1
    assert await people.next_pair(run.id, "one") is None, "now it is before Ana"
    await people.vote(run.id, 1, ana, "b")
    with pytest.raises(Conflict) as late:
        await people.vote(run.id, 1, "one", "a")
    assert late.value.code == "vote.already_cast"


async def test_somebody_who_reads_for_long_and_is_heard_of_keeps_their_pair(people: People, database: Database) -> None:
    run = await add_challenge(database, 1)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    for _ in range(3):
        await wait(database, HOLD_S - 1)
        assert await people.next_pair(run.id, ana) is None
        assert (await people.voting(run.id, "one")).waiting == 1
    await people.vote(run.id, 1, "one", "a")


async def test_many_people_at_once_are_shown_different_pairs(people: People, database: Database) -> None:
    run = await add_challenge(database, 6)
    sessions = [await guest(people, run, f"Person {n}") for n in range(5)]
    pairs = await asyncio.gather(*(next_pair(people, run, session) for session in ("one", *sessions)))
    assert sorted(pair.number for pair in pairs) == [1, 2, 3, 4, 5, 6]


async def test_where_a_model_decides_everybody_checks_every_pair(people: People, database: Database) -> None:
    run = await add_challenge(database, 2, judges=(JUDGE.id,))
    ana = await guest(people, run, "Ana")
    for session, choice in (("one", "a"), (ana, "b")):
        for number in (1, 2):
            assert (await next_pair(people, run, session)).number == number
            await people.vote(run.id, number, session, "a" if choice == "a" else "b")
        assert await people.next_pair(run.id, session) is None
    verdicts = await read_verdicts(database, chain=CHAIN)
    assert [(verdict.choice, number_of(verdict)) for verdict in verdicts] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert [(one.name, one.votes) for one in await people.list_people(run.id)] == [("Ana", 2), ("admin", 2)]


async def test_pairs_that_no_taste_can_judge_are_not_shown(people: People, database: Database) -> None:
    run = await add_challenge(database, 6, answered=False)
    await answer(database, run, 1, ending="failed", turns=())
    await answer(database, run, 2, sides=("challenger",))
    await answer(database, run, 3, sides=("incumbent",))
    await answer(database, run, 3, sides=("challenger",), turns=calls_a_tool())
    await answer(database, run, 4, ending="diverged", turns=calls_a_tool())
    await answer(database, run, 5, turns=(*calls_a_tool(), user('{"type":"tool_call"}'), *answers('Not one: {"type":"tool_call"}')))
    await answer(database, run, 6, turns=())
    pair = await next_pair(people, run)
    assert (pair.number, pair.waiting) == (5, 2)
    await people.vote(run.id, 5, "one", "tie")
    pair = await next_pair(people, run)
    assert (pair.number, pair.a, pair.b) == (6, (), ())


async def test_an_answer_with_a_control_character_and_unknown_fields_is_shown(people: People, database: Database) -> None:
    """PostgreSQL takes no JSON apart that holds a NUL, and an unknown field may look like a tool call."""
    run = await add_challenge(database, 2, answered=False)
    odd = Text(text="so\0so \\u0000 \x1f", extra={"openai_chat": {"was": {"type": "tool_call"}}})
    await answer(database, run, 1, turns=[Message(role="assistant", parts=(odd,))])
    await answer(database, run, 2)
    pair = await next_pair(people, run)
    assert (pair.number, pair.waiting, pair.a[0].text) == (1, 2, odd.text)
    await people.vote(run.id, 1, "one", "tie")
    assert (await next_pair(people, run)).number == 2


async def test_only_a_pair_that_was_shown_can_be_voted_on(people: People, database: Database) -> None:
    run = await add_challenge(database, 3)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    for number, session in ((2, "one"), (1, ana), (9, "one"), (0, ana)):
        with pytest.raises(Conflict) as refused:
            await people.vote(run.id, number, session, "a")
        assert refused.value.code == "challenge.pair_not_shown"
    assert await read_verdicts(database, chain=CHAIN) == []


async def test_an_answer_that_names_its_writer_flags_the_vote(people: People, database: Database) -> None:
    run = await add_challenge(database, 2, answered=False)
    await answer(database, run, 1, sides=("challenger",), turns=[assistant("As Zebrafinch I would say so.")])
    await answer(database, run, 1, sides=("incumbent",))
    await answer(database, run, 2, sides=("challenger",), turns=[assistant("Finches are birds.")])
    await answer(database, run, 2, sides=("incumbent",))
    for number in (1, 2):
        await next_pair(people, run)
        await people.vote(run.id, number, "one", "a")
    flags = [verdict.flags for verdict in await read_verdicts(database, chain=CHAIN)]
    assert flags == [("identity_leak",), ()]


async def test_a_pair_that_nobody_wants_to_decide_stays_unjudged(people: People, database: Database, heard: Heard) -> None:
    run = await add_challenge(database, 2)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    skipped = await people.skip(run.id, 1, "one")
    assert (skipped.voted, skipped.waiting) == (0, 1)
    assert heard.passed_over == [(run.id, 1)]
    assert await list_skipped(database, run.id) == {1}
    assert (await next_pair(people, run, ana)).number == 2


async def test_whoever_skips_a_check_leaves_it_to_the_others(people: People, database: Database, heard: Heard) -> None:
    run = await add_challenge(database, 1, judges=(JUDGE.id,))
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    await people.skip(run.id, 1, "one")
    assert await people.next_pair(run.id, "one") is None
    assert (await next_pair(people, run, ana)).number == 1
    assert heard.passed_over == []
    assert await list_skipped(database, run.id) == set(), "the judge's own judgment of it still counts"


async def test_whoever_read_an_item_with_its_names_is_not_asked_to_judge_it(people: People, database: Database) -> None:
    run = await add_challenge(database, 2, judges=(JUDGE.id,))
    ana = await guest(people, run, "Ana")
    await next_pair(people, run)
    await people.read(run.id, "one", 1)
    assert (await next_pair(people, run)).number == 2
    with pytest.raises(Conflict) as refused:
        await people.vote(run.id, 1, "one", "a")
    assert refused.value.code == "challenge.pair_not_shown"
    assert (await next_pair(people, run, ana)).number == 1


async def test_what_waits_for_the_deciding_vote_cannot_be_read(people: People, database: Database) -> None:
    run = await add_challenge(database, 4, answered=False)
    for number in (1, 2):
        await answer(database, run, number)
    await answer(database, run, 3, ending="failed", turns=())
    await next_pair(people, run)
    await people.vote(run.id, 1, "one", "a")
    await people.read(run.id, "one", 1, 3)
    for waiting in (2, 4):
        with pytest.raises(Conflict) as refused:
            await people.read(run.id, "one", waiting)
        assert refused.value.code == "challenge.still_blind"
    await set_state(database, run.id, "ended", decision="cannot_tell")
    await people.read(run.id, "one", 2)


async def test_a_challenge_that_has_ended_takes_no_deciding_vote(people: People, database: Database) -> None:
    run = await add_challenge(database, 2)
    await next_pair(people, run)
    assert (await people.voting(run.id, "one")).open
    await set_state(database, run.id, "ended", decision="switch")
    with pytest.raises(Conflict) as refused:
        await people.vote(run.id, 1, "one", "a")
    assert refused.value.code == "challenge.over"
    assert await people.next_pair(run.id, "one") is None
    voting = await people.voting(run.id, "one")
    assert (voting.open, voting.decides, voting.waiting) == (False, True, 0)


async def test_a_judge_can_still_be_checked_after_the_end(people: People, database: Database) -> None:
    run = await add_challenge(database, 1, judges=(JUDGE.id,))
    await set_state(database, run.id, "ended", decision="switch")
    await next_pair(people, run)
    voting = await people.voting(run.id, "one")
    assert (voting.name, voting.open, voting.decides, voting.voted, voting.waiting) == ("admin", True, False, 0, 1)
    await people.vote(run.id, 1, "one", "both_bad")
    assert not (await people.voting(run.id, "one")).open


async def test_an_invitation_is_spent_by_the_first_pair_and_not_by_a_preview(people: People, database: Database) -> None:
    run = await add_challenge(database, 3)
    judge, token = await people.invite(run.id, "  Ana   María ")
    assert judge.name == "Ana María"
    assert len(token) >= 32, "192 random bits"
    [row] = await database.read(Sql("SELECT invitation FROM challenge_people WHERE name = 'Ana María'"))
    assert token.encode() not in bytes(row["invitation"])
    preview, ana = await people.redeem(run.id, token), await people.redeem(run.id, token)
    assert preview == ana == read_guest(ana.session)
    assert [one.invited for one in await people.list_people(run.id)] == [True]
    await next_pair(people, run, ana.session)
    with pytest.raises(Unauthorized) as refused:
        await people.redeem(run.id, token)
    assert refused.value.code == "challenge.invitation_spent"
    assert [one.invited for one in await people.list_people(run.id)] == [False]


async def test_a_second_invitation_by_the_same_name_is_for_the_same_person(people: People, database: Database) -> None:
    run = await add_challenge(database, 3)
    _, first = await people.invite(run.id, "Ana")
    old = await people.redeem(run.id, first)
    _, second = await people.invite(run.id, "ANA")
    await next_pair(people, run, old.session)
    with pytest.raises(Unauthorized):
        await people.redeem(run.id, first)
    new = await people.redeem(run.id, second)
    assert new.person == old.person
    assert (await next_pair(people, run, new.session)).number == 1, "one person, one pair"
    assert [one.name for one in await people.list_people(run.id)] == ["ANA"]


async def test_whoever_is_removed_votes_no_more_and_what_they_cast_stands(people: People, database: Database) -> None:
    run = await add_challenge(database, 2)
    ana = await guest(people, run, "Ana")
    await next_pair(people, run, ana)
    await people.vote(run.id, 1, ana, "a")
    await next_pair(people, run, ana)
    [person] = await people.list_people(run.id)
    _, unused = await people.invite(run.id, "Ana")
    await people.remove(run.id, person.person)
    for refused in (people.next_pair(run.id, ana), people.vote(run.id, 2, ana, "a"), people.voting(run.id, ana)):
        with pytest.raises(Forbidden) as error:
            await refused
        assert error.value.code == "challenge.not_invited"
    with pytest.raises(Unauthorized):
        await people.redeem(run.id, unused)
    assert await people.name_of(Guest(challenge=run.id, person=person.person, invitation="")) is None
    assert [(one.votes, one.removed) for one in await people.list_people(run.id)] == [(1, True)]
    assert (await next_pair(people, run)).number == 2, "what was before them waits for others"
    assert len(await read_verdicts(database, chain=CHAIN)) == 1


async def test_whoever_was_removed_comes_back_by_a_new_link_only(people: People, database: Database) -> None:
    run = await add_challenge(database, 2)
    ana = await guest(people, run, "Ana")
    [person] = await people.list_people(run.id)
    await people.remove(run.id, person.person)
    again = await guest(people, run, "Ana")
    with pytest.raises(Forbidden):
        await people.next_pair(run.id, ana)
    assert (await next_pair(people, run, again)).number == 1
    assert [(one.name, one.removed) for one in await people.list_people(run.id)] == [("Ana", True), ("Ana", False)]


async def test_a_guest_of_one_challenge_is_nobody_in_another(people: People, database: Database) -> None:
    run, other = await add_challenge(database, 1), await add_challenge(database, 1)
    ana = await guest(people, run, "Ana")
    with pytest.raises(Forbidden):
        await people.next_pair(other.id, ana)
    _, token = await people.invite(run.id, "Bo")
    with pytest.raises(Unauthorized):
        await people.redeem(other.id, token)
    for forged in (f"guest:{run.id}:{ADMIN.person}:00", f"guest:{run.id}:nobody:00", f"guest:{other.id}:admin:00"):
        with pytest.raises(Forbidden):
            await people.next_pair(run.id, forged)


async def test_a_name_that_cannot_be_shown_is_refused(people: People, database: Database) -> None:
    run = await add_challenge(database, 1)
    for name in ("", "  ", "x" * 81, "admin", "ADMIN ", "a\0b", "a\x1b[31mb", "\u202eana"):
        with pytest.raises(InvalidInput) as refused:
            await people.invite(run.id, name)
        assert refused.value.code == "challenge.bad_name"


async def test_what_is_not_there_is_not_found(people: People, database: Database) -> None:
    run = await add_challenge(database, 1)
    for missing in (
        people.next_pair("none", "one"),
        people.voting("none", "one"),
        people.vote("none", 1, "one", "a"),
        people.invite("none", "Ana"),
        people.list_people("none"),
        people.read("none", "one", 1),
        people.remove(run.id, "nobody"),
        people.remove(run.id, "admin"),
    ):
        with pytest.raises(NotFound):
            await missing


async def wait_longer_than_a_hold(database: Database) -> None:
    """As if all pairs had been shown long ago."""
    await wait(database, HOLD_S + 1)


async def wait(database: Database, seconds: int) -> None:
    """As if all pairs had been shown that much earlier."""
    past = Sql("UPDATE challenge_pairs SET at = at - :hold")
    await database.write([(past, {"hold": seconds * 1_000_000})])
