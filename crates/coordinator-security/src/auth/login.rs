//! Login: a password and, where the account has one, a second factor become a session.

use catalog::{
    Party, Secret,
    security::{AccountLocked, Login, LoginFailed, LoginRefusal, Session},
};
use engine_accounts::{AuthError, Authenticated, Factor, Peer, Refusal, SecretString};
use engine_tokens::{Holder, Issued, Scopes, Subject};
use store::accounts::users::User;
use vocabulary::{Fault, ids::AccountName};

use super::{nodes, peer_of};
use crate::{Cx, faults, shown};

/// Begins a session.
pub(crate) async fn login(cx: Cx, login: Login) -> Result<Session, Fault> {
    match Party::of(&login.username) {
        // A plugin that was let in has an account like a user's.
        Party::User(_) | Party::Plugin(_) => of_user(&cx, login).await,
        Party::Coordinator(_) | Party::Face(_) | Party::Node => nodes::login(&cx, &login).await,
        // Neither has a password of its own.
        Party::Key(_) | Party::Lobby(_) => {
            let refusal = AuthError::Refused { reason: Refusal::UnknownUser };
            Err(refused(&cx, &login.username, refusal).await)
        }
    }
}

async fn of_user(cx: &Cx, login: Login) -> Result<Session, Fault> {
    let Login { username, password, code, client } = login;
    let (password, peer) = (SecretString::from(password.expose()), peer_of(cx.caller()));
    let attempt = engine_accounts::Login {
        username: username.as_str(),
        password: &password,
        code: code.as_ref().map(Secret::expose),
        peer: &peer,
    };
    let Authenticated { user, must_change_password, factor } = match cx.accounts.authenticate(&attempt).await {
        Ok(authenticated) => authenticated,
        Err(error) => return Err(refused(cx, &username, error).await),
    };
    cx.is_about(user.id.to_string());
    let subject = Subject {
        holder: holder_of(&user),
        audience: None,
        // Whose password is another's choice may do nothing but choose one.
        scopes: must_change_password.then(Scopes::none),
        client: client.map(|client| client.to_string()).unwrap_or_default(),
    };
    let mut tx = cx.begin().await?;
    let issued = cx.tokens.issue_in(&mut tx, &subject).await?;
    cx.note("session", issued.session.as_str());
    cx.note("factors", factors(factor));
    let session = cx.commit(tx, session(issued, user, must_change_password)).await?;
    cx.doors.password_known(&username, &password).await;
    Ok(session)
}

/// What proved the account, as the audit trail tells it.
const fn factors(second: Factor) -> &'static str {
    match second {
        Factor::None => "password",
        Factor::Totp => "password and code",
        Factor::Recovery => "password and recovery code",
    }
}

/// A user, as tokens know it.
pub(crate) fn holder_of(user: &User) -> Holder {
    Holder {
        user_id: user.id.clone(),
        account: user.username.clone(),
        email: user.email.clone(),
        epoch: i64::try_from(user.token_epoch).unwrap_or(i64::MAX),
    }
}

/// A session as it is answered.
pub(crate) fn session(issued: Issued, user: User, must_change_password: bool) -> Session {
    Session {
        token: Secret::new(issued.access),
        expires_at: issued.access_expires_at,
        refresh_token: Secret::new(issued.refresh),
        refresh_expires_at: issued.refresh_expires_at,
        user: shown::user(user),
        must_change_password,
    }
}

/// Tells of a login that failed, and what its sender is told: the same whatever it was.
pub(crate) async fn refused(cx: &Cx, username: &AccountName, error: AuthError) -> Fault {
    if let Some(reason) = error.refusal() {
        cx.note("reason", reason.as_str());
        // What is no account's name may be a password in the wrong field.
        let is_known = cx.given.rights.snapshot().account(username).is_some();
        let username = is_known.then(|| username.clone());
        if let Some(username) = &username {
            cx.is_about(username.to_string());
        }
        let peer = peer_of(cx.caller());
        let failed = LoginFailed { username: username.clone(), peer: Some(peer.to_string()), reason: word(reason) };
        cx.announce(&failed).await;
        if !matches!(error, AuthError::Locked { .. }) {
            tell_of_locks(cx, username.as_ref(), &peer).await;
        }
    }
    faults::of_auth(error)
}

/// Who was let try and is locked now was locked by this failure.
async fn tell_of_locks(cx: &Cx, username: Option<&AccountName>, peer: &Peer) {
    match cx.accounts.locks(username, peer).await {
        Ok(locks) => {
            for lock in locks {
                let peer = lock.peer.map(|peer| peer.to_string());
                cx.announce(&AccountLocked { username: lock.username, peer, locked_until: lock.until }).await;
            }
        }
        Err(error) => tracing::debug!(%error, "locks can't be read"),
    }
}

const fn word(refusal: Refusal) -> LoginRefusal {
    match refusal {
        Refusal::UnknownUser => LoginRefusal::UnknownUser,
        Refusal::NoPassword => LoginRefusal::NoPassword,
        Refusal::WrongPassword => LoginRefusal::WrongPassword,
        Refusal::Disabled => LoginRefusal::Disabled,
        Refusal::NoCode => LoginRefusal::NoCode,
        Refusal::WrongCode => LoginRefusal::WrongCode,
        Refusal::ReplayedCode => LoginRefusal::ReplayedCode,
        Refusal::Changed => LoginRefusal::Changed,
        Refusal::Locked => LoginRefusal::Locked,
    }
}
