"""A provider that can be called: the protocols it speaks, and for each the way there.

A `Way` gives every request its origin and its head: path, key and headers. Where the key is a header, a head is made once and
kept; where each request must be signed, or a token fetched, that happens here too, so that whoever sends need not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import quote

import msgspec

from assay.core import InvalidInput, NotFound, Offer, Provider, Unavailable
from assay.gateway.dialect import Dialect, Headers
from assay.gateway.framing import AwsFrames
from assay.gateway.origin import Origin, read_url, write_head, write_lines
from assay.gateway.providers.blanks import blanks_in, fill, known_values, missing_values
from assay.gateway.providers.protocols import HEADERS, PATHS
from assay.gateway.redaction import Redactor, redact
from assay.gateway.signing import Signer, make_signer, secrets_in

Operation: TypeAlias = Literal[
    "generate", "count_tokens", "models", "embeddings", "images", "image_edits", "speech", "transcription", "translation"
]

DEFAULT_KEY = "default"
"""The name of a provider's key that was given none."""

_AGENT = "assay"
_JSON = b"application/json"
_KEY_VARIABLES = {
    "sigv4": ("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"),
    "google": ("GOOGLE_APPLICATION_CREDENTIALS",),
}
"""Where clouds' own tools look for a key, beside the variables of a row."""
_MOST_HEADS = 512
"""Heads that one way keeps; model names in paths come from clients, and could be without end."""
_LONGEST_KEPT = 4096
_SEGMENTS = re.compile(r"[/\\]")


class Way:
    """One protocol at one provider."""

    __slots__ = (
        "_base",
        "_base_path",
        "_headers",
        "_heads",
        "_is_first",
        "_paths",
        "_signer",
        "_values",
        "dialect",
        "offer",
        "protocol",
        "provider",
    )

    def __init__(self, provider: Provider, protocol: str, offer: Offer, key: str | None):
        self.provider = provider
        self.protocol = protocol
        self.offer = offer
        self._values = known_values(provider)
        self._paths = {**PATHS[protocol], **offer.paths}
        self._is_first = protocol == provider.protocol
        self.dialect = Dialect(offer, protocol, addressed=[name for name, path in self._paths.items() if "{model}" in path])
        self._base: Origin
        self._base, self._base_path = self._read_url(fill(offer.base_url or provider.base_url, self._values))
        self._headers = {
            "user-agent": _AGENT,
            "accept-encoding": "identity",
            **HEADERS.get(protocol, {}),
            **_filled(offer.headers, self._values),
        }
        self._signer: Signer | None = make_signer(offer.auth or provider.auth, key, self._values.get("region"))
        if self._signer is None:
            self._headers |= _key_header(offer.auth or provider.auth, key)
        self._heads: dict[tuple[str, str, bool, bytes, tuple[tuple[bytes, bytes], ...]], tuple[Origin, bytes]] = {}

    def __repr__(self) -> str:
        return f"Way({self.provider.name!r}, {self.protocol!r})"

    @property
    def origin(self) -> Origin:
        """Where answers come from."""
        return self._base

    def offers(self, operation: Operation) -> bool:
        """Whether the provider has it in this protocol, as far as its row knows."""
        match operation:
            case "generate":
                return self.offer.answers
            case "count_tokens":
                return self.offer.counts_tokens and operation in self._paths
            case "models":
                return self._is_first and bool(self.provider.models_path)
            case _:
                return operation in self._paths and (self.offer.endpoints is None or operation in self.offer.endpoints)

    async def address(
        self,
        operation: Operation,
        model: str,
        *,
        stream: bool,
        body: bytes,
        content_type: bytes = _JSON,
        forwarded: Headers = (),
    ) -> tuple[Origin, bytes]:
        """Where to send ``body``, and the head to send before it: request line and headers, without length and empty line.

        ``forwarded`` are headers of the client's that the provider is to see; they replace those of the row.

        Raises:
            NotFound: ``provider.not_offered``. InvalidInput: a header or the model's name would break out of its line.
            Unavailable: the request cannot be signed (``provider.credentials``, ``provider.library_missing``).
        """
        path = self._path(operation, stream)
        named = model if "{model}" in path else ""
        known = (operation, named, stream, content_type, tuple(forwarded))
        head = self._heads.get(known)
        if head is None:
            head = self._write(operation, path, named, content_type, forwarded)
            # Forms have a boundary of their own each, and would drive out what comes again.
            if content_type == _JSON and len(head[1]) <= _LONGEST_KEPT:
                if len(self._heads) >= _MOST_HEADS:
                    self._heads.clear()
                self._heads[known] = head
        return head if self._signer is None else await self._sign(self._signer, head, content_type, body)

    def unframe(self) -> Callable[[bytes], bytes] | None:
        """What turns the bytes of one stream into server-sent events; None where they are such already.

        It raises `Fault` where they are no stream. Raises: Unavailable: ``provider.library_missing``.
        """
        if self.offer.framing == "sse":
            return None
        return AwsFrames(wrapped=self.protocol != "bedrock_converse").feed

    async def _sign(self, signer: Signer, head: tuple[Origin, bytes], content_type: bytes, body: bytes) -> tuple[Origin, bytes]:
        origin, lines = head
        method, target = lines.split(b" ", 2)[:2]
        is_list = method == b"GET"
        url = f"{'https' if origin.tls else 'http'}://{origin.authority}{target.decode('ascii')}"
        kind = "" if is_list else content_type.decode("latin-1")
        headers = await signer.headers(method.decode("ascii"), url, kind, b"" if is_list else body)
        return origin, lines + write_lines(headers)

    def _path(self, operation: Operation, stream: bool) -> str:
        if not self.offers(operation):
            title = self.provider.title
            what = "its models to be listed" if operation == "models" else f"{operation!r} in {self.protocol!r}"
            raise NotFound("provider.not_offered", f"{title} does not offer {what}.", hint="Ask another provider.")
        if operation == "models":
            return self.provider.models_path or ""
        if stream and operation == "generate" and "stream" in self._paths:
            return self._paths["stream"]
        return self._paths[operation]

    def _write(self, operation: Operation, path: str, model: str, content_type: bytes, forwarded: Headers) -> tuple[Origin, bytes]:
        if any(segment in (".", "..") for segment in _SEGMENTS.split(model)):
            # Escaped or not, some servers on the way would climb up to another address with our key.
            raise InvalidInput("provider.path", f"{model[:20]!r} is no model's name.", param="model")
        origin, target = self._place(fill(path, self._values).replace("{model}", quote(model, safe="-._~")))
        theirs: dict[str, str] = {}
        for raw_name, raw_value in forwarded:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            before = theirs.setdefault(name, value)
            if before != value:  # a list in several headers of one name is one list (RFC 9110, section 5.3)
                theirs[name] = f"{before}, {value}"
        for name in self.offer.header_fields:
            theirs.pop(name, None)
        headers = {name: value for name, value in self._headers.items() if name.lower() not in theirs} | theirs
        if operation == "models":
            return origin, write_head("GET", origin, target, headers)
        return origin, write_head("POST", origin, target, {**headers, "content-type": content_type.decode("latin-1")})

    def _place(self, path: str) -> tuple[Origin, str]:
        """A path may be a whole address, where one operation answers on another host."""
        if path.startswith("/"):
            return self._base, self._base_path + path
        address, mark, query = path.partition("?")
        origin, target = self._read_url(address)
        return origin, target + mark + query

    def _read_url(self, url: str) -> tuple[Origin, str]:
        """A provider that is local by its nature may be named by any name."""
        origin, path = read_url(url)
        return origin if self.provider.kind == "cloud" else msgspec.structs.replace(origin, private=True), path


