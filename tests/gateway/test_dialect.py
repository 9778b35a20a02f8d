"""Request bodies on their way to a provider: what changes, and that nothing else does."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import AssayError, InvalidInput, Provider
from assay.gateway.dialect import Dialect, read_asked
from assay.gateway.providers import check_provider, read_provider, shipped_providers

PLAIN = Provider(name="up", title="Up", base_url="http://up/v1")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = {
    "model": b'"up/m"',
    "messages": b'[{"role":"user","content":"caf\\u00e9 \\/ \xe6\xb0\xb4  "}]',
    "seed": b"12345678901234567890",
    "temperature": b"1.0",
    "x_unknown": b'{"deep":[1.50,2e3,{"a" : null}]}',
    "n": b"1E2",
}
SHIPPED = [(provider, protocol) for provider in shipped_providers().values() for protocol in provider.offers]
NAMES = [f"{provider.name}-{protocol}" for provider, protocol in SHIPPED]


def joined(fields: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in fields.items()) + b"}"


def write(provider: Provider, body: bytes, model: str = "m") -> bytes:
    return Dialect(provider).write(read_asked(body), model).body


def sent(provider: Provider, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write(provider, json.dumps({"model": "up/m", **fields}).encode()))
    return document


@pytest.mark.parametrize(("provider", "protocol"), SHIPPED, ids=NAMES)
def test_every_provider_is_sent_the_bytes_that_came(provider: Provider, protocol: str) -> None:
    """Only the model's name differs, and what the row itself says: byte for byte, in every protocol that the provider speaks."""
    offer = provider.offers[protocol]
    ours = {*offer.renames, *offer.drops, *offer.clamps, *offer.swaps}
    came = {name: value for name, value in FIELDS.items() if name not in ours}
    added = {name: json.dumps(value, separators=(",", ":")).encode() for name, value in {**offer.defaults, **offer.fixed}.items()}
    body = Dialect(offer, protocol).write(read_asked(joined(came)), "m-1").body
    assert body == joined({**came, "model": b'"m-1"', **added})


@pytest.mark.parametrize(("provider", "protocol"), SHIPPED, ids=NAMES)
def test_every_provider_row_changes_what_it_says(provider: Provider, protocol: str) -> None:
    offer = provider.offers[protocol]
    fields: dict[str, Any] = dict.fromkeys((*offer.renames, *offer.drops), 1)
    fields |= {name: high + 1 for name, (_, high) in offer.clamps.items()}
    fields |= {name: next(iter(swaps)) for name, swaps in offer.swaps.items()}
    body = json.dumps({"model": "m", **fields}).encode()
    got = json.loads(Dialect(offer, protocol).write(read_asked(body), "m").body)
    assert not {*offer.renames, *offer.drops} & got.keys()
    assert all(got[new] == 1 for new in offer.renames.values())
    assert all(got[name] == high for name, (_, high) in offer.clamps.items())
    assert all(got[name] == next(iter(swaps.values())) for name, swaps in offer.swaps.items())


@pytest.mark.parametrize("provider", shipped_providers().values(), ids=lambda provider: provider.name)
def test_every_provider_row_has_its_facts(provider: Provider) -> None:
    """A date, a source, and a key's variable unless none is needed; so has every price."""
    check_provider(provider)
    assert provider.facts
    assert provider.docs or provider.kind == "practice"
    assert provider.auth in ("none", "google") or provider.key_env
    assert all(model.price.source and model.price.date for model in provider.models if model.price is not None)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), JSON, max_size=5))
def test_fields_that_nobody_knows_pass(fields: dict[str, Any]) -> None:
    document = {**fields, "model": "up/m"}
    document.pop("stream", None)
    body = json.dumps(document, ensure_ascii=False).encode()
    assert json.loads(write(PLAIN, body)) == {**document, "model": "m"}


def test_a_rename_gives_way_to_the_new_name() -> None:
    provider = msgspec.structs.replace(PLAIN, renames={"max_tokens": "max_completion_tokens"})
    assert sent(provider, max_tokens=5) == {"model": "m", "max_completion_tokens": 5}
    assert sent(provider, max_tokens=5, max_completion_tokens=6) == {"model": "m", "max_completion_tokens": 6}


