"""Ids and times."""

import uuid

from assay.core import iso, new_id


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {uuid.UUID(found).version for found in ids} == {7}
    assert {uuid.UUID(found).variant for found in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 1000
    stamps = [found[:13] for found in ids]
    assert stamps == sorted(stamps)


def test_times_are_written_in_utc() -> None:
    assert iso(1_795_000_000_123_456) == "2026-11-18T11:06:40.123456Z"
