//! `bigskies admin password`: one's own password.

use catalog::{
    Done, Secret,
    security::{ChangePassword, Me},
};
use clap::Args;

use crate::terminal::{
    client::Client,
    output::{Ending, Output},
    prompt::PasswordArgs,
};

/// How it is changed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin password")]
pub(crate) struct Password {
    /// The six digits of the authenticator, or a recovery code; asked for where the account has a second factor.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Revoke the account's API keys as well, this terminal's login among them.
    #[arg(long)]
    revoke_api_keys: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Changes it.
pub(crate) async fn run(password: Password, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let Password { code, revoke_api_keys, password: source } = password;
    let me = client.ask(&Me {}).await?;
    let name = &me.username;
    let old_password = source.password(format!("password of {name}")).await?;
    let new_password = source.new_password(format!("new password of {name}")).await?;
    let has_totp = me.user.as_ref().is_some_and(|user| user.has_totp);
    let code = match code {
        Some(code) => Some(Secret::new(code)),
        None if has_totp => Some(source.code(name.as_str()).await?),
        None => None,
    };
    let change = ChangePassword { old_password, new_password, code, revoke_api_keys };
    let reply: Done = tokio::select! {
        answer = client.ask(&change) => answer?,
        // What the account was logged in with may end before the answer comes.
        () = client.refused() => Done {},
    };
    out.show(&reply, |_| format!("password of {name} is changed; other logins have ended"))
}
