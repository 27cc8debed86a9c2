-- Certificates: those that are served, the authority that issues our own, accounts at others' authorities, and what was revoked.
-- Keys and credentials are sealed: what stands here opens only with a master key that is not here, and only in its own row.

CREATE TABLE authorities (
    id              text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    certificate_pem text NOT NULL,
    private_key_pem text NOT NULL CHECK (private_key_pem LIKE 'v1|%'),
    state           text NOT NULL CHECK (state IN ('active', 'retiring')),
    not_before      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT authority_life CHECK (expires_at > not_before)
);

-- Two processes that make the first authority at the same time make one.
CREATE UNIQUE INDEX authority_that_issues ON authorities (state) WHERE state = 'active';

-- One that was asked for from an ACME directory stands here before it is there, so that what goes wrong can be seen.
CREATE TABLE tls_certificates (
    id              text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    domain          text NOT NULL CHECK (domain <> ''),
    names           text[] NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('self-signed', 'internal', 'acme', 'imported')),
    purpose         text NOT NULL CHECK (purpose IN ('server', 'node', 'account')),
    role            text CHECK (role ~ '^[A-Za-z0-9._-]{1,64}$'),
    certificate_pem text,
    private_key_pem text CHECK (private_key_pem LIKE 'v1|%'),
    serial          text CHECK (serial ~ '^[0-9a-f]{1,64}$'),
    issuer          text NOT NULL DEFAULT '',
    not_before      timestamptz,
    expires_at      timestamptz,
    renew_after     timestamptz,
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    retry_after     timestamptz,
    last_error      text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT certificate_of_domain UNIQUE (domain),
    CONSTRAINT certificate_role CHECK ((purpose = 'node') = (role IS NOT NULL)),
    CONSTRAINT certificate_awaited CHECK (kind = 'acme' OR certificate_pem IS NOT NULL),
    CONSTRAINT certificate_whole CHECK (
        num_nulls(certificate_pem, serial, not_before, expires_at, renew_after) IN (0, 5)),
    -- The key of an account is handed out once and never kept.
    CONSTRAINT certificate_key CHECK (
        CASE purpose WHEN 'account' THEN private_key_pem IS NULL
                     ELSE (private_key_pem IS NULL) = (certificate_pem IS NULL) END),
    CONSTRAINT certificate_life CHECK (expires_at > not_before)
);

CREATE INDEX tls_certificates_by_serial ON tls_certificates (serial);
CREATE INDEX tls_certificates_by_renewal ON tls_certificates (renew_after);

CREATE TABLE revoked_certificates (
    authority_id text NOT NULL REFERENCES authorities ON DELETE CASCADE,
    serial       text NOT NULL CHECK (serial ~ '^[0-9a-f]{1,64}$'),
    domain       text NOT NULL DEFAULT '',
    reason       text NOT NULL CHECK (reason IN ('unspecified', 'key-compromise', 'affiliation-changed', 'superseded',
        'cessation-of-operation', 'privilege-withdrawn')),
    revoked_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (authority_id, serial)
);

CREATE INDEX revoked_certificates_by_expiry ON revoked_certificates (expires_at);

CREATE TABLE acme_accounts (
    id            text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    directory_url text NOT NULL,
    contact       text NOT NULL,
    credentials   text NOT NULL CHECK (credentials LIKE 'v1|%'),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT acme_account_of_directory UNIQUE (directory_url)
);

-- What an ACME directory looks up at any of our faces while an order is under way; public by its nature (RFC 8555, section 8).
CREATE TABLE acme_challenges (
    token             text PRIMARY KEY CHECK (token ~ '^[A-Za-z0-9_-]+$' AND length(token) <= 512),
    domain            text NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('http-01', 'tls-alpn-01')),
    key_authorisation text NOT NULL,
    expires_at        timestamptz NOT NULL
);

CREATE INDEX acme_challenges_by_expiry ON acme_challenges (expires_at);

CREATE FUNCTION certificates_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bigskies_certificates', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER authorities_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON authorities
    FOR EACH STATEMENT EXECUTE FUNCTION certificates_changed();
CREATE TRIGGER tls_certificates_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tls_certificates
    FOR EACH STATEMENT EXECUTE FUNCTION certificates_changed();
CREATE TRIGGER revoked_certificates_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON revoked_certificates
    FOR EACH STATEMENT EXECUTE FUNCTION certificates_changed();
CREATE TRIGGER acme_challenges_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON acme_challenges
    FOR EACH STATEMENT EXECUTE FUNCTION certificates_changed();
