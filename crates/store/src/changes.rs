//! Notices of the database: that rows of a kind were changed, by whomever, a millisecond after the fact.
//!
//! A notice says only that something changed; whoever hears it reads again. So notices may be put together, and after a connection was
//! lost one stands for all that were missed meanwhile.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{Store, StoreError};

/// Notified when accounts, roles, permissions or who has them are changed.
pub(crate) const RIGHTS: &str = "bigskies_rights";
/// Notified when keys, sessions or revocations are changed.
pub(crate) const TOKENS: &str = "bigskies_tokens";
/// Notified when certificates are changed.
pub(crate) const CERTIFICATES: &str = "bigskies_certificates";
/// Notified when something is registered with the orbital service, or taken away there.
pub(crate) const ORBITAL: &str = "bigskies_orbital";
/// All of them, for what changes everything: a backup that is restored.
pub(crate) const EVERYTHING: [&str; 4] = [RIGHTS, TOKENS, CERTIFICATES, ORBITAL];

/// How often a connection on which nothing is heard is asked whether it still lives.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// How long an answer may take before the connection counts as lost.
const BOUND: Duration = Duration::from_secs(3);
/// The pause before a lost connection is made again.
const PAUSE: Duration = Duration::from_millis(200);

/// The first of the two numbers of readers' advisory locks, which tells them from others'.
pub(crate) const READERS: i32 = 0x4143_4d45;

/// Somebody who is waited for until what was changed is read, by a number of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader(i32);

/// Hears of changes to some kinds of rows, over a connection of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct Changes {
    channels: Vec<(&'static str, watch::Sender<u64>)>,
    keeper: JoinHandle<()>,
}

/// Tells when rows of one kind were changed.
#[derive(Debug, Clone)]
pub struct Changed(watch::Receiver<u64>);

impl Changes {
    /// Begins to listen on `channels`, which the database's triggers notify; a database that is away is waited for in the background.
    pub fn listen(store: Store, channels: &[&'static str]) -> Self {
        Self::begin(store, channels, None)
    }

    /// The same for one whom an order of a certificate waits for: it counts as living while its connection stands.
    pub fn listen_as(reader: Reader, store: Store, channels: &[&'static str]) -> Self {
        Self::begin(store, channels, Some(reader))
    }

    fn begin(store: Store, channels: &[&'static str], reader: Option<Reader>) -> Self {
        let channels: Vec<_> = channels.iter().map(|channel| (*channel, watch::Sender::new(0))).collect();
        let keeper = tokio::spawn(keep(store, channels.clone(), reader));
        Self { channels, keeper }
    }

    /// Tells of changes on one of the channels; nothing where it is not listened on.
    pub fn on(&self, channel: &str) -> Option<Changed> {
        let (_, changes) = self.channels.iter().find(|(name, _)| *name == channel)?;
        Some(Changed(changes.subscribe()))
    }
}

impl Reader {
    /// Another one than all others: of a dozen two would have the same number once in 30 million times.
    pub fn fresh() -> Self {
        let bits = u32::try_from(uuid::Uuid::now_v7().as_u128() & 0x7fff_ffff).unwrap_or_default();
        Self(bits.cast_signed())
    }

    pub(crate) const fn number(self) -> i32 {
        self.0
    }

    /// Lives as long as this connection does.
    async fn live(self, connection: &mut PgListener) -> Result<(), sqlx::Error> {
        // Nobody else has the number, so that nothing is waited for.
        let lock = sqlx::query("SELECT pg_advisory_lock_shared($1, $2)").bind(READERS).bind(self.0);
        lock.execute(connection).await.map(|_| ())
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Changed {
    /// Waits for a change since the last call. What is read after this returns has it, or brings another notice. It never returns
    /// once nobody listens any more.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

async fn keep(store: Store, channels: Vec<(&'static str, watch::Sender<u64>)>, reader: Option<Reader>) {
    loop {
        match listen(&store, &channels, reader).await {
            Ok(()) => tracing::debug!("connection for notices is made anew"),
            Err(error) => tracing::debug!(%error, "notices can't be heard"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection is lost or belongs to a server that is not the store's any more.
async fn listen(
    store: &Store,
    channels: &[(&'static str, watch::Sender<u64>)],
    reader: Option<Reader>,
) -> Result<(), StoreError> {
    let operation = "listen";
    let late = |_| StoreError::Late { operation, bound: BOUND };
    let endpoint = store.endpoint();
    let options = endpoint.options(store.settings().statement_timeout());
    // A pool of the store's own could not be closed as long as this connection is out.
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(BOUND).connect_lazy_with(options);
    let connecting = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.listen_all(channels.iter().map(|(name, _)| *name)).await?;
        if let Some(reader) = reader {
            reader.live(&mut listener).await?;
        }
        Ok::<_, sqlx::Error>(listener)
    };
    let mut listener = timeout(BOUND, connecting).await.map_err(late)?.map_err(|e| StoreError::of(operation, &e))?;
    for (_, changes) in channels {
        changes.send_modify(|count| *count += 1);
    }
    loop {
        match timeout(PROBE_INTERVAL, listener.try_recv()).await {
            Ok(Ok(Some(notice))) => {
                if let Some((_, changes)) = channels.iter().find(|(name, _)| *name == notice.channel()) {
                    changes.send_modify(|count| *count += 1);
                }
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(StoreError::of(operation, &error)),
            Err(_) => {
                if store.endpoint() != endpoint {
                    return Ok(());
                }
                let probe = sqlx::raw_sql("SELECT 1").execute(&mut listener);
                timeout(BOUND, probe).await.map_err(late)?.map_err(|e| StoreError::of(operation, &e))?;
            }
        }
    }
}
