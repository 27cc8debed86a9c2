//! A transaction: what changes rows takes one, so that an effect and the record of it stand or fall together.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use observability::metrics::{STORE_SECONDS, histogram};
use sqlx::{PgConnection, Postgres};

use crate::{Store, StoreError, pool::Generation};

/// A transaction under way. Dropped without [`Tx::commit`] it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: sqlx::Transaction<'static, Postgres>,
    bound: Bound,
}

/// How long an answer is waited for, and the pool that is renewed when none comes.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    limit: Duration,
    pool: Option<(Store, Arc<Generation>)>,
}

impl From<Duration> for Bound {
    fn from(limit: Duration) -> Self {
        Self { limit, pool: None }
    }
}

impl Bound {
    pub(crate) const fn of(limit: Duration, store: Store, used: Arc<Generation>) -> Self {
        Self { limit, pool: Some((store, used)) }
    }
}

impl Tx {
    pub(crate) const fn new(inner: sqlx::Transaction<'static, Postgres>, bound: Bound) -> Self {
        Self { inner, bound }
    }

    /// Makes it last.
    ///
    /// # Errors
    /// The database gave no answer; then it is not known whether it lasts.
    pub async fn commit(self) -> Result<(), StoreError> {
        bounded("commit", self.bound, self.inner.commit()).await
    }

    /// Undoes it now instead of when it is dropped.
    ///
    /// # Errors
    /// The database gave no answer; the server undoes it when it notices.
    pub async fn rollback(self) -> Result<(), StoreError> {
        bounded("rollback", self.bound, self.inner.rollback()).await
    }

    pub(crate) fn bound(&self) -> Bound {
        self.bound.clone()
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

/// Runs one statement within `bound` and records how long it took.
pub(crate) async fn bounded<T>(
    operation: &'static str,
    bound: impl Into<Bound>,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let (bound, started) = (bound.into(), Instant::now());
    let outcome = tokio::time::timeout(bound.limit, statement).await;
    histogram!(STORE_SECONDS, "operation" => operation).record(started.elapsed().as_secs_f64());
    match outcome {
        Ok(outcome) => outcome.map_err(|e| StoreError::of(operation, &e)),
        Err(_) => {
            if let Some((store, used)) = &bound.pool {
                store.renew(operation, used);
            }
            Err(StoreError::Late { operation, bound: bound.limit })
        }
    }
}
