//! The front door over HTTP: strikes calls with the scripted faults, passes the others on, and answers `/simulator/v1/…`.
//!
//! It is built on `hyper` and not on `axum` because a dropped connection is an error of the service, which `axum` does not let a handler make.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{CONTENT_TYPE, HOST, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

use super::{
    effects::Effects,
    faults::{self, FaultKind, Faults, ScriptedFault, Strikes},
};

const BODY_BYTES_MAX: usize = 1 << 20;
const CONNECTIONS_MAX: usize = 4096;
/// A call that hangs is let go after this long, so that nothing waits without end.
const HANG_MAX: Duration = Duration::from_secs(3600);
const IDLE_MAX: Duration = Duration::from_secs(60);

/// What the front door needs of the simulator.
#[derive(Debug, Clone)]
pub(super) struct Front {
    /// The protocol's server, behind the door.
    pub(super) behind: SocketAddr,
    pub(super) effects: Effects,
    pub(super) faults: Faults,
}

type Reply = Response<Full<Bytes>>;

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("dropped by a scripted fault")]
    Dropped,
    #[error("the protocol's server can't be reached: {0}")]
    Io(#[from] std::io::Error),
    #[error("the protocol's server broke off: {0}")]
    Hyper(#[from] hyper::Error),
    #[error("a body can't be read: {0}")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("an answer can't be made: {0}")]
    Http(#[from] hyper::http::Error),
}

/// Serves until its task is aborted; its connections end with it.
pub(super) async fn serve(listener: TcpListener, front: Front) {
    let front = Arc::new(front);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let front = Arc::clone(&front);
                    connections.spawn(async move {
                        connection(stream, front).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "simulator can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, front: Arc<Front>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the simulator ended early");
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Broken> {
        let path = request.uri().path().to_owned();
        if let Some(own) = path.strip_prefix("/simulator/v1/") {
            return self.control(own, request).await;
        }
        let method = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match self.faults.strike(&method) {
            None => self.pass(request).await,
            Some(fault) => {
                tracing::info!(method, fault = ?fault.kind, "simulator fails a call as told");
                self.struck(fault, request).await
            }
        }
    }

    async fn struck(&self, fault: ScriptedFault, request: Request<Incoming>) -> Result<Reply, Broken> {
        if let FaultKind::Slow { milliseconds } = fault.kind {
            let delay = Duration::from_millis(milliseconds).min(HANG_MAX);
            return match fault.strikes {
                Strikes::Before => {
                    tokio::time::sleep(delay).await;
                    self.pass(request).await
                }
                Strikes::After => {
                    let reply = self.pass(request).await;
                    tokio::time::sleep(delay).await;
                    reply
                }
            };
        }
        if fault.strikes == Strikes::After {
            self.pass(request).await?;
        }
        match fault.kind {
            FaultKind::Hang => {
                tokio::time::sleep(HANG_MAX).await;
                Err(Broken::Dropped)
            }
            FaultKind::Drop | FaultKind::Slow { .. } => Err(Broken::Dropped),
            FaultKind::Error { number, message } => json_reply(&json!({
                "ClientTransactionID": 0, "ServerTransactionID": 1, "ErrorNumber": number, "ErrorMessage": message,
            })),
            FaultKind::Status { status } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                reply(status, "text/plain", "failed by a scripted fault")
            }
            FaultKind::Garbage => reply(StatusCode::OK, "application/json", r#"{"Value": 12, "ErrorNumb"#),
        }
    }

    /// Passes a call to the protocol's server over a connection of its own.
    async fn pass(&self, request: Request<Incoming>) -> Result<Reply, Broken> {
        let (mut parts, body) = request.into_parts();
        let body = collected(body).await?;
        parts.headers.insert(HOST, HeaderValue::from_static("simulator"));
        parts.headers.remove(hyper::header::CONNECTION);
        let stream = TcpStream::connect(self.behind).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let exchange = async {
            let (head, body) = sender.send_request(Request::from_parts(parts, Full::new(body))).await?.into_parts();
            let body = collected(body).await?;
            drop(sender);
            let mut reply = Response::builder().status(head.status);
            if let Some(kind) = head.headers.get(CONTENT_TYPE) {
                reply = reply.header(CONTENT_TYPE, kind);
            }
            Ok(reply.body(Full::new(body))?)
        };
        let (reply, _) = tokio::join!(exchange, connection);
        reply
    }

    /// The tests' own door: effects to read, faults to read and to set.
    async fn control(&self, path: &str, request: Request<Incoming>) -> Result<Reply, Broken> {
        match (request.method(), path) {
            (&Method::GET, "effects") => json_reply(&json!({ "effects": self.effects.all() })),
            (&Method::GET, "faults") => {
                json_reply(&json!({ "faults": self.faults.all(), "struck": self.faults.struck() }))
            }
            (&Method::PUT, "faults") => {
                let body = collected(request.into_body()).await?;
                match read_script(&body) {
                    Ok(script) => {
                        self.faults.set(script);
                        json_reply(&json!({ "faults": self.faults.all(), "struck": self.faults.struck() }))
                    }
                    Err(why) => reply(StatusCode::BAD_REQUEST, "text/plain", &why),
                }
            }
            _ => reply(StatusCode::NOT_FOUND, "text/plain", "GET effects, GET faults and PUT faults are known here"),
        }
    }
}

fn read_script(body: &[u8]) -> Result<Vec<ScriptedFault>, String> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Script {
        faults: Vec<ScriptedFault>,
    }
    let script: Script = serde_json::from_slice(body).map_err(|error| format!("faults are not understood: {error}"))?;
    if script.faults.len() > faults::LIMIT {
        return Err(format!("{} faults are too many: {} are allowed", script.faults.len(), faults::LIMIT));
    }
    Ok(script.faults)
}

async fn collected<B>(body: B) -> Result<Bytes, Broken>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Ok(Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(Broken::Body)?.to_bytes())
}

fn json_reply(value: &serde_json::Value) -> Result<Reply, Broken> {
    reply(StatusCode::OK, "application/json", &value.to_string())
}

fn reply(status: StatusCode, kind: &'static str, text: &str) -> Result<Reply, Broken> {
    Ok(Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .body(Full::new(Bytes::copy_from_slice(text.as_bytes())))?)
}
