//! What every process knows of security: who may do what, which tokens are good, the certificates, and where deeds are recorded.

pub(crate) mod authority;
pub(crate) mod door;
pub(crate) mod master_key;
pub(crate) mod topics;
pub(crate) mod watchman;

use std::{sync::Arc, time::Duration};

use catalog::{Needs, Owner, READ_RESPONSES};
use coordinator::Trail;
use coordinator_security::SecuritySettings;
use engine_accounts::{Accounts, AccountsSettings, Rights};
use engine_tls::Keyring;
use engine_tokens::{CurrentEpoch, Verifier};
use store::{Changes, MasterKey, Store, Vault, accounts, certificates, orbital, setting_rows, tokens};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::{Clock, Fault, Permission, Timestamp};

use crate::house::broker::Embedded;

/// How soon the door takes changed settings over.
const SETTINGS_ROUND: Duration = Duration::from_secs(1);

/// The security of one process. Clones share it.
#[derive(Clone)]
pub(crate) struct Security {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) changes: Arc<Changes>,
    pub(crate) rights: Rights,
    pub(crate) verifier: Verifier,
    pub(crate) trail: Trail,
    /// Where this process has the master key: what is sealed with it.
    pub(crate) sealed: Option<Sealed>,
}

/// What needs the master key.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) vault: Vault,
    pub(crate) keyring: Keyring,
}

impl Security {
    /// Reads everything and keeps it fresh.
    pub(crate) async fn start(store: Store, clock: Clock, key: Option<&MasterKey>) -> Result<Self, Fault> {
        let channels = [accounts::RIGHTS_CHANNEL, tokens::CHANNEL, certificates::CHANNEL, orbital::CHANNEL];
        let changes = Arc::new(Changes::listen(store.clone(), &channels));
        let changed = changes.on(accounts::RIGHTS_CHANNEL).ok_or_else(|| Fault::internal("nobody hears of rights"))?;
        let rights = Rights::start(store.clone(), changed, known()).await?;
        let epochs = rights.clone();
        let epoch: CurrentEpoch =
            Arc::new(move |user| epochs.token_epoch_of(user).and_then(|epoch| i64::try_from(epoch).ok()));
        let vault = key.map(|key| Vault::new(key, &[])).transpose()?;
        if let Some(key) = key {
            is_of_this_database(&store, key, clock.now()).await?;
        }
        let verifier = Verifier::start(store.clone(), vault.clone(), &changes, epoch, clock.clone())
            .await
            .map_err(|e| Fault::unavailable(e.to_string()).hint("see that the database runs"))?;
        let sealed = match vault {
            Some(vault) => {
                let keyring = Keyring::start(store.clone(), vault.clone(), clock.clone());
                let keyring = keyring.await.map_err(|e| Fault::unavailable(e.to_string()))?;
                Some(Sealed { vault, keyring })
            }
            None => None,
        };
        let trail = Trail::start(store.clone(), clock.clone());
        Ok(Self { store, clock, changes, rights, verifier, trail, sealed })
    }

    /// Lets others than nodes in at our own broker from now on, and watches it.
    pub(crate) async fn open_door(&self, embedded: &Embedded, watch: &Watch) -> Result<(), Fault> {
        let vault = self.sealed("broker")?.vault.clone();
        let settings = account_settings(&self.store).await?;
        let accounts = Accounts::start(self.store.clone(), vault, self.clock.clone(), settings)
            .await
            .map_err(|e| Fault::unavailable(e.to_string()))?;
        watch.tasks.spawn(follow_settings(self.clone(), accounts.clone(), watch.stop.clone()));
        embedded.door.open_to_all(self.clone(), accounts);
        watchman::start(&embedded.broker, self, watch);
        Ok(())
    }

    /// What needs the master key, for who can't do without.
    pub(crate) fn sealed(&self, role: &str) -> Result<&Sealed, Fault> {
        self.sealed.as_ref().ok_or_else(|| {
            Fault::invalid(format!("{role} has no master key")).hint(
                "name the one that the database was sealed with: --master-key FILE, BIGSKIES_MASTER_KEY, or the key ring",
            )
        })
    }
}

/// Refuses a master key with which none of the signing keys was sealed: a fresh one in place of one that was lost would seem to work until
/// something is to be opened.
async fn is_of_this_database(store: &Store, key: &MasterKey, now: Timestamp) -> Result<(), Fault> {
    let sealed = tokens::snapshot(store, now).await?.signing_keys;
    if sealed.is_empty() || sealed.iter().any(|row| row.private_sealed.contains(key.id())) {
        return Ok(());
    }
    Err(Fault::invalid(format!("this database was sealed with another master key than {}", key.id())).hint(
        "name the one that it was sealed with: --master-key FILE; docs/guides/security.md says what to do if it is lost",
    ))
}

/// The tasks that watch for a process, and what ends them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Watch {
    /// Ends them.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// The settings of accounts as the security coordinator has them; the defaults where its rows can't stand.
async fn account_settings(store: &Store) -> Result<AccountsSettings, Fault> {
    let rows = setting_rows::load(store, &Owner::Security.component()).await?;
    let parsed = settings::parse::<SecuritySettings>(&rows);
    Ok(parsed.map(|parsed| parsed.settings.accounts).unwrap_or_default())
}

/// Takes the settings of accounts over soon after they were changed.
async fn follow_settings(security: Security, accounts: Accounts, stop: CancellationToken) {
    let mut round = tokio::time::interval(SETTINGS_ROUND);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            () = stop.cancelled() => return,
        }
        match account_settings(&security.store).await {
            Ok(settings) if *accounts.settings() != settings => {
                if let Err(error) = accounts.apply(settings).await {
                    tracing::warn!(%error, "settings of accounts can't be taken over at the door");
                }
            }
            Ok(_) => {}
            Err(fault) => tracing::debug!(%fault, "settings of accounts can't be read"),
        }
    }
}

/// The rights that messages need.
fn known() -> Vec<Permission> {
    let rights = catalog::all().into_iter().filter_map(|entry| match entry.needs {
        Needs::Right(permission) => Some(permission),
        Needs::Nobody | Needs::Anybody | Needs::Node | Needs::Addressee => None,
    });
    let mut known: Vec<Permission> = rights.collect();
    if let Needs::Right(responses) = READ_RESPONSES {
        known.push(responses);
    }
    known.extend([service_orbital::READ, service_orbital::WRITE_SATELLITES, service_orbital::WRITE_STATIONS]);
    known.sort_unstable();
    known.dedup();
    known
}
