//! Certificates that an administrator brings: looked at from all sides before they are shown to anybody.

use std::sync::Arc;

use rustls::{
    Error, InconsistentKeys, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    sign::CertifiedKey,
};
use store::certificates::{Kind, Purpose};
use vocabulary::Timestamp;

use super::{Certificate, Certificates, issue::Wanted};
use crate::{
    PrivateKeyPem, TlsError,
    keyring::unix_time,
    names::{self, Allowed},
    pem,
    workshop::Made,
    x509::Facts,
};

/// How long a chain may be.
const CHAIN_MAX: usize = 10;
/// How long the texts may be together.
const TEXT_MAX_BYTES: usize = 256 * 1024;

impl Certificates {
    /// Keeps a certificate that was made elsewhere, with its key and the chain to its authority, for the domain given or the first name
    /// that it has. It takes the place of one that was imported before.
    ///
    /// # Errors
    /// It is not what it should be, the domain has a certificate of another kind, or the database does not answer within the bounds.
    pub async fn import(
        &self,
        domain: Option<&str>,
        certificate_pem: &str,
        private_key_pem: &PrivateKeyPem,
    ) -> Result<Certificate, TlsError> {
        let inner = &self.0;
        let domain = domain.map(|domain| names::checked(domain, Allowed::All)).transpose()?;
        let (chain, key) = (certificate_pem.to_owned(), private_key_pem.clone());
        let (provider, now) = (inner.keyring.provider(), inner.clock.now());
        let named = domain.clone();
        let look = move || Look { provider: &provider, now }.at(&chain, &key, named.as_deref());
        let (made, names) = inner.keyring.workshop().run("reading a certificate", look).await?;
        let first = || refused("certificate has no name".to_owned(), NAMES_HINT);
        let domain = domain.or_else(|| names.first().cloned()).ok_or_else(first)?;
        let wanted = Wanted { domain, names, kind: Kind::Imported, purpose: Purpose::Server, role: None };
        let former = inner.place_for(&wanted).await?;
        let certificate = inner.keep(&wanted, former, &made).await?;
        tracing::info!(domain = wanted.domain, serial = certificate.serial, "certificate imported");
        Ok(certificate)
    }
}

const NAMES_HINT: &str = "ask for one with the domain among its subject alternative names";
const ORDER_HINT: &str = "put the certificate of the domain first, then that of who issued it, and so on";

/// How it is looked at.
struct Look<'a> {
    provider: &'a Arc<CryptoProvider>,
    now: Timestamp,
}

impl Look<'_> {
    /// What is to be kept, and its names.
    fn at(
        &self,
        certificate_pem: &str,
        private_key_pem: &PrivateKeyPem,
        domain: Option<&str>,
    ) -> Result<(Made, Vec<String>), TlsError> {
        let (chain, key) = read(certificate_pem, private_key_pem)?;
        let key_text = pem::of_key(&key)
            .ok_or_else(|| refused("private key is of a kind that is not known".to_owned(), KEY_HINT))?;
        self.key(&chain, key)?;
        let facts: Vec<Facts> =
            chain.iter().map(|der| Facts::of(der)).collect::<Result<_, _>>().map_err(|error| {
                refused(format!("certificate can't be read: {error}"), "see that the file is whole")
            })?;
        order(&facts)?;
        self.times(&facts)?;
        let names = facts.first().map(|leaf| leaf.names.clone()).unwrap_or_default();
        usage(&facts, &names, domain)?;
        self.signatures(&chain, &names)?;
        Ok((Made { certificate_pem: pem::of_chain(&chain), private_key_pem: key_text }, names))
    }

    /// The key belongs to the first certificate.
    fn key(&self, chain: &[CertificateDer<'static>], key: PrivateKeyDer<'static>) -> Result<(), TlsError> {
        let loaded = self.provider.key_provider.load_private_key(key);
        let loaded = loaded.map_err(|e| refused(format!("private key can't be used: {e}"), KEY_HINT))?;
        let belongs = |certificate: &CertificateDer<'static>| {
            CertifiedKey::new(vec![certificate.clone()], Arc::clone(&loaded)).keys_match()
        };
        match chain.first().map(&belongs) {
            Some(Ok(())) => Ok(()),
            Some(Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch))) => {
                if chain.iter().skip(1).any(|other| belongs(other).is_ok()) {
                    return Err(refused("chain is not in order".to_owned(), ORDER_HINT));
                }
                Err(refused(
                    "private key does not belong to the certificate".to_owned(),
                    "bring the two that were made together",
                ))
            }
            Some(Err(error)) => Err(refused(format!("certificate can't be used: {error}"), KEY_HINT)),
            None => Err(refused("text holds no certificate".to_owned(), CHAIN_HINT)),
        }
    }

    fn times(&self, facts: &[Facts]) -> Result<(), TlsError> {
        for (number, one) in (1..).zip(facts) {
            if one.expires_at <= self.now {
                let what = format!("certificate {number} of the chain expired at {}", one.expires_at);
                return Err(refused(what, "bring one that is valid"));
            }
            if one.not_before > self.now {
                let what = format!("certificate {number} of the chain is not valid before {}", one.not_before);
                return Err(refused(what, "bring it again then, or see that this machine's clock is right"));
            }
        }
        Ok(())
    }

    /// Each was signed by the next one.
    fn signatures(&self, chain: &[CertificateDer<'static>], names: &[String]) -> Result<(), TlsError> {
        let [leaf, others @ .., last] = chain else { return Ok(()) };
        let broken = |reason: String| {
            refused(
                format!("chain does not hold together: {reason}"),
                "bring the certificates as their issuer gave them",
            )
        };
        let mut roots = RootCertStore::empty();
        roots.add(last.clone()).map_err(|e| broken(e.to_string()))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(self.provider)).build();
        let verifier = verifier.map_err(|e| broken(e.to_string()))?;
        let name = names.first().map(|name| name.replacen("*.", "any.", 1)).unwrap_or_default();
        let name = ServerName::try_from(name).map_err(|e| broken(e.to_string()))?;
        let verified = verifier.verify_server_cert(leaf, others, &name, &[], unix_time(self.now));
        verified.map(|_| ()).map_err(|e| broken(e.to_string()))
    }
}

