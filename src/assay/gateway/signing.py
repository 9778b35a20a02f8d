"""Keys that are no plain header: signatures of AWS (Signature Version 4), and access tokens of Google.

The work is done by AWS's and Google's own libraries, which are extras and imported only when such a provider is called. A key
comes in one of these forms:

- AWS: ``ACCESS_KEY_ID:SECRET_ACCESS_KEY`` or with ``:SESSION_TOKEN`` after it; ``profile:NAME`` for the credentials that AWS's
  own tools would find under that profile; anything else is an Amazon Bedrock API key and is sent as a bearer token.
- Google: the JSON document of a service account or of ``gcloud auth application-default login``; ``application-default`` for
  what Google's own tools would find on this machine; anything else is an access token and is sent as it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from assay.core import InvalidInput, Unavailable

_ACCESS_KEY = re.compile(r"([A-Z0-9]{16,128}):([^:\s]{16,}?)(?::(\S+))?")
_PROFILE = re.compile(r"profile:(\S{1,100})")
_SERVICE = "bedrock"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TOKEN_TIMEOUT_S = 20
_APPLICATION_DEFAULT = "application-default"


class Signer(Protocol):
    """Gives each request the headers that prove who sends it."""

    async def headers(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        """The headers for one request. Raises `Unavailable`."""


def make_signer(auth: str, key: str | None, region: str | None) -> Signer | None:
    """The signer for a key; None where the key is a plain header."""
    if key is None:
        return None
    if auth == "sigv4" and (_ACCESS_KEY.fullmatch(key) or _PROFILE.fullmatch(key)):
        return AwsSigner(key, region or "")
    if auth == "google" and (key.startswith("{") or key == _APPLICATION_DEFAULT):
        return GoogleSigner(key)
    return None


def ambient_key(auth: str, environ: Mapping[str, str]) -> str | None:
    """The key that a cloud's own tools would take from the environment, in the form that `make_signer` reads."""
    if auth == "sigv4":
        access, secret, session = (
            environ.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
        )
        if access and secret:
            return ":".join(part for part in (access, secret, session) if part)
        return f"profile:{environ['AWS_PROFILE']}" if environ.get("AWS_PROFILE") else None
    if auth == "google" and (path := environ.get("GOOGLE_APPLICATION_CREDENTIALS")):
        try:
            return check_google_key(Path(path).read_text("utf-8"))
        except InvalidInput:
            # Of another kind, such as workload identity: Google's library knows them all.
            return _APPLICATION_DEFAULT
        except (OSError, UnicodeDecodeError):
            return None
    return None


def secrets_in(key: str) -> tuple[str, ...]:
    """The parts of a key that nobody may see: the key itself, and what it is put together from."""
    if (found := _ACCESS_KEY.fullmatch(key)) is not None:
        return (key, *(part for part in found.groups()[1:] if part))
    if key.startswith("{"):
        document = _read_document(key)
        return (key, *(value for name, value in document.items() if name in ("private_key", "refresh_token", "client_secret")))
    return (key,)


