//! `bigskies logout`: takes the API key of a stored login back, and forgets it.

use catalog::security::RevokeKey;
use clap::Args;
use serde_json::json;
use vocabulary::{Clock, Code, Fault};

use crate::terminal::{
    client::{Client, ClientOptions},
    identity::Identity,
    logins::{Logins, StoredLogin},
    output::{Ending, Output, remark},
};

/// Which logins end, and how.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies logout --broker hill.example.org:1883")]
pub(crate) struct Logout {
    /// At every broker that a login is stored for.
    #[arg(long)]
    all: bool,
    /// Forget the login even where its key can't be revoked; the key stays good until its end.
    #[arg(long)]
    forget: bool,
}

/// Logs out.
pub(crate) async fn run(arguments: Logout, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let mut logins = Logins::open()?;
    let address = options.address()?;
    let leaving: Vec<StoredLogin> =
        if arguments.all { logins.all().to_vec() } else { logins.at(&address).cloned().into_iter().collect() };
    if leaving.is_empty() && !arguments.all {
        return Err(Fault::not_found(format!("nobody is logged in at {address}"))
            .hint("name the broker with --broker, or end all logins with --all")
            .into());
    }
    let mut first_failure = None;
    let mut ended = Vec::new();
    for login in leaving {
        match revoke(options, &login).await {
            Err(fault) if !arguments.forget => {
                remark(&format!("{} stays logged in at {}: {}", login.user, login.broker, fault.message));
                first_failure.get_or_insert(fault);
                continue;
            }
            Err(fault) => remark(&format!("warning: the key of {} is not revoked: {fault}", login.user)),
            Ok(()) => {}
        }
        logins.forget(&login.broker)?;
        ended.push(login);
    }
    let objects: Vec<_> = ended.iter().map(|login| json!({ "broker": login.broker, "user": login.user })).collect();
    out.show(&json!({ "ended": objects }), |_| {
        let lines = ended.iter().map(|login| format!("{} is logged out at {}", login.user, login.broker));
        if ended.is_empty() { "nobody is logged out".to_owned() } else { lines.collect::<Vec<_>>().join("\n") }
    })?;
    match first_failure {
        Some(fault) => Err(Fault::new(fault.code, fault.message)
            .hint("--forget takes the login away from this machine all the same")
            .into()),
        None => Ok(()),
    }
}

/// Takes the key of a login back; one that has ended needs it no more.
///
/// # Errors
/// What keeps it from being done.
pub(crate) async fn revoke(options: &ClientOptions, login: &StoredLogin) -> Result<(), Fault> {
    if login.is_over(Clock::system().now()) {
        return Ok(());
    }
    let revoke = RevokeKey { id: login.key_id()?, user_id: None };
    let options = ClientOptions { broker: Some(login.broker.parse()?), credentials: None, ..options.clone() };
    let identity = Identity::of_login(login, Clock::system().now())?;
    let client = match Client::connect_as(&options, identity).await {
        // It is not good any more: revoked, or its account is disabled.
        Err(fault) if fault.code == Code::Unauthenticated => return Ok(()),
        client => client?,
    };
    let revoked = tokio::select! {
        answer = client.ask(&revoke) => answer.map(|_| ()),
        // The connection may end with its key before the answer comes.
        () = client.refused() => Ok(()),
    };
    client.close().await;
    revoked
}
