"""An issuer of OpenID Connect that does as it is told, well or ill: over real HTTP, with keys of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT = "assay-here"
SECRET = "canary-client-secret-51c0a7"

Claims = dict[str, Any]


class Key:
    """A signing key, and the public half as it is published."""

    def __init__(self, id: str, algorithm: str = "RS256"):
        self.id = id
        self.algorithm = algorithm
        self.private: Any
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.public = {**public, "kid": id, "use": "sig", "alg": algorithm}

    def sign(self, claims: Claims) -> str:
        """An ID token."""
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.id})


class HonestIssuer:
    """``person`` are the claims of whoever signs in. ``token`` makes the ID token of its claims; ``metadata`` may be changed."""

    def __init__(self) -> None:
        self.keys = [Key("first")]
        self.person: Claims = {"sub": "p1", "email": "ana@example.org", "email_verified": True, "name": "Ana"}
        self.userinfo: Claims = {}
        self.token: Callable[[Claims], str] = lambda claims: self.keys[-1].sign(claims)
        self.metadata: dict[str, Any] = {}
        self.key_fetches = 0
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def authorize(self, url: str) -> str:
        """What a person's browser is led back to, once they have agreed at ``url``."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{urlsplit(asked['redirect_uri']).path}?code={code}&state={asked['state']}"

    def claims(self, nonce: str) -> Claims:
        now = int(time.time())
        return {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "userinfo_endpoint": f"{self.url}/me",
                    **self.metadata,
                }
            case "/keys":
                self.key_fetches += 1
                return 200, {"keys": [key.public for key in self.keys]}
            case "/token":
                return self._redeem(headers, {name: values[0] for name, values in parse_qs(body.decode()).items()})
            case "/me" if headers["authorization"] == "Bearer access":
                return 200, self.userinfo
        return 404, {}

    def _redeem(self, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        asked = self._codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers["authorization"] != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.token(self.claims(asked["nonce"])), "access_token": "access", "token_type": "Bearer"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._reply(issuer._answer("GET", self.path, self.headers, b""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self._reply(issuer._answer("POST", self.path, self.headers, body))

            def _reply(self, answer: tuple[int, Any]) -> None:
                status, said = answer
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler
