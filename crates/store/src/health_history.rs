//! When a component became well or ill: transitions, with a retention.

use health::{Report, Status};
use serde_json::{Map, Value};
use vocabulary::Timestamp;

use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// One transition.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Its place in the history.
    pub id: i64,
    /// What the component said when its status had changed.
    pub report: Report,
}

/// Records a transition.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn record(tx: &mut Tx, report: &Report) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO health_history (component, status, message, details, observed_at) VALUES ($1, $2, $3, $4, $5)",
        report.component,
        report.status.as_str(),
        report.message,
        Value::Object(report.details.clone()),
        report.observed_at.instant()
    );
    let bound = tx.bound();
    bounded("health record", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The transitions of one component or of all, newest first.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, component: Option<&str>, slice: &Slice) -> Result<Page<Transition>, StoreError> {
    let (before, limit) = (slice.after_number()?, slice.rows_to_read());
    let rows = store
        .read("health list", |mut connection| async move {
            sqlx::query!(
                "SELECT id, component, status, message, details, observed_at FROM health_history
                 WHERE ($1::text IS NULL OR component = $1) AND ($2::bigint IS NULL OR id < $2)
                 ORDER BY id DESC LIMIT $3",
                component,
                before,
                limit
            )
            .map(|row| Transition {
                id: row.id,
                report: Report {
                    component: row.component,
                    status: status_of(&row.status),
                    message: row.message,
                    details: object_of(row.details),
                    observed_at: Timestamp::new(row.observed_at),
                },
            })
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(Page::of(rows, slice, |transition| transition.id.to_string()))
}

/// Forgets what was observed before `then`. Says how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn forget_before(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("health forget", |mut connection| async move {
            sqlx::query!("DELETE FROM health_history WHERE observed_at < $1", then).execute(&mut *connection).await
        })
        .await?;
    Ok(done.rows_affected())
}

/// The status behind a word of a table, which checks that it is one of ours.
pub(crate) fn status_of(word: &str) -> Status {
    [Status::Healthy, Status::Degraded, Status::Unhealthy]
        .into_iter()
        .find(|status| status.as_str() == word)
        .unwrap_or(Status::Unknown)
}

/// The object in a column whose rows are objects.
pub(crate) fn object_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
