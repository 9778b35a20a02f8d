"""Questions that their authors ask not to be shown, taken out of what leaves this machine or is put on a page.

One place for logs, exports and pages: ask `is_hidden` once for a run, and pass everything through `redacted`. Words become a mark with
their length; no hash, from which short answers could be guessed. What was found, and why, may quote the question, and goes, too; the
outcome, the value, the parts, costs and times stay.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from assay.bench.outcome import Scored
from assay.bench.result import Result
from assay.bench.spec import Spec
from assay.bench.task import Sample
from assay.core import Message, Text, Transcript

_Shown = TypeVar("_Shown", str, Message, Transcript, Sample, Scored, Result)


def is_hidden(gated: bool, spec: Spec) -> bool:
    """Whether what is said in the run ``spec`` may not be shown; ``gated``: as its task says."""
    return gated and not spec.unlocked


def redacted(shown: _Shown) -> _Shown:
    """``shown`` without the words of question and answer. Never changes what is stored."""
    return cast(_Shown, _redacted(shown))


def _redacted(shown: Any) -> Any:
    match shown:
        case str():
            return _mark(shown)
        case Message():
            text = "\n".join(getattr(part, "text", type(part).__name__) for part in shown.parts)
            return Message(role=shown.role, parts=(Text(text=_mark(text)),) if shown.parts else ())
        case Transcript():
            return Transcript(tuple(redacted(message) for message in shown.messages))
        case Sample():
            fields = {name: _mark(str(value)) for name, value in shown.fields.items()}
            return msgspec.structs.replace(shown, fields=fields, target=None)
        case Scored():
            return msgspec.structs.replace(shown, extracted=shown.extracted and _mark(shown.extracted), detail="")
        case _:
            return msgspec.structs.replace(
                shown,
                transcript=shown.transcript and redacted(shown.transcript),
                message=shown.message and redacted(shown.message),
                scored=shown.scored and redacted(shown.scored),
            )


def _mark(text: str) -> str:
    return f"[withheld: {len(text):,} characters]" if text else ""
