"""Who may use the pages and their API, and with which headers they answer."""

from __future__ import annotations

import contextlib
import time
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.cli.command import command
from tests.server import Reply, RunningAssay, running
from tests.web.conftest import raw

CLOSE = b"connection: close\r\n\r\n"


def anonymous(assay: RunningAssay, method: str, path: str, body: object = None, **headers: str) -> Reply:
    """A request without our session."""
    return assay.ask(method, path, body, {"cookie": "", **{name.replace("_", "-"): value for name, value in headers.items()}})


def new_link(assay: RunningAssay) -> str:
    """The path of a fresh login link."""
    url = urlsplit(command(assay.folder, "login").out.strip())
    return f"{url.path}?{url.query}"


def code(reply: Reply) -> str:
    """The code of a problem, whose shape is checked."""
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert (
        {"type", "title", "status", "detail", "code"}
        <= set(reply.json)
        <= {"type", "title", "status", "detail", "code", "hint", "param"}
    )
    assert reply.json["status"] == reply.status
    assert reply.json["type"] == f"/docs/errors#{reply.json['code']}"
    return str(reply.json["code"])


def test_a_login_link_works_once(assay: RunningAssay) -> None:
    link = new_link(assay)
    assert anonymous(assay, "HEAD", link).status == 200, "a preview does not spend it"
    first = anonymous(assay, "GET", link)
    assert (first.status, first.headers["location"]) == (303, "/")
    again = anonymous(assay, "GET", link)
    assert (again.status, code(again)) == (401, "login.link_spent")
    assert "set-cookie" not in again.headers


def test_a_person_with_a_spent_link_is_led_to_the_page(assay: RunningAssay) -> None:
    reply = anonymous(assay, "GET", "/login?token=spent", accept="text/html,application/xhtml+xml")
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert "set-cookie" not in reply.headers


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(assay: RunningAssay) -> None:
    header = anonymous(assay, "GET", new_link(assay)).headers["set-cookie"]
    (morsel,) = SimpleCookie(header).values()
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Strict", "/", "")
    assert int(morsel["max-age"]) == 30 * 24 * 3600
    assert "secure" not in header.lower(), "plain HTTP on this machine"


def test_a_token_signs_in_through_the_api_too_and_signing_out_is_for_good(assay: RunningAssay) -> None:
    token = new_link(assay).partition("token=")[2]
    reply = anonymous(assay, "POST", "/api/v1/session", {"token": token})
    assert reply.status == 200
    cookie = reply.headers["set-cookie"].split(";")[0]
    assert anonymous(assay, "GET", "/api/v1/keys", cookie=cookie).status == 200
    out = anonymous(assay, "DELETE", "/api/v1/session", cookie=cookie)
    assert (out.status, "Max-Age=0" in out.headers["set-cookie"]) == (200, True)
    copied = anonymous(assay, "GET", "/api/v1/keys", cookie=cookie)
    assert (copied.status, code(copied)) == (401, "login.needed")


