//! Keeps the plugin in step with the tables: whatever changes there is brought there at once, and passwords when they become known.

use std::{collections::HashMap, time::Duration};

use bus::{Bus, Connection};
use catalog::Party;
use engine_accounts::{Accounts, Rights, SecretString, rights::Snapshot};
use engine_tokens::Tokens;
use store::{
    Slice,
    accounts::users::{Filter, User},
    tokens::ApiKey,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};
use vocabulary::{
    Clock, Fault, Timestamp,
    ids::{AccountName, ApiKeyId},
};

use super::{
    Controller, Known, PluginGrant, Summary, Wanted,
    wanted::{Shapes, Users, is_good},
};

/// Room for what became known and was not taken yet.
const QUEUE: usize = 256;
/// How much of what became known is kept while the plugin can't be told.
const KNOWN_MAX: usize = 4096;
/// The pause after each round, in which further changes gather.
const REST: Duration = Duration::from_millis(20);
/// How often everything is looked at though nothing changed: keys end and passwords age by themselves.
const ROUND: Duration = Duration::from_secs(60);
/// The shortest and the longest pause after a failure.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long an answer waits for the plugin.
const SETTLING: Duration = Duration::from_secs(3);
/// How many rows are read at a time.
const PAGE: u32 = 1000;

/// Keeps the plugin in step. It has the whole truth about users and API keys; node accounts that are there get the rights of this version.
#[derive(Debug)]
pub struct Mirror {
    controller: Controller,
    shapes: Shapes,
    accounts: Accounts,
    tokens: Tokens,
    rights: Rights,
    clock: Clock,
    inbox: mpsc::Receiver<Notice>,
    standing: watch::Sender<Standing>,
    passwords: HashMap<AccountName, Known>,
    one_time: HashMap<AccountName, Known>,
    keys: HashMap<AccountName, Known>,
    marks: Vec<oneshot::Sender<()>>,
}

/// Tells the mirror what becomes known. Cheap to clone; it never waits. The mirror ends with the last of them.
#[derive(Debug, Clone)]
pub struct Passwords {
    outbox: mpsc::Sender<Notice>,
    standing: watch::Receiver<Standing>,
    clock: Clock,
}

/// How the mirror stands, for health reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the plugin had everything when it was looked at last.
    pub in_step: bool,
    /// Why not.
    pub failure: Option<Fault>,
    /// Names that should be ours and that others gave a client of their own.
    pub strangers: Vec<String>,
    /// How many rounds were made.
    pub rounds: u64,
}

#[derive(Debug)]
enum Notice {
    Password(AccountName, Known),
    OneTime(AccountName, Known),
    Key(AccountName, Known),
    Look,
    /// Tells when everything before it is there.
    Mark(oneshot::Sender<()>),
}

impl Passwords {
    /// The password of a user was set, or was right at a login.
    pub fn password_known(&self, account: &AccountName, password: &SecretString) {
        self.send(Notice::Password(account.clone(), self.known(password)));
    }

    /// A user was given a one-time secret with which to choose a password.
    pub fn one_time_secret_known(&self, account: &AccountName, secret: &SecretString) {
        self.send(Notice::OneTime(account.clone(), self.known(secret)));
    }

    /// An API key was made, or was brought and is good.
    pub fn key_known(&self, id: &ApiKeyId, key: &str) {
        // An id that is too long for an account's never connects.
        if let Ok(account) = Party::Key(id.clone()).account() {
            self.send(Notice::Key(account, self.known(&SecretString::from(key))));
        }
    }

    /// Something changed that no notice of the database tells of: a second factor.
    pub fn look_again(&self) {
        self.send(Notice::Look);
    }

    /// Waits until what was told is there, for a moment: who is told that a password is set may come in at once.
    pub async fn settle(&self) {
        let (mark, settled) = oneshot::channel();
        self.send(Notice::Mark(mark));
        if tokio::time::timeout(SETTLING, settled).await.is_err() {
            tracing::warn!("mosquitto does not have a change of accounts yet; it is brought there as soon as possible");
        }
    }

