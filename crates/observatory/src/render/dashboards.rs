//! The dashboards for the platform itself: a table of panels, each a question to Prometheus, rendered in Grafana's form.

mod form;

/// The metrics of the platform that panels and rules may name; the stack's own are those of its services.
pub const METRICS: [&str; 16] = {
    use observability::metrics as of;
    [
        of::MESSAGES_TOTAL,
        of::COMMAND_SECONDS,
        of::QUEUE_DEPTH,
        of::RECONNECTS_TOTAL,
        of::STORE_SECONDS,
        of::DEAD_LETTERS_TOTAL,
        of::HEALTH,
        of::BROKER_CLIENTS,
        of::STELLAR_SATELLITES_ACTIVE,
        of::STELLAR_TASKS_PENDING,
        of::STELLAR_TASKS_FAILED_TOTAL,
        of::STELLAR_ENERGY_AVG,
        of::ORBITAL_CALL_SECONDS,
        of::ORBITAL_CALLS,
        of::ORBITAL_STATES_TOTAL,
        of::ORBITAL_KNOWN,
    ]
};

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Board {
    /// Its name in addresses and files.
    pub uid: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its panels, from top left to bottom right.
    pub panels: Vec<Panel>,
}

/// A panel.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its heading.
    pub title: &'static str,
    /// For who looks closer.
    pub description: &'static str,
    /// How its figures are shown.
    pub look: Look,
    /// What its figures are counted in.
    pub unit: Unit,
    /// What is asked of Prometheus, and the name of what comes back.
    pub queries: Vec<(&'static str, &'static str)>,
}

/// How figures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The last figure, large.
    Figure,
    /// Lines over time.
    Lines,
    /// Coloured stretches of time.
    States,
}

/// What figures are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How many a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// 0 to 1.
    Share,
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// Grafana's word for it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::PerSecond => "cps",
            Self::Seconds => "s",
            Self::Share => "percentunit",
            Self::Percent => "percent",
            Self::Bytes => "bytes",
        }
    }
}

fn panel(title: &'static str, look: Look, unit: Unit, queries: &[(&'static str, &'static str)]) -> Panel {
    Panel { title, description: "", look, unit, queries: queries.to_vec() }
}

impl Panel {
    fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }
}

/// Every dashboard.
pub fn boards() -> Vec<Board> {
    vec![coordinators(), bus(), telescopes(), satellites(), orbital(), stack()]
}

fn coordinators() -> Board {
    use Look::{Figure, Lines, States};
    Board {
        uid: "bigskies-coordinators",
        title: "BIG SKIES: coordinators",
        panels: vec![
            panel("Healthy coordinators", Figure, Unit::Count, &[("count(bigskies_health == 1)", "")]),
            panel(
                "Coordinators that are not healthy",
                Figure,
                Unit::Count,
                &[("count(bigskies_health < 1) or vector(0)", "")],
            ),
            panel("Health", States, Unit::Count, &[("bigskies_health", "{{component}}")])
                .about("1 healthy, 0.5 degraded, 0 unhealthy or unknown"),
            panel(
                "Commands that wait",
                Lines,
                Unit::Count,
                &[("sum by (owner, lane) (bigskies_queue_depth)", "{{owner}} {{lane}}")],
            ),
            panel(
                "Time to answer a command",
                Lines,
                Unit::Seconds,
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(bigskies_command_seconds_bucket[$__rate_interval])))",
                        "half",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(bigskies_command_seconds_bucket[$__rate_interval])))",
                        "99 of 100",
                    ),
                ],
            ),
            panel(
                "Slowest commands",
                Lines,
                Unit::Seconds,
                &[(
                    "topk(5, histogram_quantile(0.99, sum by (le, message) (rate(bigskies_command_seconds_bucket[$__rate_interval]))))",
                    "{{message}}",
                )],
            ),
            panel(
                "Commands that were refused or failed",
                Lines,
                Unit::PerSecond,
                &[(
                    "sum by (outcome) (rate(bigskies_command_seconds_count{outcome!=\"ok\"}[$__rate_interval]))",
                    "{{outcome}}",
                )],
            ),
            panel(
                "Time of statements in the store",
                Lines,
                Unit::Seconds,
                &[(
                    "histogram_quantile(0.99, sum by (le, operation) (rate(bigskies_store_seconds_bucket[$__rate_interval])))",
                    "{{operation}}",
                )],
            ),
        ],
    }
}

