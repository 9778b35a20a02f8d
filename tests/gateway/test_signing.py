"""Requests to AWS, signed as AWS's own documentation says; tokens of Google, fetched from a real token service; AWS's event streams."""

from __future__ import annotations

import asyncio
import binascii
import itertools
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import InvalidInput, Unavailable
from assay.gateway.connection import Fault
from assay.gateway.framing import LARGEST_FRAME, AwsFrames
from assay.gateway.signing import ambient_key, check_google_key, make_signer, secrets_in
from assay.wire import anthropic, bedrock_converse
from tests.gateway.clouds import (
    ACCESS,
    CONVERSE,
    INVOKED,
    MODEL,
    SECRET,
    SESSION,
    expected_signature,
    frame,
    token_service,
)


async def sign(
    key: str, body: bytes, method: str = "POST", path: str = MODEL, content_type: str = "application/json"
) -> dict[str, str]:
    signer = make_signer("sigv4", key, "eu-west-1")
    assert signer is not None
    return dict(await signer.headers(method, f"https://bedrock-runtime.eu-west-1.amazonaws.com{path}", content_type, body))


@pytest.mark.anyio
@pytest.mark.parametrize("session", [None, SESSION])
async def test_a_request_to_aws_carries_the_signature_that_its_documentation_describes(session: str | None) -> None:
    body = '{"messages": "水"}'.encode()
    sent = await sign(":".join(part for part in (ACCESS, SECRET, session) if part), body)
    assert sent.get("X-Amz-Security-Token") == session
    signed = {
        "host": "bedrock-runtime.eu-west-1.amazonaws.com",
        "content-type": "application/json",
        "x-amz-date": sent["X-Amz-Date"],
    }
    signed |= {"x-amz-security-token": session} if session else {}
    scope = f"{ACCESS}/{sent['X-Amz-Date'][:8]}/eu-west-1/bedrock/aws4_request"
    assert sent["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(sorted(signed))}, "
        f"Signature={expected_signature('POST', MODEL, '', signed, body, 'eu-west-1')}"
    )


@pytest.mark.anyio
async def test_another_body_or_query_has_another_signature() -> None:
    key = f"{ACCESS}:{SECRET}"
    one, other = await sign(key, b"{}"), await sign(key, b"{ }")
    assert one["Authorization"] != other["Authorization"]
    listed = await sign(key, b"", "GET", "/foundation-models?byProvider=anthropic", "")
    signed = {"host": "bedrock-runtime.eu-west-1.amazonaws.com", "x-amz-date": listed["X-Amz-Date"]}
    assert listed["Authorization"].endswith(
        expected_signature("GET", "/foundation-models", "byProvider=anthropic", signed, b"", "eu-west-1")
    )


