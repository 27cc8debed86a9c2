//! The engine: issues, orders, imports, renews and revokes certificates, in the one process that owns them.

mod authorities;
mod certificate;
mod import;
mod issue;
mod renewal;
mod report;
mod sealing;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use engine::{Boxed, Engine};
use health::{Cell, Report};
use store::{
    Page, Slice, Store, Vault,
    certificates::{
        self, Kind, Purpose, revocations,
        revocations::{Revocation, RevocationReason},
    },
};
use tokio::{sync::Notify, task::JoinHandle};
use vocabulary::{Clock, Timestamp};

pub use self::{
    certificate::{Certificate, Issued, State},
    renewal::Round,
};
use crate::{
    Challenges, Keyring, TlsError, TlsSettings, acme, names,
    x509::{self, Facts},
};

/// The name in health reports.
const NAME: &str = "tls";

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Certificates(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) keyring: Keyring,
    settings: ArcSwap<TlsSettings>,
    health: Cell,
    /// Wakes who renews before its time.
    wake: Arc<Notify>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Certificates {
    /// Reads what is there, makes the first authority if there is none, and begins to renew.
    ///
    /// # Errors
    /// The settings can't stand, the database does not answer within the bounds, or the vault does not open what is in it.
    pub async fn start(store: Store, vault: Vault, clock: Clock, settings: TlsSettings) -> Result<Self, TlsError> {
        checked(&settings)?;
        let keyring = Keyring::start(store.clone(), vault.clone(), clock.clone()).await?;
        let health = Cell::new(NAME, clock.clone());
        let inner = Inner {
            store,
            vault,
            clock,
            keyring,
            settings: ArcSwap::from_pointee(settings),
            health,
            wake: Arc::default(),
            tasks: Mutex::default(),
        };
        let engine = Self(Arc::new(inner));
        engine.0.ensure_authority().await?;
        engine.0.refresh_health();
        let tasks = vec![
            tokio::spawn(renewal::keep(Arc::downgrade(&engine.0))),
            tokio::spawn(report::keep(Arc::downgrade(&engine.0), engine.0.keyring.changed())),
        ];
        *engine.0.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        Ok(engine)
    }

    /// What the listeners and clients of this process serve and trust.
    pub fn keyring(&self) -> Keyring {
        self.0.keyring.clone()
    }

    /// What ACME directories look up.
    pub fn challenges(&self) -> Challenges {
        self.0.keyring.challenges()
    }

    /// The settings that hold.
    pub fn settings(&self) -> TlsSettings {
        TlsSettings::clone(&self.0.settings())
    }

    /// Puts other settings in place; what is there already keeps its dates.
    ///
    /// # Errors
    /// The settings can't stand; then the former ones hold.
    pub fn reconfigure(&self, settings: TlsSettings) -> Result<(), TlsError> {
        checked(&settings)?;
        self.0.settings.store(Arc::new(settings));
        self.0.wake.notify_one();
        Ok(())
    }

    /// The certificates, by domain.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn list(&self, slice: &Slice) -> Result<Page<Certificate>, TlsError> {
        let (page, now) = (certificates::list(&self.0.store, slice).await?, self.0.clock.now());
        let items = page.items.into_iter().map(|row| Certificate::of(row, now)).collect();
        Ok(Page { items, next: page.next })
    }

    /// The certificate of a domain.
    ///
    /// # Errors
    /// There is none, or the database does not answer within the bounds.
    pub async fn get(&self, domain: &str) -> Result<Certificate, TlsError> {
        let row = certificates::get(&self.0.store, &names::known_by(domain)).await?;
        Ok(Certificate::of(row, self.0.clock.now()))
    }

    /// Removes the certificate of a domain: it is not shown any more, but good until its end wherever else it is.
    ///
    /// # Errors
    /// There is none, or the database does not answer within the bounds.
    pub async fn remove(&self, domain: &str) -> Result<(), TlsError> {
        let mut tx = self.0.store.begin().await?;
        certificates::remove(&mut tx, &names::known_by(domain)).await?;
        tx.commit().await?;
        self.0.refresh().await;
        Ok(())
    }

    /// Revokes a certificate by its serial number, also one that another has taken the place of, and removes it if it is here. From
    /// then on no process of ours accepts it; one from an ACME directory is revoked there.
    ///
    /// # Errors
    /// It is no serial number, or of a certificate that others issued, or the database or the directory does not answer within the
    /// bounds.
    pub async fn revoke(&self, serial: &str, reason: RevocationReason) -> Result<Option<Certificate>, TlsError> {
        let refused = |reason| TlsError::Serial { serial: serial.chars().take(80).collect(), reason };
        let serial = x509::serial_of_text(serial).ok_or_else(|| refused("it is not hexadecimal"))?;
        let inner = &self.0;
        let (row, now) = (certificates::with_serial(&inner.store, &serial).await?, inner.clock.now());
        let mut tx = match row.as_ref().map(|row| row.kind) {
            Some(Kind::Imported | Kind::SelfSigned) => {
                return Err(refused("no authority of ours and no ACME directory issued it; remove it instead"));
            }
            Some(Kind::Acme) => {
                acme::revoke(inner, row.as_ref(), reason).await?;
                inner.store.begin().await?
            }
            Some(Kind::Internal) | None => {
                let revocation = inner.revocation(serial, row.as_ref(), reason).await?;
                let mut tx = inner.store.begin().await?;
                revocations::insert(&mut tx, &revocation).await?;
                tx
            }
        };
        if let Some(row) = &row {
            certificates::remove(&mut tx, &row.domain).await?;
        }
        tx.commit().await?;
        inner.refresh().await;
        Ok(row.map(|row| Certificate::of(row, now)))
    }
}

