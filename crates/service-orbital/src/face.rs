//! The methods, as gRPC calls them: each reads its request, has the answer computed where that takes long, and gives it back.

use std::sync::Arc;

use engine_orbital::Orientations;
use orbital_client::proto::{
    ApproachFinding, ApproachList, ApproachesRequest, BatchRequest, Grid, GridPart, GridRequest, GroundStationList,
    HealthCheckRequest, HealthCheckResponse, ListRequest, PassFinding, PassList, PassesRequest, PropagateRequest,
    PropagateResponse, RegisterGroundStationsRequest, RegisterSatellitesRequest, Registered, RemoveRequest, Removed,
    SatelliteList, Snapshot, TrackRequest, TrackResponse, TrajectoryRequest, TrajectoryResponse, VisibilityPasses,
    VisibilityQuery, VisibilityRequest, VisibilityResponse, WatchRequest, orbital_service_server::OrbitalService,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};
use vocabulary::Clock;

use crate::{
    answers::{
        approaches::Encounters,
        earlier::{self, Trajectory},
        passes::{self, Passes},
        positions::{Batch, Lattice},
        register,
        track::Track,
        watch,
    },
    known::Known,
    limits::Limits,
    refusal::Refusal,
    registry::Registry,
    ticket::Ticket,
    work::{Parts, Work},
};

/// What the methods share.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) known: Known,
    pub(crate) registry: Registry,
    pub(crate) work: Work,
    pub(crate) limits: Limits,
    pub(crate) orientations: Arc<Orientations>,
    pub(crate) clock: Clock,
    pub(crate) began: Instant,
    /// Cancelled when the service ends.
    pub(crate) stop: CancellationToken,
}

type Answered<T> = Result<Response<T>, Status>;

fn answered<T>(answer: Result<T, Refusal>) -> Answered<T> {
    answer.map(Response::new).map_err(Status::from)
}

#[async_trait]
impl OrbitalService for Face {
    type StreamGridStream = Parts<GridPart>;
    type WatchPositionsStream = Parts<Snapshot>;
    type StreamPassesStream = Parts<PassFinding>;
    type StreamApproachesStream = Parts<ApproachFinding>;

    async fn propagate_position(&self, request: Request<PropagateRequest>) -> Answered<PropagateResponse> {
        // Microseconds: not worth the way to another thread.
        answered(earlier::position(&self.known.sky(), &self.orientations, request.into_inner()))
    }

    async fn propagate_trajectory(&self, request: Request<TrajectoryRequest>) -> Answered<TrajectoryResponse> {
        let ticket = Ticket::of(&request);
        let trajectory = Trajectory::read(&self.known.sky(), request.into_inner(), &self.limits)?;
        let orientations = Arc::clone(&self.orientations);
        answered(self.work.run(&ticket, move |ticket| trajectory.points(&orientations, ticket)).await)
    }

    async fn health_check(&self, _: Request<HealthCheckRequest>) -> Answered<HealthCheckResponse> {
        answered(Ok(HealthCheckResponse {
            healthy: !self.stop.is_cancelled(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX),
        }))
    }

    async fn register_satellites(&self, request: Request<RegisterSatellitesRequest>) -> Answered<Registered> {
        let ticket = Ticket::of(&request);
        let (limits, request) = (self.limits, request.into_inner());
        let satellites = self.work.run(&ticket, move |_| register::satellites(&request, &limits)).await?;
        let ids = satellites.iter().map(|satellite| satellite.id.clone()).collect();
        let registered = ticket.bounded(self.registry.register_satellites(satellites)).await;
        answered(registered.map(|replaced| Registered { ids, replaced }))
    }

    async fn remove_satellites(&self, request: Request<RemoveRequest>) -> Answered<Removed> {
        let ticket = Ticket::of(&request);
        let removed = ticket.bounded(self.registry.remove_satellites(&request.get_ref().ids)).await;
        answered(removed.map(|removed| Removed { removed }))
    }

    async fn list_satellites(&self, request: Request<ListRequest>) -> Answered<SatelliteList> {
        answered(register::list_satellites(&self.known, &request.into_inner()))
    }

    async fn register_ground_stations(&self, request: Request<RegisterGroundStationsRequest>) -> Answered<Registered> {
        let ticket = Ticket::of(&request);
        let stations = register::stations(request.into_inner(), &self.limits)?;
        let ids = stations.iter().map(|ground| ground.sent.id.clone()).collect();
        let registered = ticket.bounded(self.registry.register_stations(stations)).await;
        answered(registered.map(|replaced| Registered { ids, replaced }))
    }

    async fn remove_ground_stations(&self, request: Request<RemoveRequest>) -> Answered<Removed> {
        let ticket = Ticket::of(&request);
        let removed = ticket.bounded(self.registry.remove_stations(&request.get_ref().ids)).await;
        answered(removed.map(|removed| Removed { removed }))
    }