    /// How the mirror stands, and changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    fn known(&self, secret: &SecretString) -> Known {
        Known { secret: secret.clone(), at: self.clock.now() }
    }

    fn send(&self, notice: Notice) {
        if self.outbox.try_send(notice).is_err() {
            tracing::warn!("a password could not be handed to mosquitto; it is known again at the next login");
        }
    }
}

impl Mirror {
    /// Begins; nothing is done before [`Self::run`]. `bus` is connected as the security coordinator.
    ///
    /// # Errors
    /// `unavailable` where the plugin's answers can't be subscribed to.
    pub async fn open(
        bus: &Bus,
        accounts: Accounts,
        tokens: Tokens,
        rights: Rights,
        clock: Clock,
    ) -> Result<(Self, Passwords), Fault> {
        let (outbox, inbox) = mpsc::channel(QUEUE);
        let (standing, stands) = watch::channel(Standing::default());
        let passwords = Passwords { outbox, standing: stands, clock: clock.clone() };
        let mirror = Self {
            controller: Controller::open(bus).await?,
            shapes: Shapes::default(),
            accounts,
            tokens,
            rights,
            clock,
            inbox,
            standing,
            passwords: HashMap::new(),
            one_time: HashMap::new(),
            keys: HashMap::new(),
            marks: Vec::new(),
        };
        Ok((mirror, passwords))
    }

    /// Keeps the plugin in step until nobody is left who could tell of changes. `tokens_changed` is [`engine_tokens::Verifier::changed`].
    pub async fn run(mut self, mut tokens_changed: watch::Receiver<u64>) {
        let mut rights_changed = self.rights.generations();
        let mut connection = self.controller.connection();
        let mut retry = RETRY.0;
        loop {
            if !self.is_connected(&mut connection).await {
                return;
            }
            self.refresh_rights().await;
            rights_changed.mark_unchanged();
            tokens_changed.mark_unchanged();
            let done = self.round().await;
            let wake = match &done {
                Ok((_, wake)) => {
                    retry = RETRY.0;
                    *wake
                }
                Err(_) => {
                    retry = (retry * 2).min(RETRY.1);
                    Instant::now() + retry
                }
            };
            self.report(done.map(|(summary, _)| summary));
            sleep(REST).await;
            let goes_on = tokio::select! {
                changed = rights_changed.changed() => changed.is_ok(),
                changed = tokens_changed.changed() => changed.is_ok(),
                changed = connection.changed() => {
                    // Mosquitto may have been started with another file.
                    self.controller.forget();
                    changed.is_ok()
                }
                notice = self.inbox.recv() => notice.map(|notice| self.learn(notice)).is_some(),
                () = sleep_until(wake) => true,
            };
            if !goes_on {
                return;
            }
            while let Ok(notice) = self.inbox.try_recv() {
                self.learn(notice);
            }
        }
    }

    /// Waits until the connection stands, and learns meanwhile; false where nobody is left.
    async fn is_connected(&mut self, connection: &mut watch::Receiver<Connection>) -> bool {
        if let Connection::Down(why) = &*connection.borrow() {
            self.report(Err(Fault::unavailable(format!("mosquitto can't be reached: {why}"))));
        }
        loop {
            tokio::select! {
                stands = connection.wait_for(|now| matches!(now, Connection::Up(_))) => return stands.is_ok(),
                notice = self.inbox.recv() => match notice {
                    Some(notice) => self.learn(notice),
                    None => return false,
                },
            }
        }
    }

    fn learn(&mut self, notice: Notice) {
        let (map, account, known) = match notice {
            Notice::Password(account, known) => (&mut self.passwords, account, known),
            Notice::OneTime(account, known) => (&mut self.one_time, account, known),
            Notice::Key(account, known) => (&mut self.keys, account, known),
            Notice::Look => return,
            Notice::Mark(mark) => return self.marks.push(mark),
        };
        if map.len() < KNOWN_MAX || map.contains_key(&account) {
            map.insert(account, known);
        } else {
            tracing::warn!(%account, "too many passwords wait for mosquitto; this one is known again at the next login");
        }
    }

    /// Who was just made must not be given the rights of a moment ago: that would throw them out a moment later.
    async fn refresh_rights(&self) {
        let knows_more = !(self.passwords.is_empty() && self.keys.is_empty());
        if knows_more && let Err(error) = self.rights.refresh().await {
            tracing::debug!(%error, "rights can't be read now; the last ones hold");
        }
    }

