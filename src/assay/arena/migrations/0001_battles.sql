-- Blind battles while they are open and after. The vote itself is a verdict in the shared, append-only log.
CREATE TABLE arena_battles (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'voted', 'void')),
    voter TEXT NOT NULL,
    at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    first_model TEXT NOT NULL,
    second_model TEXT NOT NULL,
    propensity DOUBLE PRECISION NOT NULL,
    sampling TEXT NOT NULL,
    choice TEXT CHECK (choice IN ('a', 'b', 'tie', 'both_bad')),
    voted_at BIGINT,
    effect TEXT,
    CHECK (first_model <> second_model), -- not <: each database compares text in its own order
    CHECK ((state = 'voted') = (choice IS NOT NULL))
);
CREATE INDEX arena_battles_of_voter ON arena_battles (voter, id);
CREATE INDEX arena_battles_by_state ON arena_battles (state, expires);

CREATE TABLE arena_turns (
    battle TEXT NOT NULL REFERENCES arena_battles (id),
    turn BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (battle, turn)
);

CREATE TABLE arena_voter_keys (
    version BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);
