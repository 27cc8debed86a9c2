//! The token of a process of ours on a broker that does not tell from whom a message is: had by logging in, and renewed in time.

use std::time::Duration;

use bus::{BrokerKind, Bus, Credentials};
use catalog::{
    Secret,
    security::{Login, Session},
};
use tokio_util::sync::CancellationToken;
use vocabulary::Fault;

/// The pause before it is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// No login is tried more often than this, however soon a token ends.
const SHORTEST: Duration = Duration::from_secs(30);

/// Brings the token of these credentials with everything that is asked over this connection, until it is stopped. Our own broker stamps
/// what it delivers, so that there is nothing to do there.
pub(crate) fn keep(bus: Bus, credentials: Option<Credentials>, kind: BrokerKind, stop: CancellationToken) {
    let Some(credentials) = credentials.filter(|_| kind == BrokerKind::External) else { return };
    tokio::spawn(async move {
        tokio::select! {
            () = renew(&bus, &credentials) => {}
            () = stop.cancelled() => {}
        }
    });
}

async fn renew(bus: &Bus, credentials: &Credentials) {
    loop {
        let pause = match log_in(bus, credentials).await {
            Ok(session) => {
                let lasts = session.expires_at.since(bus.options().clock.now());
                bus.bring(Some(session.token.expose().to_owned()));
                (lasts / 2).max(SHORTEST)
            }
            Err(fault) => {
                tracing::debug!(%fault, account = %credentials.account, "no token yet");
                PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn log_in(bus: &Bus, credentials: &Credentials) -> Result<Session, Fault> {
    let (username, password) = (credentials.account.clone(), Secret::new(credentials.password.clone()));
    bus.ask(&Login { username, password, code: None, client: None }).await
}
