"""The OpenAPI 3.1 document, written from the endpoints themselves.

What cannot be said in it: the data of each event of a stream (OpenAPI has no words for streams before 3.2), which the
description names instead; and which errors an endpoint raises, so every one may answer with a `Problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from assay.api.endpoint import JSON, Endpoint, respond
from assay.core import Problem

_ABOUT = (
    "What the page and the command line use: with the session of somebody who is signed in, or without one through the local "
    "socket. Times are ISO 8601, money is whole nano-units of a currency, prices are nano-units per million tokens."
)


def document(endpoints: Sequence[Endpoint], version: str) -> Endpoint:
    """The endpoint that gives the document of ``endpoints`` and of itself. It is written when it is first asked for."""
    written: list[dict[str, Any]] = []

    async def show(request: Request) -> Response:
        """This document."""
        if not written:
            written.append(describe([*endpoints, itself], version))
        return respond(written[0])

    itself = Endpoint("GET", "/api/v1/openapi.json", show)
    return itself


def describe(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The document of ``endpoints``."""
    events = [kind for endpoint in endpoints for kind in endpoint.events.values()]
    types = [kind for endpoint in endpoints for kind in (endpoint.takes, endpoint.gives) if kind not in (None, bytes)]
    named = list(dict.fromkeys([Problem, *types, *events]))
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(named, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Assay", "version": version, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(endpoint: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.gives is not None:
        answer["content"] = {endpoint.media: {"schema": schema_of[endpoint.gives]}}
    elif endpoint.status == HTTPStatus.OK:
        answer["content"] = {endpoint.media: {}}
    if endpoint.events:
        data = (f"`{name}`: {schema_of[kind]['$ref'].rpartition('/')[2]}" for name, kind in endpoint.events.items())
        answer["description"] = f"Server-sent events, each with JSON data. {', '.join(data)}."
    problem = {"description": "What went wrong.", "content": {"application/problem+json": {"schema": schema_of[Problem]}}}
    described: dict[str, Any] = {
        "summary": endpoint.summary,
        "responses": {str(int(endpoint.status)): answer, "default": problem},
    }
    if parameters := [*_path_parameters(endpoint), *_query_parameters(endpoint)]:
        described["parameters"] = parameters
    if endpoint.takes is bytes:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    elif endpoint.takes is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema_of[endpoint.takes]}}}
    return described


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in endpoint.params]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    _, components = msgspec.json.schema_components([endpoint.query])
    described = components[endpoint.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in described["required"], "schema": schema}
        for name, schema in described["properties"].items()
    ]