impl Inner {
    pub(crate) fn settings(&self) -> Arc<TlsSettings> {
        self.settings.load_full()
    }

    /// Lets this process see at once what it did itself; a failure is mended by the task that reads.
    pub(crate) async fn refresh(&self) {
        if let Err(error) = self.keyring.read().await {
            tracing::debug!(%error, "certificates could not be read after a change");
        }
        self.refresh_health();
    }

    async fn revocation(
        &self,
        serial: String,
        row: Option<&certificates::Certificate>,
        reason: RevocationReason,
    ) -> Result<Revocation, TlsError> {
        let authority = self.authority_of(row).await?;
        let material = row.and_then(|row| row.material.as_ref());
        Ok(Revocation {
            authority: authority.id,
            serial,
            domain: row.map(|row| row.domain.clone()).unwrap_or_default(),
            reason,
            revoked_at: self.clock.now(),
            expires_at: material.map_or(authority.expires_at, |material| material.expires_at),
        })
    }

    /// The rows of what is renewed here.
    pub(crate) async fn renewable(&self) -> Result<Vec<certificates::Certificate>, TlsError> {
        let rows = certificates::all(&self.store).await?;
        let is_ours = |row: &certificates::Certificate| row.purpose != Purpose::Account && row.kind != Kind::Imported;
        Ok(rows.into_iter().filter(is_ours).collect())
    }

    /// When a certificate with these dates is to be renewed: some days before its end, or a third of its life.
    pub(crate) fn renew_after(&self, facts: &Facts) -> Timestamp {
        let life = facts.expires_at.since(facts.not_before);
        facts.expires_at.minus(self.settings().renew_before().min(life / 3))
    }
}

impl Engine for Certificates {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Report {
        self.0.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
            tasks.iter().for_each(JoinHandle::abort);
            for task in tasks {
                // It ends at its next wait, which all of them come to.
                let _ = task.await;
            }
            self.0.keyring.stop();
        })
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificates").field(&self.0.keyring).finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(JoinHandle::abort);
    }
}

fn checked(settings: &TlsSettings) -> Result<(), TlsError> {
    let complaints = settings.validate();
    if complaints.is_empty() { Ok(()) } else { Err(TlsError::Settings { complaints }) }
}
