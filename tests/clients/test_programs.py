"""Claude Code, Codex and Gemini CLI, unmodified, over models whose providers speak another protocol than they do."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from assay.core import new_id
from tests.clients.conftest import PROVIDERS
from tests.clients.programs import CLAUDE_CODE, CODEX, GEMINI_CLI, LIMIT_S, PROGRAMS, Program, Ran, run
from tests.clients.scripted import STEPS
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.upstream.scripts import ANSWER_429_S, GREETING, SEPARATORS

_AT_ONCE = {(CLAUDE_CODE, "gemini"), (CODEX, "anthropic"), (GEMINI_CLI, "openai_responses")}
"""Of all pairs, those that run in every `make test`."""
PAIRS = [
    pytest.param(program, protocol, id=f"{program}-{protocol}", marks=() if (program, protocol) in _AT_ONCE else pytest.mark.prove)
    for program in PROGRAMS
    for protocol in PROVIDERS
]


def model(protocol: str, script: str) -> str:
    """The name by which a client asks for ``script`` at the provider of ``protocol``."""
    return f"{PROVIDERS[protocol][0]}/{script}"


def ask(
    program: Program, assay: RunningAssay, model: str, prompt: str, home: Path, *, key: str | None = None, limit_s: float = LIMIT_S
) -> Ran:
    """Run ``program`` with the address of ``assay`` and its first gateway key, or ``key``."""
    return run(program, model, prompt, home, url=assay.url, key=key or assay.gateway_key, limit_s=limit_s)


class Watched:
    """What reached the upstream, and what Assay recorded, since the moment it was made."""

    def __init__(self, assay: RunningAssay, upstream: ScriptedUpstream):
        self._assay, self._upstream = assay, upstream
        self._requests, self._complaints = len(upstream.requests), len(upstream.complaints)
        # Calls are on record a moment after they were made: what an earlier test asked may come now.
        self._since = new_id()

    @property
    def requests(self) -> int:
        return len(self._upstream.requests) - self._requests

    @property
    def complaints(self) -> list[str]:
        return self._upstream.complaints[self._complaints :]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """One for each request, once all are on record."""
        deadline = time.monotonic() + 10
        while len(calls := [call for call in self._listed() if call["id"] > self._since]) < self.requests:
            assert time.monotonic() < deadline, f"{len(calls)} calls of {self.requests} requests"
        return calls

    def _listed(self) -> list[dict[str, Any]]:
        if not self._assay.cookie:
            self._assay.sign_in()
        listed: list[dict[str, Any]] = self._assay.ask("GET", "/api/v1/calls?limit=200").json["calls"]
        return listed


@pytest.fixture
def watched(assay: RunningAssay, upstream: ScriptedUpstream) -> Watched:
    return Watched(assay, upstream)


def leave_a_word(home: Path) -> str:
    """A file that only the shell of a client can read; what is in it."""
    word = f"word-{uuid.uuid4().hex}"
    (home / "work").mkdir(parents=True)
    (home / "work" / "word.txt").write_text(word)
    return word


@pytest.mark.parametrize(("program", "protocol"), PAIRS)
def test_a_client_shows_the_answer_as_the_model_wrote_it(
    program: Program, protocol: str, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    ran = ask(program, assay, model(protocol, "text"), "Greet me.", home)
    assert (ran.status, ran.text) == (0, GREETING), ran
    assert watched.complaints == []
    assert [call["client_protocol"] for call in watched.calls] == [program.protocol] * watched.requests


@pytest.mark.parametrize(("program", "protocol"), PAIRS)
def test_the_shell_of_a_client_is_called_and_its_result_and_the_signed_thoughts_come_back(
    program: Program, protocol: str, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    """The provider refuses a turn in which the thoughts that it signed are missing."""
    word = leave_a_word(home)
    ran = ask(program, assay, model(protocol, "think-shell"), "What does word.txt say?", home)
    assert ran.status == 0, ran
    assert ran.text.startswith("It says: "), ran
    assert word in ran.text
    assert watched.complaints == []
    assert watched.requests == 2


@pytest.mark.prove
@pytest.mark.parametrize("protocol", PROVIDERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_several_turns_with_calls_side_by_side_go_round(
    program: Program, protocol: str, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    word = leave_a_word(home)
    ran = ask(program, assay, model(protocol, "think-shell-steps"), "Look three times.", home)
    assert ran.status == 0, ran
    assert ran.text.count(word) == STEPS
    assert watched.complaints == []
    assert watched.requests == 3


@pytest.mark.parametrize(
    ("program", "protocol"),
    [pytest.param(GEMINI_CLI, "openai_chat", id="gemini-cli-openai_chat")]
    + [
        pytest.param(program, protocol, id=f"{program}-{protocol}", marks=pytest.mark.prove)
        for program in PROGRAMS
        for protocol in PROVIDERS
        if (program, protocol) != (GEMINI_CLI, "openai_chat")
    ],
)
def test_separators_of_lines_in_an_answer_reach_the_user(program: Program, protocol: str, assay: RunningAssay, home: Path) -> None:
    """Gemini CLI splits its stream at U+2028, U+2029 and U+0085 too, which JSON allows in strings."""
    ran = ask(program, assay, model(protocol, "separators"), "Say it.", home)
    assert (ran.status, ran.text) == (0, SEPARATORS), ran


@pytest.mark.prove
@pytest.mark.parametrize("protocol", PROVIDERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_long_answer_in_single_bytes_arrives_whole(program: Program, protocol: str, assay: RunningAssay, home: Path) -> None:
    ran = ask(program, assay, model(protocol, "ample"), "Tell me more.", home)
    assert (ran.status, ran.text) == (0, " ".join(f"word{number}" for number in range(500))), ran


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_refused_request_is_shown_in_the_words_of_the_provider(
    program: Program, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    """Claude Code sends it again without its beta features, one after the other; the others believe it at once."""
    ran = ask(program, assay, model("openai_chat", "error-400"), "Greet me.", home)
    assert ran.status not in (0, None), ran
    assert "scripted 400" in ran.text + ran.stderr
    assert watched.requests == len(watched.calls) == program.steady_400


@pytest.mark.parametrize("program", [CLAUDE_CODE, pytest.param(CODEX, marks=pytest.mark.prove)], ids=str)
def test_a_revoked_key_says_so_instead_of_looking_like_a_hang(
    program: Program, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    """Without a word against it, Claude Code tries for a minute and shows nothing."""
    ran = ask(program, assay, model("openai_chat", "text"), "Greet me.", home, key="ask-revoked")
    assert ran.status not in (0, None), ran
    assert "key" in (ran.text + ran.stderr).lower()
    assert ran.seconds < 20
    assert watched.requests == 0


@pytest.mark.parametrize(
    "program",
    [CODEX, pytest.param(CLAUDE_CODE, marks=pytest.mark.prove), pytest.param(GEMINI_CLI, marks=pytest.mark.prove)],
    ids=str,
)
def test_a_storm_of_retries_reaches_the_provider_no_stronger_than_the_client_makes_it(
    program: Program, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    """One request of the client is one request to the provider and one call on record: Assay adds none of its own."""
    ran = ask(program, assay, model("openai_chat", "error-500"), "Greet me.", home)
    assert ran.status != 0, ran
    assert 1 < watched.requests <= program.steady_500
    assert len(watched.calls) == watched.requests
    assert {call["outcome"] for call in watched.calls} == {"error"}


@pytest.mark.prove
@pytest.mark.parametrize("protocol", PROVIDERS)
@pytest.mark.parametrize("program", [CLAUDE_CODE, CODEX], ids=str)
def test_a_client_waits_as_long_as_the_provider_asks(
    program: Program, protocol: str, assay: RunningAssay, watched: Watched, home: Path
) -> None:
    """Gemini says it in the body, the others in a header."""
    ran = ask(program, assay, model(protocol, "error-429"), "Greet me.", home, limit_s=30)
    assert ran.status != 0, ran
    assert 1 < watched.requests <= 1 + ran.seconds / ANSWER_429_S


@pytest.mark.prove
@pytest.mark.parametrize("script", ["mid-stream-error", "cut", "unfinished"])
@pytest.mark.parametrize("protocol", PROVIDERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_broken_answer_never_passes_for_a_whole_one(
    program: Program, protocol: str, script: str, assay: RunningAssay, home: Path
) -> None:
    ran = ask(program, assay, model(protocol, script), "Greet me.", home, limit_s=20)
    assert ran.status != 0 or says_that_it_broke(ran), ran


def says_that_it_broke(ran: Ran) -> bool:
    """Gemini CLI may end with status 0 after a stream that broke off; it says so all the same."""
    return "ended without a finish reason" in ran.text + ran.stderr
