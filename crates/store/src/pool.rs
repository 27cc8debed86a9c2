//! The pool of connections: bounded, changed while it is used, and well again by itself when the database is.

use std::{
    future::Future,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use observability::metrics::{STORE_SECONDS, histogram};
use serde::{Deserialize, Serialize};
use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgPoolOptions, PgRow},
};

use crate::{Endpoint, StoreError, Tx, tx::Bound};

/// How long a replaced pool may take to come back with its connections.
const DRAIN_BOUND: Duration = Duration::from_secs(60);
/// A connection that lay idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The bounds of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSettings {
    /// Connections that are kept open.
    pub min: u32,
    /// Connections at most.
    pub max: u32,
    /// A connection is replaced when it is this old.
    pub max_lifetime_seconds: u64,
    /// A connection above the minimum is closed after this time without use.
    pub idle_timeout_seconds: u64,
    /// How long is waited for a free connection, and for a database that is away.
    pub acquire_timeout_seconds: u64,
    /// How long a statement may take.
    pub statement_timeout_seconds: u64,
    /// How often something without effect is tried again after its connection broke.
    pub retry_attempts: u32,
    /// The pause before the first of these tries; it doubles with each.
    pub retry_delay_milliseconds: u64,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            min: 2,
            max: 20,
            max_lifetime_seconds: 1800,
            idle_timeout_seconds: 600,
            acquire_timeout_seconds: 5,
            statement_timeout_seconds: 10,
            retry_attempts: 4,
            retry_delay_milliseconds: 50,
        }
    }
}

impl PoolSettings {
    pub(crate) const fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout_seconds)
    }

    pub(crate) const fn statement_timeout(&self) -> Duration {
        Duration::from_secs(self.statement_timeout_seconds)
    }

    /// The server ends a statement first, so that the connection stays good; we wait a little longer.
    pub(crate) fn statement_bound(&self) -> Duration {
        self.statement_timeout() + Duration::from_secs(1)
    }

    fn pause(&self, attempt: u32) -> Duration {
        let pause = Duration::from_millis(self.retry_delay_milliseconds).saturating_mul(1 << attempt.min(10));
        pause.min(self.acquire_timeout())
    }

    fn pool(&self, endpoint: &Endpoint) -> PgPool {
        PgPoolOptions::new()
            .min_connections(self.min.min(self.max))
            .max_connections(self.max.max(1))
            .max_lifetime(Duration::from_secs(self.max_lifetime_seconds))
            .idle_timeout(Duration::from_secs(self.idle_timeout_seconds))
            .acquire_timeout(self.acquire_timeout())
            // A question before each use would double the round trips; who has been idle is asked below.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUSTED_IDLE {
                        sqlx::Connection::ping(connection).await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(endpoint.options(self.statement_timeout()))
    }
}

/// The database, as everything but the migrations sees it. Cheap to clone; all clones share the pool.
#[derive(Debug, Clone)]
pub struct Store(Arc<RwLock<Arc<Generation>>>);

/// A pool with what it was made from.
#[derive(Debug)]
pub(crate) struct Generation {
    pool: PgPool,
    endpoint: Endpoint,
    pub(crate) settings: PoolSettings,
}

impl Generation {
    fn new(endpoint: Endpoint, settings: PoolSettings) -> Arc<Self> {
        Arc::new(Self { pool: settings.pool(&endpoint), endpoint, settings })
    }
}

/// What the pool and the server say of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Open connections.
    pub size: u32,
    /// Those that wait for work.
    pub idle: u32,
    /// Those that work.
    pub in_use: u32,
    /// How many there may be.
    pub max: u32,
    /// How many are kept.
    pub min: u32,
    /// The database on disk.
    pub database_bytes: u64,
    /// The server's version, as it says it.
    pub server_version: String,
    /// Connections of everybody to the server.
    pub server_connections: u32,
    /// How many the server takes.
    pub server_connections_max: u32,
}

