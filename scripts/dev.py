"""``make dev``: Assay, started again when its sources change, beside Vite's server, which reloads the page by itself."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "assay"
KINDS = {".py", ".sql", ".toml"}


def main() -> None:
    """Runs both until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8470, help="port of Assay; the page's own is 5173")
    port: int = options.parse_args().port
    page = start_page(port)
    print("The page with reload is at http://127.0.0.1:5173; open the login link below once, then go there.")
    try:
        serve_until_interrupted(port)
    finally:
        page.terminate()
        page.wait()


def start_page(port: int) -> subprocess.Popen[bytes]:
    """Starts Vite with the Node that the tests use; it hands /api, /login and /v1 on to Assay."""
    environment = {**os.environ, "ASSAY_URL": f"http://127.0.0.1:{port}"}
    return subprocess.Popen([str(ROOT / "scripts" / "npm.sh"), "run", "dev", "--", "--host", "127.0.0.1"], env=environment)


def serve_until_interrupted(port: int) -> None:
    """Keeps Assay running, on data of its own under build/, and restarts it after each change."""
    command = [sys.executable, "-m", "assay", "up", "--demo", "--port", str(port), "--data", str(ROOT / "build" / "dev-data")]
    while True:
        before = newest_change()
        server = subprocess.Popen(command)
        try:
            while newest_change() == before:
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def newest_change() -> tuple[int, int]:
    """Number of source files and the latest time of change among them, in nanoseconds."""
    times = [file.stat().st_mtime_ns for file in SOURCES.rglob("*") if file.suffix in KINDS]
    return len(times), max(times)


if __name__ == "__main__":
    main()
