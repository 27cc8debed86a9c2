//! Roles, and who has which.

use vocabulary::{
    Timestamp,
    ids::{RoleId, UserId},
};

use super::{id_of, named};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id; that of a role which came with the program is its name.
    pub id: RoleId,
    /// What it is called; no other one is.
    pub name: String,
    /// More about it.
    pub description: String,
    /// Whether it came with the program and stays.
    pub builtin: bool,
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
    builtin: bool,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Role {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            name: row.name,
            description: row.description,
            builtin: row.builtin,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new role, or what has changed of one; when it was made and whether it came with the program stay.
///
/// # Errors
/// Another one has its name, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, role: &Role) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO roles (id, name, description, builtin, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
             updated_at = excluded.updated_at",
        role.id.as_str(),
        role.name,
        role.description,
        role.builtin,
        role.created_at.instant(),
        role.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("role put", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| named(error, "role", &role.name))
}

/// One role; nobody else changes it before this transaction ends.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn lock(tx: &mut Tx, id: &RoleId) -> Result<Role, StoreError> {
    let statement = sqlx::query_as!(
        Row,
        "SELECT id, name, description, builtin, created_at, updated_at FROM roles WHERE id = $1 FOR NO KEY UPDATE",
        id.as_str()
    );
    let bound = tx.bound();
    let row = bounded("role lock", bound, statement.fetch_optional(tx.connection())).await?;
    row.ok_or_else(|| StoreError::not_found("role", id))?.try_into()
}

/// One role.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &RoleId) -> Result<Role, StoreError> {
    let row = store
        .read("role get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, builtin, created_at, updated_at FROM roles WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("role", id))?.try_into()
}

/// The role with this id or, where there is none, of this name.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn find(store: &Store, text: &str) -> Result<Role, StoreError> {
    let row = store
        .read("role find", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, builtin, created_at, updated_at FROM roles
                 WHERE id = $1 OR lower(name) = lower($1) ORDER BY id = $1 DESC LIMIT 1",
                text
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("role", text))?.try_into()
}

/// The roles, all or those of one account, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, holder: Option<&UserId>, slice: &Slice) -> Result<Page<Role>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let holder = holder.map(UserId::as_str);
    let rows = store
        .read("roles list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, builtin, created_at, updated_at FROM roles r
                 WHERE ($1::text IS NULL OR EXISTS (SELECT FROM user_roles m WHERE m.role_id = r.id AND m.user_id = $1))
                   AND ($2::text IS NULL OR id > $2)
                 ORDER BY id LIMIT $3",
                holder,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let roles = rows.into_iter().map(Role::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(roles, slice, |role| role.id.to_string()))
}

/// Removes a role, and voids the tokens of those who had it.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &RoleId) -> Result<(), StoreError> {
    let bound = tx.bound();
    let void = sqlx::query!(
        "UPDATE users SET token_epoch = token_epoch + 1 WHERE id IN (SELECT user_id FROM user_roles WHERE role_id = $1)",
        id.as_str()
    );
    bounded("role remove", bound.clone(), void.execute(tx.connection())).await?;
    let statement = sqlx::query!("DELETE FROM roles WHERE id = $1", id.as_str());
    let done = bounded("role remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("role", id)) } else { Ok(()) }
}

/// Gives a role to an account. Tells whether it did not have it before.
///
/// # Errors
/// One of the two does not exist, or the database does not answer within the bounds.
pub async fn assign(tx: &mut Tx, id: &RoleId, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO user_roles (user_id, role_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        user.as_str(),
        id.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    let done =
        bounded("role assign", bound, statement.execute(tx.connection())).await.map_err(|error| match error {
            StoreError::Conflict { what } if what.contains("user_id_fkey") => StoreError::not_found("user", user),
            StoreError::Conflict { what } if what.contains("role_id_fkey") => StoreError::not_found("role", id),
            other => other,
        })?;
    Ok(done.rows_affected() == 1)
}

/// Takes a role from an account, and voids its tokens if it had it. Tells whether it had it.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn withdraw(tx: &mut Tx, id: &RoleId, user: &UserId) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "WITH gone AS (DELETE FROM user_roles WHERE user_id = $1 AND role_id = $2 RETURNING user_id)
         UPDATE users SET token_epoch = token_epoch + 1 WHERE id IN (SELECT user_id FROM gone)",
        user.as_str(),
        id.as_str()
    );
    let bound = tx.bound();
    let done = bounded("role withdraw", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}
