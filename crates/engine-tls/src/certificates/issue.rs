//! Certificates of our own: for nodes, for accounts, for listeners, and self-signed ones for development.

use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose as Usage;
use store::certificates::{self, Kind, Material, Purpose, private_key_place};
use vocabulary::{
    Timestamp,
    ids::{AccountName, CertificateId, NodeName, NodeRole},
};

use super::{Certificate, Certificates, Inner, Issued};
use crate::{
    Peer, TlsError,
    names::{self, Allowed},
    pem,
    workshop::{self, Draft, Life, Made},
    x509::Facts,
};

/// The pause before a certificate is renewed that was due when it came.
const PAUSE: Duration = Duration::from_secs(6 * 3600);

/// Which certificate a row is to hold.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) domain: String,
    pub(super) names: Vec<String>,
    pub(super) kind: Kind,
    pub(super) purpose: Purpose,
    pub(super) role: Option<NodeRole>,
}

impl Certificates {
    /// Issues a certificate with which a process of ours shows itself to others, on both ends of a connection, and keeps it renewed. It
    /// is good for 127.0.0.1, ::1 and localhost as well.
    ///
    /// # Errors
    /// A name can't stand in a certificate, or the database does not answer within the bounds.
    pub async fn issue_node(&self, name: &NodeName, role: &NodeRole, hosts: &[String]) -> Result<Issued, TlsError> {
        let hosts = [hosts, &["127.0.0.1".to_owned(), "::1".to_owned()]].concat();
        let peer = Peer::Node { name: name.clone(), role: role.clone() };
        let wanted = Wanted {
            domain: peer.domain(),
            names: names::of("localhost", &hosts, Allowed::All)?,
            kind: Kind::Internal,
            purpose: Purpose::Node,
            role: Some(role.clone()),
        };
        self.0.issue(&wanted, None).await
    }

    /// Issues a certificate with which a client that has an account shows itself. Its key is handed out here and not kept, and its
    /// renewal is its owner's.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn issue_account(&self, account: &AccountName) -> Result<Issued, TlsError> {
        let wanted = Wanted {
            domain: Peer::Account(account.clone()).domain(),
            names: Vec::new(),
            kind: Kind::Internal,
            purpose: Purpose::Account,
            role: None,
        };
        self.0.issue(&wanted, None).await
    }

    /// Issues a certificate for a listener from our own authority, for those who trust it, and keeps it renewed.
    ///
    /// # Errors
    /// A name can't stand in a certificate, the domain has a certificate of another kind, or the database does not answer within the
    /// bounds.
    pub async fn issue_server(&self, domain: &str, others: &[String]) -> Result<Certificate, TlsError> {
        let wanted = Wanted::server(domain, others, Kind::Internal)?;
        self.0.issue(&wanted, None).await.map(|issued| issued.certificate)
    }

    /// Makes a certificate that is signed with its own key, for development, and keeps it renewed.
    ///
    /// # Errors
    /// As for [`Self::issue_server`].
    pub async fn issue_self_signed(&self, domain: &str, others: &[String]) -> Result<Certificate, TlsError> {
        let wanted = Wanted::server(domain, others, Kind::SelfSigned)?;
        self.0.issue(&wanted, None).await.map(|issued| issued.certificate)
    }
}

impl Wanted {
    pub(super) fn server(domain: &str, others: &[String], kind: Kind) -> Result<Self, TlsError> {
        let allowed = if kind == Kind::Acme { Allowed::DnsAlone } else { Allowed::All };
        let names = names::of(domain, others, allowed)?;
        let domain = names::checked(domain, allowed)?;
        Ok(Self { domain, names, kind, purpose: Purpose::Server, role: None })
    }

    /// What a row holds is wanted again.
    pub(super) fn again(row: &certificates::Certificate) -> Self {
        Self {
            domain: row.domain.clone(),
            names: row.names.clone(),
            kind: row.kind,
            purpose: row.purpose,
            role: row.role.clone(),
        }
    }

    fn peer(&self) -> Option<Peer> {
        let (_, name) = self.domain.split_once(':')?;
        match (self.purpose, &self.role) {
            (Purpose::Node, Some(role)) => Some(Peer::Node { name: name.parse().ok()?, role: role.clone() }),
            (Purpose::Account, None) => Some(Peer::Account(name.parse().ok()?)),
            _ => None,
        }
    }
}

impl Inner {
    /// Makes what is wanted and keeps it, in place of `former` or of what the domain has.
    pub(super) async fn issue(
        &self,
        wanted: &Wanted,
        former: Option<certificates::Certificate>,
    ) -> Result<Issued, TlsError> {
        let former = match former {
            Some(former) => Some(former),
            None => self.place_for(wanted).await?,
        };
        let made = self.make(wanted).await?;
        let certificate = self.keep(wanted, former, &made).await?;
        tracing::info!(domain = wanted.domain, serial = certificate.serial, kind = %wanted.kind, "certificate issued");
        Ok(Issued {
            certificate,
            private_key_pem: made.private_key_pem,
            authorities_pem: self.keyring.authorities_pem(),
        })
    }

