//! Groups of accounts, and who is in which.

use vocabulary::{
    Timestamp,
    ids::{GroupId, OrganisationId, UserId},
};

use super::{id_of, named};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What it is called; no other one is.
    pub name: String,
    /// More about it.
    pub description: String,
    /// Whose it is.
    pub organisation: Option<OrganisationId>,
    /// Whether it came with the program and stays.
    pub builtin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Which groups are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that this account is in.
    pub member: Option<UserId>,
    /// Those of this organisation.
    pub organisation: Option<OrganisationId>,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    name: String,
    description: String,
    organisation_id: Option<String>,
    builtin: bool,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Group {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            name: row.name,
            description: row.description,
            organisation: row.organisation_id.map(id_of).transpose()?,
            builtin: row.builtin,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new group, or what has changed of one; when it was made and whether it came with the program stay.
///
/// # Errors
/// Another one has its name, its organisation does not exist, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, group: &Group) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO groups (id, name, description, organisation_id, builtin, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
             organisation_id = excluded.organisation_id, updated_at = excluded.updated_at",
        group.id.as_str(),
        group.name,
        group.description,
        group.organisation.as_ref().map(OrganisationId::as_str),
        group.builtin,
        group.created_at.instant(),
        group.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("group put", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| named(error, "group", &group.name))
}

/// One group; nobody else changes it before this transaction ends.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn lock(tx: &mut Tx, id: &GroupId) -> Result<Group, StoreError> {
    let statement = sqlx::query_as!(
        Row,
        "SELECT id, name, description, organisation_id, builtin, created_at, updated_at FROM groups
         WHERE id = $1 FOR NO KEY UPDATE",
        id.as_str()
    );
    let bound = tx.bound();
    let row = bounded("group lock", bound, statement.fetch_optional(tx.connection())).await?;
    row.ok_or_else(|| StoreError::not_found("group", id))?.try_into()
}

/// One group.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &GroupId) -> Result<Group, StoreError> {
    let row = store
        .read("group get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, organisation_id, builtin, created_at, updated_at FROM groups WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("group", id))?.try_into()
}

/// The group with this id or, where there is none, of this name.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn find(store: &Store, text: &str) -> Result<Group, StoreError> {
    let row = store
        .read("group find", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, organisation_id, builtin, created_at, updated_at FROM groups
                 WHERE id = $1 OR lower(name) = lower($1) ORDER BY id = $1 DESC LIMIT 1",
                text
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("group", text))?.try_into()
}

/// The groups that fit, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Group>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("groups list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, organisation_id, builtin, created_at, updated_at FROM groups g
                 WHERE ($1::text IS NULL OR EXISTS (SELECT FROM user_groups m WHERE m.group_id = g.id AND m.user_id = $1))
                   AND ($2::text IS NULL OR organisation_id = $2) AND ($3::text IS NULL OR id > $3)
                 ORDER BY id LIMIT $4",
                filter.member.as_ref().map(UserId::as_str),
                filter.organisation.as_ref().map(OrganisationId::as_str),
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let groups = rows.into_iter().map(Group::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(groups, slice, |group| group.id.to_string()))
}

/// Removes a group; its members stay, without what it gave them.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &GroupId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM groups WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("group remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("group", id)) } else { Ok(()) }
}

/// Puts an account into a group. Tells whether it was not in it before.
///
/// # Errors
/// One of the two does not exist, or the database does not answer within the bounds.
pub async fn join(tx: &mut Tx, id: &GroupId, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO user_groups (user_id, group_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        user.as_str(),
        id.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("group join", bound, statement.execute(tx.connection())).await.map_err(|error| match error {
        StoreError::Conflict { what } if what.contains("user_id_fkey") => StoreError::not_found("user", user),
        StoreError::Conflict { what } if what.contains("group_id_fkey") => StoreError::not_found("group", id),
        other => other,
    })?;
    Ok(done.rows_affected() == 1)
}

/// Takes an account out of a group. Tells whether it was in it.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn leave(tx: &mut Tx, id: &GroupId, user: &UserId) -> Result<bool, StoreError> {
    let statement =
        sqlx::query!("DELETE FROM user_groups WHERE user_id = $1 AND group_id = $2", user.as_str(), id.as_str());
    let bound = tx.bound();
    let done = bounded("group leave", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}