def test_a_session_lives_through_a_restart_and_its_end_too(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as first:
        first.sign_in()
        kept = first.cookie
        first.cookie = ""
        token = new_link(first).partition("token=")[2]
        ended = anonymous(first, "POST", "/api/v1/session", {"token": token}).headers["set-cookie"].split(";")[0]
        anonymous(first, "DELETE", "/api/v1/session", cookie=ended)
    with running(tmp_path, "--demo") as second:
        assert anonymous(second, "GET", "/api/v1/keys", cookie=kept).status == 200
        assert anonymous(second, "GET", "/api/v1/keys", cookie=ended).status == 401


def test_two_servers_on_one_host_do_not_take_each_others_cookies(assay: RunningAssay, tmp_path: Path) -> None:
    """Not even with one master key: browsers send a host's cookies to every port."""
    key = {"ASSAY_MASTER_KEY": str(assay.folder / "secret" / "master.key")}
    with running(tmp_path, "--demo", environ=key) as other:
        other.sign_in()
        ours, theirs = assay.cookie.split("="), other.cookie.split("=")
        assert ours[0] != theirs[0]
        assert anonymous(assay, "GET", "/api/v1/keys", cookie=f"{other.cookie}; {assay.cookie}").status == 200
        assert anonymous(assay, "GET", "/api/v1/keys", cookie=f"{ours[0]}={theirs[1]}").status == 401


@pytest.mark.parametrize(
    "forge",
    [
        lambda name, value: f"{name}={value[:-1]}{'0' if value[-1] != '0' else '1'}",
        lambda name, value: f"{name}={value.replace('.', '.9', 1)}",
        lambda name, value: f"{name}={value.partition('.')[0]}.{int(time.time()) + 10**6}.{'0' * 64}",
        lambda name, value: f"{name}=",
        lambda name, value: f"{name}=..",
        lambda name, value: f"{name}=local.99999999999.",
        lambda name, value: f'{name}="\\303\\251.1.\\303"',
        lambda name, value: f"{name}=\xe9.9.\xe9",
        lambda name, value: "a b; ;;=; \\",
    ],
)
def test_a_forged_cookie_is_no_session(assay: RunningAssay, forge: object) -> None:
    assert callable(forge)
    reply = anonymous(assay, "GET", "/api/v1/keys", cookie=forge(*assay.cookie.split("=")))
    assert (reply.status, code(reply)) == (401, "login.needed")


@pytest.mark.parametrize("path", ["keys", "providers", "models", "calls", "board", "battles", "votes", "arena/verify", "nothing"])
def test_without_a_session_the_api_answers_nothing(assay: RunningAssay, path: str) -> None:
    reply = anonymous(assay, "GET", f"/api/v1/{path}")
    assert (reply.status, code(reply)) == (401, "login.needed")
    assert "assay login" in reply.json["hint"]


def test_who_is_looking_and_whether_it_lives_is_always_told(assay: RunningAssay) -> None:
    seen = anonymous(assay, "GET", "/api/v1/session")
    assert (seen.status, seen.json["signed_in"]) == (200, False)
    assert assay.ask("GET", "/api/v1/session").json["signed_in"] is True
    assert anonymous(assay, "GET", "/healthz").json["status"] == "ok"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8470",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "127.0.0.1/x",
        "[::1",
        "192.0.2.1",
        "",
        "a b",
    ],
)
def test_a_foreign_host_is_refused(assay: RunningAssay, host: str) -> None:
    """Against DNS rebinding: a page of another site that got its name to lead here."""
    for path in ("/", "/api/v1/session", "/healthz"):
        reply = assay.ask("GET", path, headers={"host": host})
        assert (reply.status, code(reply)) == (403, "login.foreign_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8470", "127.9.9.9"])
def test_every_name_of_this_machine_is_taken(assay: RunningAssay, host: str) -> None:
    assert assay.ask("GET", "/healthz", headers={"host": host}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://", ""])
def test_a_page_of_another_origin_cannot_write(assay: RunningAssay, origin: str) -> None:
    reply = assay.ask("POST", "/api/v1/keys", {"name": "x"}, {"origin": origin})
    assert (reply.status, code(reply)) == (403, "login.foreign_origin")
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("path", ["/api/v1/calls/events", "/api/v1/keys", "/api/v1/session", "/api/v1/openapi.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "accept": "text/event-stream"},
    ],
)
def test_a_page_of_another_site_reads_nothing_and_follows_nothing(assay: RunningAssay, path: str, headers: dict[str, str]) -> None:
    reply = assay.ask("GET", path, headers=headers)
    assert (reply.status, code(reply)) == (403, "login.foreign_origin")
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_a_preflight_is_answered_with_no_permission(assay: RunningAssay) -> None:
    """Whatever it asks for: no answer of ours lets another origin read or send anything."""
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "x"}
    for path in ("/api/v1/keys", "/api/v1/session", "/v1/chat/completions", "/login", "/"):
        for origin in (asked, asked | {"origin": assay.url}):
            reply = assay.ask("OPTIONS", path, headers=origin)
            assert reply.status >= 400
            assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_no_socket_is_opened_from_anywhere(assay: RunningAssay) -> None:
    """There are no WebSockets: the request is answered as if none had been asked for."""
    for path in ("/api/v1/calls/events", "/v1/responses"):
        upgrade = (
            f"GET {path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\norigin: https://evil.example\r\n\r\n"
        )
        assert not raw(assay, upgrade.encode()).startswith(b"HTTP/1.1 101")


def test_every_write_is_refused_to_another_origin(assay: RunningAssay) -> None:
    """Also in the shapes that a form can send without asking first."""
    paths: dict[str, dict[str, object]] = assay.ask("GET", "/api/v1/openapi.json").json["paths"]
    for path, methods in paths.items():
        for method in {"post", "put", "patch", "delete"} & methods.keys():
            for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                reply = assay.ask(method.upper(), path, b"{}", {"origin": "https://evil.example", "content-type": kind})
                assert (reply.status, code(reply)) == (403, "login.foreign_origin"), (method, path)


