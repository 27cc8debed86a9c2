//! The configuration of a listener: which certificate it shows, whom it lets in, and with which versions of TLS.

use std::{fmt, sync::Arc};

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use super::{Keyring, Shown, challenges::ACME_ALPN, verifier::ClientsOfOurs};
use crate::TlsError;

/// What a listener needs.
#[derive(Debug, Clone)]
pub struct ServerUse {
    /// Which certificate it shows.
    pub shown: Shown,
    /// Whether clients show one of our own authority.
    pub client_certificates: ClientCertificates,
    /// Which versions of TLS it speaks.
    pub versions: Versions,
    /// The protocols that it speaks, best first (RFC 7301). Where there are any, the challenge tls-alpn-01 is answered too.
    pub alpn: Vec<Vec<u8>>,
}

/// Whether clients show a certificate of our own authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    None,
    /// They may; one that is not good is refused all the same.
    Optional,
    /// They must.
    Required,
}

/// Which versions of TLS are spoken. Older ones than 1.2 are not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// 1.2 and 1.3, for clients of others.
    Tls12AndLater,
    /// 1.3 alone, between nodes of ours.
    Tls13,
}

static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];

impl Versions {
    pub(super) fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12AndLater => BOTH,
            Self::Tls13 => NEWEST,
        }
    }
}

pub(super) fn config(keyring: &Keyring, wanted: &ServerUse) -> Result<Arc<ServerConfig>, TlsError> {
    let building = ServerConfig::builder_with_details(keyring.provider(), keyring.time());
    let building = building.with_protocol_versions(wanted.versions.supported());
    let building = building.map_err(|e| TlsError::defect("configuring TLS")(e.to_string()))?;
    let building = match wanted.client_certificates {
        ClientCertificates::None => building.with_no_client_auth(),
        asked => building.with_client_cert_verifier(Arc::new(ClientsOfOurs::new(keyring.clone(), asked))),
    };
    let resolver = Resolver { keyring: keyring.clone(), shown: wanted.shown.clone() };
    let mut config = building.with_cert_resolver(Arc::new(resolver));
    if wanted.client_certificates != ClientCertificates::None {
        // A session that is taken up again is not verified again; who was revoked meanwhile would come in.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols.clone_from(&wanted.alpn);
    if !wanted.alpn.is_empty() {
        // Last, so that nobody gets it who speaks anything else.
        config.alpn_protocols.push(ACME_ALPN.to_vec());
    }
    Ok(Arc::new(config))
}

/// Chooses the certificate for each handshake.
struct Resolver {
    keyring: Keyring,
    shown: Shown,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let picture = self.keyring.picture();
        let name = hello.server_name();
        if hello.alpn().is_some_and(|protocols| protocols.eq([ACME_ALPN])) {
            return picture.tls_alpn01(name?);
        }
        match &self.shown {
            Shown::Node(node) => picture.of_node(node),
            Shown::ByName { default } => {
                name.and_then(|name| picture.of_name(name)).or_else(|| picture.for_nobody(default.as_deref()))
            }
        }
    }
}
