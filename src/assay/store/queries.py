"""The shared tables: calls and their bodies, secrets, provider rows and settings from the page, measurements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from assay.core.call import Call
from assay.core.deployment import Provider
from assay.core.errors import InvalidInput
from assay.core.ids import new_id, now_us
from assay.core.measurement import Measurement
from assay.core.money import Money, Usage
from assay.store.database import Database, Row, Transaction, Write
from assay.store.rotation import CARRIED, check_vault
from assay.store.sql import Sql
from assay.store.vault import Secret, Vault

BodyKind: TypeAlias = Literal["request", "reply", "transcript"]

INSERT_CALL = Sql("""
    INSERT INTO calls (
        id, request_id, at, purpose, outcome, asked, deployment, provider, model, protocol, stream, duration_us, ttft_us, key_id,
        status, error, stop, usage, input_tokens, output_tokens, cost_nano, cost_currency, request, reply, upstream_id, losses,
        client_protocol, operation, timeline, user_id, team_id, provider_key, low_nano, high_nano, cached
    ) VALUES (
        :id, :request_id, :at, :purpose, :outcome, :asked, :deployment, :provider, :model, :protocol, :stream, :duration_us, :ttft_us, :key_id,
        :status, :error, :stop, :usage, :input_tokens, :output_tokens, :cost_nano, :cost_currency, :request, :reply, :upstream_id, :losses,
        :client_protocol, :operation, :timeline, :user_id, :team_id, :provider_key, :low_nano, :high_nano, :cached
    ) ON CONFLICT (id) DO NOTHING
""")
SHOWN_SQLITE = "request_id NOT IN (SELECT value FROM json_each(:hidden))"
SHOWN_POSTGRESQL = "request_id <> ALL(CAST(:hidden AS TEXT[]))"
"""What leaves the requests ``hidden`` out."""

SELECT_CALLS = Sql("SELECT * FROM calls ORDER BY id DESC LIMIT :limit")
SELECT_CALL = Sql("SELECT * FROM calls WHERE id = :id")
_NEAR = 20_000
_MILLIS = 13
"""Of an id, the characters that say the millisecond."""

SELECT_ATTEMPTS = Sql("""
    SELECT * FROM calls WHERE id IN (
        SELECT id FROM (SELECT id, request_id FROM calls WHERE id <= :id ORDER BY id DESC LIMIT :near) AS earlier WHERE request_id = :request_id
        UNION
        SELECT id FROM (SELECT id, request_id FROM calls WHERE id > :id ORDER BY id LIMIT :near) AS later WHERE request_id = :request_id
    ) ORDER BY id
""")
SELECT_REQUEST = Sql("""
    SELECT id FROM (SELECT id, request_id FROM calls WHERE id >= :since ORDER BY id LIMIT :near) AS later
    WHERE request_id = :request_id ORDER BY id DESC LIMIT 1
""")
_WORK = """
    SELECT * FROM calls
    WHERE purpose = 'traffic' AND outcome = 'ok'
      AND (CAST(:before AS TEXT) IS NULL OR id < :before)
      AND (CAST(:since AS BIGINT) IS NULL OR at >= :since)
      AND (CAST(:until AS BIGINT) IS NULL OR at < :until)
      AND (CAST(:asked AS TEXT) IS NULL OR asked = :asked)
      AND ({keys})
    ORDER BY id DESC LIMIT :limit
"""
SELECT_WORK = Sql(
    sqlite=_WORK.format(keys=":any_key = 1 OR key_id IN (SELECT value FROM json_each(:keys))"),
    postgresql=_WORK.format(keys="CAST(:any_key AS INTEGER) = 1 OR key_id = ANY(CAST(:keys AS TEXT[]))"),
)
_SPEEDS = """
    SELECT deployment, model, ttft_us, duration_us, output_tokens FROM calls
    WHERE model = :model AND at >= :since AND outcome = 'ok' AND stream = 1 AND ttft_us IS NOT NULL AND {shown}
    ORDER BY at DESC LIMIT :limit
"""
SELECT_SPEEDS = Sql(sqlite=_SPEEDS.format(shown=SHOWN_SQLITE), postgresql=_SPEEDS.format(shown=SHOWN_POSTGRESQL))

UPSERT_BODY = Sql("""
    INSERT INTO transcripts (hash, kind, content, kept_until) VALUES (:hash, :kind, :content, :kept_until)
    ON CONFLICT (hash) DO UPDATE SET kept_until = excluded.kept_until
    WHERE transcripts.kept_until < excluded.kept_until
       OR (excluded.kept_until IS NULL AND transcripts.kept_until IS NOT NULL)
