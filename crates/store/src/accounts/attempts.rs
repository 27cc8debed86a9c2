//! Failed logins as they are counted, and which accounts logged in from where.

use vocabulary::Timestamp;

use super::count_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// What failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// By an account at a place where it has logged in before.
    Known,
    /// By where they come from.
    Peer,
    /// By whom they are for.
    User,
}

impl Kind {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Peer => "peer",
            Self::User => "user",
        }
    }
}

/// One counter's name. Where several are locked it is in this order, so that two transactions never wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// What it counts by.
    pub kind: Kind,
    /// Whom or where, at most 200 characters.
    pub name: String,
}

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Failures since the first of them.
    pub failures: u32,
    /// When the first of them was.
    pub first_failure: Timestamp,
    /// How often it has been locked; each doubles the time of the next.
    pub lockouts: u32,
    /// Until when it is locked, if it ever was.
    pub locked_until: Option<Timestamp>,
    /// When a login last succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

impl Counter {
    /// A counter at which nothing has happened.
    pub const fn fresh(now: Timestamp) -> Self {
        Self { failures: 0, first_failure: now, lockouts: 0, locked_until: None, succeeded_at: None, changed_at: now }
    }
}

/// A row as the statements below bring it.
struct Row {
    kind: String,
    subject: String,
    failures: i32,
    first_failure: time::OffsetDateTime,
    lockouts: i32,
    locked_until: Option<time::OffsetDateTime>,
    succeeded_at: Option<time::OffsetDateTime>,
    changed_at: time::OffsetDateTime,
}

impl From<&Row> for Counter {
    fn from(row: &Row) -> Self {
        Self {
            failures: u32::try_from(row.failures).unwrap_or_default(),
            first_failure: Timestamp::new(row.first_failure),
            lockouts: u32::try_from(row.lockouts).unwrap_or_default(),
            locked_until: row.locked_until.map(Timestamp::new),
            succeeded_at: row.succeeded_at.map(Timestamp::new),
            changed_at: Timestamp::new(row.changed_at),
        }
    }
}

fn columns(subjects: &[Subject]) -> (Vec<String>, Vec<String>) {
    subjects.iter().map(|subject| (subject.kind.as_str().to_owned(), subject.name.clone())).unzip()
}

/// The counters of these subjects, in their order; a fresh one where there is no row.
fn in_order(subjects: &[Subject], rows: &[Row], now: Timestamp) -> Vec<Counter> {
    let of = |subject: &Subject| {
        let row = rows.iter().find(|row| row.kind == subject.kind.as_str() && row.subject == subject.name);
        row.map_or(Counter::fresh(now), Counter::from)
    };
    subjects.iter().map(of).collect()
}

/// The counters of these subjects, in their order.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn read(store: &Store, subjects: &[Subject], now: Timestamp) -> Result<Vec<Counter>, StoreError> {
    let (kinds, names) = columns(subjects);
    let (kinds, names) = (&kinds, &names);
    let rows = store
        .read("login counters", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT kind, subject, failures, first_failure, lockouts, locked_until, succeeded_at, changed_at
                 FROM login_attempts JOIN unnest($1::text[], $2::text[]) AS wanted (of_kind, of_subject)
                     ON kind = of_kind AND subject = of_subject",
                kinds,
                names
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(in_order(subjects, &rows, now))
}

/// The counters of these subjects, in their order, which must be ascending; nobody else changes them before this transaction ends.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn lock(tx: &mut Tx, subjects: &[Subject], now: Timestamp) -> Result<Vec<Counter>, StoreError> {
    debug_assert!(subjects.is_sorted(), "two that lock in different orders wait for each other");
    let (kinds, names) = columns(subjects);
    let bound = tx.bound();
    let make = sqlx::query!(
        "INSERT INTO login_attempts (kind, subject, failures, first_failure, lockouts, changed_at)
         SELECT of_kind, of_subject, 0, $3, 0, $3 FROM unnest($1::text[], $2::text[]) AS wanted (of_kind, of_subject)
         ORDER BY of_kind, of_subject
         ON CONFLICT DO NOTHING",
        &kinds,
        &names,
        now.instant()
    );
    bounded("login counters", bound.clone(), make.execute(tx.connection())).await?;
    let statement = sqlx::query_as!(
        Row,
        "SELECT kind, subject, failures, first_failure, lockouts, locked_until, succeeded_at, changed_at
         FROM login_attempts
         WHERE (kind, subject) IN (SELECT of_kind, of_subject FROM unnest($1::text[], $2::text[]) AS wanted (of_kind, of_subject))
         ORDER BY kind, subject FOR UPDATE",
        &kinds,
        &names
    );
    let rows = bounded("login counters", bound, statement.fetch_all(tx.connection())).await?;
    Ok(in_order(subjects, &rows, now))
}

/// Keeps a counter.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn put(tx: &mut Tx, subject: &Subject, counter: &Counter) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO login_attempts (kind, subject, failures, first_failure, lockouts, locked_until, succeeded_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (kind, subject) DO UPDATE SET failures = excluded.failures, first_failure = excluded.first_failure,
             lockouts = excluded.lockouts, locked_until = excluded.locked_until, succeeded_at = excluded.succeeded_at,
             changed_at = excluded.changed_at",
        subject.kind.as_str(),
        subject.name,
        i32::try_from(counter.failures).unwrap_or(i32::MAX),
        counter.first_failure.instant(),
        i32::try_from(counter.lockouts).unwrap_or(i32::MAX),
        counter.locked_until.map(Timestamp::instant),
        counter.succeeded_at.map(Timestamp::instant),
        counter.changed_at.instant()
    );
    let bound = tx.bound();
    bounded("login counter", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Opens what is locked for an account (by its name in lower case), everywhere. Tells whether anything was counted.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn unlock_user(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "UPDATE login_attempts SET failures = 0, lockouts = 0, locked_until = NULL
         WHERE (kind = 'user' AND subject = $1) OR (kind = 'known' AND split_part(subject, '|', 1) = $1)",
        name
    );
    let bound = tx.bound();
    let done = bounded("login counter", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() > 0)
}

/// Opens what is locked for a place. Tells whether anything was counted.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn unlock_peer(tx: &mut Tx, peer: &str) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "UPDATE login_attempts SET failures = 0, lockouts = 0, locked_until = NULL WHERE kind = 'peer' AND subject = $1",
        peer
    );
    let bound = tx.bound();
    let done = bounded("login counter", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() > 0)
}

/// Removes counters at which nothing has happened since `quiet`, and known places since `known`. Tells how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn tidy(store: &Store, quiet: Timestamp, known: Timestamp) -> Result<u64, StoreError> {
    let (quiet, known) = (quiet.instant(), known.instant());
    store
        .read("login counters", |mut connection| async move {
            sqlx::query!(
                "DELETE FROM login_attempts
                 WHERE changed_at < $1 AND (kind <> 'known' OR coalesce(succeeded_at, changed_at) < $2)",
                quiet,
                known
            )
            .execute(&mut *connection)
            .await
            .map(|done| done.rows_affected())
        })
        .await
}

/// How many accounts and places are locked.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn count_locked(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let now = now.instant();
    store
        .read("login counters", |mut connection| async move {
            sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM login_attempts WHERE locked_until > $1"#, now)
                .fetch_one(&mut *connection)
                .await
        })
        .await
        .map(count_of)
}
