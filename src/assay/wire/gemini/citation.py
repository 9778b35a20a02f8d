"""Sources of an answer: Google's grounding and citation metadata, which come with a candidate, as citations of its text.

On the wire places in a text count its bytes in UTF-8; in core they count code points.
"""

from __future__ import annotations

from typing import Any

from assay.core import Citation
from assay.wire.fields import Json
from assay.wire.gemini.fields import NAME

_MOST = 1000
_KINDS = ("web", "retrievedContext", "maps", "image")


def take_citations(candidate: Json, text: str) -> tuple[Citation, ...]:
    """Take the sources of ``text``, all that the candidate said, out of what is left of the candidate.

    What is not a source (search queries, the page's search box) stays.
    """
    citations: list[Citation] = []
    places = _Places(text)
    grounding = candidate.get("groundingMetadata")
    if type(grounding) is dict and type(grounding.get("groundingChunks")) is list:
        citations += _take_grounding(grounding, places)
        if not grounding:
            del candidate["groundingMetadata"]
    cited = candidate.get("citationMetadata")
    if type(cited) is dict:
        sources = cited.get("citationSources", cited.get("citations"))
        if type(sources) is list and all(type(source) is dict for source in sources) and len(sources) <= _MOST:
            citations += [_cited(source, places) for source in sources]
            del candidate["citationMetadata"]
    return tuple(citations)


def _take_grounding(grounding: Json, places: _Places) -> list[Citation]:
    chunks, supports = grounding["groundingChunks"], grounding.get("groundingSupports") or []
    if type(supports) is not list or not all(type(one) is dict for one in (*chunks, *supports)) or len(chunks) > _MOST:
        return []
    citations: list[Citation] = []
    used: set[int] = set()
    for support in supports:
        segment = support.get("segment")
        segment = segment if type(segment) is dict else {}
        start, end = places.of(segment.get("startIndex", 0)), places.of(segment.get("endIndex"))
        numbers = support.get("groundingChunkIndices")
        for number in numbers if type(numbers) is list else ():
            if type(number) is int and 0 <= number < len(chunks) and len(citations) < _MOST:
                used.add(number)
                citations.append(_grounded(chunks[number], start, end))
    citations += [_grounded(chunk, None, None) for number, chunk in enumerate(chunks) if number not in used]
    grounding.pop("groundingChunks")
    grounding.pop("groundingSupports", None)
    return citations


def _grounded(chunk: Json, start: int | None, end: int | None) -> Citation:
    kind = next((kind for kind in _KINDS if type(chunk.get(kind)) is dict), "web")
    source = chunk.get(kind)
    source = {**source} if type(source) is dict else {}
    url, title, quote = (_word(source.pop(key, None)) for key in ("uri", "title", "text"))
    extra: Json = {} if kind == "web" else {"kind": kind}
    if source:
        extra["source"] = source
    return Citation(url=url, title=title, quote=quote, start=start, end=end, extra={NAME: extra} if extra else {})


def _cited(source: Json, places: _Places) -> Citation:
    rest = {key: value for key, value in source.items() if key not in ("uri", "title", "startIndex", "endIndex")}
    return Citation(
        url=_word(source.get("uri")),
        title=_word(source.get("title")),
        start=places.of(source.get("startIndex", 0)),
        end=places.of(source.get("endIndex")),
        extra={NAME: {"kind": "citation", **({"source": rest} if rest else {})}},
    )


def write_citations(citations: list[Citation], text: str) -> Json:
    """``groundingMetadata`` and ``citationMetadata`` for sources of ``text``, of whichever protocol they came from."""
    places = _Places(text)
    chunks: list[Json] = []
    supports: dict[tuple[int | None, int | None], list[int]] = {}
    cited: list[Json] = []
    for citation in citations:
        extra = citation.extra.get(NAME, {})
        source = {"uri": citation.url, "title": citation.title, "text": citation.quote, **extra.get("source", {})}
        source = {key: value for key, value in source.items() if value is not None}
        span = places.bytes_of(citation.start), places.bytes_of(citation.end)
        if extra.get("kind") == "citation":
            cited.append({**source, **_span(span)})
            continue
        kind = extra.get("kind", "retrievedContext" if citation.quote is not None else "web")
        chunk = {kind: source}
        if chunk not in chunks:
            chunks.append(chunk)
        if span != (None, None):
            supports.setdefault(span, []).append(chunks.index(chunk))
    written: Json = {}
    supported: list[Json] = [
        {"segment": {**_span(span), "text": places.quote(span)}, "groundingChunkIndices": numbers}
        for span, numbers in supports.items()
    ]
    if chunks:
        written["groundingMetadata"] = {"groundingChunks": chunks, **({"groundingSupports": supported} if supported else {})}
    if cited:
        written["citationMetadata"] = {"citationSources": cited}
    return written


def _span(span: tuple[int | None, int | None]) -> Json:
    named = {"startIndex": span[0], "endIndex": span[1]}
    return {key: value for key, value in named.items() if value is not None}


def _word(value: Any) -> str | None:
    return value if type(value) is str else None


class _Places:
    """Places in a text, in bytes and in code points."""

    def __init__(self, text: str):
        self._text = text
        self._bytes = text.encode("utf-8", "replace")

    def of(self, place: object) -> int | None:
        """The code point at byte ``place``."""
        if type(place) is not int or not 0 <= place <= len(self._bytes):
            return None
        return len(self._bytes[:place].decode("utf-8", "ignore"))

    def bytes_of(self, place: int | None) -> int | None:
        """The byte at code point ``place``."""
        if place is None or place > len(self._text):
            return None
        return len(self._text[:place].encode("utf-8", "replace"))

    def quote(self, span: tuple[int | None, int | None]) -> str:
        return self._bytes[span[0] : span[1]].decode("utf-8", "ignore")
