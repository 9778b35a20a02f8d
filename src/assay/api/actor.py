"""Who asks, and what they may do. Whoever signs people in puts an `Actor` on each request, as ``request.state.actor``."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from starlette.requests import Request

from assay.core import AccountRole, Forbidden, Unauthorized

Role: TypeAlias = AccountRole | Literal["anyone"]
"""Who may use an endpoint: at least that role; ``anyone`` needs not even be signed in."""

_RANKS: dict[Role, int] = {"anyone": 0, "viewer": 1, "member": 2, "admin": 3}


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in. ``user`` is their account; None for whoever runs this server: the local door, a login link, the
    admin's password. ``id`` is what stands on record: the account's, or the way they came.

    A guest, whom an invitation let in, has no role: what a guest may ask is looked at before any endpoint is reached.
    """

    id: str
    name: str
    role: AccountRole | None
    user: str | None = None
    team: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether they may change what everybody uses."""
        return self.role == "admin"


def actor_of(request: Request) -> Actor | None:
    """Who asks; None where nobody is signed in."""
    actor: Actor | None = getattr(request.state, "actor", None)
    return actor


def signed_in(request: Request) -> Actor:
    """Who asks, at an endpoint that nobody reaches without having signed in."""
    actor = actor_of(request)
    assert actor is not None
    return actor


def not_signed_in() -> Unauthorized:
    """The error that says so."""
    return Unauthorized("login.needed", "You are not signed in.", hint="Open the link that `assay up` or `assay login` prints.")


def require_role(request: Request, role: Role) -> None:
    """Let whoever asks go on if their role is ``role`` or a greater one.

    Raises:
        Unauthorized: ``login.needed``. Forbidden: ``role.too_small``.
    """
    actor = actor_of(request)
    if role == "anyone":
        return
    if actor is None:
        raise not_signed_in()
    if actor.role is None or _RANKS[actor.role] >= _RANKS[role]:
        return  # guests have been let in to their own endpoints only
    raise Forbidden(
        "role.too_small",
        f"This takes the role {role!r}; you are a {actor.role}.",
        hint="Ask an admin to do it, or to change your role.",
    )
