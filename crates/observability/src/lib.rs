//! Logs and metrics of the process. Telemetry is what satellites send; it does not live here.

pub mod logs;
pub mod metrics;
