//! What was taken back: single tokens, whole sessions, and all tokens of a plugin or node from before an epoch.

use sqlx::PgConnection;
use vocabulary::{
    Timestamp,
    ids::{AccountName, UserId},
};

use super::id_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// A token or a session that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The token's id, or the session's for all of its tokens.
    pub id: String,
    /// Whose it was, where that is a user.
    pub user_id: Option<UserId>,
    /// Why, in a few words.
    pub reason: String,
    /// When.
    pub revoked_at: Timestamp,
    /// When it would have ended by itself; it is remembered until then.
    pub expires_at: Timestamp,
}

/// Who has an epoch here; users have theirs with their accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EpochKind {
    /// A plugin.
    Plugin,
    /// A node of the platform.
    Node,
}

/// The epoch of a plugin or node; tokens from before it are refused. Without a row it is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// What it is.
    pub kind: EpochKind,
    /// Its account.
    pub account: AccountName,
    /// How often its tokens were taken back.
    pub epoch: i64,
}

impl EpochKind {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Node => "node",
        }
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        let known = [Self::Plugin, Self::Node].into_iter().find(|kind| kind.as_str() == word);
        known.ok_or_else(|| StoreError::unreadable("token epochs", format!("{word} is no kind")))
    }
}

/// Takes a token or a session back. Once more is no error; the later end stays.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn add(tx: &mut Tx, revoked: &Revoked) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO revoked_tokens (jti, user_id, reason, revoked_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (jti) DO UPDATE SET expires_at = greatest(revoked_tokens.expires_at, excluded.expires_at)",
        revoked.id,
        revoked.user_id.as_ref().map(UserId::as_str),
        revoked.reason,
        revoked.revoked_at.instant(),
        revoked.expires_at.instant()
    );
    let bound = tx.bound();
    bounded("token revoke", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The ids of what was taken back and would still be good otherwise.
pub(super) async fn ids(connection: &mut PgConnection, now: Timestamp) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT jti FROM revoked_tokens WHERE expires_at > $1", now.instant())
        .fetch_all(connection)
        .await
}

/// Takes back all tokens of a plugin or node up to now. Says the epoch from then on.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn raise_epoch(
    tx: &mut Tx,
    kind: EpochKind,
    account: &AccountName,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let statement = sqlx::query_scalar!(
        "INSERT INTO token_epochs (kind, account, epoch, raised_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (kind, account) DO UPDATE SET epoch = token_epochs.epoch + 1, raised_at = excluded.raised_at
         RETURNING epoch",
        kind.as_str(),
        account.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    bounded("token epoch", bound, statement.fetch_one(tx.connection())).await
}

/// The epoch of a plugin or node.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn epoch(store: &Store, kind: EpochKind, account: &AccountName) -> Result<i64, StoreError> {
    let epoch = store
        .read("token epoch", |mut connection| async move {
            sqlx::query_scalar!(
                "SELECT epoch FROM token_epochs WHERE kind = $1 AND account = $2",
                kind.as_str(),
                account.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    Ok(epoch.unwrap_or_default())
}

/// A row of an epoch.
pub(super) struct EpochRow {
    kind: String,
    account: String,
    epoch: i64,
}

impl TryFrom<EpochRow> for Epoch {
    type Error = StoreError;
    fn try_from(row: EpochRow) -> Result<Self, StoreError> {
        Ok(Self { kind: EpochKind::of(&row.kind)?, account: id_of(row.account)?, epoch: row.epoch })
    }
}

/// The rows of all epochs.
pub(super) async fn epoch_rows(connection: &mut PgConnection) -> Result<Vec<EpochRow>, sqlx::Error> {
    sqlx::query_as!(EpochRow, "SELECT kind, account, epoch FROM token_epochs").fetch_all(connection).await
}

/// Forgets what ended by itself before `then`.
pub(super) async fn forget(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("revoked tokens forget", |mut connection| async move {
            sqlx::query!("DELETE FROM revoked_tokens WHERE expires_at < $1", then).execute(&mut *connection).await
        })
        .await?;
    Ok(done.rows_affected())
}
