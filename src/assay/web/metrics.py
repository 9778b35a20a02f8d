"""``/metrics``: what Prometheus asks for. From this machine it needs nothing, from elsewhere the token of `metrics_token_file`."""

import hmac
import ipaddress
import os
import time
from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assay import __version__
from assay.core import InvalidInput, Settings, Unauthorized, problem_of
from assay.gateway import Gateway
from assay.gateway.metrics import Gauge, load_counts, write_text
from assay.web.access import is_loopback
from assay.web.guard import name_in
from assay.web.problems import respond

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STARTED = time.time()


class MetricsPage:
    """An ASGI application that answers at one address."""

    def __init__(self, settings: Settings, gateway: Gateway):
        self._folder = settings.metrics_folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for left in self._folder.iterdir():  # counts of the last run: counters begin anew with the server
            left.unlink()
        self._token = _read_token(settings.metrics_token_file)
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if not self._may_read(request):
            error = Unauthorized(
                "metrics.token",
                "The metrics are for this machine, and for whoever brings their token.",
                hint="Set `metrics_token_file`, and send its content as 'Authorization: Bearer ...'.",
            )
            await respond(problem_of(error), None)(scope, receive, send)
            return
        self._gateway.metrics.save(self._folder)
        counts = load_counts(self._folder.glob("*.json"))
        text = write_text(counts, [*self._gateway.gauges(), *_process()])
        await Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})(scope, receive, send)

    def _may_read(self, request: Request) -> bool:
        if self._token is None:
            # Behind a proxy everybody comes from this machine, so what a proxy adds is taken as a sign of one. Another name than this
            # machine's is one, too, or that of a page somewhere which had its name lead here (DNS rebinding).
            is_relayed = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
            is_direct = not is_relayed and is_loopback(name_in(request.headers.get("host", "")))
            return bool(request.scope.get("assay.local")) or (
                is_direct and request.client is not None and _is_this_machine(request.client.host)
            )
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _read_token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("settings.metrics_token_unreadable", f"The token file {str(path)!r} cannot be read: {error}.") from error
    if len(token) < 16 or not token.isascii():
        raise InvalidInput(
            "settings.metrics_token_short",
            f"The token in {str(path)!r} has fewer than 16 characters, or others than ASCII.",
            hint="Make one with `openssl rand -hex 24`.",
        )
    return token


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _process() -> Iterable[Gauge]:
    """What the kernel says of this process, under the names that every Prometheus client uses."""
    yield Gauge("assay_build_info", "Which version runs.", ("version",), [((__version__,), 1)])
    yield Gauge("process_start_time_seconds", "When the process began.", (), [((), _STARTED)])
    times = os.times()
    yield Gauge("process_cpu_seconds_total", "CPU that was used.", (), [((), times.user + times.system)], kind="counter")
    status = Path("/proc/self/statm")
    if status.exists():
        pages = int(status.read_text().split()[1])
        yield Gauge("process_resident_memory_bytes", "Resident memory.", (), [((), pages * os.sysconf("SC_PAGE_SIZE"))])
        yield Gauge("process_open_fds", "Open descriptors.", (), [((), len(os.listdir("/proc/self/fd")))])
