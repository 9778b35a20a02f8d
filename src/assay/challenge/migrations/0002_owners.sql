-- Which server a challenge runs at, and a count that goes up for as long as it does: several may share one database.
ALTER TABLE challenge_runs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE challenge_runs ADD COLUMN beat BIGINT NOT NULL DEFAULT 0;
