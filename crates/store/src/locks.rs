//! One owner per name: an advisory lock that lives as long as its connection does, and whose loss is noticed.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::watch, task::JoinHandle};

use crate::{Endpoint, StoreError, tx::bounded};

/// How often a holder looks whether it still holds, and how often one that waits tries again.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long an answer may take before the lock counts as lost.
const BOUND: Duration = Duration::from_secs(3);

/// The right to be the only owner of a name. Dropping it gives the name back.
#[derive(Debug)]
pub struct Leadership {
    name: String,
    lost: watch::Receiver<bool>,
    keeper: JoinHandle<()>,
}

impl Leadership {
    /// Takes `name` if nobody has it.
    ///
    /// # Errors
    /// The database does not answer within the bound.
    pub async fn try_acquire(endpoint: &Endpoint, name: &str) -> Result<Option<Self>, StoreError> {
        let options = endpoint.options(BOUND);
        let Some(connection) = take(&options, name).await? else { return Ok(None) };
        let (report, lost) = watch::channel(false);
        let keeper = tokio::spawn(keep(connection, name.to_owned(), report));
        Ok(Some(Self { name: name.to_owned(), lost, keeper }))
    }

    /// Waits until nobody has `name` and takes it; a database that is away is waited for too.
    ///
    /// # Errors
    /// Nobody gave it up within `patience`, or the database is not there at its end.
    pub async fn acquire(endpoint: &Endpoint, name: &str, patience: Duration) -> Result<Option<Self>, StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            let outcome = Self::try_acquire(endpoint, name).await;
            let late = Instant::now() + INTERVAL > deadline;
            match outcome {
                Ok(None) if !late => tracing::debug!(name, "another process is the owner"),
                Err(error) if !late && error.is_unavailable() => {
                    tracing::debug!(name, %error, "no database to ask for the ownership")
                }
                outcome => return outcome,
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// What is owned.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is still owned, as far as is known; loss is noticed within four seconds.
    pub fn holds(&self) -> bool {
        !*self.lost.borrow()
    }

    /// Ends when the ownership is lost: the connection broke or gave no answer.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lost = self.lost.clone();
        async move {
            // A keeper that is gone keeps nothing, so its silence is a loss too.
            let _ = lost.wait_for(|lost| *lost).await;
        }
    }

    /// Gives it back now, for the next in line.
    pub async fn release(mut self) {
        self.keeper.abort();
        // The connection ends with its task; the server frees the lock with the connection.
        let _ = (&mut self.keeper).await;
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn take(options: &PgConnectOptions, name: &str) -> Result<Option<PgConnection>, StoreError> {
    let mut connection = bounded("connect for ownership", BOUND, PgConnection::connect_with(options)).await?;
    let question = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(key(name));
    let taken = bounded("take ownership", BOUND, question.fetch_one(&mut connection)).await?;
    if taken {
        return Ok(Some(connection));
    }
    let _ = tokio::time::timeout(BOUND, connection.close()).await;
    Ok(None)
}

async fn keep(mut connection: PgConnection, name: String, report: watch::Sender<bool>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let alive = tokio::time::timeout(BOUND, connection.ping()).await;
        if !matches!(alive, Ok(Ok(()))) {
            tracing::warn!(name, "ownership is lost with its connection");
            report.send_replace(true);
            return;
        }
    }
}

fn key(name: &str) -> i64 {
    let digest = Sha256::new().chain_update(b"bigskies ownership ").chain_update(name).finalize();
    digest.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}
