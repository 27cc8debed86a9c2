//! The methods of the earlier service. What is wrong with elements is told in the answer, as there; what is wrong with a request is not.

use engine_orbital::{Earth, Elements, Geodetic, Gravity, Orientations, Propagator, State, Teme};
use observability::metrics;
use orbital_client::proto::{
    EciPosition, EciVelocity, GeodeticPosition, PropagateRequest, PropagateResponse, Tle, TrajectoryPoint,
    TrajectoryRequest, TrajectoryResponse,
};
use vocabulary::Timestamp;

use crate::{
    answers::positions::{enough, geodetic},
    known::Sky,
    limits::Limits,
    refusal::Refusal,
    ticket::Ticket,
    wants,
};

/// Points between two looks at the ticket.
const POINTS_AT_ONCE: usize = 512;

/// The satellite of an earlier request: its elements, or a known id. The inner error is what the answer tells.
pub(crate) fn propagator(sky: &Sky, tle: Option<&Tle>, id: &str) -> Result<Result<Propagator, String>, Refusal> {
    let Some(tle) = tle else {
        if id.is_empty() {
            return Err(Refusal::field("tle", "is missing, and so is satellite_id"));
        }
        let satellite = wants::known_satellite(sky, "satellite_id", id)?;
        return Ok(satellite.propagator.clone().map_err(|error| error.to_string()));
    };
    let (first, second) = wants::lines(tle).map_err(|refusal| refusal.within("tle"))?;
    let elements = Elements::from_tle(first, second).map_err(|misread| format!("tle can't be read: {misread}"));
    Ok(elements.and_then(|elements| Propagator::new(&elements, Gravity::Wgs72).map_err(|error| error.to_string())))
}

/// One satellite, one instant.
pub(crate) fn position(
    sky: &Sky,
    orientations: &Orientations,
    request: PropagateRequest,
) -> Result<PropagateResponse, Refusal> {
    let PropagateRequest { tle, timestamp_unix, satellite_id } = request;
    let propagator = propagator(sky, tle.as_ref(), &satellite_id)?;
    let when = wants::unix("timestamp_unix", timestamp_unix)?;
    let state = propagator.and_then(|propagator| propagator.at(when).map_err(|error| error.to_string()));
    metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(1);
    let empty = PropagateResponse { satellite_id, timestamp_unix, ..PropagateResponse::default() };
    Ok(match state {
        Err(error_message) => PropagateResponse { error_message, ..empty },
        Ok(state) => {
            let [vx_km_s, vy_km_s, vz_km_s] = state.velocity_km_s;
            PropagateResponse {
                position: Some(position_of(&state)),
                velocity: Some(EciVelocity { vx_km_s, vy_km_s, vz_km_s }),
                geodetic: Some(over_ground(when, orientations, &state)),
                success: true,
                ..empty
            }
        }
    })
}

/// One satellite, many instants, that were read.
#[derive(Debug)]
pub(crate) struct Trajectory {
    propagator: Result<Propagator, String>,
    seconds: Vec<i64>,
    satellite_id: String,
}

impl Trajectory {
    pub(crate) fn read(sky: &Sky, request: TrajectoryRequest, limits: &Limits) -> Result<Self, Refusal> {
        let TrajectoryRequest { tle, start_timestamp_unix, end_timestamp_unix, step_seconds, satellite_id } = request;
        let propagator = propagator(sky, tle.as_ref(), &satellite_id)?;
        let start = wants::unix("start_timestamp_unix", start_timestamp_unix)?;
        let end = wants::unix("end_timestamp_unix", end_timestamp_unix)?;
        if end <= start {
            return Err(Refusal::field("end_timestamp_unix", "is not after start_timestamp_unix"));
        }
        let step = u64::try_from(step_seconds).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| Refusal::field("step_seconds", format!("is {step_seconds}, not 1 at least")))?;
        let points = end_timestamp_unix.abs_diff(start_timestamp_unix) / step + 1;
        enough("step_seconds", points, limits.points_max)?;
        let seconds = (0..points).map(|point| start_timestamp_unix.saturating_add_unsigned(point * step)).collect();
        Ok(Self { propagator, seconds, satellite_id })
    }

    /// Computes it.
    pub(crate) fn points(self, orientations: &Orientations, ticket: &Ticket) -> Result<TrajectoryResponse, Refusal> {
        let Self { propagator, seconds, satellite_id } = self;
        let mut answer = TrajectoryResponse { satellite_id, ..TrajectoryResponse::default() };
        let propagator = match propagator {
            Ok(propagator) => propagator,
            Err(error_message) => return Ok(TrajectoryResponse { error_message, ..answer }),
        };
        let mut failed = None;
        let mut failures = 0_usize;
        for (index, &timestamp_unix) in seconds.iter().enumerate() {
            if index % POINTS_AT_ONCE == 0 {
                ticket.check()?;
            }
            let when = wants::unix("end_timestamp_unix", timestamp_unix)?;
            match propagator.at(when) {
                Ok(state) => answer.points.push(TrajectoryPoint {
                    timestamp_unix,
                    position: Some(position_of(&state)),
                    geodetic: Some(over_ground(when, orientations, &state)),
                }),
                Err(error) => {
                    failures += 1;
                    failed.get_or_insert((when, error));
                }
            }
        }
        metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(seconds.len() as u64);
        answer.success = failed.is_none();
        if let Some((when, error)) = failed {
            answer.error_message =
                format!("{failures} of {} points are missing, the first at {when}: {error}", seconds.len());
        }
        Ok(answer)
    }
}

fn position_of(state: &State<Teme>) -> EciPosition {
    let [x_km, y_km, z_km] = state.position_km;
    EciPosition { x_km, y_km, z_km }
}

fn over_ground(when: Timestamp, orientations: &Orientations, state: &State<Teme>) -> GeodeticPosition {
    let Geodetic { latitude, longitude, height_km } = geodetic(&Earth::at(when, orientations.at(when)), state);
    GeodeticPosition {
        latitude_deg: latitude.to_degrees(),
        longitude_deg: longitude.to_degrees(),
        altitude_km: height_km,
    }
}
