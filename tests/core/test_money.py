"""Money is whole numbers, and tokens are counted once."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Money, Price, Usage
from assay.core.money import NANO

counts = st.integers(0, 10**9)
prices = st.integers(0, 10**12)


def test_a_known_bill() -> None:
    """A thousand tokens in at 0.15 and ten out at 0.60 USD per million."""
    price = Price(input=150_000_000, output=600_000_000)
    assert price.cost(Usage(input=1000, output=10)) == Money(156_000)
    assert str(price.cost(Usage(input=1000, output=10))) == "0.000156 USD"


def test_a_half_nano_is_rounded_up_once_for_the_whole_call() -> None:
    price = Price(input=1, output=1)
    assert price.cost(Usage(input=499_999)).nano == 0
    assert price.cost(Usage(input=250_000, output=250_000)).nano == 1


def test_a_bucket_without_a_price_is_billed_like_the_one_it_belongs_to() -> None:
    price = Price(input=10 * NANO, output=20 * NANO, cache_read=NANO)
    usage = Usage(input=1_000_000, cache_read=1_000_000, image_input=1_000_000, output=1_000_000, reasoning=1_000_000)
    assert price.cost(usage) == Money.of("61")


def test_a_free_bucket_is_free_and_not_missing() -> None:
    assert Price(input=5 * NANO, output=0, cache_read=0).cost(Usage(cache_read=10**6)) == Money(0)


@given(counts, counts, prices, prices)
def test_the_cost_is_the_exact_sum_rounded_half_up(tokens_in: int, tokens_out: int, price_in: int, price_out: int) -> None:
    exact = (Decimal(tokens_in) * price_in + Decimal(tokens_out) * price_out) / 10**6
    cost = Price(input=price_in, output=price_out).cost(Usage(input=tokens_in, output=tokens_out))
    assert cost.nano == int(exact.to_integral_value(ROUND_HALF_UP))


@given(st.decimals(0, 10**6, places=9))
def test_amounts_survive_writing_and_reading(amount: Decimal) -> None:
    assert Decimal(str(Money.of(amount)).split()[0]) == amount


def test_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="cannot add CNY to USD"):
        Money(1) + Money(1, "CNY")
