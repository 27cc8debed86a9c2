//! Accounts: made, changed, disabled, enabled, unlocked.

use std::time::Duration;

use catalog::{
    Done, Party, Secret,
    security::{CreateUser, DeleteUser, EnableUser, NewUser, OneUser, UnlockUser, UpdateUser, UserChange, UserCreated},
};
use engine_accounts::{ExposeSecret as _, NewUser as Wanted, SecretString, UserChange as Change};
use engine_tokens::Which;
use store::{
    Tx,
    accounts::{
        groups::Group,
        roles::Role,
        users::{MustChange, User},
    },
};
use vocabulary::{
    Fault, Timestamp,
    ids::{AccountName, GroupId, OrganisationId, RoleId, UserId},
};

use super::finding::one;
use crate::{
    Cx, Security,
    announce::{author, user_changed, user_revoked},
    faults::of_accounts,
    guards, rights, shown,
};

/// Makes an account.
pub(crate) async fn create(cx: Cx, create: CreateUser) -> Result<NewUser, Fault> {
    let CreateUser { username, email, password, organisation_id, roles, groups, enabled } = create;
    check_name(&username)?;
    guards::organisation::<CreateUser>(&cx, organisation_id.as_ref())?;
    let (roles, groups) = memberships(&cx, &roles, &groups).await?;
    let chosen = password.as_ref().map(|password| SecretString::from(password.expose()));
    let wanted = wanted(&cx, username, email, organisation_id, password).await?;
    let mut tx = cx.begin().await?;
    let mut user = cx.accounts.create_user(&mut tx, &wanted).await.map_err(of_accounts)?;
    for role in &roles {
        cx.accounts.assign_role(&mut tx, &role.id, &user.id).await.map_err(of_accounts)?;
    }
    for group in &groups {
        cx.accounts.join_group(&mut tx, &group.id, &user.id).await.map_err(of_accounts)?;
    }
    if enabled == Some(false) {
        user = cx.accounts.disable_user(&mut tx, &user.id).await.map_err(of_accounts)?;
    }
    let secret = if chosen.is_some() { None } else { Some(setup_secret(&cx, &mut tx, &user.id).await?) };
    cx.is_about(user.id.to_string());
    cx.note("username", user.username.as_str());
    let (setup_secret, setup_expires_at) = secret.unzip();
    let reply = NewUser { user: shown::user(user), setup_secret, setup_expires_at };
    let reply = cx.commit(tx, reply).await?;
    cx.refresh().await;
    match (&chosen, &reply.setup_secret) {
        (Some(password), _) => cx.doors.password_known(&reply.user.username, password).await,
        (None, Some(secret)) => {
            cx.doors.one_time_secret_known(&reply.user.username, &SecretString::from(secret.expose())).await;
        }
        (None, None) => {}
    }
    cx.announce(&UserCreated { user: reply.user.clone(), changed_by: author(&cx) }).await;
    Ok(reply)
}

/// Refuses names that belong to other parties on the bus.
pub(super) fn check_name(username: &AccountName) -> Result<(), Fault> {
    if Party::is_free_for_users(username) {
        return Ok(());
    }
    Err(Fault::invalid(format!("{username} is no name for a user: processes, plugins and keys are called so"))
        .hint("choose another one"))
}

/// The roles and groups that a new account is to have, if the caller may give them.
async fn memberships(cx: &Cx, roles: &[RoleId], groups: &[GroupId]) -> Result<(Vec<Role>, Vec<Group>), Fault> {
    let (mut its_roles, mut its_groups) = (Vec::new(), Vec::new());
    for role in roles {
        let role = rights::resolve_role(cx, role.as_str()).await?;
        guards::give(cx, &rights::rules_of_role(cx, &role.id).await?).await?;
        its_roles.push(role);
    }
    for group in groups {
        let group = rights::resolve_group(cx, group.as_str()).await?;
        guards::within::<catalog::security::AddMember>(cx, &cx.scopes_of(group.id.as_str()))?;
        guards::give(cx, &rights::rules_of_group(cx, &group.id).await?).await?;
        its_groups.push(group);
    }
    Ok((its_roles, its_groups))
}

async fn wanted(
    cx: &Cx,
    username: AccountName,
    email: Option<String>,
    organisation: Option<OrganisationId>,
    password: Option<Secret>,
) -> Result<Wanted, Fault> {
    let password = match password {
        Some(password) => {
            let password = SecretString::from(password.expose());
            Some(cx.accounts.prepare_password(&username, &password).await.map_err(of_accounts)?)
        }
        None => None,
    };
    let is_anothers_choice = password.is_some() && cx.settings().initial_password_must_change;
    let must_change = if is_anothers_choice { MustChange::Yes } else { MustChange::No };
    Ok(Wanted { email, organisation, password, must_change, ..Wanted::person(username) })
}