def test_our_own_page_can_write_and_so_can_a_program(assay: RunningAssay) -> None:
    ours = assay.ask("POST", "/api/v1/keys", {"name": "x"}, {"origin": assay.url, "sec-fetch-site": "same-origin"})
    assert ours.status == 201
    assert assay.ask("POST", "/api/v1/keys", {"name": "x"}).status == 201


def test_a_page_of_another_port_cannot_even_read(assay: RunningAssay) -> None:
    """To SameSite every port of a host is the same site."""
    reply = assay.ask("GET", "/api/v1/keys", headers={"sec-fetch-site": "same-site"})
    assert (reply.status, code(reply)) == (403, "login.foreign_origin")


def test_behind_a_proxy_its_address_is_the_origin_and_the_cookie_needs_tls(tmp_path: Path) -> None:
    environ = {"ASSAY_PUBLIC_URL": "https://assay.example.org"}
    with running(tmp_path, "--demo", environ=environ) as assay:
        assert assay.announced["login"].startswith("https://assay.example.org/login?token=")
        assay.url = f"http://127.0.0.1:{listening_port(assay)}"
        proxied = {"host": "assay.example.org", "origin": "https://assay.example.org"}
        token = assay.announced["login"].partition("token=")[2]
        reply = assay.ask("POST", "/api/v1/session", {"token": token}, proxied)
        assert reply.status == 200
        assert reply.headers["set-cookie"].endswith("; Secure")
        plain = {"host": "assay.example.org", "origin": "http://assay.example.org.evil.example"}
        assert assay.ask("POST", "/api/v1/session", {"token": token}, plain).status == 403


def listening_port(assay: RunningAssay) -> int:
    """From the kernel, since the server announces the proxy's address."""
    inodes = set()
    for fd in Path(f"/proc/{assay.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(fd.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next(int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes)


def test_login_links_are_made_at_the_local_door_only(assay: RunningAssay) -> None:
    reply = assay.ask("POST", "/api/v1/login-links")
    assert (reply.status, code(reply)) == (403, "login.local_only")
    door = raw(assay, b"POST /api/v1/login-links HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n" + CLOSE, unix=True)
    assert door.startswith(b"HTTP/1.1 200")


def test_no_header_opens_the_local_door(assay: RunningAssay) -> None:
    headers = {"assay.local": "1", "assay-local": "true", "x-forwarded-for": "127.0.0.1", "forwarded": "for=unix"}
    assert anonymous(assay, "GET", "/api/v1/keys", **headers).status == 401


def test_pages_carry_a_strict_policy(assay: RunningAssay) -> None:
    for path in ("/", "/arena", "/arena/b/0", "/keys"):
        reply = anonymous(assay, "GET", path)
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert reply.headers["cache-control"] == "no-cache"
        always(reply)


def always(reply: Reply) -> None:
    """What every answer carries."""
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-opener-policy"] == reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in reply.headers


@pytest.mark.parametrize(
    "path", ["/api/v1/session", "/api/v1/keys", "/api/v1/board", "/api/v1/votes", "/api/v1/nothing", "/healthz"]
)
def test_answers_of_the_api_are_kept_nowhere_and_run_nothing(assay: RunningAssay, path: str) -> None:
    reply = assay.ask("GET", path, headers={"accept-encoding": "gzip"})
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "content-encoding" not in reply.headers, "compressing secrets beside what others wrote gives them away"
    always(reply)


def test_the_pages_files_are_compressed_kept_and_asked_for_once(assay: RunningAssay) -> None:
    html = anonymous(assay, "GET", "/").body.decode()
    script = "/assets/" + html.partition('src="/assets/')[2].partition('"')[0]
    plain = anonymous(assay, "GET", script)
    packed = anonymous(assay, "GET", script, accept_encoding="gzip")
    assert plain.headers["cache-control"] == packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    always(plain)
    again = anonymous(assay, "GET", "/", if_none_match=anonymous(assay, "GET", "/").headers["etag"])
    assert (again.status, again.body) == (304, b"")
    head = anonymous(assay, "HEAD", script)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(plain.body)))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_an_unknown_path_of_the_api_is_a_problem_and_never_the_page(assay: RunningAssay, method: str) -> None:
    for path in ("/api/v1/nothing", "/api/", "/api/v2/keys", "/api/v1/battles/x/y/z"):
        reply = assay.ask(method, path)
        assert (reply.status, code(reply)) == (404, "api.no_such_path")


