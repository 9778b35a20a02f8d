"""Requests as values."""

from __future__ import annotations

from assay.core import Request, Sampling, Transcript, content_hash, user


def test_equal_requests_have_equal_hashes_however_their_defaults_were_made() -> None:
    said = Transcript((user("hello"),))
    bare, spelled_out = Request(model="m", transcript=said), Request(model="m", transcript=said, sampling=Sampling(seed=None))
    assert bare == spelled_out
    assert content_hash(bare) == content_hash(spelled_out)


def test_a_setting_that_was_given_is_in_the_hash() -> None:
    said = Transcript((user("hello"),))
    assert content_hash(Request(model="m", transcript=said)) != content_hash(
        Request(model="m", transcript=said, sampling=Sampling(seed=0))
    )
