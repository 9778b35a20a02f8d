"""Ways to providers: where a request goes, what its head says, and what is said where none can be sent."""

from __future__ import annotations

import msgspec
import pytest

from assay.core import AssayError, InvalidInput, NotFound, Offer, Parameter, Provider, Unavailable
from assay.gateway.providers import shipped_providers
from assay.gateway.providers.blanks import check_value, known_values
from assay.gateway.upstream import Upstream, Way

ROWS = shipped_providers()
PLAIN = Provider(name="up", title="Up", base_url="https://up.example/v1")


def row(name: str, **values: str) -> Provider:
    return msgspec.structs.replace(ROWS[name], values=values)


async def head_of(way: Way, model: str = "m", *, stream: bool = False, operation: str = "generate", **more: object) -> str:
    _, head = await way.address(operation, model, stream=stream, body=b"{}", **more)  # type: ignore[arg-type]  # words of the test
    return head.decode()


@pytest.mark.anyio
async def test_a_head_is_made_once() -> None:
    way = Upstream(PLAIN, "k").way("openai_chat")
    assert (await way.address("generate", "a", stream=True, body=b""))[1] is (
        await way.address("generate", "b", stream=True, body=b"x")
    )[1]


@pytest.mark.anyio
async def test_models_named_in_addresses_by_clients_do_not_fill_the_memory() -> None:
    way = Upstream(ROWS["gemini"], "k").way("gemini")
    for number in range(2000):
        await way.address("generate", f"m{number}", stream=False, body=b"")
    assert len(way._heads) <= 512


@pytest.mark.anyio
async def test_neither_forms_nor_long_headers_drive_out_what_comes_again() -> None:
    way = Upstream(ROWS["anthropic"], "k").way("anthropic")
    (_, head) = await way.address("generate", "m", stream=False, body=b"")
    for number in range(600):
        await way.address("generate", "m", stream=False, body=b"", content_type=b"multipart/form-data; boundary=%d" % number)
        await way.address("generate", "m", stream=False, body=b"", forwarded=[(b"anthropic-beta", b"%d" % number * 4000)])
    assert (await way.address("generate", "m", stream=False, body=b""))[1] is head


@pytest.mark.anyio
@pytest.mark.parametrize("model", ["m\r\nx: y", "m n", "v1..2/..other", "水", "m?x=1", "m#x", "a/b:c"])
async def test_no_models_name_breaks_out_of_its_place(model: str) -> None:
    head = await head_of(Upstream(ROWS["gemini"], "k").way("gemini"), model)
    path = head.split(" ")[1]
    assert path.startswith("/v1beta/models/")
    assert path.endswith(":generateContent")
    assert path.count("/") == 3
    assert "?" not in path
    assert head.count("\r\n") == 6


@pytest.mark.anyio
@pytest.mark.parametrize("model", [".", "..", "../../v1/other", "a/..", "a/./b", "..\\b"])
async def test_a_models_name_that_would_climb_the_path_is_refused(model: str) -> None:
    way = Upstream(row("bedrock", region="eu-west-1"), "k").way("bedrock_converse")
    with pytest.raises(InvalidInput) as raised:
        await way.address("generate", model, stream=False, body=b"")
    assert raised.value.code == "provider.path"


@pytest.mark.anyio
async def test_what_the_client_says_in_a_header_replaces_what_the_row_says() -> None:
    way = Upstream(ROWS["anthropic"], "k").way("anthropic")
    forwarded = [(b"Anthropic-Version", b"2026-10-21"), (b"anthropic-beta", b"a,b")]
    head = await head_of(way, forwarded=forwarded)
    assert "anthropic-version: 2026-10-21\r\n" in head
    assert "anthropic-beta: a,b\r\n" in head
    assert head.count("anthropic-version") == 1
    assert "x-api-key: k\r\n" in head
    assert "anthropic-version: 2023-06-01\r\n" in await head_of(way)


@pytest.mark.anyio
async def test_a_list_in_several_headers_stays_one_list() -> None:
    way = Upstream(ROWS["anthropic"], "k").way("anthropic")
    forwarded = [(b"anthropic-beta", b"a,b"), (b"anthropic-version", b"2023-06-01"), (b"anthropic-version", b"2023-06-01")]
    head = await head_of(way, forwarded=[*forwarded, (b"anthropic-beta", b"c")])
    assert "anthropic-beta: a,b, c\r\n" in head
    assert "anthropic-version: 2023-06-01\r\n" in head


@pytest.mark.anyio
async def test_a_header_that_belongs_into_the_body_is_not_sent_as_one() -> None:
    way = Upstream(row("bedrock-anthropic", region="eu-west-1"), "k").way("anthropic")
    assert "anthropic-beta" not in await head_of(way, forwarded=[(b"anthropic-beta", b"a,b")])


