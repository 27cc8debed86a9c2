//! The other side, for coordinators in processes of their own: waiting for the credentials, and following them when they change.

use std::time::Duration;

use bus::{Bus, Delivery, Watch};
use catalog::{Qos, bootstrap::RequestCredentials, topic};
use store::{Endpoint, Store};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use vocabulary::Fault;

use crate::{handout, keeper::adopt};

/// Room for hand-outs that were not looked at yet; only the last one counts.
const HANDOUTS: usize = 16;
/// How often is asked while nothing comes. The first time is at once: what is retained may be of an earlier life.
const ASK: Duration = Duration::from_secs(5);
/// How soon credentials that did not work, or a file that could not be read, are tried again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Waits for the bootstrap coordinator's hand-out and reads the `.pgpass` file that it names.
///
/// # Errors
/// `unavailable` where none came within `limit`, or none that could be used; it says why.
pub async fn await_credentials(bus: &Bus, limit: Duration) -> Result<Endpoint, Fault> {
    let end = Instant::now() + limit;
    let mut why = "bootstrap-coordinator published none".to_owned();
    let waiting = async {
        let mut handouts = watch(bus).await?;
        let mut asks = interval(ASK);
        asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let handout = tokio::select! {
                biased;
                handout = handouts.next() => handout.ok_or_else(|| Fault::unavailable("bus is closed"))?,
                _ = asks.tick() => {
                    ask(bus).await?;
                    continue;
                }
            };
            match read(handout).await {
                Ok(endpoint) => return Ok(endpoint),
                Err(reason) => why = reason,
            }
        }
    };
    match timeout_at(end, waiting).await {
        Ok(outcome) => outcome,
        Err(_) => {
            Err(Fault::unavailable(format!("no credentials for the database within {} s: {why}", limit.as_secs()))
                .hint(
                    "start the bootstrap role and share its password file's folder, or name the database by --database",
                ))
        }
    }
}

/// Follows the hand-outs: where the file that they name says something else than before, and that works, the store moves there. What does
/// not work is tried again, and what worked before is kept.
///
/// # Errors
/// `unavailable` once the bus is closed; it returns only then.
pub async fn follow_credentials(bus: Bus, store: Store) -> Result<(), Fault> {
    let mut handouts = watch(&bus).await?;
    let closed = || Fault::unavailable("bus is closed");
    let mut last = handouts.next().await.ok_or_else(closed)?;
    loop {
        let outcome = follow(&store, last.clone()).await;
        if let Err(why) = &outcome {
            tracing::warn!(why, "credentials can't be followed, those from before are kept");
        }
        last = match outcome {
            Ok(()) => handouts.next().await.ok_or_else(closed)?,
            Err(_) => match timeout(TRY_AGAIN, handouts.next()).await {
                Ok(next) => next.ok_or_else(closed)?,
                Err(_) => last,
            },
        };
    }
}

async fn follow(store: &Store, handout: Delivery) -> Result<(), String> {
    let endpoint = read(handout).await?;
    if endpoint == store.endpoint() { Ok(()) } else { adopt(store, endpoint).await }
}

async fn watch(bus: &Bus) -> Result<Watch, Fault> {
    bus.watch(&[(topic::CREDENTIALS.to_owned(), Qos::AtLeastOnce)], HANDOUTS).await
}

async fn ask(bus: &Bus) -> Result<(), Fault> {
    let name = bus.options().source.rsplit(':').next().unwrap_or_default().to_owned();
    bus.tell(&RequestCredentials { coordinator: Some(name) }).await
}

async fn read(handout: Delivery) -> Result<Endpoint, String> {
    let reading = tokio::task::spawn_blocking(move || handout::endpoint(&handout.payload));
    reading.await.unwrap_or_else(|e| Err(format!("reading the password file failed: {e}")))
}
