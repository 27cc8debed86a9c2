//! Everything that bears on rights, in one consistent read; and the plain answer of the tables, which the compiled one is held against.

use sqlx::{Connection, PgConnection};
use vocabulary::ids::{AccountName, GroupId, OrganisationId, PermissionId, RoleId, UserId};

use super::{
    count_of, id_of,
    permissions::{Effect, Rule},
    plugins::Manifest,
};
use crate::{Store, StoreError};

/// The tables as they were at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// Grows with every change in the database; what was read later has no smaller one.
    pub generation: u64,
    /// Every account.
    pub accounts: Vec<Account>,
    /// Every role.
    pub roles: Vec<Holding<RoleId>>,
    /// Every group.
    pub groups: Vec<Holding<GroupId>>,
    /// Every permission.
    pub permissions: Vec<(PermissionId, Rule)>,
}

/// An account, as far as it bears on rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// What it logs in as.
    pub username: AccountName,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whose member it is.
    pub organisation: Option<OrganisationId>,
    /// Tokens issued under a smaller number are void.
    pub token_epoch: u64,
    /// Whether it belongs to a plugin or a node instead of a person.
    pub is_service: bool,
    /// Its roles.
    pub roles: Vec<RoleId>,
    /// The groups that it is in.
    pub groups: Vec<GroupId>,
    /// The topics of a plugin that is let in.
    pub manifest: Option<Manifest>,
}

/// A role or a group with what it hands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding<Id> {
    /// Its id.
    pub id: Id,
    /// What it is called.
    pub name: String,
    /// Its permissions.
    pub permissions: Vec<PermissionId>,
}

/// A question to the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Who wants to do something.
    pub username: String,
    /// To what kind of thing.
    pub resource: String,
    /// What is done to it.
    pub action: String,
    /// To which one.
    pub scope: Option<String>,
}

/// Reads the tables in one snapshot of the database.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn read(store: &Store) -> Result<Tables, StoreError> {
    read_and_probe(store, &[]).await.map(|(tables, _)| tables)
}

/// The same, with the answers that plain statements give in the same snapshot: whether some permission of the account's roles and groups
/// allows it, and none denies it.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn read_and_probe(store: &Store, probes: &[Probe]) -> Result<(Tables, Vec<bool>), StoreError> {
    let read = store
        .read("rights", |mut connection| async move {
            let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let mut snapshot = connection.begin_with(snapshot).await?;
            let rows = Rows::read(&mut snapshot).await?;
            let answers = if probes.is_empty() { Vec::new() } else { answers(&mut snapshot, probes).await? };
            snapshot.commit().await?;
            Ok((rows, answers))
        })
        .await?;
    Ok((read.0.try_into()?, read.1))
}

/// Rows as the statements below bring them.
struct Rows {
    generation: i64,
    accounts: Vec<AccountRow>,
    roles: Vec<HoldingRow>,
    groups: Vec<HoldingRow>,
    permissions: Vec<PermissionRow>,
}

struct AccountRow {
    id: String,
    username: String,
    enabled: bool,
    organisation_id: Option<String>,
    token_epoch: i64,
    is_service: bool,
    roles: Vec<String>,
    groups: Vec<String>,
    publishes: Option<Vec<String>>,
    reads: Option<Vec<String>>,
}

struct HoldingRow {
    id: String,
    name: String,
    permissions: Vec<String>,
}

struct PermissionRow {
    id: String,
    resource: String,
    action: String,
    effect: String,
    scope: Option<String>,
}

