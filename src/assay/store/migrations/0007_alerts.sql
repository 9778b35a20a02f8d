-- What somebody should hear of, said once whoever noticed, and until when the webhooks have not had it.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX alerts_by_time ON alerts (at);

-- What is still to be sent to one webhook.
CREATE TABLE alert_deliveries (
    alert TEXT NOT NULL,
    webhook TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    delivered BIGINT,
    said TEXT,
    PRIMARY KEY (alert, webhook)
);
