"""Where models are: who trained them, who serves them, and the pair of both that can be called."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from assay.core.money import Price

Origin: TypeAlias = Literal["shipped", "database", "file", "environment", "flag"]
"""Where a row or a setting came from; a later one in this list wins."""
ProviderKind: TypeAlias = Literal["cloud", "local", "practice"]
Auth: TypeAlias = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "sigv4", "google", "none"]
"""How a provider wants its key: in a header, as a signature of each request (AWS), or as a token fetched for it (Google)."""
Endpoint: TypeAlias = Literal["embeddings", "images", "image_edits", "speech", "transcription", "translation"]
"""What a provider may offer beside answers."""
_Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a dialect spells thinking. Each name is a field of the body; a full stop in it leads into an object.

    ``on`` and ``off`` are the fields that turn thinking on and off, ``effort`` and ``budget`` the fields that say how much.
    ``words`` are the words that ``effort`` takes, from least to most; empty, it takes every word. ``replayed``: a message that
    asks for tools is refused when it comes back without the thoughts that led to it.
    """

    on: dict[str, Any] = {}
    off: dict[str, Any] = {}
    effort: str | None = None
    words: tuple[str, ...] = ()
    budget: str | None = None
    replayed: bool = False


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One protocol as one provider speaks it: where, with which key, and in which dialect.

    ``base_url`` is what comes before the protocol's own path; ``paths`` replaces such paths, by operation. Of the body's
    top-level fields, ``renames`` are sent under another name, ``drops`` not at all, ``clamps`` within bounds, ``swaps`` with
    another value (an object goes by its ``type``), ``defaults`` where the asker gave none, ``with_tools`` such where there are
    tools, and ``fixed`` always. ``endpoints`` is
    None where nobody knows: then every one is passed on, and the provider answers for itself. ``extensions`` are the fields
    beyond the protocol's own that the codec may use; ``thoughts`` says whether messages may bring plain thoughts back.
    ``header_fields`` are headers of a client's that belong into the body
    here, as lists.
    """

    base_url: str | None = None
    auth: Auth | None = None
    paths: dict[str, str] = {}
    headers: dict[str, str] = {}
    renames: dict[str, str] = {}
    drops: tuple[str, ...] = ()
    clamps: dict[str, tuple[float, float]] = {}
    swaps: dict[str, dict[str, Any]] = {}
    defaults: dict[str, Any] = {}
    with_tools: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    header_fields: dict[str, str] = {}
    extensions: tuple[str, ...] | None = None
    thoughts: bool = True
    reasoning: Reasoning | None = None
    stream_usage: bool = True
    framing: Literal["sse", "aws"] = "sse"
    answers: bool = True
    counts_tokens: bool = False
    stores_responses: bool = False
    endpoints: tuple[Endpoint, ...] | None = None


class Parameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A blank in a row, such as a region: ``{name}`` in its addresses and headers. Headers with an unfilled optional blank are left out.

    One that is ``made_of`` another is never asked for: it is ``like`` (a pattern), or the one of ``cases`` for the other's value.
    """

    about: str = ""
    env: tuple[str, ...] = ()
    default: str | None = None
    required: bool = True
    made_of: str | None = None
    like: str = ""
    cases: dict[str, str] = {}


class Patience(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How many seconds a provider is waited for: to be reached, to begin its answer, between two pieces of it, and in all.

    What is not given is as the settings ``connect_timeout_s`` and so on say; in all it is never longer than those say.
    """

    connect_s: _Seconds | None = None
    first_byte_s: _Seconds | None = None
    idle_s: _Seconds | None = None
    total_s: _Seconds | None = None


class Provider(Offer, frozen=True, kw_only=True, omit_defaults=True):
    """Who answers an API: a row of data, never code.

    The row itself is the offer in ``protocol``, the one that is used for clients of protocols that the provider does not
    speak; ``also`` are further protocols that it speaks itself. ``values`` fill in ``parameters``.
    """

    name: str
    title: str
    base_url: str
    protocol: str = "openai_chat"
    also: dict[str, Offer] = {}
    kind: ProviderKind = "cloud"
    auth: Auth = "bearer"
    key_env: tuple[str, ...] = ()
    parameters: dict[str, Parameter] = {}
    values: dict[str, str] = {}
    docs: str | None = None
    models_path: str | None = "/models"
    organization: str | None = None
    models: tuple[Model, ...] = ()
    timeouts: Patience | None = None
    facts: str | None = None
    origin: Origin = "shipped"

    @property
    def offers(self) -> dict[str, Offer]:
        """Every protocol it speaks, the row's own first; where an offer leaves out address, auth or a header, the row's is meant."""
        filled = {
            protocol: msgspec.structs.replace(
                offer,
                base_url=offer.base_url or self.base_url,
                auth=offer.auth or self.auth,
                headers={**self.headers, **offer.headers},
            )
            for protocol, offer in self.also.items()
        }
        return {self.protocol: self, **filled}


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Named weights or a version, as a provider lists it. Unknown facts are None."""

    name: str
    title: str | None = None
    organization: str | None = None
    context: int | None = None
    max_output: int | None = None
    licence: str | None = None
    modalities: tuple[str, ...] = ("text",)
    price: Price | None = None
    about: dict[str, str] = {}


class Deployment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model at a provider. ``id`` is ``provider/model``, and is itself an alias that clients may ask for."""

    id: str
    provider: str
    model: str
    upstream_model: str
    title: str | None = None
    price: Price | None = None
    settings: dict[str, Any] = {}
    organization: str | None = None
    max_output: int | None = None