@pytest.mark.anyio
async def test_a_profile_is_read_as_awss_own_tools_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "credentials"
    path.write_text(f"[work]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert f"Credential={ACCESS}/" in (await sign("profile:work", b"{}"))["Authorization"]
    with pytest.raises(Unavailable) as raised:
        await sign("profile:nobody", b"{}")
    assert raised.value.code == "provider.credentials"
    assert "nobody" in raised.value.message


def test_a_key_of_bedrocks_own_is_a_plain_header() -> None:
    assert make_signer("sigv4", "ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl", "eu-west-1") is None
    assert make_signer("google", "ya29.token", None) is None
    assert make_signer("bearer", f"{ACCESS}:{SECRET}", None) is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("library", "auth", "key"), [("botocore.auth", "sigv4", f"{ACCESS}:{SECRET}"), ("google.auth", "google", "{}")]
)
async def test_a_library_that_is_not_installed_is_named_with_the_way_to_get_it(
    library: str, auth: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    signer = make_signer(auth, key, "eu-west-1")
    assert signer is not None
    with pytest.raises(Unavailable) as raised:
        await signer.headers("POST", "https://example.org/", "application/json", b"")
    assert raised.value.code == "provider.library_missing"
    assert "modelassay[" in (raised.value.hint or "")


def test_the_environments_own_credentials_are_found(tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_PROFILE": "work"}
    assert ambient_key("sigv4", environ) == f"{ACCESS}:{SECRET}"
    assert ambient_key("sigv4", {**environ, "AWS_SESSION_TOKEN": SESSION}) == f"{ACCESS}:{SECRET}:{SESSION}"
    assert ambient_key("sigv4", {"AWS_PROFILE": "work"}) == "profile:work"
    assert ambient_key("sigv4", {}) is None
    assert ambient_key("bearer", environ) is None
    path = tmp_path / "account.json"
    assert ambient_key("google", {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}) is None
    path.write_text(json.dumps({"type": "external_account"}))
    assert ambient_key("google", {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}) == "application-default"


def test_no_part_of_a_key_is_left_in_what_a_provider_echoes() -> None:
    assert set(secrets_in(f"{ACCESS}:{SECRET}:{SESSION}")) == {f"{ACCESS}:{SECRET}:{SESSION}", SECRET, SESSION}
    assert "PEM" in secrets_in(json.dumps({"type": "service_account", "private_key": "PEM", "client_email": "a@b"}))
    assert secrets_in("sk-plain") == ("sk-plain",)


# Google


@pytest.mark.anyio
async def test_a_service_account_gets_a_token_once_and_uses_it_until_it_expires() -> None:
    async with token_service() as (service, document):
        signer = make_signer("google", check_google_key(document), None)
        assert signer is not None
        asking = [signer.headers("POST", "https://x/", "application/json", b"") for _ in range(5)]
        told = await asyncio.gather(*asking)
        assert {headers["authorization"] for headers in told} == {"Bearer ya29.1"}
        assert [claims["iss"] for claims in service.asked] == ["gateway@p-1.iam.gserviceaccount.com"]
        assert service.asked[0]["scope"] == "https://www.googleapis.com/auth/cloud-platform"


@pytest.mark.anyio
async def test_a_token_that_is_about_to_expire_is_fetched_anew() -> None:
    async with token_service() as (service, document):
        service.lifetime_s = 60  # less than what google-auth keeps in hand
        signer = make_signer("google", check_google_key(document), None)
        assert signer is not None
        for number in (1, 2):
            headers = await signer.headers("POST", "https://x/", "application/json", b"")
            assert headers["authorization"] == f"Bearer ya29.{number}"


@pytest.mark.anyio
async def test_an_account_that_google_refuses_is_an_error_that_says_so() -> None:
    async with token_service() as (service, document):
        service.refuses = True
        signer = make_signer("google", check_google_key(document), None)
        assert signer is not None
        with pytest.raises(Unavailable) as raised:
            await signer.headers("POST", "https://x/", "application/json", b"")
    assert raised.value.code == "provider.credentials"
    assert "Invalid JWT Signature" in raised.value.message
    assert "PRIVATE KEY" not in str(raised.value)


@pytest.mark.parametrize(
    "document",
    ["{", "{}", '{"type": "service_account"}', '{"type": "external_account"}', '{"type": "service_account", "client_email": 7}'],
)
def test_a_document_that_is_no_google_key_is_refused(document: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_google_key(document)
    assert raised.value.code == "provider.key"


# Event streams


@given(st.lists(st.integers(1, len(CONVERSE) - 1), max_size=6))
def test_a_stream_in_frames_is_read_alike_in_any_pieces(cuts: list[int]) -> None:
    frames = AwsFrames(wrapped=False)
    edges = [0, *sorted(cuts), len(CONVERSE)]
    pieces = [frames.feed(CONVERSE[a:b]) for a, b in itertools.pairwise(edges)]
    events = bedrock_converse.read_events(pieces, stream=True)
    assert "".join(getattr(one, "text", "") for one in events) == "good\u2028 day"


def test_a_model_invoked_in_anthropics_protocol_gives_its_very_events() -> None:
    stream = AwsFrames(wrapped=True).feed(INVOKED)
    events = anthropic.read_events([stream], stream=True)
    assert "".join(getattr(one, "text", "") for one in events) == "good\u2028 day"
    assert stream.startswith(b"event: message_start\ndata: {")
    assert "\u2028".encode() not in stream


@pytest.mark.parametrize(("is_wrapped", "codec"), [(False, bedrock_converse), (True, anthropic)])
def test_an_exception_in_a_stream_is_an_error_of_the_protocol(is_wrapped: bool, codec: Any) -> None:
    exception = frame(
        {":exception-type": "throttlingException", ":content-type": "application/json", ":message-type": "exception"},
        b'{"message":"Too many tokens, please wait."}',
    )
    reader = codec.EventReader(stream=True)
    with pytest.raises(Exception, match="Too many tokens"):
        reader.feed(AwsFrames(wrapped=is_wrapped).feed(exception))


def test_a_frame_with_a_wrong_checksum_is_refused() -> None:
    broken = bytearray(CONVERSE)
    broken[40] ^= 1
    with pytest.raises(Fault) as raised:
        AwsFrames(wrapped=False).feed(bytes(broken))
    assert raised.value.code == "upstream.garbled"


def test_a_frame_that_never_ends_is_refused() -> None:
    prelude = struct.pack("!II", 24 * 1024 * 1024, 0)
    frames = AwsFrames(wrapped=False)
    frames.feed(prelude + struct.pack("!I", binascii.crc32(prelude)))
    with pytest.raises(Fault):
        frames.feed(bytes(LARGEST_FRAME + 1))


@given(st.binary(max_size=300))
def test_hostile_bytes_are_a_fault_at_worst(data: bytes) -> None:
    frames = AwsFrames(wrapped=True)
    try:
        frames.feed(data)
    except Fault:
        return
