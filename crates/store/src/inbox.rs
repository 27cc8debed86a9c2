//! The memory of accepted commands: what makes a command happen at most once, and its repeat get the first answer.
//!
//! One row per owner, caller and message id, from before the effect until its time to be kept is over. A row of an
//! earlier run without an outcome stands for a command whose effect nobody knows; it is never executed again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use uuid::Uuid;
use vocabulary::Timestamp;

use crate::{Store, StoreError, Tx, tx::bounded};

/// How many rows one statement settles or removes at most, so that none of them takes long.
const BATCH: i64 = 5_000;

/// The memory of one owner in one run of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: Store,
    owner: Arc<str>,
    run: Uuid,
    rows: Arc<AtomicU64>,
    rows_max: u64,
}

/// A command that wants to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance<'a> {
    /// Who sent it.
    pub caller: &'a str,
    /// Its message id, unique for the caller.
    pub id: &'a str,
    /// A name of this try to have it accepted, by which a row is known to be its own: whatever is sent again, by the store on another
    /// connection or by the sender, finds out whose row it meets.
    pub attempt: Uuid,
    /// Which message it is.
    pub message: &'a str,
    /// SHA-256 of what it says.
    pub fingerprint: [u8; 32],
    /// Whether its answer is for the caller's eyes only and is never kept.
    pub private: bool,
    /// Now.
    pub accepted_at: Timestamp,
    /// When it must be done.
    pub deadline: Timestamp,
    /// How long it is remembered.
    pub keep_until: Timestamp,
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is accepted: execute it.
    New,
    /// It was executed; this is the first answer.
    Repeat(Value),
    /// It was executed, and its answer was private.
    RepeatOfPrivate,
    /// It is being executed in this run.
    Executing,
    /// An earlier run accepted it and did not say what became of it.
    OutcomeUnknown,
    /// The caller used this id for something else.
    Conflict,
    /// There is no room for another command.
    Full,
}

