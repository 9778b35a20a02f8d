"""What somebody needs to check a challenge and to run it again: a command, and hashes of what went in and what came out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from assay.challenge.record import Record
from assay.challenge.report import Repeat
from assay.challenge.spec import Content, Example, Source, Spec, Traffic
from assay.core import iso
from assay.core.money import NANO

RUBRIC_FILE = "RUBRIC.txt"
"""Stands for the file of a rubric of one's own, whose name is not kept."""


def repeat(record: Record) -> Repeat:
    """How to repeat a challenge."""
    plan = record.run.plan
    return Repeat(
        command=command(record.run.spec, plan.seed),
        seed=plan.seed,
        version=plan.version,
        items_hash=plan.items_hash,
        rubric_hash=plan.rubric_hash,
        chain_head=record.chain_head,
    )


def command(spec: Spec, seed: int) -> str:
    """The command that asks the same: every option that is not as usual, and the seed."""
    return shlex.join(("assay", "challenge", spec.challenger, "--against", spec.incumbent, *_options(spec), "--seed", str(seed)))


def _options(spec: Spec) -> Iterator[str]:
    yield from ("--on", _on(spec.source))
    if isinstance(spec.source, Traffic):
        yield from _traffic(spec.source)
    yield from ("--judge", ",".join(spec.judges))
    if spec.goal != "better":
        yield from ("--goal", "no-worse")
    usual = {field.name: field.default for field in msgspec.structs.fields(Spec)}
    for name in ("margin", "confidence", "limit", "concurrency"):
        if (value := getattr(spec, name)) != usual[name]:
            yield from (f"--{name}", f"{value:.10g}")
    if spec.budget is not None:
        amount = f"{Decimal(spec.budget.nano) / NANO:f}"
        yield from ("--budget", amount if spec.budget.currency == "USD" else f"{amount} {spec.budget.currency}")
    for check in spec.checks:
        yield from ("--check", msgspec.json.encode(check).decode())
    if spec.rubric is not None:
        yield from ("--rubric", RUBRIC_FILE)
    for tool, argv in spec.rerun.items():
        yield from ("--rerun", f"{tool}={shlex.join(argv)}")


def _on(source: Source) -> str:
    if isinstance(source, Traffic):
        return "traffic"
    if isinstance(source, Content):
        return source.name
    return f"example:{source.name}" if isinstance(source, Example) else f"work:{source.name}"


def _traffic(source: Traffic) -> Iterator[str]:
    for name, said in (("key", source.key), ("alias", source.alias), ("tag", source.tag)):
        if said is not None:
            yield from (f"--{name}", said)
    for name, at in (("since", source.since), ("until", source.until)):
        if at is not None:
            yield from (f"--{name}", iso(at))
