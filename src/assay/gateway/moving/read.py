"""What a file is, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

from assay.core import InvalidInput
from assay.gateway.moving.documents import Document, is_sqlite, read_tables, read_text
from assay.gateway.moving.litellm import read_litellm
from assay.gateway.moving.one_api import TABLES, read_one_api, tables_of
from assay.gateway.moving.plan import Plan
from assay.gateway.providers import shipped_providers

Product: TypeAlias = Literal["litellm", "one-api", "new-api"]
_OF_LITELLM = frozenset(("model_list", "litellm_settings", "general_settings", "router_settings", "include"))


def read_plan(path: Path, product: Product | None, environ: Mapping[str, str], today: date) -> Plan:
    """What the file at ``path`` comes to here; whose it is, is told by looking where ``product`` is None.

    Raises:
        InvalidInput: ``import.unreadable``; ``import.unknown_format``, it is none of these.
        TooLarge: ``import.too_large``.
    """
    shipped = shipped_providers()
    if is_sqlite(path):
        return read_one_api(read_tables(path, TABLES), product, shipped, today)
    document = read_text(path)
    if product in (None, "litellm") and isinstance(document.value, Mapping) and _OF_LITELLM & document.value.keys():
        return read_litellm(_with_included(document, path), shipped, environ, today)
    tables = tables_of(document.value) if product != "litellm" else None
    if tables is None:
        raise InvalidInput(
            "import.unknown_format",
            f"{path.name!r} is no configuration of LiteLLM, and no export of one-api or new-api.",
            hint="Give LiteLLM's config.yaml, the JSON of /api/channel/ or /api/token/, or one-api.db.",
        )
    return read_one_api(tables, product, shipped, today)


def _with_included(document: Document, path: Path) -> Document:
    """LiteLLM's ``include`` names files beside this one; their lists are added to its own, and other settings replace them."""
    names = document.value.get("include")
    if not isinstance(names, list):
        return document
    whole: dict[str, Any] = {name: value for name, value in document.value.items() if name != "include"}
    for name in names:
        beside = path.parent / str(name)
        if not beside.is_file():
            raise InvalidInput(
                "import.unreadable", f"{path.name!r} includes {str(name)!r}, which is not there.", hint="Give both files."
            )
        value = read_text(beside).value
        for key, more in value.items() if isinstance(value, Mapping) else ():
            both_lists = isinstance(more, list) and isinstance(whole.get(key), list)
            whole[key] = [*whole[key], *more] if both_lists else more
    return Document(whole, document.lines, document.twice)
