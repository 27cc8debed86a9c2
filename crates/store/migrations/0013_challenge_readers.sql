-- Who has read the answer to an ACME challenge: an order asks the directory to look once all who live have.

CREATE TABLE acme_challenge_readers (
    token  text NOT NULL REFERENCES acme_challenges ON DELETE CASCADE,
    -- The one who lives holds an advisory lock with this number for as long as its connection for notices stands.
    reader integer NOT NULL CHECK (reader >= 0),
    PRIMARY KEY (token, reader)
);
