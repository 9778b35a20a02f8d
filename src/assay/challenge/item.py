"""One piece of one's own work, ready to be asked of both contestants: a recorded prefix, and how the recording went on.

Both contestants get ``request`` word for word, each under its own name. What the recording holds after the prefix is never
shown to them as an answer: it only tells whether a tool call may go on with the recorded result.
"""

from __future__ import annotations

import msgspec

from assay.core import Message, Request, content_hash
from assay.judge import Check


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded step after the prefix: what was said then, and what the tools it called gave back (role ``tool``)."""

    said: Message
    results: tuple[Message, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of both contestants and judged once.

    ``request.model`` is empty. Items of one ``cluster`` (one conversation, one template) may stand or fall together and count
    as one observation; an empty cluster is the item's own. ``authors`` are the models that wrote the assistant's turns of the
    prefix and of the recording, where that is known. ``origin`` says where the item came from, for people (``work.jsonl:12``).
    """

    request: Request
    recorded: tuple[Exchange, ...] = ()
    cluster: str = ""
    category: str = "other"
    checks: tuple[Check, ...] = ()
    authors: tuple[str, ...] = ()
    origin: str = ""

    @property
    def id(self) -> str:
        """Content hash of what is asked and how it is checked: where an item came from does not change what it is."""
        return content_hash((self.request, self.recorded, self.checks))