def mark_of(provider: Provider, name: str, key: str | None) -> int:
    """What tells one key from all others, also from another one under the same name, for as long as this process lives."""
    return hash((provider.name, name, key))


class Access:
    """A provider entered with one of its keys. ``ways`` are the protocols it answers in, its own first; none while a parameter is
    missing. ``mark`` is the key's `mark_of`.
    """

    __slots__ = ("_all", "_provider", "mark", "name", "ways")

    def __init__(self, provider: Provider, name: str, key: str | None):
        self.name = name
        self.mark = mark_of(provider, name, key)
        self._provider = provider
        offers = {} if missing_values(provider) else provider.offers
        self._all = {protocol: Way(provider, protocol, offer, key) for protocol, offer in offers.items()}
        self.ways: Mapping[str, Way] = MappingProxyType(
            {protocol: way for protocol, way in self._all.items() if way.offers("generate")}
        )

    def __repr__(self) -> str:
        return f"Access({self._provider.name!r}, {self.name!r})"

    @property
    def all_ways(self) -> Collection[Way]:
        """Every way, those too that offer no answers."""
        return self._all.values()

    def way(self, protocol: str) -> Way:
        """The way in ``protocol`` where the provider speaks it, else in its own.

        Raises:
            NotFound: ``provider.not_offered``.
        """
        way = self.ways.get(protocol) or self.ways.get(self._provider.protocol)
        if way is None:
            raise NotFound("provider.not_offered", f"{self._provider.title} offers no answers.")
        return way

    def offering(self, operation: Operation) -> Way:
        """The way in which the provider offers ``operation``.

        Raises:
            NotFound: ``provider.not_offered``.
        """
        for way in self._all.values():
            if way.offers(operation):
                return way
        title = self._provider.title
        raise NotFound("provider.not_offered", f"{title} does not offer {operation!r}.", hint="Ask another provider.")


