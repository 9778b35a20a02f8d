"""A whole measurement: two in turns under one schedule, our own limit beside it, on record, over the API and in words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from assay.bench.speed.figures import side_of
from assay.bench.speed.measure import measure, notes_of
from assay.bench.speed.own_limit import own_limit
from assay.bench.speed.questions import question
from assay.bench.speed.record import METRICS, measurements
from assay.bench.speed.report import OwnLimit, SpeedReport
from assay.bench.speed.routes import speed_routes
from assay.bench.speed.spec import Slo, SpeedSpec
from assay.bench.speed.text import NOTES, as_text
from assay.bench.speed.timing import Timed
from assay.core import Deployment, NotFound, Usage
from assay.store import Database
from assay.store.queries import latest_measurements
from tests.asgi import Session
from tests.bench.speed.made import MS, PacedCaller, timed
from tests.gateway.rig import running
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Answer as Said
from tests.upstream.script import Asked, Says, Used

pytestmark = pytest.mark.anyio
QUICK = SpeedSpec(model="p/m", requests=4, repeats=3, concurrency=2, warmup=1)


async def test_two_are_asked_the_same_in_turns_at_the_same_times() -> None:
    caller = PacedCaller()
    spec = msgspec.structs.replace(QUICK, schedule="open", rate_per_s=200.0)
    found = await measure(caller, spec, "p/a", "p/b")
    assert found.order == "AB BA AB"
    assert [deployment for deployment, _, _ in caller.asked[::5]] == ["p/a", "p/b", "p/b", "p/a", "p/a", "p/b"]
    unmarked = [re.sub(r"^\[\w+\]\n", "", words) for _, words, _ in caller.asked]
    assert unmarked[0:5] == unmarked[5:10]
    assert unmarked[0:5] != unmarked[10:15]
    assert max(Counter(words for _, words, _ in caller.asked).values()) == 1
    assert found.b is not None
    assert (found.a.asked, found.a.answered, found.b.asked) == (12, 12, 12)
    assert found.a.tokens == 12 * 9


def test_both_sides_have_the_same_questions_but_for_the_mark() -> None:
    one, other = (question(QUICK, "p/m", side, 0, 0).transcript.messages[0].text.split("\n", 1) for side in "AB")
    assert one[0] != other[0]
    assert one[1] == other[1]
    cached = msgspec.structs.replace(QUICK, may_be_cached=True, prompts=("one", "two"))
    assert [question(cached, "p/m", "A", 0, number).transcript.messages[0].text for number in range(3)] == ["one", "two", "one"]


async def test_warming_up_counts_for_nothing_and_every_counted_answer_is_told() -> None:
    told: list[object] = []
    caller = PacedCaller()
    found = await measure(caller, msgspec.structs.replace(QUICK, warmup=3), "p/m", noted=told.append)
    assert len(caller.asked) == 3 * (3 + 4)
    assert len(told) == found.a.asked == 12


async def test_failures_are_in_the_report_and_the_rest_is_measured() -> None:
    found = await measure(PacedCaller(fails=lambda number: number % 5 == 2), QUICK, "p/m")
    assert found.a.errors == {"upstream.refused": 3}
    assert found.a.answered == 9
    assert "9 of 12 answered (3 upstream.refused)" in as_text(found)


async def test_our_own_side_is_measured_beside_it() -> None:
    events_per_s, late_ms = await own_limit(3)
    assert events_per_s > 1000
    assert len(late_ms) == 60
    assert all(-1 < late < 5000 for late in late_ms)


def test_a_result_to_doubt_says_so() -> None:
    failed = Timed(due_ns=0, asked_ns=7 * MS, error="upstream.refused")
    doubtful = side_of("p/m", [[timed(tokens=None), failed]] * 3, Slo())
    busy = OwnLimit(events_per_s=1000, late_p50_ms=0.1, late_p99_ms=1, used=0.6)
    assert notes_of(busy, [doubtful]) == ["errors", "own_limit", "late", "tokens_unknown"] == list(NOTES)
    assert not notes_of(msgspec.structs.replace(busy, used=0.1), [side_of("p/m", [[timed()]] * 3, Slo())])


async def test_over_the_gateway_times_are_those_of_the_upstream(database: Database, tmp_path: Path) -> None:
    """The upstream waits 80 ms, then sends a word every 10: no time can be shorter than that."""

    def paced(asked: Asked) -> Said:
        return Said([Says(["one ", "two ", "three ", "four ", "five "])], usage=Used(output=9), headers_after_s=0.08, pace_s=0.01)

    async with ScriptedUpstream(scripts={"m": paced}) as upstream, running(database, tmp_path, upstream.url) as served:
        found = await measure(served.gateway.caller, msgspec.structs.replace(QUICK, slo=Slo(total_ms=20)), "up/m")
    numbers = {figure.name: figure.value.value or 0 for figure in found.a.figures}
    assert found.a.errors == {}
    assert 80 <= numbers["ttft_p50_ms"] < numbers["total_p50_ms"]
    assert numbers["total_p50_ms"] >= 80 + 4 * 10
    assert numbers["between_tokens_p50_ms"] >= 4 * 10 / 8 * 0.9
    assert 0 < numbers["characters_per_s_each"] <= 20 / 0.036
    assert (found.a.tokens, found.a.characters) == (12 * 9, 12 * 24)
    assert numbers["within_slo"] == 0
    assert found.a.cost


async def test_numbers_are_kept_with_all_that_they_hold_under(database: Database) -> None:
    session = Session(speed_routes(database, PacedCaller(wait_s=lambda number: 0.002 * number), _find))
    reply = await session.post("/api/v1/bench/speed", msgspec.json.encode(QUICK))
    (end,) = [block for block in reply.body.decode().split("\n\n") if block.startswith("event: end")]
    report = msgspec.json.decode(end.partition("data: ")[2], type=dict[str, SpeedReport])["report"]
    rows = await latest_measurements(database, METRICS + "ttft_p50_ms")
    assert rows == [row for row in measurements(report, report.a) if row.metric == METRICS + "ttft_p50_ms"]
    (row,) = rows
    assert (row.subject, row.unit, row.n, row.kind, row.source) == ("p/m", "ms", 3, "estimate", "measured")
    assert row.low is not None
    assert row.conditions["concurrency"] == 2
    assert row.rows is not None
    assert row.rows.startswith("/traffic?purpose=bench&text=p%2Fm&since=")


async def test_a_measurement_of_the_same_takes_the_place_of_an_older_one(database: Database) -> None:
    session = Session(speed_routes(database, PacedCaller(wait_s=lambda number: 0.002 * number), _find))
    for concurrency in (2, 2, 3):
        await session.post("/api/v1/bench/speed", msgspec.json.encode(msgspec.structs.replace(QUICK, concurrency=concurrency)))
    assert len(await latest_measurements(database, METRICS + "total_p50_ms")) == 2


async def test_one_is_measured_at_a_time_and_leaving_ends_it(database: Database) -> None:
    caller = PacedCaller(wait_s=lambda number: 3600.0)
    session = Session(speed_routes(database, caller, _find))
    async with session.stream("/api/v1/bench/speed", msgspec.to_builtins(QUICK)) as events:
        while not caller.open:
            assert await anext(events) == ("progress", {"done": 0, "planned": 12, "failed": 0})
        refused = await session.post("/api/v1/bench/speed", {"model": "p/m"})
        assert (refused.status, refused.json["code"]) == (409, "bench.speed_under_way")
    assert (caller.open, len(caller.asked)) == (0, 1)


async def test_a_model_that_is_not_there_is_refused_before_anything_is_asked(database: Database) -> None:
    caller = PacedCaller()
    session = Session(speed_routes(database, caller, _find))
    reply = await session.post("/api/v1/bench/speed", {"model": "p/m", "against": "nobody"})
    assert (reply.status, reply.json["code"]) == (404, "model.not_found")
    assert not caller.asked
    assert (await session.post("/api/v1/bench/speed", {"model": "p/m", "repeats": 2})).status == 400


async def test_the_table_has_every_number_with_its_unit_and_interval() -> None:
    caller = PacedCaller(wait_s=lambda number: 0.001 * number, usage=Usage(output=9))
    found = await measure(caller, msgspec.structs.replace(QUICK, slo=Slo(total_ms=1000)), "p/a", "p/b")
    text = as_text(found)
    assert "closed, 2 at once; 3 repeats of 4 (AB BA AB)" in text
    for words in ("to the first piece, p50 (ms)", "between tokens, p99 (ms)", "bytes/s, one answer", "answers/s within the bounds"):
        assert words in text
    assert "own side: " in text
    assert "too few requests" in text
    assert all(len(line) < 180 for line in text.splitlines())


def _find(name: str) -> Deployment:
    if name != "p/m":
        raise NotFound("model.not_found", f"There is no model {name!r}.")
    return Deployment(id="p/m", provider="p", model="m", upstream_model="m")