    async fn list_ground_stations(&self, request: Request<ListRequest>) -> Answered<GroundStationList> {
        answered(register::list_stations(&self.known, &request.into_inner()))
    }

    async fn propagate_batch(&self, request: Request<BatchRequest>) -> Answered<Snapshot> {
        let ticket = Ticket::of(&request);
        let (sky, limits, orientations) = (self.known.sky(), self.limits, Arc::clone(&self.orientations));
        let compute =
            move |ticket: &Ticket| Batch::read(&sky, request.get_ref(), &limits)?.snapshot(&orientations, ticket);
        answered(self.work.run(&ticket, compute).await)
    }

    async fn propagate_grid(&self, request: Request<GridRequest>) -> Answered<Grid> {
        let ticket = Ticket::of(&request);
        let (sky, limits, orientations) = (self.known.sky(), self.limits, Arc::clone(&self.orientations));
        let compute = move |ticket: &Ticket| {
            Lattice::read(&sky, request.get_ref(), &limits, limits.states_max)?.whole(&orientations, ticket)
        };
        answered(self.work.run(&ticket, compute).await)
    }

    async fn stream_grid(&self, request: Request<GridRequest>) -> Answered<Parts<GridPart>> {
        let ticket = Ticket::of(&request);
        let lattice =
            Lattice::read(&self.known.sky(), request.get_ref(), &self.limits, self.limits.streamed_states_max)?;
        let orientations = Arc::clone(&self.orientations);
        answered(self.work.stream(&ticket, move |ticket, outlet| lattice.pour(&orientations, ticket, outlet)).await)
    }

    async fn watch_positions(&self, request: Request<WatchRequest>) -> Answered<Parts<Snapshot>> {
        let ticket = Ticket::of(&request);
        answered(watch::begin(self.clone(), ticket, request.into_inner()))
    }

    async fn track(&self, request: Request<TrackRequest>) -> Answered<TrackResponse> {
        let ticket = Ticket::of(&request);
        let track = Track::read(&self.known.sky(), request.into_inner(), &self.limits)?;
        let orientations = Arc::clone(&self.orientations);
        answered(self.work.run(&ticket, move |ticket| track.looks(&orientations, ticket)).await)
    }

    async fn calculate_visibility(&self, request: Request<VisibilityRequest>) -> Answered<VisibilityResponse> {
        let ticket = Ticket::of(&request);
        let (sky, limits, orientations) = (self.known.sky(), self.limits, Arc::clone(&self.orientations));
        let compute = move |ticket: &Ticket| {
            passes::Earlier::read(&sky, request.into_inner(), &orientations, &limits)?.answer(ticket)
        };
        answered(self.work.run(&ticket, compute).await)
    }

    async fn visibility(&self, request: Request<VisibilityQuery>) -> Answered<VisibilityPasses> {
        let ticket = Ticket::of(&request);
        let (sky, limits, orientations) = (self.known.sky(), self.limits, Arc::clone(&self.orientations));
        let compute = move |ticket: &Ticket| {
            let found = Passes::known(&sky, request.get_ref(), &orientations, &limits)?;
            passes::visibility(request.into_inner(), &found, ticket)
        };
        answered(self.work.run(&ticket, compute).await)
    }

    async fn find_passes(&self, request: Request<PassesRequest>) -> Answered<PassList> {
        let ticket = Ticket::of(&request);
        let (sky, limits, orientations) = (self.known.sky(), self.limits, Arc::clone(&self.orientations));
        let compute = move |ticket: &Ticket| {
            Passes::read(&sky, request.get_ref(), &orientations, &limits, limits.pass_days_max)?.whole(ticket)
        };
        answered(self.work.run(&ticket, compute).await)
    }

    async fn stream_passes(&self, request: Request<PassesRequest>) -> Answered<Parts<PassFinding>> {
        let ticket = Ticket::of(&request);
        let (limits, orientations) = (self.limits, Arc::clone(&self.orientations));
        let passes =
            Passes::read(&self.known.sky(), request.get_ref(), &orientations, &limits, limits.streamed_pass_days_max)?;
        answered(self.work.stream(&ticket, move |ticket, outlet| passes.pour(ticket, outlet)).await)
    }

    async fn find_approaches(&self, request: Request<ApproachesRequest>) -> Answered<ApproachList> {
        let ticket = Ticket::of(&request);
        let (sky, limits) = (self.known.sky(), self.limits);
        let compute = move |ticket: &Ticket| Encounters::read(&sky, request.get_ref(), &limits)?.whole(ticket);
        answered(self.work.run(&ticket, compute).await)
    }

    async fn stream_approaches(&self, request: Request<ApproachesRequest>) -> Answered<Parts<ApproachFinding>> {
        let ticket = Ticket::of(&request);
        let encounters = Encounters::read(&self.known.sky(), request.get_ref(), &self.limits)?;
        answered(self.work.stream(&ticket, move |ticket, outlet| encounters.pour(ticket, outlet)).await)
    }
}
