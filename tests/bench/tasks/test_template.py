from __future__ import annotations

import pytest

from assay.bench.template import names_in, render
from assay.core import InvalidInput


def test_fields_are_put_in_as_they_are_and_never_read_as_a_template_again() -> None:
    assert render("{{ a }} and {{b}}", {"a": "{{b}}", "b": 2}) == "{{b}} and 2"


def test_dots_lead_into_nested_values_and_lists() -> None:
    assert render("{{q.text}} {{options.1}}", {"q": {"text": "Why?"}, "options": ["x", "y"]}) == "Why? y"


def test_a_column_whose_name_has_a_dot_or_spaces_is_found_by_that_name() -> None:
    assert render("{{a.b}} {{Question of the day}}", {"a.b": "1", "Question of the day": "2"}) == "1 2"


def test_what_is_missing_is_nothing_and_what_is_no_text_is_json() -> None:
    assert render("[{{a}}] {{b}}", {"a": None, "b": [1, "x"]}) == '[] [1,"x"]'


def test_braces_of_latex_and_json_are_left_alone() -> None:
    assert render(r'\boxed{} {"a": {}} {{x}}', {"x": "y"}) == r'\boxed{} {"a": {}} y'


def test_an_unknown_field_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(InvalidInput) as error:
        render("{{quesion}}", {"question": "x"})
    assert (error.value.code, error.value.hint) == ("task.field_unknown", "Did you mean 'question'?")


def test_the_fields_of_a_template_are_listed_once() -> None:
    assert names_in("{{a}} {{b.c}} {{a}}") == ("a", "b.c")
