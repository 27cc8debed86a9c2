//! Our own certificate authorities: one that issues, and those before it whose certificates are still in use.

use vocabulary::{Timestamp, ids::AuthorityId};

use super::{ROWS_MAX, id_of};
use crate::{Store, StoreError, Tx, telescopes::words, tx::bounded};

words! {
    /// Whether an authority issues.
    AuthorityState {
        /// It issues. There is one at most.
        Active = "active",
        /// It is trusted until it expires, but issues no more.
        Retiring = "retiring",
    }
}

/// An authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its id.
    pub id: AuthorityId,
    /// Its certificate.
    pub certificate_pem: String,
    /// Its key, sealed for [`private_key_place`].
    pub private_key_sealed: String,
    /// Whether it issues.
    pub state: AuthorityState,
    /// When it becomes valid.
    pub not_before: Timestamp,
    /// When it ends to be valid.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The place for which an authority's key is sealed.
pub fn private_key_place(id: &AuthorityId) -> String {
    format!("authorities|private_key_pem|{id}")
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    certificate_pem: String,
    private_key_pem: String,
    state: String,
    not_before: time::OffsetDateTime,
    expires_at: time::OffsetDateTime,
    created_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Authority {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            certificate_pem: row.certificate_pem,
            private_key_sealed: row.private_key_pem,
            state: row.state.parse()?,
            not_before: Timestamp::new(row.not_before),
            expires_at: Timestamp::new(row.expires_at),
            created_at: Timestamp::new(row.created_at),
        })
    }
}

/// Keeps a new authority.
///
/// # Errors
/// Another issues already, or the database does not answer within the bounds.
pub async fn insert(tx: &mut Tx, authority: &Authority) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO authorities (id, certificate_pem, private_key_pem, state, not_before, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        authority.id.as_str(),
        authority.certificate_pem,
        authority.private_key_sealed,
        authority.state.as_str(),
        authority.not_before.instant(),
        authority.expires_at.instant(),
        authority.created_at.instant()
    );
    let bound = tx.bound();
    bounded("authority insert", bound, statement.execute(tx.connection())).await.map(|_| ()).map_err(
        |error| match error {
            StoreError::Conflict { .. } => StoreError::Conflict { what: "another authority issues already".to_owned() },
            other => other,
        },
    )
}

/// Ends the issuing of the one that issues, if there is one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn retire(tx: &mut Tx) -> Result<(), StoreError> {
    let statement = sqlx::query!("UPDATE authorities SET state = 'retiring' WHERE state = 'active'");
    let bound = tx.bound();
    bounded("authority retire", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Forgets the authorities that expired before `instant`, and what they revoked.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove_expired(tx: &mut Tx, instant: Timestamp) -> Result<u64, StoreError> {
    let statement =
        sqlx::query!("DELETE FROM authorities WHERE state = 'retiring' AND expires_at < $1", instant.instant());
    let bound = tx.bound();
    let done = bounded("authorities remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected())
}

/// Seals a key anew; nothing happens where it is not as it was read.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn reseal(tx: &mut Tx, id: &AuthorityId, before: &str, after: &str) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE authorities SET private_key_pem = $3 WHERE id = $1 AND private_key_pem = $2",
        id.as_str(),
        before,
        after
    );
    let bound = tx.bound();
    bounded("authority reseal", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// All authorities, the newest first.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn all(store: &Store) -> Result<Vec<Authority>, StoreError> {
    let rows = store
        .read("authorities list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, certificate_pem, private_key_pem, state, not_before, expires_at, created_at
                 FROM authorities ORDER BY created_at DESC, id DESC LIMIT $1",
                ROWS_MAX
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    rows.into_iter().map(Authority::try_from).collect()
}
