-- What was signed and handed out: signing keys, sessions and their refresh tokens, API keys, and what of all that was taken back.
-- Users are other tables' rows and known by their ids alone; what is left of a user that is gone is refused by whoever checks.

CREATE TABLE signing_keys (
    kid                   text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9._-]{1,64}$'),
    algorithm             text NOT NULL CHECK (algorithm IN ('eddsa', 'hs256')),
    private_sealed        text NOT NULL,
    -- The 32 bytes of an Ed25519 key; a shared secret has no public half.
    public_key            bytea CHECK (octet_length(public_key) = 32),
    state                 text NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'revoked')),
    -- The longest life that a token signed with it may have got.
    longest_token_seconds bigint NOT NULL DEFAULT 0 CHECK (longest_token_seconds >= 0),
    created_at            timestamptz NOT NULL,
    not_before            timestamptz NOT NULL,
    activated_at          timestamptz,
    retire_at             timestamptz,
    CHECK ((algorithm = 'hs256') = (public_key IS NULL)),
    CHECK ((state IN ('retiring', 'revoked')) = (retire_at IS NOT NULL)),
    CHECK (state <> 'active' OR activated_at IS NOT NULL)
);

CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (state) WHERE state = 'next';
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';

-- One row per refresh token; those of one login are a session. A used one stays for a while, since its second use is theft.
CREATE TABLE refresh_tokens (
    hash                bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    session             text NOT NULL CHECK (session ~ '^[A-Za-z0-9._-]{1,64}$'),
    user_id             text NOT NULL CHECK (user_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    account             text NOT NULL CHECK (account ~ '^[A-Za-z0-9._-]{1,64}$'),
    epoch               bigint NOT NULL,
    audience            text NOT NULL,
    scopes              jsonb CHECK (jsonb_typeof(scopes) = 'array'),
    client              text NOT NULL DEFAULT '' CHECK (length(client) <= 200),
    session_began_at    timestamptz NOT NULL,
    issued_at           timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    -- The end of the last access token that this session was given.
    access_expires_at   timestamptz NOT NULL,
    used_at             timestamptz,
    revoked_at          timestamptz,
    CHECK (expires_at <= absolute_expires_at)
);

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session);
CREATE INDEX refresh_tokens_of_user ON refresh_tokens (user_id, session);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

-- One token by its jti, or all tokens of a session by the session's id.
CREATE TABLE revoked_tokens (
    jti        text PRIMARY KEY CHECK (jti ~ '^[A-Za-z0-9._-]{1,64}$'),
    user_id    text,
    reason     text NOT NULL,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

-- Plugins and nodes are no users: tokens of theirs from before the epoch are refused, all at once.
CREATE TABLE token_epochs (
    kind      text NOT NULL CHECK (kind IN ('plugin', 'node')),
    account   text NOT NULL CHECK (account ~ '^[A-Za-z0-9._-]{1,64}$'),
    epoch     bigint NOT NULL CHECK (epoch > 0),
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (kind, account)
);

CREATE TABLE api_keys (
    id           text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    prefix       text NOT NULL UNIQUE CHECK (prefix ~ '^[0-9a-f]{8}$'),
    sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
    user_id      text NOT NULL CHECK (user_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    account      text NOT NULL CHECK (account ~ '^[A-Za-z0-9._-]{1,64}$'),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes       jsonb CHECK (jsonb_typeof(scopes) = 'array'),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

CREATE INDEX api_keys_of_user ON api_keys (user_id, id);
CREATE INDEX api_keys_by_end ON api_keys (expires_at);

CREATE FUNCTION tokens_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bigskies_tokens', '');
    RETURN NULL;
END
$$;

-- Who checks a token knows neither refresh tokens nor when an API key was used last, so these tell nobody.
CREATE TRIGGER signing_keys_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tokens_notify();
CREATE TRIGGER revoked_tokens_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON revoked_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION tokens_notify();
CREATE TRIGGER token_epochs_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON token_epochs
    FOR EACH STATEMENT EXECUTE FUNCTION tokens_notify();
CREATE TRIGGER api_keys_notify AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF prefix, sha256, user_id, account, scopes, expires_at, revoked_at ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tokens_notify();
