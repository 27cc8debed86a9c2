//! Reading the trail: in pages for people, as lines for other programs.

use std::collections::VecDeque;

use futures::{Stream, stream};
use serde_json::Map;
use vocabulary::{Timestamp, ids::UserId};

use super::{Entry, Outcome, Record, bytes_of};
use crate::{Page, Slice, Store, StoreError};

/// How many rows an export reads at once.
const BATCH: i64 = 1000;

/// Which entries are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this account.
    pub account: Option<String>,
    /// Of this user, under whatever name.
    pub user_id: Option<UserId>,
    /// This action.
    pub action: Option<String>,
    /// On this object.
    pub object: Option<String>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Of this message.
    pub message_id: Option<String>,
    /// At this instant or later.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// A row as the statements below bring it.
struct Row {
    sequence: i64,
    at: time::OffsetDateTime,
    account: String,
    user_id: Option<String>,
    action: String,
    object: String,
    outcome: String,
    code: String,
    peer: String,
    source: String,
    message_id: String,
    details: String,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl Row {
    /// The record, and its details as the database writes them.
    fn read(self) -> Result<(Record, String), StoreError> {
        let user = self.user_id.map(UserId::try_from).transpose();
        let entry = Entry {
            at: Timestamp::new(self.at),
            account: self.account,
            user_id: user.map_err(|e| StoreError::unreadable("audit", e))?,
            action: self.action,
            object: self.object,
            outcome: Outcome::of(&self.outcome)?,
            code: self.code,
            peer: self.peer,
            source: self.source,
            message_id: self.message_id,
            details: serde_json::from_str::<Map<_, _>>(&self.details)
                .map_err(|e| StoreError::unreadable("audit", e))?,
        };
        let (previous_hash, hash) = (bytes_of(self.previous_hash)?, bytes_of(self.hash)?);
        Ok((Record { sequence: self.sequence, entry, previous_hash, hash }, self.details))
    }
}

/// The entries that fit, newest first.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn query(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Record>, StoreError> {
    let (before, limit) = (slice.after_number()?, slice.rows_to_read());
    let rows = store
        .read("audit list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                r#"SELECT sequence, at, account, user_id, action, object, outcome, code, peer, source, message_id,
                       details::text AS "details!", previous_hash, hash
                   FROM audit
                   WHERE ($1::bigint IS NULL OR sequence < $1)
                     AND ($2::text IS NULL OR account = $2) AND ($3::text IS NULL OR user_id = $3)
                     AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR object = $5)
                     AND ($6::text IS NULL OR outcome = $6) AND ($7::text IS NULL OR message_id = $7)
                     AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
                   ORDER BY sequence DESC LIMIT $10"#,
                before,
                filter.account.as_deref(),
                filter.user_id.as_ref().map(UserId::as_str),
                filter.action.as_deref(),
                filter.object.as_deref(),
                filter.outcome.map(Outcome::as_str),
                filter.message_id.as_deref(),
                filter.since.map(Timestamp::instant),
                filter.until.map(Timestamp::instant),
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(Page::of(records(rows)?, slice, |record| record.sequence.to_string()))
}

/// The entries that fit, oldest first, each as a line of JSON. They are read in pieces, so that nothing waits for a slow reader.
pub fn export(store: Store, filter: Filter) -> impl Stream<Item = Result<String, StoreError>> + Send {
    let begin = (store, filter, 0, VecDeque::new());
    stream::try_unfold(begin, |(store, filter, mut after, mut read)| async move {
        if read.is_empty() {
            read = VecDeque::from(piece(&store, &filter, after, BATCH).await?);
        }
        let Some(record) = read.pop_front() else { return Ok(None) };
        after = record.sequence;
        Ok(Some((record.to_json().to_string(), (store, filter, after, read))))
    })
}

/// The entries that fit, oldest first, in pages.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn oldest_first(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Record>, StoreError> {
    let records = piece(store, filter, slice.after_number()?.unwrap_or_default(), slice.rows_to_read()).await?;
    Ok(Page::of(records, slice, |record| record.sequence.to_string()))
}

/// The next entries that fit, oldest first.
async fn piece(store: &Store, filter: &Filter, after: i64, limit: i64) -> Result<Vec<Record>, StoreError> {
    let rows = store
        .read("audit export", |mut connection| async move {
            sqlx::query_as!(
                Row,
                r#"SELECT sequence, at, account, user_id, action, object, outcome, code, peer, source, message_id,
                       details::text AS "details!", previous_hash, hash
                   FROM audit
                   WHERE ($1::bigint IS NULL OR sequence > $1)
                     AND ($2::text IS NULL OR account = $2) AND ($3::text IS NULL OR user_id = $3)
                     AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR object = $5)
                     AND ($6::text IS NULL OR outcome = $6) AND ($7::text IS NULL OR message_id = $7)
                     AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
                   ORDER BY sequence LIMIT $10"#,
                after,
                filter.account.as_deref(),
                filter.user_id.as_ref().map(UserId::as_str),
                filter.action.as_deref(),
                filter.object.as_deref(),
                filter.outcome.map(Outcome::as_str),
                filter.message_id.as_deref(),
                filter.since.map(Timestamp::instant),
                filter.until.map(Timestamp::instant),
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    records(rows)
}

fn records(rows: Vec<Row>) -> Result<Vec<Record>, StoreError> {
    rows.into_iter().map(|row| row.read().map(|(record, _)| record)).collect()
}

/// A row of the trail as it was found: its place, and what it holds if that can be read, with its details as the database writes them.
pub(super) type Found = (i64, Result<(Record, String), StoreError>);

/// The rows of a part of the trail, by their places.
pub(super) async fn rows_from(store: &Store, first: i64, last: i64) -> Result<Vec<Found>, StoreError> {
    let rows = store
        .read("audit verify", |mut connection| async move {
            sqlx::query_as!(
                Row,
                r#"SELECT sequence, at, account, user_id, action, object, outcome, code, peer, source, message_id,
                       details::text AS "details!", previous_hash, hash
                   FROM audit WHERE sequence BETWEEN $1 AND $2 ORDER BY sequence"#,
                first,
                last
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(rows.into_iter().map(|row| (row.sequence, row.read())).collect())
}