impl Inbox {
    /// The memory of `owner` in its run `run`, with room for `rows_max` commands.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn open(store: Store, owner: &str, run: Uuid, rows_max: u64) -> Result<Self, StoreError> {
        let inbox = Self { store, owner: owner.into(), run, rows: Arc::default(), rows_max };
        inbox.count().await?;
        Ok(inbox)
    }

    /// Records a command, or finds that it was recorded before; one round trip.
    ///
    /// After an error it is not known whether it was recorded; [`Inbox::withdraw`] takes it back.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn accept(&self, command: &Acceptance<'_>) -> Result<Decision, StoreError> {
        // Nothing is found and nothing recorded when another call's row became visible in between; then it is there.
        for _ in 0..3 {
            if let Some(decision) = self.accept_once(command).await? {
                return Ok(decision);
            }
        }
        Err(StoreError::Busy { operation: "accept", reason: format!("message {} comes and goes", command.id) })
    }

    async fn accept_once(&self, command: &Acceptance<'_>) -> Result<Option<Decision>, StoreError> {
        let room = self.rows.load(Ordering::Relaxed) < self.rows_max;
        let row = self
            .store
            .read("accept", |mut connection| async move {
                sqlx::query!(
                    r#"WITH fresh AS (
                         INSERT INTO inbox (owner, caller, id, message, fingerprint, run, attempt, private,
                             accepted_at, deadline, keep_until)
                         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $12
                         ON CONFLICT (owner, caller, id) DO NOTHING
                         RETURNING attempt)
                       SELECT (SELECT true FROM fresh) IS NOT NULL AS "fresh!", old.attempt AS "attempt?",
                           old.run AS "run?", old.message AS "message?", old.fingerprint AS "fingerprint?",
                           old.private AS "private?", old.outcome, old.finished_at
                       FROM (SELECT) AS one LEFT JOIN inbox old ON old.owner = $1 AND old.caller = $2 AND old.id = $3"#,
                    &*self.owner,
                    command.caller,
                    command.id,
                    command.message,
                    &command.fingerprint[..],
                    self.run,
                    command.attempt,
                    command.private,
                    command.accepted_at.instant(),
                    command.deadline.instant(),
                    command.keep_until.instant(),
                    room
                )
                .fetch_one(&mut *connection)
                .await
            })
            .await?;
        if row.fresh {
            self.rows.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(Decision::New));
        }
        let Some(old) = row.attempt else { return Ok((!room).then_some(Decision::Full)) };
        if old == command.attempt {
            self.rows.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(Decision::New));
        }
        let same = row.message.as_deref() == Some(command.message)
            && row.fingerprint.as_deref() == Some(&command.fingerprint[..]);
        Ok(Some(match (row.outcome, row.finished_at) {
            _ if !same => Decision::Conflict,
            (Some(outcome), _) => Decision::Repeat(outcome),
            (None, Some(_)) => Decision::RepeatOfPrivate,
            (None, None) if row.run == Some(self.run) => Decision::Executing,
            (None, None) => Decision::OutcomeUnknown,
        }))
    }

    /// Records the answer of a command; without one, that it was answered privately. The first answer stays.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn finish(
        &self,
        caller: &str,
        id: &str,
        outcome: Option<&Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let finished_at = now.instant();
        self.store
            .read("finish", |mut connection| async move {
                sqlx::query!(
                    "UPDATE inbox SET outcome = CASE WHEN private THEN NULL ELSE $4::jsonb END, finished_at = $5
                     WHERE owner = $1 AND caller = $2 AND id = $3 AND finished_at IS NULL",
                    &*self.owner,
                    caller,
                    id,
                    outcome,
                    finished_at
                )
                .execute(&mut *connection)
                .await
            })
            .await
            .map(|_| ())
    }

    /// The same in the transaction of the effect, so that both last or neither does.
    ///
    /// # Errors
    /// The database does not answer within the bounds, or the command is not one that is being executed: then the effect
    /// must not last either.
    pub async fn finish_in(
        &self,
        tx: &mut Tx,
        caller: &str,
        id: &str,
        outcome: Option<&Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query!(
            "UPDATE inbox SET outcome = CASE WHEN private THEN NULL ELSE $4::jsonb END, finished_at = $5
             WHERE owner = $1 AND caller = $2 AND id = $3 AND run = $6 AND finished_at IS NULL",
            &*self.owner,
            caller,
            id,
            outcome,
            now.instant(),
            self.run
        );
        let bound = tx.bound();
        let done = bounded("finish", bound, statement.execute(tx.connection())).await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(StoreError::Conflict { what: format!("message {id} of {caller} is not being executed") })
    }

    /// Forgets a command that was not executed, so that its repeat can be, if `attempt` is the one that recorded it: a repeat that was
    /// accepted meanwhile stays. Says whether it was there.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn withdraw(&self, caller: &str, id: &str, attempt: Uuid) -> Result<bool, StoreError> {
        let done = self
            .store
            .read("withdraw", |mut connection| async move {
                sqlx::query!(
                    "DELETE FROM inbox
                     WHERE owner = $1 AND caller = $2 AND id = $3 AND attempt = $4 AND finished_at IS NULL",
                    &*self.owner,
                    caller,
                    id,
                    attempt
                )
                .execute(&mut *connection)
                .await
            })
            .await?;
        let there = done.rows_affected() > 0;
        if there {
            let _ = self.rows.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |rows| rows.checked_sub(1));
        }
        Ok(there)
    }

    /// Gives every command of earlier runs that has no outcome the one that its repeats get: `outcome`. Says how many.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn settle_unknown(&self, outcome: &Value, now: Timestamp) -> Result<u64, StoreError> {
        let finished_at = now.instant();
        let mut settled = 0;
        loop {
            let done = self
                .store
                .read("settle", |mut connection| async move {
                    sqlx::query!(
                        "UPDATE inbox SET outcome = $3, finished_at = $4, private = false
                         WHERE (owner, caller, id) IN (
                             SELECT owner, caller, id FROM inbox
                             WHERE owner = $1 AND run <> $2 AND finished_at IS NULL LIMIT $5)",
                        &*self.owner,
                        self.run,
                        outcome,
                        finished_at,
                        BATCH
                    )
                    .execute(&mut *connection)
                    .await
                })
                .await?;
            settled += done.rows_affected();
            if done.rows_affected() < BATCH.unsigned_abs() {
                return Ok(settled);
            }
        }
    }

    /// Forgets what was kept long enough. Says how many.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now = now.instant();
        let mut swept = 0;
        loop {
            let done = self
                .store
                .read("sweep", |mut connection| async move {
                    sqlx::query!(
                        "DELETE FROM inbox WHERE (owner, caller, id) IN (
                             SELECT owner, caller, id FROM inbox WHERE owner = $1 AND keep_until < $2 LIMIT $3)",
                        &*self.owner,
                        now,
                        BATCH
                    )
                    .execute(&mut *connection)
                    .await
                })
                .await?;
            swept += done.rows_affected();
            if done.rows_affected() < BATCH.unsigned_abs() {
                break;
            }
        }
        self.count().await?;
        Ok(swept)
    }

    /// How many commands are remembered, as far as this process knows.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Counts anew. Between two counts the number is kept here: to ask for each command would cost as much as the command.
    async fn count(&self) -> Result<(), StoreError> {
        let rows = self
            .store
            .read("count", |mut connection| async move {
                sqlx::query_scalar!(r#"SELECT count(*) AS "rows!" FROM inbox WHERE owner = $1"#, &*self.owner)
                    .fetch_one(&mut *connection)
                    .await
            })
            .await?;
        self.rows.store(rows.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }
}

/// How long a command is remembered after its deadline.
pub const KEPT_AFTER_DEADLINE: Duration = Duration::from_secs(3600);
