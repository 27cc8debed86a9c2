//! The methods of the service, each with the client's limit and repetitions.

use vocabulary::Fault;

use crate::{
    OrbitalClient, Parts, Watching,
    client::within,
    proto::{
        ApproachFinding, ApproachList, ApproachesRequest, BatchRequest, Grid, GridPart, GridRequest, GroundStationList,
        HealthCheckRequest, HealthCheckResponse, ListRequest, PassFinding, PassList, PassesRequest, PropagateRequest,
        PropagateResponse, RegisterGroundStationsRequest, RegisterSatellitesRequest, Registered, RemoveRequest,
        Removed, SatelliteList, Snapshot, TrackRequest, TrackResponse, TrajectoryRequest, TrajectoryResponse,
        VisibilityPasses, VisibilityQuery, VisibilityRequest, VisibilityResponse, WatchRequest,
    },
};

/// One method for each call that is answered once.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $answer:ty;)*) => {
        impl OrbitalClient { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// What the service says; `unavailable` where it stayed away, `timeout` where it did not answer within the limit.
            pub async fn $name(&self, request: $request) -> Result<$answer, Fault> {
                let call = |client: Self, left| {
                    let request = within(request.clone(), left);
                    async move {
                        let mut grpc = client.grpc;
                        grpc.$name(request).await.map(tonic::Response::into_inner)
                    }
                };
                self.insist(self.deadline(), call).await
            }
        )* }
    };
}

calls! {
    /// One satellite, one instant.
    propagate_position(PropagateRequest) -> PropagateResponse;
    /// One satellite, many instants.
    propagate_trajectory(TrajectoryRequest) -> TrajectoryResponse;
    /// The passes of one satellite over one ground station, both given with the request.
    calculate_visibility(VisibilityRequest) -> VisibilityResponse;
    /// Whether the service works.
    health_check(HealthCheckRequest) -> HealthCheckResponse;
    /// The passes of one satellite over one ground station, both registered before.
    visibility(VisibilityQuery) -> VisibilityPasses;
    /// Registers satellites, all or none.
    register_satellites(RegisterSatellitesRequest) -> Registered;
    /// Takes registered satellites away; repeated, it finds none.
    remove_satellites(RemoveRequest) -> Removed;
    /// A page of the known satellites.
    list_satellites(ListRequest) -> SatelliteList;
    /// Registers ground stations, all or none.
    register_ground_stations(RegisterGroundStationsRequest) -> Registered;
    /// Takes ground stations away; repeated, it finds none.
    remove_ground_stations(RemoveRequest) -> Removed;
    /// A page of the ground stations.
    list_ground_stations(ListRequest) -> GroundStationList;
    /// Many satellites, one instant.
    propagate_batch(BatchRequest) -> Snapshot;
    /// Many satellites, many instants, at once.
    propagate_grid(GridRequest) -> Grid;
    /// Where to point at a ground station to follow a satellite.
    track(TrackRequest) -> TrackResponse;
    /// The passes of many satellites over many ground stations, at once.
    find_passes(PassesRequest) -> PassList;
    /// The close approaches of a window, at once.
    find_approaches(ApproachesRequest) -> ApproachList;
}

/// One method for each call that is answered part by part.
macro_rules! streams {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $part:ty;)*) => {
        impl OrbitalClient { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// What the service says before the first part; what it says later comes with [`Parts::next`].
            pub async fn $name(&self, request: $request) -> Result<Parts<$part>, Fault> {
                let deadline = self.deadline();
                let call = |client: Self, left| {
                    let request = within(request.clone(), left);
                    async move {
                        let mut grpc = client.grpc;
                        grpc.$name(request).await.map(tonic::Response::into_inner)
                    }
                };
                Ok(Parts::new(self.insist(deadline, call).await?, deadline))
            }
        )* }
    };
}

streams! {
    /// Many satellites, many instants, part by part.
    stream_grid(GridRequest) -> GridPart;
    /// The passes of many satellites over many ground stations, as they are found.
    stream_passes(PassesRequest) -> PassFinding;
    /// The close approaches of a window, as they are found.
    stream_approaches(ApproachesRequest) -> ApproachFinding;
}

impl OrbitalClient {
    /// Many satellites again and again; goes on over restarts of the service.
    pub fn watch_positions(&self, request: WatchRequest) -> Watching {
        Watching::new(self.clone(), request)
    }
}
