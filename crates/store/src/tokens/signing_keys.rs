//! The keys that tokens are signed with: announced, in use, going out of use, or taken back.

use sqlx::PgConnection;
use vocabulary::{Timestamp, ids::SigningKeyId};

use super::id_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// The key of the advisory lock under which keys change their states.
const LOCK: i64 = 0x0b5b_1f0e_5e0c_4a11;

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// HMAC with SHA-256 (RFC 7518 §3.2).
    Hs256,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// It is published and will sign.
    Next,
    /// It signs.
    Active,
    /// It signs no more; its tokens are good until they expire.
    Retiring,
    /// Its tokens are refused.
    Revoked,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// What tokens name it by.
    pub kid: SigningKeyId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The private key or the shared secret, sealed for its row.
    pub private_sealed: String,
    /// The 32 bytes of an Ed25519 public key.
    pub public_key: Option<Vec<u8>>,
    /// Where it is in its life.
    pub state: KeyState,
    /// The longest life that a token signed with it may have got, in seconds.
    pub longest_token_seconds: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// It signs from then on.
    pub not_before: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When its last token has expired.
    pub retire_at: Option<Timestamp>,
}

impl Algorithm {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "eddsa",
            Self::Hs256 => "hs256",
        }
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        let known = [Self::EdDsa, Self::Hs256].into_iter().find(|algorithm| algorithm.as_str() == word);
        known.ok_or_else(|| StoreError::unreadable("signing keys", format!("{word} is no algorithm")))
    }
}

impl KeyState {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        let all = [Self::Next, Self::Active, Self::Retiring, Self::Revoked];
        let known = all.into_iter().find(|state| state.as_str() == word);
        known.ok_or_else(|| StoreError::unreadable("signing keys", format!("{word} is no state")))
    }
}

impl SigningKey {
    /// The place that its private half is sealed for.
    pub fn place(kid: &SigningKeyId) -> String {
        format!("signing_keys|private_sealed|{kid}")
    }
}

/// A row as the statements below bring it.
pub(super) struct Row {
    kid: String,
    algorithm: String,
    private_sealed: String,
    public_key: Option<Vec<u8>>,
    state: String,
    longest_token_seconds: i64,
    created_at: time::OffsetDateTime,
    not_before: time::OffsetDateTime,
    activated_at: Option<time::OffsetDateTime>,
    retire_at: Option<time::OffsetDateTime>,
}

impl TryFrom<Row> for SigningKey {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            kid: id_of(row.kid)?,
            algorithm: Algorithm::of(&row.algorithm)?,
            private_sealed: row.private_sealed,
            public_key: row.public_key,
            state: KeyState::of(&row.state)?,
            longest_token_seconds: row.longest_token_seconds,
            created_at: Timestamp::new(row.created_at),
            not_before: Timestamp::new(row.not_before),
            activated_at: row.activated_at.map(Timestamp::new),
            retire_at: row.retire_at.map(Timestamp::new),
        })
    }
}

/// All keys, oldest first.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn all(store: &Store) -> Result<Vec<SigningKey>, StoreError> {
    let rows = store.read("signing keys", |mut connection| async move { rows(&mut connection).await }).await?;
    rows.into_iter().map(SigningKey::try_from).collect()
}

/// The rows of all keys, oldest first.
pub(super) async fn rows(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT kid, algorithm, private_sealed, public_key, state, longest_token_seconds, created_at, not_before,
             activated_at, retire_at
         FROM signing_keys ORDER BY created_at, kid"
    )
    .fetch_all(connection)
    .await
}

/// All keys, which nobody else changes until the transaction ends.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn locked(tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
    let bound = tx.bound();
    let lock = sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK);
    bounded("signing key lock", bound.clone(), lock.execute(tx.connection())).await?;
    let rows = bounded("signing keys", bound, rows(tx.connection())).await?;
    rows.into_iter().map(SigningKey::try_from).collect()
}

/// Adds a key, or writes where it is in its life.
///
/// # Errors
/// There is another one that is next or active, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, key: &SigningKey) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO signing_keys (kid, algorithm, private_sealed, public_key, state, longest_token_seconds, created_at,
             not_before, activated_at, retire_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (kid) DO UPDATE SET private_sealed = excluded.private_sealed, state = excluded.state,
             longest_token_seconds = greatest(signing_keys.longest_token_seconds, excluded.longest_token_seconds),
             not_before = excluded.not_before, activated_at = excluded.activated_at, retire_at = excluded.retire_at",
        key.kid.as_str(),
        key.algorithm.as_str(),
        key.private_sealed,
        key.public_key,
        key.state.as_str(),
        key.longest_token_seconds,
        key.created_at.instant(),
        key.not_before.instant(),
        key.activated_at.map(Timestamp::instant),
        key.retire_at.map(Timestamp::instant)
    );
    let bound = tx.bound();
    bounded("signing key", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Removes a key that never signed.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove_next(tx: &mut Tx) -> Result<(), StoreError> {
    let bound = tx.bound();
    let statement = sqlx::query!("DELETE FROM signing_keys WHERE state = 'next'");
    bounded("signing key remove", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Removes keys that were to retire before `then`.
pub(super) async fn forget(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("signing keys forget", |mut connection| async move {
            sqlx::query!("DELETE FROM signing_keys WHERE retire_at < $1", then).execute(&mut *connection).await
        })
        .await?;
    Ok(done.rows_affected())
}
