"""Sources of an answer's words: ``annotations`` of the type ``url_citation``."""

from __future__ import annotations

from assay.core import Citation
from assay.wire.fields import Json
from assay.wire.openai_chat.fields import left_over

_WORDS = ("url", "title")
_PLACES = {"start_index": "start", "end_index": "end"}


def read_citation(annotation: object) -> Citation | None:
    """None for an annotation of another type, or one that is not what the protocol says."""
    if type(annotation) is not dict or annotation.get("type") != "url_citation":
        return None
    body = annotation.get("url_citation")
    if type(body) is not dict:
        return None
    known: Json = {key: body[key] for key in _WORDS if type(body.get(key)) is str}
    known |= {mine: body[key] for key, mine in _PLACES.items() if type(body.get(key)) is int}
    rest = {key: value for key, value in body.items() if key not in _WORDS and key not in _PLACES}
    return Citation(**known, extra=left_over(rest))


def write_citation(citation: Citation) -> Json:
    """The annotation; places that are not known are those of nothing, since the protocol demands some."""
    body: Json = {
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
        "title": citation.title or "",
        "url": citation.url or "",
    }
    return {"type": "url_citation", "url_citation": body}
