"""What answers can hold beside words, as the official SDKs see it over all sixteen pairs."""

from __future__ import annotations

import base64
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.tongues.conftest import Talks
from tests.tongues.rig import PAIRS, PROTOCOLS, Tongues, deployment
from tests.upstream.scripts import BUCKETS

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=[f"{client}>{upstream}" for client, upstream in PAIRS])
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
clients = pytest.mark.parametrize("client", PROTOCOLS)


@pairs
@ways
def test_a_refusal_is_told_from_an_answer(talks: Talks, client: str, upstream: str, stream: bool) -> None:
    """Two protocols have words for it; in the others it shows by the reason why the answer ended."""
    heard = talks(client, upstream, "refusal", stream=stream).ask("Go on.")
    assert heard.text == "I cannot do that."
    if client == "openai_chat":
        message = heard.raw.choices[0].message
        assert heard.stop == "content_filter" or (message.refusal == heard.text and not message.content)
    elif client == "openai_responses":
        parts = [part.type for item in heard.raw.output for part in item.content]
        assert heard.stop == "incomplete:content_filter" or (heard.stop, parts) == ("completed", ["refusal"])
    else:
        assert heard.stop == {"anthropic": "refusal", "gemini": "SAFETY"}[client]


FILTERED = {"openai_chat": "content_filter", "openai_responses": "incomplete:content_filter", "anthropic": "refusal"}


@pairs
@ways
def test_a_filter_is_named(talks: Talks, client: str, upstream: str, stream: bool) -> None:
    heard = talks(client, upstream, "filter", stream=stream).ask("Go on.")
    assert heard.text == "filtered"
    if client == "gemini":
        assert heard.stop == ("PROHIBITED_CONTENT" if upstream == "gemini" else "SAFETY")
    else:
        assert heard.stop == FILTERED[client]


@pairs
@ways
def test_a_stop_at_a_sequence_is_a_stop(talks: Talks, client: str, upstream: str, stream: bool) -> None:
    """Only Anthropic's upstreams say which sequence it was, and only Anthropic's clients can be told."""
    heard = talks(client, upstream, "sequence", stream=stream).ask("Go on.")
    assert heard.text == "one two"
    if (client, upstream) == ("anthropic", "anthropic"):
        assert (heard.stop, heard.raw.stop_sequence) == ("stop_sequence", "END")
    else:
        stops = {"openai_chat": "stop", "openai_responses": "completed", "anthropic": "end_turn", "gemini": "STOP"}
        assert heard.stop == stops[client]


