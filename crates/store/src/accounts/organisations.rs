//! Organisations: what accounts and groups belong to.

use vocabulary::{Timestamp, ids::OrganisationId};

use super::{id_of, named};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What it is called; no other one is.
    pub name: String,
    /// More about it.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    name: String,
    description: String,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Organisation {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            name: row.name,
            description: row.description,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new organisation, or what has changed of one; when it was made stays.
///
/// # Errors
/// Another one has its name, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, organisation: &Organisation) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO organisations (id, name, description, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
             updated_at = excluded.updated_at",
        organisation.id.as_str(),
        organisation.name,
        organisation.description,
        organisation.created_at.instant(),
        organisation.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("organisation put", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| named(error, "organisation", &organisation.name))
}

/// One organisation; nobody else changes it before this transaction ends.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn lock(tx: &mut Tx, id: &OrganisationId) -> Result<Organisation, StoreError> {
    let statement = sqlx::query_as!(
        Row,
        "SELECT id, name, description, created_at, updated_at FROM organisations WHERE id = $1 FOR NO KEY UPDATE",
        id.as_str()
    );
    let bound = tx.bound();
    let row = bounded("organisation lock", bound, statement.fetch_optional(tx.connection())).await?;
    row.ok_or_else(|| StoreError::not_found("organisation", id))?.try_into()
}

/// One organisation.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &OrganisationId) -> Result<Organisation, StoreError> {
    let row = store
        .read("organisation get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, created_at, updated_at FROM organisations WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("organisation", id))?.try_into()
}

/// The organisations, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, slice: &Slice) -> Result<Page<Organisation>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("organisations list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, created_at, updated_at FROM organisations
                 WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2",
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let organisations = rows.into_iter().map(Organisation::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(organisations, slice, |organisation| organisation.id.to_string()))
}

/// Removes an organisation without members.
///
/// # Errors
/// It does not exist, has members, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &OrganisationId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM organisations WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done =
        bounded("organisation remove", bound, statement.execute(tx.connection())).await.map_err(
            |error| match error {
                StoreError::Conflict { .. } => {
                    StoreError::Conflict { what: format!("organisation {id} still has accounts or groups") }
                }
                other => other,
            },
        )?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("organisation", id)) } else { Ok(()) }
}
