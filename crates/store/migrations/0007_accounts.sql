-- Accounts and what they may do. A permission is `resource:action`, allowed or denied, everywhere or in one scope; roles and groups
-- have permissions, users have roles and are in groups. A denial overrides whatever else is allowed.

CREATE TABLE organisations (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text NOT NULL CONSTRAINT organisation_name_length CHECK (char_length(name) BETWEEN 1 AND 128),
    description text NOT NULL DEFAULT '' CONSTRAINT organisation_description_length CHECK (char_length(description) <= 2000),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE UNIQUE INDEX organisation_name ON organisations (lower(name));

-- A name is never given to another account later, so rows stay: an account that is not wanted any more is disabled.
CREATE TABLE users (
    id                   text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    username             text NOT NULL CHECK (username ~ '^[A-Za-z0-9._-]{1,64}$'),
    email                text CONSTRAINT user_email_form CHECK (char_length(email) <= 254 AND email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'),
    -- Argon2id or bcrypt in its textual form; without one nobody logs in with a password.
    password_hash        text,
    password_changed_at  timestamptz,
    must_change_password boolean NOT NULL DEFAULT false,
    enabled              boolean NOT NULL DEFAULT true,
    organisation_id      text REFERENCES organisations ON DELETE RESTRICT,
    -- Tokens carry the number that held when they were issued; a greater one ends them all.
    token_epoch          bigint NOT NULL DEFAULT 0 CHECK (token_epoch >= 0),
    -- Sealed; it counts once it is confirmed.
    totp_secret          text,
    totp_confirmed_at    timestamptz,
    totp_last_step       bigint,
    is_service           boolean NOT NULL DEFAULT false,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL
);

CREATE UNIQUE INDEX user_name ON users (lower(username));
CREATE UNIQUE INDEX user_email ON users (lower(email));
CREATE INDEX users_of_organisation ON users (organisation_id);

CREATE TABLE groups (
    id              text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name            text NOT NULL CONSTRAINT group_name_form CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    description     text NOT NULL DEFAULT '' CONSTRAINT group_description_length CHECK (char_length(description) <= 2000),
    organisation_id text REFERENCES organisations ON DELETE RESTRICT,
    builtin         boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE UNIQUE INDEX group_name ON groups (lower(name));
CREATE INDEX groups_of_organisation ON groups (organisation_id);

CREATE TABLE roles (
    id          text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text NOT NULL CONSTRAINT role_name_form CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    description text NOT NULL DEFAULT '' CONSTRAINT role_description_length CHECK (char_length(description) <= 2000),
    builtin     boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE UNIQUE INDEX role_name ON roles (lower(name));

-- Without a scope it holds everywhere; `*` stands for every resource or every action.
CREATE TABLE permissions (
    id         text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    resource   text NOT NULL CONSTRAINT permission_resource_form CHECK (resource = '*' OR resource ~ '^[a-z][a-z0-9_-]{0,63}$'),
    action     text NOT NULL CONSTRAINT permission_action_form CHECK (action = '*' OR action ~ '^[a-z][a-z0-9_-]{0,63}$'),
    effect     text NOT NULL CHECK (effect IN ('allow', 'deny')),
    scope      text CONSTRAINT permission_scope_form CHECK (scope ~ '^[a-z][a-z0-9_-]{0,63}:[A-Za-z0-9._-]{1,64}$'),
    created_at timestamptz NOT NULL,
    CONSTRAINT permission_once UNIQUE NULLS NOT DISTINCT (resource, action, effect, scope)
);

CREATE TABLE user_groups (
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    group_id   text NOT NULL REFERENCES groups ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, group_id)
);

CREATE INDEX user_groups_of_group ON user_groups (group_id);

CREATE TABLE user_roles (
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    role_id    text NOT NULL REFERENCES roles ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, role_id)
);

CREATE INDEX user_roles_of_role ON user_roles (role_id);

CREATE TABLE group_permissions (
    group_id      text NOT NULL REFERENCES groups ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES permissions ON DELETE CASCADE,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (group_id, permission_id)
);

CREATE INDEX group_permissions_of_permission ON group_permissions (permission_id);

CREATE TABLE role_permissions (
    role_id       text NOT NULL REFERENCES roles ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES permissions ON DELETE CASCADE,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (role_id, permission_id)
);

CREATE INDEX role_permissions_of_permission ON role_permissions (permission_id);

-- What stands for the second factor once, if the device is lost. A used one is removed.
CREATE TABLE recovery_codes (
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash  bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- What lets somebody choose the password of an account, once; without an account, make the first administrator.
CREATE TABLE setup_secrets (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    user_id     text REFERENCES users ON DELETE CASCADE,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE INDEX setup_secrets_of_user ON setup_secrets (user_id);

-- Failed logins, counted by whom they were for, by where they came from, and apart for each user at a place known from earlier logins.
CREATE TABLE login_attempts (
    kind          text NOT NULL CHECK (kind IN ('known', 'peer', 'user')),
    subject       text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
    failures      integer NOT NULL CHECK (failures >= 0),
    first_failure timestamptz NOT NULL,
    lockouts      integer NOT NULL CHECK (lockouts >= 0),
    locked_until  timestamptz,
    succeeded_at  timestamptz,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);

CREATE INDEX login_attempts_by_age ON login_attempts (changed_at);

-- Everybody who answers checks from memory hears of each change. What does not bear on rights (a password's new hash, a step of the
-- second factor, a failed login) tells nobody, so that who guesses passwords can't keep all processes busy.
CREATE FUNCTION bigskies_rights_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bigskies_rights', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER rights_changed
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF id, username, enabled, organisation_id, token_epoch, is_service, must_change_password
    ON users FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON organisations FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON groups FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON roles FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON permissions FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON user_groups FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON user_roles FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON group_permissions FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON role_permissions FOR EACH STATEMENT EXECUTE FUNCTION bigskies_rights_changed();

INSERT INTO roles (id, name, description, builtin, created_at, updated_at)
SELECT id, id, description, true, now(), now() FROM (VALUES
    ('administrator', 'May do everything.'),
    ('operator', 'Observes: finds and pools devices, moves telescopes, and sees how everything is.'),
    ('observer', 'Looks on.'),
    ('plugin', 'What every plugin needs to be there; the rest is in its manifest.')
) AS seed (id, description)
ON CONFLICT DO NOTHING;

-- Hand-out of the database and backups are not for operators; the settings of a coordinator change who may `configure` it.
WITH seed (role, resource, actions) AS (VALUES
    ('administrator', '*', ARRAY['*']),
    ('operator', 'telescope', ARRAY['read', 'write', 'control']),
    ('operator', 'constellation', ARRAY['read', 'write', 'control']),
    ('operator', 'mission', ARRAY['read', 'write', 'control']),
    ('operator', 'service', ARRAY['read']),
    ('operator', 'message', ARRAY['read']),
    ('operator', 'datastore', ARRAY['read']),
    ('operator', 'security', ARRAY['read']),
    ('operator', 'plugin', ARRAY['read', 'control']),
    ('operator', 'uielement', ARRAY['read']),
    ('observer', 'telescope', ARRAY['read']),
    ('observer', 'constellation', ARRAY['read']),
    ('observer', 'mission', ARRAY['read']),
    ('observer', 'service', ARRAY['read']),
    ('observer', 'plugin', ARRAY['read']),
    ('observer', 'uielement', ARRAY['read']),
    ('plugin', 'service', ARRAY['read', 'write']),
    ('plugin', 'uielement', ARRAY['read', 'write'])
), wanted AS (
    SELECT role, resource, unnest(actions) AS action FROM seed
), kept AS (
    INSERT INTO permissions (id, resource, action, effect, created_at)
    SELECT DISTINCT replace(resource || '.' || action, '*', 'any'), resource, action, 'allow', now() FROM wanted
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO role_permissions (role_id, permission_id, created_at)
SELECT role, replace(resource || '.' || action, '*', 'any'), now() FROM wanted
ON CONFLICT DO NOTHING;
