//! Plugins that are let in, with the topics of their manifests; what else they may do is in a role of their own.

use vocabulary::{
    Timestamp,
    ids::{AccountName, RoleId, UserId},
};

use super::{
    id_of, named,
    permissions::{Effect, Rule},
};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// The topics of a plugin beside those that every plugin has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The topics on which it publishes, without wildcards.
    pub publishes: Vec<String>,
    /// The filters that it reads.
    pub reads: Vec<String>,
}

/// A plugin that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The id of its account.
    pub user: UserId,
    /// What it logs in as; the role of its own has the same name and id.
    pub account: AccountName,
    /// Whether the account may be used.
    pub enabled: bool,
    /// Its topics.
    pub manifest: Manifest,
    /// What its own role says.
    pub rules: Vec<Rule>,
    /// When it was let in.
    pub created_at: Timestamp,
    /// When it was let in again last.
    pub updated_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    user_id: String,
    username: String,
    enabled: bool,
    publishes: Vec<String>,
    reads: Vec<String>,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

/// A rule of a role as the statement below brings it.
struct RuleRow {
    role_id: String,
    resource: String,
    action: String,
    effect: String,
    scope: Option<String>,
}

/// Reads plugins; what follows is the rest of the statement and its parameters.
macro_rules! select {
    ($rest:tt $(, $parameter:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT m.user_id, u.username, u.enabled, m.publishes, m.reads, m.created_at, m.updated_at
             FROM plugin_manifests m JOIN users u ON u.id = m.user_id " + $rest
            $(, $parameter)*
        )
    };
}

impl Row {
    fn with(self, rules: &[RuleRow]) -> Result<Plugin, StoreError> {
        let own = rules.iter().filter(|rule| rule.role_id == self.username).map(|rule| Rule {
            resource: rule.resource.clone(),
            action: rule.action.clone(),
            effect: Effect::of(&rule.effect),
            scope: rule.scope.clone(),
        });
        Ok(Plugin {
            rules: own.collect(),
            user: id_of(self.user_id)?,
            account: id_of(self.username)?,
            enabled: self.enabled,
            manifest: Manifest { publishes: self.publishes, reads: self.reads },
            created_at: Timestamp::new(self.created_at),
            updated_at: Timestamp::new(self.updated_at),
        })
    }
}

/// Keeps the manifest of a plugin in place of the one that it has; since when it has one stays.
///
/// # Errors
/// The account does not exist, a topic is none or there are too many, or the database does not answer within the bounds.
pub async fn put(
    tx: &mut Tx,
    user: &UserId,
    account: &AccountName,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO plugin_manifests (user_id, publishes, reads, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (user_id) DO UPDATE SET publishes = excluded.publishes, reads = excluded.reads,
             updated_at = excluded.updated_at",
        user.as_str(),
        &manifest.publishes,
        &manifest.reads,
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("plugin put", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| match error {
        StoreError::Conflict { what } if what.contains("user_id_fkey") => StoreError::not_found("user", user),
        other => named(other, "account", account.as_str()),
    })
}

/// The account that a plugin has or had, and whether it is one of a plugin or node instead of a person's; nobody else changes it before
/// this transaction ends.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn lock_account(tx: &mut Tx, account: &AccountName) -> Result<Option<(UserId, bool)>, StoreError> {
    let statement = sqlx::query!(
        "SELECT id, is_service FROM users WHERE lower(username) = lower($1) AND username = $1 FOR NO KEY UPDATE",
        account.as_str()
    );
    let bound = tx.bound();
    let row = bounded("plugin lock", bound, statement.fetch_optional(tx.connection())).await?;
    row.map(|row| Ok((id_of(row.id)?, row.is_service))).transpose()
}

/// Leaves a plugin's account these roles and no group, and takes the permissions of the role of its own away.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn strip(tx: &mut Tx, user: &UserId, own: &RoleId, kept: &[RoleId]) -> Result<(), StoreError> {
    let bound = tx.bound();
    let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    let roles = sqlx::query!("DELETE FROM user_roles WHERE user_id = $1 AND role_id <> ALL ($2)", user.as_str(), &kept);
    bounded("plugin roles", bound.clone(), roles.execute(tx.connection())).await?;
    let groups = sqlx::query!("DELETE FROM user_groups WHERE user_id = $1", user.as_str());
    bounded("plugin groups", bound.clone(), groups.execute(tx.connection())).await?;
    let permissions = sqlx::query!("DELETE FROM role_permissions WHERE role_id = $1", own.as_str());
    bounded("plugin permissions", bound, permissions.execute(tx.connection())).await.map(|_| ())
}

/// The plugin with this account.
///
/// # Errors
/// There is none, or the database does not answer within the bounds.
pub async fn get(store: &Store, account: &AccountName) -> Result<Plugin, StoreError> {
    let row = store
        .read("plugin get", |mut connection| async move {
            select!("WHERE lower(u.username) = lower($1) AND u.username = $1", account.as_str())
                .fetch_optional(&mut *connection)
                .await
        })
        .await?;
    let row = row.ok_or_else(|| StoreError::not_found("plugin account", account))?;
    let rules = rules(store, vec![row.username.clone()]).await?;
    row.with(&rules)
}

/// The plugins that are let in, by account.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, slice: &Slice) -> Result<Page<Plugin>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("plugins list", |mut connection| async move {
            select!(
                "WHERE $1::text IS NULL OR lower(u.username) > $1 ORDER BY lower(u.username) LIMIT $2",
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let page = Page::of(rows, slice, |row| row.username.to_ascii_lowercase());
    let rules = rules(store, page.items.iter().map(|row| row.username.clone()).collect()).await?;
    let items = page.items.into_iter().map(|row| row.with(&rules)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next: page.next })
}

/// What these roles say, in a plain order.
async fn rules(store: &Store, roles: Vec<String>) -> Result<Vec<RuleRow>, StoreError> {
    let roles = &roles;
    store
        .read("plugins permissions", |mut connection| async move {
            sqlx::query_as!(
                RuleRow,
                "SELECT m.role_id, p.resource, p.action, p.effect, p.scope
                 FROM role_permissions m JOIN permissions p ON p.id = m.permission_id
                 WHERE m.role_id = ANY ($1) ORDER BY p.resource, p.action, p.effect, p.scope",
                roles
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await
}

/// Removes the manifest of a plugin. Tells whether it had one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, user: &UserId) -> Result<bool, StoreError> {
    let statement = sqlx::query!("DELETE FROM plugin_manifests WHERE user_id = $1", user.as_str());
    let bound = tx.bound();
    let done = bounded("plugin remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}
