//! How our own clients speak TLS with a broker: whom they trust, and the certificate that they show.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::ResolvesClientCert,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use vocabulary::Fault;

/// Whom our clients trust, and what they show, on a broker whose address begins with `mqtts://`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TrustOptions {
    /// The authorities that are trusted, as PEM; those of the system where nothing is said.
    #[arg(long, global = true, value_name = "FILE", env = "BIGSKIES_TLS_CA", hide_env_values = true)]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The certificate that is shown, as PEM, with those that lead to its authority; read again for each connection.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "tls_key",
        env = "BIGSKIES_TLS_CERT",
        hide_env_values = true
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, as PEM.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "tls_cert",
        env = "BIGSKIES_TLS_KEY",
        hide_env_values = true
    )]
    pub(crate) tls_key: Option<PathBuf>,
}

impl TrustOptions {
    /// The configuration of a client.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| Fault::internal(e.to_string()))?
            .with_root_certificates(self.roots()?);
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(Arc::new(builder.with_no_client_auth()));
        };
        let shown = Shown { cert: cert.clone(), key: key.clone(), provider };
        // What is wrong with them is said now, and not at the first connection.
        shown.read()?;
        Ok(Arc::new(builder.with_client_cert_resolver(Arc::new(shown))))
    }

    fn roots(&self) -> Result<RootCertStore, Fault> {
        let mut roots = RootCertStore::empty();
        match &self.tls_ca {
            Some(file) => {
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(|e| wrong(file, &e))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err(
                Fault::invalid("no authority is trusted, so no broker can be").hint("name one with --tls-ca FILE")
            );
        }
        Ok(roots)
    }
}

/// A certificate in files. It is read for each connection, so that one that was renewed is shown from the next on.
#[derive(Debug)]
struct Shown {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
}

impl Shown {
    fn read(&self) -> Result<CertifiedKey, Fault> {
        let chain = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| wrong(&self.key, &e))?;
        CertifiedKey::from_der(chain, key, &self.provider).map_err(|e| wrong(&self.cert, &e))
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.read().inspect_err(|fault| tracing::warn!(%fault, "no certificate is shown")).ok().map(Arc::new)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(file).and_then(|found| found.collect::<Result<Vec<_>, _>>());
    let found = read.map_err(|e| wrong(file, &e))?;
    if found.is_empty() {
        return Err(wrong(file, &"there is no certificate in it"));
    }
    Ok(found)
}

fn wrong(file: &Path, why: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!("{} can't be used: {why}", file.display()))
        .hint("name PEM files with --tls-ca, --tls-cert and --tls-key")
}
