//! Both ends of a connection over loopback, and what each of them says of the other.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use engine_tls::{Peer, peer_identity};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
        version::{TLS12, TLS13},
    },
};

const BOUND: Duration = Duration::from_secs(20);

pub(crate) static BOTH_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A listener that greets whoever comes in with who they are, and sends back what they say.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Listener {
    pub(crate) async fn open(config: Arc<ServerConfig>) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), config).await
    }

    pub(crate) async fn at(address: SocketAddr, config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(greet(acceptor.clone(), tcp));
            }
        });
        Self { address, serving }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn greet(acceptor: TlsAcceptor, tcp: TcpStream) {
    // Who is refused learns it by the alert.
    let Ok(mut stream) = acceptor.accept(tcp).await else { return };
    let chain = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
    let who = match peer_identity(&chain) {
        Some(Peer::Node { name, role }) => format!("node {name} {role}"),
        Some(Peer::Account(name)) => format!("account {name}"),
        None if chain.is_empty() => "somebody".to_owned(),
        None => "somebody with a certificate".to_owned(),
    };
    let _ = stream.write_all(format!("{who}\n").as_bytes()).await;
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte).await {
        if stream.write_all(&byte).await.is_err() {
            return;
        }
    }
}

/// A connection that stands.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    /// What the listener called us.
    pub(crate) greeting: String,
}

impl Connection {
    /// Connects and waits for the greeting, since only then it is known that we were let in.
    pub(crate) async fn open(address: SocketAddr, config: Arc<ClientConfig>, name: &str) -> Result<Self, String> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connecting = async {
            let tcp = TcpStream::connect(address).await?;
            let mut stream = TlsConnector::from(config).connect(name, tcp).await?;
            let mut greeting = Vec::new();
            while !greeting.ends_with(b"\n") {
                greeting.push(stream.read_u8().await?);
            }
            Ok::<_, std::io::Error>((stream, greeting))
        };
        let (stream, greeting) = timeout(BOUND, connecting).await.unwrap().map_err(|e| e.to_string())?;
        Ok(Self { stream, greeting: String::from_utf8(greeting).unwrap().trim_end().to_owned() })
    }

    /// What the listener showed.
    pub(crate) fn shown(&self) -> CertificateDer<'static> {
        self.stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone()
    }

    /// The protocol that was agreed on.
    pub(crate) fn protocol(&self) -> &[u8] {
        self.stream.get_ref().1.alpn_protocol().unwrap_or_default()
    }

    /// Whether it still sends back what we say.
    pub(crate) async fn works(&mut self) -> bool {
        let said = async {
            self.stream.write_u8(b'?').await?;
            self.stream.read_u8().await
        };
        matches!(timeout(BOUND, said).await, Ok(Ok(b'?')))
    }
}

/// The serial number of what a listener showed.
pub(crate) fn serial_of(connection: &Connection) -> String {
    let shown = connection.shown();
    let (_, certificate) = x509_parser::parse_x509_certificate(&shown).unwrap();
    let text: String = certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect();
    text.trim_start_matches('0').to_owned()
}

/// How a client of somebody else connects: trusting `authorities`, with a certificate of its own or not, by the system's clock.
pub(crate) fn stranger(
    authorities: &str,
    identity: Option<(&str, &str)>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let building = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let building = building.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    Arc::new(match identity {
        None => building.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            building.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

/// Says `bytes` to a listener and returns what comes back until it closes.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut back = Vec::new();
    // It may close hard, which loses nothing that came before.
    let _ = timeout(BOUND, tcp.read_to_end(&mut back)).await.unwrap();
    back
}

/// A GET over TLS, whose body is returned.
pub(crate) async fn get(address: SocketAddr, config: Arc<ClientConfig>, path: &str) -> String {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(config).connect(name, tcp).await.unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut back = Vec::new();
    let _ = timeout(BOUND, stream.read_to_end(&mut back)).await.unwrap();
    let text = String::from_utf8(back).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}
