//! Passwords: changed by who has them, taken away, chosen with a one-time secret.

use catalog::{
    Done, Secret,
    security::{ChangePassword, PasswordReset, ResetPassword, SetUp, UserChange, UserChanged, UserCreated},
};
use engine_accounts::{AccountsError, ExposeSecret as _, Login, NewUser, SecretString};
use store::accounts::users::User;
use vocabulary::{Fault, ids::AccountName};

use super::accounts::{check_name, current, end_sessions};
use crate::{
    Cx,
    announce::{user_changed, user_revoked},
    auth::{peer_of, refused},
    faults::of_accounts,
    guards, shown,
};

/// Changes the caller's own password. Every token of the account ends with it.
pub(crate) async fn change(cx: Cx, change: ChangePassword) -> Result<Done, Fault> {
    let user = current(&cx, &guards::own(&cx)?).await?;
    cx.is_about(user.id.to_string());
    let (old, new) =
        (SecretString::from(change.old_password.expose()), SecretString::from(change.new_password.expose()));
    let peer = peer_of(cx.caller());
    let code = change.code.as_ref().map(Secret::expose);
    let login = Login { username: user.username.as_str(), password: &old, code, peer: &peer };
    if user.has_second_factor
        && let Err(error) = cx.accounts.authenticate(&login).await
    {
        return Err(refused(&cx, &user.username, error).await);
    }
    let prepared = match cx.accounts.prepare_change(&login, &new).await {
        Ok(prepared) => prepared,
        Err(AccountsError::Auth(error)) => return Err(refused(&cx, &user.username, error).await),
        Err(error) => return Err(of_accounts(error)),
    };
    let mut tx = cx.begin().await?;
    cx.accounts.change_password(&mut tx, &prepared).await.map_err(of_accounts)?;
    end_sessions(&cx, &mut tx, &user.id, "password").await?;
    if change.revoke_api_keys {
        cx.tokens.revoke_api_keys_of_in(&mut tx, &user.id).await?;
    }
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    cx.doors.password_known(&user.username, &new).await;
    user_revoked(&cx, &user, "password").await;
    user_changed(&cx, user, UserChange::PasswordChanged).await;
    Ok(done)
}

/// Takes the password of an account away.
pub(crate) async fn reset(cx: Cx, reset: ResetPassword) -> Result<PasswordReset, Fault> {
    let user = current(&cx, &reset.user_id).await?;
    guards::take_over(&cx, &user).await?;
    cx.note("username", user.username.as_str());
    let mut tx = cx.begin().await?;
    let secret = cx.accounts.reset_password(&mut tx, &user.id).await.map_err(of_accounts)?;
    end_sessions(&cx, &mut tx, &user.id, "password").await?;
    // Whoever made them may not have been its owner.
    cx.tokens.revoke_api_keys_of_in(&mut tx, &user.id).await?;
    let reply = PasswordReset { setup_secret: Secret::new(secret.expose_secret()), setup_expires_at: cx.setup_end() };
    let reply = cx.commit(tx, reply).await?;
    cx.refresh().await;
    cx.doors.one_time_secret_known(&user.username, &secret).await;
    user_revoked(&cx, &user, "password").await;
    user_changed(&cx, user, UserChange::PasswordReset).await;
    Ok(reply)
}

/// Chooses a password with a one-time secret, or makes the first administrator with the one that the first start wrote.
pub(crate) async fn set_up(cx: Cx, set_up: SetUp) -> Result<Done, Fault> {
    let SetUp { username, setup_secret, new_password } = set_up;
    let (secret, password) = (SecretString::from(setup_secret.expose()), SecretString::from(new_password.expose()));
    if !cx.accounts.has_administrator().await.map_err(of_accounts)?
        && let Some(done) = first(&cx, &username, &secret, &password).await?
    {
        return Ok(done);
    }
    let mut tx = cx.begin().await?;
    let user = cx.accounts.redeem_password(&mut tx, &secret, &password).await.map_err(of_accounts)?;
    if user.username != username {
        tx.rollback().await?;
        return Err(of_accounts(AccountsError::SetupSecret));
    }
    end_sessions(&cx, &mut tx, &user.id, "password").await?;
    cx.is_about(user.id.to_string());
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    cx.doors.password_known(&username, &password).await;
    user_revoked(&cx, &user, "password").await;
    // Whoever brought the secret is its owner.
    let (change, changed_by) = (UserChange::PasswordChanged, Some(username));
    cx.announce(&UserChanged { user: shown::user(user), change, changed_by }).await;
    Ok(done)
}

/// Makes the first administrator; nothing where the secret is not that one.
async fn first(
    cx: &Cx,
    username: &AccountName,
    secret: &SecretString,
    password: &SecretString,
) -> Result<Option<Done>, Fault> {
    check_name(username)?;
    let hashed = cx.accounts.prepare_password(username, password).await.map_err(of_accounts)?;
    let new = NewUser { password: Some(hashed), ..NewUser::person(username.clone()) };
    let mut tx = cx.begin().await?;
    let user: User = match cx.accounts.redeem_first(&mut tx, secret, &new).await {
        Ok(user) => user,
        // It may be another's secret, or the first administrator came to be just now.
        Err(AccountsError::SetupSecret) => {
            tx.rollback().await?;
            return Ok(None);
        }
        Err(error) => return Err(of_accounts(error)),
    };
    cx.is_about(user.id.to_string());
    cx.note("first_administrator", username.as_str());
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    cx.doors.password_known(username, password).await;
    cx.forget_first_secret().await;
    cx.announce(&UserCreated { user: shown::user(user), changed_by: None }).await;
    Ok(Some(done))
}