""")
INSERT_BODIES = Sql("""
    INSERT INTO call_bodies (call, request, reply, kept_until) VALUES (:call, :request, :reply, :kept_until)
    ON CONFLICT (call) DO NOTHING
""")
_SAID = """
    SELECT calls.request AS request_hash, calls.reply AS reply_hash, call_bodies.request AS request, call_bodies.reply AS reply
    FROM call_bodies JOIN calls ON calls.id = call_bodies.call
    WHERE call_bodies.call {among}
"""
SELECT_SAID = Sql(
    sqlite=_SAID.format(among="IN (SELECT value FROM json_each(:calls))"),
    postgresql=_SAID.format(among="= ANY(CAST(:calls AS TEXT[]))"),
)
SELECT_BODY = Sql("SELECT content FROM transcripts WHERE hash = :hash")
_BODIES_AT_ONCE = 64
SELECT_BODIES = Sql(
    "SELECT hash, content FROM transcripts WHERE hash IN ("  # noqa: S608 - a constant; SQLite before 3.41 cannot take hex from a list
    + ", ".join(f":hash_{i}" for i in range(_BODIES_AT_ONCE))
    + ")"
)
DELETE_EXPIRED = Sql("""
    DELETE FROM transcripts WHERE hash IN (SELECT hash FROM transcripts WHERE kept_until <= :now LIMIT :limit)
""")
DELETE_EXPIRED_SAID = Sql("""
    DELETE FROM call_bodies WHERE call IN (SELECT call FROM call_bodies WHERE kept_until <= :now LIMIT :limit)
""")

UPSERT_SECRET = Sql("""
    INSERT INTO secrets (record, sealed, hint, at) VALUES (:record, :sealed, :hint, :at)
    ON CONFLICT (record) DO UPDATE SET sealed = excluded.sealed, hint = excluded.hint, at = excluded.at
""")
SELECT_SECRETS = Sql("SELECT record, sealed, hint, at FROM secrets ORDER BY record")
DELETE_SECRET = Sql("DELETE FROM secrets WHERE record = :record")

UPSERT_PROVIDER = Sql("""
    INSERT INTO providers (name, body, at) VALUES (:name, :body, :at)
    ON CONFLICT (name) DO UPDATE SET body = excluded.body, at = excluded.at
""")
SELECT_PROVIDERS = Sql("SELECT body FROM providers ORDER BY name")
DELETE_PROVIDER = Sql("DELETE FROM providers WHERE name = :name")

UPSERT_SETTING = Sql("""
    INSERT INTO settings (name, value, at) VALUES (:name, :value, :at)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
""")
SELECT_SETTINGS = Sql("SELECT name, value FROM settings ORDER BY name")
DELETE_SETTING = Sql("DELETE FROM settings WHERE name = :name")

INSERT_MEASUREMENT = Sql("""
    INSERT INTO measurements (publication, number, metric, series, subject, at, body)
    VALUES (:publication, :number, :metric, :series, :subject, :at, :body)
""")
SELECT_LATEST = Sql("""
    SELECT body FROM measurements AS shown
    WHERE metric = :metric AND (CAST(:series AS TEXT) IS NULL OR series = :series)
      AND publication = (
          SELECT MAX(publication) FROM measurements AS other WHERE other.metric = shown.metric AND other.series = shown.series
      )
    ORDER BY publication, number
""")
SELECT_LATEST_BELOW = Sql("""
    SELECT body FROM measurements AS shown
    WHERE body LIKE :rows
      AND publication = (
          SELECT MAX(publication) FROM measurements AS other WHERE other.metric = shown.metric AND other.series = shown.series
      )
    ORDER BY publication, number
