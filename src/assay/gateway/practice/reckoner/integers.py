"""Whole numbers: primes, factors, bases, Roman numerals. Every loop has a bound."""

from __future__ import annotations

import math
from itertools import count

LARGEST_SPLIT = 10**24
"""Numbers up to here are split into primes, as far as `_MOST_STEPS` go."""

_MOST_STEPS = 20_000
_BATCH = 100
_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
PROVEN_BELOW = 3_317_044_064_679_887_385_961_981
"""Below this the witnesses decide (J. Sorenson and J. Webster, Math. Comp. 86, 2017); above, a prime is only very probable."""


def is_prime(number: int) -> bool:
    """By strong probable prime tests (Miller-Rabin) with the first 13 primes as bases."""
    if number < 2:
        return False
    for prime in _WITNESSES:
        if number % prime == 0:
            return number == prime
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, base, odd, twos) for base in _WITNESSES)


def factors(number: int) -> tuple[dict[int, int], int]:
    """The prime factors found with their powers, and the composite rest that was too hard (1 where none is left)."""
    found: dict[int, int] = {}
    rest = number
    for divisor in range(2, 2_000):
        while rest % divisor == 0:
            found[divisor] = found.get(divisor, 0) + 1
            rest //= divisor
    waiting, hard = [rest] if rest > 1 else [], 1
    while waiting:
        part = waiting.pop()
        if is_prime(part):
            found[part] = found.get(part, 0) + 1
        elif (split := _divisor(part)) is None:
            hard *= part
        else:
            waiting += [split, part // split]
    return dict(sorted(found.items())), hard


def divisors(powers: dict[int, int], most: int) -> list[int] | None:
    """All divisors in order, or None where there are more than ``most``."""
    if math.prod(power + 1 for power in powers.values()) > most:
        return None
    found = [1]
    for prime, power in powers.items():
        found = [one * prime**exponent for one in found for exponent in range(power + 1)]
    return sorted(found)


def next_prime(number: int) -> int:
    """The least prime above ``number``. Gaps are short: below 10**240 some hundred candidates at most are expected."""
    return next(candidate for candidate in count(max(number + 1, 2)) if is_prime(candidate))


def in_base(number: int, base: int) -> str:
    """Digits 0-9 and A-Z."""
    if number < 0:
        return "-" + in_base(-number, base)
    digits = ""
    while number or not digits:
        number, digit = divmod(number, base)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return digits


def roman(number: int) -> str:
    """For 1 to 3999."""
    said = ""
    for value, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ["M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"],
        strict=True,
    ):
        said += letters * (number // value)
        number %= value
    return said


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def _divisor(number: int) -> int | None:
    """A proper divisor by Pollard's rho (BIT 15, 1975), or None after `_MOST_STEPS` on each of a few walks."""
    root = math.isqrt(number)
    if root * root == number:
        return root
    for constant in (1, 3, 5):
        slow = fast = 2
        for _ in range(_MOST_STEPS // _BATCH):
            start = slow, fast
            product = 1
            for _ in range(_BATCH):
                slow, fast = _walked(slow, fast, constant, number)
                product = product * (slow - fast) % number
            common = math.gcd(product, number)
            if common == number:
                common = _common_in_batch(*start, constant, number)
                if common == number:
                    break
            if common > 1:
                return common
    return None


def _walked(slow: int, fast: int, constant: int, number: int) -> tuple[int, int]:
    fast = (fast * fast + constant) % number
    return (slow * slow + constant) % number, (fast * fast + constant) % number


def _common_in_batch(slow: int, fast: int, constant: int, number: int) -> int:
    """The first divisor that a batch came by, looked at step by step, where the whole batch met all of them."""
    for _ in range(_BATCH):
        slow, fast = _walked(slow, fast, constant, number)
        common = math.gcd(slow - fast, number)
        if common > 1:
            return common
    return number
