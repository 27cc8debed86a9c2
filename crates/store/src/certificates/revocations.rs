//! What our own authorities have revoked.

use vocabulary::{Timestamp, ids::AuthorityId};

use super::id_of;
use crate::{Store, StoreError, Tx, telescopes::words, tx::bounded};

words! {
    /// Why a certificate was revoked (RFC 5280, section 5.3.1).
    RevocationReason {
        /// Not said.
        Unspecified = "unspecified",
        /// Somebody else may have its key.
        KeyCompromise = "key-compromise",
        /// What it says of its owner is not so any more.
        AffiliationChanged = "affiliation-changed",
        /// Another stands in its place.
        Superseded = "superseded",
        /// Its owner is no more.
        CessationOfOperation = "cessation-of-operation",
        /// Its owner may not any more.
        PrivilegeWithdrawn = "privilege-withdrawn",
    }
}

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Who had issued it.
    pub authority: AuthorityId,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// What it was known by, if it was known here.
    pub domain: String,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub revoked_at: Timestamp,
    /// When nobody accepts it any more anyway.
    pub expires_at: Timestamp,
}

/// A row as the statement below brings it.
struct Row {
    authority_id: String,
    serial: String,
    domain: String,
    reason: String,
    revoked_at: time::OffsetDateTime,
    expires_at: time::OffsetDateTime,
}

/// Keeps a revocation; a second one of the same certificate changes nothing.
///
/// # Errors
/// The authority does not exist, or the database does not answer within the bounds.
pub async fn insert(tx: &mut Tx, revocation: &Revocation) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO revoked_certificates (authority_id, serial, domain, reason, revoked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (authority_id, serial) DO NOTHING",
        revocation.authority.as_str(),
        revocation.serial,
        revocation.domain,
        revocation.reason.as_str(),
        revocation.revoked_at.instant(),
        revocation.expires_at.instant()
    );
    let bound = tx.bound();
    bounded("revocation insert", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Forgets the revocations of what expired before `instant`.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove_expired(tx: &mut Tx, instant: Timestamp) -> Result<u64, StoreError> {
    let statement = sqlx::query!("DELETE FROM revoked_certificates WHERE expires_at < $1", instant.instant());
    let bound = tx.bound();
    let done = bounded("revocations remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected())
}

/// All revocations, the latest first. There is no limit: one that is left out would be a certificate that is accepted again.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn all(store: &Store) -> Result<Vec<Revocation>, StoreError> {
    let rows = store
        .read("revocations list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT authority_id, serial, domain, reason, revoked_at, expires_at FROM revoked_certificates
                 ORDER BY revoked_at DESC, serial"
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let revocation = |row: Row| {
        Ok(Revocation {
            authority: id_of(row.authority_id)?,
            serial: row.serial,
            domain: row.domain,
            reason: row.reason.parse()?,
            revoked_at: Timestamp::new(row.revoked_at),
            expires_at: Timestamp::new(row.expires_at),
        })
    };
    rows.into_iter().map(revocation).collect()
}
