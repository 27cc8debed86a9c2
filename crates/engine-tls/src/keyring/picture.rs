//! The rows at one moment, in the form in which a handshake needs them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    crypto::CryptoProvider,
    pki_types::CertificateDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use store::{
    Vault,
    certificates::{
        Certificate, ChallengeKind, Kind, Material, Purpose,
        authorities::{Authority, AuthorityState},
        challenges::Challenge,
        private_key_place,
        revocations::Revocation,
    },
};
use vocabulary::{Timestamp, ids::NodeName};

use crate::{PrivateKeyPem, TlsError, peer::node_domain, pem, workshop, x509};

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) revocations: Vec<Revocation>,
    pub(crate) challenges: Vec<Challenge>,
}

/// The picture.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    by_domain: HashMap<String, Arc<CertifiedKey>>,
    best: Option<Arc<CertifiedKey>>,
    nodes: HashMap<String, Arc<CertifiedKey>>,
    revoked: HashSet<String>,
    http01: HashMap<String, String>,
    tls_alpn01: HashMap<String, Arc<CertifiedKey>>,
    /// Checks clients, where there is an authority of ours.
    pub(crate) clients: Option<Arc<dyn ClientCertVerifier>>,
    /// Checks servers, where there is an authority of ours.
    pub(crate) servers: Option<Arc<WebPkiServerVerifier>>,
    pub(crate) authorities_pem: String,
    pub(crate) rows: Rows,
    /// Rows that can't be used, and why.
    pub(crate) broken: Vec<(String, String)>,
}

impl Picture {
    /// Draws it.
    pub(crate) fn of(rows: Rows, vault: &Vault, provider: &Arc<CryptoProvider>, now: Timestamp) -> Self {
        let mut picture = Self::default();
        picture.draw_authorities(&rows.authorities, provider);
        picture.draw_certificates(&rows.certificates, vault, provider, now);
        picture.draw_challenges(&rows.challenges, provider);
        picture.revoked = rows.revocations.iter().map(|revocation| revocation.serial.clone()).collect();
        for (object, reason) in &picture.broken {
            tracing::warn!(object, reason, "a certificate can't be used");
        }
        picture.rows = rows;
        picture
    }

    /// What is shown to who asks for `name`.
    pub(crate) fn of_name(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let wild = || name.split_once('.').and_then(|(_, rest)| self.by_name.get(&format!("*.{rest}")));
        self.by_name.get(&name).or_else(wild).cloned()
    }

    /// What is shown to who asks for no name that is known.
    pub(crate) fn for_nobody(&self, domain: Option<&str>) -> Option<Arc<CertifiedKey>> {
        domain.and_then(|domain| self.by_domain.get(domain)).or(self.best.as_ref()).cloned()
    }

    pub(crate) fn of_node(&self, name: &NodeName) -> Option<Arc<CertifiedKey>> {
        self.nodes.get(&node_domain(name)).cloned()
    }

    pub(crate) fn is_revoked(&self, certificate: &CertificateDer<'_>) -> bool {
        // Most observatories never revoke anything.
        !self.revoked.is_empty() && x509::serial(certificate).is_none_or(|serial| self.revoked.contains(&serial))
    }

    pub(crate) fn http01(&self, token: &str) -> Option<String> {
        self.http01.get(token).cloned()
    }

    pub(crate) fn tls_alpn01(&self, domain: &str) -> Option<Arc<CertifiedKey>> {
        self.tls_alpn01.get(&domain.to_ascii_lowercase()).cloned()
    }

    /// The authority that issues.
    pub(crate) fn issuing(&self) -> Option<&Authority> {
        self.rows.authorities.iter().find(|authority| authority.state == AuthorityState::Active)
    }

    /// Certificates, authorities, revocations.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.rows.certificates.len(), self.rows.authorities.len(), self.revoked.len())
    }

    fn draw_authorities(&mut self, authorities: &[Authority], provider: &Arc<CryptoProvider>) {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            let added = pem::chain(&authority.certificate_pem).and_then(|chain| {
                let first = chain.into_iter().next();
                let first = first.ok_or_else(|| TlsError::defect("reading an authority")("it is empty".to_owned()))?;
                roots.add(first).map_err(|e| TlsError::defect("reading an authority")(e.to_string()))
            });
            match added {
                Ok(()) => self.authorities_pem.push_str(&authority.certificate_pem),
                Err(error) => self.broken.push((format!("authority {}", authority.id), error.to_string())),
            }
        }
        if roots.is_empty() {
            return;
        }
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider)).build();
        let servers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        (self.clients, self.servers) = (clients.ok(), servers.ok());
    }

    fn draw_certificates(
        &mut self,
        certificates: &[Certificate],
        vault: &Vault,
        provider: &CryptoProvider,
        now: Timestamp,
    ) {
        let mut usable = Vec::new();
        for certificate in certificates.iter().filter(|certificate| certificate.purpose != Purpose::Account) {
            let Some(material) = &certificate.material else { continue };
            match certified(certificate, material, vault, provider) {
                Ok(key) => usable.push((certificate, material, Arc::new(key))),
                Err(error) => self.broken.push((certificate.domain.clone(), error.to_string())),
            }
        }
        // The worst first, so that the better ones come to stand over them.
        usable.sort_by_key(|(certificate, material, _)| {
            (material.expires_at > now, rank(certificate.kind), material.expires_at)
        });
        for (certificate, _, key) in usable {
            if certificate.purpose == Purpose::Node {
                self.nodes.insert(certificate.domain.clone(), key);
                continue;
            }
            for name in &certificate.names {
                self.by_name.insert(name.clone(), Arc::clone(&key));
            }
            self.by_domain.insert(certificate.domain.clone(), Arc::clone(&key));
            self.best = Some(key);
        }
    }

    fn draw_challenges(&mut self, challenges: &[Challenge], provider: &CryptoProvider) {
        for challenge in challenges {
            match challenge.kind {
                ChallengeKind::Http01 => {
                    self.http01.insert(challenge.token.clone(), challenge.key_authorisation.clone());
                }
                ChallengeKind::TlsAlpn01 => match answer(challenge, provider) {
                    Ok(key) => {
                        self.tls_alpn01.insert(challenge.domain.to_ascii_lowercase(), Arc::new(key));
                    }
                    Err(error) => {
                        self.broken.push((format!("challenge for {}", challenge.domain), error.to_string()));
                    }
                },
            }
        }
    }
}

/// How much a kind is trusted by those who come; what an administrator brought or ordered stands before what made itself.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::SelfSigned => 0,
        Kind::Internal => 1,
        Kind::Imported => 2,
        Kind::Acme => 3,
    }
}

fn certified(
    certificate: &Certificate,
    material: &Material,
    vault: &Vault,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let defect = TlsError::defect("reading a certificate");
    let sealed = material.private_key_sealed.as_deref().ok_or_else(|| defect("it has no key".to_owned()))?;
    let key = vault.open(&private_key_place(&certificate.id), sealed)?;
    let key = PrivateKeyPem::new(String::from_utf8(key).map_err(|e| defect(e.to_string()))?);
    let chain = pem::chain(&material.certificate_pem)?;
    CertifiedKey::from_der(chain, key.to_der()?, provider).map_err(|e| defect(e.to_string()))
}

fn answer(challenge: &Challenge, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let digest = digest(&SHA256, challenge.key_authorisation.as_bytes());
    let digest = <[u8; 32]>::try_from(digest.as_ref());
    let digest = digest.map_err(|e| TlsError::defect("answering a challenge")(e.to_string()))?;
    workshop::challenge(&challenge.domain, &digest, provider)
}