def test_a_wrong_method_names_the_right_ones(assay: RunningAssay) -> None:
    reply = assay.ask("PATCH", "/api/v1/keys")
    assert (reply.status, code(reply)) == (405, "api.method_not_allowed")
    assert {"GET", "POST"} >= {word.strip() for word in reply.headers["allow"].split(",")} - {"HEAD"}
    vote = assay.ask("GET", "/api/v1/battles/x/vote")
    assert (vote.status, code(vote)) == (405, "api.method_not_allowed")


def test_a_client_with_the_wrong_base_url_is_told_the_right_one(assay: RunningAssay) -> None:
    reply = anonymous(assay, "POST", "/chat/completions", {"model": "x"})
    assert (reply.status, code(reply)) == (405, "api.method_not_allowed")
    assert "`/v1`" in reply.json["hint"]
    assert anonymous(assay, "GET", "/v1").json["error"]["code"] == "key.missing"


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../../web/access.py",
        "/assets/..%5c..%5caccess.py",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/assets/%00.js",
        "/" + "a" * 5000 + ".js",
        "/.git/config.x",
        "/index.html/x.y",
    ],
)
def test_no_path_leads_out_of_the_pages_folder(assay: RunningAssay, path: str) -> None:
    answer = raw(assay, f"GET {path} HTTP/1.1\r\nhost: localhost\r\n".encode() + CLOSE)
    status = int(answer.split(b" ", 2)[1])
    assert status in {200, 404}, answer[:300]
    assert b"root:" not in answer
    assert b"import" not in answer.partition(b"\r\n\r\n")[2][:200]
    if status == 200:
        assert b"<!doctype html>" in answer.lower(), "any other path is the page's own to route"


def test_a_head_without_end_is_cut_off(assay: RunningAssay) -> None:
    for data in (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 3_000_000,
        b"GET /" + b"a" * 3_000_000,
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 400_000,
    ):
        answer = raw(assay, data)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert anonymous(assay, "GET", "/healthz", x="a" * 30_000).status == 200, "a long header is none"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_a_short_answer(assay: RunningAssay, data: bytes) -> None:
    assert raw(assay, data).startswith(b"HTTP/1.1 400 ")


def test_a_request_without_a_host_is_refused(assay: RunningAssay) -> None:
    assert raw(assay, b"GET /healthz HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 403")


def test_nothing_above_was_a_defect(assay: RunningAssay) -> None:
    """Runs last: the server lives, and its log has no trace and no token."""
    assert assay.process.poll() is None
    assert b"Traceback" not in assay.stderr
    assert b"unexpected error" not in assay.stderr
    assert b"token=" not in assay.stderr


QUESTIONS = "\n".join(f"Question {number}?" for number in range(1, 7))


@pytest.fixture(scope="module")
def challenge(assay: RunningAssay) -> str:
    """The path of a challenge that people judge."""
    models = [model["id"] for model in assay.ask("GET", "/api/v1/models").json["models"] if model["id"].startswith("practice/")]
    spec = {
        "challenger": models[0],
        "incumbent": models[1],
        "source": {"kind": "content", "name": "questions.txt", "text": QUESTIONS},
        "judges": ["human"],
    }
    reply = assay.ask("POST", "/api/v1/challenges", spec)
    assert reply.status == 201, reply.json
    return f"/api/v1/challenges/{reply.json['id']}"


def invite(assay: RunningAssay, challenge: str, name: str) -> str:
    """The path of a link for somebody."""
    reply = assay.ask("POST", f"{challenge}/people", {"name": name})
    assert reply.status == 201
    url = urlsplit(reply.json["url"])
    return f"{url.path}?{url.query}"


def guest(assay: RunningAssay, challenge: str, name: str) -> str:
    """The cookie of somebody who was invited and came."""
    reply = anonymous(assay, "GET", invite(assay, challenge, name))
    assert (reply.status, reply.headers["location"]) == (303, f"{challenge.removeprefix('/api/v1')}/vote")
    return reply.headers["set-cookie"].split(";")[0]


def first_pair(assay: RunningAssay, challenge: str, cookie: str) -> Reply:
    """A pair, for which the models may still have to answer."""
    deadline = time.monotonic() + 20
    while (reply := anonymous(assay, "GET", f"{challenge}/pairs/next", cookie=cookie)).status == 204:
        assert time.monotonic() < deadline
    return reply


