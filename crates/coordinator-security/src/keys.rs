//! API keys: a user's own, made once, listed without the key, taken back.

use catalog::{
    Done, Secret,
    security::{ApiKeys, CreateKey, KeyCreated, ListKeys, RevokeKey, Revoked, TokenRevoked},
};
use coordinator::Routes;
use engine_tokens::{NewApiKey, Scopes};
use vocabulary::{Fault, Timestamp};

use crate::{Cx, Security, faults, guards, shown};

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes.on(create).on(list).on(revoke)
}

/// Makes a key. It is in the answer and nowhere else.
async fn create(cx: Cx, create: CreateKey) -> Result<KeyCreated, Fault> {
    // Who took one that is good for less can't make it last.
    guards::whole(&cx)?;
    let CreateKey { name, scopes, expires_at, user_id } = create;
    let user_id = guards::on_behalf(&cx, user_id)?;
    let user = cx.accounts.user(&user_id).await.map_err(faults::of_accounts)?;
    let lifetime = expires_at.map(|end| lifetime(end, cx.now())).transpose()?;
    let scopes = scopes.map(|texts| parse(&texts)).transpose()?;
    let wanted = NewApiKey { user_id, account: user.username, name, scopes, lifetime };
    let mut tx = cx.begin().await?;
    let made = cx.tokens.create_api_key_in(&mut tx, &wanted).await?;
    cx.is_about(made.row.id.to_string());
    cx.note("user_id", wanted.user_id.as_str());
    cx.note("name", wanted.name.as_str());
    let reply = KeyCreated {
        id: made.row.id,
        key: Secret::new(made.key),
        prefix: made.row.prefix,
        expires_at: made.row.expires_at,
    };
    let reply = cx.commit(tx, reply).await?;
    cx.refresh().await;
    cx.doors.key_known(&reply.id, reply.key.expose()).await;
    Ok(reply)
}

fn lifetime(end: Timestamp, now: Timestamp) -> Result<std::time::Duration, Fault> {
    if end <= now {
        return Err(Fault::invalid(format!("expires_at {end} has passed")).hint("give a later one, or none"));
    }
    Ok(end.since(now))
}

fn parse(texts: &[String]) -> Result<Scopes, Fault> {
    Scopes::parse(texts.iter().map(String::as_str))
        .map_err(|error| Fault::invalid(error.to_string()).hint("leave scopes out for all that the account may"))
}

/// The keys of an account, without the keys.
async fn list(cx: Cx, list: ListKeys) -> Result<ApiKeys, Fault> {
    let user_id = guards::on_behalf(&cx, list.user_id)?;
    let page = cx.tokens.api_keys(Some(&user_id), &shown::slice(list.limit, list.cursor)).await?;
    Ok(ApiKeys { keys: page.items.into_iter().map(shown::key).collect(), next: shown::next(page.next) })
}

/// Takes a key back.
async fn revoke(cx: Cx, revoke: RevokeKey) -> Result<Done, Fault> {
    let key = cx.tokens.api_key(&revoke.id).await?;
    guards::key(&cx, &key.user_id, revoke.user_id.as_ref(), &revoke.id)?;
    cx.note("user_id", key.user_id.as_str());
    let mut tx = cx.begin().await?;
    cx.tokens.revoke_api_key_in(&mut tx, &key.id).await?;
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    let (id, username) = (key.id.to_string(), Some(key.account));
    cx.announce(&TokenRevoked { what: Revoked::Key, id, username, reason: "revoked".to_owned() }).await;
    Ok(done)
}