class Upstream:
    """A provider with its keys: ``key``, by the name `DEFAULT_KEY`, and ``more`` by theirs."""

    __slots__ = ("_echoes", "_missing", "_turn", "accesses", "has_key", "provider")

    def __init__(self, provider: Provider, key: str | None, more: Mapping[str, str] = MappingProxyType({})):
        self.provider = provider
        keys: dict[str, str | None] = {**({DEFAULT_KEY: key} if key is not None or not more else {}), **more}
        self.has_key = any(secret is not None for secret in keys.values())
        secrets = [part for secret in keys.values() if secret is not None for part in secrets_in(secret)]
        echoes = {echo for secret in secrets for echo in (secret.encode(), msgspec.json.encode(secret)[1:-1])}
        # A key may begin like another one, and then must be found before it.
        self._echoes = sorted(echoes, key=len, reverse=True)
        self._missing = missing_values(provider)
        self.accesses = tuple(Access(provider, name, secret) for name, secret in keys.items())
        self._turn = 0

    def __repr__(self) -> str:
        return f"Upstream({self.provider.name!r})"

    @property
    def is_ready(self) -> bool:
        """Whether calls can be made: a key is known or none is needed, and its address is whole."""
        return (self.has_key or self.provider.auth == "none") and not self._missing

    @property
    def ways(self) -> Mapping[str, Way]:
        """The ways that its first key opens."""
        return self.accesses[0].ways

    @property
    def all_ways(self) -> Collection[Way]:
        """Every way that its first key opens, those too that offer no answers."""
        return self.accesses[0].all_ways

    @property
    def origin(self) -> Origin:
        """Where the row's own protocol is answered."""
        return self.ways[self.provider.protocol].origin

    @property
    def dialect(self) -> Dialect:
        """The dialect of chat completions here, or else of the row's own protocol."""
        return self.way("openai_chat").dialect

    def offers(self, operation: Operation) -> bool:
        """Whether the provider has it in any protocol, as far as its row knows."""
        return any(way.offers(operation) for way in self.accesses[0].all_ways)

    def turns(self) -> tuple[Access, ...]:
        """The keys, beginning with another one each time."""
        accesses = self.accesses
        if len(accesses) == 1:
            return accesses
        self._turn = (self._turn + 1) % len(accesses)
        return accesses[self._turn :] + accesses[: self._turn]

    def way(self, protocol: str) -> Way:
        """The way in ``protocol`` where the provider speaks it, else in its own; with its first key.

        Raises:
            Unavailable: ``provider.parameter_missing``, ``provider.key_missing``. NotFound: ``provider.not_offered``.
        """
        if not self.accesses[0].ways:
            self.require_ready()
        return self.accesses[0].way(protocol)

    def offering(self, operation: Operation) -> Way:
        """The way in which the provider offers ``operation``, with its first key.

        Raises:
            NotFound: ``provider.not_offered``. Unavailable: it cannot be called at all.
        """
        self.require_ready()
        return self.accesses[0].offering(operation)

    def redact(self, text: bytes) -> bytes:
        """``text`` without any of this provider's keys, should the provider have echoed it."""
        return redact(text, self._echoes)

    def redact_words(self, words: str) -> str:
        """The same for a message."""
        return redact(words.encode("utf-8", "replace"), self._echoes).decode("utf-8", "replace")

    def redactor(self) -> Redactor:
        """The same for one answer that comes in pieces."""
        return Redactor(self._echoes)

    def require_ready(self) -> None:
        """Raise what a client should be told when no call can be made.

        Raises:
            Unavailable: ``provider.key_missing``, ``provider.parameter_missing``.
        """
        provider = self.provider
        if not self.has_key and provider.auth != "none":
            variables = " or ".join((*provider.key_env, *_KEY_VARIABLES.get(provider.auth, ())))
            way_out = f"Set {variables}, or add" if variables else "Add"
            raise Unavailable(
                "provider.key_missing",
                f"No key is known for the provider {provider.title!r}.",
                hint=f"{way_out} the key on the Providers page.",
            )
        if self._missing:
            name = self._missing[0]
            variables = " or ".join(provider.parameters[name].env)
            way_out = f"Set {variables}, or run" if variables else "Run"
            raise Unavailable(
                "provider.parameter_missing",
                f"The provider {provider.title!r} needs to know its {name!r}: {provider.parameters[name].about}",
                hint=f"{way_out} 'assay provider set {provider.name} {name}=...'.",
                param=name,
            )


def _filled(headers: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Headers without those whose optional blanks nobody filled in."""
    filled = {name: fill(value, values) for name, value in headers.items()}
    return {name: value for name, value in filled.items() if not blanks_in(value)}


def _key_header(auth: str, key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    if auth in ("bearer", "none", "sigv4", "google"):
        return {"authorization": f"Bearer {key}"}
    return {auth: key}
