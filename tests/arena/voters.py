"""Voters over real sockets, each with a session and a ledger of its own, who go on when the server dies and comes back."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from assay.core import CHOICES
from tests.server import RunningAssay, start

PATIENCE_S = 60


class Entry(msgspec.Struct):
    """What a voter knows of a battle: ``choice`` once sent, ``acknowledged`` once the server has said that it stands."""

    token: str
    choice: str | None = None
    acknowledged: bool = False
    sent: int = 0


class PollingPlace:
    """Where the voters vote: a server that may be killed and started again at another address."""

    def __init__(self, folder: Path, *flags: str, config: Path):
        self._folder = folder
        self._flags = flags
        self._config = config
        self._changed = threading.Condition()
        self._assay: RunningAssay | None = None
        self.url = ""
        self.votes_sent = 0
        self.closed = False

    def open(self) -> RunningAssay:
        """Start the server."""
        assay = start(self._folder, *self._flags, environ={"ASSAY_CONFIG": str(self._config)})
        with self._changed:
            self._assay, self.url = assay, assay.url
            self._changed.notify_all()
        return assay

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        assert self._assay is not None
        self._assay.kill()
        assert self._assay.process.stdout is not None
        self._assay.process.stdout.close()

    def close(self) -> None:
        """No voter begins anything more."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def count_vote(self) -> None:
        with self._changed:
            self.votes_sent += 1
            self._changed.notify_all()

    def wait_for_votes(self, number: int) -> None:
        """Return when so many votes have been sent."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.votes_sent >= number, PATIENCE_S), self._complaint()

    def wait_for_another(self, url: str) -> None:
        """Return when the server at ``url`` has a successor, or none will come."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.url != url or self.closed, PATIENCE_S), self._complaint()

    def sessions(self, number: int) -> list[str]:
        """So many signed-in sessions' cookies."""
        assert self._assay is not None
        cookies = []
        for _ in range(number):
            link = urlsplit(_local_post(self._folder / "data" / "assay.sock", "/api/v1/login-links")["url"])
            reply = self._assay.ask("GET", f"{link.path}?{link.query}")
            cookies.append(reply.headers["set-cookie"].split(";")[0])
        return cookies

    def _complaint(self) -> str:
        return (self._folder / "stderr").read_text()[-4000:]


class Voter(threading.Thread):
    """Battles and votes until the polling place closes; what is under way then is brought to its end."""

    def __init__(self, place: PollingPlace, cookie: str):
        super().__init__(daemon=True)
        self.ledger: dict[str, Entry] = {}
        self.failure: Exception | None = None
        self._place = place
        self._cookie = cookie
        self._random = random.Random()

    def run(self) -> None:
        try:
            while not self._place.closed:
                self._vote_once()
        except Exception as error:  # noqa: BLE001 - the thread ends with it, and the test looks at it
            self.failure = error

    def _vote_once(self) -> None:
        battle = self._until_alive(self._begin)
        while battle is not None and not self.ledger[battle].acknowledged:
            self._until_alive(lambda: self._cast(battle))

    def _until_alive(self, work: Any) -> Any:
        """Do it again after each death of the server."""
        while True:
            url = self._place.url
            try:
                return work()
            except (OSError, http.client.HTTPException):
                if self._place.closed:
                    raise
                self._place.wait_for_another(url)

    def _begin(self) -> str | None:
        """A battle, shown to its end; the one that the server's death broke off is taken up again."""
        broken = next((id for id, entry in self.ledger.items() if entry.choice is None), None)
        if broken is None:
            path, body = "/api/v1/battles", {"prompt": "Why?"}
        else:
            path, body = f"/api/v1/battles/{broken}/turns", {"prompt": "Why?", "token": self.ledger[broken].token}
        with self._post(path, body) as response:
            assert response.status in {200, 503}, (response.status, response.read())
            while response.status == 200 and (line := response.readline()):
                if line.startswith(b"data: "):
                    data = json.loads(line[6:])
                    if "id" in data:
                        broken = data["id"]
                    if "token" in data:
                        assert broken is not None
                        self.ledger[broken] = Entry(data["token"])
                    if "turn" in data and "id" not in data:
                        return broken
        return None

    def _cast(self, battle: str) -> None:
        entry = self.ledger[battle]
        entry.choice = entry.choice or self._random.choice(CHOICES)
        entry.sent += 1
        self._place.count_vote()
        with self._post(f"/api/v1/battles/{battle}/vote", {"choice": entry.choice, "token": entry.token}) as response:
            said = json.loads(response.read())
        if response.status == 200:
            assert said["battle"]["choice"] == entry.choice
            entry.acknowledged = True
        elif response.status == 409:
            assert said["code"] == "vote.already_cast", said
            assert entry.sent > 1, "a vote sent once was refused as a second one"
            entry.acknowledged = True
        else:
            assert response.status == 503, said

    @contextmanager
    def _post(self, path: str, body: Any) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(urlsplit(self._place.url).netloc, timeout=PATIENCE_S)
        try:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json", "cookie": self._cookie})
            yield connection.getresponse()
        finally:
            connection.close()


def _local_post(socket_path: Path, path: str) -> Any:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(socket_path))
    try:
        connection.request("POST", path, "{}")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
