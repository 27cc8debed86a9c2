//! Where calls compute: threads beside those that talk, as many at once as there are cores, with a bounded number that wait.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::Poll,
};

use futures::{Stream, ready, stream};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tonic::Status;
use vocabulary::Fault;

use crate::{limits::Limits, refusal::Refusal, ticket::Ticket};

/// Parts that wait for the caller to read.
const PARTS_WAITING: usize = 4;

/// An answer that comes part by part.
pub(crate) type Parts<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The places for calls that compute.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    limits: Limits,
}

impl Work {
    pub(crate) fn new(limits: Limits) -> Self {
        let semaphore = |places: usize| Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            running: semaphore(limits.running_max),
            waiting: semaphore(limits.waiting_max),
            watches: semaphore(limits.watches_max),
            limits,
        }
    }

    /// Does a job, once there is a place, and waits for it until the ticket ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        ticket: &Ticket,
        job: impl FnOnce(&Ticket) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.place(ticket).await?;
        let inner = ticket.clone();
        let done = spawn_blocking(move || {
            let _place = place;
            inner.check().and_then(|()| job(&inner))
        });
        let ended = async {
            done.await.unwrap_or_else(|error| Err(Fault::internal(format!("work broke off: {error}")).into()))
        };
        ticket.bounded(ended).await
    }

    /// Begins a job that has its parts sent as they are there.
    pub(crate) async fn stream<T: Send + 'static>(
        &self,
        ticket: &Ticket,
        job: impl FnOnce(&Ticket, &Outlet<T>) -> Result<(), Refusal> + Send + 'static,
    ) -> Result<Parts<T>, Refusal> {
        let place = self.place(ticket).await?;
        let (sender, mut receiver) = mpsc::channel(PARTS_WAITING);
        let outlet = Outlet { sender, ticket: ticket.clone(), limits: self.limits, runtime: Handle::current() };
        let ending = Arc::new(OnceLock::new());
        let told = Arc::clone(&ending);
        // Owned by its ticket, which every step asks; the receiver sees its end.
        let _job = spawn_blocking(move || {
            let _place = place;
            let outcome = job(&outlet.ticket, &outlet).map_err(Status::from);
            // Set here alone, and before the last part is followed by nothing.
            let _first = ending.set(outcome);
            drop(outlet);
        });
        let mut is_open = true;
        Ok(Box::pin(stream::poll_fn(move |context| {
            if !is_open {
                return Poll::Ready(None);
            }
            let part = ready!(receiver.poll_recv(context));
            is_open = part.is_some();
            Poll::Ready(part.map(Ok).or_else(|| ended(told.get())))
        })))
    }

    /// A place for a watch, as long as it is held.
    pub(crate) fn watch(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.watches)
            .try_acquire_owned()
            .map_err(|_| busy("watches are under way", self.limits.watches_max))
    }

    async fn place(&self, ticket: &Ticket) -> Result<OwnedSemaphorePermit, Refusal> {
        match Arc::clone(&self.running).try_acquire_owned() {
            Ok(place) => return Ok(place),
            Err(TryAcquireError::Closed) => return Err(Fault::unavailable("service ends").into()),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _waits = self.waiting.try_acquire().map_err(|_| busy("calls wait already", self.limits.waiting_max))?;
        match timeout_at(ticket.deadline(), Arc::clone(&self.running).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Fault::unavailable("service ends").into()),
            Err(_) => Err(Refusal::Late),
        }
    }
}

/// What stands at the end of the parts: nothing, or why they are not all.
fn ended<T>(outcome: Option<&Result<(), Status>>) -> Option<Result<T, Status>> {
    match outcome {
        Some(Ok(())) => None,
        Some(Err(status)) => Some(Err(status.clone())),
        None => Some(Err(Status::internal("work broke off"))),
    }
}

fn busy(what: &str, max: usize) -> Refusal {
    Fault::busy(format!("{max} {what}")).hint("try again in a moment").into()
}

/// Where the parts of a job go.
#[derive(Debug)]
pub(crate) struct Outlet<T> {
    sender: mpsc::Sender<T>,
    ticket: Ticket,
    limits: Limits,
    runtime: Handle,
}

impl<T> Outlet<T> {
    /// Sends a part; waits, within bounds, until the caller has read those before.
    pub(crate) fn send(&self, part: T) -> Result<(), Refusal> {
        self.ticket.check()?;
        let part = match self.sender.try_send(part) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Refusal::Gone),
            Err(mpsc::error::TrySendError::Full(part)) => part,
        };
        let until = self.ticket.deadline().min(Instant::now() + self.limits.stall_limit);
        match self.runtime.block_on(async { timeout_at(until, self.sender.send(part)).await }) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::Gone),
            Err(_) => Err(Refusal::Late),
        }
    }
}
