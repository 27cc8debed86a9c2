//! TLS on a fresh connection: the handshake, and what it has proven.

use std::sync::Arc;

use rustls::{ServerConfig, pki_types::CertificateDer};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The protocol by which an ACME directory asks for a challenge's answer (RFC 8737, section 6.2): it is in the handshake, and nothing
/// follows it.
const ACME_ALPN: &[u8] = b"acme-tls/1";

/// A connection after its handshake.
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<TcpStream>,
    /// The client's certificate and those that lead to its authority.
    pub(crate) certificate: Vec<CertificateDer<'static>>,
    /// Whether it was all about a challenge.
    pub(crate) is_challenge: bool,
}

/// Why there is no TLS on a connection.
#[derive(Debug)]
pub(crate) enum Failed {
    /// We refused the client.
    Refused(rustls::Error),
    /// The client went away, or refused us.
    Left(std::io::Error),
}

/// Shakes hands. The certificate that is shown is chosen by the configuration at this moment.
pub(crate) async fn accept(config: Arc<ServerConfig>, stream: TcpStream) -> Result<Secured, Failed> {
    let stream =
        TlsAcceptor::from(config).accept(stream).await.map_err(|error| match error.downcast::<rustls::Error>() {
            Ok(rustls::Error::AlertReceived(alert)) => Failed::Left(std::io::Error::other(format!("alert {alert:?}"))),
            Ok(error) => Failed::Refused(error),
            Err(error) => Failed::Left(error),
        })?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().unwrap_or_default();
    let certificate = certificate.iter().map(|one| one.clone().into_owned()).collect();
    let is_challenge = session.alpn_protocol() == Some(ACME_ALPN);
    Ok(Secured { stream, certificate, is_challenge })
}
