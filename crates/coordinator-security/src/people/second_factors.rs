//! Second factors: made, confirmed, taken away.

use catalog::{
    Done, Secret,
    security::{ConfirmTotp, EnrolTotp, RecoveryCodes, RemoveTotp, TotpEnrolment, UserChange},
};
use engine_accounts::ExposeSecret as _;
use store::accounts::users::User;
use vocabulary::Fault;

use super::accounts::{current, end_sessions};
use crate::{
    Cx,
    announce::{user_changed, user_revoked},
    auth::{peer_of, refused},
    faults::of_accounts,
    guards,
};

/// Makes a second factor for the caller. It counts once it is confirmed.
pub(crate) async fn enrol(cx: Cx, _: EnrolTotp) -> Result<TotpEnrolment, Fault> {
    guards::whole(&cx)?;
    let id = guards::own(&cx)?;
    cx.is_about(id.to_string());
    let mut tx = cx.begin().await?;
    let enrolment = cx.accounts.enrol_second_factor(&mut tx, &id).await.map_err(of_accounts)?;
    let reply = TotpEnrolment {
        otpauth_uri: Secret::new(enrolment.url.expose_secret()),
        secret: Secret::new(enrolment.secret.expose_secret()),
    };
    cx.commit(tx, reply).await
}

/// Lets it count. Tokens that were issued without it end.
pub(crate) async fn confirm(cx: Cx, confirm: ConfirmTotp) -> Result<RecoveryCodes, Fault> {
    guards::whole(&cx)?;
    let user = current(&cx, &guards::own(&cx)?).await?;
    cx.is_about(user.id.to_string());
    let mut tx = cx.begin().await?;
    let codes = cx.accounts.confirm_second_factor(&mut tx, &user.id, confirm.code.expose()).await;
    let codes = codes.map_err(of_accounts)?;
    end_sessions(&cx, &mut tx, &user.id, "second-factor").await?;
    let recovery_codes = codes.0.iter().map(|code| Secret::new(code.expose_secret())).collect();
    let reply = cx.commit(tx, RecoveryCodes { recovery_codes }).await?;
    cx.refresh().await;
    cx.doors.look_again();
    user_revoked(&cx, &user, "second-factor").await;
    let user = User { has_second_factor: true, ..user };
    user_changed(&cx, user, UserChange::TotpConfirmed).await;
    Ok(reply)
}

/// Takes it away: the caller's own with a code of it, another's as an administrator.
pub(crate) async fn remove(cx: Cx, remove: RemoveTotp) -> Result<Done, Fault> {
    let user = current(&cx, &guards::on_behalf(&cx, remove.user_id)?).await?;
    cx.is_about(user.id.to_string());
    if guards::is_own(&cx, &user.id) {
        guards::whole(&cx)?;
        prove(&cx, &user, remove.code.as_ref()).await?;
    }
    let mut tx = cx.begin().await?;
    cx.accounts.remove_second_factor(&mut tx, &user.id).await.map_err(of_accounts)?;
    end_sessions(&cx, &mut tx, &user.id, "second-factor").await?;
    if remove.revoke_api_keys {
        cx.tokens.revoke_api_keys_of_in(&mut tx, &user.id).await?;
    }
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    cx.doors.look_again();
    user_revoked(&cx, &user, "second-factor").await;
    let user = User { has_second_factor: false, ..user };
    user_changed(&cx, user, UserChange::TotpRemoved).await;
    Ok(done)
}

/// Sees that who asks has the second factor, where there is one that counts.
async fn prove(cx: &Cx, user: &User, code: Option<&Secret>) -> Result<(), Fault> {
    if !user.has_second_factor {
        return Ok(());
    }
    let code = code.ok_or_else(|| {
        Fault::invalid("code is missing").hint("add the code of the authenticator, or a recovery code, as `code`")
    })?;
    match cx.accounts.prove_second_factor(&user.username, code.expose(), &peer_of(cx.caller())).await {
        Ok(()) => Ok(()),
        Err(error) => Err(refused(cx, &user.username, error).await),
    }
}
