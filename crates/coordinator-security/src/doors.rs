//! What a broker that is not ours must be told when it becomes known: passwords, one-time secrets, API keys. Ours asks by itself.

use std::sync::{Mutex, PoisonError};

use bus::BrokerKind;
use engine_accounts::{Accounts, Rights, SecretString};
use engine_tokens::Tokens;
use health::{Report, Status};
use tokio::sync::watch;
use vocabulary::{
    Clock, Fault,
    ids::{AccountName, ApiKeyId},
};

use crate::mosquitto::{Mirror, Passwords};

/// The doors of another's broker; none where it is ours.
#[derive(Debug)]
pub(crate) struct Doors {
    passwords: Option<Passwords>,
    mirror: Mutex<Option<Mirror>>,
    /// Why the doors can't be kept.
    trouble: Option<String>,
    clock: Clock,
}

/// What keeps the doors.
pub(crate) struct Keepers<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) tokens: &'a Tokens,
    pub(crate) rights: &'a Rights,
    pub(crate) clock: &'a Clock,
}

impl Doors {
    /// Those of this broker.
    pub(crate) async fn open(kind: BrokerKind, bus: &bus::Bus, keepers: Keepers<'_>) -> Self {
        let clock = keepers.clock.clone();
        let none = |trouble| Self { passwords: None, mirror: Mutex::new(None), trouble, clock: clock.clone() };
        if kind == BrokerKind::Embedded {
            return none(None);
        }
        let Keepers { accounts, tokens, rights, clock: now } = keepers;
        match Mirror::open(bus, accounts.clone(), tokens.clone(), rights.clone(), now.clone()).await {
            Ok((mirror, passwords)) => {
                Self { passwords: Some(passwords), mirror: Mutex::new(Some(mirror)), trouble: None, clock }
            }
            Err(fault) => {
                tracing::warn!(%fault, "accounts of the broker are not kept in step; who may connect is its own affair");
                none(Some(fault.message))
            }
        }
    }

    /// The password of a user was set, or was right at a login.
    pub(crate) async fn password_known(&self, account: &AccountName, password: &SecretString) {
        if let Some(passwords) = &self.passwords {
            passwords.password_known(account, password);
            passwords.settle().await;
        }
    }

    /// A user was given a one-time secret with which to choose a password.
    pub(crate) async fn one_time_secret_known(&self, account: &AccountName, secret: &SecretString) {
        if let Some(passwords) = &self.passwords {
            passwords.one_time_secret_known(account, secret);
            passwords.settle().await;
        }
    }

    /// An API key was made.
    pub(crate) async fn key_known(&self, id: &ApiKeyId, key: &str) {
        if let Some(passwords) = &self.passwords {
            passwords.key_known(id, key);
            passwords.settle().await;
        }
    }

    /// Something changed of which the database gives no notice: a second factor.
    pub(crate) fn look_again(&self) {
        if let Some(passwords) = &self.passwords {
            passwords.look_again();
        }
    }

    /// Keeps them, for as long as this lives.
    pub(crate) async fn keep(&self, tokens_changed: watch::Receiver<u64>) -> Result<(), Fault> {
        let mirror = self.mirror.lock().unwrap_or_else(PoisonError::into_inner).take();
        match mirror {
            Some(mirror) => {
                mirror.run(tokens_changed).await;
                Err(Fault::unavailable("accounts of the broker are not kept in step any more"))
            }
            None => std::future::pending().await,
        }
    }

    /// How they are; nothing where the broker is ours.
    pub(crate) fn health(&self) -> Option<Report> {
        let report = |status, text: String| Some(Report::new("broker_accounts", status, text, self.clock.now()));
        if let Some(trouble) = &self.trouble {
            return report(Status::Degraded, format!("not kept in step: {trouble}"));
        }
        let standing = self.passwords.as_ref()?.standing().borrow().clone();
        match standing.failure {
            Some(fault) => report(Status::Degraded, fault.message),
            None if !standing.strangers.is_empty() => {
                report(Status::Degraded, format!("names of ours are others' there: {}", standing.strangers.join(", ")))
            }
            None => report(Status::Healthy, "in step".to_owned()),
        }
    }
}