def test_what_is_lost_is_said() -> None:
    provider = msgspec.structs.replace(PLAIN, drops=("seed", "stream_options"), clamps={"temperature": (0, 1), "top_p": (0, 1)})
    asked = read_asked(b'{"model":"m","seed":1,"temperature":1.5,"top_p":0.5,"stream_options":{}}')
    assert Dialect(provider).write(asked, "m").losses == ("dropped:seed", "approximated:temperature=1")


@pytest.mark.parametrize(
    ("options", "expected", "hides"),
    [
        (None, {"include_usage": True}, True),
        ({"include_usage": False, "x": 1}, {"include_usage": True, "x": 1}, True),
        ({"include_usage": True}, {"include_usage": True}, False),
    ],
)
def test_usage_is_asked_for_where_the_client_did_not(options: Any, expected: Any, hides: bool) -> None:
    body = {"model": "m", "stream": True} | ({"stream_options": options} if options is not None else {})
    written = Dialect(PLAIN).write(read_asked(json.dumps(body).encode()), "m")
    assert json.loads(written.body)["stream_options"] == expected
    assert written.hides_usage is hides


def test_usage_is_not_asked_for_without_a_stream_or_where_the_provider_does_not_know_it() -> None:
    assert "stream_options" not in sent(PLAIN)
    assert "stream_options" not in sent(msgspec.structs.replace(PLAIN, stream_usage=False), stream=True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request.json"),
        (b"{", "request.json"),
        (b"[]", "request.json"),
        (b'{"model":"m"} x', "request.json"),
        (b'{"model":"m","x":NaN}', "request.json"),
        (b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "request.json"),
        (b'{"model":"m","x":"\xff"}', "request.encoding"),
        (b'\xef\xbb\xbf{"model":"m"}', "request.json"),
        (b"{}", "request.model"),
        (b'{"model":7}', "request.model"),
        (b'{"model":""}', "request.model"),
        (b'{"model":null}', "request.model"),
        (b'{"model":"m","stream":"yes"}', "request.stream"),
    ],
)
def test_bad_bodies_are_refused_with_the_reason(body: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_asked(body)
    assert raised.value.code == code


def test_of_two_fields_with_one_name_the_last_counts_and_only_it_is_sent() -> None:
    """So that no provider reads another request than the one that was checked."""
    assert write(PLAIN, b'{"model":"a","model":"up/m","n":1,"n":2}') == b'{"model":"m","n":2}'


@pytest.mark.parametrize(
    "row",
    [
        "name =",
        'name = "x"',
        'name = "x"\ntitle = "X"\nbase_url = "http://x/v1"\nbase_ur = "y"',
        'name = "x"\ntitle = "X"\nbase_url = "gopher://x"',
        'name = "a b"\ntitle = "X"\nbase_url = "http://x/v1"',
        'name = "x"\ntitle = "X"\nbase_url = "http://x/v1"\nheaders = { x = "a\\r\\nb" }',
    ],
)
def test_rows_that_could_not_be_called_are_refused(row: str) -> None:
    with pytest.raises(AssayError):
        read_provider(row)


@pytest.mark.parametrize(
    "row",
    [
        "[reasoning]\non = { thinking = true }\nwhen = 1",
        "[also.openai_responses]\nrename = { a = 'b' }",
        "[also.smoke_signals]",
        "[parameters.region]\nabuot = 'x'",
        "[[models]]\nname = 'm'\nprize = 1",
        "[[models]]\nname = 'm'\nprice = { input = 'free', output = '1' }",
        "[paths]\nenchant = '/x'",
        "[paths]\ngenerate = 'x'",
        "headers = { x = '{nobody}' }",
    ],
)
def test_a_misspelt_row_is_refused(row: str) -> None:
    good = 'name = "x"\ntitle = "X"\nbase_url = "http://x/v1"\n'
    assert read_provider(good).name == "x"
    with pytest.raises(InvalidInput):
        read_provider(good + row)