impl Statistics {
    /// The part of the server's connections that is taken, 0 to 1.
    pub fn server_load(&self) -> f64 {
        f64::from(self.server_connections) / f64::from(self.server_connections_max.max(1))
    }
}

pub(crate) type Connection = PoolConnection<Postgres>;

impl Store {
    /// Connects and asks once, so that a wrong endpoint shows here.
    ///
    /// # Errors
    /// The database can't be reached within the acquire timeout, or refuses us.
    pub async fn connect(endpoint: Endpoint, settings: PoolSettings) -> Result<Self, StoreError> {
        let store = Self::lazy(endpoint, settings);
        match store.ping().await {
            Ok(_) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// The same without asking: for who must start while the database is away.
    pub fn lazy(endpoint: Endpoint, settings: PoolSettings) -> Self {
        Self(Arc::new(RwLock::new(Generation::new(endpoint, settings))))
    }

    /// Which database this is.
    pub fn endpoint(&self) -> Endpoint {
        self.generation().endpoint.clone()
    }

    /// The settings that hold.
    pub fn settings(&self) -> PoolSettings {
        self.generation().settings.clone()
    }

    /// Changes the bounds: new work goes to a new pool, work under way ends on the old one.
    pub fn reconfigure(&self, settings: PoolSettings) {
        let endpoint = self.endpoint();
        self.replace(Generation::new(endpoint, settings));
    }

    /// Moves to another server or other credentials, as [`Store::reconfigure`] does.
    pub fn repoint(&self, endpoint: Endpoint) {
        let settings = self.settings();
        self.replace(Generation::new(endpoint, settings));
    }

    /// How long the database takes to answer.
    ///
    /// # Errors
    /// It does not answer within the bounds.
    pub async fn ping(&self) -> Result<Duration, StoreError> {
        let started = Instant::now();
        self.read("ping", |mut connection| async move {
            sqlx::raw_sql("SELECT 1").execute(&mut *connection).await.map(|_| ())
        })
        .await?;
        Ok(started.elapsed())
    }

    /// What the pool and the server say of themselves.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn statistics(&self) -> Result<Statistics, StoreError> {
        let statement = "SELECT pg_database_size(current_database())::bigint, current_setting('server_version'), \
             (SELECT sum(numbackends)::bigint FROM pg_stat_database), current_setting('max_connections')::bigint";
        let row: PgRow =
            self.read("statistics", |mut connection| async move {
                sqlx::query(statement).fetch_one(&mut *connection).await
            })
            .await?;
        let figures = (|| {
            use sqlx::Row;
            Ok((
                row.try_get::<i64, _>(0)?,
                row.try_get::<String, _>(1)?,
                row.try_get::<i64, _>(2)?,
                row.try_get::<i64, _>(3)?,
            ))
        })();
        let (bytes, server_version, connections, max) = figures.map_err(|e| StoreError::of("statistics", &e))?;
        let generation = self.generation();
        let (size, idle) = (generation.pool.size(), u32::try_from(generation.pool.num_idle()).unwrap_or(u32::MAX));
        Ok(Statistics {
            size,
            idle,
            in_use: size.saturating_sub(idle),
            max: generation.settings.max,
            min: generation.settings.min,
            database_bytes: u64::try_from(bytes).unwrap_or_default(),
            server_version,
            server_connections: u32::try_from(connections).unwrap_or_default(),
            server_connections_max: u32::try_from(max).unwrap_or_default(),
        })
    }

    /// Begins a transaction. Dropped without [`Tx::commit`] it leaves nothing behind.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let used = self.generation();
        let bound = Bound::of(used.settings.statement_bound(), self.clone(), used);
        let inner =
            self.read("begin", |connection| async move { sqlx::Transaction::begin(connection, None).await }).await?;
        Ok(Tx::new(inner, bound))
    }

    /// Closes all connections; what comes later fails as unavailable.
    pub async fn close(&self) {
        let pool = self.generation().pool.clone();
        if tokio::time::timeout(self.settings().statement_bound(), pool.close()).await.is_err() {
            tracing::warn!("connections did not come back in time and are left to the server");
        }
    }

