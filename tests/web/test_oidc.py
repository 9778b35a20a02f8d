"""Signing in elsewhere: who gets in, as whom, and every way in which an issuer's word must not be taken."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.command import command
from tests.server import Reply, RunningAssay, running
from tests.web.issuer import CLIENT, SECRET, Claims, HonestIssuer, Key

HTML = {"accept": "text/html"}
OTHER = Key("first")
"""Another's key, under the name of ours."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[HonestIssuer]:
    made = HonestIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory, issuer: HonestIssuer) -> Iterator[RunningAssay]:
    """A server where people of one domain sign in at the issuer, and its groups give roles."""
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "client.secret").write_text(SECRET)
    (folder / "assay.toml").write_text(
        f'oidc_issuer = "{issuer.url}"\noidc_client_id = "{CLIENT}"\noidc_client_secret_file = "{folder / "client.secret"}"\n'
        'oidc_default_role = "viewer"\noidc_domains = ["Example.org"]\n'
        '[oidc_roles]\n"groups=platform" = "admin"\n"realm.roles=staff" = "member"\n'
    )
    with running(folder, "--demo", environ={"ASSAY_LOG_LEVEL": "DEBUG"}) as server:
        server.sign_in()
        yield server


@pytest.fixture(autouse=True)
def _as_before(issuer: HonestIssuer) -> None:
    fresh = {"sub": "p1", "email": "ana@example.org", "email_verified": True, "name": "Ana"}
    issuer.person, issuer.userinfo, issuer.metadata = fresh, {}, {}
    issuer.token = lambda claims: issuer.keys[-1].sign(claims)


def begin(assay: RunningAssay) -> tuple[str, str]:
    """Where the browser is sent, and the cookie that it keeps meanwhile."""
    reply = assay.ask("GET", "/login/oidc", headers={"cookie": ""})
    assert reply.status == 303, reply.body
    header = reply.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in header
    assert "Path=/login;" in header
    return reply.headers["location"], header.split(";")[0]


def sign_in(assay: RunningAssay, issuer: HonestIssuer) -> Reply:
    """All the way there and back."""
    url, cookie = begin(assay)
    return assay.ask("GET", issuer.authorize(url), headers={"cookie": cookie, **HTML})


def session(assay: RunningAssay, reply: Reply) -> dict[str, Any]:
    """Who is signed in then."""
    assert (reply.status, reply.headers.get("location")) == (303, "/"), reply.body
    found: dict[str, Any] = assay.ask("GET", "/api/v1/session", headers={"cookie": session_cookie(reply)}).json
    return found


def session_cookie(reply: Reply) -> str:
    """The session's, which is set after the one that ends the way there."""
    header = reply.headers["set-cookie"]
    assert "SameSite=Strict" in header
    return header.split(";")[0]


def refused(reply: Reply) -> str:
    """The code on the page that says why somebody is not signed in."""
    assert "text/html" in reply.headers["content-type"], reply
    assert "Max-Age=0" in reply.headers["set-cookie"]
    page = unescape(reply.body.decode())
    assert "You are not signed in" in page
    return page.partition("<small>")[2].partition("<")[0]


def test_somebody_new_gets_an_account_with_the_role_of_their_groups(assay: RunningAssay, issuer: HonestIssuer) -> None:
    issuer.person |= {"sub": "new", "email": "New@Example.org", "groups": ["x", "platform"], "realm": {"roles": ["staff"]}}
    who = session(assay, sign_in(assay, issuer))
    assert (who["signed_in"], who["user"]["role"], who["oidc"]) == (True, "admin", True)
    user = next(user for user in assay.ask("GET", "/api/v1/users").json["users"] if user["id"] == who["user"]["id"])
    assert (user["email"], user["signs_in_with"], user["name"]) == ("new@example.org", ["oidc"], "Ana")
    entry = assay.ask("GET", f"/api/v1/audit?actor={user['id']}").json["entries"][0]
    assert (entry["action"], entry["detail"], entry["address"]) == ("sign in", {"by": "oidc"}, "127.0.0.1")


