"""Whatever fits our own OpenAPI document, and much that does not, is answered without a defect: schemathesis makes it up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.server import RunningAssay, running

LEFT_OUT = {
    "DELETE /api/v1/session": "it would sign us out",
    "GET /api/v1/calls/events": "it never ends",
    "GET /api/v1/challenges/{id}/events": "it ends with the challenge",
    "POST /api/v1/battles": "each asks models; tests of the arena have their own",
    "POST /api/v1/battles/{id}/turns": "as above",
    "POST /api/v1/restart": "it does",
    "POST /api/v1/providers/{name}/test": "it leaves this machine; tests of providers have their own",
    "POST /api/v1/providers/{name}/verify": "as above",
    "POST /api/v1/datasets/{name}/import": "as above",
}


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    with running(tmp_path_factory.mktemp("schema"), "--demo") as server:
        server.sign_in()
        yield server


def _operations(assay: RunningAssay) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(assay.ask("GET", "/api/v1/openapi.json").json)
    for result in schema.get_all_operations():
        operation = cast(Any, result.ok())  # type: ignore[union-attr]  # an error would be a document that is none
        if operation.label not in LEFT_OUT:
            yield operation


def _ask_all(assay: RunningAssay, examples: int) -> int:
    """Ask each operation ``examples`` times what fits the document, and as often what does not; how many were asked."""
    asked = 0
    session = requests.Session()
    session.headers["cookie"] = assay.cookie
    for operation in _operations(assay):
        # What takes nothing but names in its path cannot be asked wrongly, and looking for a way would take all the time.
        takes_more = bool(list(operation.body) or list(operation.query))
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[: 1 + takes_more]:

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                reply = case.call(base_url=assay.url, session=session, timeout=30, allow_redirects=False)
                assert reply.status_code < 500 or reply.status_code == 503, (case.as_curl_command(), reply.text)
                if reply.status_code >= 400:
                    assert {"code", "detail", "status"} <= reply.json().keys(), case.as_curl_command()

            ask()
    session.close()
    return asked


@pytest.mark.timeout(240)
def test_nothing_made_up_from_the_document_is_a_defect(assay: RunningAssay) -> None:
    assert _ask_all(assay, 3) > 250
    assert assay.process.poll() is None
    assert b"Traceback" not in assay.stderr
    assert assay.ask("GET", "/api/v1/keys").status == 200, "we are still signed in"


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_nothing_made_up_in_much_greater_numbers_is_a_defect(assay: RunningAssay) -> None:
    assert _ask_all(assay, 100) > 8_000
    assert b"Traceback" not in assay.stderr
