//! The listeners and what happens to a connection from its first byte to its end.
//!
//! The protocol crate's own listeners perform a WebSocket handshake inside their accept loop, so that one silent connection keeps
//! every later client out. Here each handshake is a task with a deadline, and there is a bound on how many there are.

use std::{
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mqtt5::broker::{
    client_handler::ClientHandler, transport::BrokerTransport, websocket_server::WebSocketStreamWrapper,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{
    handshake::server::{ErrorResponse, Request, Response},
    http::{HeaderName, HeaderValue, StatusCode, header},
    protocol::WebSocketConfig,
};

use crate::{
    connection::Connection,
    events::{Objection, cut},
    gate::Transport,
    origins,
    shared::Shared,
    tls::{self, Failed, Secured},
    wire::Wire,
};

/// Rest after the system could not hand a connection over, mostly because there are too many files open.
const REST_AFTER_ERROR: Duration = Duration::from_millis(100);
/// Time for the last words to a client.
const FAREWELL: Duration = Duration::from_millis(500);
/// What a WebSocket reads at once; the crate's default of 128 KiB is allocated for each client.
const WEBSOCKET_BUFFER_BYTES: usize = 4 << 10;

/// Takes connections until the broker stops.
pub(crate) fn listen(shared: &Arc<Shared>, listeners: Vec<TcpListener>, transport: Transport) {
    for listener in listeners {
        shared.counters.listening.fetch_add(1, Ordering::Relaxed);
        let listening = Listening(Arc::clone(shared));
        shared.tasks.spawn(async move { accept(&listening.0, &listener, transport).await });
    }
}

/// Counts a listener as long as it lives, so that health knows when one died.
struct Listening(Arc<Shared>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.counters.listening.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept(shared: &Arc<Shared>, listener: &TcpListener, transport: Transport) {
    let connections = async {
        while let Ok(permit) = Arc::clone(&shared.handshakes).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    shared.tasks.spawn(serve(Arc::clone(shared), stream, peer, transport, permit));
                }
                Err(error) => {
                    tracing::error!(%error, %transport, "connection can't be taken");
                    sleep(REST_AFTER_ERROR).await;
                }
            }
        }
    };
    tokio::select! {
        () = connections => {}
        () = shared.stopping.cancelled() => {}
    }
}

/// Says goodbye however the connection's task ends.
struct Leaving(Arc<Connection>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave();
    }
}

async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    transport: Transport,
    permit: OwnedSemaphorePermit,
) {
    let deadline = Instant::now() + shared.limits.handshake_deadline;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "connection may answer late, since small packets are held back");
    }
    let leaving = Leaving(Arc::new(Connection::new(shared, peer, transport)));
    match transport {
        Transport::Tcp => attend(stream, &leaving.0, deadline, permit).await,
        // Apart, so that what only these need is no weight for the others.
        Transport::WebSocket => Box::pin(attend_websocket(stream, &leaving.0, deadline, permit)).await,
        Transport::Tls | Transport::SecureWebSocket => {
            Box::pin(attend_secured(stream, &leaving.0, transport, deadline, permit)).await;
        }
    }
}

/// The same over TLS.
async fn attend_secured(
    stream: TcpStream,
    connection: &Arc<Connection>,
    transport: Transport,
    deadline: Instant,
    permit: OwnedSemaphorePermit,
) {
    let (shared, peer) = (&connection.shared, connection.peer);
    let Some(config) = shared.tls.get().cloned() else { return };
    let secured = tokio::select! {
        secured = timeout_at(deadline, tls::accept(config, stream)) => secured,
        () = shared.stopping.cancelled() => return,
    };
    match secured {
        Ok(Ok(Secured { mut stream, is_challenge: true, .. })) => {
            tracing::info!(%peer, "challenge of an ACME directory answered");
            let _ = timeout(FAREWELL, stream.shutdown()).await;
        }
        Ok(Ok(Secured { stream, certificate, .. })) => {
            connection.note_certificate(certificate);
            if transport == Transport::Tls {
                Box::pin(attend(stream, connection, deadline, permit)).await;
            } else {
                Box::pin(attend_websocket(stream, connection, deadline, permit)).await;
            }
        }
        Ok(Err(Failed::Refused(error))) => connection.note_refused_unknown(Objection::Tls(cut(&error.to_string()))),
        Ok(Err(Failed::Left(error))) => tracing::debug!(%peer, %error, "client left during the handshake of TLS"),
        Err(_) => connection.note_refused_unknown(Objection::Late),
    }
}

