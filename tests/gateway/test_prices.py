"""From what each provider counts to what it costs: no token twice, none for nothing, each at its own price.

The figures of the first tests are those of complaints about other gateways; prices are in dollars per million tokens.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Money, Price, Usage
from assay.wire import openai_chat
from assay.wire.anthropic import usage as anthropic_usage
from assay.wire.anthropic.usage import read_usage as read_anthropic
from assay.wire.bedrock_converse.usage import read_usage as read_bedrock
from assay.wire.gemini import usage as gemini_usage
from assay.wire.gemini.usage import read_usage as read_gemini
from assay.wire.openai_chat import usage as chat_usage
from assay.wire.openai_chat.usage import read_usage as read_chat
from assay.wire.openai_responses import usage as responses_usage
from assay.wire.openai_responses.usage import read_usage as read_responses

BUCKETS = tuple(name for name in Usage.__struct_fields__ if name not in ("reported", "estimated"))


def dollars(input: str, output: str, **more: str) -> Price:
    """A price per million tokens."""
    return Price(**{name: Money.of(amount).nano for name, amount in {"input": input, "output": output, **more}.items()})  # type: ignore[arg-type]  # all are whole numbers


def test_anthropic_cache_reads_and_writes_have_their_own_prices() -> None:
    """LiteLLM 11364: 98,805 tokens, most read from the cache or written to it, were billed at 0.047 dollars instead of 0.364."""
    price = dollars("5", "25", cache_read="0.5", cache_write_5m="6.25", cache_write_1h="10")
    native = {"input_tokens": 10, "cache_read_input_tokens": 66_360, "cache_creation_input_tokens": 32_435, "output_tokens": 5120}
    details = {"cached_tokens": 66_360, "cache_creation_tokens": 32_435}
    through_another_gateway = {
        "prompt_tokens": 98_805,
        "completion_tokens": 5120,
        "total_tokens": 103_925,
        "prompt_tokens_details": details,
    }
    for usage in (read_anthropic(native), read_chat(through_another_gateway)):
        assert price.cost(usage) == Money.of("0.36394875")


def test_an_hour_in_the_cache_is_dearer_than_five_minutes() -> None:
    """LiteLLM pull request 31724: writes for an hour were billed at the price of those for five minutes, in streams."""
    price = dollars("3", "15", cache_read="0.3", cache_write_5m="3.75", cache_write_1h="6")
    native = {
        "input_tokens": 15,
        "output_tokens": 47,
        "cache_creation_input_tokens": 4803,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4803},
    }
    details = {"cached_tokens": 0, "text_tokens": 15, "cache_creation_tokens": 4803}
    details_by_time = details | {
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4803}
    }
    openai = {"prompt_tokens": 4818, "completion_tokens": 47, "total_tokens": 4865, "prompt_tokens_details": details_by_time}
    for usage in (read_anthropic(native), read_chat(openai)):
        assert price.cost(usage) == Money.of("0.029568")


def test_what_gemini_read_from_its_cache_by_itself_is_cheaper() -> None:
    """LiteLLM 16341: implicit cache hits of Gemini were counted as nothing; 14849: and elsewhere twice."""
    price = dollars("1.25", "10", cache_read="0.625")
    counted = {
        "promptTokenCount": 262_960,
        "cachedContentTokenCount": 257_955,
        "candidatesTokenCount": 1744,
        "totalTokenCount": 264_704,
    }
    through_openai = {
        "prompt_tokens": 262_960,
        "completion_tokens": 1744,
        "total_tokens": 264_704,
        "prompt_tokens_details": {"cached_tokens": 257_955, "text_tokens": 262_960},
    }
    for usage in (read_gemini(counted), read_chat(through_openai)):
        assert price.cost(usage) == Money.of("0.184918125")


def test_cached_tokens_of_a_stream_are_found_wherever_its_usage_stands() -> None:
    """LiteLLM 29145 and 36168: a usage beside an empty choice was dropped, and all was billed as read anew."""
    price = dollars("0.28", "0.42", cache_read="0.028")
    last = {
        "choices": [{"index": 0, "delta": {}}],
        "usage": {
            "prompt_tokens": 16_111,
            "completion_tokens": 2,
            "total_tokens": 16_113,
            "prompt_tokens_details": {"cached_tokens": 15_872},
        },
    }
    first = {"id": "x", "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (first, last)) + b"data: [DONE]\n\n"
    usage = openai_chat.read_answer(body, stream=True).usage
    assert usage == Usage(input=239, cache_read=15_872, output=2)
    assert price.cost(usage) == Money.of("0.000512176")


def test_deepseeks_hits_and_misses_are_the_prompt() -> None:
    """DeepSeek's API reference, 2026-11: ``prompt_tokens`` is the sum of both."""
    counted = {
        "prompt_tokens": 100,
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
        "completion_tokens": 5,
        "total_tokens": 105,
    }
    assert read_chat(counted) == Usage(input=36, cache_read=64, output=5)


