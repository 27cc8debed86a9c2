//! `bigskies login`: proves who somebody is in the lobby of a broker, and keeps an API key for what is asked from then on.

use std::time::Duration;

use catalog::{
    Party, Secret,
    security::{ChangePassword, CreateKey, KeyCreated, Login as LogIn, Logout, Session, SetUp},
};
use clap::Args;
use serde_json::json;
use vocabulary::{Clock, Code, Fault, ids::AccountName};

use crate::terminal::{
    client::{Client, ClientOptions},
    identity::Identity,
    logins::{Logins, StoredLogin},
    logout,
    output::{Ending, Output, remark},
    prompt::PasswordArgs,
};

/// How long a stored login lasts.
const LASTS: Duration = Duration::from_secs(30 * 86_400);
/// The longest name of an API key, in characters.
const LONGEST_KEY_NAME: usize = 100;

/// Who logs in, and how.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies login ann --broker hill.example.org:1883")]
pub(crate) struct Login {
    /// The account; that of the login before where nothing is said.
    #[arg(value_name = "NAME")]
    name: Option<AccountName>,
    /// The six digits of the authenticator, or a recovery code; asked for where the account has a second factor.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Choose the password first, with the one-time secret that an administrator handed out.
    #[arg(long)]
    setup: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Logs in.
pub(crate) async fn run(login: Login, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let Login { name, code, setup, password: source } = login;
    let before = Logins::open()?.at(&options.address()?).map(|login| login.user.clone());
    let name = name.or(before).ok_or_else(|| {
        Fault::invalid("no account is named").hint("bigskies login NAME; an administrator makes accounts")
    })?;
    let password = if setup {
        let secret = source.password(format!("one-time secret of {name}")).await?;
        let client = Client::connect_as(options, Identity::of_lobby(&name, &secret)?).await?;
        let chosen = set_up(&client, &name, secret, source).await;
        client.close().await;
        chosen?
    } else {
        source.password(format!("password of {name}")).await?
    };
    let asked = Proof { name, password, code: code.map(Secret::new), source };
    welcome(options, asked, out).await
}

/// What somebody proves with who they are.
#[derive(Debug)]
pub(crate) struct Proof {
    /// The account.
    pub(crate) name: AccountName,
    /// Its password.
    pub(crate) password: Secret,
    /// A code of its second factor, if one is given already.
    pub(crate) code: Option<Secret>,
    /// From where more comes that is asked for.
    pub(crate) source: PasswordArgs,
}

/// Chooses the password of an account with a one-time secret.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn set_up(
    client: &Client,
    name: &AccountName,
    setup_secret: Secret,
    source: PasswordArgs,
) -> Result<Secret, Fault> {
    let new_password = source.new_password(format!("new password of {name}")).await?;
    let set_up = SetUp { username: name.clone(), setup_secret, new_password: new_password.clone() };
    tokio::select! {
        answer = client.ask(&set_up) => answer.map(|_| ())?,
        // The secret is used up with it, and the connection may end before the answer comes; the login tells whether it worked.
        () = client.refused() => {}
    }
    Ok(new_password)
}

/// Logs in with a password, and keeps the login in place of the one before.
///
/// # Errors
/// What the broker and the security coordinator say; where the login can't be kept.
pub(crate) async fn welcome(options: &ClientOptions, proof: Proof, out: &mut Output) -> Result<(), Ending> {
    let mut logins = Logins::open()?;
    let login = admit(options, proof).await?;
    let former = logins.at(&options.address()?).cloned();
    logins.keep(login.clone())?;
    if let Some(former) = former
        && let Err(fault) = logout::revoke(options, &former).await
    {
        remark(&format!("warning: the key of the login before can't be revoked: {fault}"));
    }
    let StoredLogin { broker, account, user, key: _, expires_at } = &login;
    let result = json!({ "broker": broker, "account": account, "user": user, "expires_at": expires_at });
    out.show(&result, |_| {
        let until = expires_at.map_or_else(String::new, |end| format!(" until {end}"));
        format!("{user} is logged in at {broker}{until}; {} holds the key", logins.path().display())
    })
}