/// The same over a WebSocket.
async fn attend_websocket<S>(stream: S, connection: &Arc<Connection>, deadline: Instant, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
{
    let shared = &connection.shared;
    let upgraded = tokio::select! {
        upgraded = timeout_at(deadline, upgrade(connection, stream)) => upgraded,
        () = shared.stopping.cancelled() => return,
    };
    match upgraded {
        Ok(Some(stream)) => attend(stream, connection, deadline, permit).await,
        Ok(None) => {}
        Err(_) => connection.note_refused_unknown(Objection::Late),
    }
}

/// Speaks MQTT with a client until one of both ends it.
async fn attend<S>(stream: S, connection: &Arc<Connection>, deadline: Instant, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
{
    let (shared, peer) = (&connection.shared, connection.peer);
    let wire = Wire::new(stream, Arc::clone(connection));
    let (ending, ended) = broadcast::channel(1);
    let handler = ClientHandler::new(
        BrokerTransport::WebSocket(Box::new(wire.clone())),
        peer,
        Arc::clone(&shared.config),
        Arc::clone(&shared.router),
        Arc::clone(connection) as _,
        Some(Arc::clone(&shared.storage)),
        Arc::clone(&shared.stats),
        Arc::clone(&shared.monitor),
        ended,
    );
    let mut run = pin!(handler.run());
    // Until its client is admitted the router knows nothing of a connection, so that it may simply be dropped.
    let outcome = tokio::select! {
        biased;
        outcome = wire.attend(run.as_mut()) => Some(outcome),
        () = connection.admitted.notified() => None,
        () = sleep_until(deadline) => return connection.note_refused_unknown(Objection::Late),
        () = shared.stopping.cancelled() => return,
    };
    drop(permit);
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => tokio::select! {
            outcome = end(&wire, run, connection, &ending) => outcome,
            () = shared.abandoned.cancelled() => return,
        },
    };
    match outcome {
        Ok(()) => tracing::debug!(%peer, "connection ended"),
        Err(error) => {
            tracing::debug!(%peer, %error, "connection ended");
            connection.note_failure(&error);
        }
    }
    // What the handler said last, a refusal or a goodbye, is still to be sent.
    let _ = timeout(FAREWELL, wire.close()).await;
}

/// The end of an admitted client's handler, brought about if the client is to go.
async fn end<S, F>(
    wire: &Wire<S>,
    mut run: Pin<&mut F>,
    connection: &Connection,
    ending: &broadcast::Sender<()>,
) -> F::Output
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future,
{
    tokio::select! {
        biased;
        outcome = wire.attend(run.as_mut()) => return outcome,
        () = connection.kick.cancelled() => {}
    }
    // The handler tells the client, publishes its will and keeps its session.
    let _ = ending.send(());
    wire.attend(run).await
}

/// The WebSocket on a fresh connection, where it is for us.
async fn upgrade<S>(connection: &Connection, stream: S) -> Option<WebSocketStreamWrapper<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = WEBSOCKET_BUFFER_BYTES;
    // Packets may share or cross frames, but nobody needs more than the largest packet with its header at once.
    config.max_message_size = Some(connection.shared.limits.packet_bytes + 16);
    config.max_frame_size = config.max_message_size;
    #[expect(clippy::result_large_err, reason = "the WebSocket crate sets the type")]
    let answer = |request: &Request, response: Response| answer(connection, request, response);
    match tokio_tungstenite::accept_hdr_async_with_config(stream, answer, Some(config)).await {
        Ok(stream) => Some(WebSocketStreamWrapper::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "WebSocket was not opened");
            None
        }
    }
}

#[expect(clippy::result_large_err, reason = "the WebSocket crate sets the type")]
fn answer(connection: &Connection, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !matches!(request.uri().path(), "/" | "/mqtt") {
        return Err(refusal(StatusCode::NOT_FOUND, "MQTT is served at / and /mqtt"));
    }
    let origin = request.headers().contains_key(header::ORIGIN).then(|| text(header::ORIGIN).unwrap_or_default());
    if !origins::may_connect(origin, &connection.shared.origins) {
        connection.note_refused_unknown(Objection::Origin(cut(origin.unwrap_or_default())));
        return Err(refusal(
            StatusCode::FORBIDDEN,
            "pages of this origin may not connect; list it in the broker's origins",
        ));
    }
    // MQTT 5 §6: the subprotocol is "mqtt"; older clients of 3.1.1 say "mqttv3.1".
    let offered = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    let spoken = ["mqtt", "mqttv3.1"].into_iter().find(|known| offered.split(',').any(|one| one.trim() == *known));
    if let Some(spoken) = spoken {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(spoken));
    }
    Ok(response)
}

fn refusal(status: StatusCode, why: &str) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(Some(why.to_owned()));
    *refusal.status_mut() = status;
    refusal
}
