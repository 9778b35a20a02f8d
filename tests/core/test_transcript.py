"""Transcripts are values."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Image, Message, Text, ToolCall, Transcript, assistant, user

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
parts = st.one_of(
    st.builds(Text, text=texts),
    st.builds(ToolCall, id=texts, name=texts, arguments=texts, signature=st.none() | texts),
    st.builds(Image, url=st.none() | texts, data=st.none() | texts),
)
messages = st.builds(
    Message, role=st.sampled_from(["system", "user", "assistant", "tool"]), parts=st.lists(parts, max_size=3).map(tuple)
)
transcripts = st.lists(messages, max_size=4).map(lambda found: Transcript(tuple(found)))


@given(transcripts)
def test_a_transcript_survives_the_way_through_json_with_its_hash(transcript: Transcript) -> None:
    again = msgspec.json.decode(msgspec.json.encode(transcript), type=Transcript)
    assert again == transcript
    assert again.hash == transcript.hash


@given(transcripts, transcripts)
def test_hashes_are_equal_exactly_where_contents_are(one: Transcript, other: Transcript) -> None:
    assert (one.hash == other.hash) == (one == other)


def test_the_hash_is_stable_across_versions() -> None:
    """A change here would orphan every stored body and verdict."""
    known = "b84c274f1a322d93e7263bc7c0904dc150262850073aa38a523f3a0cad6a0bfb"
    assert Transcript((user("hi"), assistant("x"))).hash == known
