//! The engine: what it is made of, how it starts, what it says of itself, and how it ends. What it does is in the files beside this one.

use std::{
    fmt,
    sync::{Arc, RwLock},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use engine::{Boxed, Engine};
use serde_json::Value;
use store::{Store, Vault};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::{Clock, Timestamp};

use crate::{TokensError, TokensSettings, Verifier, keys::Signer, upkeep};

/// The engine's name in health reports.
const NAME: &str = "tokens";

/// Issues tokens and keys, and takes them back. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    pub(crate) inner: Arc<Inner>,
}

/// What the engine's parts share.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    pub(crate) settings: ArcSwap<TokensSettings>,
    pub(crate) signer: ArcSwapOption<Signer>,
    /// Held while keys are turned over or settings change, so that both go by the same settings.
    pub(crate) turning: tokio::sync::Mutex<()>,
    pub(crate) next_rotation: RwLock<Option<Timestamp>>,
    pub(crate) swept_at: RwLock<Timestamp>,
    pub(crate) health: health::Cell,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("verifier", &self.inner.verifier).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Starts with the keys that are in the store, and makes those that are missing. The verifier is that of the same process.
    ///
    /// # Errors
    /// The settings can't stand, the database does not answer, or the signing key can't be opened.
    pub async fn start(
        store: Store,
        vault: Vault,
        verifier: Verifier,
        clock: Clock,
        settings: TokensSettings,
    ) -> Result<Self, TokensError> {
        checked(&settings)?;
        let begun = clock.now();
        let inner = Arc::new(Inner {
            health: health::Cell::new(NAME, clock.clone()),
            store,
            vault,
            verifier,
            clock,
            settings: ArcSwap::from_pointee(settings),
            signer: ArcSwapOption::empty(),
            turning: tokio::sync::Mutex::default(),
            next_rotation: RwLock::default(),
            swept_at: RwLock::new(begun),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        inner.tend_keys().await?;
        inner.verifier.reload().await?;
        inner.look().await;
        inner.tasks.spawn(upkeep::run(Arc::clone(&inner)));
        Ok(Self { inner })
    }

    /// Takes other settings. Tokens that are out keep the life that they got.
    ///
    /// # Errors
    /// They can't stand, or the database does not answer; then the old ones hold.
    pub async fn apply(&self, settings: TokensSettings) -> Result<(), TokensError> {
        checked(&settings)?;
        self.inner.take_settings(settings).await?;
        self.inner.look().await;
        Ok(())
    }

    /// The settings that hold.
    pub fn settings(&self) -> TokensSettings {
        TokensSettings::clone(&self.inner.settings.load())
    }

    /// Who checks tokens in this process.
    pub fn verifier(&self) -> &Verifier {
        &self.inner.verifier
    }

    /// The public keys as a JWK set, for others who check our tokens; see [`Verifier::changed`] for when it may be another.
    pub fn jwks(&self) -> Value {
        self.inner.verifier.jwks()
    }

    /// Does now what the engine does by itself every few seconds: turns keys over, removes what ended, looks at its health.
    pub async fn tend(&self) {
        self.inner.tend().await;
    }
}

impl Inner {
    /// Lets this process know at once of what was committed. Where that fails, the notice or the next round does it.
    pub(crate) async fn heard(&self) {
        if let Err(error) = self.verifier.reload().await {
            tracing::debug!(%error, "what was changed is not known here yet");
        }
    }
}

fn checked(settings: &TokensSettings) -> Result<(), TokensError> {
    match settings.validate().into_iter().next() {
        Some((key, why)) => Err(TokensError::Settings { key, why }),
        None => Ok(()),
    }
}

impl Engine for Tokens {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> health::Report {
        self.inner.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.inner.stopping.cancel();
            self.inner.tasks.close();
            self.inner.tasks.wait().await;
        })
    }
}
