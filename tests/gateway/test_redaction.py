"""A provider's key never comes back out, however it is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.redaction import Redactor, redact

KEY = b"sk-aab-aab-c"
WORDS = st.lists(st.sampled_from([KEY, KEY[:5], KEY[5:], b"sk-", b"aab-", b"c", b"\n", b"\xff\x00", b"plain words"]), max_size=12)


@given(words=WORDS, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_what_comes_in_pieces_is_redacted_like_the_whole(words: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(words)
    at = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    redactor = Redactor([KEY])
    told = b"".join(redactor.feed(whole[begin:end]) for begin, end in pairwise(at)) + redactor.end()
    assert told == redact(whole, [KEY])
    assert KEY not in told


def test_nothing_is_held_back_that_is_no_beginning_of_a_key() -> None:
    redactor = Redactor([KEY, b"another"])
    assert redactor.feed(b"words\n\n") == b"words\n\n"
    assert redactor.feed(b"words s") == b"words "
    assert redactor.feed(b"o") == b"so"
    assert Redactor([]).feed(b"words") == b"words"