    /// The row that what is wanted is kept in, if there is one. What is signed with its own key stands in for any other of a listener, and
    /// gives way to it.
    ///
    /// # Errors
    /// The domain has a certificate of another kind.
    pub(super) async fn place_for(&self, wanted: &Wanted) -> Result<Option<certificates::Certificate>, TlsError> {
        let former = certificates::find(&self.store, &wanted.domain).await?;
        match former {
            Some(former) if former.purpose != wanted.purpose || !gives_way(former.kind, wanted.kind) => {
                Err(TlsError::Taken { domain: wanted.domain.clone(), there: former.kind.to_string() })
            }
            former => Ok(former),
        }
    }

    async fn make(&self, wanted: &Wanted) -> Result<Made, TlsError> {
        let settings = self.settings();
        let (length, usages) = match wanted.purpose {
            _ if wanted.kind == Kind::SelfSigned => (settings.self_signed_life(), vec![Usage::ServerAuth]),
            Purpose::Server => (settings.server_life(), vec![Usage::ServerAuth]),
            Purpose::Node => (settings.node_life(), vec![Usage::ServerAuth, Usage::ClientAuth]),
            Purpose::Account => (settings.account_life(), vec![Usage::ClientAuth]),
        };
        let mut life = Life::from(self.clock.now(), length);
        let mut draft = Draft {
            subject: wanted.domain.chars().take(64).collect(),
            names: wanted.names.clone(),
            uris: wanted.peer().map(|peer| peer.uris()).unwrap_or_default(),
            usages,
            life,
        };
        if wanted.kind == Kind::SelfSigned {
            return self.keyring.workshop().run("making a certificate", move || workshop::self_signed(&draft)).await;
        }
        let (authority, signer) = self.signer()?;
        // What outlives its authority is not good for the rest of its life.
        life.expires_at = life.expires_at.min(authority.expires_at);
        draft.life = life;
        self.keyring.workshop().run("making a certificate", move || workshop::signed(&draft, &signer)).await
    }

    /// Keeps what was made, with its key sealed.
    pub(super) async fn keep(
        &self,
        wanted: &Wanted,
        former: Option<certificates::Certificate>,
        made: &Made,
    ) -> Result<Certificate, TlsError> {
        let now = self.clock.now();
        let chain = pem::chain(&made.certificate_pem)?;
        let leaf = chain.first().ok_or_else(|| TlsError::defect("reading a certificate")("it is empty".to_owned()))?;
        let facts = Facts::of(leaf)?;
        let (id, created_at) =
            former.map_or_else(|| (CertificateId::fresh(), now), |former| (former.id, former.created_at));
        let sealed = match wanted.purpose {
            Purpose::Account => None,
            Purpose::Server | Purpose::Node => {
                Some(self.vault.seal(&private_key_place(&id), made.private_key_pem.expose().as_bytes())?)
            }
        };
        let material = Material {
            certificate_pem: made.certificate_pem.clone(),
            private_key_sealed: sealed,
            renew_after: self.renew_after(&facts),
            serial: facts.serial,
            issuer: facts.issuer,
            not_before: facts.not_before,
            expires_at: facts.expires_at,
        };
        let is_due = material.renew_after <= now;
        let mut row = wanted.row(id, Some(material), created_at, now);
        if is_due {
            // By our clock it is near its end already; without a pause its issuer would be asked in every round.
            tracing::warn!(
                domain = wanted.domain,
                "certificate is to be renewed as soon as it came; is the clock right?"
            );
            row.retry_after = Some(now.plus(PAUSE));
        }
        let mut tx = self.store.begin().await?;
        certificates::put(&mut tx, &row).await?;
        tx.commit().await?;
        self.refresh().await;
        Ok(Certificate::of(row, now))
    }
}

fn gives_way(former: Kind, wanted: Kind) -> bool {
    former == wanted || former == Kind::SelfSigned
}

impl Wanted {
    /// The row for it.
    pub(super) fn row(
        &self,
        id: CertificateId,
        material: Option<Material>,
        created_at: Timestamp,
        now: Timestamp,
    ) -> certificates::Certificate {
        certificates::Certificate {
            id,
            domain: self.domain.clone(),
            names: self.names.clone(),
            kind: self.kind,
            purpose: self.purpose,
            role: self.role.clone(),
            material,
            attempts: 0,
            retry_after: None,
            last_error: None,
            created_at,
            updated_at: now,
        }
    }
}
