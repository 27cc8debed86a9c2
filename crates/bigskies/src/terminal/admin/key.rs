//! `bigskies admin key`: API keys, for programs.

use std::{path::PathBuf, time::Duration};

use bus::{BrokerKind, Credentials};
use catalog::{
    Party,
    security::{ApiKey, CreateKey, KeyCreated, RevokeKey},
};
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::{Clock, Fault, Timestamp};

use crate::terminal::{
    admin::{named, permission::Right},
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{Shown, table},
};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key. It is shown once.
    Create(CreateArgs),
    /// Show keys, those that ended included.
    #[command(after_help = "Example:\n  bigskies admin key list")]
    List(OfArgs),
    /// Take a key back. It works nowhere from then on.
    #[command(after_help = "Example:\n  bigskies admin key revoke \"nightly flats\"")]
    Revoke {
        /// The key, by its id, its name or what it begins with.
        key: String,
        #[command(flatten)]
        of: OfArgs,
    },
}

/// Whose keys.
#[derive(Debug, Args)]
pub(crate) struct OfArgs {
    /// Whose, by name or id; one's own where nothing is said.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// What there is of a new key.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin key create \"nightly flats\" --scope telescope:read --scope telescope:control --days 90"
)]
pub(crate) struct CreateArgs {
    /// What to call it.
    name: String,
    /// What it may do of what its account may, as resource:action; may be given several times. All of it where nothing is said.
    #[arg(long = "scope", value_name = "RIGHT")]
    scopes: Vec<Right>,
    /// After how many days it ends; by the setting where nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// Write a file for --credentials instead of showing the key.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    of: OfArgs,
}

/// Does it.
pub(crate) async fn run(key: Key, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match key {
        Key::Create(arguments) => create(arguments, client, out).await,
        Key::List(OfArgs { user }) => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let keys = named::keys(client, user_id).await?;
            let now = Clock::system().now();
            out.show(&json!({ "keys": keys }), |paint| rows(paint, &keys, now))
        }
        Key::Revoke { key, of: OfArgs { user } } => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let ApiKey { id, name, .. } = named::key(client, user_id.clone(), &key).await?;
            let reply = client.ask(&RevokeKey { id, user_id }).await?;
            out.show(&reply, |_| format!("key {} is revoked", harmless(&name)))
        }
    }
}

async fn create(arguments: CreateArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let CreateArgs { name, scopes, days, out: file, of: OfArgs { user } } = arguments;
    let create = CreateKey {
        scopes: (!scopes.is_empty()).then(|| scopes.iter().map(ToString::to_string).collect()),
        expires_at: days.map(|days| Clock::system().now().plus(Duration::from_secs(u64::from(days) * 86_400))),
        user_id: named::user_id(client, user.as_deref()).await?,
        name,
    };
    let reply = client.ask(&create).await?;
    let KeyCreated { id, key, prefix, expires_at } = &reply;
    let until = expires_at.map_or_else(|| "it does not end".to_owned(), |end| format!("it ends at {end}"));
    let account = Party::Key(id.clone()).account().map_err(|e| Fault::internal(e.to_string()))?;
    let Some(file) = file else {
        let sentence = format!("key {prefix} is made, account {account} on the bus; {until}. It is not shown again:");
        return out.show_secret(&reply, &sentence, key.expose());
    };
    let credentials = Credentials { account, password: key.expose().to_owned(), broker: BrokerKind::Embedded };
    credentials.write(&file).map_err(Fault::from)?;
    let result = json!({ "id": id, "prefix": prefix, "expires_at": expires_at, "file": file });
    out.show(&result, |_| format!("key {prefix} is in {}, for --credentials; {until}", file.display()))
}

fn rows(paint: Paint, keys: &[ApiKey], now: Timestamp) -> String {
    if keys.is_empty() {
        return "there is no key".to_owned();
    }
    let or = |time: Option<Timestamp>, word: &str| time.map_or_else(|| word.to_owned(), |time| time.to_string());
    let rows = keys.iter().map(|key| {
        let scopes = key.scopes.as_ref().map_or_else(|| "all".to_owned(), |scopes| harmless(&scopes.join(", ")));
        vec![
            harmless(&key.name).into(),
            key.username.to_string().into(),
            state(key, now),
            scopes.into(),
            or(key.expires_at, "never").into(),
            or(key.last_used_at, "never").into(),
            key.prefix.clone().into(),
            key.id.to_string().into(),
        ]
    });
    table(paint, &["key", "account", "state", "scopes", "ends", "last used", "begins", "id"], rows)
}

fn state(key: &ApiKey, now: Timestamp) -> Shown {
    if key.revoked_at.is_some() {
        Shown::bad("revoked")
    } else if key.expires_at.is_some_and(|end| end <= now) {
        Shown::doubtful("ended")
    } else {
        Shown::good("good")
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        let now = "2026-11-21T20:00:00Z".parse().unwrap();
        assert_eq!(
            rows(Paint::Plain, &[ApiKey::example()], now),
            "KEY            ACCOUNT  STATE  SCOPES                             ENDS                  LAST USED  BEGINS    \
             ID\n\
             nightly flats  ann      good   telescope:read, telescope:control  2026-11-21T20:15:00Z  never      3f1f9a26  \
             0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a26"
        );
    }

    #[test]
    fn keys_end_and_are_revoked() {
        let (before, after) = ("2026-11-21T20:00:00Z".parse().unwrap(), "2026-11-21T20:30:00Z".parse().unwrap());
        let revoked = ApiKey { revoked_at: Some(before), ..ApiKey::example() };
        for (key, now, word) in
            [(ApiKey::example(), before, "good"), (ApiKey::example(), after, "ended"), (revoked, before, "revoked")]
        {
            assert_eq!(state(&key, now).text(), word);
        }
    }
}