    pub(crate) fn generation(&self) -> Arc<Generation> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn replace(&self, fresh: Arc<Generation>) {
        let old = {
            let mut current = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *current, fresh)
        };
        drain(old);
    }

    /// Puts a new pool in place of `used`, unless somebody did so already: a connection that gave no answer is not
    /// trusted to give one later, and those beside it are most likely in the same place.
    pub(crate) fn renew(&self, operation: &'static str, used: &Arc<Generation>) {
        let mut current = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if Arc::ptr_eq(&current, used) {
            tracing::warn!(operation, "database gave no answer in time; connections are renewed");
            *current = Generation::new(used.endpoint.clone(), used.settings.clone());
            drain(used.clone());
        }
    }

    /// Runs what changes nothing, or may be done twice: again on another connection where the first one broke.
    pub(crate) async fn read<T, F, Fut>(&self, operation: &'static str, statement: F) -> Result<T, StoreError>
    where
        F: Fn(Connection) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let started = Instant::now();
        let mut attempt = 0;
        let outcome = loop {
            let generation = self.generation();
            let error = match self.once(operation, &generation, &statement).await {
                Ok(value) => break Ok(value),
                Err(error) => error,
            };
            if attempt >= generation.settings.retry_attempts || !may_pass(&error) {
                break Err(error.sorted(operation));
            }
            tokio::time::sleep(generation.settings.pause(attempt)).await;
            attempt += 1;
        };
        histogram!(STORE_SECONDS, "operation" => operation).record(started.elapsed().as_secs_f64());
        outcome
    }

    async fn once<T, F, Fut>(
        &self,
        operation: &'static str,
        used: &Arc<Generation>,
        statement: &F,
    ) -> Result<T, Failure>
    where
        F: Fn(Connection) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let connection = acquire(used).await.map_err(Failure::Acquire)?;
        let bound = used.settings.statement_bound();
        match tokio::time::timeout(bound, statement(connection)).await {
            Ok(outcome) => outcome.map_err(Failure::Statement),
            Err(_) => {
                self.renew(operation, used);
                Err(Failure::Late(bound))
            }
        }
    }
}

/// Where an attempt ended.
enum Failure {
    Acquire(sqlx::Error),
    Statement(sqlx::Error),
    Late(Duration),
}

impl Failure {
    fn sorted(&self, operation: &'static str) -> StoreError {
        match self {
            Self::Acquire(e) | Self::Statement(e) => StoreError::of(operation, e),
            Self::Late(bound) => StoreError::Late { operation, bound: *bound },
        }
    }
}

/// Whether the same on another connection may work at once. Who waited for the acquire timeout has waited enough.
fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Acquire(_) | Failure::Late(_) => false,
        Failure::Statement(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
        Failure::Statement(e) => e
            .as_database_error()
            .and_then(|database| database.code())
            .is_some_and(|code| matches!(&*code, "40001" | "40P01" | "57P01" | "57P02" | "57P03")),
    }
}

/// A connection within the acquire timeout. Unlike the pool alone this waits for a server whose socket is not there yet.
async fn acquire(generation: &Generation) -> Result<Connection, sqlx::Error> {
    let deadline = tokio::time::Instant::now() + generation.settings.acquire_timeout();
    let mut attempt = 0;
    loop {
        let error = match tokio::time::timeout_at(deadline, generation.pool.acquire()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        let pause = generation.settings.pause(attempt);
        if !is_away(&error) || tokio::time::Instant::now() + pause >= deadline {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// Whether the server is away for a moment: starting, stopping, or not there.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

fn drain(old: Arc<Generation>) {
    tokio::spawn(async move {
        if tokio::time::timeout(DRAIN_BOUND, old.pool.close()).await.is_err() {
            tracing::warn!(endpoint = %old.endpoint, "replaced connections did not come back in time");
        }
    });
}
