"""What a request may use at most, before anybody knows: this much is set aside of budgets and limits until it is known.

Input: a token is at least a byte of the body, so its bytes bound its tokens. Pictures, sound and files in base64 are not text: each
counts as its bytes, `MEDIUM_TOKENS` at most. Output: what the request says (its own field, times the answers it wants), else the
model's own bound or the setting ``reserve_output_tokens``, whichever is less.

Covered: every text. *Not covered*: what a request only names (a picture or a file by its address, a thread kept by the provider), a
document of so many pages that it has more tokens than a medium, and input that a provider charges above its input price, such as
what it writes to its cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from assay.core import Deployment, Price
from assay.core.money import MTOK

MEDIUM_TOKENS = 16_384
"""More than any provider of 2026 counts for one picture; of a document in PDF, six pages or so."""
USUAL_BYTES = 4
"""Of text, per token: what a limit per minute is checked with, since it is put right at once."""

_SCANNED_FROM = 16_384
_OUTPUT = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_BOUNDS = frozenset((*_OUTPUT, "n", "generationConfig"))
_MARKS = (b"base64,", b'"data"')
_SHORTEST = 1024

_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Generation(msgspec.Struct):
    max_output: _Count | None = msgspec.field(name="maxOutputTokens", default=None)
    candidates: _Count | None = msgspec.field(name="candidateCount", default=None)


_count = msgspec.json.Decoder(_Count)
_generation = msgspec.json.Decoder(_Generation)


class Most(msgspec.Struct, frozen=True, gc=False):
    """``input`` and ``output`` tokens at most; ``usual`` is about how many there will be in all, if all the output is used."""

    input: int
    output: int
    usual: int


def most_of(body: bytes, fields: Mapping[str, msgspec.Raw], deployment: Deployment, default: int) -> Most:
    """The bound of a request that is a JSON document, by its top-level ``fields``."""
    size, media = len(body), 0
    if size > _SCANNED_FROM:
        for length in _media(body):
            size -= length
            media += min(length, MEDIUM_TOKENS)
    says_nothing = _BOUNDS.isdisjoint(fields) and deployment.max_output is None
    output = default if says_nothing else _output(fields, deployment, default)
    return Most(size + media, output, size // USUAL_BYTES + media + output)


def most_of_form(body: bytes, default: int) -> Most:
    """The bound of a form with a file."""
    size = min(len(body), MEDIUM_TOKENS)
    return Most(size, default, size + default)


def price_of(most: Most, price: Price) -> int:
    """What it costs at most, in nano-units: `Price.cost` of as much input and output, without looking at buckets that are empty."""
    if price.over is not None and price.over_tokens is not None and most.input > price.over_tokens:
        return price_of(most, price.over)
    return (most.input * price.input + most.output * price.output + MTOK // 2) // MTOK


def _output(fields: Mapping[str, msgspec.Raw], deployment: Deployment, default: int) -> int:
    said = [count for name in _OUTPUT if (raw := fields.get(name)) is not None and (count := _read(raw)) is not None]
    answers = _read(fields["n"]) if "n" in fields else None
    if "generationConfig" in fields:
        try:
            generation = _generation.decode(fields["generationConfig"])
        except msgspec.MsgspecError:
            generation = _Generation()
        said += [generation.max_output] if generation.max_output is not None else []
        answers = generation.candidates
    bound = deployment.max_output
    output = max(said) if said else default
    return (output if bound is None else min(output, bound)) * max(1, answers or 1)


def _read(raw: msgspec.Raw) -> int | None:
    try:
        return _count.decode(raw)
    except msgspec.MsgspecError:
        return None


def _media(body: bytes) -> Iterator[int]:
    """The lengths of what stands in base64 in a body: after a mark, up to the quote that ends it."""
    for mark in _MARKS:
        at = body.find(mark)
        while at >= 0:
            begin = at + len(mark)
            if mark == _MARKS[1]:
                begin = body.find(b'"', begin, begin + 8) + 1 or len(body)
            end = body.find(b'"', begin)
            if end < 0:
                break
            if end - begin >= _SHORTEST:
                yield end - begin
            at = body.find(mark, end)
