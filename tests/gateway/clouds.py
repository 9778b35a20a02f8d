"""Stand-ins for what clouds have and nobody else: signatures of AWS, tokens of Google, event streams. Written from their documentation,
by other means than the gateway's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import struct
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCESS, SECRET, SESSION = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYaDH"
MODEL = "/model/anthropic.claude-x-v1%3A0/converse"


def expected_signature(method: str, path: str, query: str, headers: dict[str, str], body: bytes, region: str) -> str:
    """Signature Version 4, written from its documentation ("Create a signed AWS API request", 2026-11), step by step."""
    names = sorted(name.lower() for name in headers)
    lowered = {name.lower(): value for name, value in headers.items()}
    request = "\n".join(
        (
            method,
            # Every service but S3 wants the path, which is escaped already, to be escaped once more.
            urllib.parse.quote(path, safe="/~"),
            query,
            *(f"{name}:{lowered[name].strip()}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    at = lowered["x-amz-date"]
    scope = f"{at[:8]}/{region}/bedrock/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{SECRET}".encode()
    for part in (at[:8], region, "bedrock", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class TokenService:
    """Gives a token to who proves, by a signature of the account's own key, to be the account."""

    def __init__(self, key: rsa.RSAPrivateKey):
        self.key = key
        self.asked: list[dict[str, Any]] = []
        self.lifetime_s = 3600
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(next(line.partition(":")[2] for line in head.splitlines() if line.startswith("content-length:")))
        form = urllib.parse.parse_qs((await reader.readexactly(length)).decode())
        signed, _, signature = form["assertion"][0].rpartition(".")
        self.key.public_key().verify(
            base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        self.asked.append(json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "==")))
        answer = {"access_token": f"ya29.{len(self.asked)}", "expires_in": self.lifetime_s, "token_type": "Bearer"}
        status = b"200 OK"
        if self.refuses:
            status, answer = b"400 Bad Request", {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        body = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def token_service() -> AsyncIterator[tuple[TokenService, str]]:
    """A token service, and the key file of an account that it knows."""
    key = rsa.generate_private_key(65537, 2048)
    service = TokenService(key)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    document = {
        "type": "service_account",
        "project_id": "p-1",
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "client_email": "gateway@p-1.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{port}/token",
    }
    async with server:
        yield service, json.dumps(document, indent=2)


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of an event stream, written from its specification (Smithy, "Amazon Event Stream")."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    head = prelude + struct.pack("!I", binascii.crc32(prelude))
    message = head + packed + payload
    return message + struct.pack("!I", binascii.crc32(message))


def event(kind: str, fields: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(fields, ensure_ascii=False).encode())


def wrapped(fields: dict[str, Any]) -> bytes:
    inner = json.dumps(fields, ensure_ascii=False).encode()
    return event("chunk", {"bytes": base64.b64encode(inner).decode(), "p": "abcdef"})


CONVERSE = (
    event("messageStart", {"role": "assistant"})
    + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "good\u2028 day"}, "p": "abc"})
    + event("contentBlockStop", {"contentBlockIndex": 0})
    + event("messageStop", {"stopReason": "end_turn"})
    + event("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {"latencyMs": 1}})
)
INVOKED = b"".join(
    wrapped(fields)
    for fields in (
        {"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "good\u2028 day"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )
)
