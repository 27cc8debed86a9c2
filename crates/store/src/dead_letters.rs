//! Messages that nobody owns or that could not be read: the beginning of each, with the reason and a retention.

use vocabulary::Timestamp;

use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// How much of a payload is kept.
pub const PAYLOAD_BYTES_MAX: usize = 4096;

/// A message that went nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it was sent.
    pub topic: String,
    /// The beginning of what it said, at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Vec<u8>,
    /// How long it was in whole.
    pub payload_size: u64,
    /// Why nobody took it.
    pub reason: String,
    /// Who sent it, where that is known.
    pub publisher: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
}

/// One that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place in the list.
    pub id: i64,
    /// The message.
    pub letter: DeadLetter,
}

/// Records a batch in one statement; longer payloads are cut.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn record(tx: &mut Tx, letters: &[DeadLetter]) -> Result<(), StoreError> {
    let column = |of: fn(&DeadLetter) -> String| letters.iter().map(of).collect::<Vec<_>>();
    let cut = |letter: &DeadLetter| letter.payload.iter().copied().take(PAYLOAD_BYTES_MAX).collect();
    let payloads: Vec<Vec<u8>> = letters.iter().map(cut).collect();
    let sizes: Vec<i64> = letters.iter().map(|letter| i64::try_from(letter.payload_size).unwrap_or(i64::MAX)).collect();
    let publishers: Vec<Option<String>> = letters.iter().map(|letter| letter.publisher.clone()).collect();
    let instants: Vec<time::OffsetDateTime> = letters.iter().map(|letter| letter.received_at.instant()).collect();
    let statement = sqlx::query!(
        "INSERT INTO dead_letters (topic, payload, payload_size, reason, publisher, received_at)
         SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])",
        &column(|letter| without_nul(&letter.topic)),
        &payloads,
        &sizes,
        &column(|letter| without_nul(&letter.reason)),
        &publishers as &[Option<String>],
        &instants
    );
    let bound = tx.bound();
    bounded("dead letters record", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Text as PostgreSQL can keep it; a broken sender must not cost the rest of the batch.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What is kept, newest first.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, slice: &Slice) -> Result<Page<Kept>, StoreError> {
    let (before, limit) = (slice.after_number()?, slice.rows_to_read());
    let rows = store
        .read("dead letters list", |mut connection| async move {
            sqlx::query!(
                "SELECT id, topic, payload, payload_size, reason, publisher, received_at FROM dead_letters
                 WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
                before,
                limit
            )
            .map(|row| Kept {
                id: row.id,
                letter: DeadLetter {
                    topic: row.topic,
                    payload: row.payload,
                    payload_size: row.payload_size.unsigned_abs(),
                    reason: row.reason,
                    publisher: row.publisher,
                    received_at: Timestamp::new(row.received_at),
                },
            })
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(Page::of(rows, slice, |kept| kept.id.to_string()))
}

/// How many are kept.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let count = store
        .read("dead letters count", |mut connection| async move {
            sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM dead_letters"#).fetch_one(&mut *connection).await
        })
        .await?;
    Ok(count.unsigned_abs())
}

/// Forgets what came before `then`. Says how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn forget_before(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("dead letters forget", |mut connection| async move {
            sqlx::query!("DELETE FROM dead_letters WHERE received_at < $1", then).execute(&mut *connection).await
        })
        .await?;
    Ok(done.rows_affected())
}

/// Forgets all but the newest `rows`. Says how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn forget_beyond(store: &Store, rows: u32) -> Result<u64, StoreError> {
    let rows = i64::from(rows);
    let done = store
        .read("dead letters forget", |mut connection| async move {
            sqlx::query!(
                "DELETE FROM dead_letters WHERE id <= (SELECT id FROM dead_letters ORDER BY id DESC OFFSET $1 LIMIT 1)",
                rows
            )
            .execute(&mut *connection)
            .await
        })
        .await?;
    Ok(done.rows_affected())
}
