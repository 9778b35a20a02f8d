from __future__ import annotations

import msgspec

from assay.bench.outcome import Scored
from assay.bench.redacted import is_hidden, redacted
from assay.bench.result import Result
from assay.bench.spec import Spec
from assay.bench.task import Sample
from assay.core import Image, Message, Refusal, Text, Thinking, Transcript, assistant, user

SECRET = "the gated question"


def test_only_gated_tasks_that_are_not_unlocked_are_hidden() -> None:
    locked, unlocked = (Spec(task="quiz", model="m", unlocked=unlocked) for unlocked in (False, True))
    assert [is_hidden(True, locked), is_hidden(True, unlocked), is_hidden(False, locked)] == [True, False, False]


def test_no_word_of_question_or_answer_is_left_and_what_counts_is() -> None:
    parts = (Text(text=SECRET), Thinking(text=SECRET), Refusal(text=SECRET), Image(url=f"data:{SECRET}"))
    message = Message(role="assistant", parts=parts, name=SECRET, extra={"assay": {"answers_before": [SECRET]}})
    result = Result(
        sample="q1",
        epoch=0,
        state="scored",
        transcript=Transcript((user(SECRET), message)),
        message=message,
        scored=Scored(outcome="wrong", value=0.0, extracted=SECRET, detail=SECRET, parts={"x": 1.0}),
        latency_us=5,
    )
    hidden = redacted(result)
    assert SECRET not in msgspec.json.encode(hidden).decode()
    assert (hidden.sample, hidden.latency_us, hidden.scored and hidden.scored.outcome) == ("q1", 5, "wrong")
    assert hidden.transcript is not None
    assert hidden.transcript.messages[0] == user("[withheld: 18 characters]")


def test_a_question_a_text_and_a_result_without_an_answer() -> None:
    assert redacted(SECRET) == "[withheld: 18 characters]"
    sample = redacted(Sample(id="1", fields={"q": SECRET, "n": [SECRET]}, target=SECRET, category="physics"))
    assert SECRET not in msgspec.json.encode(sample).decode()
    assert sample.category == "physics"
    waiting = Result(sample="1", epoch=0, state="waiting")
    assert redacted(waiting) == waiting
    assert redacted(Transcript((assistant(""),))) == Transcript((assistant(""),))
