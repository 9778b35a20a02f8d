"""When a field that was extracted holds what it should."""

from __future__ import annotations

from typing import Any

import pytest

from assay.bench.kinds.fields import same


@pytest.mark.parametrize(
    ("wanted", "found", "is_same"),
    [
        ("1,200", 1200, True),
        (1.5, "1.50", True),
        ("Nan", "nan", True),
        ("Nan", "Ann", False),
        ("Infinity", "inf", False),
        ("1_0", "10", False),
        ("A  b", "a B", True),
        (["a"], "a", False),
    ],
)
def test_a_field_is_the_same_as_a_number_or_as_words(wanted: Any, found: Any, is_same: bool) -> None:
    assert same(wanted, found) is is_same