fn bus() -> Board {
    use Look::{Figure, Lines};
    Board {
        uid: "bigskies-bus",
        title: "BIG SKIES: bus",
        panels: vec![
            panel("Clients of the broker", Figure, Unit::Count, &[("sum(bigskies_broker_clients)", "")]),
            panel("Messages", Figure, Unit::PerSecond, &[("sum(rate(bigskies_messages_total[$__rate_interval]))", "")]),
            panel(
                "Messages by owner",
                Lines,
                Unit::PerSecond,
                &[("sum by (owner) (rate(bigskies_messages_total[$__rate_interval]))", "{{owner}}")],
            ),
            panel(
                "Busiest messages",
                Lines,
                Unit::PerSecond,
                &[("topk(10, sum by (message) (rate(bigskies_messages_total[$__rate_interval])))", "{{message}}")],
            ),
            panel("Clients", Lines, Unit::Count, &[("bigskies_broker_clients", "{{instance}}")]),
            panel(
                "Dead letters",
                Lines,
                Unit::PerSecond,
                &[("sum by (reason) (rate(bigskies_dead_letters_total[$__rate_interval]))", "{{reason}}")],
            )
            .about("messages that nobody owns, or that could not be read"),
            panel(
                "Connections that were made again",
                Lines,
                Unit::Count,
                &[("sum by (client) (increase(bigskies_bus_reconnects_total[15m]))", "{{client}}")],
            ),
        ],
    }
}

fn telescopes() -> Board {
    use Look::{Figure, Lines};
    Board {
        uid: "bigskies-telescopes",
        title: "BIG SKIES: telescopes",
        panels: vec![
            panel("Health", Figure, Unit::Count, &[("bigskies_health{component=~\"telescope.*\"}", "{{component}}")])
                .about("1 healthy, 0.5 degraded, 0 unhealthy or unknown"),
            panel(
                "Motions that wait",
                Figure,
                Unit::Count,
                &[("sum(bigskies_queue_depth{owner=\"telescope\"})", "")],
            ),
            panel(
                "Commands",
                Lines,
                Unit::PerSecond,
                &[("sum by (message) (rate(bigskies_command_seconds_count{message=~\"telescope/.*\"}[$__rate_interval]))", "{{message}}")],
            ),
            panel(
                "Time to answer",
                Lines,
                Unit::Seconds,
                &[(
                    "histogram_quantile(0.99, sum by (le, message) (rate(bigskies_command_seconds_bucket{message=~\"telescope/.*\"}[$__rate_interval])))",
                    "{{message}}",
                )],
            ),
            panel(
                "Aborts",
                Lines,
                Unit::Seconds,
                &[(
                    "histogram_quantile(0.99, sum by (le) (rate(bigskies_command_seconds_bucket{message=~\"telescope/.*abort\"}[$__rate_interval])))",
                    "99 of 100",
                )],
            )
            .about("the promise is 0.2 s at the device"),
            panel(
                "Commands that were refused or failed",
                Lines,
                Unit::PerSecond,
                &[(
                    "sum by (message, outcome) (rate(bigskies_command_seconds_count{message=~\"telescope/.*\", outcome!=\"ok\"}[$__rate_interval]))",
                    "{{message}} {{outcome}}",
                )],
            ),
        ],
    }
}

fn satellites() -> Board {
    use Look::{Figure, Lines};
    Board {
        uid: "bigskies-satellites",
        title: "BIG SKIES: satellites",
        panels: vec![
            panel("Active satellites", Figure, Unit::Count, &[("sum(stellar_satellites_active)", "")]),
            panel("Tasks that wait", Figure, Unit::Count, &[("sum(stellar_tasks_pending)", "")]),
            panel("Mean energy", Figure, Unit::Percent, &[("avg(stellar_energy_avg)", "")]),
            panel(
                "Tasks that failed in an hour",
                Figure,
                Unit::Count,
                &[("sum(increase(stellar_tasks_failed_total[1h]))", "")],
            ),
            panel("Satellites", Lines, Unit::Count, &[("stellar_satellites_active", "{{instance}}")]),
            panel("Energy", Lines, Unit::Percent, &[("stellar_energy_avg", "{{instance}}")]),
            panel(
                "Tasks",
                Lines,
                Unit::Count,
                &[
                    ("sum(stellar_tasks_pending)", "wait"),
                    ("sum(increase(stellar_tasks_failed_total[$__rate_interval]))", "failed"),
                ],
            ),
        ],
    }
}

