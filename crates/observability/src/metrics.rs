//! The names of all metrics and the recorder that renders them for Prometheus.

use std::sync::OnceLock;

pub use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Messages that went over the bus, by `owner`, `message` and `direction` (`in`, `out`).
pub const MESSAGES_TOTAL: &str = "bigskies_messages_total";
/// Seconds from receipt of a command to its answer, by `message` and `outcome` (`ok` or an error code).
pub const COMMAND_SECONDS: &str = "bigskies_command_seconds";
/// Commands that wait, by `owner` and `lane`.
pub const QUEUE_DEPTH: &str = "bigskies_queue_depth";
/// Connections to the broker that were made again, by `client`.
pub const RECONNECTS_TOTAL: &str = "bigskies_bus_reconnects_total";
/// Seconds that a statement took, by `operation`.
pub const STORE_SECONDS: &str = "bigskies_store_seconds";
/// Messages that nobody owns or that could not be read, by `reason`.
pub const DEAD_LETTERS_TOTAL: &str = "bigskies_dead_letters_total";
/// 1 where a coordinator is healthy, 0.5 where degraded, else 0, by `component`.
pub const HEALTH: &str = "bigskies_health";
/// Clients connected to the embedded broker.
pub const BROKER_CLIENTS: &str = "bigskies_broker_clients";
/// Seconds that a call to the orbital service took, by `method` and `code` (as gRPC names it).
pub const ORBITAL_CALL_SECONDS: &str = "bigskies_orbital_call_seconds";
/// Calls to the orbital service that are under way, by `method`.
pub const ORBITAL_CALLS: &str = "bigskies_orbital_calls";
/// States of satellites that the orbital service computed for answers.
pub const ORBITAL_STATES_TOTAL: &str = "bigskies_orbital_states_total";
/// Satellites and ground stations that the orbital service knows, by `kind` (`catalogue`, `registered`, `station`).
pub const ORBITAL_KNOWN: &str = "bigskies_orbital_known";
/// Satellites whose actors run.
pub const STELLAR_SATELLITES_ACTIVE: &str = "stellar_satellites_active";
/// Tasks of missions that wait for their turn.
pub const STELLAR_TASKS_PENDING: &str = "stellar_tasks_pending";
/// Tasks of missions that failed.
pub const STELLAR_TASKS_FAILED_TOTAL: &str = "stellar_tasks_failed_total";
/// Energy of the active satellites, their mean in percent.
pub const STELLAR_ENERGY_AVG: &str = "stellar_energy_avg";

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder once for the process; later calls do nothing.
pub fn start() {
    HANDLE.get_or_init(|| {
        let seconds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|e| tracing::error!(error = %e, "metrics can't be recorded"))
            .ok()?;
        describe();
        Some(handle)
    });
}

fn describe() {
    metrics::describe_counter!(MESSAGES_TOTAL, "messages over the bus");
    metrics::describe_histogram!(COMMAND_SECONDS, metrics::Unit::Seconds, "from receipt of a command to its answer");
    metrics::describe_gauge!(QUEUE_DEPTH, "commands that wait");
    metrics::describe_counter!(RECONNECTS_TOTAL, "connections to the broker that were made again");
    metrics::describe_histogram!(STORE_SECONDS, metrics::Unit::Seconds, "time of a statement");
    metrics::describe_counter!(DEAD_LETTERS_TOTAL, "messages that nobody owns or that could not be read");
    metrics::describe_gauge!(HEALTH, "1 healthy, 0.5 degraded, 0 otherwise");
    metrics::describe_gauge!(BROKER_CLIENTS, "clients connected to the embedded broker");
    metrics::describe_histogram!(ORBITAL_CALL_SECONDS, metrics::Unit::Seconds, "time of a call to the orbital service");
    metrics::describe_gauge!(ORBITAL_CALLS, "calls to the orbital service under way");
    metrics::describe_counter!(ORBITAL_STATES_TOTAL, "states of satellites computed for answers");
    metrics::describe_gauge!(ORBITAL_KNOWN, "satellites and ground stations that the orbital service knows");
    metrics::describe_gauge!(STELLAR_SATELLITES_ACTIVE, "satellites whose actors run");
    metrics::describe_gauge!(STELLAR_TASKS_PENDING, "tasks that wait for their turn");
    metrics::describe_counter!(STELLAR_TASKS_FAILED_TOTAL, "tasks that failed");
    metrics::describe_gauge!(STELLAR_ENERGY_AVG, "mean energy of the active satellites in percent");
}

/// All metrics in the Prometheus text format; empty before [`start`].
pub fn render() -> String {
    match HANDLE.get() {
        Some(Some(handle)) => {
            handle.run_upkeep();
            handle.render()
        }
        _ => String::new(),
    }
}
