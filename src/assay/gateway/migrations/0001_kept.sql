-- What a client could not carry, under the id that it was told: the seal of a tool call, or the request of a response.
-- Kept by gateway key (NULL is the local door), until ``kept_until`` (microseconds UTC).
CREATE TABLE gateway_kept (
    id TEXT NOT NULL PRIMARY KEY,
    key_id TEXT,
    value TEXT NOT NULL,
    kept_until BIGINT NOT NULL
);
CREATE INDEX gateway_kept_until ON gateway_kept (kept_until);