@pytest.mark.anyio
async def test_a_form_is_announced_as_what_it_is() -> None:
    way = Upstream(ROWS["openai"], "k").offering("transcription")
    head = await head_of(way, operation="transcription", content_type=b"multipart/form-data; boundary=x")
    assert head.startswith("POST /v1/audio/transcriptions HTTP/1.1\r\n")
    assert "content-type: multipart/form-data; boundary=x\r\n" in head


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
async def test_a_region_decides_about_the_host(location: str, host: str) -> None:
    upstream = Upstream(row("vertex", project="p-1", location=location), "k")
    assert f"host: {host}\r\n" in await head_of(upstream.way("gemini"))
    assert upstream.origin.host == host


@pytest.mark.anyio
async def test_an_optional_blank_leaves_its_header_out() -> None:
    assert "openai-organization" not in await head_of(Upstream(ROWS["openai"], "k").way("openai_chat"))
    assert "openai-project: p\r\n" in await head_of(Upstream(row("openai", project="p"), "k").way("openai_chat"))


def test_a_row_with_an_empty_blank_is_not_ready_and_says_what_is_missing() -> None:
    upstream = Upstream(ROWS["azure"], "k")
    assert not upstream.is_ready
    assert not upstream.ways
    with pytest.raises(Unavailable) as raised:
        upstream.way("openai_chat")
    assert raised.value.code == "provider.parameter_missing"
    assert "AZURE_OPENAI_RESOURCE" in (raised.value.hint or "")
    assert "assay provider set azure resource=" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("openai", "OPENAI_API_KEY"), ("bedrock", "AWS_ACCESS_KEY_ID"), ("vertex", "GOOGLE_APPLICATION_CREDENTIALS")],
)
def test_a_missing_key_says_where_it_is_looked_for(name: str, variable: str) -> None:
    with pytest.raises(Unavailable) as raised:
        Upstream(ROWS[name], None).require_ready()
    assert raised.value.code == "provider.key_missing"
    assert variable in (raised.value.hint or "")


def test_a_client_gets_its_own_protocol_where_the_provider_speaks_it() -> None:
    deepseek = Upstream(ROWS["deepseek"], "k")
    assert [deepseek.way(protocol).protocol for protocol in ("openai_chat", "anthropic", "gemini", "openai_responses")] == [
        "openai_chat",
        "anthropic",
        "openai_chat",
        "openai_chat",
    ]
    assert Upstream(ROWS["openai"], "k").way("gemini").protocol == "openai_responses"
    assert Upstream(ROWS["gemini"], "k").way("openai_chat").protocol == "gemini"


def test_what_a_provider_offers_beside_answers_is_found_in_any_of_its_protocols() -> None:
    gemini = Upstream(ROWS["gemini"], "k")
    assert gemini.offering("embeddings").protocol == "openai_chat"
    with pytest.raises(NotFound) as raised:
        gemini.offering("speech")
    assert raised.value.code == "provider.not_offered"


def test_of_a_provider_of_ones_own_nobody_knows_so_everything_is_passed_on() -> None:
    assert Upstream(PLAIN, "k").offering("speech").protocol == "openai_chat"


@pytest.mark.anyio
async def test_what_is_not_offered_is_not_asked_for() -> None:
    way = Upstream(ROWS["groq"], "k").way("openai_chat")
    for operation in ("count_tokens", "embeddings"):
        with pytest.raises(NotFound):
            await head_of(way, operation=operation)


def test_a_key_is_taken_out_of_what_a_provider_echoes() -> None:
    upstream = Upstream(row("bedrock", region="eu-west-1"), "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG")
    assert upstream.redact(b"no wJalrXUtnFEMI/K7MDENG here") == b"no [key] here"


@pytest.mark.parametrize("value", ["", " ", "a/b", "a b", "evil.com#", "x@y", "x" * 201, "-x", "https://x"])
def test_a_value_that_could_lead_elsewhere_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_value(ROWS["azure"], "resource", value)
    assert raised.value.code == "provider.parameter"


def test_only_the_blanks_of_a_row_can_be_filled_in() -> None:
    assert check_value(ROWS["azure"], "resource", " my-resource ") == "my-resource"
    for provider, name in (("azure", "region"), ("vertex", "host"), ("groq", "resource")):
        with pytest.raises(AssayError):
            check_value(ROWS[provider], name, "x")


def test_a_default_gives_way_to_a_value() -> None:
    assert known_values(ROWS["vertex"])["location"] == "global"
    assert known_values(row("vertex", location="us"))["host"] == "aiplatform.us.rep.googleapis.com"


def test_an_offer_takes_from_its_row_what_it_leaves_out() -> None:
    provider = Provider(
        name="x",
        title="X",
        base_url="https://{region}.example/v1",
        auth="x-api-key",
        headers={"a": "1", "b": "1"},
        parameters={"region": Parameter()},
        also={"anthropic": Offer(headers={"b": "2"}), "gemini": Offer(base_url="https://g.example", auth="bearer")},
    )
    anthropic, gemini = provider.offers["anthropic"], provider.offers["gemini"]
    assert (anthropic.base_url, anthropic.auth, anthropic.headers) == (provider.base_url, "x-api-key", {"a": "1", "b": "2"})
    assert (gemini.base_url, gemini.auth) == ("https://g.example", "bearer")
