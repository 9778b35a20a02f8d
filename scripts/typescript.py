"""Writes web/src/lib/types.ts, what the page knows of the API, from the endpoints themselves: ``make reference``. A test compares.

Interfaces are the Structs that endpoints take and give, with their docstrings. A field may be missing where the server leaves
out a default, or fills in one that was not sent.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect as types

from assay.api import Endpoint
from assay.core import Problem, Settings
from assay.web.compose import assemble

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "web" / "src" / "lib" / "types.ts"
_NOTICE = "/** The bodies and answers of `/api/v1`. Written by `make reference` from the server's own types; edit those instead. */"


def typescript() -> str:
    """The text of the file."""
    return _Writer().write(asyncio.run(endpoints()))


async def endpoints() -> tuple[Endpoint, ...]:
    """Those of a whole Assay, brought up in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        async with assemble(Settings(data=Path(folder) / "data", master_key=Path(folder) / "secret" / "master.key")) as assay:
            return assay.endpoints


class _Writer:
    """Collects declarations by name, each before those that it needs."""

    def __init__(self) -> None:
        self._declared: dict[str, str] = {}
        self._of: dict[str, type] = {}

    def write(self, endpoints: Iterable[Endpoint]) -> str:
        self._name(Problem, is_sent=False)
        streams: set[int] = set()
        for endpoint in endpoints:
            for kind, is_sent in ((endpoint.takes, True), (endpoint.gives, False)):
                if kind not in (None, bytes):
                    self._type(types.type_info(kind), kind, is_sent)
            if endpoint.events and id(endpoint.events) not in streams:
                streams.add(id(endpoint.events))
                cases = (
                    f"\n  | ({{ event: {json.dumps(event)} }} & {self._name(kind, False)})"
                    for event, kind in endpoint.events.items()
                )
                what = [word for word in endpoint.path.split("/") if word != "events" and not word.startswith("{")][-1]
                what = what.removesuffix("s")
                self._declared[f"{what.title()}Event"] = (
                    f"/** One event of a {what}. */\nexport type {what.title()}Event ={''.join(cases)};"
                )
        return "\n\n".join([_NOTICE, *self._declared.values()]) + "\n"

    def _name(self, struct: type[msgspec.Struct], is_sent: bool) -> str:
        """The name of an interface, which is declared if it is not yet."""
        name = struct.__name__
        if self._of.setdefault(name, struct) is not struct:
            raise TypeError(f"{struct.__module__} and {self._of[name].__module__} both have a {name}: rename one")
        if name not in self._declared:
            self._declared[name] = ""  # holds its place before those that it needs
            fields = "".join(f"\n  {field};" for field in self._fields(struct, is_sent))
            self._declared[name] = f"{_comment(struct)}export interface {name} {{{fields}\n}}"
        return name

    def _fields(self, struct: type[msgspec.Struct], is_sent: bool) -> Iterator[str]:
        info = types.type_info(struct)
        assert isinstance(info, types.StructType)
        if info.tag_field is not None:
            yield f"{info.tag_field}: {json.dumps(info.tag)}"
        for field in info.fields:
            may_be_missing = not field.required and (is_sent or struct.__struct_config__.omit_defaults)
            mark = "?" if may_be_missing else ""
            yield f"{field.encode_name}{mark}: {self._type(field.type, struct, is_sent)}"

    def _type(self, info: types.Type, within: Any, is_sent: bool) -> str:
        """The TypeScript of a type that stands in the Struct ``within``."""
        match info:
            case types.StructType(cls=struct):
                return self._name(struct, is_sent)
            case types.LiteralType(values=values):
                return self._literal(values, within)
            case types.UnionType(types=members):
                ordered = sorted(members, key=lambda member: isinstance(member, types.NoneType))
                return " | ".join(self._type(member, within, is_sent) for member in ordered)
            case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
                return f"Array<{self._type(item, within, is_sent)}>"
            case types.TupleType(item_types=items):
                return f"[{', '.join(self._type(item, within, is_sent) for item in items)}]"
            case types.DictType(key_type=key, value_type=value):
                return f"Record<{self._type(key, within, is_sent)}, {self._type(value, within, is_sent)}>"
        plain = {types.StrType: "string", types.BoolType: "boolean", types.NoneType: "null", types.AnyType: "unknown"}
        numbers = {types.IntType: "number", types.FloatType: "number"}
        return (plain | numbers)[type(info)]

    def _literal(self, values: Iterable[Any], within: Any) -> str:
        """The words themselves, or the name that they have in the module of the Struct or of one that it derives from; the package's
        name goes before one that means something else elsewhere."""
        for parent in inspect.getmro(within):
            for known_as, known in vars(sys.modules[parent.__module__]).items():
                if get_origin(known) is Literal and set(get_args(known)) == set(values):
                    words = f" = {_words(get_args(known))};"
                    for name in (known_as, f"{parent.__module__.split('.')[1].title()}{known_as}"):
                        declared = f"export type {name}{words}"
                        if self._declared.setdefault(name, declared) == declared:
                            return name
                    raise TypeError(f"{parent.__module__} has two {known_as}: rename one")
        return _words(sorted(values))


def _words(values: Iterable[Any]) -> str:
    return " | ".join(json.dumps(value) for value in values)


def _comment(struct: type[msgspec.Struct]) -> str:
    said = inspect.cleandoc(struct.__doc__ or "").replace("``", "`")
    lines = re.sub(r"\bNone\b", "null", said).splitlines()
    if len(lines) <= 1:
        return f"/** {lines[0]} */\n" if lines else ""
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(typescript(), "utf-8")
