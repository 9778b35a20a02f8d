-- The tables that more than one part reads. Times are microseconds UTC, money is nano-units with its currency, JSON is text.

CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    outcome TEXT NOT NULL,
    asked TEXT NOT NULL,
    deployment TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    protocol TEXT NOT NULL,
    stream BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    ttft_us BIGINT,
    key_id TEXT,
    status BIGINT,
    error TEXT,
    stop TEXT,
    usage TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_nano BIGINT,
    cost_currency TEXT,
    request TEXT,
    reply TEXT,
    upstream_id TEXT,
    losses TEXT
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX calls_by_model ON calls (model, at);

-- What was said, under its SHA-256 (as bytes: half the index, and the index is what an insert costs). NULL keeps it for good.
CREATE TABLE transcripts (
    hash BYTEA PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('request', 'reply', 'transcript')),
    content BYTEA NOT NULL,
    kept_until BIGINT
);

CREATE INDEX transcripts_by_end ON transcripts (kept_until);

CREATE TABLE verdicts (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    choice TEXT,
    a TEXT,
    b TEXT,
    by TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);

CREATE INDEX verdicts_by_source ON verdicts (source, chain, seq);

-- The last link of each chain: the one row that an append locks.
CREATE TABLE chains (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE measurements (
    publication TEXT NOT NULL,
    number BIGINT NOT NULL,
    metric TEXT NOT NULL,
    series TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (publication, number)
);

CREATE INDEX measurements_by_metric ON measurements (metric, series, publication);

-- Gateway keys. ``hash`` is HMAC-SHA-256 under a pepper of the vault whose fingerprint is ``vault``.
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    vault TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT
);

CREATE TABLE secrets (
    record TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    hint TEXT,
    at BIGINT NOT NULL
);

CREATE TABLE providers (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- Verdicts are only ever added. Whoever drops these triggers is still found by the chain.

/*sqlite:
CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts
BEGIN
    SELECT RAISE(ABORT, 'verdicts are append-only');
END;

CREATE TRIGGER verdicts_no_delete BEFORE DELETE ON verdicts
BEGIN
    SELECT RAISE(ABORT, 'verdicts are append-only');
END;
*/

/*postgresql:
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER verdicts_no_change BEFORE UPDATE OR DELETE ON verdicts
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER verdicts_no_truncate BEFORE TRUNCATE ON verdicts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
*/