async fn setup_secret(cx: &Cx, tx: &mut Tx, user: &UserId) -> Result<(Secret, Timestamp), Fault> {
    let secret = cx.accounts.issue_password_secret(tx, user).await.map_err(of_accounts)?;
    Ok((Secret::new(secret.expose_secret()), cx.setup_end()))
}

impl Security {
    /// When a one-time secret ends that is made now.
    pub(crate) fn setup_end(&self) -> Timestamp {
        self.clock.now().plus(Duration::from_secs(u64::from(self.settings().accounts.setup_secret_hours) * 3600))
    }
}

/// Changes an account.
pub(crate) async fn update(cx: Cx, update: UpdateUser) -> Result<OneUser, Fault> {
    let UpdateUser { user_id, username, email, enabled, organisation_id, leave_organisation } = update;
    let user = cx.accounts.user(&user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    if username.is_some_and(|name| name != user.username) {
        return Err(Fault::invalid(format!(
            "user {} keeps its name, which tokens and the audit trail know it by",
            user.username
        ))
        .hint("disable it and make another account"));
    }
    let organisation = rights::other_organisation(organisation_id, leave_organisation)?;
    if let Some(organisation) = &organisation {
        guards::organisation::<UpdateUser>(&cx, organisation.as_ref())?;
    }
    let change = Change {
        email: email.map(|email| Some(email).filter(|email| !email.is_empty())),
        organisation,
        enabled,
        must_change_password: None,
    };
    let mut tx = cx.begin().await?;
    let changed = cx.accounts.update_user(&mut tx, &user_id, &change).await.map_err(of_accounts)?;
    let what = match (user.enabled, changed.enabled) {
        (true, false) => UserChange::Disabled,
        (false, true) => UserChange::Enabled,
        (true, true) | (false, false) => UserChange::Updated,
    };
    if what == UserChange::Disabled {
        end_sessions(&cx, &mut tx, &user_id, "disabled").await?;
    }
    let reply = one(&cx, changed.clone()).await?;
    let reply = cx.commit(tx, reply).await?;
    cx.refresh().await;
    if what == UserChange::Disabled {
        user_revoked(&cx, &changed, "disabled").await;
    }
    user_changed(&cx, changed, what).await;
    Ok(reply)
}

/// Lets an account not be used any more.
pub(crate) async fn delete(cx: Cx, delete: DeleteUser) -> Result<Done, Fault> {
    let user = cx.accounts.user(&delete.user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    cx.note("username", user.username.as_str());
    let mut tx = cx.begin().await?;
    let user = cx.accounts.disable_user(&mut tx, &user.id).await.map_err(of_accounts)?;
    end_sessions(&cx, &mut tx, &user.id, "disabled").await?;
    cx.tokens.revoke_api_keys_of_in(&mut tx, &user.id).await?;
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    user_revoked(&cx, &user, "disabled").await;
    user_changed(&cx, user, UserChange::Disabled).await;
    Ok(done)
}

/// Lets it be used again.
pub(crate) async fn enable(cx: Cx, enable: EnableUser) -> Result<Done, Fault> {
    let user = cx.accounts.user(&enable.user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    cx.note("username", user.username.as_str());
    let mut tx = cx.begin().await?;
    let user = cx.accounts.enable_user(&mut tx, &user.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    user_changed(&cx, user, UserChange::Enabled).await;
    Ok(done)
}

/// Forgets its failed logins.
pub(crate) async fn unlock(cx: Cx, unlock: UnlockUser) -> Result<Done, Fault> {
    let user = cx.accounts.user(&unlock.user_id).await.map_err(of_accounts)?;
    guards::user(&cx, &user)?;
    cx.note("username", user.username.as_str());
    let mut tx = cx.begin().await?;
    cx.accounts.unlock_user(&mut tx, &user.username).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    user_changed(&cx, user, UserChange::Unlocked).await;
    Ok(done)
}

/// Ends the sessions of an account, in the transaction of what ends them.
pub(super) async fn end_sessions(cx: &Cx, tx: &mut Tx, user: &UserId, reason: &str) -> Result<(), Fault> {
    cx.tokens.end_sessions_in(tx, Which::OfUser { user, but: None }, reason).await?;
    Ok(())
}

/// An account as it is now.
pub(super) async fn current(cx: &Cx, id: &UserId) -> Result<User, Fault> {
    cx.accounts.user(id).await.map_err(of_accounts)
}
