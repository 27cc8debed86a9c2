//! Setup secrets: what lets somebody choose the password of an account once, or make the first administrator.

use vocabulary::{
    Timestamp,
    ids::{AccountName, UserId},
};

use super::id_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// What a setup secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The first administrator is made.
    FirstAdministrator,
    /// This account gets a password.
    Password(UserId),
}

impl Purpose {
    fn user(&self) -> Option<&str> {
        match self {
            Self::FirstAdministrator => None,
            Self::Password(user) => Some(user.as_str()),
        }
    }
}

/// Keeps a secret, by its SHA-256; another one for the same ends.
///
/// # Errors
/// The account does not exist, or the database does not answer within the bounds.
pub async fn put(
    tx: &mut Tx,
    secret: &[u8; 32],
    purpose: &Purpose,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    clear(tx, purpose).await?;
    let statement = sqlx::query!(
        "INSERT INTO setup_secrets (secret_hash, user_id, expires_at, created_at) VALUES ($1, $2, $3, $4)",
        &secret[..],
        purpose.user(),
        expires_at.instant(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("setup secret", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| match (error, purpose) {
        (StoreError::Conflict { .. }, Purpose::Password(user)) => StoreError::not_found("user", user),
        (other, _) => other,
    })
}

/// Ends the secrets for this, and all that have expired is left to [`take`].
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn clear(tx: &mut Tx, purpose: &Purpose) -> Result<(), StoreError> {
    let statement =
        sqlx::query!("DELETE FROM setup_secrets WHERE user_id IS NOT DISTINCT FROM $1::text", purpose.user());
    let bound = tx.bound();
    bounded("setup secret", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Whether a secret would let this account choose its password now. It is not used up.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn is_good_for(
    store: &Store,
    secret: &[u8; 32],
    username: &AccountName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (secret, username, now) = (&secret[..], username.as_str(), now.instant());
    let found = store
        .read("setup secret", |mut connection| async move {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT 1 FROM setup_secrets s JOIN users u ON u.id = s.user_id
                   WHERE s.secret_hash = $1 AND u.username = $2 AND u.enabled AND s.expires_at > $3) AS "found!""#,
                secret,
                username,
                now
            )
            .fetch_one(&mut *connection)
            .await
        })
        .await?;
    Ok(found)
}

/// Uses up a secret. Tells what it was for, unless it is unknown, used or expired.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn take(tx: &mut Tx, secret: &[u8; 32], now: Timestamp) -> Result<Option<Purpose>, StoreError> {
    let bound = tx.bound();
    let expired = sqlx::query!("DELETE FROM setup_secrets WHERE expires_at <= $1", now.instant());
    bounded("setup secret", bound.clone(), expired.execute(tx.connection())).await?;
    let statement =
        sqlx::query_scalar!("DELETE FROM setup_secrets WHERE secret_hash = $1 RETURNING user_id", &secret[..]);
    let row = bounded("setup secret", bound, statement.fetch_optional(tx.connection())).await?;
    row.map(|user| user.map_or(Ok(Purpose::FirstAdministrator), |user| id_of(user).map(Purpose::Password))).transpose()
}
