"""Embeddings, pictures, speech and transcriptions, by OpenAI's own SDK through the gateway."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import openai
import pytest

from tests.tongues.rig import Tongues
from tests.upstream.others import PICTURE, SOUND


@pytest.fixture
def client(tongues: Tongues) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{tongues.url}/v1", api_key=tongues.key, max_retries=0, timeout=10) as client:
        yield client


def test_texts_are_embedded(client: openai.OpenAI, tongues: Tongues) -> None:
    answer = client.embeddings.create(model="chat/text-embedding", input=["two words", "three words here"], dimensions=2)
    assert [row.embedding for row in answer.data] == [[9.0, 0.5], [16.0, 0.5]]
    assert answer.usage.total_tokens == 5
    assert tongues.upstream.last.json["model"] == "text-embedding"
    assert tongues.upstream.complaints == []


def test_a_call_that_is_no_conversation_says_what_it_was(client: openai.OpenAI, tongues: Tongues) -> None:
    client.embeddings.create(model="chat/text-embedding", input="three words here")
    call = tongues.call()
    assert (call.operation, call.outcome, call.request, call.reply) == ("embeddings", "ok", None, None)
    assert call.usage is not None
    assert call.usage.input == 3


def test_a_picture_is_drawn_and_edited(client: openai.OpenAI, tongues: Tongues) -> None:
    drawn = client.images.generate(model="chat/draw", prompt="a scale")
    assert drawn.data is not None
    assert base64.b64decode(drawn.data[0].b64_json or "") == PICTURE
    edited = client.images.edit(model="chat/draw", image=("a.png", PICTURE, "image/png"), prompt="with weights")
    assert edited.data is not None
    assert tongues.upstream.complaints == []


def test_words_are_spoken(client: openai.OpenAI, tongues: Tongues) -> None:
    answer = client.audio.speech.create(model="chat/speak", voice="alloy", input="Good day.")
    assert answer.content == SOUND
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert tongues.upstream.complaints == []


def test_speech_is_written_down_even_if_the_file_talks_of_models(client: openai.OpenAI, tongues: Tongues) -> None:
    tricky = SOUND + b'\r\nContent-Disposition: form-data; name="model"\r\n\r\nanother\r\n'
    answer = client.audio.transcriptions.create(model="chat/hear", file=("a.mp3", tricky, "audio/mpeg"))
    assert answer.text
    assert tongues.upstream.complaints == []


def test_a_provider_that_offers_no_such_thing_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Anthropic does not offer 'embeddings'"):
        client.embeddings.create(model="anthropic/text", input="x")


def test_a_form_without_a_model_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="model"):
        client.post(
            "/audio/transcriptions",
            cast_to=object,
            files={"file": b"x"},
            options={"headers": {"content-type": "multipart/form-data"}},
        )
