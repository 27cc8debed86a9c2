//! Keys that were sealed with a former master key are sealed anew, so that it can be taken away.

use store::certificates::{self, accounts, accounts::AcmeAccount, authorities};

use super::Inner;
use crate::TlsError;

impl Inner {
    /// Seals anew what is outdated. What does not open with any key stays as it is; health says so.
    pub(super) async fn reseal(&self) -> Result<(), TlsError> {
        for row in certificates::all(&self.store).await? {
            let Some(sealed) = row.material.and_then(|material| material.private_key_sealed) else { continue };
            if let Some(fresh) = self.fresh(&certificates::private_key_place(&row.id), &sealed)? {
                let mut tx = self.store.begin().await?;
                certificates::reseal(&mut tx, &row.id, &sealed, &fresh).await?;
                tx.commit().await?;
            }
        }
        for row in authorities::all(&self.store).await? {
            let sealed = &row.private_key_sealed;
            if let Some(fresh) = self.fresh(&authorities::private_key_place(&row.id), sealed)? {
                let mut tx = self.store.begin().await?;
                authorities::reseal(&mut tx, &row.id, sealed, &fresh).await?;
                tx.commit().await?;
            }
        }
        let Some(directory) = self.settings().directory_url() else { return Ok(()) };
        if let Some(row) = accounts::find(&self.store, &directory).await?
            && let Some(fresh) = self.fresh(&accounts::credentials_place(&row.id), &row.credentials_sealed)?
        {
            let mut tx = self.store.begin().await?;
            let fresh = AcmeAccount { credentials_sealed: fresh, updated_at: self.clock.now(), ..row };
            accounts::put(&mut tx, &fresh).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn fresh(&self, place: &str, sealed: &str) -> Result<Option<String>, TlsError> {
        if !self.vault.is_outdated(sealed) {
            return Ok(None);
        }
        match self.vault.open(place, sealed) {
            Ok(secret) => Ok(Some(self.vault.seal(place, &secret)?)),
            Err(error) => {
                tracing::debug!(place, %error, "a sealed text does not open");
                Ok(None)
            }
        }
    }
}
