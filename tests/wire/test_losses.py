"""The words for what a translation loses."""

from __future__ import annotations

from assay.wire.losses import Losses, header_of


def test_a_field_that_is_null_says_nothing_and_is_not_lost() -> None:
    losses = Losses()
    losses.foreign({"openai_chat": {"service_tier": None, "logprobs": True}, "gemini": {"labels": {}}}, "gemini", "body")
    assert losses.listed == ("dropped:body.logprobs",)


def test_the_header_holds_whole_losses_only() -> None:
    losses = [f"dropped:field_{number:04}" for number in range(300)]
    name, value = header_of(losses)
    listed = value.decode().split(", ")
    assert name == b"x-assay-losses"
    assert len(value) <= 2000
    assert listed == losses[: len(listed)]
    assert len(listed) > 90
