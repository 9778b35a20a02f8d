-- Who uses models here and how much they may. Ids are text, times microseconds UTC, JSON is text; '' stands for none in keys of tables.

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    limits TEXT NOT NULL,
    created BIGINT NOT NULL,
    archived BIGINT
);

-- ``password`` is a salted scrypt hash, ``subject`` names who signs in elsewhere: issuer and subject of an OIDC token. Sessions are
-- of the ``generation`` in which they began, and end with it.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'member', 'admin')),
    team TEXT,
    limits TEXT NOT NULL,
    password TEXT,
    subject TEXT UNIQUE,
    generation BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    disabled BIGINT,
    last_seen BIGINT
);

-- A rotated key goes on under its old hash until ``old_until``.
ALTER TABLE keys ADD COLUMN user_id TEXT;
ALTER TABLE keys ADD COLUMN team_id TEXT;
ALTER TABLE keys ADD COLUMN scopes TEXT;
ALTER TABLE keys ADD COLUMN limits TEXT;
ALTER TABLE keys ADD COLUMN expires BIGINT;
ALTER TABLE keys ADD COLUMN old_hash BYTEA;
ALTER TABLE keys ADD COLUMN old_until BIGINT;

CREATE TABLE aliases (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- ``amount`` in nano-units of ``currency`` where ``measure`` is money; ``per`` is the window.
CREATE TABLE budgets (
    id TEXT PRIMARY KEY,
    holder_kind TEXT NOT NULL CHECK (holder_kind IN ('key', 'user', 'team', 'provider')),
    holder TEXT NOT NULL,
    measure TEXT NOT NULL CHECK (measure IN ('money', 'tokens', 'requests')),
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    per TEXT NOT NULL CHECK (per IN ('hour', 'day', 'week', 'month', 'total')),
    near DOUBLE PRECISION NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (holder_kind, holder, measure, per)
);

-- What was used of each budget in each window, written in the commit of the calls that used it. ``told``: 1 once somebody was told that
-- it is near its end, 2 that it is spent. Limits have a row each, with nothing used: who leases of one locks it.
CREATE TABLE meters (
    meter TEXT NOT NULL,
    starts BIGINT NOT NULL,
    used BIGINT NOT NULL,
    told BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (meter, starts)
);

-- What a process has taken of a budget or a limit, to give out by itself. Of a rate, ``starts`` is when it was taken: it counts for a minute.
CREATE TABLE leases (
    process TEXT NOT NULL,
    meter TEXT NOT NULL,
    starts BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (meter, starts, process)
);

-- Processes with leases. One whose ``beat`` stands still is dead, and its leases fall back.
CREATE TABLE lessees (
    process TEXT PRIMARY KEY,
    beat BIGINT NOT NULL
);

-- Sums of calls by day, written in the same commit; every sum can be had from `calls` as well.
CREATE TABLE spend (
    day BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    purpose TEXT NOT NULL,
    currency TEXT NOT NULL,
    calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_nano BIGINT NOT NULL,
    low_nano BIGINT NOT NULL,
    high_nano BIGINT NOT NULL,
    PRIMARY KEY (day, key_id, user_id, team_id, provider, model, purpose, currency)
);

-- Who changed what; never a secret.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
);

ALTER TABLE calls ADD COLUMN user_id TEXT;
ALTER TABLE calls ADD COLUMN team_id TEXT;
ALTER TABLE calls ADD COLUMN provider_key TEXT;
ALTER TABLE calls ADD COLUMN low_nano BIGINT;
ALTER TABLE calls ADD COLUMN high_nano BIGINT;
ALTER TABLE calls ADD COLUMN cached TEXT;

/*sqlite:
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
*/

/*postgresql:
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
*/
