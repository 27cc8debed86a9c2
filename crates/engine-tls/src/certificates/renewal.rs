//! Renewal: what is due is renewed by one process at a time, and tried again later where it fails.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use store::{
    Leadership, StoreError,
    certificates::{self, Kind, Purpose},
};
use tokio::time::timeout;
use vocabulary::{Timestamp, ids::CertificateId};

use super::{Certificate, Certificates, Inner, State, issue::Wanted};
use crate::{TlsError, acme, error::AcmeFailure, names};

/// What one process of all holds while it renews.
const TURN: &str = "renewal of certificates";
/// How long somebody who asks waits for the turn.
const PATIENCE: Duration = Duration::from_secs(15);

/// The pause after the first failure; it doubles with each, up to the longest.
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(6 * 3600);
/// The shortest pause where a directory asks for patience; Let's Encrypt counts failures by the hour.
const PAUSE_RATE_LIMITED: Duration = Duration::from_secs(3600);
/// How long a pause doubles.
const DOUBLINGS_MAX: u32 = 9;

/// What a round of renewal did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// The domains that were renewed.
    pub renewed: Vec<String>,
    /// Those that were not, and why.
    pub failed: Vec<(String, String)>,
}

impl Certificates {
    /// Orders a certificate for a listener from the ACME directory, and keeps it renewed. It stays ordered where this fails, and is tried
    /// again later.
    ///
    /// # Errors
    /// ACME is not set up, a name can't be ordered, the domain has a certificate of another kind, the directory gives none, another
    /// process renews at this moment, or the database does not answer within the bounds.
    pub async fn order(&self, domain: &str, others: &[String]) -> Result<Certificate, TlsError> {
        let inner = &self.0;
        acme::Directory::of(&inner.settings())?;
        let wanted = Wanted::server(domain, others, Kind::Acme)?;
        // With the turn, since a round would try it as well as soon as it stands among the rows.
        let turn = inner.turn().await?;
        let ordered = async {
            let row = inner.place_order(&wanted).await?;
            inner.renew(row).await
        };
        let ordered = ordered.await;
        turn.release().await;
        ordered
    }

    /// Renews the certificate of a domain now.
    ///
    /// # Errors
    /// There is none, it is not renewed here, it can't be renewed, another process renews at this moment, or the database does not answer
    /// within the bounds.
    pub async fn renew(&self, domain: &str) -> Result<Certificate, TlsError> {
        let (inner, domain) = (&self.0, &names::known_by(domain));
        let there = certificates::get(&inner.store, domain).await?;
        if there.purpose == Purpose::Account || there.kind == Kind::Imported {
            let kind = if there.purpose == Purpose::Account { "an account's" } else { "imported" };
            return Err(TlsError::NotOurs { domain: there.domain, kind: kind.to_owned() });
        }
        let turn = inner.turn().await?;
        let renewed = async {
            let row = certificates::get(&inner.store, domain).await?;
            inner.renew(row).await
        };
        let renewed = renewed.await;
        turn.release().await;
        renewed
    }

    /// Renews everything that is due; what another process renews at this moment is waited for. It is done by itself at the interval of
    /// the settings.
    ///
    /// # Errors
    /// The database does not answer within the bounds. What can't be renewed is in the round.
    pub async fn renew_due(&self) -> Result<Round, TlsError> {
        self.0.renew_due(PATIENCE).await
    }
}

impl Inner {
    async fn turn(&self) -> Result<Leadership, TlsError> {
        Leadership::acquire(&self.store.endpoint(), TURN, PATIENCE).await?.ok_or(TlsError::Elsewhere)
    }

