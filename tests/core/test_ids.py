"""Ids and times."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.core import iso, new_id


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {uuid.UUID(found).version for found in ids} == {7}
    assert {uuid.UUID(found).variant for found in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 1000
    stamps = [found[:13] for found in ids]
    assert stamps == sorted(stamps)


def test_ids_are_made_in_order_also_when_the_clock_stands_or_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    ids = [new_id() for _ in range(3000)]
    now -= 86_400_000_000_000
    ids += [new_id() for _ in range(3000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 6000
    assert {uuid.UUID(found).variant for found in ids} == {uuid.RFC_4122}


def test_no_two_threads_and_no_forked_child_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [one for some in threads.map(lambda _: [new_id() for _ in range(2000)], range(8)) for one in some]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(new_id() for _ in range(300)).encode())
        os._exit(0)
    mine = [new_id() for _ in range(300)]
    os.waitpid(child, 0)
    theirs = os.read(reading, 300 * 36).decode()
    os.close(reading)
    os.close(writing)
    everything = [*made, *mine, *(theirs[at : at + 36] for at in range(0, len(theirs), 36))]
    assert len({one[15:] for one in everything}) == len(everything) == 16_600


def test_times_are_written_in_utc() -> None:
    assert iso(1_795_000_000_123_456) == "2026-11-18T11:06:40.123456Z"