def test_whoever_leaves_a_group_loses_its_role_at_the_next_sign_in(assay: RunningAssay, issuer: HonestIssuer) -> None:
    issuer.person |= {"sub": "mover", "email": "mover@example.org", "groups": ["platform"]}
    first = session(assay, sign_in(assay, issuer))
    issuer.person |= {"groups": [], "realm": {"roles": ["staff"]}}
    second = session(assay, sign_in(assay, issuer))
    issuer.person |= {"realm": {}}
    third = session(assay, sign_in(assay, issuer))
    assert [who["user"]["role"] for who in (first, second, third)] == ["admin", "member", "viewer"]
    assert len({who["user"]["id"] for who in (first, second, third)}) == 1


def test_an_account_with_the_same_verified_address_is_theirs_and_stays_it(assay: RunningAssay, issuer: HonestIssuer) -> None:
    made = assay.ask("POST", "/api/v1/users", {"name": "Bo", "email": "bo@example.org"}).json
    issuer.person |= {"sub": "bo", "email": "BO@example.org"}
    assert session(assay, sign_in(assay, issuer))["user"]["id"] == made["id"]
    issuer.person |= {"email": "bo.new@example.org"}
    assert session(assay, sign_in(assay, issuer))["user"]["id"] == made["id"], "known by their subject now"
    issuer.person |= {"sub": "not-bo", "email": "bo@example.org"}
    assert refused(sign_in(assay, issuer)) == "oidc.other_subject"


def test_an_address_that_only_looks_alike_is_another(assay: RunningAssay, issuer: HonestIssuer) -> None:
    """The small letter of the Kelvin sign is a plain k: whoever has the one mailbox has not the other."""
    made = assay.ask("POST", "/api/v1/users", {"name": "Kim", "email": "kim@example.org", "role": "admin"}).json
    issuer.person |= {"sub": "not-kim", "email": "\N{KELVIN SIGN}im@example.org", "groups": ["platform"]}
    assert session(assay, sign_in(assay, issuer))["user"]["id"] != made["id"]


def test_a_disabled_account_stays_out(assay: RunningAssay, issuer: HonestIssuer) -> None:
    issuer.person |= {"sub": "gone", "email": "gone@example.org"}
    reply = sign_in(assay, issuer)
    who = session(assay, reply)["user"]["id"]
    assert assay.ask("DELETE", f"/api/v1/users/{who}").status == 200
    assert assay.ask("GET", "/api/v1/keys", headers={"cookie": session_cookie(reply)}).status == 401
    assert refused(sign_in(assay, issuer)) == "oidc.disabled"


@pytest.mark.parametrize(
    ("email", "verified"),
    [("x@example.org", False), ("x@example.org", None), ("x@evil.example", True), ("x@sub.example.org", True), (None, True)],
)
def test_only_a_verified_address_of_the_domain_lets_somebody_in(
    assay: RunningAssay, issuer: HonestIssuer, email: str | None, verified: bool | None
) -> None:
    """Who may write any address into their profile would otherwise be whoever they like."""
    issuer.person = {"sub": "x", "email": email, "email_verified": verified}
    assert refused(sign_in(assay, issuer)) == "oidc.domain"


def test_an_address_may_come_with_the_users_facts_instead_of_the_token(assay: RunningAssay, issuer: HonestIssuer) -> None:
    issuer.person = {"sub": "thin"}
    issuer.userinfo = {"sub": "thin", "email": "thin@example.org", "email_verified": True}
    who = session(assay, sign_in(assay, issuer))
    assert who["user"]["name"] == "thin@example.org"
    issuer.userinfo |= {"sub": "other"}
    assert refused(sign_in(assay, issuer)) == "oidc.bad_token"


def _unsigned(issuer: HonestIssuer, claims: Claims) -> str:
    return jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]  # what no key is needed for


