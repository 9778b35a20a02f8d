-- Answers that may be given again to the very same request of the same team or key. ``key`` is a hash of both, ``value`` the answer's
-- events as JSON, of ``size`` bytes; ``at`` and ``kept_until`` are microseconds UTC. ``call`` is the call that it was made by.
CREATE TABLE gateway_cache (
    key TEXT NOT NULL PRIMARY KEY,
    call TEXT NOT NULL,
    deployment TEXT NOT NULL,
    protocol TEXT NOT NULL,
    value BYTEA NOT NULL,
    size BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kept_until BIGINT NOT NULL
);
CREATE INDEX gateway_cache_by_age ON gateway_cache (at, key);
