//! What listeners and clients of a process serve and trust: a picture of the rows, read anew when they change, never waited for.

pub(crate) mod challenges;
mod picture;
pub(crate) mod server;
mod verifier;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::{ResolvesClientCert, Resumption, WebPkiServerVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, UnixTime},
    sign::CertifiedKey,
    time_provider::TimeProvider,
};
use store::{
    Changes, Store, Vault,
    certificates::{
        self, CHANNEL,
        readers::{self, Reader},
    },
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::timeout,
};
use vocabulary::{Clock, Timestamp, ids::NodeName};

use self::{
    challenges::Challenges,
    picture::{Picture, Rows},
    server::{ServerUse, Versions},
    verifier::ServersOfOurs,
};
use crate::{TlsError, pem, workshop::Workshop};

/// How old the picture may become without a notice that something changed.
const READ_INTERVAL: Duration = Duration::from_secs(300);
/// The pause after a failed reading; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What this process serves and trusts. Cheap to clone; all clones and all configurations from it see changes a moment after they
/// happen, in any process.
#[derive(Clone)]
pub struct Keyring(Arc<Held>);

/// The keyring, and the task that keeps it, which ends with its last clone.
struct Held {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

struct Shared {
    picture: ArcSwap<Picture>,
    trouble: ArcSwap<Option<String>>,
    store: Store,
    vault: Vault,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    workshop: Workshop,
    /// As whom this process is waited for by who orders a certificate.
    reader: Reader,
    /// One reads at a time, so that an older reading never stands over a newer one.
    turn: Mutex<()>,
    changed: watch::Sender<u64>,
}

/// Which certificate a listener shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// That for the name which the client asks for, else that of this domain if it is given and there, else the best there is.
    ByName {
        /// The domain whose certificate is shown to who names none.
        default: Option<String>,
    },
    /// Always that of a node of ours.
    Node(NodeName),
}

/// Whom a client trusts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Our own authorities, honouring what they revoked.
    Ours,
    /// The authorities of a PEM text, and nobody else.
    Given(String),
}

/// How a client connects.
#[derive(Debug, Clone)]
pub struct ClientUse {
    /// Whom it trusts.
    pub trust: Trust,
    /// The node as which it shows itself, if it does.
    pub node: Option<NodeName>,
    /// The protocols that it speaks, best first (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
}

