//! Takes connections and speaks over them: gRPC over HTTP/2, or pages over HTTP/1.1; each within bounds of size, time and number.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{call::Calls, limits::Limits};

/// What is agreed on over TLS for gRPC (RFC 7301).
pub(crate) const ALPN: &[u8] = b"h2";
/// How long a client may take for the handshake of TLS.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a page may take, and a client to ask for it.
const PAGE_LIMIT: Duration = Duration::from_secs(10);
/// How often a silent client is asked whether it is there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const KEEP_ALIVE_LIMIT: Duration = Duration::from_secs(20);
/// How long calls under way may take when the service ends.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(5);
/// The largest header, in bytes.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// How long until a connection is accepted again after the system refused one (too many open files).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What is spoken at an address.
#[derive(Clone)]
pub(crate) enum Speech {
    /// gRPC; over TLS where it says how.
    Grpc(Box<Calls>, Option<Arc<ServerConfig>>),
    /// Pages over HTTP/1.1.
    Pages(Router),
}

/// Binds an address.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Takes connections until `stop` is cancelled; the connections are on `connections`.
pub(crate) async fn listen(
    listener: TcpListener,
    speech: Speech,
    limits: Limits,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Some((stream, place)) => {
                connections.spawn(serve(stream, speech.clone(), limits, place, stop.clone()));
            }
            None => sleep(ACCEPT_AGAIN).await,
        }
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and awaited.
            let _refused = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            tracing::debug!(%error, "connection was not accepted");
            None
        }
    }
}

async fn serve(
    stream: TcpStream,
    speech: Speech,
    limits: Limits,
    _place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    match speech {
        Speech::Pages(pages) => show(stream, pages, stop).await,
        Speech::Grpc(calls, None) => answer(stream, *calls, limits, stop).await,
        Speech::Grpc(calls, Some(config)) => {
            let shaken = tokio::select! {
                shaken = timeout(HANDSHAKE_LIMIT, TlsAcceptor::from(config).accept(stream)) => shaken,
                () = stop.cancelled() => return,
            };
            match shaken {
                Ok(Ok(stream)) => answer(stream, *calls, limits, stop).await,
                Ok(Err(error)) => tracing::debug!(%error, "handshake of TLS failed"),
                Err(_) => tracing::debug!("handshake of TLS was not finished in time"),
            }
        }
    }
}

/// gRPC over one connection.
async fn answer<S>(stream: S, calls: Calls, limits: Limits, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| calls.clone().call(request));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_LIMIT)
        .max_concurrent_streams(limits.calls_per_connection_max)
        .max_header_list_size(HEADER_BYTES_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => Ok(served),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(STOP_LIMIT, connection).await
        }
    };
    if let Ok(Err(error)) = served {
        tracing::debug!(%error, "connection broke off");
    }
}

/// Pages over one connection.
async fn show(stream: TcpStream, pages: Router, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PAGE_LIMIT)
        .max_buf_size(HEADER_BYTES_MAX as usize)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => Ok(served),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(STOP_LIMIT, connection).await
        }
    };
    if let Ok(Err(error)) = served {
        tracing::debug!(%error, "connection broke off");
    }
}
