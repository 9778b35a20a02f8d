"""All SQL of work that was brought in: collections by name, and their items in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from assay.challenge.item import Item
from assay.challenge.work.brought import Brought
from assay.core import Conflict, InvalidInput, NotFound, iso, now_us
from assay.store import Database, Row, Sql

Mode: TypeAlias = Literal["new", "add", "replace"]
"""Where a collection of that name is there: refuse, add to it what it lacks, or put the new one in its place."""

UPSERT_WORK = Sql("""
    INSERT INTO challenge_work (name, at, format, origin) VALUES (:name, :at, :format, :origin)
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, format = excluded.format, origin = excluded.origin
""")
LOCK_WORK = Sql(
    sqlite="SELECT format, origin FROM challenge_work WHERE name = :name",
    postgresql="SELECT format, origin FROM challenge_work WHERE name = :name FOR UPDATE",
)
LIST_WORK = Sql("SELECT name, at, format, origin FROM challenge_work ORDER BY name")
COUNT_ITEMS = Sql(
    "SELECT name, category, count(*) AS items FROM challenge_work_items GROUP BY name, category ORDER BY name, category"
)
SELECT_IDS = Sql("SELECT item, number FROM challenge_work_items WHERE name = :name")
SELECT_ITEMS = Sql("SELECT body FROM challenge_work_items WHERE name = :name AND number >= :first ORDER BY number LIMIT :limit")
INSERT_ITEM = Sql("""
    INSERT INTO challenge_work_items (name, number, item, category, body) VALUES (:name, :number, :item, :category, :body)
""")
DELETE_ITEMS = Sql("DELETE FROM challenge_work_items WHERE name = :name")
DELETE_WORK = Sql("DELETE FROM challenge_work WHERE name = :name")

_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_LONGEST_ORIGIN = 1000
_PAGE = 200
_encode = msgspec.json.Encoder().encode
_item = msgspec.json.Decoder(Item)


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Work that was brought in. ``origin`` names the files, ``categories`` counts the ``items`` of each."""

    name: str
    items: int
    format: str
    origin: str
    at: str
    categories: dict[str, int]


async def save_work(db: Database, name: str, brought: Brought, *, origin: str = "", mode: Mode = "new") -> int:
    """Keep the items under ``name``; how many were added. Bringing in again what is there adds nothing, and is no error.

    Raises:
        InvalidInput: ``work.bad_name``. Conflict: ``work.name_taken``, in the mode ``new``.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "work.bad_name",
            f"{name[:80]!r} cannot name a collection.",
            hint="Use up to 64 letters, digits, '.', '_' and '-'; the first is a letter or a digit.",
            param="name",
        )
    async with db.transaction() as tx:
        there = await tx.read(LOCK_WORK, name=name)
        if mode == "replace":
            await tx.write(DELETE_ITEMS, {"name": name})
            there = []
        kept = {row["item"]: row["number"] for row in await tx.read(SELECT_IDS, name=name)}
        fresh = [item for item in brought.items if item.id not in kept] if kept else brought.items
        if not fresh:
            return 0
        if there and mode == "new":
            raise Conflict(
                "work.name_taken",
                f"There is a collection {name!r} already, with other items.",
                hint="Give another name, add to it, or replace it.",
                param="name",
            )
        before = (there[0]["format"], there[0]["origin"]) if there else ("", "")
        format, from_ = _joined(before[0], brought.format), _joined(before[1], origin)
        await tx.write(UPSERT_WORK, {"name": name, "at": now_us(), "format": format, "origin": from_})
        first = max(kept.values(), default=-1) + 1
        for start in range(0, len(fresh), _PAGE):
            await tx.write(INSERT_ITEM, _rows(name, first + start, fresh[start : start + _PAGE]))
    return len(fresh)


async def load_work(db: Database, name: str) -> tuple[Item, ...]:
    """The items of a collection, in order.

    Raises:
        NotFound: ``work.not_found``.
    """
    items: list[Item] = []
    while rows := await db.read(SELECT_ITEMS, name=name, first=len(items), limit=_PAGE):
        items += [_item.decode(row["body"]) for row in rows]
    if not items:
        raise _not_found(name)
    return tuple(items)


async def list_work(db: Database) -> list[Collection]:
    """What was brought in, by name."""
    categories: dict[str, dict[str, int]] = {}
    for row in await db.read(COUNT_ITEMS):
        categories.setdefault(row["name"], {})[row["category"]] = row["items"]
    return [_collection(row, categories.get(row["name"], {})) for row in await db.read(LIST_WORK)]


async def delete_work(db: Database, name: str) -> None:
    """Forget a collection. Challenges that were held on it keep their items.

    Raises:
        NotFound: ``work.not_found``.
    """
    async with db.transaction() as tx:
        await tx.write(DELETE_ITEMS, {"name": name})
        if not await tx.write(DELETE_WORK, {"name": name}):
            raise _not_found(name)


def _rows(name: str, first: int, items: Sequence[Item]) -> list[dict[str, str | int]]:
    return [
        {"name": name, "number": first + place, "item": item.id, "category": item.category, "body": _encode(item).decode()}
        for place, item in enumerate(items)
    ]


def _joined(before: str, now: str) -> str:
    """A list of names with another one, which is there once; one that grows too long ends with dots."""
    names = before.split(", ") if before else []
    if now in names or before.endswith("..."):
        return before
    joined = ", ".join([*names, now])
    return joined if len(joined) <= _LONGEST_ORIGIN else f"{before}, ..." if before else f"{now[:_LONGEST_ORIGIN]}..."


def _collection(row: Row, categories: dict[str, int]) -> Collection:
    return Collection(
        name=row["name"],
        items=sum(categories.values()),
        format=row["format"],
        origin=row["origin"],
        at=iso(row["at"]),
        categories=categories,
    )


def _not_found(name: str) -> NotFound:
    return NotFound(
        "work.not_found", f"There is no collection {name[:80]!r}.", hint="`assay import FILE` brings one in.", param="name"
    )
