"""Sources of a text, in both directions.

A citation says where in a document its words stand, in one of five ways (``char_location``, ``page_location``,
``content_block_location``, ``search_result_location``, ``web_search_result_location``). Core keeps the words, the title and the
address; the place within the document stays in ``extra``. A text block is cited as a whole, so ``start`` and ``end`` span it.
"""

from __future__ import annotations

from assay.core import Citation
from assay.wire.anthropic.fields import NAME, left_over
from assay.wire.fields import Json, take_str, wrong
from assay.wire.losses import Losses

_OF_DOCUMENTS = ("char_location", "page_location", "content_block_location")


def read_citation(value: object, at: str, length: int) -> Citation:
    """One element of ``citations``, or the ``citation`` of a delta; ``length`` is that of the text, in code points."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    title_key = "document_title" if fields.get("type") in _OF_DOCUMENTS else "title"
    title = take_str(fields, title_key, at)
    quote = take_str(fields, "cited_text", at)
    url = take_str(fields, "url", at)
    source = fields.get("source")
    if url is None and type(source) is str and source.startswith(("https://", "http://")):
        url = source
    return Citation(url=url, title=title, quote=quote, start=0, end=length, extra=left_over(fields))


def write_citation(citation: Citation, losses: Losses) -> Json | None:
    """The citation as this protocol has it; None for one of another protocol that names no address."""
    extra = citation.extra.get(NAME)
    if extra is not None:
        kind = extra.get("type")
        title_key = "document_title" if kind in _OF_DOCUMENTS else "title"
        fields: Json = {**extra, "cited_text": citation.quote or "", title_key: citation.title}
        if citation.url is not None and "source" not in extra:
            fields["url"] = citation.url
        return fields
    if citation.url is None:
        losses.drop("citations")
        return None
    losses.approximate("citations")
    return {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title,
        "cited_text": citation.quote or "",
        "encrypted_index": "",
    }
