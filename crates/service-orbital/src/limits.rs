//! What a call may ask for, and what the service takes at once.

use std::time::Duration;

/// The bounds of the service. What exceeds one is refused with `RESOURCE_EXHAUSTED`, which names the field and the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request.
    pub request_bytes_max: usize,
    /// How long a call that is answered once may take; also the deadline of callers that name none.
    pub call_limit: Duration,
    /// How long a call that is answered part by part may take. Watches may go on.
    pub stream_limit: Duration,
    /// How long a part may wait for a caller who does not read.
    pub stall_limit: Duration,
    /// Calls that compute at once; one for each core where nothing is said.
    pub running_max: usize,
    /// Calls that wait until they may compute.
    pub waiting_max: usize,
    /// Watches at once.
    pub watches_max: usize,
    /// Satellites that a request may name or bring.
    pub satellites_max: usize,
    /// Points of a trajectory, as in the earlier service.
    pub points_max: u64,
    /// States of an answer that comes at once.
    pub states_max: u64,
    /// States of an answer that comes part by part.
    pub streamed_states_max: u64,
    /// Instants of a grid.
    pub instants_max: u64,
    /// Days for which one satellite's passes over one station are searched, all in all, in an answer that comes at once.
    pub pass_days_max: u64,
    /// The same in an answer that comes part by part.
    pub streamed_pass_days_max: u64,
    /// Days for which one satellite is looked at for close approaches, all in all.
    pub approach_days_max: u64,
    /// Passes or approaches of an answer that comes at once.
    pub found_max: usize,
    /// Satellites that are registered, besides the catalogue.
    pub registered_satellites_max: usize,
    /// Ground stations that are registered.
    pub registered_stations_max: usize,
    /// Connections at once; more wait at the system's door.
    pub connections_max: usize,
    /// Calls at once over one connection.
    pub calls_per_connection_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 8 << 20,
            call_limit: Duration::from_secs(30),
            stream_limit: Duration::from_secs(600),
            stall_limit: Duration::from_secs(30),
            running_max: std::thread::available_parallelism().map_or(1, usize::from),
            waiting_max: 64,
            watches_max: 256,
            satellites_max: 20_000,
            points_max: 10_000,
            states_max: 500_000,
            streamed_states_max: 200_000_000,
            instants_max: 100_000,
            pass_days_max: 20_000,
            streamed_pass_days_max: 1_000_000,
            approach_days_max: 200_000,
            found_max: 100_000,
            registered_satellites_max: 100_000,
            registered_stations_max: 10_000,
            connections_max: 512,
            calls_per_connection_max: 128,
        }
    }
}
