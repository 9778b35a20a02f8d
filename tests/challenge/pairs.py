"""Challenges whose answers are in, made by hand: what people are shown is then known to the letter."""

from __future__ import annotations

from collections.abc import Sequence

from assay.challenge.item import Item
from assay.challenge.plan import Plan
from assay.challenge.queries import Run, add_run, add_trial
from assay.challenge.spec import HUMAN, SIDES, Content, Side, Spec
from assay.challenge.trial import Ending, Trial
from assay.core import Deployment, Message, Request, Text, Thinking, ToolCall, Transcript, new_id, now_us, user
from assay.store import Database

CHALLENGER = Deployment(
    id="hostwerk/zebrafinch-7b", provider="hostwerk", model="zebrafinch-7b", upstream_model="zebrafinch-7b-0613"
)
INCUMBENT = Deployment(id="cloudlark/quokka-max", provider="cloudlark", model="quokka-max", upstream_model="quokka-max-2")
JUDGE = Deployment(id="judgely/gavel-1", provider="judgely", model="gavel-1", upstream_model="gavel-1")
NAMES = ("hostwerk", "zebrafinch", "cloudlark", "quokka", "challenger", "incumbent", "judgely", "gavel")


def answers(text: str) -> tuple[Message, ...]:
    """A whole answer in words, with a thought and a signature before it."""
    thought = Thinking(text="hm", signature="sig-of-the-provider", provider="quokkacorp")
    return (Message(role="assistant", parts=(thought, Text(text=text)), extra={"openai_chat": {"annotations": []}}),)


async def add_challenge(db: Database, items: int, *, judges: tuple[str, ...] = (HUMAN,), answered: bool = True) -> Run:
    """A running challenge; item n asks ``Question n?``, to which both sides have answered unless told otherwise."""
    spec = Spec(
        challenger=CHALLENGER.id, incumbent=INCUMBENT.id, source=Content(name="q.txt", text=""), judges=judges, seed=7, limit=items
    )
    asked = [Item(request=Request(model="", transcript=Transcript((user(f"Question {n}?"),)))) for n in range(1, items + 1)]
    plan = Plan(
        seed=7,
        version="0",
        challenger=CHALLENGER,
        incumbent=INCUMBENT,
        judges=(JUDGE,) if judges == (JUDGE.id,) else (),
        items=items,
        clusters=items,
        categories={"other": items},
        notes=(),
        bad=(),
        estimate=None,
        items_hash="",
        rubric_hash=None,
    )
    run = Run(id=new_id(), state="running", at=now_us(), spec=spec, plan=plan)
    await add_run(db, run, asked)
    if answered:
        for number in range(1, items + 1):
            await answer(db, run, number)
    return run


async def answer(
    db: Database,
    run: Run,
    number: int,
    *,
    ending: Ending = "answered",
    turns: Sequence[Message] | None = None,
    sides: Sequence[Side] = SIDES,
) -> None:
    """Put answers on record: ``It is so, says the challenger.`` is told apart by its words only."""
    for side in sides:
        said = tuple(turns) if turns is not None else answers(f"It is {'so' if side == 'challenger' else 'not so'}.")
        trial = Trial(
            side=side, ending=ending, turns=said, calls=(f"call-{number}-{side}",), requests=(f"{run.id}.{number}.{side}",)
        )
        await add_trial(db, run.id, number, trial, now_us())


def calls_a_tool(name: str = "look_up") -> tuple[Message, ...]:
    """An answer that is a tool call."""
    return (Message(role="assistant", parts=(ToolCall(id="toolu_quokka_1", name=name, arguments="{}"),)),)
