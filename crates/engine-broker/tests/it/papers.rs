//! Authorities, certificates, and both ends' configurations of TLS.

use std::{
    fmt,
    sync::{Arc, RwLock},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use time::OffsetDateTime;

pub(crate) static BOTH_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
pub(crate) static ONE_VERSION_EACH: [&[&SupportedProtocolVersion]; 2] = [&[&TLS13], &[&TLS12]];

/// Who signs certificates.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
}

/// A certificate with its key.
pub(crate) struct Paper {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { params, key, pem: certificate.pem(), certificate: certificate.der().clone() }
    }

    /// A certificate that is good from yesterday for so many days.
    pub(crate) fn paper(&self, name: &str, usage: ExtendedKeyUsagePurpose, days: i64) -> Paper {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let yesterday = OffsetDateTime::now_utc() - time::Duration::days(1);
        (params.not_before, params.not_after) =
            (yesterday - time::Duration::days(1), yesterday + time::Duration::days(days));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        Paper { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }

    pub(crate) fn server(&self) -> Paper {
        self.paper("localhost", ExtendedKeyUsagePurpose::ServerAuth, 30)
    }

    pub(crate) fn client(&self, name: &str) -> Paper {
        self.paper(name, ExtendedKeyUsagePurpose::ClientAuth, 30)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

impl Paper {
    fn private(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The certificate that a server shows, until another is put in its place.
pub(crate) struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    pub(crate) fn new(paper: &Paper) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Self::of(paper))))
    }

    pub(crate) fn swap(&self, paper: &Paper) {
        *self.0.write().unwrap() = Self::of(paper);
    }

    fn of(paper: &Paper) -> Arc<CertifiedKey> {
        let key = aws_lc_rs::sign::any_supported_type(&paper.private()).unwrap();
        Arc::new(CertifiedKey::new(vec![paper.certificate.clone()], key))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap()))
    }
}

/// A server that shows what is in `shown`, and lets clients show certificates of `authority`.
pub(crate) fn server(authority: &Authority, shown: &Arc<Shown>, alpn: &[&str]) -> Arc<ServerConfig> {
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(authority.roots()), provider());
    let clients = clients.allow_unauthenticated().build().unwrap();
    let building = ServerConfig::builder_with_provider(provider()).with_protocol_versions(BOTH_VERSIONS).unwrap();
    let mut config = building.with_client_cert_verifier(clients).with_cert_resolver(Arc::clone(shown) as _);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A client that trusts `authority`, and shows a certificate or none.
pub(crate) fn client(
    authority: &Authority,
    shown: Option<&Paper>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let building = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let building = building.with_root_certificates(authority.roots());
    let mut config = match shown {
        None => building.with_no_client_auth(),
        Some(paper) => building.with_client_auth_cert(vec![paper.certificate.clone()], paper.private()).unwrap(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}
