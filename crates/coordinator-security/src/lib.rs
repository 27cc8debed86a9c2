//! Who somebody is and what they may do: accounts, rights, tokens, keys, certificates, and the audit trail.
//!
//! | what | where |
//! |---|---|
//! | login, refresh, validation, logout | `auth` |
//! | accounts, passwords, second factors | `people` |
//! | roles, groups, organisations, permissions | `rights` |
//! | what depends on more than one row: nobody is raised above who raises him | `guards` |
//! | API keys | `keys` |
//! | certificates of listeners, nodes and accounts | `certificates` |
//! | the audit trail: read, verified, thinned out | `audit` |
//! | plugins let in, and their tokens | `plugins` |
//! | the first administrator | `first_secret` |
//! | the same rights on Mosquitto | [`mosquitto`], `doors` |

mod announce;
mod audit;
mod auth;
mod certificates;
mod doors;
mod faults;
mod first_secret;
mod guards;
mod keys;
pub mod mosquitto;
mod people;
mod plugins;
mod rights;
mod settings;
mod shown;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use bus::{BrokerKind, Bus};
use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use engine_accounts::{Accounts, Rights};
use engine_tls::{Certificates, TlsError};
use engine_tokens::{Tokens, Verifier};
use store::{Changes, Store, StoreError, vault::Vault};
use vocabulary::{Clock, Fault};

pub use crate::settings::SecuritySettings;

/// The context of this coordinator's messages.
type Cx = coordinator::Cx<Security>;

/// What the composition root hands in.
#[derive(Clone)]
pub struct Given {
    /// Seals what must be reversible.
    pub vault: Vault,
    /// Tells of changed rows; it listens on [`store::accounts::RIGHTS_CHANNEL`] and [`store::tokens::CHANNEL`].
    pub changes: Arc<Changes>,
    /// Who may do what, as this process answers it.
    pub rights: Rights,
    /// What tokens are checked with in this process.
    pub verifier: Verifier,
    /// The node's secret, from which the passwords of coordinators and faces derive; without it none of them logs in here.
    pub node: Option<bus::Credentials>,
    /// Whose broker it is.
    pub broker: BrokerKind,
    /// The name for which listeners need a certificate: a self-signed one is made where there is none.
    pub tls_name: Option<String>,
    /// The file that holds the one-time secret of the first administrator for as long as there is none.
    pub first_secret: Option<PathBuf>,
}

/// The security coordinator.
pub struct Security {
    accounts: Accounts,
    tokens: Tokens,
    certificates: Certificates,
    given: Given,
    bus: Bus,
    store: Store,
    clock: Clock,
    settings: RwLock<Arc<SecuritySettings>>,
    places: rights::places::Places,
    shown_keys: auth::jwks::Shown,
    shown_certificates: certificates::states::Shown,
    trail: audit::keeping::Trail,
    first: first_secret::FirstSecret,
    doors: doors::Doors,
}

impl Security {
    fn settings(&self) -> Arc<SecuritySettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Coordinator for Security {
    const OWNER: Owner = Owner::Security;
    type Settings = SecuritySettings;
    type Given = Given;

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given } = start;
        let vault = given.vault.clone();
        let accounts = Accounts::start(store.clone(), vault.clone(), clock.clone(), settings.accounts.clone());
        let verifier = given.verifier.clone();
        let tokens =
            Tokens::start(store.clone(), vault.clone(), verifier, clock.clone(), settings.tokens.clone()).await?;
        let certificates = Certificates::start(store.clone(), vault, clock.clone(), settings.certificates.clone());
        let accounts = accounts.await.map_err(faults::of_accounts)?;
        let keepers = doors::Keepers { accounts: &accounts, tokens: &tokens, rights: &given.rights, clock: &clock };
        let security = Self {
            doors: doors::Doors::open(given.broker, &bus, keepers).await,
            accounts,
            tokens,
            certificates: certificates.await?,
            settings: RwLock::new(Arc::new(settings)),
            places: rights::places::Places::default(),
            shown_keys: auth::jwks::Shown::default(),
            shown_certificates: certificates::states::Shown::default(),
            trail: audit::keeping::Trail::new(clock.clone()),
            first: first_secret::FirstSecret::default(),
            given,
            bus,
            store,
            clock,
        };
        security.read_places().await?;
        // What stands at the broker is taken away unless it was published again before the first message is taken.
        security.make_certificate().await?;
        security.publish_keys().await?;
        security.publish_certificates().await?;
        security.tend_first_secret().await?;
        Ok(security)
    }

    fn routes() -> Routes<Self> {
        let routes = auth::routes(Routes::default());
        let routes = people::routes(routes);
        let routes = rights::routes(routes);
        let routes = keys::routes(routes);
        let routes = plugins::routes(routes);
        let routes = certificates::routes(routes);
        audit::routes(routes)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        vec![Arc::new(self.accounts.clone()), Arc::new(self.tokens.clone()), Arc::new(self.certificates.clone())]
    }

    async fn apply(&self, settings: &SecuritySettings) -> Result<(), Fault> {
        let old = self.settings();
        if let Err(fault) = self.apply_to_engines(settings).await {
            if let Err(error) = self.apply_to_engines(&old).await {
                tracing::error!(%error, "former settings can't be applied again");
            }
            return Err(fault);
        }
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.clone());
        Ok(())
    }

    async fn work(self: Arc<Self>) -> Result<(), Fault> {
        tokio::select! {
            outcome = auth::jwks::keep(&self) => outcome,
            outcome = certificates::states::keep(&self) => outcome,
            outcome = rights::places::keep(&self) => outcome,
            outcome = audit::keeping::keep(&self) => outcome,
            outcome = plugins::keep(&self) => outcome,
            outcome = first_secret::keep(&self) => outcome,
            outcome = self.doors.keep(self.given.verifier.changed()) => outcome,
        }
    }

    fn health(&self) -> Vec<health::Report> {
        self.doors.health().into_iter().chain([self.trail.health()]).collect()
    }

    fn within(&self, named: &str) -> Vec<String> {
        self.scopes_of(named)
    }
}

impl Security {
    /// Makes a certificate where listeners need one and there is none, so that TLS can be tried before anything is ordered.
    async fn make_certificate(&self) -> Result<(), Fault> {
        let Some(name) = &self.given.tls_name else { return Ok(()) };
        match self.certificates.get(name).await {
            Ok(_) => Ok(()),
            Err(TlsError::Store(StoreError::NotFound { .. })) => {
                let others: Vec<String> =
                    ["localhost", "127.0.0.1"].into_iter().filter(|n| n != name).map(str::to_owned).collect();
                self.certificates.issue_self_signed(name, &others).await?;
                tracing::warn!(name, "a self-signed certificate was made; import or order one that others trust");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts settings into effect in each engine.
    async fn apply_to_engines(&self, settings: &SecuritySettings) -> Result<(), Fault> {
        // The one that can be refused by the database goes first.
        self.tokens.apply(settings.tokens.clone()).await?;
        self.accounts.apply(settings.accounts.clone()).await.map_err(faults::of_accounts)?;
        Ok(self.certificates.reconfigure(settings.certificates.clone())?)
    }
}
