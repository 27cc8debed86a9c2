//! Permissions, and which role or group has which.

use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{GroupId, PermissionId, RoleId},
};

use super::{id_of, named};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// Whether a permission lets something be done, or keeps it from being done whatever else allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It may be done.
    Allow,
    /// It may not be done.
    Deny,
}

impl Effect {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// The effect of this word; an unknown one allows nothing.
    pub(super) fn of(word: &str) -> Self {
        if word == "allow" { Self::Allow } else { Self::Deny }
    }
}

/// What is allowed or denied, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// The kind of thing; `*` for every kind.
    pub resource: String,
    /// What is done to it; `*` for everything.
    pub action: String,
    /// Whether it may be done.
    pub effect: Effect,
    /// The one thing that it is about, as `kind:id`; everywhere without one.
    pub scope: Option<String>,
}

impl Rule {
    /// It may be done, everywhere.
    pub fn allow(resource: &str, action: &str) -> Self {
        Self { resource: resource.to_owned(), action: action.to_owned(), effect: Effect::Allow, scope: None }
    }

    /// It may not be done anywhere.
    pub fn deny(resource: &str, action: &str) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(resource, action) }
    }

    /// The same in one place only.
    #[must_use]
    pub fn within(self, scope: &str) -> Self {
        Self { scope: Some(scope.to_owned()), ..self }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}:{}", self.effect.as_str(), self.resource, self.action)?;
        self.scope.as_ref().map_or(Ok(()), |scope| write!(f, " in {scope}"))
    }
}

/// A rule under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRow {
    /// Its id.
    pub id: PermissionId,
    /// What it says.
    pub rule: Rule,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who has permissions and hands them on to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A role.
    Role(RoleId),
    /// A group.
    Group(GroupId),
}

impl Holder {
    fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Role(id) => (Some(id.as_str()), None),
            Self::Group(id) => (None, Some(id.as_str())),
        }
    }
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    resource: String,
    action: String,
    effect: String,
    scope: Option<String>,
    created_at: time::OffsetDateTime,
}

impl TryFrom<Row> for PermissionRow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            rule: Rule {
                resource: row.resource,
                action: row.action,
                effect: Effect::of(&row.effect),
                scope: row.scope,
            },
            created_at: Timestamp::new(row.created_at),
        })
    }
}

/// The permission that says this, made where there is none. `fresh` is its id then.
///
/// # Errors
/// A word or the scope is none, or the database does not answer within the bounds.
pub async fn ensure(
    tx: &mut Tx,
    rule: &Rule,
    fresh: &PermissionId,
    now: Timestamp,
) -> Result<PermissionRow, StoreError> {
    let bound = tx.bound();
    let insert = sqlx::query!(
        "INSERT INTO permissions (id, resource, action, effect, scope, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (resource, action, effect, scope) DO NOTHING",
        fresh.as_str(),
        rule.resource,
        rule.action,
        rule.effect.as_str(),
        rule.scope,
        now.instant()
    );
    let done = bounded("permission ensure", bound, insert.execute(tx.connection())).await;
    done.map_err(|error| named(error, "permission", &rule.to_string()))?;
    find(tx, rule).await?.ok_or_else(|| StoreError::not_found("permission", rule))
}

/// The permission that says this, if there is one; nobody removes it before this transaction ends.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn find(tx: &mut Tx, rule: &Rule) -> Result<Option<PermissionRow>, StoreError> {
    let statement = sqlx::query_as!(
        Row,
        "SELECT id, resource, action, effect, scope, created_at FROM permissions
         WHERE resource = $1 AND action = $2 AND effect = $3 AND scope IS NOT DISTINCT FROM $4 FOR KEY SHARE",
        rule.resource,
        rule.action,
        rule.effect.as_str(),
        rule.scope
    );
    let bound = tx.bound();
    let row = bounded("permission find", bound, statement.fetch_optional(tx.connection())).await?;
    row.map(TryInto::try_into).transpose()
}

