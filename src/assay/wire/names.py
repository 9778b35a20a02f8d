"""Names of tools that every protocol takes: letters, digits, ``_`` and ``-``, 64 at most, and a letter or ``_`` first.

Gemini's clients may name a tool ``files.read`` or ``fs:list``, which others refuse. Such names are changed on the way to the
upstream, the same way every time, and changed back in its answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from assay.core import Event, Message, Part, PartOpened, Request, ToolCall, Transcript

_FITS = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
_MISFIT = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_LENGTH = 8


def fit_names(request: Request) -> tuple[Request, Mapping[str, str]]:
    """``request`` with names that fit, and how to read them back: fitted name -> the client's."""
    names = [tool.name for tool in request.tools]
    names += [part.name for message in request.transcript.messages for part in message.parts if isinstance(part, ToolCall)]
    misfits = {name: _fitted(name) for name in names if name and not _FITS.fullmatch(name)}
    if not misfits:
        return request, {}
    choice = request.tool_choice
    if choice is not None and choice.name in misfits:
        choice = msgspec.structs.replace(choice, name=misfits[choice.name])
    fitted = msgspec.structs.replace(
        request,
        transcript=Transcript(tuple(_fit_message(message, misfits) for message in request.transcript.messages)),
        tools=tuple(msgspec.structs.replace(tool, name=misfits.get(tool.name, tool.name)) for tool in request.tools),
        tool_choice=choice,
    )
    return fitted, {new: old for old, new in misfits.items()}


def unfit(event: Event, names: Mapping[str, str]) -> Event:
    """``event`` with the client's own name of a tool."""
    if isinstance(event, PartOpened) and isinstance(event.part, ToolCall) and event.part.name in names:
        return msgspec.structs.replace(event, part=msgspec.structs.replace(event.part, name=names[event.part.name]))
    return event


def _fitted(name: str) -> str:
    mark = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    fitted = _MISFIT.sub("_", name)
    first = "" if fitted[:1].isalpha() else "_"
    return f"{first}{fitted}"[: 63 - _HASH_LENGTH] + f"_{mark}"


def _fit_message(message: Message, misfits: Mapping[str, str]) -> Message:
    return msgspec.structs.replace(message, parts=tuple(_fit_part(part, misfits) for part in message.parts))


def _fit_part(part: Part, misfits: Mapping[str, str]) -> Part:
    if isinstance(part, ToolCall) and part.name in misfits:
        return msgspec.structs.replace(part, name=misfits[part.name])
    return part
