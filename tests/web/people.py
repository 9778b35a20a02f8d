"""People with accounts at a running server, each with a session of their own."""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core import new_id
from tests.server import Reply, RunningAssay

PASSWORD = "correct horse battery staple"


class Person(msgspec.Struct):
    """Somebody who is signed in; ``cookie`` is their session."""

    assay: RunningAssay
    id: str
    email: str
    cookie: str = ""

    def sign_in(self, password: str = PASSWORD) -> Reply:
        """Sign in, and keep the session if there is one."""
        reply = self.assay.ask("POST", "/api/v1/session", {"email": self.email, "password": password}, {"cookie": ""})
        if reply.status == 200:
            self.cookie = reply.headers["set-cookie"].split(";")[0]
        return reply

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """A request of theirs to the API."""
        return self.assay.ask(method, f"/api/v1{path}", body, {"cookie": self.cookie})

    @property
    def is_signed_in(self) -> bool:
        """Whether their session is good."""
        return bool(self.ask("GET", "/session").json["signed_in"])


def person(assay: RunningAssay, role: str = "member", **facts: Any) -> Person:
    """Somebody new, signed in."""
    email = f"{new_id()}@example.org"
    made = assay.ask("POST", "/api/v1/users", {"name": role.title(), "email": email, "role": role, **facts})
    assert made.status == 201, made.body
    assert assay.ask("POST", f"/api/v1/users/{made.json['id']}/password", {"password": PASSWORD}).status == 200
    somebody = Person(assay, made.json["id"], email)
    assert somebody.sign_in().status == 200
    return somebody
