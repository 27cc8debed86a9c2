-- Settings of the coordinators, and what they were: the database itself writes the history, whoever changes a row.

CREATE TABLE coordinator_config (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    coordinator_name varchar(255) NOT NULL,
    config_key       varchar(255) NOT NULL,
    config_value     jsonb NOT NULL,
    config_type      varchar(50) NOT NULL
        CHECK (config_type IN ('string', 'int', 'bool', 'float', 'duration', 'object')),
    description      text,
    is_secret        boolean NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_by       text,
    UNIQUE (coordinator_name, config_key)
);

-- No foreign key: the history of a key outlives the key.
CREATE TABLE coordinator_config_history (
    id               bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    config_id        uuid NOT NULL,
    coordinator_name varchar(255) NOT NULL,
    config_key       varchar(255) NOT NULL,
    old_value        jsonb,
    new_value        jsonb,
    is_secret        boolean NOT NULL DEFAULT false,
    changed_at       timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    changed_by       text NOT NULL
);

CREATE INDEX coordinator_config_history_of_key ON coordinator_config_history (coordinator_name, config_key, id DESC);

-- Who changes a row says so with set_config('bigskies.author', …, true); by hand it is the database account.
CREATE FUNCTION bigskies_author() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('bigskies.author', true), ''), session_user::text)
$$;

CREATE FUNCTION coordinator_config_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := CURRENT_TIMESTAMP;
    NEW.updated_by := bigskies_author();
    RETURN NEW;
END
$$;

CREATE FUNCTION coordinator_config_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before coordinator_config := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE OLD END;
    after  coordinator_config := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE NEW END;
BEGIN
    -- A key that is renamed ends under its old name and begins under its new one.
    IF TG_OP = 'UPDATE' AND (OLD.coordinator_name, OLD.config_key) IS DISTINCT FROM (NEW.coordinator_name, NEW.config_key) THEN
        INSERT INTO coordinator_config_history
            (config_id, coordinator_name, config_key, old_value, new_value, is_secret, changed_by)
        VALUES (OLD.id, OLD.coordinator_name, OLD.config_key, OLD.config_value, NULL, OLD.is_secret, bigskies_author());
        before := NULL;
    END IF;
    IF before.config_value IS DISTINCT FROM after.config_value THEN
        INSERT INTO coordinator_config_history
            (config_id, coordinator_name, config_key, old_value, new_value, is_secret, changed_by)
        VALUES (coalesce(after.id, before.id), coalesce(after.coordinator_name, before.coordinator_name),
            coalesce(after.config_key, before.config_key), before.config_value, after.config_value,
            coalesce(after.is_secret, false) OR coalesce(before.is_secret, false), bigskies_author());
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER coordinator_config_touch BEFORE INSERT OR UPDATE ON coordinator_config
    FOR EACH ROW EXECUTE FUNCTION coordinator_config_touch();

CREATE TRIGGER coordinator_config_change_trigger AFTER INSERT OR UPDATE OR DELETE ON coordinator_config
    FOR EACH ROW EXECUTE FUNCTION coordinator_config_record();
