-- The registry of the application coordinator.

CREATE TABLE services (
    id             text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name           text NOT NULL,
    endpoint       text NOT NULL,
    metadata       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    status         text NOT NULL CHECK (status IN ('healthy', 'unknown', 'degraded', 'unhealthy')),
    registered_at  timestamptz NOT NULL,
    last_heartbeat timestamptz NOT NULL
);

CREATE INDEX services_by_name ON services (name);
CREATE INDEX services_by_endpoint ON services (endpoint);
CREATE INDEX services_by_metadata ON services USING gin (metadata jsonb_path_ops);
