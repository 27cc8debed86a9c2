//! Roles: named sets of permissions, and who has them.

use catalog::{
    Done,
    security::{
        AssignRole, CreateRole, DeleteRole, GetRole, ListRoles, OneRole, RemoveRole, RightsChange, RightsChanged,
        Roles, UpdateRole, WhichRole,
    },
};
use store::accounts::{grants, permissions::Rule, roles::Role};
use vocabulary::{
    Fault,
    ids::{RoleId, UserId},
};

use crate::{
    Cx,
    announce::{self, rights_change},
    faults::of_accounts,
    guards::{self, HolderName},
    shown,
};

/// Makes a role.
pub(crate) async fn create(cx: Cx, create: CreateRole) -> Result<OneRole, Fault> {
    let mut tx = cx.begin().await?;
    let role = cx.accounts.create_role(&mut tx, &create.name, &create.description).await.map_err(of_accounts)?;
    let (id, reply) = (role.id.clone(), OneRole { role: shown::role(role) });
    cx.is_about(id.to_string());
    let reply = cx.commit(tx, reply).await?;
    tell(&cx, RightsChange::RoleCreated, id).await;
    Ok(reply)
}

/// Changes what a role is called.
pub(crate) async fn update(cx: Cx, update: UpdateRole) -> Result<OneRole, Fault> {
    let UpdateRole { role_id, name, description } = update;
    let mut tx = cx.begin().await?;
    let role = cx.accounts.update_role(&mut tx, &role_id, name.as_deref(), description.as_deref()).await;
    let reply = cx.commit(tx, OneRole { role: shown::role(role.map_err(of_accounts)?) }).await?;
    cx.refresh().await;
    tell(&cx, RightsChange::RoleUpdated, role_id).await;
    Ok(reply)
}

/// Deletes a role. Who had it loses what it denied as well.
pub(crate) async fn delete(cx: Cx, delete: DeleteRole) -> Result<Done, Fault> {
    let role = cx.accounts.role(&delete.role_id).await.map_err(of_accounts)?;
    guards::holder(&cx, &HolderName::Role(&role.name))?;
    guards::take(&cx, &rules(&cx, &role.id).await?).await?;
    cx.note("name", role.name.as_str());
    let mut tx = cx.begin().await?;
    cx.accounts.remove_role(&mut tx, &role.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    tell(&cx, RightsChange::RoleDeleted, role.id).await;
    Ok(done)
}

/// One role.
pub(crate) async fn get(cx: Cx, get: GetRole) -> Result<OneRole, Fault> {
    let role = which(&cx, get.role_id, get.role).await?;
    Ok(OneRole { role: shown::role(role) })
}

/// Those that fit.
pub(crate) async fn list(cx: Cx, list: ListRoles) -> Result<Roles, Fault> {
    let slice = shown::slice(list.limit, list.cursor);
    let page = cx.accounts.roles(list.user_id.as_ref(), &slice).await.map_err(of_accounts)?;
    Ok(Roles { roles: page.items.into_iter().map(shown::role).collect(), next: shown::next(page.next) })
}

/// Gives a role to an account.
pub(crate) async fn assign(cx: Cx, assign: AssignRole) -> Result<Done, Fault> {
    let role = which(&cx, assign.role_id, assign.role).await?;
    let user = cx.accounts.user(&assign.user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    guards::give(&cx, &rules(&cx, &role.id).await?).await?;
    cx.note("role", role.name.as_str());
    let mut tx = cx.begin().await?;
    let assigned = cx.accounts.assign_role(&mut tx, &role.id, &user.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if assigned {
        cx.refresh().await;
        tell_of(&cx, RightsChange::RoleAssigned, role.id, user.id).await;
    }
    Ok(done)
}

/// Takes a role from an account.
pub(crate) async fn remove(cx: Cx, remove: RemoveRole) -> Result<Done, Fault> {
    let role = which(&cx, remove.role_id, remove.role).await?;
    let user = cx.accounts.user(&remove.user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    guards::take(&cx, &rules(&cx, &role.id).await?).await?;
    cx.note("role", role.name.as_str());
    let mut tx = cx.begin().await?;
    let removed = cx.accounts.withdraw_role(&mut tx, &role.id, &user.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if removed {
        cx.refresh().await;
        tell_of(&cx, RightsChange::RoleRemoved, role.id, user.id.clone()).await;
        announce::user_revoked(&cx, &user, "role").await;
    }
    Ok(done)
}

/// The role of this id or name.
pub(crate) async fn resolve(cx: &Cx, text: &str) -> Result<Role, Fault> {
    cx.accounts.role_named(text).await.map_err(of_accounts)
}

async fn which(cx: &Cx, id: Option<RoleId>, name: Option<String>) -> Result<Role, Fault> {
    match WhichRole::of(id, name)? {
        WhichRole::Id(id) => resolve(cx, id.as_str()).await,
        WhichRole::Name(name) => resolve(cx, &name).await,
    }
}

/// What a role hands on.
pub(crate) async fn rules(cx: &Cx, role: &RoleId) -> Result<Vec<Rule>, Fault> {
    guards::rules(cx, grants::Filter { role: Some(role.clone()), ..grants::Filter::default() }).await
}

async fn tell(cx: &Cx, change: RightsChange, role: RoleId) {
    cx.announce(&RightsChanged { role_id: Some(role), ..rights_change(cx, change) }).await;
}

async fn tell_of(cx: &Cx, change: RightsChange, role: RoleId, user: UserId) {
    let change = rights_change(cx, change);
    cx.announce(&RightsChanged { role_id: Some(role), user_id: Some(user), ..change }).await;
}
