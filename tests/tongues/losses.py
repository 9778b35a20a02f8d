"""The table of losses: every probe of every client's protocol over every upstream's, as it was seen on the wire.

``python -m tests.tongues.losses`` writes it to docs/reference/losses.md; a test says when it is out of date.
"""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

from tests.tongues.probes import PROBES, Probe, base
from tests.tongues.rig import PROTOCOLS, Tongues, deployment, running_tongues
from tests.upstream import ScriptedUpstream

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "losses.md"
TITLES = {"openai_chat": "Chat", "openai_responses": "Responses", "anthropic": "Anthropic", "gemini": "Gemini"}
_INTRODUCTION = """# What is lost between protocols

<!-- Written by `python -m tests.tongues.losses`; do not edit. -->

Each row is one thing that a request can hold. It was sent by a client of each protocol that can say it, through the gateway, to a
strict upstream of each protocol; the cell says what that upstream received. *sent*: it arrived as it was meant. *approximated*: as
something like it. *dropped*: it has no place there. Everything but *sent* is named in the header `x-assay-losses` and on the call.
A provider's row can take more than its protocol (`extensions`), or less. [How it works](../concepts/translation.md)
"""


@dataclass
class Cell:
    """What became of one probe: it was sent, or listed as lost, or neither, which is a fault. ``complaint`` is a refusal."""

    sent: bool
    losses: list[str]
    complaint: str = ""

    @property
    def word(self) -> str:
        """As the table says it."""
        if self.complaint:
            return f"REFUSED: {self.complaint}"
        if not self.losses:
            return "sent" if self.sent else "LOST"
        kind, _, what = self.losses[0].partition(":")
        detail = what.partition("=")[2]
        return f"{kind}: {detail}" if detail else kind


def look(tongues: Tongues, probe: Probe, client: str, upstream: str) -> Cell:
    """Send one probe, and see what arrived and what was listed."""
    body = base(client)
    probe.put[client](body)
    before = len(tongues.upstream.complaints)
    status, losses = _ask(tongues, client, deployment(upstream, "text"), body)
    complaints = tongues.upstream.complaints[before:]
    if status != 200 or complaints:
        return Cell(False, losses, f"{status} {'; '.join(complaints)}")
    meant = [loss for loss in losses if loss.partition(":")[2].partition("=")[0] in probe.losses]
    return Cell(probe.is_in(upstream, tongues.upstream.last.json), meant)


def _ask(tongues: Tongues, client: str, model: str, body: dict[str, Any]) -> tuple[int, list[str]]:
    paths = {
        "openai_chat": "/v1/chat/completions",
        "openai_responses": "/v1/responses",
        "anthropic": "/v1/messages",
        "gemini": f"/v1beta/models/{model}:generateContent",
    }
    if client != "gemini":
        body["model"] = model
    connection = http.client.HTTPConnection(urlsplit(tongues.url).netloc, timeout=20)
    headers = {"authorization": f"Bearer {tongues.key}", "content-type": "application/json"}
    if client == "anthropic":
        headers["anthropic-version"] = "2023-06-01"
    connection.request("POST", paths[client], json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, [loss.strip() for loss in (answer.getheader("x-assay-losses") or "").split(",") if loss.strip()]


def write_page(see: Callable[[Probe, str, str], Cell]) -> str:
    """The page of the documentation."""
    lines = [_INTRODUCTION]
    for client in PROTOCOLS:
        lines += [f"## From {TITLES[client]}", "", f"| sent by a client | {' | '.join(TITLES.values())} |", "|---|" + "---|" * 4]
        for probe in PROBES:
            if client in probe.put:
                cells = " | ".join(see(probe, client, upstream).word for upstream in PROTOCOLS)
                lines.append(f"| {probe.name} | {cells} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ScriptedUpstream() as upstream,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_tongues(Path(folder), upstream)) as tongues,
    ):
        PAGE.write_text(write_page(lambda *which: look(tongues, *which)))


if __name__ == "__main__":
    main()
