//! What depends on more rows than the one that a message names: administrators are changed by administrators alone, and nobody raises
//! anybody, himself included, above what he has himself. Whether a message may be sent at all is the frame's to say.

mod cover;

use catalog::{Command, Needs};
use coordinator::Caller;
use store::accounts::{grants, permissions::Rule, users::User};
use vocabulary::{
    Fault,
    ids::{AccountName, ApiKeyId, OrganisationId, UserId},
};

use crate::{Cx, faults, guards::cover::Reach};

/// Whether the caller may do everything, and nothing of that is left out by what it came with.
fn is_unbounded(caller: &Caller) -> bool {
    caller.administrator && caller.scopes.as_ref().is_none_or(|scopes| scopes.permit("*", "*"))
}

fn refused(caller: &Caller, what: &str) -> Fault {
    Fault::forbidden(format!("{} may not {what}", caller.account)).hint("ask an administrator")
}

/// Refuses whoever is no administrator.
pub(crate) fn administrator(cx: &Cx, what: &str) -> Result<(), Fault> {
    if is_unbounded(cx.caller()) { Ok(()) } else { Err(refused(cx.caller(), what)) }
}

/// Refuses who came with a token or key that leaves something out: it is not to change what proves its owner.
pub(crate) fn whole(cx: &Cx) -> Result<(), Fault> {
    match cx.caller().scopes {
        None => Ok(()),
        Some(_) => {
            Err(refused(cx.caller(), "change what proves the account with a token or key that is good for less")
                .hint("log in with the password"))
        }
    }
}

/// The caller's own account, as a user.
pub(crate) fn own(cx: &Cx) -> Result<UserId, Fault> {
    cx.caller().user.clone().ok_or_else(|| faults::no_user(&cx.caller().account))
}

/// The user that a message is for: the one it names, else the caller. The frame lets only administrators name another; here it is seen
/// that what they came with leaves that in.
pub(crate) fn on_behalf(cx: &Cx, named: Option<UserId>) -> Result<UserId, Fault> {
    match named {
        Some(user) if !is_own(cx, &user) => {
            administrator(cx, "ask for another account")?;
            Ok(user)
        }
        Some(_) | None => own(cx),
    }
}

/// Whether a message names the caller, by id or by name.
pub(crate) fn is_own(cx: &Cx, user: &UserId) -> bool {
    cx.caller().user.as_ref() == Some(user) || cx.caller().account.as_str() == user.as_str()
}

/// Whether the caller may take this key back: his own, or as an administrator any. Another's is to him as if there were none.
pub(crate) fn key(cx: &Cx, owner: &UserId, named: Option<&UserId>, id: &ApiKeyId) -> Result<(), Fault> {
    let is_meant = named.is_none_or(|user| user == owner || is_own(cx, owner) && is_own(cx, user));
    if is_meant && (is_own(cx, owner) || is_unbounded(cx.caller())) {
        return Ok(());
    }
    Err(Fault::not_found(format!("API key {id} does not exist")).hint("security/key/list shows those there are"))
}

/// Whether what the message needs is the caller's in one of these scopes, for what the frame does not know that it is about.
pub(crate) fn within<M: Command>(cx: &Cx, scopes: &[String]) -> Result<(), Fault> {
    let (caller, Needs::Right(right)) = (cx.caller(), M::NEEDS) else { return Ok(()) };
    if is_unbounded(caller) {
        return Ok(());
    }
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let account = account_of(cx);
    let is_there = caller.leaves_in(right) && cx.given.rights.check_within(&account, right, &scopes).allowed;
    let place = scopes.last().copied().unwrap_or("everything");
    if is_there { Ok(()) } else { Err(Fault::forbidden(format!("{account} lacks {right} for {place}"))) }
}

/// The same for what belongs to this organisation from now on, or to none.
pub(crate) fn organisation<M: Command>(cx: &Cx, organisation: Option<&OrganisationId>) -> Result<(), Fault> {
    within::<M>(cx, &organisation.map(|id| format!("organisation:{id}")).into_iter().collect::<Vec<_>>())
}

