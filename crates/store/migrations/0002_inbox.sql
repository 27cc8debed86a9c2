-- The memory of accepted commands: one row from before the effect until an hour past the deadline.

CREATE TABLE inbox (
    owner       text NOT NULL,
    caller      text NOT NULL,
    id          text NOT NULL,
    message     text NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    run         uuid NOT NULL,
    attempt     uuid NOT NULL,
    private     boolean NOT NULL,
    accepted_at timestamptz NOT NULL,
    deadline    timestamptz NOT NULL,
    keep_until  timestamptz NOT NULL,
    outcome     jsonb,
    finished_at timestamptz,
    PRIMARY KEY (owner, caller, id),
    CHECK (outcome IS NULL OR finished_at IS NOT NULL),
    CHECK (outcome IS NULL OR NOT private)
);

CREATE INDEX inbox_by_age ON inbox (owner, keep_until);
CREATE INDEX inbox_unfinished ON inbox (owner) WHERE finished_at IS NULL;
