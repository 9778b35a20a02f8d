"""Budgets in the API: made, read, raised and taken away; each change counts for the next request."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.server import RunningAssay

ASK = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}


def key(assay: RunningAssay) -> dict[str, Any]:
    made: dict[str, Any] = assay.ask("POST", "/api/v1/keys", {"name": "bound"}).json
    return made


def budget(assay: RunningAssay, holder: str, **facts: Any) -> dict[str, Any]:
    body = {"holder_kind": "key", "holder": holder, "measure": "requests", "amount": 1, "per": "total", **facts}
    reply = assay.ask("POST", "/api/v1/budgets", body)
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made


def test_a_budget_that_is_used_up_is_raised_and_then_taken_away(assay: RunningAssay) -> None:
    bound = key(assay)
    made = budget(assay, bound["id"])
    assert (made["used"], made["left"], made["resets"], made["holder_name"]) == (0, 1, None, "bound")
    assert assay.chat(ASK, bound["key"]).status == 200
    spent = assay.chat(ASK, bound["key"])
    assert (spent.status, b"budget.spent" in spent.body) == (402, True)
    raised = assay.ask("PATCH", f"/api/v1/budgets/{made['id']}", {"amount": 2}).json
    assert (raised["amount"], raised["id"]) == (2, made["id"])
    assert assay.chat(ASK, bound["key"]).status == 200
    assert assay.chat(ASK, bound["key"]).status == 402
    deadline = time.monotonic() + 20
    while next(row for row in assay.ask("GET", "/api/v1/budgets").json["budgets"] if row["id"] == made["id"])["used"] != 2:
        assert time.monotonic() < deadline
    assert assay.ask("DELETE", f"/api/v1/budgets/{made['id']}").status == 204
    assert assay.chat(ASK, bound["key"]).status == 200


def test_money_is_written_as_people_write_it(assay: RunningAssay) -> None:
    made = budget(assay, key(assay)["id"], measure="money", amount="0.000000001", currency="eur", per="month", near=0.5)
    assert (made["amount"], made["currency"], made["near"]) == (1, "EUR", 0.5)
    assert made["starts"] < made["created"] < made["resets"]
    assert assay.ask("PATCH", f"/api/v1/budgets/{made['id']}", {"amount": "1e3"}).json["amount"] == 10**12


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"amount": "many"}, "budget.bad_amount"),
        ({"amount": "1.5"}, "budget.bad_amount"),
        ({"amount": -1}, "budget.bad_amount"),
        ({"measure": "money", "amount": "NaN"}, "budget.bad_amount"),
        ({"measure": "money", "amount": "Infinity"}, "budget.bad_amount"),
        ({"measure": "money", "amount": "1e999999"}, "budget.bad_amount"),
        ({"measure": "money", "amount": "9" * 5000}, "budget.bad_amount"),
        ({"amount": "9" * 5000}, "budget.bad_amount"),
        ({"measure": "money", "amount": "-0.01"}, "budget.bad_amount"),
        ({"near": 0}, "api.bad_body"),
        ({"per": "year"}, "api.bad_body"),
        ({"holder": "none"}, "key.not_found"),
        ({"holder_kind": "user", "holder": "none"}, "user.not_found"),
        ({"holder_kind": "team", "holder": "none"}, "team.not_found"),
        ({"holder_kind": "provider", "holder": "none"}, "provider.not_found"),
    ],
)
def test_what_no_budget_can_be_is_said(assay: RunningAssay, facts: dict[str, Any], code: str) -> None:
    holder = key(assay)["id"]
    body = {"holder_kind": "key", "holder": holder, "measure": "requests", "amount": 1, "per": "day", **facts}
    reply = assay.ask("POST", "/api/v1/budgets", body)
    assert (400 <= reply.status < 500, reply.json["code"]) == (True, code)


def test_there_is_one_budget_of_each_kind(assay: RunningAssay) -> None:
    holder = key(assay)["id"]
    budget(assay, holder)
    body = {"holder_kind": "key", "holder": holder, "measure": "requests", "amount": 5, "per": "total"}
    assert assay.ask("POST", "/api/v1/budgets", body).json["code"] == "budget.exists"
    budget(assay, holder, per="day")
    assert assay.ask("PATCH", "/api/v1/budgets/none", {"amount": 1}).json["code"] == "budget.not_found"
    assert assay.ask("DELETE", "/api/v1/budgets/none").json["code"] == "budget.not_found"
