"""A database comes to this version's schema once, whole, and never from a newer one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from assay.core import Transcript, Unavailable, canonical, new_id, now_us, user
from assay.store import Database, Sql, migrate, open_database, pending
from assay.store.migrate import CREATE_TABLE, INSERT_APPLIED, load_migrations
from assay.store.queries import drop_expired_bodies, get_bodies, list_calls
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio

TWO_STEPS = {
    "0001_first": "CREATE TABLE sample (a BIGINT); /*sqlite: INSERT INTO sample VALUES (1); */ /*postgresql: INSERT INTO sample VALUES (2); */",
    "0002_second": "INSERT INTO sample SELECT a * 10 FROM sample;",
}

OLD_CALL = Sql("""
    INSERT INTO calls (id, request_id, at, purpose, outcome, asked, deployment, provider, model, protocol, stream, duration_us, request)
    VALUES (:id, :id, 1, 'traffic', 'ok', 'm', 'up/m', 'up', 'm', 'openai_chat', 0, 1, :request)
""")
OLD_BODY = Sql("INSERT INTO transcripts (hash, kind, content, kept_until) VALUES (:hash, 'request', :content, :kept_until)")


def package(folder: Path, name: str, steps: dict[str, str]) -> str:
    migrations = folder / name / "migrations"
    migrations.mkdir(parents=True, exist_ok=True)
    (folder / name / "__init__.py").write_text("")
    for old in migrations.iterdir():
        old.unlink()
    for step, text in steps.items():
        (migrations / f"{step}.sql").write_text(text)
    return name


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"sample_{tmp_path.name}".replace("-", "_")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package(tmp_path, name, TWO_STEPS)


async def test_steps_run_in_order_once_each_in_its_dialect(database: Database, sample: str) -> None:
    assert await pending(database, sample) == [f"{sample}/0001_first", f"{sample}/0002_second"]
    assert await migrate(database, sample) == [f"{sample}/0001_first", f"{sample}/0002_second"]
    assert await migrate(database, sample) == await pending(database, sample) == []
    first = 1 if database.dialect == "sqlite" else 2
    assert [row["a"] for row in await database.read(Sql("SELECT a FROM sample ORDER BY a"))] == [first, first * 10]


async def test_the_shared_schema_is_in_place_and_up_to_date(database: Database) -> None:
    assert await pending(database, "assay.store") == []


async def test_a_step_that_fails_leaves_no_trace_of_any(database: Database, sample: str, tmp_path: Path) -> None:
    package(tmp_path, sample, {**TWO_STEPS, "0003_broken": "INSERT INTO nowhere VALUES (1);"})
    with pytest.raises(Exception, match="nowhere"):
        await migrate(database, sample)
    package(tmp_path, sample, TWO_STEPS)
    assert len(await migrate(database, sample)) == 2


async def test_a_newer_schema_is_refused_untouched(database: Database, sample: str, tmp_path: Path) -> None:
    await migrate(database, sample)
    package(tmp_path, sample, {"0001_first": TWO_STEPS["0001_first"]})
    for ask in (migrate, pending):
        with pytest.raises(Unavailable, match="0002_second") as refused:
            await ask(database, sample)
        assert refused.value.code == "store.newer_schema"


async def test_a_step_that_was_edited_after_it_ran_is_refused(database: Database, sample: str, tmp_path: Path) -> None:
    await migrate(database, sample)
    package(tmp_path, sample, {**TWO_STEPS, "0001_first": "CREATE TABLE sample (a BIGINT, b BIGINT);"})
    with pytest.raises(Unavailable, match="0001_first") as refused:
        await migrate(database, sample)
    assert refused.value.code == "store.changed_migration"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_processes_may_migrate_at_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Neither is told anything but good; the steps ran once."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/new/assay.db"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(await make_database(server, f"race_{tmp_path.name}"))
    code = (
        "import asyncio, sys\n"
        "from assay.store import migrate, open_database\n"
        "async def main():\n"
        "    db = await open_database(sys.argv[1])\n"
        "    print(len(await migrate(db, 'assay.store')))\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    run = [sys.executable, "-W", "error", "-c", code, url]
    processes = [await asyncio.create_subprocess_exec(*run, stdout=-1, stderr=-1) for _ in range(4)]
    said = [await process.communicate() for process in processes]
    assert [err.decode() for _, err in said] == [""] * 4
    database = await open_database(url)
    shipped = len(await database.read(Sql("SELECT name FROM migrations")))
    assert sorted(int(out) for out, _ in said) == [0, 0, 0, shipped]
    await database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_the_first_schema_held_outlives_every_step_since(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Rows are written as the version wrote them that shipped the first step alone, and read as this one reads them."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/old.db"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(await make_database(server, f"old_{tmp_path.name}"))
    db = await open_database(url)
    first, *since = load_migrations("assay.store")
    said = Transcript((user("before the change"),))
    call = {"id": new_id(), "request": said.hash}
    body = {"hash": bytes.fromhex(said.hash), "content": canonical(said), "kept_until": now_us() + 1_000_000_000}
    async with db.transaction() as tx:
        await tx.script(CREATE_TABLE)
        await tx.script(first.sql(tx.dialect))
        await tx.write(INSERT_APPLIED, {"package": first.package, "name": first.name, "checksum": first.checksum, "at": 1})
        await tx.write(OLD_CALL, call)
        await tx.write(OLD_BODY, body)
    assert await migrate(db, "assay.store") == [f"assay.store/{step.name}" for step in since]
    (kept,) = await list_calls(db, 10)
    assert (kept.id, kept.request, kept.timeline) == (call["id"], said.hash, ())
    assert (kept.client_protocol, kept.operation) == (None, None)
    assert await get_bodies(db, [said.hash], [kept.id]) == {said.hash: canonical(said)}
    assert await drop_expired_bodies(db, now_us() + 2_000_000_000) == 1
    await db.close()


async def make_database(server: Postgres, name: str) -> str:
    name = "".join(letter for letter in name if letter.isalnum())
    admin = await open_database(server.url())
    # CREATE DATABASE does not run in a transaction; `read` uses none.
    await admin.read(Sql(f'CREATE DATABASE "{name}"'))
    await admin.close()
    return name
