"""One row of the table of the API: a method, a path, and a handler whose own signature says what it takes and gives.

    async def create_key(self, request: Request, body: NewKey) -> MadeKey: ...

    Endpoint("POST", "/api/v1/keys", plane.create_key, status=201)

A handler is reached by those whose role is at least ``role``. It takes ``body`` (a type that is read from JSON, or `bytes`), ``query``, both or neither; it gives a value that is sent as JSON, None for an empty answer, or a
`Response` of its own. The routes, the OpenAPI document and the page's TypeScript are all read from the same rows.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial, wraps
from http import HTTPStatus
from types import NoneType
from typing import Any, Literal, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.api.actor import Role, require_role
from assay.api.body import read_body, read_json, read_query
from assay.api.record import Change, record

LARGEST_BODY = 64 * 1024
JSON = "application/json"

Handler = Callable[..., Awaitable[Any]]
Events = Mapping[str, type[msgspec.Struct]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Endpoint(Route):
    """A route that knows its types.

    ``gives`` is needed only where the handler makes its `Response` itself; ``media`` is then what that holds, and ``events``
    the data of each event of a stream. ``largest`` bounds the body, in bytes. ``summary`` is the handler's docstring.

    ``role`` is the least that whoever asks must have: a viewer's for GET and a member's for the rest, if nothing else is said.
    Whatever is not read only goes on record when it went well, with the names of the fields that came; the values of those in
    ``tells`` too, since they are no secrets. ``on_record`` is off where nothing is changed, or another record is kept.
    """

    def __init__(
        self,
        method: Method,
        path: str,
        handler: Handler,
        *,
        status: int = HTTPStatus.OK,
        gives: Any = None,
        media: str = JSON,
        events: Events | None = None,
        largest: int = LARGEST_BODY,
        role: Role | None = None,
        tells: Collection[str] = (),
        on_record: bool = True,
    ):
        hints = get_type_hints(handler, include_extras=True)
        self.method = method
        self.takes = hints.get("body")
        self.query = hints.get("query")
        self.gives = gives or (hints["return"] if hints["return"] not in (NoneType, Response) else None)
        self.status = HTTPStatus.NO_CONTENT if hints["return"] is NoneType else status
        self.media = media
        self.events = events or {}
        self.summary = " ".join((inspect.getdoc(handler) or "").split())
        self.role: Role = role or ("viewer" if method == "GET" else "member")
        self.is_on_record = on_record and method != "GET"
        self._tells = frozenset(tells)
        self._largest = largest
        super().__init__(path, self._answering(handler), methods=[method])
        self.path = self.path_format  # `{name:path}`, which takes slashes too, is `{name}` to whoever reads the table

    @property
    def params(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"{(\w+)}", self.path)

    def _answering(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def answer(request: Request) -> Response:
            require_role(request, self.role)
            given: dict[str, Any] = {}
            if self.query is not None:
                given["query"] = read_query(request, self.query)
            if self.takes is bytes:
                given["body"] = await read_body(request, self._largest)
            elif self.takes is not None:
                given["body"] = await read_json(request, self.takes, self._largest)
            said = await handler(request, **given)
            if self.is_on_record:
                await record(request, Change.of(self.method, self.path, request.path_params, given.get("body"), said, self._tells))
            if isinstance(said, Response):
                return said
            return Response(status_code=self.status) if said is None else respond(said, self.status)

        return answer


def respond(value: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """``value`` as JSON, which nobody on the way may keep."""
    return Response(msgspec.json.encode(value), status, {"cache-control": "no-store", **(headers or {})}, media_type=JSON)


def given_by(action: Callable[..., Any]) -> Any:
    """What ``action``, which may be a `partial`, says that it returns."""
    return get_type_hints(action.func if isinstance(action, partial) else action)["return"]
