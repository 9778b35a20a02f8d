"""Events fold into the answer they are pieces of."""

from assay.core import PartClosed, PartGrew, PartOpened, Started, Stopped, Text, Thinking, ToolCall, Usage, UsageReported, fold


def test_interleaved_parts_are_put_together_in_order() -> None:
    answer = fold(
        [
            Started(id="u1", model="m"),
            PartOpened(index=0, part=Thinking(text="")),
            PartGrew(index=0, text="let me "),
            PartGrew(index=0, text="see"),
            PartClosed(index=0, signature="sig"),
            PartOpened(index=1, part=ToolCall(id="c1", name="weather")),
            PartOpened(index=2, part=ToolCall(id="c2", name="time")),
            PartGrew(index=2, text='{"zone":1}'),
            PartGrew(index=1, text='{"city"'),
            PartGrew(index=1, text=":2}"),
            UsageReported(usage=Usage(output=1)),
            UsageReported(usage=Usage(output=7)),
            Stopped(reason="tool_calls"),
        ]
    )
    assert answer.message.parts == (
        Thinking(text="let me see", signature="sig"),
        ToolCall(id="c1", name="weather", arguments='{"city":2}'),
        ToolCall(id="c2", name="time", arguments='{"zone":1}'),
    )
    assert (answer.stop, answer.usage) == ("tool_calls", Usage(output=7))


def test_choices_become_messages_of_their_own() -> None:
    answer = fold(
        [
            PartOpened(index=0, part=Text(text="a")),
            PartOpened(index=0, part=Text(text="b"), choice=1),
            PartGrew(index=0, choice=1, text="c"),
        ]
    )
    assert [message.text for message in answer.messages] == ["a", "bc"]


def test_a_broken_stream_keeps_what_came() -> None:
    answer = fold([PartOpened(index=0, part=Text(text="")), PartGrew(index=0, text="half an ans")])
    assert answer.message.text == "half an ans"
    assert answer.stop is None


def test_nothing_folds_into_an_empty_answer() -> None:
    assert fold([]).message.text == ""