const CHAIN_HINT: &str = "give a PEM text with BEGIN CERTIFICATE, the certificate of the domain first";
const KEY_HINT: &str =
    "give a PEM text with BEGIN PRIVATE KEY: RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519";

fn read(
    certificate_pem: &str,
    private_key_pem: &PrivateKeyPem,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    if certificate_pem.len() + private_key_pem.expose().len() > TEXT_MAX_BYTES {
        return Err(refused("certificate and key are too long together".to_owned(), CHAIN_HINT));
    }
    let chain = pem::chain(certificate_pem).map_err(|e| refused(format!("text holds no chain: {e}"), CHAIN_HINT))?;
    if chain.is_empty() {
        return Err(refused("text holds no certificate".to_owned(), CHAIN_HINT));
    }
    if chain.len() > CHAIN_MAX {
        return Err(refused(format!("chain has {} certificates, {CHAIN_MAX} are the most", chain.len()), CHAIN_HINT));
    }
    if private_key_pem.expose().contains("ENCRYPTED") {
        return Err(refused("private key is encrypted".to_owned(), "decrypt it before: openssl pkey -in key.pem"));
    }
    let key = PrivateKeyDer::from_pem_slice(private_key_pem.expose().as_bytes());
    let key = key.map_err(|_| refused("text holds no private key".to_owned(), KEY_HINT))?;
    Ok((chain, key))
}

fn order(facts: &[Facts]) -> Result<(), TlsError> {
    for (number, pair) in (1..).zip(facts.windows(2)) {
        if let [one, next] = pair
            && one.issuer_der != next.subject_der
        {
            let what =
                format!("chain is not in order: certificate {number} was not issued by certificate {}", number + 1);
            return Err(refused(what, ORDER_HINT));
        }
    }
    Ok(())
}

fn usage(facts: &[Facts], names: &[String], domain: Option<&str>) -> Result<(), TlsError> {
    let Some(leaf) = facts.first() else { return Ok(()) };
    if leaf.is_authority {
        return Err(refused(
            "certificate is an authority's".to_owned(),
            "bring one that was made for a server: openssl req … -addext basicConstraints=CA:FALSE",
        ));
    }
    if !leaf.is_for_servers {
        return Err(refused(
            "certificate was not made for servers".to_owned(),
            "ask for one with the extended key usage serverAuth",
        ));
    }
    if names.is_empty() {
        return Err(refused("certificate has no name".to_owned(), NAMES_HINT));
    }
    if let Some(domain) = domain.filter(|domain| !covers(names, domain)) {
        return Err(refused(format!("certificate is not for {domain}, but for {}", names.join(", ")), NAMES_HINT));
    }
    Ok(())
}

fn covers(names: &[String], domain: &str) -> bool {
    let wild = domain.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    names.iter().any(|name| name == domain || Some(name) == wild.as_ref())
}

fn refused(what: String, hint: &'static str) -> TlsError {
    TlsError::Import { what, hint }
}
