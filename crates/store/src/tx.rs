//! A transaction: what changes rows takes one, so that an effect and the record of it stand or fall together.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use observability::metrics::{STORE_SECONDS, histogram};
use sqlx::{PgConnection, Postgres};

use crate::StoreError;

/// A transaction under way. Dropped without [`Tx::commit`] it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: sqlx::Transaction<'static, Postgres>,
    bound: Duration,
}

impl Tx {
    pub(crate) const fn new(inner: sqlx::Transaction<'static, Postgres>, bound: Duration) -> Self {
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

    pub(crate) const fn bound(&self) -> Duration {
        self.bound
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

/// Runs one statement of a transaction within `bound` and records how long it took.
pub(crate) async fn bounded<T>(
    operation: &'static str,
    bound: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let started = Instant::now();
    let outcome = tokio::time::timeout(bound, statement).await;
    histogram!(STORE_SECONDS, "operation" => operation).record(started.elapsed().as_secs_f64());
    match outcome {
        Ok(outcome) => outcome.map_err(|e| StoreError::of(operation, &e)),
        Err(_) => Err(StoreError::Late { operation, bound }),
    }
}
