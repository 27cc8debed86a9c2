//! Accounts found: one, those that fit, and the caller's own.

use catalog::security::{GetUser, ListUsers, Me, OneUser, Rule, Users, WhichUser, WhoAmI};
use store::accounts::{
    grants,
    users::{Filter, User},
};
use vocabulary::Fault;

use crate::{Cx, faults::of_accounts, guards, rights, shown};

/// One account.
pub(crate) async fn get(cx: Cx, get: GetUser) -> Result<OneUser, Fault> {
    let user = match WhichUser::of(get.user_id, get.username)? {
        WhichUser::Id(id) => cx.accounts.user(&id).await,
        WhichUser::Name(name) => cx.accounts.user_of_name(&name).await,
    };
    one(&cx, user.map_err(of_accounts)?).await
}

/// An account with what it has.
pub(super) async fn one(cx: &Cx, user: User) -> Result<OneUser, Fault> {
    let locked_until = cx.accounts.locked_until(&user.username).await.map_err(of_accounts)?;
    let (roles, groups) = names(cx, &user);
    Ok(OneUser { user: shown::user(user), roles, groups, locked_until })
}

/// The names of the roles and groups of an account.
fn names(cx: &Cx, user: &User) -> (Vec<String>, Vec<String>) {
    let rights = cx.given.rights.snapshot();
    let account = rights.account_of(&user.id);
    account.map(|account| (account.roles.clone(), account.groups.clone())).unwrap_or_default()
}

/// Those that fit.
pub(crate) async fn list(cx: Cx, list: ListUsers) -> Result<Users, Fault> {
    let ListUsers { search, enabled, organisation_id, role_id, group_id, limit, cursor } = list;
    guards::organisation::<ListUsers>(&cx, organisation_id.as_ref())?;
    let role = match role_id {
        Some(role) => Some(rights::resolve_role(&cx, role.as_str()).await?.id),
        None => None,
    };
    let group = match group_id {
        Some(group) => Some(rights::resolve_group(&cx, group.as_str()).await?.id),
        None => None,
    };
    let filter = Filter { enabled, organisation: organisation_id, group, role, search };
    let page = cx.accounts.users(&filter, &shown::slice(limit, cursor)).await.map_err(of_accounts)?;
    Ok(Users { users: page.items.into_iter().map(shown::user).collect(), next: shown::next(page.next) })
}

/// Who is asking.
pub(crate) async fn me(cx: Cx, _: Me) -> Result<WhoAmI, Fault> {
    let is_administrator = cx.caller().administrator;
    let Some(id) = cx.caller().user.clone() else {
        let username = cx.caller().account.clone();
        let (roles, groups, permissions) = Default::default();
        return Ok(WhoAmI { username, user: None, roles, groups, permissions, is_administrator });
    };
    let user = cx.accounts.user(&id).await.map_err(of_accounts)?;
    let rules = guards::rules(&cx, grants::Filter { user: Some(id), ..grants::Filter::default() }).await?;
    let mut permissions: Vec<Rule> = rules.into_iter().map(shown::rule).collect();
    // Two roles may hand the same on; the order has them side by side.
    permissions.dedup();
    let (roles, groups) = names(&cx, &user);
    let username = user.username.clone();
    Ok(WhoAmI { username, user: Some(shown::user(user)), roles, groups, permissions, is_administrator })
}
