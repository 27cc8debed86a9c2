-- Messages that nobody owns or that could not be read.

CREATE TABLE dead_letters (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    topic        text NOT NULL,
    payload      bytea NOT NULL CHECK (octet_length(payload) <= 4096),
    payload_size bigint NOT NULL,
    reason       text NOT NULL,
    publisher    text,
    received_at  timestamptz NOT NULL
);

CREATE INDEX dead_letters_by_age ON dead_letters (received_at);
