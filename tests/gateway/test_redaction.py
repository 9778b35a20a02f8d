"""A provider's key never comes back out, however it is cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.redaction import Redactor, redact
from assay.store import Database
from assay.store.queries import get_bodies
from tests.gateway.rig import Wire, chunk, running, told

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


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_stream_that_repeats_the_key_leaves_it_nowhere(db: Database, tmp_path: Path, path: str) -> None:
    """Passed through or translated: in the answer, in the error that ends it, or on record."""

    async def repeating(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        await wire.event(chunk({"role": "assistant", "content": "you sent sk-upstream"}))
        await wire.event({"error": {"message": "Incorrect API key provided: sk-upstream", "type": "server_error"}})
        await wire.end_stream()

    body = b'{"model":"up/m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"Good day."}]}'
    async with told(repeating) as upstream, running(db, tmp_path, upstream.url) as gateway:
        reply = await gateway.ask("POST", path, body, authorization=f"Bearer {gateway.key}")
        assert b"you sent [key]" in reply.body
        assert b"provided: [key]" in reply.body
        call = await gateway.call()
        kept = await get_bodies(db, [call.reply or ""], [call.id])
        assert b"you sent [key]" in kept[call.reply or ""]
        for told_of in (reply.body, *kept.values(), repr(call).encode()):
            assert b"sk-upstream" not in told_of
