-- Challenges: what was asked, on what, what both contestants said. Judgments are verdicts in the shared log, chain "challenges".
CREATE TABLE challenge_runs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'stopped', 'ended')),
    at BIGINT NOT NULL,
    ended_at BIGINT,
    spec TEXT NOT NULL,
    plan TEXT NOT NULL,
    decision TEXT,
    trouble TEXT,
    report TEXT
);

-- In the order in which they count, which is drawn once.
CREATE TABLE challenge_items (
    challenge TEXT NOT NULL REFERENCES challenge_runs (id),
    number BIGINT NOT NULL,
    item TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (challenge, number)
);

CREATE TABLE challenge_trials (
    challenge TEXT NOT NULL,
    number BIGINT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('challenger', 'incumbent')),
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (challenge, number, side),
    FOREIGN KEY (challenge, number) REFERENCES challenge_items (challenge, number)
);

-- What judges that are models said beside their choice. The choice itself is in the verdict of this id.
CREATE TABLE challenge_judgments (
    id TEXT PRIMARY KEY,
    challenge TEXT NOT NULL,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    FOREIGN KEY (challenge, number) REFERENCES challenge_items (challenge, number)
);

CREATE INDEX challenge_judgments_by_number ON challenge_judgments (challenge, number);

-- What each attempt at a call took of the budget: first the most it can cost, then what it did (known = 1). One whose cost
-- was never learnt keeps the most, so that the budget holds whatever happens in between.
CREATE TABLE challenge_costs (
    challenge TEXT NOT NULL REFERENCES challenge_runs (id),
    id TEXT NOT NULL,
    nano BIGINT NOT NULL,
    currency TEXT NOT NULL,
    known BIGINT NOT NULL CHECK (known IN (0, 1)),
    PRIMARY KEY (challenge, id)
);

-- People who judge: oneself, and colleagues by their invitations, of which only hashes are kept. Whoever was removed votes no more.
CREATE TABLE challenge_people (
    challenge TEXT NOT NULL REFERENCES challenge_runs (id),
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    invitation BYTEA UNIQUE,
    removed BIGINT,
    PRIMARY KEY (challenge, person)
);

-- Which side was shown as a, to whom, and since when; voted or skipped pairs keep their row.
CREATE TABLE challenge_pairs (
    challenge TEXT NOT NULL,
    number BIGINT NOT NULL,
    person TEXT NOT NULL,
    a TEXT NOT NULL CHECK (a IN ('challenger', 'incumbent')),
    at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('shown', 'voted', 'skipped', 'seen')),
    PRIMARY KEY (challenge, number, person),
    FOREIGN KEY (challenge, number) REFERENCES challenge_items (challenge, number)
);

-- One's own work, brought in from elsewhere.
CREATE TABLE challenge_work (
    name TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    format TEXT NOT NULL,
    origin TEXT NOT NULL
);

CREATE TABLE challenge_work_items (
    name TEXT NOT NULL REFERENCES challenge_work (name) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    item TEXT NOT NULL,
    category TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (name, number)
);
