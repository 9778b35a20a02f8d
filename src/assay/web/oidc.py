"""Signing in elsewhere, by OpenID Connect: to the issuer and back, and whose account that is.

The way there is bound to the browser by a signed cookie with what must come back: the state, the nonce and PKCE's verifier. It is
SameSite=Lax, since the browser comes back from another site; the session's cookie stays Strict.
People are known by issuer and subject. An e-mail address counts only where the issuer says that it is verified.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from assay.api import Endpoint
from assay.core import AccountRole, AssayError, Forbidden, InvalidInput, NotFound, Settings
from assay.store.users import MAX_NAME, User, change_user, create_user, list_users, new_user, plain_email
from assay.web.access import WAY_S, Doorkeeper
from assay.web.accounts import Accounts
from assay.web.audit import AuditLog
from assay.web.oidc_issuer import Issuer

CALLBACK = "/login/oidc/callback"

_RANKS: dict[AccountRole, int] = {"viewer": 1, "member": 2, "admin": 3}


class Way(msgspec.Struct, frozen=True):
    """What must come back from the issuer, until ``expires`` (seconds since 1970)."""

    state: str
    nonce: str
    verifier: str
    expires: int


class Returned(msgspec.Struct, frozen=True):
    """With what the issuer sends somebody back."""

    code: str = ""
    state: str = ""
    iss: str = ""
    error: str = ""


def oidc_routes(settings: Settings, doorkeeper: Doorkeeper, audit: AuditLog, issuer: Issuer | None) -> list[Endpoint]:
    """The routes; without an ``issuer`` they say so."""

    def known() -> Issuer:
        if issuer is None:
            raise NotFound("oidc.not_set", "Nobody signs in elsewhere here.", hint="Set `oidc_issuer` and `oidc_client_id`.")
        return issuer

    async def begin(request: Request) -> Response:
        """Sign in elsewhere: leads to the issuer."""
        try:
            metadata = await known().metadata()
        except AssayError as error:
            return _tell(request, error)
        way = Way(_random(), _random(), _random(), int(time.time()) + WAY_S)
        asked = {
            "response_type": "code",
            "client_id": settings.oidc_client_id,
            "redirect_uri": _redirect_uri(settings, request),
            "scope": " ".join(dict.fromkeys(("openid", *settings.oidc_scopes))),
            "state": way.state,
            "nonce": way.nonce,
            "code_challenge": _challenge(way.verifier),
            "code_challenge_method": "S256",
        }
        there = metadata.authorization_endpoint
        url = f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"
        return RedirectResponse(url, HTTPStatus.SEE_OTHER, {"set-cookie": doorkeeper.way_cookie(msgspec.json.encode(way))})

    async def end(request: Request, query: Returned) -> Response:
        """Where the issuer leads back to: signs in, and goes on to the page."""
        there, address = known(), request.state.address
        try:
            claims = await _identify(there, request, query)
            user = await find_account(settings, doorkeeper.accounts, claims)
        except AssayError as error:
            await audit.refused(address, "oidc", error.code)
            return _tell(request, error, doorkeeper.way_cookie(b""))
        account = doorkeeper.accounts.get(user.id)
        assert account is not None
        await audit.signed_in(account.actor(), address, "oidc")
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        for cookie in (doorkeeper.way_cookie(b""), doorkeeper.cookie(doorkeeper.session_cookie(account))):
            response.headers.append("set-cookie", cookie)
        return response

    async def _identify(issuer: Issuer, request: Request, query: Returned) -> dict[str, Any]:
        if query.error:
            reason = query.error if query.error.isidentifier() and len(query.error) <= 40 else "it does not say why"
            raise Forbidden("oidc.refused", f"The issuer did not let you in: {reason}.", hint="Sign in again, or tell an admin.")
        way = _read_way(doorkeeper.way_of(request.scope))
        if way is None or not hmac.compare_digest(query.state.encode("utf-8", "replace"), way.state.encode()):
            raise Forbidden(
                "oidc.state",
                "This sign-in was not begun in this browser, or took too long.",
                hint="Begin again; the browser must keep cookies, and come back to the same address that it began at.",
            )
        if query.iss not in {"", (await issuer.metadata()).issuer}:
            raise Forbidden("oidc.state", "Another issuer answered than the one that was asked.", hint="Begin again.")
        return await issuer.identify(query.code, way.verifier, way.nonce, _redirect_uri(settings, request))

    return [
        Endpoint("GET", "/login/oidc", begin, status=HTTPStatus.SEE_OTHER, role="anyone"),
        Endpoint("GET", "/login/oidc/callback", end, status=HTTPStatus.SEE_OTHER, role="anyone"),
    ]


async def find_account(settings: Settings, accounts: Accounts, claims: dict[str, Any]) -> User:
    """Whose account it is: that of the subject, else the one with the verified e-mail address, else a new one where such are made.

    Raises:
        Forbidden: ``oidc.unknown``, ``oidc.domain``, ``oidc.no_role``, ``oidc.disabled``, ``oidc.other_subject``.
    """
    subject, email = f"{claims['iss']}|{claims['sub']}", _verified_email(claims)
    if settings.oidc_domains and (email or "").rpartition("@")[2] not in {domain.lower() for domain in settings.oidc_domains}:
        raise Forbidden(
            "oidc.domain",
            "Only people with a verified e-mail address of certain domains get in here.",
            hint="Use your work account; an admin sets `oidc_domains`.",
        )
    role = role_of(settings, claims)
    users = await list_users(accounts.db)
    user = next((user for user in users if user.subject == subject), None)
    user = user or next((user for user in users if email is not None and user.email == email), None)
    if user is None:
        role = role or settings.oidc_default_role or None
        if role is None:
            raise Forbidden(
                "oidc.unknown",
                "The issuer knows you, but nobody has made an account for you here.",
                hint="Ask an admin to make one with your e-mail address, or to set `oidc_default_role`."
                + ("" if email is not None else " The issuer does not say that your e-mail address is verified."),
            )
        user = await create_user(accounts.db, new_user(_name(claims, email), email=email, role=role, subject=subject))
        await accounts.changed()
    elif user.disabled is not None:
        raise Forbidden("oidc.disabled", "Your account is disabled.", hint="Ask an admin.")
    elif user.subject not in {None, subject}:
        raise Forbidden(
            "oidc.other_subject",
            "The account with your e-mail address belongs to somebody else at the issuer.",
            hint="Ask an admin.",
        )
    elif (user.subject, user.role) != (subject, role or user.role):
        user = await change_user(accounts.db, user.id, subject=subject, role=role or user.role)
        await accounts.changed()
    return user


def role_of(settings: Settings, claims: dict[str, Any]) -> AccountRole | None:
    """The greatest role that a rule gives, else the one for all others. None where there are no rules: accounts keep their own.

    Raises:
        Forbidden: ``oidc.no_role``: there are rules, and none is for them.
    """
    given = [role for rule, role in settings.oidc_roles.items() if _applies(rule, claims)]
    if given:
        return max(given, key=_RANKS.__getitem__)
    if settings.oidc_roles and not settings.oidc_default_role:
        raise Forbidden(
            "oidc.no_role",
            "The issuer knows you, but nothing that it says of you gives you a role here.",
            hint="Ask an admin which group you should be in; they set `oidc_roles`.",
        )
    return (settings.oidc_default_role or None) if settings.oidc_roles else None


def _applies(rule: str, claims: dict[str, Any]) -> bool:
    """Whether a claim has a value: ``groups=platform``, or ``realm_access.roles=platform`` for one within another."""
    name, _, value = rule.partition("=")
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    return value in found if isinstance(found, list) else found == value


def _verified_email(claims: dict[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
        return None
    try:
        return plain_email(email)
    except InvalidInput:
        return None


def _name(claims: dict[str, Any], email: str | None) -> str:
    for said in (claims.get("name"), claims.get("preferred_username"), email):
        if isinstance(said, str) and (plain := "".join(filter(str.isprintable, said)).strip()):
            return plain[:MAX_NAME]
    return "somebody"


def _redirect_uri(settings: Settings, request: Request) -> str:
    """Where the issuer is to lead back to. The guard has checked that the host is ours."""
    here = settings.public_url.rstrip("/") or f"http://{request.headers['host']}"
    return here + CALLBACK


def _random() -> str:
    return secrets.token_urlsafe(32)


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _read_way(kept: bytes | None) -> Way | None:
    way = None if kept is None else msgspec.json.decode(kept, type=Way)
    return way if way is not None and way.expires > time.time() else None


def _tell(request: Request, error: AssayError, cookie: str | None = None) -> Response:
    """An error on a page of its own: whoever is here has come from another site, and the page has not begun."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    lines = "".join(f"<p>{escape(line)}</p>" for line in (error.message, error.hint) if line)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark"><title>Assay: not signed in</title><h1>You are not signed in</h1>'
        f'{lines}<p><a href="/login/oidc">Sign in again</a> · <a href="/">Go to Assay</a></p><p><small>{escape(error.code)}</small></p>'
    )
    return HTMLResponse(page, error.status, {} if cookie is None else {"set-cookie": cookie})