    /// Keeps what is wanted as a row without a certificate, or with the one that is there.
    async fn place_order(&self, wanted: &Wanted) -> Result<certificates::Certificate, TlsError> {
        let now = self.clock.now();
        let row = match self.place_for(wanted).await? {
            None => wanted.row(CertificateId::fresh(), None, now, now),
            Some(former) => {
                let mut material = former.material;
                if former.kind != wanted.kind
                    && let Some(material) = &mut material
                {
                    // It is shown until the order succeeds, however often that is tried.
                    material.renew_after = now;
                }
                let row = wanted.row(former.id, material, former.created_at, now);
                certificates::Certificate { attempts: former.attempts, last_error: former.last_error, ..row }
            }
        };
        let mut tx = self.store.begin().await?;
        certificates::put(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Does a round, or nothing where another process does one for longer than `patience`.
    async fn renew_due(&self, patience: Duration) -> Result<Round, TlsError> {
        let mut round = Round::default();
        let turn = Leadership::acquire(&self.store.endpoint(), TURN, patience).await?;
        let Some(turn) = turn else { return Ok(round) };
        let done = self.renew_each(&mut round).await;
        turn.release().await;
        self.refresh_health();
        done.map(|()| round)
    }

    async fn renew_each(&self, round: &mut Round) -> Result<(), TlsError> {
        self.rotate_in_time().await?;
        self.reseal().await?;
        self.forget().await?;
        let mut rows = self.renewable().await?;
        // Ours take a moment each; a directory may keep those behind it waiting for minutes.
        rows.sort_by_key(|row| row.kind == Kind::Acme);
        for row in rows {
            if !self.is_due(&row) {
                continue;
            }
            let domain = row.domain.clone();
            match self.renew(row).await {
                Ok(_) => round.renewed.push(domain),
                // Without a database nothing else can be kept either.
                Err(TlsError::Store(error)) if error.is_unavailable() => return Err(error.into()),
                Err(error) => round.failed.push((domain, error.to_string())),
            }
        }
        Ok(())
    }

    fn is_due(&self, row: &certificates::Certificate) -> bool {
        let now = self.clock.now();
        let waits = row.retry_after.is_some_and(|instant| instant > now);
        !waits && State::of(row, now) != State::Valid
    }

    async fn renew(&self, row: certificates::Certificate) -> Result<Certificate, TlsError> {
        let (id, attempts) = (row.id.clone(), row.attempts);
        let wanted = Wanted::again(&row);
        let renewed = match row.kind {
            Kind::Acme => self.obtain(&wanted, row).await,
            Kind::SelfSigned | Kind::Internal | Kind::Imported => {
                self.issue(&wanted, Some(row)).await.map(|issued| issued.certificate)
            }
        };
        let error = match renewed {
            Ok(certificate) => return Ok(certificate),
            Err(error) => error,
        };
        let (now, pause) = (self.clock.now(), pause(attempts, &error));
        tracing::warn!(domain = wanted.domain, %error, pause_seconds = pause.as_secs(), "certificate could not be renewed");
        self.record(&id, &error, now.plus(pause), now).await?;
        Err(error)
    }

    async fn obtain(&self, wanted: &Wanted, row: certificates::Certificate) -> Result<Certificate, TlsError> {
        let made = acme::obtain(self, &wanted.names).await?;
        let certificate = self.keep(wanted, Some(row), &made).await?;
        tracing::info!(domain = wanted.domain, serial = certificate.serial, "certificate obtained");
        Ok(certificate)
    }

    async fn record(
        &self,
        id: &CertificateId,
        error: &TlsError,
        retry_after: Timestamp,
        now: Timestamp,
    ) -> Result<(), TlsError> {
        let text: String = error.to_string().chars().filter(|letter| !letter.is_control()).take(1000).collect();
        let mut tx = self.store.begin().await?;
        match certificates::record_failure(&mut tx, id, &text, retry_after, now).await {
            // Somebody removed it meanwhile.
            Err(StoreError::NotFound { .. }) => return Ok(()),
            other => other?,
        }
        tx.commit().await?;
        self.refresh().await;
        Ok(())
    }

    /// Forgets what is of no use any more.
    async fn forget(&self) -> Result<(), TlsError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        certificates::revocations::remove_expired(&mut tx, now).await?;
        certificates::authorities::remove_expired(&mut tx, now).await?;
        certificates::challenges::remove(&mut tx, &[], now).await?;
        Ok(tx.commit().await?)
    }
}

/// How long is waited after a failure that followed `attempts` others.
fn pause(attempts: u32, error: &TlsError) -> Duration {
    let pause = (PAUSE * (1 << attempts.min(DOUBLINGS_MAX))).min(PAUSE_MAX);
    match error {
        TlsError::Acme { failure: AcmeFailure::RateLimited, .. } => pause.max(PAUSE_RATE_LIMITED),
        _ => pause,
    }
}

/// Renews what is due, again and again.
pub(super) async fn keep(engine: Weak<Inner>) {
    while let Some(inner) = engine.upgrade() {
        match inner.renew_due(Duration::ZERO).await {
            Ok(round) if round.failed.is_empty() => {
                tracing::debug!(renewed = round.renewed.len(), "certificates looked at");
            }
            Ok(round) => tracing::warn!(failed = round.failed.len(), "certificates could not be renewed"),
            Err(error) => tracing::warn!(%error, "certificates can't be looked at"),
        }
        let (interval, wake) = (inner.settings().interval(), Arc::clone(&inner.wake));
        // Who waits does not keep the engine.
        drop(inner);
        let _ = timeout(interval, wake.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses() {
        let acme = |failure| TlsError::Acme { directory: String::new(), reason: String::new(), failure };
        for (attempts, error, seconds) in [
            (0, acme(AcmeFailure::Away), 60),
            (1, acme(AcmeFailure::Away), 120),
            (3, acme(AcmeFailure::Refused), 480),
            (8, acme(AcmeFailure::Away), 15360),
            (9, acme(AcmeFailure::Away), 21600),
            (4_000_000, acme(AcmeFailure::Away), 21600),
            (0, acme(AcmeFailure::RateLimited), 3600),
            (9, acme(AcmeFailure::RateLimited), 21600),
            (0, TlsError::NoAuthority, 60),
        ] {
            assert_eq!(pause(attempts, &error).as_secs(), seconds, "{attempts} {error}");
        }
    }
}
