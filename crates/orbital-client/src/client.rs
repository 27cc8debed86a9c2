//! The client: one HTTP/2 connection that is made when it is needed and made again when it broke.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout_at};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use vocabulary::Fault;

use crate::{
    fault_of,
    proto::{HealthCheckRequest, orbital_service_client::OrbitalServiceClient},
};

/// The pause before a call is made again, at first; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often the other side is asked whether it is there, while calls are under way.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long it may take to say so.
const KEEP_ALIVE_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// How the service is reached.
#[derive(Clone)]
pub struct OrbitalClientOptions {
    /// `http://127.0.0.1:50051`, or `https://…` for TLS.
    pub url: String,
    /// The token that is brought with each call.
    pub token: Option<String>,
    /// The authorities that are trusted over TLS, as PEM.
    pub authorities_pem: Option<Vec<u8>>,
    /// How long a call may take, with all its repetitions; also how long a broken watch tries to go on.
    pub limit: Duration,
}

impl OrbitalClientOptions {
    /// Without token, 30 seconds for a call.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), token: None, authorities_pem: None, limit: Duration::from_secs(30) }
    }
}

impl fmt::Debug for OrbitalClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrbitalClientOptions")
            .field("url", &self.url)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A client of the orbital service. Clones share the connection.
///
/// A call that finds the service away is repeated with growing pauses until the limit; every method may be repeated without harm.
#[derive(Clone)]
pub struct OrbitalClient {
    pub(crate) grpc: OrbitalServiceClient<InterceptedService<Channel, Bearer>>,
    token: Arc<RwLock<Option<MetadataValue<Ascii>>>>,
    limit: Duration,
}

impl OrbitalClient {
    /// A client; it connects with the first call. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `invalid` where the URL, the authorities or the token can't be used.
    pub fn new(options: &OrbitalClientOptions) -> Result<Self, Fault> {
        let token = Arc::new(RwLock::new(options.token.as_deref().map(bearer).transpose()?));
        let channel = endpoint(options)?.connect_lazy();
        let grpc = OrbitalServiceClient::with_interceptor(channel, Bearer(Arc::clone(&token)))
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        Ok(Self { grpc, token, limit: options.limit })
    }

    /// Brings this token from now on.
    ///
    /// # Errors
    /// `invalid` where it can't be written into a header.
    pub fn bring(&self, token: Option<&str>) -> Result<(), Fault> {
        let token = token.map(bearer).transpose()?;
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }

    /// Waits until the service says that it works.
    ///
    /// # Errors
    /// `unavailable` after `limit`.
    pub async fn ready(&self, limit: Duration) -> Result<(), Fault> {
        let waiting = Self { limit, ..self.clone() };
        let answer = waiting.health_check(HealthCheckRequest {}).await?;
        if answer.healthy { Ok(()) } else { Err(Fault::unavailable("orbital service is not healthy")) }
    }

    /// The generated client, for what this one does not do.
    pub fn grpc(&self) -> OrbitalServiceClient<InterceptedService<Channel, Bearer>> {
        self.grpc.clone()
    }

    /// When a call that begins now must have ended.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    /// Makes a call until it is answered, or the deadline is there.
    pub(crate) async fn insist<T, F>(&self, deadline: Instant, call: impl Fn(Self, Duration) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let mut pause = PAUSE_MIN;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = timeout_at(deadline, call(self.clone(), left)).await;
            let status = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => status,
                Err(_) => return Err(Fault::timeout("orbital service did not answer in time")),
            };
            if !is_away(&status) || Instant::now() + pause >= deadline {
                return Err(fault_of(&status));
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl fmt::Debug for OrbitalClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrbitalClient").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Whether the service could not be reached, or the connection broke.
pub(crate) fn is_away(status: &Status) -> bool {
    // What the service says has no source; what the connection says has.
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}

/// A request that tells the service how long the caller waits.
pub(crate) fn within<T>(message: T, left: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(left);
    request
}

/// Puts the token into each call.
#[derive(Clone)]
pub struct Bearer(Arc<RwLock<Option<MetadataValue<Ascii>>>>);

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(***)")
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>, Fault> {
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {token}").parse().map_err(|_| Fault::invalid("token can't be written into a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn endpoint(options: &OrbitalClientOptions) -> Result<Endpoint, Fault> {
    let wrong = |e: &dyn fmt::Display| {
        Fault::invalid(format!("orbital service {:?} can't be reached: {e}", options.url))
            .hint("name it as http://HOST:PORT or https://HOST:PORT")
    };
    let endpoint = Endpoint::from_shared(options.url.clone())
        .map_err(|e| wrong(&e))?
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_LIMIT);
    match &options.authorities_pem {
        Some(pem) => {
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            endpoint.tls_config(tls).map_err(|e| wrong(&e))
        }
        None if options.url.starts_with("https://") => {
            Err(wrong(&"no authority is named for TLS").hint("give the authorities that are trusted"))
        }
        None => Ok(endpoint),
    }
}
