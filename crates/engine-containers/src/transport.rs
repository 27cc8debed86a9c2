//! One connection to the engine for each request, over a socket, TLS, or the socket that an SSH session forwards.
//!
//! A connection of its own makes a request that hangs a matter of that request alone, and lets logs and commands take theirs over. Our
//! transport instead of the library's tells who refused: the system, the certificate, or the engine.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bollard::{BollardRequest, errors::Error};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request, Response, body::Incoming, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{ContainersError, Endpoint, TlsFiles, ssh::SshLink};

/// The longest answer that is kept as a whole.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What bytes go through.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// How requests reach the engine.
pub(crate) struct Transport {
    pub(crate) endpoint: Endpoint,
    route: Route,
    connect_limit: Duration,
}

enum Route {
    Socket(std::path::PathBuf),
    Tls { host: String, port: u16, name: ServerName<'static>, connector: TlsConnector },
    Ssh(SshLink),
}

impl Transport {
    /// A transport that has tried nothing yet, but for reading its certificates.
    pub(crate) fn new(endpoint: Endpoint, connect_limit: Duration) -> Result<Self, ContainersError> {
        let route = match &endpoint {
            Endpoint::Socket(path) => Route::Socket(path.clone()),
            Endpoint::Tls { host, port, files } => {
                let wrong = |reason: String| ContainersError::Certificate { endpoint: endpoint.to_string(), reason };
                let name = ServerName::try_from(host.clone()).map_err(|error| wrong(error.to_string()))?;
                let connector = TlsConnector::from(Arc::new(client_config(files).map_err(wrong)?));
                Route::Tls { host: host.clone(), port: *port, name, connector }
            }
            Endpoint::Ssh(host) => Route::Ssh(SshLink::new(host.clone(), connect_limit)?),
        };
        Ok(Self { endpoint, route, connect_limit })
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, mut request: BollardRequest) -> Result<Response<Incoming>, Error> {
        let limit = self.connect_limit;
        let dialled = timeout(limit, self.dial()).await.map_err(|_| {
            carried(ContainersError::TimedOut { doing: format!("connecting to {}", self.endpoint), limit })
        })?;
        let wire = TokioIo::new(dialled.map_err(carried)?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(wire).await?;
        // It ends with the response, or with whoever takes the connection over.
        tokio::spawn(connection.with_upgrades());
        if let Some(path) = request.uri().path_and_query().map(|path| path.as_str().parse()) {
            *request.uri_mut() = path?;
        }
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("engine"));
        Ok(sender.send_request(request).await?)
    }

    /// Asks for JSON; what the library's types leave out stands in it as well.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    /// Sends JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.exchange(Method::POST, path, serde_json::to_vec(body)?.into()).await
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Value, Error> {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let response = self.send(request.body(bollard::body_full(body))?).await?;
        let status = response.status();
        let answer = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let bytes = answer.map_err(|error| Error::IOError { err: io::Error::other(error) })?.to_bytes();
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes)?);
        }
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let message = said.get("message").and_then(Value::as_str).map(str::to_owned);
        Err(Error::DockerResponseServerError {
            status_code: status.as_u16(),
            message: message.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned()),
        })
    }

    /// Ends the SSH session, where there is one.
    pub(crate) async fn close(&self) {
        match &self.route {
            Route::Ssh(link) => link.close().await,
            Route::Socket(_) | Route::Tls { .. } => {}
        }
    }

    /// An address of this machine that leads to one of the engine's host.
    pub(crate) async fn way_to(&self, there: SocketAddr) -> Result<SocketAddr, ContainersError> {
        match &self.route {
            Route::Ssh(link) => link.way_to(there).await,
            Route::Socket(_) | Route::Tls { .. } => Ok(there),
        }
    }

    /// What to say of a request that broke off, where more is known than that.
    pub(crate) async fn explain(&self) -> Option<ContainersError> {
        match &self.route {
            Route::Ssh(link) => link.explain().await,
            Route::Socket(_) | Route::Tls { .. } => None,
        }
    }

    /// The same of the first request. An engine that does not like our certificate says so after the handshake, and its words may be lost
    /// when it ends the connection.
    pub(crate) async fn explain_first(&self) -> Option<ContainersError> {
        match &self.route {
            Route::Tls { .. } => Some(ContainersError::Certificate {
                endpoint: self.endpoint.to_string(),
                reason: "the engine ended the connection; it does not accept our certificate".to_owned(),
            }),
            Route::Socket(_) | Route::Ssh(_) => self.explain().await,
        }
    }

    async fn dial(&self) -> Result<Box<dyn Wire>, ContainersError> {
        match &self.route {
            Route::Socket(path) => Ok(Box::new(self.dial_socket(path).await?)),
            Route::Tls { host, port, name, connector } => {
                let plain = TcpStream::connect((host.as_str(), *port)).await.map_err(|e| self.dial_error(&e))?;
                let _without_it_is_slower = plain.set_nodelay(true);
                let ciphered = connector.connect(name.clone(), plain).await;
                Ok(Box::new(ciphered.map_err(|e| self.certificate_error(&e))?))
            }
            Route::Ssh(link) => Ok(Box::new(link.dial().await?)),
        }
    }

    async fn dial_socket(&self, path: &Path) -> Result<UnixStream, ContainersError> {
        UnixStream::connect(path).await.map_err(|error| self.dial_error(&error))
    }

    fn dial_error(&self, error: &io::Error) -> ContainersError {
        let (endpoint, reason) = (self.endpoint.to_string(), error.to_string());
        match (&self.route, error.kind()) {
            (_, io::ErrorKind::PermissionDenied) => ContainersError::NotAllowed { endpoint },
            (_, io::ErrorKind::ConnectionRefused) | (Route::Socket(_), _) => {
                ContainersError::NotRunning { endpoint, reason }
            }
            _ => ContainersError::Unreachable { host: endpoint, reason },
        }
    }

    fn certificate_error(&self, error: &io::Error) -> ContainersError {
        ContainersError::Certificate { endpoint: self.endpoint.to_string(), reason: error.to_string() }
    }
}

/// An error of ours on its way through the library.
fn carried(error: ContainersError) -> Error {
    Error::IOError { err: io::Error::other(error) }
}

fn client_config(files: &TlsFiles) -> Result<ClientConfig, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.authority)? {
        authorities.add(certificate).map_err(|error| format!("{}: {error}", files.authority.display()))?;
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| format!("{} holds no key: {error}", files.key.display()))?;
    let chain = certificates(&files.certificate)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_root_certificates(authorities).with_client_auth_cert(chain, key))
        .map_err(|error| format!("{}: {error}", files.certificate.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let certificates = read.map_err(|error| format!("{}: {error}", path.display()))?;
    if certificates.is_empty() { Err(format!("{} holds no certificate", path.display())) } else { Ok(certificates) }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}
