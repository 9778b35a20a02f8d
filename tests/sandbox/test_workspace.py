"""A box for tasks that need files and programs: what is done in it stays in it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from assay.core.errors import NotFound, TooLarge
from assay.sandbox import Finished, Layers, NoSandbox, SandboxBroken, Workspace, WorkspaceLimits, probe, workspace

pytestmark = pytest.mark.anyio
PATIENCE_S = 30.0


@pytest.fixture(params=["as it is", "as where only root can read this Python"] if os.getuid() == 0 else ["as it is"])
async def box(anyio_backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    if request.param != "as it is":
        monkeypatch.setattr(workspace, "probe", _probe_without_user)
    limits = WorkspaceLimits(disk_bytes=8 << 20, output_bytes=100_000, processes=40)
    async with Workspace({"main.py": b"print(6 * 7)", "sub/notes.txt": b"hello"}, limits) as box:
        yield box


def _probe_without_user() -> Layers:
    return msgspec.structs.replace(probe(), uid=None)


async def _shell(box: Workspace, command: str, timeout_s: float = PATIENCE_S) -> Finished:
    return await box.run(("sh", "-c", command), timeout_s)


async def test_commands_find_the_files_and_leave_files_for_the_next(box: Workspace) -> None:
    assert (await box.run(("python3", "main.py"), PATIENCE_S)).stdout == b"42\n"
    await _shell(box, "cat sub/notes.txt main.py > both; exit 0")
    assert await box.read("both") == b"helloprint(6 * 7)"
    await box.write("new/deep.txt", b"written")
    assert (await _shell(box, "cat new/deep.txt")).stdout == b"written"


async def test_how_a_command_ended_is_told_with_both_its_streams(box: Workspace) -> None:
    finished = await _shell(box, "echo out; echo err >&2; exit 3")
    assert finished == Finished(3, b"out\n", b"err\n", truncated=False, timed_out=False)
    assert (await _shell(box, "kill -9 $$")).code == -9
    assert (await box.run(("no-such-program",), PATIENCE_S)).code == 127


async def test_a_command_is_ended_at_its_time_with_all_that_it_started(box: Workspace) -> None:
    finished = await _shell(box, "trap '' TERM INT; sleep 1000 & sleep 1000", timeout_s=0.3)
    assert finished.timed_out
    assert (await _shell(box, "ps ax -o args")).stdout.count(b"sleep 1000") == 0


async def test_nothing_runs_on_after_a_command_has_ended(box: Workspace) -> None:
    assert (await _shell(box, "setsid sleep 1000 & echo started")).stdout == b"started\n"
    assert (await _shell(box, "ps ax -o args")).stdout.count(b"sleep 1000") == 0


async def test_endless_output_is_cut(box: Workspace) -> None:
    finished = await _shell(box, "yes", timeout_s=0.3)
    assert finished.truncated
    assert len(finished.stdout) == 100_000


async def test_the_disk_is_bounded(box: Workspace) -> None:
    finished = await _shell(
        box, "head -c 20000000 /dev/zero > big; head -c 20000000 /dev/zero > /tmp/big; wc -c < big; wc -c < /tmp/big"
    )
    assert [int(size) <= 8 << 20 for size in finished.stdout.split()] == [True, True]


async def test_processes_are_bounded(box: Workspace) -> None:
    finished = await _shell(box, "for i in $(seq 100); do sleep 1000 & done; jobs -p | wc -l", timeout_s=PATIENCE_S)
    assert b"fork" in finished.stderr.lower()


async def test_nothing_of_the_machine_can_be_written_or_seen(
    box: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    finished = await _shell(box, f"echo x > {outside}; echo x > /usr/x; echo x > /x; ls /root /home /etc/passwd {tmp_path}")
    assert outside.read_text() == "untouched"
    assert b"untouched" not in finished.stdout
    assert b"passwd" not in finished.stdout
    variables = (await _shell(box, "env")).stdout.split()
    assert {line.partition(b"=")[0] for line in variables} <= {
        b"PATH", b"HOME", b"LC_ALL", b"PYTHONDONTWRITEBYTECODE", b"PWD", b"OLDPWD", b"SHLVL", b"_"
    }  # fmt: skip


async def test_links_lead_nowhere_outside(box: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    await _shell(box, f"ln -s {tmp_path}/secret link; ln -s {tmp_path} folder")
    with pytest.raises(NotFound):
        await box.read("link")
    assert os.listdir(tmp_path) == ["secret"]


async def test_there_is_no_network_and_no_way_to_the_first_process(box: Workspace) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert (await box.run(("python3", "-c", connect), PATIENCE_S)).code == 1
    assert (await _shell(box, "cat /proc/1/environ || cat /proc/1/mem")).code == 1
    assert (await _shell(box, "kill -9 1; kill -STOP 1; echo alive")).stdout == b"alive\n"
    assert (await _shell(box, "unshare -U true")).code != 0
    assert (await _shell(box, "echo still")).stdout == b"still\n"


async def test_a_file_that_is_too_large_or_no_file_is_refused(box: Workspace) -> None:
    await _shell(box, "head -c 200000 /dev/zero > big; mkfifo pipe")
    with pytest.raises(TooLarge):
        await box.read("big")
    for path in ("pipe", "sub", "nowhere"):
        with pytest.raises(NotFound):
            await box.read(path)


async def test_without_bubblewrap_it_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoSandbox, match="apt install bubblewrap"):
        async with Workspace({}):
            pass


async def test_where_root_cannot_name_another_user_it_says_so_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others never do: they are nobody special."""
    limits = WorkspaceLimits(cpu_s=2_000_000 + os.getpid())
    monkeypatch.setattr(workspace, "probe", _probe_without_user)
    monkeypatch.setattr(workspace, "_USER", 0)  # named twice, which Linux refuses
    if os.getuid() == 0:
        with pytest.raises(SandboxBroken, match="root cannot name another user"):
            await Workspace({}, limits).__aenter__()
    assert not _is_anywhere(f"={limits.cpu_s}")


async def test_whoever_stops_waiting_never_gets_the_answer_of_before(box: Workspace) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await _shell(box, "sleep 1; echo late")
    with pytest.raises(SandboxBroken):
        await _shell(box, "echo next")


async def test_one_that_is_left_or_given_up_while_it_opens_leaves_no_process_behind() -> None:
    limits = WorkspaceLimits(cpu_s=1_000_000 + os.getpid())
    async with asyncio.timeout(PATIENCE_S):
        async with Workspace({}, limits):
            pass
        for turns in (1, 3, 10, 30):
            opening = asyncio.create_task(Workspace({}, limits).__aenter__())
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
    until = time.monotonic() + PATIENCE_S
    while _is_anywhere(f"={limits.cpu_s}") and time.monotonic() < until:  # noqa: ASYNC110  # processes set no event
        await asyncio.sleep(0.01)
    assert not _is_anywhere(f"={limits.cpu_s}")


def _is_anywhere(argument: str) -> bool:
    """Whether a process was started with something like it."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if argument.encode() in (process / "cmdline").read_bytes():
                return True
    return False
