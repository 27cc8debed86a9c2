//! Takes connections and serves pages over them, each within bounds of size, time and number.
//!
//! `axum::serve` is not used: it waits without end for a header that does not come.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::Fault;

use crate::{
    error::Refusal,
    headers::{Way, guard},
};

/// What is spoken over TLS, by the names of RFC 7301: HTTP, and ACME's challenge tls-alpn-01, which is over with the handshake.
pub(crate) const SPOKEN: [&[u8]; 2] = [b"http/1.1", ACME_ALPN];
const ACME_ALPN: &[u8] = b"acme-tls/1";

/// Connections at once; more wait at the system's door.
const CONNECTIONS_MAX: usize = 512;
/// How long a client may take for the handshake of TLS, and for its goodbye.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a client may take to send a header, from the connection or its last request on.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// The largest header, in bytes.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// The most fields of a header.
const HEADER_FIELDS_MAX: usize = 64;
/// How long a page may take.
const PAGE_LIMIT: Duration = Duration::from_secs(10);
/// How long a whole connection may last, so that a client that reads too slowly holds no place for ever.
const CONNECTION_LIMIT: Duration = Duration::from_secs(600);
/// How long until a connection is accepted again after the system refused one (too many open files).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Takes connections until `stop` is cancelled; the connections are on `connections`.
pub(crate) async fn listen(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    pages: Router,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Some((stream, place)) => {
                let (pages, tls, stop) = (pages.clone(), tls.clone(), stop.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, Way::Plain, pages, place, stop).await,
                        Some(config) => Box::pin(serve_secured(stream, config, pages, place, stop)).await,
                    }
                });
            }
            None => sleep(ACCEPT_AGAIN).await,
        }
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::debug!(%error, "HTTP connection was not accepted");
            None
        }
    }
}

/// The same over TLS.
async fn serve_secured(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    pages: Router,
    place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let peer = stream.peer_addr().ok();
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE_LIMIT, TlsAcceptor::from(config).accept(stream)) => shaken,
        () = stop.cancelled() => return,
    };
    match shaken {
        Ok(Ok(stream)) if is_challenge(&stream) => {
            tracing::info!("challenge of an ACME directory answered");
            let (mut stream, _place) = (stream, place);
            let _ = timeout(HANDSHAKE_LIMIT, stream.shutdown()).await;
        }
        Ok(Ok(stream)) => serve(stream, Way::Tls, pages, place, stop).await,
        Ok(Err(error)) => match error.downcast::<rustls::Error>() {
            // What the client says of us, or that it has gone, is nobody's refusal of ours.
            Ok(rustls::Error::AlertReceived(alert)) => tracing::debug!(?alert, "client refused the handshake of TLS"),
            Ok(error) => tracing::info!(?peer, %error, "client was refused in the handshake of TLS"),
            Err(error) => tracing::debug!(%error, "client left during the handshake of TLS"),
        },
        Err(_) => tracing::info!(?peer, "handshake of TLS was not finished in time"),
    }
}

fn is_challenge(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ACME_ALPN)
}

async fn serve<S>(stream: S, way: Way, pages: Router, _place: OwnedSemaphorePermit, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let pages = TowerToHyperService::new(pages);
    let service = service_fn(move |request| page(pages.clone(), request, way));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = timeout(CONNECTION_LIMIT, &mut connection) => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(PAGE_LIMIT, connection).await
        }
    };
    if let Ok(Err(error)) = served {
        tracing::debug!(%error, "HTTP connection broke off");
    }
}

/// Serves one page in time. Bodies are not read: no page takes one.
async fn page(
    pages: TowerToHyperService<Router>,
    request: Request<Incoming>,
    way: Way,
) -> Result<Response<Body>, Infallible> {
    use hyper::service::Service as _;
    let response = match timeout(PAGE_LIMIT, pages.call(request)).await {
        Ok(response) => response?,
        Err(_) => Refusal(Fault::timeout("page took too long").hint("try again")).into_response(),
    };
    Ok(guard(response, way))
}
