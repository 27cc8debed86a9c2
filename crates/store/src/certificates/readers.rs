//! Those who answer ACME challenges: which of them live, and which have read an answer.
//!
//! A living one is known by an advisory lock on its connection for notices, which the server frees with the connection. The other way is
//! a row that each of them touches every few seconds for as long as it runs, though orders are made a few times in a year; and who died
//! would be waited for until the row is old.

pub use crate::changes::Reader;
use crate::{Store, StoreError, changes::READERS};

/// Records that a reader answers these challenges from now on; those that were removed meanwhile are left out.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn record(store: &Store, reader: Reader, tokens: &[String]) -> Result<(), StoreError> {
    store
        .read("challenges read", |mut connection| async move {
            sqlx::query!(
                "INSERT INTO acme_challenge_readers (token, reader)
                 SELECT token, $2 FROM acme_challenges WHERE token = ANY ($1) ORDER BY token FOR KEY SHARE
                 ON CONFLICT DO NOTHING",
                tokens,
                reader.number()
            )
            .execute(&mut *connection)
            .await
        })
        .await
        .map(|_| ())
}

/// How many live and have not read all of these challenges.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn behind(store: &Store, tokens: &[String]) -> Result<u64, StoreError> {
    let count = store
        .read("challenges unread", |mut connection| async move {
            sqlx::query_scalar!(
                r#"SELECT count(DISTINCT living.objid) AS "count!"
                   FROM pg_locks AS living CROSS JOIN unnest($2::text[]) AS asked (token)
                   WHERE living.locktype = 'advisory' AND living.objsubid = 2 AND living.granted
                       AND living.classid::bigint = $1
                       AND living.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                       AND NOT EXISTS (SELECT FROM acme_challenge_readers AS had
                           WHERE had.token = asked.token AND had.reader = living.objid::bigint)"#,
                i64::from(READERS),
                tokens
            )
            .fetch_one(&mut *connection)
            .await
        })
        .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
