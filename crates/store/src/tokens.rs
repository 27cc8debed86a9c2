//! What was signed and handed out: signing keys, sessions with their refresh tokens, API keys, and what of all that was taken back.
//!
//! Secrets are never in it as they are: private keys are sealed, refresh tokens and API keys are kept as hashes.

pub mod api_keys;
pub mod revoked;
pub mod sessions;
pub mod signing_keys;

use serde_json::Value;
use vocabulary::Timestamp;

use crate::{Store, StoreError};

pub use api_keys::ApiKey;
pub use revoked::{Epoch, EpochKind, Revoked};
pub use sessions::{RefreshToken, Session};
pub use signing_keys::{Algorithm, KeyState, SigningKey};

/// The channel on which the database tells that something changed that a check of tokens depends on.
pub const CHANNEL: &str = crate::changes::TOKENS;

/// A SHA-256.
pub type Hash = [u8; 32];

/// All that a check of tokens depends on.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Every key, also those that sign no more.
    pub signing_keys: Vec<SigningKey>,
    /// What was taken back and would still be valid otherwise.
    pub revoked: Vec<String>,
    /// The epochs of plugins and nodes.
    pub epochs: Vec<Epoch>,
    /// Every API key, also those that ended and are not forgotten yet.
    pub api_keys: Vec<ApiKey>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// API keys that are good.
    pub api_keys_active: i64,
    /// API keys that expired and were not revoked.
    pub api_keys_expired: i64,
    /// Sessions that can go on.
    pub sessions: i64,
    /// Tokens and sessions that were taken back and would still be valid otherwise.
    pub revoked: i64,
}

/// How long what ended is kept: each kind goes when it ended before its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedBefore {
    /// Revocations, and signing keys that were to retire.
    pub checks: Timestamp,
    /// Refresh tokens: while one is kept, whoever shows it hears why its session ended.
    pub sessions: Timestamp,
    /// API keys.
    pub api_keys: Timestamp,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Refresh tokens.
    pub refresh_tokens: u64,
    /// Memories of revoked tokens.
    pub revoked: u64,
    /// Signing keys of which no token is left.
    pub signing_keys: u64,
    /// API keys.
    pub api_keys: u64,
}

/// Reads all that a check of tokens depends on.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn snapshot(store: &Store, now: Timestamp) -> Result<Snapshot, StoreError> {
    let (signing_keys, revoked, epochs, api_keys) = store
        .read("token snapshot", |mut connection| async move {
            // Not in one transaction: what is read later can only be newer, and whatever changes in between brings another notice.
            let revoked = revoked::ids(&mut connection, now).await?;
            let epochs = revoked::epoch_rows(&mut connection).await?;
            let api_keys = api_keys::rows(&mut connection).await?;
            Ok((signing_keys::rows(&mut connection).await?, revoked, epochs, api_keys))
        })
        .await?;
    Ok(Snapshot {
        signing_keys: signing_keys.into_iter().map(SigningKey::try_from).collect::<Result<_, _>>()?,
        revoked,
        epochs: epochs.into_iter().map(Epoch::try_from).collect::<Result<_, _>>()?,
        api_keys: api_keys.into_iter().map(ApiKey::try_from).collect::<Result<_, _>>()?,
    })
}

/// Counts.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn figures(store: &Store, now: Timestamp) -> Result<Figures, StoreError> {
    let now = now.instant();
    store
        .read("token figures", |mut connection| async move {
            sqlx::query_as!(
                Figures,
                r#"SELECT
                     (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1))
                         AS "api_keys_active!",
                     (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND expires_at <= $1) AS "api_keys_expired!",
                     (SELECT count(*) FROM refresh_tokens
                         WHERE used_at IS NULL AND revoked_at IS NULL AND expires_at > $1) AS "sessions!",
                     (SELECT count(*) FROM revoked_tokens WHERE expires_at > $1) AS "revoked!""#,
                now
            )
            .fetch_one(&mut *connection)
            .await
        })
        .await
}

/// Removes what nobody can use any more.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn sweep(store: &Store, ended_before: EndedBefore) -> Result<Swept, StoreError> {
    Ok(Swept {
        refresh_tokens: sessions::forget(store, ended_before.sessions).await?,
        revoked: revoked::forget(store, ended_before.checks).await?,
        signing_keys: signing_keys::forget(store, ended_before.checks).await?,
        api_keys: api_keys::forget(store, ended_before.api_keys).await?,
    })
}

fn hash_of(bytes: Vec<u8>) -> Result<Hash, StoreError> {
    bytes.try_into().map_err(|_| StoreError::unreadable("tokens", "a hash is not of 32 bytes"))
}

fn id_of<T: TryFrom<String, Error = vocabulary::ids::NotAnId>>(text: String) -> Result<T, StoreError> {
    T::try_from(text).map_err(|e| StoreError::unreadable("tokens", e))
}

/// Scopes as they stand in a row: an array of words, or nothing where there is no limit.
fn scopes_of(value: Option<Value>) -> Result<Option<Vec<String>>, StoreError> {
    value.map(|value| serde_json::from_value(value).map_err(|e| StoreError::unreadable("tokens", e))).transpose()
}

fn scopes_in(scopes: Option<&Vec<String>>) -> Option<Value> {
    scopes.map(|scopes| Value::from(scopes.clone()))
}