def test_thinking_is_billed_wherever_it_is_counted() -> None:
    """new-api 6265 and any-llm 1290: what a model thought was left out of the bill. Inside of the answer's count (OpenAI), beside it and
    named (xAI), or in the total only (Gemini through others)."""
    inside = {
        "prompt_tokens": 20,
        "completion_tokens": 603,
        "total_tokens": 623,
        "completion_tokens_details": {"reasoning_tokens": 405},
    }
    beside = {
        "prompt_tokens": 20,
        "completion_tokens": 198,
        "total_tokens": 623,
        "completion_tokens_details": {"reasoning_tokens": 405},
    }
    unnamed = {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}
    own = {"promptTokenCount": 20, "candidatesTokenCount": 198, "thoughtsTokenCount": 405, "totalTokenCount": 623}
    responses = {"input_tokens": 20, "output_tokens": 603, "total_tokens": 623, "output_tokens_details": {"reasoning_tokens": 405}}
    for usage in (read_chat(inside), read_chat(beside), read_chat(unnamed), read_gemini(own), read_responses(responses)):
        assert usage == Usage(input=20, output=198, reasoning=405)


def test_a_cache_beside_the_prompt_is_told_by_the_total() -> None:
    """Some that speak OpenAI's protocol count as Anthropic does: cached tokens are not among the prompt's."""
    counted = {
        "prompt_tokens": 25,
        "completion_tokens": 10,
        "total_tokens": 4335,
        "prompt_tokens_details": {"cached_tokens": 4000, "cache_write_tokens": 300},
    }
    assert read_chat(counted) == Usage(input=25, cache_read=4000, cache_write_5m=300, output=10)


def test_a_long_prompt_is_billed_by_its_own_price_list_as_a_whole() -> None:
    """Cached tokens count for the step: Gemini's and Anthropic's price lists, 2026-11."""
    long = dollars("2.5", "15", cache_read="0.25")
    price = msgspec.structs.replace(dollars("1.25", "10", cache_read="0.125"), over_tokens=200_000, over=long)
    assert price.cost(Usage(input=100_000, cache_read=100_000, output=1000)) == Money.of("0.1475")
    assert price.cost(Usage(input=100_001, cache_read=100_000, output=1000)) == Money.of("0.2900025")


tokens = st.integers(0, 10**7)
usages = st.builds(Usage, **dict.fromkeys(BUCKETS, tokens))
prices = st.integers(0, 10**12)
lists = st.builds(
    Price, input=prices, output=prices, **{name: st.none() | prices for name in BUCKETS if name not in ("input", "output")}
)


@given(lists, usages)
def test_a_cost_is_the_sum_of_its_parts_rounded_once(price: Price, usage: Usage) -> None:
    exact = Fraction(0)
    for name in BUCKETS:
        kind = "output" if name in ("output", "reasoning", "audio_output", "image_output") else "input"
        own = getattr(price, name)
        exact += Fraction(getattr(usage, name) * (own if own is not None else getattr(price, kind)), 1_000_000)
    assert abs(price.cost(usage).nano - exact) <= Fraction(1, 2)


@given(lists, usages, usages)
def test_two_bills_are_one_bill_of_both(price: Price, one: Usage, other: Usage) -> None:
    """But for what was rounded: half a nano each."""
    both = Usage(**{name: getattr(one, name) + getattr(other, name) for name in BUCKETS})
    assert abs(price.cost(both).nano - price.cost(one).nano - price.cost(other).nano) <= 1


@given(lists, usages, st.sampled_from(BUCKETS), tokens)
def test_more_tokens_never_cost_less(price: Price, usage: Usage, bucket: str, more: int) -> None:
    assert price.cost(msgspec.structs.replace(usage, **{bucket: getattr(usage, bucket) + more})).nano >= price.cost(usage).nano


@given(st.data())
def test_no_reader_counts_a_token_twice(data: Any) -> None:
    """What a provider counts in all is what its buckets hold together."""
    draw = data.draw
    fresh, cached, written, said, thought = (draw(st.integers(0, 10**6)) for _ in range(5))
    long = draw(st.integers(0, written))
    whole_in, whole_out = fresh + cached + written, said + thought
    chat = {
        "prompt_tokens": whole_in,
        "completion_tokens": whole_out,
        "total_tokens": whole_in + whole_out,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
    responses = {
        "input_tokens": whole_in,
        "output_tokens": whole_out,
        "total_tokens": whole_in + whole_out,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens_details": {"reasoning_tokens": thought},
    }
    messages = {
        "input_tokens": fresh,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": written - long, "ephemeral_1h_input_tokens": long},
        "output_tokens": whole_out,
        "output_tokens_details": {"thinking_tokens": thought},
    }
    converse = {"inputTokens": fresh, "cacheReadInputTokens": cached, "cacheWriteInputTokens": written, "outputTokens": whole_out}
    google = {
        "promptTokenCount": fresh + cached,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
    }
    for usage in (read_chat(chat), read_responses(responses), read_anthropic(messages), read_bedrock(converse)):
        assert (usage.total_input, usage.total_output) == (whole_in, whole_out)
        assert (usage.input, usage.cache_read, usage.cache_write_5m + usage.cache_write_1h) == (fresh, cached, written)
    counted = read_gemini(google)
    assert (counted.input, counted.cache_read, counted.output, counted.reasoning) == (fresh, cached, said, thought)


@pytest.mark.parametrize("protocol", [anthropic_usage, gemini_usage, chat_usage, responses_usage])
@given(usage=usages)
def test_what_a_client_is_told_comes_to_the_same_in_every_protocol(protocol: Any, usage: Usage) -> None:
    """Whoever adds up what a client was told has all tokens, each once."""
    told = protocol.read_usage(protocol.write_usage(usage))
    assert (told.total_input, told.total_output) == (usage.total_input, usage.total_output)
