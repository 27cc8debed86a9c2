//! Sessions seen and ended by their owner, or by an administrator.

use catalog::{
    Done,
    security::{
        EndSession, EndSessions, ListSessions, OpenSession, OpenSessions, Revoked, SessionsEnded, TokenRevoked,
    },
};
use engine_tokens::Which;
use vocabulary::{Fault, ids::UserId};

use crate::{Cx, guards, shown};

/// Why they ended, in a word.
const ENDED: &str = "ended";

/// The sessions of an account that can go on.
pub(super) async fn list(cx: Cx, list: ListSessions) -> Result<OpenSessions, Fault> {
    let user_id = guards::on_behalf(&cx, list.user_id)?;
    let page = cx.tokens.sessions(Some(&user_id), &shown::slice(list.limit, list.cursor)).await?;
    let sessions = page.items.into_iter().map(|session| OpenSession {
        id: session.id,
        user_id: session.user_id,
        username: session.account,
        client: session.client,
        began_at: session.began_at,
        refreshed_at: session.refreshed_at,
        expires_at: session.expires_at,
        ends_at: session.absolute_expires_at,
    });
    Ok(OpenSessions { sessions: sessions.collect(), next: shown::next(page.next) })
}

/// Ends one of them. Another's is to the caller as if there were none.
pub(super) async fn end(cx: Cx, end: EndSession) -> Result<Done, Fault> {
    let user_id = guards::on_behalf(&cx, end.user_id)?;
    cx.note("user_id", user_id.as_str());
    let mut tx = cx.begin().await?;
    let which = Which::OneOf { session: &end.id, user: &user_id };
    if cx.tokens.end_sessions_in(&mut tx, which, ENDED).await? == 0 {
        let missing = Fault::not_found(format!("session {} of {user_id} does not exist or has ended", end.id));
        return Err(missing.hint("security/session/list shows those there are; an administrator names user_id besides"));
    }
    let done = cx.commit(tx, Done {}).await?;
    announce(&cx, Revoked::Session, end.id.to_string()).await;
    Ok(done)
}

/// Ends all of an account, or of everybody.
pub(super) async fn end_all(cx: Cx, end: EndSessions) -> Result<SessionsEnded, Fault> {
    let whose = whose(&cx, end)?;
    let mut tx = cx.begin().await?;
    let which = whose.as_ref().map_or(Which::Everybody, |user| Which::OfUser { user, but: None });
    let ended = cx.tokens.end_sessions_in(&mut tx, which, ENDED).await?;
    cx.note("ended", ended);
    let reply = cx.commit(tx, SessionsEnded { ended }).await?;
    match whose {
        Some(user) => announce(&cx, Revoked::User, user.to_string()).await,
        None => announce(&cx, Revoked::Everybody, "*".to_owned()).await,
    }
    Ok(reply)
}

/// Whose sessions are to end; nobody in particular where they are everybody's.
fn whose(cx: &Cx, end: EndSessions) -> Result<Option<UserId>, Fault> {
    if !end.everybody {
        let user = guards::on_behalf(cx, end.user_id)?;
        cx.is_about(user.to_string());
        return Ok(Some(user));
    }
    if let Some(user) = end.user_id {
        return Err(
            Fault::invalid(format!("both everybody and user_id {user} are given")).hint("name only one of them")
        );
    }
    guards::administrator(cx, "end the sessions of everybody")?;
    cx.is_about("everybody".to_owned());
    Ok(None)
}

async fn announce(cx: &Cx, what: Revoked, id: String) {
    cx.refresh().await;
    cx.announce(&TokenRevoked { what, id, username: None, reason: ENDED.to_owned() }).await;
}
