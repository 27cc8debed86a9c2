//! Makes keys and certificates, beside the tasks that wait for them and few at a time.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use tokio::sync::Semaphore;
use vocabulary::Timestamp;

use crate::{PrivateKeyPem, TlsError};

/// How long a piece of work may take, with its turn; it takes less than a millisecond by itself.
const BOUND: Duration = Duration::from_secs(20);
/// How far clocks of those who check may be behind ours.
const BACKDATED: Duration = Duration::from_secs(300);

/// Where it is done.
#[derive(Debug, Clone)]
pub(crate) struct Workshop(Arc<Semaphore>);

/// From when to when something is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) not_before: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The certificate, or its chain.
    pub(crate) certificate_pem: String,
    pub(crate) private_key_pem: PrivateKeyPem,
}

/// What a certificate should say.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The common name of its subject.
    pub(crate) subject: String,
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) uris: Vec<String>,
    pub(crate) usages: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) life: Life,
}

/// An authority that can sign.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) certificate_pem: String,
    pub(crate) private_key_pem: PrivateKeyPem,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(2 * cores)))
    }

    /// Does a piece of work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, TlsError> + Send + 'static,
    ) -> Result<T, TlsError> {
        let defect = TlsError::defect(what);
        let done = async {
            let turn = Arc::clone(&self.0).acquire_owned().await.map_err(|e| defect(e.to_string()))?;
            let done = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work()
            });
            done.await.map_err(|e| defect(e.to_string()))?
        };
        tokio::time::timeout(BOUND, done).await.unwrap_or(Err(TlsError::Late { what, limit: BOUND }))
    }
}

impl Life {
    /// From now on, for `length`; begun a little earlier for those whose clocks are behind.
    pub(crate) fn from(now: Timestamp, length: Duration) -> Self {
        Self { not_before: now.minus(BACKDATED), expires_at: now.plus(length) }
    }
}

/// An authority of its own.
pub(crate) fn authority(subject: &str, life: Life) -> Result<Made, TlsError> {
    let draft = Draft { subject: subject.to_owned(), names: Vec::new(), uris: Vec::new(), usages: Vec::new(), life };
    let mut params = params(&draft)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = key()?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Made { certificate_pem: certificate.pem(), private_key_pem: text(&key) })
}

/// A certificate signed by an authority.
pub(crate) fn signed(draft: &Draft, signer: &Signer) -> Result<Made, TlsError> {
    let signing_key = KeyPair::from_pem(signer.private_key_pem.expose()).map_err(failed)?;
    let issuer = Issuer::from_ca_cert_pem(&signer.certificate_pem, signing_key).map_err(failed)?;
    let mut params = params(draft)?;
    params.use_authority_key_identifier_extension = true;
    let key = key()?;
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    Ok(Made { certificate_pem: certificate.pem(), private_key_pem: text(&key) })
}

/// A certificate signed with its own key.
pub(crate) fn self_signed(draft: &Draft) -> Result<Made, TlsError> {
    let key = key()?;
    let certificate = params(draft)?.self_signed(&key).map_err(failed)?;
    Ok(Made { certificate_pem: certificate.pem(), private_key_pem: text(&key) })
}

/// A request for a certificate (RFC 2986), encoded, and its key.
pub(crate) fn request(names: &[String]) -> Result<(Vec<u8>, PrivateKeyPem), TlsError> {
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    let key = key()?;
    let request = params.serialize_request(&key).map_err(failed)?;
    Ok((request.der().to_vec(), text(&key)))
}

/// What answers the challenge tls-alpn-01 for a domain (RFC 8737, section 3).
pub(crate) fn challenge(domain: &str, digest: &[u8; 32], provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let mut params = CertificateParams::new(vec![domain.to_owned()]).map_err(failed)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = key()?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).map_err(|e| failed(e.to_string()))?;
    // Its extension is critical and known to ACME directories alone, so nothing of ours may look into it.
    Ok(CertifiedKey::new(vec![CertificateDer::from(certificate)], key))
}

fn params(draft: &Draft) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(draft.names.clone()).map_err(failed)?;
    for uri in &draft.uris {
        let uri = uri.as_str().try_into().map_err(failed)?;
        params.subject_alt_names.push(SanType::URI(uri));
    }
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, draft.subject.as_str());
    params.not_before = draft.life.not_before.instant();
    params.not_after = draft.life.expires_at.instant();
    params.serial_number = Some(serial_number()?);
    params.extended_key_usages = draft.usages.clone();
    if !draft.usages.is_empty() {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    }
    Ok(params)
}

/// Sixteen random bytes, of which the first is neither zero nor negative.
fn serial_number() -> Result<SerialNumber, TlsError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| failed("the system gives no random numbers"))?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// A key on the curve P-256, which every client knows.
fn key() -> Result<KeyPair, TlsError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)
}

fn text(key: &KeyPair) -> PrivateKeyPem {
    PrivateKeyPem::new(key.serialize_pem())
}

fn failed(reason: impl ToString) -> TlsError {
    TlsError::Defect { what: "making a certificate", reason: reason.to_string() }
}
