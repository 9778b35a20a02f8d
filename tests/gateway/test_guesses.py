"""How often a password may be guessed at, and by whom."""

import pytest

from assay.core import RateLimited
from assay.gateway.guesses import PER_MINUTE, Guesses


@pytest.fixture
def guesses() -> Guesses:
    """With as many wrong guesses as are allowed, from one address of each kind."""
    guesses = Guesses()
    for _ in range(PER_MINUTE):
        guesses.check("192.0.2.1")
        guesses.count("192.0.2.1")
        guesses.count("2001:db8:0:1::5")
    return guesses


@pytest.mark.parametrize("client", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:1::5", "2001:db8:0:1:ffff::9"])
def test_an_address_waits_by_whatever_name_and_an_ipv6_network_waits_as_one(guesses: Guesses, client: str) -> None:
    with pytest.raises(RateLimited) as refused:
        guesses.check(client)
    assert refused.value.retry_after_s is not None
    assert 0 < refused.value.retry_after_s <= 60


@pytest.mark.parametrize("client", ["192.0.2.2", "2001:db8:0:2::5", "local"])
def test_nobody_else_waits(guesses: Guesses, client: str) -> None:
    guesses.check(client)


def test_what_is_remembered_is_bounded() -> None:
    guesses = Guesses()
    for number in range(20_000):
        guesses.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guesses._at) == 10_000
