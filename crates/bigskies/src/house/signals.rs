//! How a process is told to end: Ctrl-C or SIGTERM, once for an orderly end, twice for an end now.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vocabulary::Fault;

/// A token that is cancelled by the first signal. The second ends the process on the spot.
pub(crate) fn until_told() -> Result<CancellationToken, Fault> {
    let stop = CancellationToken::new();
    let unusable = |e: std::io::Error| Fault::internal(format!("signals can't be listened to: {e}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unusable)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unusable)?;
    let told = stop.clone();
    tokio::spawn(async move {
        for time in 1.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if time == 1 {
                tracing::info!("stopping; once more to stop at once");
                told.cancel();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(stop)
}
