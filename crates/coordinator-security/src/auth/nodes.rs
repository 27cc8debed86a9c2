//! Logins of the platform's own processes, whose passwords derive from the node's secret: they bring a node's token and no session.

use aws_lc_rs::constant_time;
use catalog::{
    Secret,
    security::{Login, Session, User},
};
use engine_accounts::{AuthError, Refusal};
use vocabulary::{Fault, ids::AccountName};

use super::login::refused;
use crate::Cx;

/// A token for a coordinator, a face, or a process that is none of them yet. There is nothing to guess: its password has 192 bits.
pub(crate) async fn login(cx: &Cx, login: &Login) -> Result<Session, Fault> {
    let expected = cx.given.node.as_ref().and_then(|node| node.for_role(&login.username).ok());
    let Some(expected) = expected else {
        return Err(refused(cx, &login.username, AuthError::Refused { reason: Refusal::NoPassword }).await);
    };
    let (given, expected) = (login.password.expose().as_bytes(), expected.password.as_bytes());
    if constant_time::verify_slices_are_equal(given, expected).is_err() {
        return Err(refused(cx, &login.username, AuthError::Refused { reason: Refusal::WrongPassword }).await);
    }
    cx.is_about(login.username.to_string());
    let issued = cx.tokens.issue_node(&login.username).await?;
    let session = Session {
        token: Secret::new(issued.token),
        expires_at: issued.expires_at,
        // It logs in again instead.
        refresh_token: Secret::new(""),
        refresh_expires_at: issued.expires_at,
        user: stand_in(cx, &login.username)?,
        must_change_password: false,
    };
    cx.commit(cx.begin().await?, session).await
}

/// What stands for the row that such an account does not have.
fn stand_in(cx: &Cx, account: &AccountName) -> Result<User, Fault> {
    let now = cx.now();
    Ok(User {
        id: account.as_str().parse().map_err(|_| Fault::internal(format!("{account} is no id")))?,
        username: account.clone(),
        email: None,
        enabled: true,
        organisation_id: None,
        is_service: true,
        has_totp: false,
        created_at: now,
        updated_at: now,
    })
}
