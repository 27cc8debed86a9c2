//! What everybody may know of certificates, kept as states, and the events about them: read off the rows, whoever changed them.
//!
//! The engine renews by itself, and another process may, so what is told follows from what is seen and not from who did it.

use std::{collections::HashMap, time::Duration};

use catalog::security::{Certificate, CertificateExpiring, CertificateIssued, CertificateKind, CertificateStatus};
use store::{Slice, page::LIMIT_MAX};
use tokio::{sync::Mutex, time::timeout};
use vocabulary::{Fault, ids::CertificateId};

use crate::{Security, shown};

/// How often they are looked at without a change, since time alone changes them too.
const INTERVAL: Duration = Duration::from_secs(15);

/// What was published last; nothing before the first time.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Option<HashMap<CertificateId, Certificate>>>);

impl Security {
    /// Publishes what is another than before, takes away what is gone, and tells of what is new or comes to its end.
    pub(crate) async fn publish_certificates(&self) -> Result<(), Fault> {
        let mut shown = self.shown_certificates.0.lock().await;
        let now = self.every_certificate().await?;
        let before = shown.take();
        let is_first = before.is_none();
        let before = before.unwrap_or_default();
        let outcome = self.publish_changes(&before, &now).await;
        // What could not be published is looked at again as if it were new to us.
        *shown = Some(if outcome.is_ok() { now.clone() } else { before.clone() });
        drop(shown);
        outcome?;
        if !is_first {
            self.tell_of_changes(&before, &now).await;
        }
        Ok(())
    }

    /// The same after a change of this coordinator's own, which stands whether or not it is published at once.
    pub(crate) async fn certificates_changed(&self) {
        if let Err(fault) = self.publish_certificates().await {
            tracing::warn!(%fault, "states of certificates are not up to date yet");
        }
    }

    async fn every_certificate(&self) -> Result<HashMap<CertificateId, Certificate>, Fault> {
        let (mut all, mut slice) = (HashMap::new(), Slice::first(LIMIT_MAX));
        loop {
            let page = self.certificates.list(&slice).await?;
            all.extend(page.items.into_iter().map(|row| (row.id.clone(), shown::certificate(row))));
            if page.next.is_none() {
                return Ok(all);
            }
            slice.cursor = page.next;
        }
    }

    async fn publish_changes(
        &self,
        before: &HashMap<CertificateId, Certificate>,
        now: &HashMap<CertificateId, Certificate>,
    ) -> Result<(), Fault> {
        // A domain may have been removed and asked for again, under another id and the same key.
        let gone = before.iter().filter(|(id, _)| !now.contains_key(*id)).map(|(_, certificate)| certificate.key());
        let kept: std::collections::HashSet<&str> = now.values().map(Certificate::key).collect();
        for key in gone.filter(|key| !kept.contains(key)) {
            self.bus.clear::<Certificate>(key).await?;
        }
        for (id, certificate) in now {
            if before.get(id) != Some(certificate) {
                self.bus.retain(certificate.key(), certificate).await?;
            }
        }
        Ok(())
    }

    async fn tell_of_changes(
        &self,
        before: &HashMap<CertificateId, Certificate>,
        now: &HashMap<CertificateId, Certificate>,
    ) {
        for (id, certificate) in now {
            let former = before.get(id);
            let is_new =
                certificate.serial.is_some() && former.map(|former| &former.serial) != Some(&certificate.serial);
            if is_new {
                self.announce(&CertificateIssued { certificate: certificate.clone() }).await;
            }
            let was_ending = former.is_some_and(|former| !is_new && is_ending(former));
            if is_ending(certificate) && (!was_ending || former.map(|former| former.status) != Some(certificate.status))
            {
                self.announce(&CertificateExpiring { certificate: certificate.clone() }).await;
            }
        }
    }
}

/// Whether it comes to its end and is not renewed: nobody here can, or it was tried in vain.
fn is_ending(certificate: &Certificate) -> bool {
    let is_left_alone = certificate.kind == CertificateKind::Imported || certificate.last_error.is_some();
    match certificate.status {
        CertificateStatus::Expired => true,
        CertificateStatus::Due => is_left_alone,
        CertificateStatus::Valid | CertificateStatus::Awaited => false,
    }
}

/// Keeps the states in step with the rows.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    let mut changed = security.certificates.keyring().changed();
    loop {
        security.certificates_changed().await;
        if let Ok(Err(_)) = timeout(INTERVAL, changed.changed()).await {
            return std::future::pending().await;
        }
    }
}
