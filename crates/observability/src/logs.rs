//! Structured logs: pretty on a terminal, JSON otherwise, always on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging with `level` (`error` to `trace`, or a filter such as `info,bus=debug`). `RUST_LOG` wins.
/// Returns the complaint where the level is not understood or logging was started before.
pub fn start(level: &str) -> Result<(), String> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) => EnvFilter::try_new(filter),
        Err(_) => EnvFilter::try_new(level),
    }
    .map_err(|e| format!("log level {level:?} is not understood: {e}; use error, warn, info, debug or trace"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).compact().try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    }
    .map_err(|e| format!("logging can't start: {e}"))
}