def test_an_invitation_makes_a_guest_who_can_vote(assay: RunningAssay, challenge: str) -> None:
    cookie = guest(assay, challenge, "Ana")
    seen = anonymous(assay, "GET", "/api/v1/session", cookie=cookie).json
    assert (seen["signed_in"], seen["guest"]) == (False, {"challenge": challenge.rpartition("/")[2], "name": "Ana"})
    pair = first_pair(assay, challenge, cookie)
    assert pair.status == 200
    vote = f"{challenge}/pairs/{pair.json['number']}/vote"
    ours = {"cookie": cookie, "origin": assay.url, "sec-fetch-site": "same-origin"}
    assert assay.ask("POST", vote, {"choice": "a"}, ours).json["voted"] == 1
    assert anonymous(assay, "GET", f"{challenge}/pairs", cookie=cookie).json["name"] == "Ana"
    page = anonymous(assay, "GET", f"{challenge.removeprefix('/api/v1')}/vote", cookie=cookie)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "path",
    [
        *("keys", "providers", "models", "calls", "board", "battles", "votes", "arena/verify", "work", "challenges", "nothing"),
        *("openapi.json", "login-links", "{challenge}", "{challenge}/events", "{challenge}/items", "{challenge}/items/1"),
        *("{challenge}/report", "{challenge}/people", "{challenge}/pairs/", "{challenge}/pairs/next/", "{challenge}//pairs"),
        *("{challenge}/pairs/../report", "{challenge}/pairs/%2e%2e/report", "{challenge}/pairs%2fnext/../../report"),
        *("{challenge}/pairs/1", "{challenge}/pairs/x/vote", "{challenge}/pairs/next%0a", "{challenge}x/pairs/next"),
        *("challenges/other/pairs/next", "challenges/other/pairs", "challenges/pairs", "session/", "session/x"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_guest_reaches_nothing_else(assay: RunningAssay, challenge: str, path: str, method: str) -> None:
    cookie = guest(assay, challenge, "Bo")
    path = f"/api/v1/{path.format(challenge=challenge.removeprefix('/api/v1/'))}"
    reply = anonymous(assay, method, path, {} if method == "POST" else None, cookie=cookie)
    assert (reply.status, code(reply)) == (403, "login.guest")


def test_a_guest_is_bound_to_host_and_origin_like_everybody(assay: RunningAssay, challenge: str) -> None:
    cookie = guest(assay, challenge, "Bo")
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
        reply = assay.ask("POST", f"{challenge}/pairs/1/vote", {"choice": "a"}, {"cookie": cookie, **headers})
        assert reply.status == 403
        assert code(reply) in {"login.foreign_host", "login.foreign_origin"}
    same_site = assay.ask("GET", f"{challenge}/pairs/next", headers={"cookie": cookie, "sec-fetch-site": "same-site"})
    assert (same_site.status, code(same_site)) == (403, "login.foreign_origin")


def test_a_guests_cookie_is_as_safe_as_the_admins_and_stands_beside_it(assay: RunningAssay, challenge: str) -> None:
    header = anonymous(assay, "GET", invite(assay, challenge, "Cy")).headers["set-cookie"]
    (morsel,) = SimpleCookie(header).values()
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Strict", "/", "")
    both = f"{header.split(';')[0]}; {assay.cookie}"
    assert anonymous(assay, "GET", "/api/v1/keys", cookie=both).status == 200
    assert anonymous(assay, "GET", "/api/v1/session", cookie=both).json["guest"] is None
    value, admins = header.split(";")[0].partition("=")[2], assay.cookie.split("=")
    swapped = anonymous(assay, "GET", f"{challenge}/pairs", cookie=f"{admins[0]}={value}")
    assert (swapped.status, code(swapped)) == (401, "login.needed"), "what is a guest's is none of the admin's"
    swapped = anonymous(assay, "GET", "/api/v1/keys", cookie=f"{admins[0]}_guest={admins[1]}")
    assert (swapped.status, code(swapped)) == (401, "login.needed")


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value.replace(":", ":0", 1),
        lambda value: value.replace("guest:", "guest::", 1),
        lambda value: ":".join((*value.split(":")[:2], "admin", value.split(":")[3])),
        lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
        lambda value: value.replace("guest:", "", 1),
        lambda value: "guest:a:b:c.99999999999.",
    ],
)
def test_a_forged_guest_is_nobody(assay: RunningAssay, challenge: str, forge: object) -> None:
    assert callable(forge)
    name, _, value = guest(assay, challenge, "Bo").partition("=")
    reply = anonymous(assay, "GET", f"{challenge}/pairs", cookie=f"{name}={forge(value)}")
    assert (reply.status, code(reply)) == (401, "login.needed")


