//! Answers that come part by part: those that end, and those that go on over broken connections.

use tokio::time::{Instant, timeout_at};
use tonic::{Request, Streaming};
use vocabulary::Fault;

use crate::{
    OrbitalClient,
    client::is_away,
    fault_of,
    proto::{Snapshot, WatchRequest},
};

/// The parts of one answer. Dropped, it ends the work at the service.
#[derive(Debug)]
pub struct Parts<T> {
    stream: Streaming<T>,
    deadline: Instant,
}

impl<T> Parts<T> {
    pub(crate) const fn new(stream: Streaming<T>, deadline: Instant) -> Self {
        Self { stream, deadline }
    }

    /// The next part; nothing at the end.
    ///
    /// # Errors
    /// Why the answer is not whole.
    pub async fn next(&mut self) -> Result<Option<T>, Fault> {
        match timeout_at(self.deadline, self.stream.message()).await {
            Ok(part) => part.map_err(|status| fault_of(&status)),
            Err(_) => Err(Fault::timeout("orbital service did not finish in time")),
        }
    }

    /// All that is to come.
    ///
    /// # Errors
    /// Why the answer is not whole.
    pub async fn all(mut self) -> Result<Vec<T>, Fault> {
        let mut parts = Vec::new();
        while let Some(part) = self.next().await? {
            parts.push(part);
        }
        Ok(parts)
    }
}

/// Snapshots, again and again. Where the connection breaks, it is made again and the watch goes on; snapshots of meanwhile are not made up for.
#[derive(Debug)]
pub struct Watching {
    client: OrbitalClient,
    request: WatchRequest,
    stream: Option<Streaming<Snapshot>>,
    seen: u32,
}

impl Watching {
    pub(crate) const fn new(client: OrbitalClient, request: WatchRequest) -> Self {
        Self { client, request, stream: None, seen: 0 }
    }

    /// The next snapshot; nothing once as many were seen as were asked for.
    ///
    /// # Errors
    /// What the service says; `unavailable` where it stayed away for longer than the client's limit.
    pub async fn next(&mut self) -> Result<Option<Snapshot>, Fault> {
        loop {
            if self.request.count > 0 && self.seen >= self.request.count {
                return Ok(None);
            }
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => self.open().await?,
            };
            match stream.message().await {
                Ok(Some(snapshot)) => {
                    self.stream = Some(stream);
                    self.seen = self.seen.saturating_add(1);
                    return Ok(Some(snapshot));
                }
                // A service that ends in good order ends its watches, too.
                Ok(None) => {}
                Err(status) if is_away(&status) => {}
                Err(status) => return Err(fault_of(&status)),
            }
        }
    }

    async fn open(&self) -> Result<Streaming<Snapshot>, Fault> {
        let rest = WatchRequest { count: self.request.count.saturating_sub(self.seen), ..self.request.clone() };
        let call = |client: OrbitalClient, _left| {
            let request = Request::new(rest.clone());
            async move {
                let mut grpc = client.grpc;
                grpc.watch_positions(request).await.map(tonic::Response::into_inner)
            }
        };
        self.client.insist(self.client.deadline(), call).await
    }
}