impl Keyring {
    /// Reads the rows once, and again whenever they change.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn start(store: Store, vault: Vault, clock: Clock) -> Result<Self, TlsError> {
        let shared = Arc::new(Shared {
            picture: ArcSwap::default(),
            trouble: ArcSwap::default(),
            store,
            vault,
            clock,
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            workshop: Workshop::new(),
            reader: Reader::fresh(),
            turn: Mutex::new(()),
            changed: watch::Sender::new(0),
        });
        shared.read().await?;
        let keeper = tokio::spawn(keep(Arc::clone(&shared)));
        Ok(Self(Arc::new(Held { shared, keeper })))
    }

    /// The configuration of a listener. What changes later is in it at the next handshake; connections that stand are left alone.
    ///
    /// # Errors
    /// The cryptography can't do what is asked, a defect.
    pub fn server_config(&self, wanted: &ServerUse) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        server::config(self, wanted)
    }

    /// The configuration of a client, which sees changes as those of listeners do.
    ///
    /// # Errors
    /// What is to be trusted is no PEM text of authorities.
    pub fn client_config(&self, wanted: &ClientUse) -> Result<Arc<ClientConfig>, TlsError> {
        let defect = |e: rustls::Error| TlsError::defect("configuring TLS")(e.to_string());
        let provider = self.provider();
        let versions = match wanted.trust {
            Trust::Ours => Versions::Tls13,
            Trust::Given(_) => Versions::Tls12AndLater,
        };
        let building = ClientConfig::builder_with_details(Arc::clone(&provider), self.time());
        let building = building.with_protocol_versions(versions.supported()).map_err(defect)?;
        let building = match &wanted.trust {
            Trust::Ours => building.dangerous().with_custom_certificate_verifier(Arc::new(ServersOfOurs(self.clone()))),
            Trust::Given(text) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(roots(text)?, provider).build();
                let verifier = verifier.map_err(|e| TlsError::defect("configuring TLS")(e.to_string()))?;
                building.with_webpki_verifier(verifier)
            }
        };
        let mut config = match &wanted.node {
            Some(name) => building.with_client_cert_resolver(Arc::new(AsNode(self.clone(), name.clone()))),
            None => building.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&wanted.alpn);
        // A session that is taken up again is not verified again; what was revoked meanwhile would go unseen.
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// What ACME directories look up.
    pub fn challenges(&self) -> Challenges {
        Challenges::new(self.clone())
    }

    /// Whether what a peer showed was revoked since. Who keeps connections open asks at each [`Self::changed`].
    pub fn is_revoked(&self, chain: &[CertificateDer<'_>]) -> bool {
        chain.first().is_some_and(|leaf| self.picture().is_revoked(leaf))
    }

    /// Tells when something changed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.shared.changed.subscribe()
    }

    /// The certificates of our own authorities, as one PEM text: what others need to trust us.
    pub fn authorities_pem(&self) -> String {
        self.picture().authorities_pem.clone()
    }

    /// Reads the rows now instead of a moment later.
    pub(crate) async fn read(&self) -> Result<(), TlsError> {
        self.0.shared.read().await
    }

    pub(crate) fn picture(&self) -> arc_swap::Guard<Arc<Picture>> {
        self.0.shared.picture.load()
    }

    /// Why the rows can't be read at the moment, if they can't; what was read last is served on.
    pub fn trouble(&self) -> Option<String> {
        Option::clone(&self.0.shared.trouble.load())
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.0.shared.provider)
    }

    pub(crate) fn workshop(&self) -> &Workshop {
        &self.0.shared.workshop
    }

    pub(crate) fn time(&self) -> Arc<dyn TimeProvider> {
        Arc::new(WallTime(self.0.shared.clock.clone()))
    }

    /// Ends the task that keeps it; what was read last stays.
    pub(crate) fn stop(&self) {
        self.0.keeper.abort();
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.picture().counts()).finish()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Shared {
    async fn read(&self) -> Result<(), TlsError> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let rows = Rows {
            certificates: certificates::all(&self.store).await?,
            authorities: certificates::authorities::all(&self.store).await?,
            revocations: certificates::revocations::all(&self.store).await?,
            challenges: certificates::challenges::open(&self.store, now).await?,
        };
        let asked: Vec<String> = rows.challenges.iter().map(|challenge| challenge.token.clone()).collect();
        let (vault, provider) = (self.vault.clone(), Arc::clone(&self.provider));
        let drawn = self.workshop.run("reading certificates", move || Ok(Picture::of(rows, &vault, &provider, now)));
        self.picture.store(Arc::new(drawn.await?));
        self.changed.send_modify(|count| *count += 1);
        self.answers(&asked).await;
        Ok(())
    }

    /// Tells who orders a certificate that these challenges are answered here from now on.
    async fn answers(&self, tokens: &[String]) {
        if tokens.is_empty() {
            return;
        }
        if let Err(error) = readers::record(&self.store, self.reader, tokens).await {
            tracing::debug!(%error, "it can't be told that challenges are answered here; the order waits for its bound");
        }
    }
}

/// Keeps the picture as new as the rows.
async fn keep(shared: Arc<Shared>) {
    let changes = Changes::listen_as(shared.reader, shared.store.clone(), &[CHANNEL]);
    let Some(mut changed) = changes.on(CHANNEL) else { return };
    loop {
        // Without a notice it is read anew now and then, since validity begins and ends by itself.
        let _ = timeout(READ_INTERVAL, changed.next()).await;
        let mut pause = PAUSE;
        while let Err(error) = shared.read().await {
            tracing::warn!(%error, "certificates can't be read; what was read last is served on");
            shared.trouble.store(Arc::new(Some(error.to_string())));
            let _ = timeout(pause, changed.next()).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        shared.trouble.store(Arc::default());
    }
}

/// The clock, as rustls asks for it.
#[derive(Debug)]
struct WallTime(Clock);

impl TimeProvider for WallTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}

pub(crate) fn unix_time(instant: Timestamp) -> UnixTime {
    let seconds = u64::try_from(instant.instant().unix_timestamp()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Shows the certificate of a node, whichever it is at the moment.
#[derive(Debug)]
struct AsNode(Keyring, NodeName);

impl ResolvesClientCert for AsNode {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.picture().of_node(&self.1)
    }

    fn has_certs(&self) -> bool {
        self.0.picture().of_node(&self.1).is_some()
    }
}

fn roots(text: &str) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in pem::chain(text)? {
        roots.add(authority).map_err(|e| TlsError::defect("reading an authority")(e.to_string()))?;
    }
    Ok(Arc::new(roots))
}
