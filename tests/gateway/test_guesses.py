"""How often an address may guess wrong."""

import pytest

from assay.gateway.guesses import MOST_ADDRESSES, PER_MINUTE, Guesses


@pytest.fixture
def guesses() -> Guesses:
    """With as many wrong guesses as are allowed, from one address of each kind."""
    guesses = Guesses()
    for _ in range(PER_MINUTE):
        for client in ("192.0.2.1", "2001:db8:0:1::5"):
            assert guesses.wait_s(client) == 0
            guesses.count(client)
    return guesses


@pytest.mark.parametrize("client", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:1::5", "2001:db8:0:1:ffff::9"])
def test_an_address_waits_by_whatever_name_and_an_ipv6_network_waits_as_one(guesses: Guesses, client: str) -> None:
    assert 0 < guesses.wait_s(client) <= 60


@pytest.mark.parametrize("client", ["192.0.2.2", "2001:db8:0:2::5", "local"])
def test_nobody_else_waits(guesses: Guesses, client: str) -> None:
    assert guesses.wait_s(client) == 0


def test_what_was_right_after_all_is_forgiven(guesses: Guesses) -> None:
    guesses.forgive("192.0.2.1")
    assert guesses.wait_s("192.0.2.1") == 0


def test_what_is_remembered_is_bounded() -> None:
    guesses = Guesses()
    for number in range(2 * MOST_ADDRESSES):
        guesses.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    for _ in range(1000):
        guesses.count("192.0.2.1")
    assert len(guesses._at) == MOST_ADDRESSES
    assert len(guesses._at["192.0.2.1"]) == PER_MINUTE
