"""What a key is good for."""

from __future__ import annotations

import pytest

from assay.core import Forbidden, Scopes
from assay.gateway.address import read_address
from assay.gateway.bounds import Bounds


def bounds(**scopes: tuple[str, ...]) -> Bounds:
    made = Bounds.of(Scopes(**scopes))
    assert made is not None
    return made


def test_a_key_that_is_good_for_everything_has_no_bounds() -> None:
    assert Bounds.of(Scopes()) is None


@pytest.mark.parametrize(
    ("pattern", "name", "good"),
    [
        ("gpt-5", "gpt-5", True),
        ("gpt-5", "GPT-5", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-5", "xgpt-5", False),
        ("gpt-5*", "gpt-5-mini", True),
        ("*mini", "openai/gpt-5-mini", True),
        ("openai/*", "openai/a/b", True),
        ("openai/*", "openai2/a", False),
        ("*", "anything\nat all", True),
        ("gpt-5", "gpt-5\n", False),
        ("a.b", "axb", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a?c", "abc", False),
        ("(", "(", True),
        ("*" * 50, "x" * 500, True),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "axcxb", False),
        ("a*ab*b", "aab", False),
        ("a*ab*b", "aabb", True),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "ab", False),
        ("aba*aba", "ababa", False),
        ("*a" * 60 + "*b", "a" * 4000, False),
        ("*", "a" * 5000, False),
    ],
)
def test_a_pattern_is_a_name_in_which_stars_stand_for_anything(pattern: str, name: str, good: bool) -> None:
    assert bounds(models=("other", pattern)).allows(name) == good


def test_any_of_a_models_names_will_do_and_the_one_that_was_asked_for_is_told() -> None:
    bounds(models=("openai/*",)).check_model("gpt-5", "openai/gpt-5")
    with pytest.raises(Forbidden, match="'fast'") as refused:
        bounds(models=("openai/*",)).check_model("fast", "groq/llama")
    assert (refused.value.code, refused.value.param) == ("key.scope", "model")
    assert "openai/*" in str(refused.value.hint)


def test_a_long_list_is_not_told_whole() -> None:
    with pytest.raises(Forbidden) as refused:
        bounds(models=tuple(f"model-{number}" for number in range(50))).check_model("x" * 5000)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("10.1.2.3", True),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::1", True),
        ("::1", False),
        ("::ffff:10.0.0.1", True),
    ],
)
def test_a_key_may_be_bound_to_networks(address: str, good: bool) -> None:
    bound = bounds(addresses=("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"))
    if good:
        bound.check_way("anthropic", read_address(address))
        return
    with pytest.raises(Forbidden, match=address):
        bound.check_way("anthropic", read_address(address))


def test_a_local_socket_is_in_no_network() -> None:
    with pytest.raises(Forbidden, match="a local socket"):
        bounds(addresses=("0.0.0.0/0",)).check_way("anthropic", None)


def test_a_key_may_be_bound_to_protocols() -> None:
    bounds(protocols=("gemini",)).check_way("gemini", None)
    with pytest.raises(Forbidden, match="'anthropic'"):
        bounds(protocols=("gemini",)).check_way("anthropic", None)


@pytest.mark.parametrize("field", ["models", "fallbacks"])
def test_models_that_are_named_beside_the_one_asked_for_are_within_bounds_too(field: str) -> None:
    """A provider that goes on to them would be asked for them by a key that is not good for them."""
    made = bounds(models=("router/small-*", "other/small-b"))
    made.check_others({field: b'["small-a", {"model": "small-b", "x": 1}]', "more": b'["large"]'}, {"router"})
    made.check_others({field: b'["small-b"]'}, {"router", "other"})
    made.check_others({field: b"null"}, {"router"})
    for listed, providers in (
        (b'["small-a", "large"]', {"router"}),
        (b'["small-a"]', {"router", "other"}),
        (b'"large"', {"router"}),
        (b'[{"model": "large"}]', {"router"}),
    ):
        with pytest.raises(Forbidden) as refused:
            made.check_others({field: listed}, providers)
        assert refused.value.code == "key.scope"
    bounds(protocols=("gemini",)).check_others({field: b'["large"]'}, {"router"})