/// One permission.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &PermissionId) -> Result<PermissionRow, StoreError> {
    let row = store
        .read("permission get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, resource, action, effect, scope, created_at FROM permissions WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("permission", id))?.try_into()
}

/// The permissions, all or those of one holder, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, holder: Option<&Holder>, slice: &Slice) -> Result<Page<PermissionRow>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let (role, group) = holder.map_or((None, None), Holder::columns);
    let rows = store
        .read("permissions list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, resource, action, effect, scope, created_at FROM permissions p
                 WHERE ($1::text IS NULL
                       OR EXISTS (SELECT FROM role_permissions m WHERE m.permission_id = p.id AND m.role_id = $1))
                   AND ($2::text IS NULL
                       OR EXISTS (SELECT FROM group_permissions m WHERE m.permission_id = p.id AND m.group_id = $2))
                   AND ($3::text IS NULL OR id > $3)
                 ORDER BY id LIMIT $4",
                role,
                group,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let permissions = rows.into_iter().map(PermissionRow::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(permissions, slice, |permission| permission.id.to_string()))
}

/// Removes a permission from everybody who has it.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &PermissionId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM permissions WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("permission remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("permission", id)) } else { Ok(()) }
}

/// Whether the role has this permission.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn is_of_role(tx: &mut Tx, id: &PermissionId, role: &str) -> Result<bool, StoreError> {
    let statement = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM role_permissions WHERE permission_id = $1 AND role_id = $2) AS "is!""#,
        id.as_str(),
        role
    );
    let bound = tx.bound();
    bounded("permission of role", bound, statement.fetch_one(tx.connection())).await
}

/// Gives a permission to a role or a group. Tells whether it did not have it before.
///
/// # Errors
/// One of the two does not exist, or the database does not answer within the bounds.
pub async fn grant(tx: &mut Tx, holder: &Holder, id: &PermissionId, now: Timestamp) -> Result<bool, StoreError> {
    let (bound, connection) = (tx.bound(), tx.connection());
    let outcome = match holder {
        Holder::Role(role) => {
            let statement = sqlx::query!(
                "INSERT INTO role_permissions (role_id, permission_id, created_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                role.as_str(),
                id.as_str(),
                now.instant()
            );
            bounded("permission grant", bound, statement.execute(connection)).await
        }
        Holder::Group(group) => {
            let statement = sqlx::query!(
                "INSERT INTO group_permissions (group_id, permission_id, created_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                group.as_str(),
                id.as_str(),
                now.instant()
            );
            bounded("permission grant", bound, statement.execute(connection)).await
        }
    };
    let done = outcome.map_err(|error| match (error, holder) {
        (StoreError::Conflict { what }, _) if what.contains("permission_id_fkey") => {
            StoreError::not_found("permission", id)
        }
        (StoreError::Conflict { .. }, Holder::Role(role)) => StoreError::not_found("role", role),
        (StoreError::Conflict { .. }, Holder::Group(group)) => StoreError::not_found("group", group),
        (other, _) => other,
    })?;
    Ok(done.rows_affected() == 1)
}

/// Takes a permission from a role or a group. Tells whether it had it.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn withdraw(tx: &mut Tx, holder: &Holder, id: &PermissionId) -> Result<bool, StoreError> {
    let (bound, connection) = (tx.bound(), tx.connection());
    let done = match holder {
        Holder::Role(role) => {
            let statement = sqlx::query!(
                "DELETE FROM role_permissions WHERE role_id = $1 AND permission_id = $2",
                role.as_str(),
                id.as_str()
            );
            bounded("permission withdraw", bound, statement.execute(connection)).await?
        }
        Holder::Group(group) => {
            let statement = sqlx::query!(
                "DELETE FROM group_permissions WHERE group_id = $1 AND permission_id = $2",
                group.as_str(),
                id.as_str()
            );
            bounded("permission withdraw", bound, statement.execute(connection)).await?
        }
    };
    Ok(done.rows_affected() == 1)
}
