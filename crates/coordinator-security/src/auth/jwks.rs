//! The public keys with which others check our tokens, kept as a state.

use std::{sync::PoisonError, time::Duration};

use catalog::security::{PublicKey, PublicKeys};
use serde_json::Value;
use tokio::time::sleep;
use vocabulary::Fault;

use crate::Security;

/// The key of the state.
const KEY: &str = "jwks";
/// The pause before a bus that took nothing is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What was published last.
#[derive(Debug, Default)]
pub(crate) struct Shown(std::sync::Mutex<Option<PublicKeys>>);

impl Security {
    /// Publishes the keys, where they are others than before.
    pub(crate) async fn publish_keys(&self) -> Result<(), Fault> {
        let keys = keys_of(&self.given.verifier.jwks())?;
        if self.shown_keys.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&keys) {
            return Ok(());
        }
        self.bus.retain(KEY, &keys).await?;
        *self.shown_keys.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        Ok(())
    }
}

/// Only what a public key has: whatever else the set may come to hold stays here.
fn keys_of(set: &Value) -> Result<PublicKeys, Fault> {
    let keys = set.get("keys").cloned().unwrap_or_default();
    let keys: Vec<PublicKey> = serde_json::from_value(keys)
        .map_err(|error| Fault::internal(format!("public keys can't be shown: {error}")))?;
    Ok(PublicKeys { keys })
}

/// Publishes them again whenever they change.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    let mut changed = security.given.verifier.changed();
    loop {
        while let Err(fault) = security.publish_keys().await {
            tracing::warn!(%fault, "public keys were not published");
            sleep(PAUSE).await;
        }
        if changed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