    /// Brings the plugin in step: what was done, and when to look again.
    async fn round(&mut self) -> Result<(Summary, Instant), Fault> {
        let users = self.users().await?;
        let keys = self.api_keys().await?;
        // Read last: who is in the rows and not in the snapshot yet has no rights for a moment; the other way round one would keep them.
        let (rights, now) = (self.rights.snapshot(), self.clock.now());
        let mut wanted = Wanted::default();
        wanted.nodes(&mut self.shapes, |_| Ok(None))?;
        let told = Users {
            rows: &users,
            passwords: &self.passwords,
            one_time: &self.one_time,
            password_age_max: self.accounts.settings().password_age_max(),
        };
        wanted.users(&mut self.shapes, &rights, &told, now);
        wanted.keys(&mut self.shapes, &rights, &keys, &self.keys, now);
        wanted.plugins(&catalog::all(), &self.plugins(&rights))?;
        let summary = self.controller.provision(&wanted).await?;
        self.passwords.clear();
        self.one_time.clear();
        self.keys.clear();
        for mark in self.marks.drain(..) {
            let _ = mark.send(());
        }
        Ok((summary, Instant::now() + until_next(&keys, now)))
    }

    /// The plugins that are let in, with the passwords that became known.
    fn plugins(&self, rights: &Snapshot) -> Vec<PluginGrant> {
        let let_in = rights.accounts().filter(|account| account.enabled).filter_map(|account| {
            let manifest = account.manifest.as_deref()?;
            let Party::Plugin(id) = Party::of(&account.username) else { return None };
            let password = self.passwords.get(&account.username).map(|known| known.secret.clone());
            Some(PluginGrant { id, publishes: manifest.publishes.clone(), reads: manifest.reads.clone(), password })
        });
        let_in.collect()
    }

    fn report(&self, done: Result<Summary, Fault>) {
        let before = self.standing.borrow().clone();
        let rounds = before.rounds + 1;
        let standing = match done {
            Ok(Summary { made, changed, removed, strangers, commands }) => {
                if commands > 0 {
                    tracing::info!(?made, ?changed, ?removed, commands, "mosquitto's accounts were brought in step");
                }
                if strangers != before.strangers {
                    tracing::warn!(?strangers, "mosquitto has clients under names of ours; they were left alone");
                }
                Standing { in_step: true, failure: None, strangers, rounds }
            }
            Err(fault) => {
                if before.failure.as_ref() != Some(&fault) {
                    tracing::warn!(error = %fault, hint = fault.hint, "mosquitto's accounts can't be brought in step");
                }
                Standing { in_step: false, failure: Some(fault), rounds, ..before }
            }
        };
        self.standing.send_replace(standing);
    }

    async fn users(&self) -> Result<Vec<User>, Fault> {
        let (mut users, mut slice) = (Vec::new(), Slice::first(PAGE));
        loop {
            let page = self.accounts.users(&Filter::default(), &slice).await.map_err(unread)?;
            users.extend(page.items);
            match page.next {
                Some(next) => slice.cursor = Some(next),
                None => return Ok(users),
            }
        }
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, Fault> {
        let (mut keys, mut slice) = (Vec::new(), Slice::first(PAGE));
        loop {
            let page = self.tokens.api_keys(None, &slice).await.map_err(unread)?;
            keys.extend(page.items);
            match page.next {
                Some(next) => slice.cursor = Some(next),
                None => return Ok(keys),
            }
        }
    }
}

fn unread(error: impl std::fmt::Display) -> Fault {
    Fault::unavailable(format!("accounts for mosquitto can't be read: {error}"))
        .hint("they are read again by themselves; see that the database runs")
}

/// When the first key ends, or a round has passed.
fn until_next(keys: &[ApiKey], now: Timestamp) -> Duration {
    let ends = keys.iter().filter(|key| is_good(key, now)).filter_map(|key| key.expires_at);
    ends.map(|end| end.since(now)).chain([ROUND]).min().unwrap_or(ROUND)
}
