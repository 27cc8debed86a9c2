//! Snapshots again and again, at the caller's pace: one is computed when the one before has been read.

use std::{sync::Arc, time::Duration};

use futures::stream;
use orbital_client::proto::{Snapshot, WatchRequest};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tonic::Status;

use crate::{
    answers::positions::{Batch, Shape, enough},
    face::Face,
    refusal::Refusal,
    ticket::Ticket,
    wants::{self, Meant},
    work::Parts,
};

/// From one snapshot to the next, where nothing is said.
const EVERY: Duration = Duration::from_secs(1);
/// And at least.
const EVERY_MIN: Duration = Duration::from_millis(100);
/// And at most.
const EVERY_MAX: Duration = Duration::from_secs(3600);

/// A watch under way.
struct Watch {
    face: Face,
    ticket: Ticket,
    request: WatchRequest,
    shape: Shape,
    /// Those who were asked for, where it was not everybody.
    chosen: Option<Meant>,
    ticks: Interval,
    left: Option<u32>,
    _place: OwnedSemaphorePermit,
}

/// Begins a watch. It ends with its count, its caller, its deadline, or the service.
pub(crate) fn begin(face: Face, ticket: Ticket, request: WatchRequest) -> Result<Parts<Snapshot>, Refusal> {
    let every = match &request.every {
        Some(every) => wants::step("every", Some(every))?,
        None => EVERY,
    };
    if !(EVERY_MIN..=EVERY_MAX).contains(&every) {
        return Err(Refusal::field("every", format!("is {every:?}, not from 100 ms to an hour")));
    }
    let shape = Shape::new(request.frame, 0, request.positions_only)?;
    let meant = wants::some_satellites(&face.known.sky(), request.satellites.as_ref(), &face.limits)?;
    enough("satellites", meant.number(), face.limits.states_max)?;
    let is_all = request.satellites.as_ref().is_some_and(|satellites| satellites.all);
    let place = face.work.watch()?;
    let mut ticks = interval_at(Instant::now(), every);
    // Who reads slowly sees fewer snapshots, not a rush of old ones.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let left = (request.count > 0).then_some(request.count);
    let chosen = (!is_all).then_some(meant);
    let watch = Watch { face, ticket, request, shape, chosen, ticks, left, _place: place };
    Ok(Box::pin(stream::unfold(Some(watch), async |watch| {
        let mut watch = watch?;
        match watch.next().await {
            Ok(Some(snapshot)) => Some((Ok(snapshot), Some(watch))),
            Ok(None) => None,
            Err(refusal) => Some((Err(Status::from(refusal)), None)),
        }
    })))
}

impl Watch {
    async fn next(&mut self) -> Result<Option<Snapshot>, Refusal> {
        if self.left == Some(0) {
            return Ok(None);
        }
        tokio::select! {
            _ = self.ticks.tick() => {}
            () = self.face.stop.cancelled() => return Ok(None),
            () = tokio::time::sleep_until(self.ticket.deadline()) => return Err(Refusal::Late),
        }
        self.left = self.left.map(|left| left - 1);
        let meant = match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => {
                let sky = self.face.known.sky();
                wants::some_satellites(&sky, self.request.satellites.as_ref(), &self.face.limits)?
            }
        };
        let batch = Batch::of(meant, self.face.clock.now(), self.shape);
        let orientations = Arc::clone(&self.face.orientations);
        self.face.work.run(&self.ticket, move |ticket| batch.snapshot(&orientations, ticket)).await.map(Some)
    }
}