/// Whether the caller may change this account.
pub(crate) fn user(cx: &Cx, user: &User) -> Result<(), Fault> {
    if is_administrator(cx, &user.username) { administrator(cx, "change an administrator") } else { Ok(()) }
}

/// Whether the caller may get hold of this account: whoever can act as it must not gain by that.
pub(crate) async fn take_over(cx: &Cx, target: &User) -> Result<(), Fault> {
    user(cx, target)?;
    if is_unbounded(cx.caller()) || cx.caller().user.as_ref() == Some(&target.id) {
        return Ok(());
    }
    let theirs = rules(cx, grants::Filter { user: Some(target.id.clone()), ..grants::Filter::default() }).await?;
    give(cx, &theirs).await
}

/// Whether the caller may let somebody have this: he has it himself.
pub(crate) async fn give(cx: &Cx, wanted: &[Rule]) -> Result<(), Fault> {
    covers(cx, wanted.iter().filter(|rule| rule.effect == store::accounts::permissions::Effect::Allow)).await
}

/// Whether the caller may let somebody lose this: where it denies something, he could have that himself.
pub(crate) async fn take(cx: &Cx, wanted: &[Rule]) -> Result<(), Fault> {
    covers(cx, wanted.iter().filter(|rule| rule.effect == store::accounts::permissions::Effect::Deny)).await
}

async fn covers(cx: &Cx, wanted: impl Iterator<Item = &Rule>) -> Result<(), Fault> {
    let (caller, wanted) = (cx.caller(), wanted.collect::<Vec<_>>());
    if is_unbounded(caller) || wanted.is_empty() {
        return Ok(());
    }
    let mine = match &caller.user {
        Some(user) => rules(cx, grants::Filter { user: Some(user.clone()), ..grants::Filter::default() }).await?,
        None => Vec::new(),
    };
    let reach = Reach { rules: &mine, scopes: caller.scopes.as_ref() };
    match wanted.into_iter().find(|rule| !reach.covers(rule)) {
        None => Ok(()),
        Some(rule) => {
            let (what, place) = (format!("{}:{}", rule.resource, rule.action), rule.scope.as_deref().unwrap_or("all"));
            Err(refused(caller, &format!("hand {what} for {place} on without having it")))
        }
    }
}

/// Whether the caller may change what a role or group hands on: not that of administrators, whom a denial would bind.
pub(crate) fn holder(cx: &Cx, named: &HolderName<'_>) -> Result<(), Fault> {
    let snapshot = cx.given.rights.snapshot();
    let has = |account: &engine_accounts::rights::Account| match named {
        HolderName::Role(name) => account.roles.iter().any(|role| role == name),
        HolderName::Group(name) => account.groups.iter().any(|group| group == name),
    };
    if snapshot.accounts().any(|account| account.administrator && has(account)) {
        return administrator(cx, "change what administrators may do");
    }
    Ok(())
}

/// A role or group by its name.
pub(crate) enum HolderName<'a> {
    Role(&'a str),
    Group(&'a str),
}

/// Every rule of those that fit.
pub(crate) async fn rules(cx: &Cx, filter: grants::Filter) -> Result<Vec<Rule>, Fault> {
    cx.accounts.rules(&filter).await.map_err(faults::of_accounts)
}

/// The account whose rights count for the caller: its user's, where a key of that user came.
pub(crate) fn account_of(cx: &Cx) -> AccountName {
    let snapshot = cx.given.rights.snapshot();
    let user = cx.caller().user.as_ref().and_then(|id| snapshot.account_of(id));
    user.map_or_else(|| cx.caller().account.clone(), |user| user.username.clone())
}

fn is_administrator(cx: &Cx, account: &AccountName) -> bool {
    // A disabled one as well: it could be enabled again.
    cx.given.rights.snapshot().account(account).is_some_and(|account| account.administrator)
}