class AwsSigner:
    """Signs with Signature Version 4, for the service of Bedrock's endpoints."""

    def __init__(self, key: str, region: str):
        self._key = key
        self._region = region
        self._found: Any = None

    async def headers(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        """The signature of one request, which holds for 15 minutes.

        Raises:
            Unavailable: ``provider.library_missing``; ``provider.credentials``: the profile has none, or they cannot be renewed.
        """
        try:
            from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # botocore has no types
            from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # nor here
        except ImportError:
            raise library_missing("botocore", "aws") from None
        request = AWSRequest(method=method, url=url, data=body, headers={"content-type": content_type} if content_type else {})
        SigV4Auth(await self._credentials(), _SERVICE, self._region).add_auth(request)
        return {name: value for name, value in request.headers.items() if name.lower() != "content-type"}

    async def _credentials(self) -> Any:
        """botocore's own type. Those of a profile may have to be renewed over the network, so a thread asks for them."""
        from botocore.credentials import ReadOnlyCredentials  # type: ignore[import-untyped]  # botocore has no types

        if (found := _ACCESS_KEY.fullmatch(self._key)) is not None:
            return ReadOnlyCredentials(found[1], found[2], found[3])
        profile = self._key.partition(":")[2]
        try:
            return await asyncio.to_thread(self._ask_profile, profile)
        # Each of AWS's many sources of credentials fails in its own way.
        except Exception as error:
            raise Unavailable(
                "provider.credentials",
                f"AWS has no credentials for the profile {profile!r}: {error}.",
                hint="Run 'aws sts get-caller-identity --profile ...' to see why, or give an access key.",
            ) from error

    def _ask_profile(self, profile: str) -> Any:
        from botocore.session import Session  # type: ignore[import-untyped]  # botocore has no types

        if self._found is None:
            self._found = Session(profile=profile).get_credentials()
        if self._found is None:
            raise LookupError("none were found")
        return self._found.get_frozen_credentials()


class GoogleSigner:
    """Fetches an access token and keeps it until it is about to expire."""

    def __init__(self, key: str):
        self._key = key
        self._credentials: Any = None
        self._fetching = asyncio.Lock()

    async def headers(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        """The token, and who pays for the request where the credentials say so.

        Raises:
            Unavailable: ``provider.library_missing``; ``provider.credentials``: Google gave no token for them.
        """
        # `valid` turns false some minutes before Google stops accepting the token.
        if self._credentials is None or not self._credentials.valid:
            async with self._fetching:
                if self._credentials is None or not self._credentials.valid:
                    await self._fetch()
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        return headers

    async def _fetch(self) -> None:
        try:
            from google.auth import exceptions
        except ImportError:
            raise library_missing("google-auth", "google") from None
        try:
            self._credentials = self._credentials or await asyncio.to_thread(_google_credentials, self._key)
            await asyncio.to_thread(self._credentials.refresh, _ask)
        except (exceptions.GoogleAuthError, ValueError) as error:
            raise Unavailable(
                "provider.credentials",
                f"Google gave no access token: {str(error)[:300]}.",
                hint="Check that the service account exists, is enabled, and that its key was not deleted.",
                retry_after_s=5 if getattr(error, "retryable", False) else None,
            ) from error


def _google_credentials(key: str) -> Any:
    """google-auth's own type."""
    import google.auth
    from google.oauth2 import credentials, service_account

    if key == _APPLICATION_DEFAULT:
        return google.auth.default(scopes=_SCOPES)[0]
    document = _read_document(key)
    is_user = document.get("type") == "authorized_user"
    make: Any = (
        credentials.Credentials.from_authorized_user_info if is_user else service_account.Credentials.from_service_account_info
    )
    return make(document, scopes=_SCOPES)


def _read_document(key: str) -> dict[str, str]:
    document: dict[str, Any] = msgspec.json.decode(key, type=dict[str, Any])
    return {name: value for name, value in document.items() if isinstance(value, str)}


def check_google_key(key: str) -> str:
    """``key`` on one line, if it is a document that a token can be fetched for.

    Raises:
        InvalidInput: ``provider.key``.
    """
    try:
        document = _read_document(key)
    except msgspec.MsgspecError as error:
        raise _bad_document(f"it is not whole: {error}") from None
    needed = {
        "service_account": ("client_email", "private_key", "token_uri"),
        "authorized_user": ("client_id", "client_secret", "refresh_token"),
    }.get(document.get("type", ""))
    if needed is None:
        raise _bad_document("its 'type' is neither 'service_account' nor 'authorized_user'")
    if missing := [name for name in needed if not document.get(name)]:
        raise _bad_document(f"it lacks {missing[0]!r}")
    return msgspec.json.encode(document).decode()


def _bad_document(reason: str) -> InvalidInput:
    return InvalidInput(
        "provider.key",
        f"This JSON document holds no Google credentials: {reason}.",
        hint="Paste the key file of a service account as it was downloaded.",
        param="key",
    )


class _Answer(msgspec.Struct):
    """What google-auth wants to know of an HTTP answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _ask(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _Answer:
    """The HTTP transport that google-auth asks for, on the standard library; runs in a thread.

    google-auth knows only transports on top of other HTTP libraries, and one request an hour is not worth one of those.
    """
    # Imported when needed: they are much, and few providers need a token.
    import urllib.error
    import urllib.request

    from google.auth.exceptions import TransportError

    unreachable: type[Exception] = TransportError
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310  # checked below
    if request.type not in ("http", "https"):
        raise unreachable(f"{url[:100]!r} is no address of a token service")
    try:
        with urllib.request.urlopen(request, timeout=timeout or _TOKEN_TIMEOUT_S) as answer:  # noqa: S310  # checked above
            return _Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return _Answer(refused.code, dict(refused.headers), refused.read())
    except OSError as error:
        raise unreachable(f"{url[:100]!r} cannot be reached: {error}") from error


def library_missing(library: str, extra: str) -> Unavailable:
    """The error for a provider whose library is not installed."""
    return Unavailable(
        "provider.library_missing",
        f"Calling this provider needs the library {library!r}, which is not installed.",
        hint=f"Run: pip install 'modelassay[{extra}]'.",
    )