def _confused(issuer: HonestIssuer, claims: Claims) -> str:
    """Signed with the public key, as if it were a secret."""
    secret = issuer.keys[-1].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256", "kid": "first"}, claims)
    )
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head + b"." + body, secret)
    return b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def _own_key(issuer: HonestIssuer, claims: Claims) -> str:
    """With the key that it is signed with in its own head."""
    return jwt.encode(
        claims, OTHER.private, algorithm="RS256", headers={"jwk": OTHER.public, "jku": "http://evil.example/keys", "kid": "x"}
    )


HOSTILE: dict[str, Callable[[HonestIssuer, Claims], str]] = {
    "no algorithm": _unsigned,
    "the public key as a secret": _confused,
    "a key of its own": _own_key,
    "another's key of the same name": lambda issuer, claims: OTHER.sign(claims),
    "a changed claim": lambda issuer, claims: _swapped(issuer.keys[-1].sign(claims), claims | {"sub": "admin"}),
    "another issuer": lambda issuer, claims: issuer.keys[-1].sign(claims | {"iss": "https://evil.example"}),
    "an issuer that begins alike": lambda issuer, claims: issuer.keys[-1].sign(claims | {"iss": f"{issuer.url}.evil.example"}),
    "for another client": lambda issuer, claims: issuer.keys[-1].sign(claims | {"aud": "other"}),
    "for others and us, given to another": lambda issuer, claims: issuer.keys[-1].sign(
        claims | {"aud": ["other", CLIENT], "azp": "other"}
    ),
    "for others and us, given to nobody": lambda issuer, claims: issuer.keys[-1].sign(claims | {"aud": ["other", CLIENT]}),
    "for nobody": lambda issuer, claims: issuer.keys[-1].sign({k: v for k, v in claims.items() if k != "aud"}),
    "another's nonce": lambda issuer, claims: issuer.keys[-1].sign(claims | {"nonce": "x" * 43}),
    "no nonce": lambda issuer, claims: issuer.keys[-1].sign({k: v for k, v in claims.items() if k != "nonce"}),
    "too old": lambda issuer, claims: issuer.keys[-1].sign(claims | {"exp": int(time.time()) - 600}),
    "never ends": lambda issuer, claims: issuer.keys[-1].sign({k: v for k, v in claims.items() if k != "exp"}),
    "ends at no number": lambda issuer, claims: issuer.keys[-1].sign(claims | {"exp": float("inf")}),
    "from tomorrow": lambda issuer, claims: issuer.keys[-1].sign(claims | {"iat": int(time.time()) + 86400}),
    "of nobody": lambda issuer, claims: issuer.keys[-1].sign({k: v for k, v in claims.items() if k != "sub"}),
    "of an empty name": lambda issuer, claims: issuer.keys[-1].sign(claims | {"sub": ""}),
    "no token": lambda issuer, claims: "x.y.z",
    "nothing": lambda issuer, claims: "",
}


def _swapped(token: str, claims: Claims) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("how", HOSTILE)
def test_a_token_that_is_not_the_issuers_word_to_us_is_refused(assay: RunningAssay, issuer: HonestIssuer, how: str) -> None:
    issuer.token = lambda claims: HOSTILE[how](issuer, claims)
    assert refused(sign_in(assay, issuer)) == "oidc.bad_token"


