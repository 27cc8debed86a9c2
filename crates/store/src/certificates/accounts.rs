//! Accounts at ACME directories: one for each directory, with sealed credentials.

use vocabulary::{Timestamp, ids::AcmeAccountId};

use super::id_of;
use crate::{Store, StoreError, Tx, tx::bounded};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeAccount {
    /// Its id here.
    pub id: AcmeAccountId,
    /// The directory that it is an account of.
    pub directory_url: String,
    /// Whom the directory writes to.
    pub contact: String,
    /// Its key and its address there, sealed for [`credentials_place`].
    pub credentials_sealed: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The place for which an account's credentials are sealed.
pub fn credentials_place(id: &AcmeAccountId) -> String {
    format!("acme_accounts|credentials|{id}")
}

/// A row as the statement below brings it.
struct Row {
    id: String,
    directory_url: String,
    contact: String,
    credentials: String,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

/// Keeps a new account, or what has changed of one.
///
/// # Errors
/// Its directory has another account, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, account: &AcmeAccount) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO acme_accounts (id, directory_url, contact, credentials, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET contact = excluded.contact, credentials = excluded.credentials,
             updated_at = excluded.updated_at",
        account.id.as_str(),
        account.directory_url,
        account.contact,
        account.credentials_sealed,
        account.created_at.instant(),
        account.updated_at.instant()
    );
    let bound = tx.bound();
    bounded("acme account put", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The account at a directory, if there is one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn find(store: &Store, directory_url: &str) -> Result<Option<AcmeAccount>, StoreError> {
    let row = store
        .read("acme account get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, directory_url, contact, credentials, created_at, updated_at
                 FROM acme_accounts WHERE directory_url = $1",
                directory_url
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    let account = |row: Row| {
        Ok(AcmeAccount {
            id: id_of(row.id)?,
            directory_url: row.directory_url,
            contact: row.contact,
            credentials_sealed: row.credentials,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    };
    row.map(account).transpose()
}

/// Forgets the account at a directory, if there is one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, directory_url: &str) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM acme_accounts WHERE directory_url = $1", directory_url);
    let bound = tx.bound();
    bounded("acme account remove", bound, statement.execute(tx.connection())).await.map(|_| ())
}
