"""Totals of orders."""

from __future__ import annotations

from random import Random
from typing import Any

from assay.bench.agent.family import Bug, Family


def _lines(random: Random, most: int = 6) -> list[list[Any]]:
    names = [f"item-{number}" for number in range(1, 6)]
    return [[random.choice(names), random.randint(1, 5), random.randint(1, 4000)] for _ in range(random.randint(0, most))]


SHOP = Family(
    name="shop",
    about="Totals of orders, in whole cents.",
    numbers={"base": (300, 700), "per": (50, 250), "free": (4000, 9000), "tier": (10000, 20000), "low": (2, 5), "high": (6, 12)},
    files={
        "<<pkg>>/lines.py": '''
"""Lines of an order: name, quantity, price of one in cents."""


def merge(lines):
    """One line for each name and price, quantities added, in the order of first appearance."""
    merged = {}
    for name, quantity, price in lines:
        merged[name, price] = merged.get((name, price), 0) + quantity
    return [[name, quantity, price] for (name, price), quantity in merged.items()]


def subtotal(lines):
    """The sum of all lines, in cents."""
    return sum(quantity * price for _, quantity, price in lines)
''',
        "<<pkg>>/rates.py": '''
"""What is taken off, and what is put on."""

FREE_FROM = <<free>>
TIER = <<tier>>


def percent_off(cents):
    """<<low>> percent, and <<high>> percent above TIER."""
    return <<high>> if cents > TIER else <<low>>


def discount(cents, percent):
    """The discount in cents, rounded half up."""
    return (cents * percent + 50) // 100


def shipping(cents, grams):
    """Nothing from FREE_FROM on; else <<base>> cents and <<per>> for each started kilogram."""
    if cents >= FREE_FROM:
        return 0
    return <<base>> + <<per>> * -(-grams // 1000)
''',
        "<<pkg>>/total.py": '''
"""What an order costs in the end."""

from .lines import merge, subtotal
from .rates import discount, percent_off, shipping


def total(lines, grams):
    """Goods less their discount, and shipping by what the goods cost before the discount."""
    goods = subtotal(merge(lines))
    if goods == 0:
        return 0
    return goods - discount(goods, percent_off(goods)) + shipping(goods, grams)
''',
        "<<pkg>>/__init__.py": '"""Totals of orders."""\n\nfrom .lines import merge, subtotal\nfrom .rates import discount, percent_off, shipping\n'
        'from .total import total\n\n__all__ = ["discount", "merge", "percent_off", "shipping", "subtotal", "total"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/rates.py",
            "cents >= FREE_FROM",
            "cents > FREE_FROM",
            "An order that reaches the limit for free shipping to the cent is still charged for it.",
            "shipping",
            lambda random, n: [n["free"], random.randint(1, 5000)],
        ),
        Bug(
            "<<pkg>>/rates.py",
            "-(-grams // 1000)",
            "(grams // 1000)",
            "Parcels that weigh a little more than a whole kilogram are too cheap.",
            "shipping",
            lambda random, n: [100, random.randint(1, 4) * 1000 + random.randint(1, 999)],
        ),
        Bug(
            "<<pkg>>/rates.py",
            "cents * percent + 50",
            "cents * percent",
            "Some discounts are a cent too small.",
            "discount",
            lambda random, n: [random.randint(1, 90) * 100 + 99, 1],
        ),
        Bug(
            "<<pkg>>/lines.py",
            "merged.get((name, price), 0) + quantity",
            "quantity",
            "When something is ordered in two lines, only one of them is paid for.",
            "merge",
            lambda random, n: [[["a", 2, n["base"]], ["b", 1, 5], ["a", random.randint(1, 9), n["base"]]]],
        ),
        Bug(
            "<<pkg>>/total.py",
            "shipping(goods, grams)",
            "shipping(goods - discount(goods, percent_off(goods)), grams)",
            "Customers just above the limit for free shipping complain that they pay for it once their discount is taken off.",
            "total",
            lambda random, n: [[["a", 1, n["free"]]], random.randint(1, 5000)],
        ),
    ),
    tries={
        "merge": lambda random, n: [_lines(random)],
        "subtotal": lambda random, n: [_lines(random)],
        "percent_off": lambda random, n: [random.choice([n["tier"], n["tier"] + 1, random.randint(0, 30000)])],
        "discount": lambda random, n: [random.randint(0, 30000), random.randint(0, 15)],
        "shipping": lambda random, n: [random.randint(0, 12000), random.randint(0, 6000)],
        "total": lambda random, n: [_lines(random), random.randint(0, 6000)],
    },
)
