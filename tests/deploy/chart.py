"""Renders our chart without Helm, which no package index that we use offers for every Python that we support.

What is here is the part of Go's templates (https://pkg.go.dev/text/template) and of Helm's functions that the chart uses, read
strictly: anything else is an error, so that a template which this renders says the same to Helm. Values are merged and checked
against ``values.schema.json`` as Helm does. On 2026-11-22 Helm 4's own engine, in the wheel helm-sdkpy 0.1.32 (Python 3.12 and
later), made the same documents of the chart and of both sets of values in the tests.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "assay"
_ACTION = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s()|]+|[()|]')
_OPENS = ("if", "with", "range", "define")


def render(values: Mapping[str, Any], release: str = "assay", namespace: str = "models") -> dict[str, list[Any]]:
    """The documents of each template file, by its name.

    Raises:
        jsonschema_rs.ValidationError: the values are against the schema.
    """
    defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    merged = _merged(defaults, values)
    jsonschema_rs.validator_for(json.loads((CHART / "values.schema.json").read_text("utf-8"))).validate(merged)
    about = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    root = {
        "Values": merged,
        "Release": {"Name": release, "Namespace": namespace, "Service": "Helm"},
        "Chart": {"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
    }
    templates = Templates(root)
    for file in sorted((CHART / "templates").glob("*.tpl")):
        templates.render(file.read_text("utf-8"))
    texts = {file.name: templates.render(file.read_text("utf-8")) for file in sorted((CHART / "templates").glob("*.[yt][ax][mt]*"))}
    return {
        name: [document for document in yaml.safe_load_all(text) if document] if name.endswith(".yaml") else [text]
        for name, text in texts.items()
    }


def _merged(defaults: Any, values: Any) -> Any:
    if isinstance(defaults, dict) and isinstance(values, Mapping):
        return defaults | {name: _merged(defaults.get(name), value) for name, value in values.items()}
    return values


class Templates:
    """A chart's templates, with what they define for each other."""

    def __init__(self, root: Mapping[str, Any]):
        self._root = root
        self._defined: dict[str, list[Any]] = {}

    def render(self, text: str) -> str:
        """The text that ``text`` comes to."""
        body, rest = _parse(iter(_pieces(text)))
        if rest is not None:
            raise ValueError(f"{rest!r} closes nothing")
        return self._write(body, self._root)

    def _write(self, body: list[Any], dot: Any) -> str:
        return "".join(part if isinstance(part, str) else self._act(part, dot) for part in body)

    def _act(self, part: tuple[str, str, list[Any], list[Any]], dot: Any) -> str:
        kind, words, body, other = part
        if kind == "define":
            self._defined[json.loads(words)] = body
            return ""
        value = self._evaluate(words, dot)
        if kind == "show":
            return _text(value)
        if kind == "if":
            return self._write(body if value else other, dot)
        if kind == "with":
            return self._write(body, value) if value else self._write(other, dot)
        return "".join(self._write(body, one) for one in value)

    def _evaluate(self, words: str, dot: Any) -> Any:
        tokens = _WORD.findall(words)
        value = self._pipeline(tokens, dot)
        if tokens:
            raise ValueError(f"{words!r} has {tokens!r} left over")
        return value

    def _pipeline(self, tokens: list[str], dot: Any) -> Any:
        value = self._command(tokens, dot, ())
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            value = self._command(tokens, dot, (value,))
        return value

    def _command(self, tokens: list[str], dot: Any, piped: tuple[Any, ...]) -> Any:
        first = tokens.pop(0)
        given = []
        if first in _FUNCTIONS or first == "include":
            while tokens and tokens[0] not in ("|", ")"):
                given.append(self._operand(tokens, dot))
            arguments = (*given, *piped)
            if first == "include":
                name, inner = arguments
                return self._write(self._defined[name], inner)
            return _FUNCTIONS[first](*arguments)
        tokens.insert(0, first)
        return self._operand(tokens, dot)

    def _operand(self, tokens: list[str], dot: Any) -> Any:
        word = tokens.pop(0)
        if word == "(":
            value = self._pipeline(tokens, dot)
            if tokens.pop(0) != ")":
                raise ValueError("a bracket is open")
            return value
        if word.startswith('"'):
            return json.loads(word)
        if word.isdigit():
            return int(word)
        if not word.startswith("."):
            raise ValueError(f"{word!r} is nothing that this chart may use")
        value = dot
        for name in filter(None, word.split(".")):
            if name not in value:
                raise KeyError(f"{word} is not among the values")
            value = value[name]
        return value


def _pieces(text: str) -> Iterator[str | tuple[str, str]]:
    """Texts and actions, with the space taken away that their hyphens say."""
    end, trim = 0, False
    for found in _ACTION.finditer(text):
        before = text[end : found.start()]
        before = before.lstrip() if trim else before
        yield before.rstrip() if found[1] else before
        word, _, rest = found[2].partition(" ")
        yield (word, rest) if word in (*_OPENS, "else", "end") else ("show", found[2])
        end, trim = found.end(), bool(found[3])
    yield text[end:].lstrip() if trim else text[end:]


def _parse(pieces: Iterator[str | tuple[str, str]]) -> tuple[list[Any], str | None]:
    body: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str):
            body.append(piece)
            continue
        kind, words = piece
        if kind in ("end", "else"):
            return body, kind
        inner: list[Any] = []
        other: list[Any] = []
        if kind in _OPENS:
            inner, closed = _parse(pieces)
            if closed == "else":
                other, closed = _parse(pieces)
            if closed != "end":
                raise ValueError(f"{kind} {words} is never closed")
        body.append((kind, words, inner, other))
    return body, None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise ValueError(f"{value!r} would be shown as Go writes it")
    return str(value)


def _indented(width: int, text: str) -> str:
    return "\n" + "\n".join(" " * width + line for line in text.split("\n"))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda *numbers: sum(int(number) for number in numbers),
    "contains": lambda part, text: part in text,
    "default": lambda other, value: value or other,
    "nindent": _indented,
    "not": lambda value: not value,
    "printf": lambda form, *values: form % values,
    "quote": lambda value: json.dumps(_text(value), ensure_ascii=False),
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "toYaml": lambda value: yaml.safe_dump(value, default_flow_style=False, sort_keys=True, allow_unicode=True).rstrip("\n"),
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "trunc": lambda length, text: text[:length],
}
