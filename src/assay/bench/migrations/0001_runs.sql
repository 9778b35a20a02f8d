-- Runs of benchmarks: what was asked for and planned, and how each sample fared.
CREATE TABLE bench_runs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'stopped', 'ended')),
    at BIGINT NOT NULL,
    ended_at BIGINT,
    task TEXT NOT NULL,
    model TEXT NOT NULL,
    recipe TEXT NOT NULL,
    spec TEXT NOT NULL,
    plan TEXT NOT NULL,
    asker TEXT NOT NULL,
    trouble TEXT,
    report TEXT,
    worked_us BIGINT NOT NULL,
    owner TEXT NOT NULL,
    beat BIGINT NOT NULL
);

CREATE INDEX bench_runs_by_time ON bench_runs (at, id);

-- One row for each time that a question is asked. What was said is in a table of its own, so that these rows stay small.
CREATE TABLE bench_results (
    run TEXT NOT NULL REFERENCES bench_runs (id),
    number BIGINT NOT NULL,
    sample TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    cluster TEXT,
    category TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'answered', 'scored')),
    worker TEXT,
    figures TEXT,
    outcome TEXT,
    scored TEXT,
    PRIMARY KEY (run, number),
    UNIQUE (run, sample, epoch)
);

CREATE INDEX bench_results_by_outcome ON bench_results (run, state, outcome, number);

-- The last question and its answer. The first one that is saved stands.
CREATE TABLE bench_answers (
    run TEXT NOT NULL,
    number BIGINT NOT NULL,
    worker TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, number),
    FOREIGN KEY (run, number) REFERENCES bench_results (run, number)
);

-- Some numbers in a row, which one worker at a time asks and scores.
CREATE TABLE bench_shards (
    run TEXT NOT NULL REFERENCES bench_runs (id),
    shard BIGINT NOT NULL,
    worker TEXT,
    done BIGINT NOT NULL CHECK (done IN (0, 1)),
    PRIMARY KEY (run, shard)
);

CREATE INDEX bench_shards_free ON bench_shards (run, done, worker);

-- Who works on a run, and a count that goes up for as long as they do; -1: taken for lost, or gone.
CREATE TABLE bench_workers (
    run TEXT NOT NULL REFERENCES bench_runs (id),
    worker TEXT NOT NULL,
    owner TEXT NOT NULL,
    beat BIGINT NOT NULL,
    PRIMARY KEY (run, worker)
);

-- What a worker may spend of the budget (held), and what its calls are known to have cost (spent).
CREATE TABLE bench_costs (
    run TEXT NOT NULL REFERENCES bench_runs (id),
    worker TEXT NOT NULL,
    currency TEXT NOT NULL,
    held BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    PRIMARY KEY (run, worker, currency)
);

-- Answers that may be given again to the very same request.
CREATE TABLE bench_cache (
    name TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    answer TEXT NOT NULL
);

CREATE INDEX bench_cache_by_time ON bench_cache (at);