@pairs
@ways
def test_sources_are_cited_or_listed_as_lost(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    heard = talks(client, upstream, "cited", stream=stream).ask("What is the moon?")
    assert heard.text == "The moon is rock."
    found = citations(client, heard.raw)
    losses = tongues.call().losses
    if found:
        assert len(found) == 1
        url, title = found[0]
        assert title == "notes.txt"
        assert url == (None if upstream == "anthropic" else "https://example.org/notes")
    else:
        assert "dropped:citations" in losses


def citations(client: str, raw: Any) -> list[tuple[str | None, str]]:
    """The address and the title of each source."""
    match client:
        case "openai_chat":
            sources = [one.url_citation for one in raw.choices[0].message.annotations or ()]
            return [(source.url or None, source.title) for source in sources]
        case "openai_responses":
            notes = [note for item in raw.output for part in item.content for note in part.annotations]
            return [(note.url, note.title) for note in notes]
        case "anthropic":
            notes = [note for block in raw.content for note in block.citations or ()]
            return [(getattr(note, "url", None), getattr(note, "title", None) or note.document_title) for note in notes]
    candidate = raw[-1].candidates[0]
    if candidate.citation_metadata:
        return [(note.uri, note.title) for note in candidate.citation_metadata.citations]
    chunks = candidate.grounding_metadata.grounding_chunks if candidate.grounding_metadata else ()
    return [(chunk.web.uri, chunk.web.title) if chunk.web else (None, chunk.retrieved_context.title) for chunk in chunks]


@pairs
@ways
def test_tokens_that_were_cached_or_thought_are_told_apart(talks: Talks, client: str, upstream: str, stream: bool) -> None:
    """As far as the upstream tells them: Google does not say what was written."""
    heard = talks(client, upstream, "usage", stream=stream, thinking=True).ask("Go on.")
    written = BUCKETS.cache_write_5m + BUCKETS.cache_write_1h if upstream != "gemini" else 0
    match client:
        case "openai_chat":
            used = heard.raw.usage
            assert (used.prompt_tokens, used.completion_tokens) == (BUCKETS.input, BUCKETS.output)
            assert used.prompt_tokens_details.cached_tokens == BUCKETS.cache_read
            assert used.completion_tokens_details.reasoning_tokens == BUCKETS.reasoning
        case "openai_responses":
            used = heard.raw.usage
            assert used.input_tokens_details.cached_tokens == BUCKETS.cache_read
            assert used.output_tokens_details.reasoning_tokens == BUCKETS.reasoning
            assert used.total_tokens == BUCKETS.input + BUCKETS.output
        case "anthropic":
            used = heard.raw.usage
            assert used.cache_read_input_tokens == BUCKETS.cache_read
            assert (used.cache_creation_input_tokens or 0) == written
            assert used.input_tokens == BUCKETS.input - BUCKETS.cache_read - written
        case "gemini":
            used = heard.raw[-1].usage_metadata
            assert used.cached_content_token_count == BUCKETS.cache_read
            assert used.thoughts_token_count == BUCKETS.reasoning
            assert used.total_token_count == BUCKETS.input + BUCKETS.output


PDF = b"%PDF-1.4 " + bytes(range(50))
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)


@pairs
def test_a_document_arrives_with_all_its_bytes(tongues: Tongues, client: str, upstream: str) -> None:
    kind = "application/pdf"
    said = ask_with(tongues, client, deployment(upstream, "media"), kind, PDF)
    assert said == f"{kind} {len(PDF)} bytes"
    assert tongues.upstream.complaints == []


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", ["openai_chat", "gemini"])
def test_sound_arrives_or_is_listed_as_lost(tongues: Tongues, client: str, upstream: str) -> None:
    """Anthropic's and OpenAI's Responses take no sound."""
    said = ask_with(tongues, client, deployment(upstream, "media"), "audio/wav", WAV)
    if upstream in ("openai_chat", "gemini"):
        assert said == f"audio/wav {len(WAV)} bytes"
    else:
        assert said == "nothing"
        assert "dropped:audio" in tongues.call().losses
    assert tongues.upstream.complaints == []


def ask_with(tongues: Tongues, client: str, model: str, kind: str, data: bytes) -> str:
    """What is answered to a question with a file."""
    tongues.upstream.complaints.clear()
    encoded = base64.b64encode(data).decode()
    match client:
        case "openai_chat":
            part: Any = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:{kind};base64,{encoded}"}}
            if kind == "audio/wav":
                part = {"type": "input_audio", "input_audio": {"data": encoded, "format": "wav"}}
            messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]
            with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0) as ours:
                return ours.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""
        case "openai_responses":
            given: Any = {"type": "input_file", "filename": "a.pdf", "file_data": f"data:{kind};base64,{encoded}"}
            asked: Any = [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, given]}]
            with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0) as ours:
                return ours.responses.create(model=model, input=asked).output_text
        case "anthropic":
            block: Any = {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": kind, "data": encoded}}
            content: Any = [block, {"type": "text", "text": "What is this?"}]
            with anthropic.Anthropic(base_url=tongues.url, api_key=tongues.key, max_retries=0) as theirs:
                answer = theirs.messages.create(model=model, max_tokens=500, messages=[{"role": "user", "content": content}])
                return "".join(block.text for block in answer.content if block.type == "text")
    options = types.HttpOptions(base_url=tongues.url)
    with genai.Client(api_key=tongues.key, http_options=options) as googles:
        parts: Any = [types.Part(text="What is this?"), types.Part.from_bytes(data=data, mime_type=kind)]
        return googles.models.generate_content(model=model, contents=parts).text or ""
