"""What an import comes to, and how it is put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from assay.core import Alias, Provider
from assay.core.holder import Limits, Scopes
from assay.store.vault import Secret

Outcome: TypeAlias = Literal["carried", "approximated", "left_out"]
"""What became of one line: it means the same here, nearly the same, or nothing."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 48
_NOT_A_PLACE = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
"""Of an address."""
_OWN_NAMES = (".local", ".internal", ".lan", ".svc", ".home.arpa", ".localhost")
"""Ends of names that are nobody's in public: RFC 6762, RFC 8375, RFC 6761, ICANN's resolution 2024.07.29.06, and Kubernetes' own."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one line: ``at`` is where it stands, ``said`` what became of it and why, ``way_out`` what to do instead."""

    outcome: Outcome
    at: str
    said: str
    way_out: str | None = None
    line: int | None = None


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that clients of the other gateway hold. It goes on working here under the same text; ``owner`` is whose it is.

    ``budget_nano`` is what is left of its money, in nano-dollars; ``expires`` is in microseconds UTC. None: without bound.
    """

    name: str
    secret: Secret | None
    owner: str | None = None
    budget_nano: int | None = None
    expires: int | None = None
    limits: Limits = Limits()
    scopes: Scopes = Scopes()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything to do. ``providers`` are tables as ``assay.toml`` writes them, none for a shipped row that is right as it is.

    ``keys_of`` are provider keys in clear, which belong in the vault; ``variables`` the environment variables in which the other
    providers that are used look for theirs.
    """

    source: str
    settings: dict[str, Any]
    providers: dict[str, dict[str, Any]]
    aliases: dict[str, Alias]
    keys_of: dict[str, tuple[Secret, ...]]
    variables: dict[str, tuple[str, ...]]
    client_keys: tuple[ClientKey, ...]
    notes: tuple[Note, ...]

    def count(self, outcome: Outcome) -> int:
        """How many lines came to that."""
        return sum(note.outcome == outcome for note in self.notes)


class Site:
    """One address with one key: what becomes a provider here. ``row`` is where it differs from the shipped row ``like``."""

    def __init__(self, like: str | None, row: Mapping[str, Any], variables: tuple[str, ...], keys: tuple[Secret, ...]):
        self.like = like
        self.row = dict(row)
        self.variables = variables
        self.keys = keys
        self.models: dict[str, dict[str, Any]] = {}
        self.name = ""

    def is_same(self, other: Site) -> bool:
        """Whether both are one provider, whatever their models."""
        ours, theirs = (self.like, self.row, self.variables, self.keys), (other.like, other.row, other.variables, other.keys)
        return ours == theirs


class Draft:
    """A plan while it is being put together. ``lines`` say where each place stands in the file."""

    def __init__(self, source: str, shipped: Mapping[str, Provider], lines: Mapping[str, int]):
        self.source = source
        self.shipped = shipped
        self.settings: dict[str, Any] = {}
        self.aliases: dict[str, Alias] = {}
        self.client_keys: list[ClientKey] = []
        self.notes: list[Note] = []
        self._lines = lines
        self._sites: list[Site] = []

    def note(self, outcome: Outcome, at: str, said: str, way_out: str | None = None) -> None:
        """Say what became of the line ``at``."""
        self.notes.append(Note(outcome=outcome, at=at, said=said, way_out=way_out, line=self._lines.get(at)))

    def site(self, site: Site) -> Site:
        """``site``, or the one like it that is known already. What its address holds beside the place itself is left out: it may be
        a secret, and the address is for a file."""
        base = str(site.row.get("base_url", ""))
        if (place := _NOT_A_PLACE.sub("", base)) != base:
            site.row["base_url"] = place
            said = "a user, password or query in its address, which may hold a secret."
            self.note("left_out", host_of(place) or place, said, "Seal the key with `assay provider add`.")
        for known in self._sites:
            if known.is_same(site):
                return known
        self._sites.append(site)
        return site

    def name_sites(self) -> None:
        """Give every site its name. Of those like one shipped row, the one that differs least has the row's own name."""
        taken = set(self.shipped)
        for site in sorted(self._sites, key=lambda site: (len(site.row), len(site.keys), site.variables != self._usual(site))):
            if site.like is not None and all(other.name != site.like for other in self._sites):
                site.name = site.like
            else:
                site.name = _free(_wish(site), taken)
                taken.add(site.name)

    def finish(self) -> Plan:
        """The plan; `name_sites` came before."""
        return Plan(
            source=self.source,
            settings=self.settings,
            providers={site.name: table for site in self._sites if (table := self._table(site))},
            aliases=self.aliases,
            keys_of={site.name: site.keys for site in self._sites if site.keys},
            variables={site.name: site.variables for site in self._sites if site.variables},
            client_keys=tuple(self.client_keys),
            notes=tuple(sorted(self.notes, key=lambda note: note.line or 0)),
        )

    def _usual(self, site: Site) -> tuple[str, ...]:
        return self.shipped[site.like].key_env if site.like is not None else ()

    def _table(self, site: Site) -> dict[str, Any]:
        """What ``assay.toml`` must say of it; nothing, where the shipped row says it all."""
        table = dict(site.row)
        if site.like is not None and site.name != site.like:
            table = {"like": site.like, **table}
        if site.variables and site.variables != self._usual(site):
            table["key_env"] = list(site.variables)
        if site.models:
            table["models"] = list(site.models.values())
        return table


def host_of(url: str) -> str:
    """The host in ``url``; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def own_network(base_url: str) -> dict[str, str]:
    """What a row says whose address is a name of one's own network, which no other row may lead to."""
    host = host_of(base_url)
    is_bare = bool(host) and "." not in host and ":" not in host
    return {"kind": "local"} if is_bare or host.endswith(_OWN_NAMES) else {}


def plain_number(number: float) -> float:
    """``number``, as an integer where it is one."""
    return int(number) if number == int(number) else number


def _wish(site: Site) -> str:
    """A name that tells the site from its like: by the host it answers at, where it has one of its own."""
    host = host_of(site.row.get("base_url", "")) or site.row.get("values", {}).get("resource", "")
    label = _NOT_IN_NAMES.sub("-", host.removeprefix("api.").removeprefix("www.").lower()).strip("-")
    if host.count(".") and not host.replace(".", "").isdigit():
        label = _NOT_IN_NAMES.sub("-", host.removeprefix("api.").removeprefix("www.").rsplit(".", 1)[0].lower()).strip("-")
    parts = [site.like] if site.like is not None else []
    parts += [label] if label else []
    return ("-".join(parts) or "provider")[:_LONGEST_NAME].strip("-")


def _free(wish: str, taken: set[str]) -> str:
    if wish not in taken:
        return wish
    number = 2
    while f"{wish}-{number}" in taken:
        number += 1
    return f"{wish}-{number}"
