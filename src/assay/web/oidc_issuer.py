"""An issuer of OpenID Connect, as far as signing in needs it: its metadata, its keys, and the identity behind a code.

Facts: OpenID Connect Core 1.0 (3.1.3.7 says what of an ID token is to be checked), Discovery 1.0, RFC 7636 (PKCE), RFC 8725 (the
pitfalls of JWTs), RFC 9207 (the issuer in the answer).

Covered: a token of another issuer or for another client; no algorithm, or one that takes a public key for a secret; a replayed
token (its nonce is another's); a key that the issuer has replaced; an issuer whose metadata leads elsewhere: only names at the
issuer's own host may lead into a private network.
Not covered: tokens encrypted to us; issuers that sign with anything but RS256 and ES256; several issuers at once.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from assay.core import Forbidden, InvalidInput, Settings, Unavailable
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.origin import Origin, read_url, write_head
from assay.web.access import is_loopback

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
"""What tokens may be signed with, and the kind of key that takes."""

FRESH_S = 3600
"""How long metadata and keys are good for; a token with a key that is not known makes them be fetched anew, but not more often
than every `AGAIN_S`."""
AGAIN_S = 5
LEEWAY_S = 60
_MOST_BYTES = 1024 * 1024

_T = TypeVar("_T")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""


class Issuer:
    """Asked through ``client``. ``settings`` must name an issuer; `check_settings` says whether they are sound."""

    def __init__(self, settings: Settings, client: Client):
        self._url = settings.oidc_issuer
        self._host = urlsplit(settings.oidc_issuer).hostname
        self._client_id = settings.oidc_client_id
        self._secret = read_client_secret(settings.oidc_client_secret_file)
        self._client = client
        self._timeouts = Timeouts(connect_s=5, first_byte_s=10, idle_s=10, total_s=20)
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._keys: tuple[dict[str, Any], ...] = ()
        self._fetched_at = float("-inf")

    async def metadata(self) -> Metadata:
        """What the issuer says of itself.

        Raises:
            Unavailable: ``oidc.unreachable``, ``oidc.bad_answer``, ``oidc.other_issuer``.
        """
        async with self._lock:
            if self._metadata is None or time.monotonic() - self._fetched_at > FRESH_S:
                await self._fetch()
            assert self._metadata is not None
            return self._metadata

    async def identify(self, code: str, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
        """The claims about whoever came back with ``code``, all checked.

        Raises:
            Forbidden: ``oidc.code_refused``, ``oidc.bad_token``. Unavailable: as `metadata`.
        """
        tokens = await self._redeem(code, verifier, redirect_uri)
        claims = await self._check(tokens.id_token, nonce)
        metadata = await self.metadata()
        if "email" in claims or metadata.userinfo_endpoint is None or not tokens.access_token:
            return claims
        headers = {"authorization": f"Bearer {tokens.access_token}"}
        more = await self._ask("GET", metadata.userinfo_endpoint, dict[str, Any], headers=headers)
        if more.get("sub") != claims["sub"]:
            raise _bad_token("its subject is another than that of the user's facts")
        return more | claims

    async def _redeem(self, code: str, verifier: str, redirect_uri: str) -> _Tokens:
        metadata = await self.metadata()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self._secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id} | ({"client_secret": self._secret} if self._secret else {})
        return await self._ask("POST", metadata.token_endpoint, _Tokens, urlencode(form).encode(), headers)

    async def _check(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that is signed by the issuer, for us, now, and for this sign-in."""
        import jwt  # imported when needed: with its cryptography it takes as long to load as the rest of the pages

        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise _bad_token(f"it is signed by {str(algorithm)[:20]!r}, which is not taken")
            key = jwt.PyJWK(await self._key(header.get("kid"), algorithm), algorithm)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._client_id,
                issuer=(await self.metadata()).issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "sub", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _bad_token(f"{type(error).__name__}") from error
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise _bad_token("it names nobody")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), nonce.encode()):
            raise _bad_token("its nonce belongs to another sign-in")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client_id) != self._client_id:
            raise _bad_token("it was given to another client")
        return claims

    async def _key(self, id: object, algorithm: str) -> dict[str, Any]:
        """The issuer's key of that id; where it has one key only, tokens need not say which."""
        await self.metadata()
        if (key := self._find(id, algorithm)) is None:
            async with self._lock:
                if time.monotonic() - self._fetched_at > AGAIN_S:
                    await self._fetch()
            key = self._find(id, algorithm)
        if key is None:
            raise _bad_token("the issuer has no such key")
        return key

    def _find(self, id: object, algorithm: str) -> dict[str, Any] | None:
        fitting = [
            key
            for key in self._keys
            if key.get("kty") == ALGORITHMS[algorithm] and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
        ]
        if id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.get("kid") == id), None)

    async def _fetch(self) -> None:
        metadata = await self._ask("GET", f"{self._url.rstrip('/')}/.well-known/openid-configuration", Metadata)
        if metadata.issuer.rstrip("/") != self._url.rstrip("/"):
            raise Unavailable(
                "oidc.other_issuer",
                f"The issuer at {self._url!r} says that it is {metadata.issuer[:200]!r}.",
                hint="Set `oidc_issuer` to what it says, if that is whom you mean.",
            )
        self._keys = (await self._ask("GET", metadata.jwks_uri, _Keys)).keys
        self._metadata = metadata
        self._fetched_at = time.monotonic()

    async def _ask(self, method: str, url: str, kind: type[_T], body: bytes = b"", headers: Mapping[str, str] | None = None) -> _T:
        """A JSON document of the issuer's. Redirects are not followed."""
        origin, target = self._place(url)
        told = {"accept": "application/json", "user-agent": "assay", "accept-encoding": "identity", **(headers or {})}
        try:
            head = write_head(method, origin, target, told)
            response = await self._client.send(origin, head, body, self._timeouts)
            await response.begin()
            said = await response.read_all(_MOST_BYTES)
        except Fault as fault:
            raise Unavailable(
                "oidc.unreachable",
                f"{origin} cannot be reached to sign you in: {fault.message}",
                hint="Try again, or tell an admin.",
            ) from fault
        try:
            if method == "POST" and 400 <= response.status < 500:
                raise _refused(msgspec.json.decode(said, type=_Refusal).error)
            if response.status != 200:
                raise _bad_answer(url, f"HTTP {response.status}")
            return msgspec.json.decode(said, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _bad_answer(url, f"HTTP {response.status}, {str(error)[:200]}") from error

    def _place(self, url: str) -> tuple[Origin, str]:
        parts = urlsplit(url)
        try:
            origin, _ = read_url(parts._replace(query="", fragment="").geturl())
        except InvalidInput as error:
            raise _bad_answer(self._url, f"the address {url[:200]!r}") from error
        if origin.socket is not None or not (origin.tls or is_loopback(origin.host)):
            raise _bad_answer(self._url, f"the address {url[:200]!r}, which is not https")
        if origin.host == self._host:
            origin = msgspec.structs.replace(origin, private=True)  # the admin named this host
        return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def check_settings(settings: Settings) -> None:
    """Whether people can be sent to the issuer that is set, if one is.

    Raises:
        InvalidInput: ``settings.oidc``.
    """
    if not settings.oidc_issuer:
        return
    parts = urlsplit(settings.oidc_issuer)
    if parts.query or parts.fragment or not parts.hostname or (parts.scheme != "https" and not is_loopback(parts.hostname)):
        raise InvalidInput(
            "settings.oidc",
            f"{settings.oidc_issuer[:200]!r} cannot be an issuer.",
            hint="Write its https:// address, without a query.",
            param="oidc_issuer",
        )
    if not settings.oidc_client_id:
        raise InvalidInput(
            "settings.oidc",
            "An issuer is set, but not what it calls this Assay.",
            hint="Set `oidc_client_id`.",
            param="oidc_client_id",
        )
    for rule in settings.oidc_roles:
        if not all(rule.partition("=")):
            raise InvalidInput(
                "settings.oidc",
                f"{rule[:100]!r} is no rule.",
                hint="Write CLAIM=VALUE, such as groups=platform.",
                param="oidc_roles",
            )
    read_client_secret(settings.oidc_client_secret_file)


def read_client_secret(path: Path | None) -> str:
    """The client's secret; empty where no file is set.

    Raises:
        InvalidInput: ``settings.oidc``: it cannot be read, or is empty.
    """
    if path is None:
        return ""
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput("settings.oidc", f"The secret file {str(path)!r} cannot be read: {reason}.") from error
    if not secret:
        raise InvalidInput("settings.oidc", f"The secret file {str(path)!r} is empty.", param="oidc_client_secret_file")
    return secret


def _refused(code: str) -> Forbidden:
    plain = code if code.isidentifier() and len(code) <= 40 else "no reason"
    return Forbidden(
        "oidc.code_refused",
        f"The issuer did not take its own code back: {plain}.",
        hint="Sign in again. Where it says invalid_client, `oidc_client_id` or the secret is another than the issuer's.",
    )


def _bad_token(reason: str) -> Forbidden:
    return Forbidden(
        "oidc.bad_token", f"What the issuer says of you cannot be trusted: {reason}.", hint="Sign in again, or tell an admin."
    )


def _bad_answer(url: str, reason: str) -> Unavailable:
    return Unavailable(
        "oidc.bad_answer", f"The issuer did not answer as it must at {url[:200]!r}: {reason}.", hint="Tell an admin."
    )
