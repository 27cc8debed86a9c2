//! Our own authorities: one is made once and for all processes; another takes its place in time.

use store::{
    StoreError,
    certificates::{
        self,
        authorities::{self, Authority, AuthorityState, private_key_place},
    },
};
use vocabulary::ids::AuthorityId;

use super::{Certificates, Inner};
use crate::{
    PrivateKeyPem, TlsError, pem,
    workshop::{self, Life, Signer},
    x509::Facts,
};

impl Certificates {
    /// The certificates of our own authorities, as one PEM text: what others need to trust us.
    pub fn authorities_pem(&self) -> String {
        self.0.keyring.authorities_pem()
    }

    /// Lets a new authority issue from now on. What the former one issued stays good until it expires.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn rotate_authority(&self) -> Result<AuthorityId, TlsError> {
        self.0.rotate_authority().await
    }
}

impl Inner {
    /// Makes the first authority, if nobody has.
    pub(super) async fn ensure_authority(&self) -> Result<(), TlsError> {
        if self.keyring.picture().issuing().is_none() {
            let fresh = self.make_authority().await?;
            let mut tx = self.store.begin().await?;
            match authorities::insert(&mut tx, &fresh).await {
                Ok(()) => {
                    tx.commit().await?;
                    tracing::info!(authority = %fresh.id, "an authority for certificates was made");
                }
                // Another process was quicker; there is one for all.
                Err(StoreError::Conflict { .. }) => tx.rollback().await?,
                Err(error) => return Err(error.into()),
            }
            self.keyring.read().await?;
        }
        Ok(())
    }

    /// Puts another in place of one that would end before what it issues.
    pub(super) async fn rotate_in_time(&self) -> Result<(), TlsError> {
        let (settings, now) = (self.settings(), self.clock.now());
        let Some(remaining) = self.keyring.picture().issuing().map(|authority| authority.expires_at.since(now)) else {
            return self.ensure_authority().await;
        };
        let needed = settings.server_life().max(settings.node_life()) + settings.renew_before();
        if remaining < needed.min(settings.authority_life() / 3) {
            self.rotate_authority().await?;
        }
        Ok(())
    }

    pub(super) async fn rotate_authority(&self) -> Result<AuthorityId, TlsError> {
        let fresh = self.make_authority().await?;
        let mut tx = self.store.begin().await?;
        authorities::retire(&mut tx).await?;
        authorities::insert(&mut tx, &fresh).await?;
        authorities::remove_expired(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        self.refresh().await;
        tracing::info!(authority = %fresh.id, "another authority issues certificates now");
        Ok(fresh.id)
    }

    /// The authority that issues, with its key.
    pub(super) fn signer(&self) -> Result<(Authority, Signer), TlsError> {
        let authority = self.keyring.picture().issuing().cloned().ok_or(TlsError::NoAuthority)?;
        let key = self.vault.open(&private_key_place(&authority.id), &authority.private_key_sealed)?;
        let key = String::from_utf8(key).map_err(|e| TlsError::defect("reading an authority's key")(e.to_string()))?;
        let certificate_pem = authority.certificate_pem.clone();
        Ok((authority, Signer { certificate_pem, private_key_pem: PrivateKeyPem::new(key) }))
    }

    /// The authority that issued a certificate, else the one that issues now.
    pub(super) async fn authority_of(&self, row: Option<&certificates::Certificate>) -> Result<Authority, TlsError> {
        let issuer = row.and_then(|row| row.material.as_ref()).and_then(|material| first(&material.certificate_pem));
        let all = authorities::all(&self.store).await?;
        let issued = |authority: &&Authority| {
            let subject = first(&authority.certificate_pem).map(|facts| facts.subject_der);
            subject.is_some() && subject == issuer.as_ref().map(|facts| facts.issuer_der.clone())
        };
        let found = all.iter().find(issued).or_else(|| all.iter().find(|one| one.state == AuthorityState::Active));
        found.cloned().ok_or(TlsError::NoAuthority)
    }

    async fn make_authority(&self) -> Result<Authority, TlsError> {
        let (id, now) = (AuthorityId::fresh(), self.clock.now());
        let life = Life::from(now, self.settings().authority_life());
        // Its name is its alone, so that a chain leads to one authority and not to its successor.
        let subject = format!("BIG SKIES {id}");
        let made = self.keyring.workshop().run("making an authority", move || workshop::authority(&subject, life));
        let made = made.await?;
        let sealed = self.vault.seal(&private_key_place(&id), made.private_key_pem.expose().as_bytes())?;
        Ok(Authority {
            id,
            certificate_pem: made.certificate_pem,
            private_key_sealed: sealed,
            state: AuthorityState::Active,
            not_before: life.not_before,
            expires_at: life.expires_at,
            created_at: now,
        })
    }
}

fn first(certificate_pem: &str) -> Option<Facts> {
    Facts::of(pem::chain(certificate_pem).ok()?.first()?).ok()
}