def test_an_invitation_survives_its_preview_and_is_spent_by_a_pair(assay: RunningAssay, challenge: str) -> None:
    link = invite(assay, challenge, "Di")
    assert anonymous(assay, "HEAD", link).status == 303
    preview = anonymous(assay, "GET", link)
    assert preview.status == 303
    cookie = anonymous(assay, "GET", link).headers["set-cookie"].split(";")[0]
    assert first_pair(assay, challenge, cookie).status == 200
    spent = anonymous(assay, "GET", link)
    assert (spent.status, code(spent)) == (401, "challenge.invitation_spent")
    person = anonymous(assay, "GET", link, accept="text/html,application/xhtml+xml")
    assert (person.status, "set-cookie" in person.headers) == (303, False)
    assert person.headers["location"] == f"{challenge.removeprefix('/api/v1')}/vote"


def test_whoever_is_signed_in_does_not_become_a_guest(assay: RunningAssay, challenge: str) -> None:
    reply = assay.ask("GET", invite(assay, challenge, "Ed"))
    assert (reply.status, "set-cookie" in reply.headers) == (303, False)


@pytest.mark.parametrize("token", ["", "x", "%00", "\u00e9", "a" * 5000])
def test_a_guessed_invitation_lets_nobody_in(assay: RunningAssay, challenge: str, token: str) -> None:
    reply = anonymous(assay, "GET", f"{challenge.removeprefix('/api/v1')}/vote?as={quote(token, safe='%')}")
    assert "set-cookie" not in reply.headers
    assert reply.status == {"": 200, "%00": 400}.get(token, 401), "without a token it is the page"


def test_a_removed_guest_is_out_at_once(assay: RunningAssay, challenge: str) -> None:
    cookie = guest(assay, challenge, "Fay")
    people = assay.ask("GET", f"{challenge}/people").json["people"]
    [person] = [one["person"] for one in people if one["name"] == "Fay"]
    assert assay.ask("DELETE", f"{challenge}/people/{person}").status == 204
    reply = anonymous(assay, "GET", f"{challenge}/pairs/next", cookie=cookie)
    assert (reply.status, code(reply)) == (403, "challenge.not_invited")
    assert anonymous(assay, "GET", "/api/v1/session", cookie=cookie).json["guest"] is None


def test_a_guest_who_signs_out_is_out_and_the_admin_is_not(assay: RunningAssay, challenge: str) -> None:
    cookie = guest(assay, challenge, "Gus")
    out = anonymous(assay, "DELETE", "/api/v1/session", cookie=cookie)
    assert (out.status, out.headers["set-cookie"].partition("=")[0]) == (200, cookie.partition("=")[0])
    assert "Max-Age=0" in out.headers["set-cookie"]
    copied = anonymous(assay, "GET", f"{challenge}/pairs", cookie=cookie)
    assert (copied.status, code(copied)) == (401, "login.needed")
    assert assay.ask("GET", "/api/v1/keys").status == 200


def test_a_guest_can_still_sign_in(assay: RunningAssay, challenge: str) -> None:
    cookie = guest(assay, challenge, "Bo")
    reply = anonymous(assay, "GET", new_link(assay), cookie=cookie)
    both = f"{cookie}; {reply.headers['set-cookie'].split(';')[0]}"
    assert anonymous(assay, "GET", "/api/v1/keys", cookie=both).status == 200


def test_calls_of_pairs_that_people_may_still_judge_are_not_listed(assay: RunningAssay, challenge: str) -> None:
    """They would tell whose answers they are."""
    first_pair(assay, challenge, guest(assay, challenge, "Hal"))
    id = challenge.rpartition("/")[2]
    judged = {one["number"] for one in assay.ask("GET", f"{challenge}/items").json["items"]}
    listed = [call["request_id"] for call in assay.ask("GET", "/api/v1/calls?limit=200").json["calls"]]
    shown = {int(one.split(".")[1]) for one in listed if one.startswith(f"{id}.")}
    assert shown <= judged
    assert len(judged) < 6, "some were answered and wait, and none of theirs is there"
