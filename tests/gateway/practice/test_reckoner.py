"""Known answers of the contestant that calculates, its laws against Python's fractions, and its bounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway.practice.conversation import Conversation, Turn, language_spoken
from assay.gateway.practice.reckoner import reckon
from assay.gateway.practice.reckoner.amount import LARGEST_BITS, Amount
from assay.gateway.practice.reckoner.integers import divisors, factors, is_prime
from assay.gateway.practice.reckoner.numerals import numeral_at, written_out
from assay.gateway.practice.reckoner.question import find
from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.reckoner.units import by_name

TODAY = date(2024, 5, 17)
PROMISED_S = 5.0
"""No question may take longer, even on a loaded machine."""


def ask(*questions: str) -> str:
    turns = [Turn("user", question) for question in questions]
    return reckon(Conversation(turns=tuple(turns), language=language_spoken(turns)), TODAY)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 17% of 3,450?", "**586.5**"),
        ("2 + 3 * 4", "**14**"),
        ("(2 + 3) * 4", "**20**"),
        ("-2^2", "**−4**"),
        ("2^3^2", "**512**"),
        ("1/3 + 1/4", "7/12"),
        ("0.1 + 0.2", "**0.3**"),
        ("7 mod 3", "**1**"),
        ("10!", "3,628,800"),
        ("100 - 20%", "**80**"),
        ("25% off 80", "**60**"),
        ("30 is what percent of 120", "**25%**"),
        ("what is two plus two times ten", "**22**"),
        ("5 squared", "**25**"),
        ("2 to the power of 100", "1,267,650,600,228,229,401,496,703,205,376"),
        ("square root of 144", "**12**"),
        ("sqrt(72)", r"6\sqrt{2}"),
        ("cube root of 27", "**3**"),
        ("sqrt(1/4)", "**0.5**"),
        ("3 choose 2", "**3**"),
        ("52 choose 5", "2,598,960"),
        ("comb(10, 3)", "**120**"),
        ("perm(5, 2)", "**20**"),
        ("gcd of 12 and 18", "**6**"),
        ("lcm(4, 6, 10)", "**60**"),
        ("average of 3, 4 and 8", "**5**"),
        ("median of 9, 1, 5", "**5**"),
        ("sum of 1, 2, 3, 4", "**10**"),
        ("max(3, 9, 4)", "**9**"),
        ("log2(1024)", "**10**"),
        ("log 1000", "**3**"),
        ("ln e", "≈ 1"),
        ("sin(30°)", "**0.5**"),
        ("cos(60 degrees)", "**0.5**"),
        ("2 pi", "≈ 6.28318530717959"),
        ("round(3.14159, 2)", "**3.14**"),
        ("3 million / 4", "**750,000**"),
        ("half of 9", "**4.5**"),
        ("what is 12 × 12 ÷ 9?", "**16**"),
        ("0xff + 1", "**256**"),
        ("255 in hex", "**FF**"),
        ("hex ff to decimal", "**255**"),
        ("10 to binary", "**1010**"),
        ("2024 in roman numerals", "**MMXXIV**"),
        ("0.375 as a fraction", "**3/8**"),
        ("12345 in scientific notation", "1.2345 × 10^4"),
        ("5 miles to km", "**8.04672 km**"),
        ("5 ft 7 in to cm", "**170.18 cm**"),
        ("how many feet are in a mile?", "**5280 ft**"),
        ("72 °F in °C", "22.2222222222222 °C"),
        ("-40 fahrenheit in celsius", "**−40 °C**"),
        ("100 celsius to kelvin", "**373.15 K**"),
        ("60 km/h in m/s", "50/3"),
        ("100 m / 10 s in km/h", "**36 km/h**"),
        ("200 pounds in kg", "**90.718474 kg**"),
        ("1 GiB in MB", "**1073.741824 MB**"),
        ("3 acres in hectares", "**1.21405692672 ha**"),
        ("2 weeks in hours", "**336 hours**".replace("hours", "h")),
        ("100 jin in kg", "**50 kg**"),
        ("10 mu in square metres", "6666.66666666667 m²"),
        ("1 kWh in kJ", "**3600 kJ**"),
        ("days between 2024-02-01 and 2025-01-15", "**349 days**"),
        ("how many weeks from 2024-01-01 to 2024-03-04", "**9 weeks**"),
        ("what day of the week was July 20, 1969?", "1969-07-20 (Sunday)"),
        ("what is the date today", "2024-05-17 (Friday)"),
        ("100 days after 2024-01-01", "2024-04-10"),
        ("3 weeks from now", "2024-06-07"),
        ("45 days ago", "2024-04-02"),
        ("2024-01-31 + 1 month", "2024-02-29"),
        ("days until christmas", "**222 days**"),
        ("is 1900 a leap year?", "**1900 is not a leap year.**"),
        ("is 97 prime?", "**97 is prime.**"),
        ("is 91 a prime number?", r"91 = 7 \times 13"),
        ("prime factors of 360", r"360 = 2^{3} \times 3^{2} \times 5"),
        ("divisors of 28", "1, 2, 4, 7, 14, 28"),
        ("next prime after 100", "**101**"),
        ("two thirds of 90", "**60**"),
        ("twenty-one plus three", "**24**"),
        ("half a mile in meters", "**804.672 m**"),
        ("a 15% tip on $48.50", "**7.275**"),
        ("what is 5'7\" in cm", "**170.18 cm**"),
        ("how old is someone born on 1990-05-16", "| 34 + 0 + 1 |"),
        ("42", "2 × 3 × 7"),
        ("If I have 3 apples, what's 12*12 for me", "I read only this part"),
        ("2 + 2\n3 * 3", "| `3 * 3` | 9 |"),
    ],
)
def test_english_questions_have_these_answers(question: str, answer: str) -> None:
    assert answer in ask(question)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("三百二十五加十七再乘以二", "**359**"),
        ("三百四十二减十七等于多少", "寫成中文數字：三百二十五".replace("寫", "写").replace("數", "数")),
        ("两千零一减一千", "**1001**"),
        ("一万二千除以三百", "**40**"),
        ("一百加百分之十", "**110**"),
        ("三分之二加四分之一", "11/12"),
        ("3450的17%", "**586.5**"),
        ("2的10次方", "**1024**"),
        ("27的3次方根", "**3**"),
        ("25的平方根", "**5**"),
        ("5的平方", "**25**"),
        ("10的阶乘", "3,628,800"),
        ("根号2", "≈ 1.4142135623731"),
        ("200打八折是多少", "**160**"),
        ("八五折乘以100", "**85**"),
        ("100万乘以3%", "**30,000**"),
        ("30占120的百分之几", "**25%**"),
        ("12和18的最大公约数", "**6**"),
        ("1,2,3,4的平均数", "**2.5**"),
        ("负三乘以五", "**−15**"),
        ("100斤是多少公斤", "**50 kg**"),
        ("三斤二两等于多少克", "**1600 g**"),
        ("半斤是多少克", "**250 g**"),
        ("一万个小时是多少天", "416.666666666667 天"),
        ("10里是多少公里", "**5 km**"),
        ("5亩等于多少平方米", "3333.33333333333 m²"),
        ("60公里每小时是多少米每秒", "50/3"),
        ("一光年是多少公里", "9,460,730,472,580.8 km"),
        ("2024年2月1日到2025年1月15日有多少天", "**349 天**"),
        ("2024-01-01之后100天", "2024-04-10 (星期三)"),
        ("3天后是几号", "2024-05-20"),
        ("今天星期几", "2024-05-17 (星期五)"),
        ("距离圣诞节还有多少天", "**222 天**"),
        ("2024年是闰年吗", "**2024 年是闰年。**"),
        ("97是质数吗", "**97 是质数。**"),
        ("360分解质因数", r"2^{3} \times 3^{2} \times 5"),
        ("二进制1010转十进制", "**10**"),
        ("一百二十三写成罗马数字", "**CXXIII**"),
        ("12345用中文数字", "**一万二千三百四十五**"),
        ("３＋５＝", "**8**"),
        ("72°F換算成攝氏度", "22.2222222222222 °C"),
        ("255轉十六進位", "**FF**"),
        ("三百四十二減十七是多少", "寫成中文數字：三百二十五"),
        ("97是質數嗎", "**97 是質數。**"),
        ("一百畝等於多少公頃", "6.66666666666667 ha"),
    ],
)
def test_chinese_questions_have_these_answers(question: str, answer: str) -> None:
    assert answer in ask(question)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("1/0", "by_zero"),
        ("5 mod 0", "by_zero"),
        ("2**10**9", "too_big"),
        ("9^9^9^9", "too_big"),
        ("(10^3000)*(10^3000)", "too_big"),
        ("1e999999999", "too_big"),
        ("100000!", "too_big"),
        ("2.5!", "not_integer"),
        ("sqrt(-1)", "domain"),
        ("ln 0", "domain"),
        ("5 kg + 3 m", "units_differ"),
        ("20 °C + 5 °C", "units_here"),
        ("5 miles in kg", "units_differ"),
        ("2023-02-29", "bad_date"),
        ("03/04/2024 + 3 days", "ambiguous_date"),
        ("9999-12-31 + 1 day", "out_of_calendar"),
        ("2024年春节是哪天", "lunar"),
        ("(" * 500 + "1" + ")" * 500, "too_long"),
        ("(" * 100 + "1" + ")" * 100, "too_deep"),
        ("-" * 200 + "1", "too_deep"),
        ("1+" * 500 + "1", "too_long"),
        ("9" * 5_000, "too_big"),
        ("write a poem about the sea", "not_read"),
        ("2 +", "not_read"),
        ("(1 + 2", "not_read"),
        ("hello", "not_read"),
    ],
)
def test_what_it_does_not_answer_it_refuses_with_a_reason(question: str, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        find(question, TODAY)
    assert refused.value.reason == reason
    assert ask(question)


def test_a_later_question_may_build_on_the_result_before_it() -> None:
    assert "**12**" in ask("2 + 2", "times 3")
    assert "**15**" in ask("2 + 3", "再乘以3")
    assert "**25**" in ask("7 * 7", "and write me a song", "it minus 24")


def test_a_question_it_cannot_read_is_told_what_can_be_asked() -> None:
    assert "I stopped at `poem`" in ask("write a poem")
    assert "我是一个练习用的计算程序" in ask("帮我写一首诗")
    assert "我是一個練習用的計算程式" in ask("幫我寫一首詩")


_numbers = st.fractions(min_value=-1_000, max_value=1_000, max_denominator=60)


def _written(tree: tuple[object, ...] | Fraction) -> str:
    if isinstance(tree, Fraction):
        return f"({tree.numerator}/{tree.denominator})" if tree >= 0 else f"(-{-tree.numerator}/{tree.denominator})"
    left, sign, right = tree
    return f"({_written(left)} {sign} {_written(right)})"  # type: ignore[arg-type]  # the strategy makes such trees only


def _worth(tree: tuple[object, ...] | Fraction) -> Fraction:
    if isinstance(tree, Fraction):
        return tree
    operations: dict[object, Callable[[Fraction, Fraction], Fraction]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    return operations[tree[1]](_worth(tree[0]), _worth(tree[2]))  # type: ignore[arg-type]  # as above


_trees = st.recursive(_numbers, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner), max_leaves=12)


@given(_trees)
@settings(max_examples=150, deadline=None)
def test_arithmetic_agrees_with_fractions(tree: tuple[object, ...] | Fraction) -> None:
    try:
        worth = _worth(tree)
    except ZeroDivisionError:
        with pytest.raises(Refusal, match="by_zero"):
            find(_written(tree), TODAY)
        return
    found = find(_written(tree), TODAY)
    assert isinstance(found.value, Amount)
    assert found.value.number == worth


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["+", "-", "*"])), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_precedence_and_grouping_are_those_of_python(terms: list[tuple[int, str]]) -> None:
    """Python itself is the oracle: the text is whole numbers and signs only."""
    text = "".join(f"{number}{sign}" for number, sign in terms) + "7"
    found = find(text, TODAY)
    assert isinstance(found.value, Amount)
    assert found.value.number == eval(text)


@given(st.integers(-(10**15), 10**15))
@settings(max_examples=200, deadline=None)
def test_chinese_numerals_are_read_as_they_are_written(number: int) -> None:
    said = written_out(number).removeprefix("负")
    assert numeral_at(said, 0) == (Fraction(abs(number)), len(said))


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("三百二", 320),
        ("一万二", 12_000),
        ("二零二四", 2024),
        ("壹佰", 100),
        ("十万零五", 100_005),
        ("一点五", Fraction(3, 2)),
        ("三点一四", Fraction(314, 100)),
    ],
)
def test_spoken_numerals_are_understood(said: str, number: Fraction) -> None:
    assert numeral_at(said, 0) == (number, len(said))


@given(st.integers(2, 10**12))
@settings(max_examples=100, deadline=None)
def test_prime_factors_multiply_to_the_number(number: int) -> None:
    powers, rest = factors(number)
    assert math.prod(prime**power for prime, power in powers.items()) * rest == number
    assert rest == 1
    assert all(is_prime(prime) for prime in powers)


def test_primes_and_divisors_agree_with_trial_division() -> None:
    for number in range(2, 600):
        dividing = [one for one in range(1, number + 1) if number % one == 0]
        assert is_prime(number) == (len(dividing) == 2)
        assert divisors(factors(number)[0], 100) == dividing


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("psi", 6894.757293168361),
        ("acre", 4046.8564224),
        ("gallon", 0.003785411784),
        ("pint", 0.000473176473),
        ("mph", 0.44704),
        ("mmHg", 133.322368421),
    ],
)
def test_units_have_their_published_sizes(name: str, size: float) -> None:
    unit = by_name(name, strict=False)
    assert unit is not None
    assert float(unit.size) == pytest.approx(size, rel=1e-9)


@given(st.text(max_size=200) | st.text(alphabet="0123456789+-*/^()%!.,的加减乘除以百千万斤里 kmgto年月日", max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    assert ask(text)


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 20_000,
        "9" * 20_000,
        "1!" * 10_000,
        "一" * 20_000,
        "百" * 20_000,
        "斤" * 20_000,
        "1300! * " * 1_000 + "1",
        "\n".join(["prime factors of 999999999989999999999899"] * 20),
        "\n".join(["是" * 1_000] * 20),
        "sqrt(" * 59 + "2" + ")" * 59,
        "2^0.5" + "^0.5" * 100,
        "1/" * 199 + "3",
        "½²³" * 6_000,
        "\u202e\u0000\ufdfa" * 6_000,
        "exp(exp(exp(9)))",
    ],
)
def test_hostile_text_costs_a_bounded_time(hostile: str) -> None:
    began = time.process_time()
    assert ask(hostile)
    assert time.process_time() - began < PROMISED_S


def test_numbers_stay_under_the_limit_that_is_stated() -> None:
    found = find(f"2^{LARGEST_BITS - 1}", TODAY)
    assert isinstance(found.value, Amount)
    with pytest.raises(Refusal, match="too_big"):
        find(f"2^{LARGEST_BITS}", TODAY)