fn orbital() -> Board {
    use Look::{Figure, Lines};
    Board {
        uid: "bigskies-orbital",
        title: "BIG SKIES: orbital service",
        panels: vec![
            panel(
                "Calls",
                Figure,
                Unit::PerSecond,
                &[("sum(rate(bigskies_orbital_call_seconds_count[$__rate_interval]))", "")],
            ),
            panel(
                "Calls that failed",
                Figure,
                Unit::Share,
                &[(
                    "sum(rate(bigskies_orbital_call_seconds_count{code!=\"OK\"}[$__rate_interval])) / sum(rate(bigskies_orbital_call_seconds_count[$__rate_interval]))",
                    "",
                )],
            ),
            panel("Calls under way", Figure, Unit::Count, &[("sum(bigskies_orbital_calls)", "")]),
            panel("Known", Figure, Unit::Count, &[("sum by (kind) (bigskies_orbital_known)", "{{kind}}")])
                .about("satellites of the catalogue, those registered besides, and ground stations"),
            panel(
                "Latency of a call",
                Lines,
                Unit::Seconds,
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(bigskies_orbital_call_seconds_bucket[$__rate_interval])))",
                        "half",
                    ),
                    (
                        "histogram_quantile(0.95, sum by (le) (rate(bigskies_orbital_call_seconds_bucket[$__rate_interval])))",
                        "95 of 100",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(bigskies_orbital_call_seconds_bucket[$__rate_interval])))",
                        "99 of 100",
                    ),
                ],
            ),
            panel(
                "Latency by method",
                Lines,
                Unit::Seconds,
                &[(
                    "histogram_quantile(0.99, sum by (le, method) (rate(bigskies_orbital_call_seconds_bucket[$__rate_interval])))",
                    "{{method}}",
                )],
            ),
            panel(
                "Calls by method and outcome",
                Lines,
                Unit::PerSecond,
                &[(
                    "sum by (method, code) (rate(bigskies_orbital_call_seconds_count[$__rate_interval]))",
                    "{{method}} {{code}}",
                )],
            ),
            panel(
                "Calls under way by method",
                Lines,
                Unit::Count,
                &[("sum by (method) (bigskies_orbital_calls)", "{{method}}")],
            ),
            panel(
                "States of satellites that were computed",
                Lines,
                Unit::PerSecond,
                &[("sum(rate(bigskies_orbital_states_total[$__rate_interval]))", "")],
            ),
        ],
    }
}

fn stack() -> Board {
    use Look::{Figure, Lines, States};
    Board {
        uid: "observatory-stack",
        title: "Observatory: the stack itself",
        panels: vec![
            panel("Targets that answer", Figure, Unit::Count, &[("sum(up)", "")]),
            panel("Targets that do not", Figure, Unit::Count, &[("count(up == 0) or vector(0)", "")]),
            panel("Targets", States, Unit::Count, &[("up", "{{job}} {{instance}}")]),
            panel("Time of a scrape", Lines, Unit::Seconds, &[("scrape_duration_seconds", "{{job}} {{instance}}")]),
            panel(
                "Samples taken in",
                Lines,
                Unit::PerSecond,
                &[("sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))", "")],
            ),
            panel("Series", Lines, Unit::Count, &[("prometheus_tsdb_head_series", "")]),
            panel(
                "Space of the samples",
                Lines,
                Unit::Bytes,
                &[
                    ("prometheus_tsdb_storage_blocks_bytes", "used"),
                    ("prometheus_tsdb_retention_limit_bytes", "at most"),
                ],
            ),
            panel(
                "Time since the last push",
                Lines,
                Unit::Seconds,
                &[("time() - push_time_seconds", "{{job}} {{instance}}")],
            ),
        ],
    }
}
