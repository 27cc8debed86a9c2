-- When a component became well or ill. Transitions only; the reports between them are not kept.

CREATE TABLE health_history (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    component   text NOT NULL,
    status      text NOT NULL CHECK (status IN ('healthy', 'unknown', 'degraded', 'unhealthy')),
    message     text NOT NULL,
    details     jsonb NOT NULL,
    observed_at timestamptz NOT NULL
);

CREATE INDEX health_history_of_component ON health_history (component, id DESC);
CREATE INDEX health_history_by_age ON health_history (observed_at);
