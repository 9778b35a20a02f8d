"""Sources of an answer's words: the ``annotations`` of an ``output_text``."""

from __future__ import annotations

from assay.core import Citation
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.openai_responses.fields import NAME

_URL_FIELDS = {"type", "url", "title", "start_index", "end_index"}


def read_citations(annotations: object) -> tuple[Citation, ...]:
    """Those of any kind; one that is not an address on the web is kept whole in ``extra``."""
    if type(annotations) is not list:
        return ()
    return tuple([_read_citation(annotation) for annotation in annotations if type(annotation) is dict])


def _read_citation(fields: Json) -> Citation:
    url, title = fields.get("url"), fields.get("title")
    start, end = fields.get("start_index"), fields.get("end_index")
    plain = fields.get("type") == "url_citation" and type(start) is int and type(end) is int
    if plain and type(url) is str and type(title) is str:
        rest = {key: value for key, value in fields.items() if key not in _URL_FIELDS}
        return Citation(url=url, title=title, start=start, end=end, extra={NAME: rest} if rest else {})
    name = fields.get("filename")
    return Citation(
        url=url if type(url) is str else None,
        title=title if type(title) is str else name if type(name) is str else None,
        extra={NAME: fields},
    )


def write_citation(citation: Citation, losses: Losses) -> Json | None:
    """None for a source without an address: this protocol knows files of its own provider only."""
    extra = citation.extra.get(NAME, {})
    if "type" in extra:
        return extra
    if citation.url is None:
        losses.drop("citations")
        return None
    if citation.quote is not None:
        losses.approximate("citations", "without quotes")
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or "",
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
        **extra,
    }
