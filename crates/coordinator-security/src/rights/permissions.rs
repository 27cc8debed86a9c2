//! Permissions: granted, withdrawn, listed, and asked for.

use catalog::{
    Done,
    security::{
        CheckPermission, Decision, GrantPermission, Holder as Named, ListPermissions, Permissions, RightsChange,
        RightsChanged, Rule, WithdrawPermission,
    },
};
use engine_accounts::Reason;
use store::accounts::{
    grants::Filter,
    permissions::{self, Holder},
};
use vocabulary::{
    Fault,
    ids::{AccountName, GroupId, RoleId, UserId},
};

use crate::{
    Cx,
    announce::rights_change,
    faults::of_accounts,
    guards::{self, HolderName},
    rights::{resolve_group, resolve_role},
    shown,
};

/// Whether somebody may do something, from memory.
pub(crate) async fn check(cx: Cx, check: CheckPermission) -> Result<Decision, Fault> {
    let CheckPermission { user_id, resource, action, scope } = check;
    let is_own = user_id.as_ref().is_none_or(|user| guards::is_own(&cx, user));
    let account = match &user_id {
        Some(user) if !is_own => named(&cx, user),
        _ => guards::account_of(&cx),
    };
    let right = (resource.as_str(), action.as_str());
    let decision = cx.given.rights.check(&account, right, scope.as_deref());
    let left_out = is_own && cx.caller().scopes.as_ref().is_some_and(|scopes| !scopes.permit(right.0, right.1));
    let what = format!("{resource}:{action}");
    Ok(match decision.reason {
        Reason::Granted if left_out => Decision { allowed: false, reason: format!("the token leaves {what} out") },
        Reason::Granted => Decision { allowed: true, reason: format!("{what} is allowed") },
        Reason::Denied => Decision { allowed: false, reason: format!("{what} is denied") },
        Reason::NotGranted => Decision { allowed: false, reason: format!("nothing allows {what}") },
        Reason::Disabled => Decision { allowed: false, reason: format!("{account} is disabled") },
        Reason::UnknownAccount => Decision { allowed: false, reason: format!("{account} is no user's account") },
    })
}

/// The account of this id or, as earlier programs had it, of this name.
fn named(cx: &Cx, user: &UserId) -> AccountName {
    let rights = cx.given.rights.snapshot();
    let name = || user.as_str().parse().ok();
    rights
        .account_of(user)
        .map(|account| account.username.clone())
        .or_else(name)
        .unwrap_or_else(|| guards::account_of(cx))
}

/// Those that were granted.
pub(crate) async fn list(cx: Cx, list: ListPermissions) -> Result<Permissions, Fault> {
    let ListPermissions { role_id, group_id, user_id, resource, limit, cursor } = list;
    let filter = Filter { role: role_id, group: group_id, user: user_id, resource };
    let page = cx.accounts.grants(&filter, &shown::slice(limit, cursor)).await.map_err(of_accounts)?;
    let permissions = page.items.into_iter().map(shown::permission).collect();
    Ok(Permissions { permissions, next: shown::next(page.next) })
}

/// Grants one to a role or group.
pub(crate) async fn grant(cx: Cx, grant: GrantPermission) -> Result<Done, Fault> {
    let GrantPermission { role_id, group_id, resource, action, effect, scope } = grant;
    let holder = holder(&cx, role_id, group_id).await?;
    let rule = shown::rule_row(Rule { resource, action, effect, scope });
    guards::give(&cx, std::slice::from_ref(&rule)).await?;
    cx.note("rule", rule.to_string());
    let mut tx = cx.begin().await?;
    let granted = cx.accounts.grant(&mut tx, &holder, &rule).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if granted {
        cx.refresh().await;
        tell(&cx, RightsChange::PermissionGranted, &holder, rule).await;
    }
    Ok(done)
}

/// Takes one from a role or group.
pub(crate) async fn withdraw(cx: Cx, withdraw: WithdrawPermission) -> Result<Done, Fault> {
    let WithdrawPermission { role_id, group_id, resource, action, effect, scope } = withdraw;
    let holder = holder(&cx, role_id, group_id).await?;
    let rule = shown::rule_row(Rule { resource, action, effect, scope });
    guards::take(&cx, std::slice::from_ref(&rule)).await?;
    cx.note("rule", rule.to_string());
    let mut tx = cx.begin().await?;
    let withdrawn = cx.accounts.withdraw(&mut tx, &holder, &rule).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if withdrawn {
        cx.refresh().await;
        tell(&cx, RightsChange::PermissionWithdrawn, &holder, rule).await;
    }
    Ok(done)
}

/// The role or group that a message names, if the caller may change what it hands on.
async fn holder(cx: &Cx, role: Option<RoleId>, group: Option<GroupId>) -> Result<Holder, Fault> {
    match Named::of(role, group)? {
        Named::Role(id) => {
            let role = resolve_role(cx, id.as_str()).await?;
            guards::holder(cx, &HolderName::Role(&role.name))?;
            Ok(Holder::Role(role.id))
        }
        Named::Group(id) => {
            let group = resolve_group(cx, id.as_str()).await?;
            guards::holder(cx, &HolderName::Group(&group.name))?;
            Ok(Holder::Group(group.id))
        }
    }
}

async fn tell(cx: &Cx, change: RightsChange, holder: &Holder, rule: permissions::Rule) {
    let (role_id, group_id) = match holder {
        Holder::Role(role) => (Some(role.clone()), None),
        Holder::Group(group) => (None, Some(group.clone())),
    };
    let change = rights_change(cx, change);
    cx.announce(&RightsChanged { role_id, group_id, rule: Some(shown::rule(rule)), ..change }).await;
}