def test_keys_may_change_and_be_of_another_kind(assay: RunningAssay, issuer: HonestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token with a key that is not known makes the keys be fetched anew, though not for each such token."""
    session(assay, sign_in(assay, issuer))
    issuer.keys.append(Key("second", "ES256"))
    deadline = time.monotonic() + 40
    while (reply := sign_in(assay, issuer)).status != 303:
        assert refused(reply) == "oidc.bad_token"
        assert time.monotonic() < deadline
        time.sleep(0.5)
    fetched = issuer.key_fetches
    issuer.token = lambda claims: Key("third").sign(claims)
    for _ in range(3):
        assert refused(sign_in(assay, issuer)) == "oidc.bad_token"
    assert issuer.key_fetches <= fetched + 1
    issuer.keys.pop()


def test_what_comes_back_must_have_begun_in_this_browser(assay: RunningAssay, issuer: HonestIssuer) -> None:
    """Nobody can be made to sign in as somebody else by a link, and a code is no good without its browser."""
    url, cookie = begin(assay)
    back = issuer.authorize(url)
    _, others = begin(assay)
    name, _, value = cookie.partition("=")
    for wrong in ("", others, f"{name}={value[:-1]}{'0' if value[-1] != '0' else '1'}", f"{name}=.", f"{name}=é"):
        assert refused(assay.ask("GET", back, headers={"cookie": wrong, **HTML})) == "oidc.state"
    swapped = back.partition("state=")[0] + "state=" + "x" * 43
    assert refused(assay.ask("GET", swapped, headers={"cookie": cookie, **HTML})) == "oidc.state"
    mixed = f"{back}&iss=https://evil.example"
    assert refused(assay.ask("GET", mixed, headers={"cookie": cookie, **HTML})) == "oidc.state"
    assert assay.ask("GET", back, headers={"cookie": cookie, **HTML}).status == 303
    again = assay.ask("GET", back, headers={"cookie": cookie, **HTML})
    assert refused(again) == "oidc.code_refused", "a code is good once"


def test_the_way_there_is_no_session(assay: RunningAssay) -> None:
    _, cookie = begin(assay)
    name, _, value = cookie.partition("=")
    forged = f"{assay.cookie.split('=')[0]}={value}"
    assert assay.ask("GET", "/api/v1/keys", headers={"cookie": f"{name}={value}; {forged}"}).status == 401


def test_who_does_not_agree_is_told_so_and_nothing_they_wrote_is_believed(assay: RunningAssay, issuer: HonestIssuer) -> None:
    _, cookie = begin(assay)
    said = assay.ask("GET", "/login/oidc/callback?error=access_denied&state=x", headers={"cookie": cookie, **HTML})
    assert refused(said) == "oidc.refused"
    assert b"access_denied" in said.body
    hostile = assay.ask("GET", "/login/oidc/callback?error=%3Cscript%3E", headers={"cookie": cookie, **HTML})
    assert b"<script" not in hostile.body
    assert hostile.headers["content-security-policy"].startswith("default-src 'none'")
    problem = assay.ask("GET", "/login/oidc/callback?code=x", headers={"cookie": cookie})
    assert (problem.status, problem.json["code"]) == (403, "oidc.state")


def test_the_clients_secret_is_nowhere_and_failures_are_on_record(assay: RunningAssay, issuer: HonestIssuer) -> None:
    issuer.token = lambda claims: "x.y.z"
    assert refused(sign_in(assay, issuer)) == "oidc.bad_token"
    entry = assay.ask("GET", "/api/v1/audit?action=sign+in+refused").json["entries"][0]
    assert entry["detail"] == {"by": "oidc", "code": "oidc.bad_token"}
    database = b"".join(path.read_bytes() for path in (assay.folder / "data").iterdir() if path.is_file())
    for place in (assay.stderr, database):
        assert SECRET.encode() not in place
    assert b"Traceback" not in assay.stderr


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://evil.example"}, "oidc.other_issuer"),
        ({"jwks_uri": "http://evil.example/keys"}, "oidc.bad_answer"),
        ({"jwks_uri": "file:///etc/passwd"}, "oidc.bad_answer"),
        ({"jwks_uri": "https://user:pass@127.0.0.1/keys"}, "oidc.bad_answer"),
        ({"jwks_uri": None}, "oidc.bad_answer"),
    ],
)
def test_an_issuer_whose_metadata_lead_elsewhere_is_not_asked(
    tmp_path: Path, issuer: HonestIssuer, metadata: dict[str, Any], code: str
) -> None:
    issuer.metadata = metadata
    (tmp_path / "assay.toml").write_text(f'oidc_issuer = "{issuer.url}"\noidc_client_id = "{CLIENT}"\n')
    with running(tmp_path) as assay:
        reply = assay.ask("GET", "/login/oidc")
        assert (reply.status, reply.json["code"]) == (503, code)


def test_without_rules_only_those_with_an_account_get_in_and_keep_their_role(tmp_path: Path, issuer: HonestIssuer) -> None:
    (tmp_path / "client.secret").write_text(SECRET)
    (tmp_path / "assay.toml").write_text(
        f'oidc_issuer = "{issuer.url}/"\noidc_client_id = "{CLIENT}"\noidc_client_secret_file = "{tmp_path / "client.secret"}"\n'
    )
    with running(tmp_path) as assay:
        assay.sign_in()
        assert refused(sign_in(assay, issuer)) == "oidc.unknown"
        issuer.person["email_verified"] = False
        made = assay.ask("POST", "/api/v1/users", {"name": "Ana", "email": "ana@example.org", "role": "admin"}).json
        assert refused(sign_in(assay, issuer)) == "oidc.unknown", "an address that anybody may write is nobody's"
        issuer.person["email_verified"] = True
        who = session(assay, sign_in(assay, issuer))["user"]
        assert (who["id"], who["role"]) == (made["id"], "admin")


def test_settings_that_cannot_work_are_refused_at_the_start(tmp_path: Path) -> None:
    for lines, param in (
        ('oidc_issuer = "http://idp.example"\noidc_client_id = "x"', "'http://idp.example'"),
        ('oidc_issuer = "https://idp.example"', "oidc_client_id"),
        (
            'oidc_issuer = "https://idp.example"\noidc_client_id = "x"\noidc_client_secret_file = "/nowhere/secret"',
            "/nowhere/secret",
        ),
        ('oidc_issuer = "https://idp.example"\noidc_client_id = "x"\n[oidc_roles]\nadmins = "admin"', "'admins'"),
    ):
        (tmp_path / "assay.toml").write_text(lines)
        done = command(tmp_path, "up", "--port", "0")
        assert (done.code, param in done.err) == (2, True), done.err


def test_a_provider_of_somebody_elses_making_lets_people_in(tmp_path: Path) -> None:
    """oidc-provider-mock, an issuer from PyPI, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    there = f"http://127.0.0.1:{port}"
    (tmp_path / "client.secret").write_text("any secret+will:do%")
    (tmp_path / "assay.toml").write_text(
        f'oidc_issuer = "{there}"\noidc_client_id = "anything"\noidc_client_secret_file = "{tmp_path / "client.secret"}"\n'
        'oidc_default_role = "member"\noidc_domains = ["example.org"]\n'
    )
    command_line = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with subprocess.Popen(command_line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            claims = {"email": "alice@example.org", "email_verified": True, "name": "Alice"}
            _put_user(f"{there}/users/alice", claims, deadline=time.monotonic() + 40)
            with running(tmp_path) as assay:
                assay.sign_in()
                url, cookie = begin(assay)
                assert parse_qs(urlsplit(url).query)["scope"] == ["openid email profile"]
                back = urlsplit(_agree(url, "alice"))
                reply = assay.ask("GET", f"{back.path}?{back.query}", headers={"cookie": cookie, **HTML})
                who = session(assay, reply)["user"]
                assert (who["name"], who["role"]) == ("Alice", "member")
        finally:
            process.kill()


def _put_user(url: str, claims: dict[str, Any], deadline: float) -> None:
    request = urllib.request.Request(url, json.dumps(claims).encode(), {"content-type": "application/json"}, method="PUT")
    while True:
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def _agree(url: str, subject: str) -> str:
    """Fill in the provider's form; where it leads back to."""
    request = urllib.request.Request(url, urlencode({"sub": subject}).encode(), method="POST")
    try:
        urllib.request.build_opener(_Stay).open(request, timeout=20).close()
    except urllib.error.HTTPError as redirect:
        with redirect:
            return str(redirect.headers["location"])
    raise AssertionError("the provider did not lead back")
