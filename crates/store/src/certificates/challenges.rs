//! Challenges of ACME orders under way, which any of our faces may be asked for.

use vocabulary::Timestamp;

use super::{ChallengeKind, ROWS_MAX};
use crate::{Store, StoreError, Tx, tx::bounded};

/// A challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What the directory names it by.
    pub token: String,
    /// The domain that is to be proved.
    pub domain: String,
    /// How it is proved.
    pub kind: ChallengeKind,
    /// What is to be answered (RFC 8555, section 8.1).
    pub key_authorisation: String,
    /// When it is of no use any more.
    pub expires_at: Timestamp,
}

/// A row as the statement below brings it.
struct Row {
    token: String,
    domain: String,
    kind: String,
    key_authorisation: String,
    expires_at: time::OffsetDateTime,
}

/// Keeps a challenge.
///
/// # Errors
/// It can't be kept, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, challenge: &Challenge) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO acme_challenges (token, domain, kind, key_authorisation, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (token) DO UPDATE SET domain = excluded.domain, kind = excluded.kind,
             key_authorisation = excluded.key_authorisation, expires_at = excluded.expires_at",
        challenge.token,
        challenge.domain,
        challenge.kind.as_str(),
        challenge.key_authorisation,
        challenge.expires_at.instant()
    );
    let bound = tx.bound();
    bounded("challenge put", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Removes challenges that were answered, and those that expired before `instant`.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, tokens: &[String], instant: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "DELETE FROM acme_challenges WHERE token = ANY ($1) OR expires_at < $2",
        tokens,
        instant.instant()
    );
    let bound = tx.bound();
    bounded("challenges remove", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The challenges that are open at `instant`.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn open(store: &Store, instant: Timestamp) -> Result<Vec<Challenge>, StoreError> {
    let rows = store
        .read("challenges list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT token, domain, kind, key_authorisation, expires_at FROM acme_challenges
                 WHERE expires_at >= $1 ORDER BY token LIMIT $2",
                instant.instant(),
                ROWS_MAX
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let challenge = |row: Row| {
        Ok(Challenge {
            token: row.token,
            domain: row.domain,
            kind: row.kind.parse()?,
            key_authorisation: row.key_authorisation,
            expires_at: Timestamp::new(row.expires_at),
        })
    };
    rows.into_iter().map(challenge).collect()
}
