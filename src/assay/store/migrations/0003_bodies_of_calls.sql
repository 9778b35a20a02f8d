-- What was asked and answered in a call, under the call's id: ids grow with time, so every row goes to the end of the table and
-- of its index. Under their hashes, two bodies of each call touched a random index page each, which cost more than the row.
-- NULL in kept_until keeps it for good. `transcripts` still holds what has no call of its own, and the bodies of older calls.
CREATE TABLE call_bodies (
    call TEXT PRIMARY KEY,
    request BYTEA,
    reply BYTEA,
    kept_until BIGINT
);

CREATE INDEX call_bodies_by_end ON call_bodies (kept_until);