async fn admit(options: &ClientOptions, mut proof: Proof) -> Result<StoredLogin, Fault> {
    let mut lobby = Client::connect_as(options, Identity::of_lobby(&proof.name, &proof.password)?).await?;
    let mut session = begin(&lobby, &mut proof).await?;
    if session.must_change_password {
        let changed = change_password(&mut lobby, &session, &proof).await;
        lobby.close().await;
        proof.password = changed?;
        // What was used once is not good again.
        proof.code = None;
        lobby = Client::connect_as(options, Identity::of_lobby(&proof.name, &proof.password)?).await?;
        session = begin(&lobby, &mut proof).await?;
    }
    let login = key_of(&mut lobby, &session, &proof, options).await;
    lobby.close().await;
    login
}

/// Begins a session; where a second factor is missing, it is asked for.
async fn begin(lobby: &Client, proof: &mut Proof) -> Result<Session, Fault> {
    match lobby.ask(&log_in(proof)?).await {
        // The lobby has taken the password, so it is a code that is missing.
        Err(fault) if fault.code == Code::Unauthenticated && proof.code.is_none() => {
            remark(&fault.message);
            proof.code = Some(proof.source.code(proof.name.as_str()).await?);
            lobby.ask(&log_in(proof)?).await
        }
        outcome => outcome,
    }
}

fn log_in(proof: &Proof) -> Result<LogIn, Fault> {
    let client = "terminal".parse().map_err(|e: vocabulary::ids::NotAnId| Fault::internal(e.to_string()))?;
    Ok(LogIn {
        username: proof.name.clone(),
        password: proof.password.clone(),
        code: proof.code.clone(),
        client: Some(client),
    })
}

/// Changes the password, over the session that allows nothing else; comes back with the new one.
async fn change_password(lobby: &mut Client, session: &Session, proof: &Proof) -> Result<Secret, Fault> {
    let Proof { name, password, source, code: _ } = proof;
    remark(&format!("the password of {name} must be changed"));
    let new_password = source.new_password(format!("new password of {name}")).await?;
    let code = if session.user.has_totp { Some(source.code(name.as_str()).await?) } else { None };
    lobby.bring(session.token.clone());
    let change = ChangePassword {
        old_password: password.clone(),
        new_password: new_password.clone(),
        code,
        revoke_api_keys: false,
    };
    tokio::select! {
        answer = lobby.ask(&change) => answer.map(|_| ())?,
        // What the connection was made with is not good any more; the login tells whether it worked.
        () = lobby.refused() => {}
    }
    Ok(new_password)
}

/// Makes a key with the session's token and ends the session, of which nothing is kept.
async fn key_of(
    lobby: &mut Client,
    session: &Session,
    proof: &Proof,
    options: &ClientOptions,
) -> Result<StoredLogin, Fault> {
    lobby.bring(session.token.clone());
    let expires_at = Some(Clock::system().now().plus(LASTS));
    let create = CreateKey { name: key_name(), scopes: None, expires_at, user_id: None };
    let made = lobby.ask(&create).await;
    if let Err(fault) = lobby.ask(&Logout { token: session.token.clone() }).await {
        remark(&format!("warning: the session ends by itself at {}: {fault}", session.expires_at));
    }
    let KeyCreated { id, key, expires_at, prefix: _ } = made?;
    let account = Party::Key(id).account().map_err(|e| Fault::internal(e.to_string()))?;
    Ok(StoredLogin { broker: options.address()?.to_string(), account, user: proof.name.clone(), key, expires_at })
}

/// What the key is listed as: a login at a terminal, of which machine.
fn key_name() -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    format!("terminal on {}", host.to_string_lossy()).chars().take(LONGEST_KEY_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_after_the_machine() {
        let name = key_name();
        assert!(name.starts_with("terminal on ") && name.chars().count() <= LONGEST_KEY_NAME, "{name}");
    }
}
