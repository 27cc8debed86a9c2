//! Sessions: gone on with, looked at, ended.

use catalog::{
    Done,
    security::{Logout, Refresh, Revoked, Session, TokenRevoked, TokenValidity, Validate},
};
use engine_accounts::AccountsError;
use engine_tokens::{RefreshError, TokensError};
use store::{StoreError, accounts::users::User};
use vocabulary::{Fault, ids::UserId};

use super::login::{holder_of, session};
use crate::{Cx, faults};

/// The next tokens of a session.
pub(crate) async fn refresh(cx: Cx, refresh: Refresh) -> Result<Session, Fault> {
    let token = refresh.refresh_token.expose();
    let user = match cx.tokens.holder_of(token).await? {
        Some(id) => user_of(&cx, &id).await?,
        None => None,
    };
    if let Some(user) = &user {
        cx.is_about(user.id.to_string());
    }
    let holder = user.as_ref().filter(|user| user.enabled).map(holder_of);
    match (cx.tokens.refresh(token, holder.as_ref()).await, user) {
        (Ok(issued), Some(user)) => {
            cx.note("session", issued.session.as_str());
            let must_change_password = user.must_change_password;
            cx.commit(cx.begin().await?, session(issued, user, must_change_password)).await
        }
        (Ok(_), None) => Err(Fault::internal("session went on without its user")),
        (Err(TokensError::Refresh(refusal)), user) => Err(refused(&cx, refusal, user.as_ref()).await),
        (Err(error), _) => Err(error.into()),
    }
}

async fn user_of(cx: &Cx, id: &UserId) -> Result<Option<User>, Fault> {
    match cx.accounts.user(id).await {
        Ok(user) => Ok(Some(user)),
        Err(AccountsError::Store(StoreError::NotFound { .. })) => Ok(None),
        Err(error) => Err(faults::of_accounts(error)),
    }
}

/// Tells of a session that does not go on; who asked hears the same whatever it was.
async fn refused(cx: &Cx, refusal: RefreshError, user: Option<&User>) -> Fault {
    cx.note("reason", refusal.reason());
    let ended = match &refusal {
        RefreshError::Reused { session } | RefreshError::NoUser { session } | RefreshError::Outdated { session } => {
            Some(session)
        }
        RefreshError::Unknown | RefreshError::Ended { .. } | RefreshError::Idle { .. } | RefreshError::Over { .. } => {
            None
        }
    };
    if let Some(session) = ended {
        let username = user.map(|user| user.username.clone());
        let (id, reason) = (session.to_string(), refusal.reason().to_owned());
        cx.announce(&TokenRevoked { what: Revoked::Session, id, username, reason }).await;
    }
    refusal.into()
}

/// Whether a token is good. Of one that is not, nothing is told but that.
pub(crate) async fn validate(cx: Cx, validate: Validate) -> Result<TokenValidity, Fault> {
    Ok(match cx.given.verifier.verify(validate.token.expose(), cx.now()) {
        Ok(claims) => TokenValidity {
            valid: true,
            user_id: claims.user_id.clone(),
            username: Some(claims.account.clone()),
            expires_at: claims.expires_at,
            reason: None,
        },
        Err(error) => {
            tracing::debug!(reason = error.reason(), "token is not valid");
            let reason = Some("token is not valid".to_owned());
            TokenValidity { valid: false, user_id: None, username: None, expires_at: None, reason }
        }
    })
}

/// Ends the session of a token, or a plugin's or node's token alone.
pub(crate) async fn logout(cx: Cx, logout: Logout) -> Result<Done, Fault> {
    let mut tx = cx.begin().await?;
    let claims = cx.tokens.logout_in(&mut tx, logout.token.expose()).await?;
    let (what, id) = match &claims.session {
        Some(session) => (Revoked::Session, session.to_string()),
        None => (Revoked::Token, claims.jti.to_string()),
    };
    cx.is_about(claims.user_id.as_ref().map_or_else(|| claims.account.to_string(), ToString::to_string));
    cx.note("revoked", id.as_str());
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    let (username, reason) = (Some(claims.account.clone()), "logout".to_owned());
    cx.announce(&TokenRevoked { what, id, username, reason }).await;
    Ok(done)
}
