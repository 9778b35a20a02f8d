"""The protocol's name, what is kept of its fields that core has no word for, and the ids that we make.

Of an item, ``extra`` keeps what belongs to the item and not to what it says under ``item.``, such as ``item.phase``. The ids of
items say nothing, and equal words under different ids are equal; only thoughts keep an upstream's id (``item.id``), for where
they are known by nothing else.
"""

from __future__ import annotations

import hashlib

from assay.core import Extra
from assay.wire.fields import Json

NAME = "openai_responses"

MADE = "_asy"
"""How an id goes on, after the kind of its item, that was made here and not by an upstream."""

_OF_ITEM = "item."
_LONGEST_CALL_ID = 64


def left_over(fields: Json) -> Extra:
    """``extra`` for the fields that nobody took."""
    return {NAME: fields} if fields else {}


def take_id(fields: Json) -> Json:
    """Take the id of a thought as ``extra`` keeps it, unless it is one that we made."""
    item_id = fields.pop("id", None)
    return {} if type(item_id) is not str or is_made(item_id) else {"item.id": item_id}


def of_item(extra: Json) -> Json:
    """The fields of the item itself."""
    return {key[len(_OF_ITEM) :]: value for key, value in extra.items() if key.startswith(_OF_ITEM)} if extra else {}


def of_part(extra: Json) -> Json:
    """The others."""
    return {key: value for key, value in extra.items() if not key.startswith(_OF_ITEM)} if extra else {}


def as_item(fields: Json) -> Json:
    """Fields of an item, named as ``extra`` keeps them."""
    return {_OF_ITEM + key: value for key, value in fields.items()}


def is_made(item_id: str) -> bool:
    """Whether an id is one that we made."""
    return item_id.partition("_")[2].startswith(MADE[1:])


def make_id(kind: str, of: str) -> str:
    """An id as this protocol has them: a short word for the kind of item, and what tells it from others."""
    return f"{kind}{MADE}{of}"


def short_id(call_id: str) -> str:
    """A call's id that OpenAI takes: one of more than 64 characters is cut, and stays unique by a piece of its hash."""
    if 0 < len(call_id) <= _LONGEST_CALL_ID:
        return call_id
    digest = hashlib.sha256(call_id.encode()).hexdigest()[:24]
    return call_id[: _LONGEST_CALL_ID - 25] + "_" + digest if call_id else f"call_{digest}"
