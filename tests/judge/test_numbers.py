"""The number that an answer ends on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.judge.numbers import first_number, last_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 42.", 42),
        ("First 7, then 42 apples", 42),
        ("42%", 42),
        ("1,234,567.89 dollars", 1_234_567.89),
        ("$1,250", 1_250),
        ("-5", -5),
        ("-$5.50", -5.5),
        ("x = −5", -5),
        ("是－5", -5),
        (".5", 0.5),
        ("6.02e23", 6.02e23),
        ("1.5 × 10^3", 1_500),
        (r"$1.5 \times 10^{-3}$", 0.0015),
        ("3/4", 0.75),
        ("about 5 / 2", 2.5),
        (r"\frac{1}{2}", 0.5),
        (r"so \boxed{42}, see section 3", 42),
        (r"\boxed{\frac{3}{4}} as in step 12", 0.75),
        (r"\boxed{7} and \boxed{8}", 8),
        (r"\boxed{x} = 9", 9),
        (r"1{,}234", 1_234),
        (r"1\,234", 1_234),
        ("1'234", 1_234),
        ("1\u202f234", 1_234),
        ("1_234", 1_234),
        ("答案是４２。", 42),
        ("共42个", 42),
        ("٤٢", 42),
        ("**17**", 17),
        ("3rd", 3),
        ("0", 0),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: float) -> None:
    assert last_number(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3-5", 5),  # a range, no minus
        ("- 5 apples", 5),  # an item of a list
        ("COVID-19", 19),
        ("2024/05/06", 6),  # a date, no fraction
        ("5 km/h", 5),
        ("12:30", 30),
        ("共12，345", 345),  # a full-width comma lists
        ("2,5", 5),  # no decimal commas
        ("1 234", 234),
        ("1,23", 23),
    ],
)
def test_what_only_looks_like_part_of_the_number_is_none(text: str, number: float) -> None:
    assert last_number(text) == number


@pytest.mark.parametrize("text", ["", "none", "GPT4", "v1.2.3", "forty-two", "四十二", "1/0", "²"])
def test_where_there_is_no_number_there_is_none(text: str) -> None:
    assert last_number(text) is None


@pytest.mark.parametrize(
    "bomb",
    [
        "1,111" * 200_000,
        r"\boxed{" * 140_000,
        r"\boxed{" + "{a}" * 300_000,
        r"\frac{1" + " " * 900_000,
        "9" * 999_999,
        "123," * 249_999,
    ],
)
def test_hostile_digits_take_no_longer(bomb: str) -> None:
    """Longer than the timeout of a test, if it went back and forth."""
    last_number(bomb)


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["{}", "{:,}", "{:_}", "It is {}.", "= {:,}\n", "答案：{}", r"\boxed{{{:,}}} by rule 3"]),
)
def test_every_whole_number_comes_back(number: int, form: str) -> None:
    assert last_number(form.format(number)) == number


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_every_float_comes_back(number: float) -> None:
    assert last_number(f"The result is {number!r}") == number


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    last_number(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("18 dollars for all 7 days", 18.0),
        ("about $1,250.50, or 3 each", 1250.5),
        ("3/4 of 12", 0.75),
        (r"\frac{1}{2} cup for 4", 0.5),
        ("on 3/4/2026", 3.0),
        ("none", None),
    ],
)
def test_the_number_that_a_text_begins_with(text: str, number: float | None) -> None:
    assert first_number(text) == number