""")

_encode = msgspec.json.Encoder().encode
_usage = msgspec.json.Decoder(Usage)
_losses = msgspec.json.Decoder(tuple[str, ...])
_timeline = msgspec.json.Decoder(tuple[tuple[int, int], ...])
_provider = msgspec.json.Decoder(Provider)
_measurement = msgspec.json.Decoder(Measurement)


class Body(msgspec.Struct, frozen=True):
    """What was said, under its content hash (hex), until ``kept_until`` (microseconds UTC; None keeps it for good)."""

    hash: str
    kind: BodyKind
    content: bytes
    kept_until: int | None = None


class StoredSecret(msgspec.Struct, frozen=True):
    """A secret, opened, with what a page may show of it."""

    record: str
    secret: Secret
    hint: str | None
    at: int


class Speed(msgspec.Struct, frozen=True):
    """How fast one streamed answer came."""

    deployment: str
    model: str
    ttft_us: int
    duration_us: int
    output_tokens: int | None


async def record_calls(db: Database, calls: Sequence[Call], bodies: Sequence[Body], also: Sequence[Write] = ()) -> None:
    """Save calls and bodies, and ``also`` what others note of them, in one commit. Saying the same calls again changes nothing,
    where nothing else is to be noted.

    A body is kept with the calls that name its hash; one that none names, under its hash. A row is never lost to what an
    upstream wrote into it: characters and numbers that no database holds are replaced.
    """
    rows = [_row(call) for call in calls]
    by_hash = {body.hash: body for body in bodies}
    said: list[dict[str, Any]] = []
    named: set[str] = set()
    for call in calls:
        request, reply = by_hash.get(call.request or ""), by_hash.get(call.reply or "")
        if request is not None or reply is not None:
            said.append(_said_row(call.id, request, reply))
            named.update(body.hash for body in (request, reply) if body is not None)
    batch: list[Write] = [(INSERT_BODIES, said)] if said else []
    if len(named) < len(by_hash):
        batch.append((UPSERT_BODY, [_body_row(by_hash[key]) for key in sorted(by_hash.keys() - named)]))
    try:
        await db.write([*batch, (INSERT_CALL, rows), *also])
    except InvalidInput:
        await db.write([*batch, (INSERT_CALL, [storable(row) for row in rows]), *also])


async def save_bodies(tx: Transaction, bodies: Sequence[Body]) -> None:
    """Save bodies in the caller's transaction, under their hashes. A body's end only ever moves back."""
    by_hash = {body.hash: body for body in bodies}
    await tx.write(
        UPSERT_BODY, [_body_row(by_hash[key]) for key in sorted(by_hash)]
    )  # in one order, so that writers never deadlock


async def list_calls(db: Database, limit: int) -> list[Call]:
    """The newest calls first, whole. `assay.store.calls` searches them."""
    return [read_call(row) for row in await db.read(SELECT_CALLS, limit=limit)]


async def get_call(db: Database, id: str) -> Call | None:
    """One call, or None where there is none of that id."""
    rows = await db.read(SELECT_CALL, id=id)
    return read_call(rows[0]) if rows else None


async def find_request(db: Database, request_id: str) -> Call | None:
    """The last attempt at a request, by the id that its client was told: it was made in the same millisecond as theirs, or a little before."""
    rows = await db.read(SELECT_REQUEST, request_id=request_id, since=request_id[:_MILLIS], near=_NEAR)
    return await get_call(db, rows[0]["id"]) if rows else None


async def list_attempts(db: Database, call: Call) -> list[Call]:
    """All attempts at the request of ``call``, the oldest first, looked for among the 20,000 calls before and after it:
    attempts at one request lie close together, and an index for this alone would slow every call down."""
    rows = await db.read(SELECT_ATTEMPTS, id=call.id, request_id=call.request_id, near=_NEAR)
    return [read_call(row) for row in rows]


async def list_answered(
    db: Database,
    limit: int,
    *,
    keys: Collection[str] | None = None,
    asked: str | None = None,
    since: int | None = None,
    until: int | None = None,
    before: str | None = None,
) -> list[Call]:
    """The newest answered calls of clients, before the call id ``before``: of these key ids, asked for under this name, from
    ``since`` up to before ``until`` (microseconds UTC). What battles, judges and tests asked is not among them."""
    rows = await db.read(
        SELECT_WORK,
        before=before,
        since=since,
        until=until,
        asked=asked,
        any_key=int(keys is None),
        keys=sorted(keys or ()),
        limit=limit,
    )
    return [read_call(row) for row in rows]


async def list_speeds(db: Database, model: str, since: int, limit: int = 1000, hidden: Collection[str] = ()) -> list[Speed]:
    """The newest streamed answers of ``model`` since ``since`` (microseconds UTC), whoever served them.

    Those whose ``request_id`` is in ``hidden`` are left out: a count that grows would tell who stands in an open battle.
    """
    rows = await db.read(SELECT_SPEEDS, model=model, since=since, limit=limit, hidden=list(hidden))
    return [Speed(row["deployment"], row["model"], row["ttft_us"], row["duration_us"], row["output_tokens"]) for row in rows]


async def get_body(db: Database, hash: str) -> bytes | None:
    """What is kept under a hash alone, such as the transcripts of a vote; None where nothing is or its time is over.

    What a call said is kept with the call: `get_bodies`.
    """
    try:
        key = bytes.fromhex(hash)
    except ValueError:
        return None
    rows = await db.read(SELECT_BODY, hash=key)
    return bytes(rows[0]["content"]) if rows else None


async def get_bodies(db: Database, hashes: Collection[str], calls: Collection[str] = ()) -> dict[str, bytes]:
    """What is kept of several contents, by hash. ``hashes`` are hex, as a `Call` holds them; ``calls`` are the ids of the calls
    that said them, where there are any."""
    found: dict[str, bytes] = {}
    wanted = set(hashes)
    ids = sorted(calls)
    for start in range(0, len(ids), _BODIES_AT_ONCE):
        for row in await db.read(SELECT_SAID, calls=ids[start : start + _BODIES_AT_ONCE]):
            for key, content in ((row["request_hash"], row["request"]), (row["reply_hash"], row["reply"])):
                if key in wanted and content is not None:
                    found[key] = bytes(content)
    missing = [bytes.fromhex(key) for key in sorted(wanted - found.keys())]
    for start in range(0, len(missing), _BODIES_AT_ONCE):
        some = missing[start : start + _BODIES_AT_ONCE]
        given = {f"hash_{i}": some[i] if i < len(some) else None for i in range(_BODIES_AT_ONCE)}
        for row in await db.read(SELECT_BODIES, **given):
            found[bytes(row["hash"]).hex()] = bytes(row["content"])
    return found


async def drop_expired_bodies(db: Database, now: int, *, step: int = 500) -> int:
    """Delete what need not be kept at ``now``, in short steps so that writers never wait long; how many rows went."""
    dropped = 0
    for statement in (DELETE_EXPIRED_SAID, DELETE_EXPIRED):
        gone = step
        while gone == step:
            async with db.transaction() as tx:
                gone = await tx.write(statement, {"now": now, "limit": step})
            dropped += gone
    return dropped


async def save_secret(db: Database, vault: Vault, record: str, secret: str) -> None:
    """Seal and store the secret of ``record``, in place of an older one.

    Raises:
        Unavailable: ``vault.wrong_key``: the master key was rotated, and this process does not have the new one yet.
    """
    async with db.transaction() as tx:
        await check_vault(tx, vault)
        row = {"record": record, "sealed": vault.seal(record, secret), "hint": Secret(secret).hint, "at": now_us()}
        await tx.write(UPSERT_SECRET, row)


async def load_secrets(db: Database, vault: Vault) -> dict[str, StoredSecret]:
    """All secrets by record. Raises as `Vault.unseal` does."""
    rows = await db.read(SELECT_SECRETS)
    return {row["record"]: _secret(row, vault) for row in rows if row["record"] != CARRIED}


async def delete_secret(db: Database, record: str) -> None:
    """Forget the secret of ``record``."""
    await db.write([(DELETE_SECRET, {"record": record})])


async def save_provider(db: Database, provider: Provider) -> None:
    """Store a provider row, in place of an older one of its name."""
    await db.write([(UPSERT_PROVIDER, {"name": provider.name, "body": _encode(provider).decode(), "at": now_us()})])


async def load_providers(db: Database) -> list[Provider]:
    """The stored provider rows, with ``origin`` "database"."""
    rows = await db.read(SELECT_PROVIDERS)
    return [msgspec.structs.replace(_provider.decode(row["body"]), origin="database") for row in rows]


async def delete_provider(db: Database, name: str) -> None:
    """Forget a stored provider row."""
    await db.write([(DELETE_PROVIDER, {"name": name})])


async def save_setting(db: Database, name: str, value: Any) -> None:
    """Store a setting as JSON."""
    await db.write([(UPSERT_SETTING, {"name": name, "value": _encode(value).decode(), "at": now_us()})])


async def load_settings(db: Database) -> dict[str, Any]:
    """All stored settings."""
    return {row["name"]: msgspec.json.decode(row["value"]) for row in await db.read(SELECT_SETTINGS)}


async def delete_setting(db: Database, name: str) -> None:
    """Go back to what a setting is without the database."""
    await db.write([(DELETE_SETTING, {"name": name})])


async def publish_measurements(db: Database, measurements: Sequence[Measurement], *, series: str = "") -> str:
    """Store measurements as one publication and return its id. A ``series`` (say, one board's settings) replaces only itself."""
    publication = new_id()
    rows = [
        {
            "publication": publication,
            "number": number,
            "metric": measurement.metric,
            "series": series,
            "subject": measurement.subject,
            "at": measurement.at,
            "body": _encode(measurement).decode(),
        }
        for number, measurement in enumerate(measurements)
    ]
    await db.write([(INSERT_MEASUREMENT, rows)])
    return publication


async def latest_measurements(db: Database, metric: str, *, series: str | None = None) -> list[Measurement]:
    """The last publication of ``metric``, in its order: of one series, or of each."""
    return [_measurement.decode(row["body"]) for row in await db.read(SELECT_LATEST, metric=metric, series=series)]


async def latest_measurements_below(db: Database, path: str) -> list[Measurement]:
    """The last publication of every metric and series whose records are on a page below ``path``, such as ``/bench/``."""
    return [_measurement.decode(row["body"]) for row in await db.read(SELECT_LATEST_BELOW, rows=f'%"rows":"{path}%')]


def _said_row(call: str, request: Body | None, reply: Body | None) -> dict[str, Any]:
    ends = [body.kept_until for body in (request, reply) if body is not None]
    return {
        "call": call,
        "request": None if request is None else request.content,
        "reply": None if reply is None else reply.content,
        "kept_until": None if None in ends else max(end for end in ends if end is not None),
    }


def _body_row(body: Body) -> dict[str, Any]:
    key = bytes.fromhex(body.hash)
    return {"hash": key, "kind": body.kind, "content": body.content, "kept_until": body.kept_until}


def _row(call: Call) -> dict[str, Any]:
    usage, cost = call.usage, call.cost
    return {
        "id": call.id,
        "request_id": call.request_id,
        "at": call.at,
        "purpose": call.purpose,
        "outcome": call.outcome,
        "asked": call.asked,
        "deployment": call.deployment,
        "provider": call.provider,
        "model": call.model,
        "protocol": call.protocol,
        "stream": int(call.stream),
        "duration_us": call.duration_us,
        "ttft_us": call.ttft_us,
        "key_id": call.key,
        "status": call.status,
        "error": call.error,
        "stop": call.stop,
        "usage": None if usage is None else _encode(usage).decode(),
        "input_tokens": None if usage is None else usage.total_input,
        "output_tokens": None if usage is None else usage.total_output,
        "cost_nano": None if cost is None else cost.nano,
        "cost_currency": None if cost is None else cost.currency,
        "request": call.request,
        "reply": call.reply,
        "upstream_id": call.upstream_id,
        "losses": _encode(call.losses).decode() if call.losses else None,
        "client_protocol": call.client_protocol,
        "operation": call.operation,
        "timeline": _encode(call.timeline).decode() if call.timeline else None,
        "user_id": call.user,
        "team_id": call.team,
        "provider_key": call.provider_key,
        "low_nano": None if call.cost_between is None else call.cost_between[0],
        "high_nano": None if call.cost_between is None else call.cost_between[1],
        "cached": call.cached,
    }


def storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what no database holds replaced: NUL by its picture, lone surrogates by ``?``, numbers by the nearest."""

    def mend(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("\0", "␀").encode("utf-8", "replace").decode()
        if isinstance(value, int):
            return max(-(1 << 63), min(value, (1 << 63) - 1))
        return value

    return {name: mend(value) for name, value in row.items()}


def read_call(row: Row) -> Call:
    """A row of the table calls as a `Call`."""
    return Call(
        id=row["id"],
        request_id=row["request_id"],
        at=row["at"],
        purpose=row["purpose"],
        outcome=row["outcome"],
        asked=row["asked"],
        deployment=row["deployment"],
        provider=row["provider"],
        model=row["model"],
        protocol=row["protocol"],
        stream=bool(row["stream"]),
        duration_us=row["duration_us"],
        ttft_us=row["ttft_us"],
        key=row["key_id"],
        status=row["status"],
        error=row["error"],
        stop=row["stop"],
        usage=None if row["usage"] is None else _usage.decode(row["usage"]),
        cost=None if row["cost_nano"] is None else Money(row["cost_nano"], row["cost_currency"]),
        request=row["request"],
        reply=row["reply"],
        upstream_id=row["upstream_id"],
        client_protocol=row["client_protocol"],
        operation=row["operation"],
        losses=() if row["losses"] is None else _losses.decode(row["losses"]),
        timeline=() if row["timeline"] is None else _timeline.decode(row["timeline"]),
        user=row["user_id"],
        team=row["team_id"],
        provider_key=row["provider_key"],
        cost_between=None if row["low_nano"] is None else (row["low_nano"], row["high_nano"]),
        cached=row["cached"],
    )


def _secret(row: Row, vault: Vault) -> StoredSecret:
    return StoredSecret(row["record"], vault.unseal(row["record"], bytes(row["sealed"])), row["hint"], row["at"])