impl Rows {
    async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let generation =
            sqlx::query_scalar!(r#"SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS "generation!""#);
        let generation = generation.fetch_one(&mut *connection).await?;
        let accounts = sqlx::query_as!(
            AccountRow,
            r#"SELECT u.id, u.username, u.enabled, u.organisation_id, u.token_epoch, u.is_service,
                 ARRAY(SELECT role_id FROM user_roles m WHERE m.user_id = u.id ORDER BY 1) AS "roles!",
                 ARRAY(SELECT group_id FROM user_groups m WHERE m.user_id = u.id ORDER BY 1) AS "groups!",
                 p.publishes AS "publishes?", p.reads AS "reads?"
               FROM users u LEFT JOIN plugin_manifests p ON p.user_id = u.id ORDER BY u.id"#
        );
        let accounts = accounts.fetch_all(&mut *connection).await?;
        let roles = sqlx::query_as!(
            HoldingRow,
            r#"SELECT id, name,
                 ARRAY(SELECT permission_id FROM role_permissions m WHERE m.role_id = r.id ORDER BY 1) AS "permissions!"
               FROM roles r ORDER BY id"#
        );
        let roles = roles.fetch_all(&mut *connection).await?;
        let groups = sqlx::query_as!(
            HoldingRow,
            r#"SELECT id, name,
                 ARRAY(SELECT permission_id FROM group_permissions m WHERE m.group_id = g.id ORDER BY 1) AS "permissions!"
               FROM groups g ORDER BY id"#
        );
        let groups = groups.fetch_all(&mut *connection).await?;
        let permissions =
            sqlx::query_as!(PermissionRow, "SELECT id, resource, action, effect, scope FROM permissions ORDER BY id");
        let permissions = permissions.fetch_all(&mut *connection).await?;
        Ok(Self { generation, accounts, roles, groups, permissions })
    }
}

async fn answers(connection: &mut PgConnection, probes: &[Probe]) -> Result<Vec<bool>, sqlx::Error> {
    let column = |of: fn(&Probe) -> &str| probes.iter().map(|probe| of(probe).to_owned()).collect::<Vec<String>>();
    let usernames = column(|probe| &probe.username);
    let resources = column(|probe| &probe.resource);
    let actions = column(|probe| &probe.action);
    let scopes = column(|probe| probe.scope.as_deref().unwrap_or_default());
    sqlx::query_scalar!(
        r#"SELECT coalesce((
             SELECT bool_and(u.enabled) AND bool_or(p.effect = 'allow') AND NOT bool_or(p.effect = 'deny')
             FROM users u
             JOIN (SELECT user_id, permission_id FROM user_roles JOIN role_permissions USING (role_id)
                   UNION ALL
                   SELECT user_id, permission_id FROM user_groups JOIN group_permissions USING (group_id)) AS has
                 ON has.user_id = u.id
             JOIN permissions p ON p.id = has.permission_id
             WHERE u.username = probe.username AND p.resource IN ('*', probe.resource) AND p.action IN ('*', probe.action)
               AND (p.scope IS NULL OR p.scope = probe.scope)), false) AS "allowed!"
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
               AS probe (username, resource, action, scope, place)
           ORDER BY place"#,
        &usernames,
        &resources,
        &actions,
        &scopes
    )
    .fetch_all(connection)
    .await
}

impl TryFrom<Rows> for Tables {
    type Error = StoreError;
    fn try_from(rows: Rows) -> Result<Self, StoreError> {
        Ok(Self {
            generation: count_of(rows.generation),
            accounts: rows.accounts.into_iter().map(account).collect::<Result<_, _>>()?,
            roles: rows.roles.into_iter().map(holding).collect::<Result<_, _>>()?,
            groups: rows.groups.into_iter().map(holding).collect::<Result<_, _>>()?,
            permissions: rows.permissions.into_iter().map(permission).collect::<Result<_, _>>()?,
        })
    }
}

fn account(row: AccountRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: id_of(row.id)?,
        username: id_of(row.username)?,
        enabled: row.enabled,
        organisation: row.organisation_id.map(id_of).transpose()?,
        token_epoch: count_of(row.token_epoch),
        is_service: row.is_service,
        roles: row.roles.into_iter().map(id_of).collect::<Result<_, _>>()?,
        groups: row.groups.into_iter().map(id_of).collect::<Result<_, _>>()?,
        manifest: row.publishes.zip(row.reads).map(|(publishes, reads)| Manifest { publishes, reads }),
    })
}

fn holding<Id>(row: HoldingRow) -> Result<Holding<Id>, StoreError>
where
    Id: TryFrom<String, Error = vocabulary::ids::NotAnId>,
{
    let permissions = row.permissions.into_iter().map(id_of).collect::<Result<_, _>>()?;
    Ok(Holding { id: id_of(row.id)?, name: row.name, permissions })
}

fn permission(row: PermissionRow) -> Result<(PermissionId, Rule), StoreError> {
    let effect = Effect::of(&row.effect);
    let rule = Rule { resource: row.resource, action: row.action, effect, scope: row.scope };
    Ok((id_of(row.id)?, rule))
}
