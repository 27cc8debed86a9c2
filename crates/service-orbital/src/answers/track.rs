//! Where a satellite is seen from a ground station, instant by instant.

use std::sync::Arc;

use engine_orbital::{Earth, Grid, Orientations};
use observability::metrics;
use orbital_client::proto::{TrackRequest, TrackResponse};

use crate::{
    answers::positions::{Place, enough, failure},
    known::{Ground, Origin, Satellite, Sky},
    limits::Limits,
    refusal::Refusal,
    ticket::Ticket,
    wants,
};

/// Kilometres a second (exact).
const LIGHT_KM_S: f64 = 299_792.458;

/// A track that was read.
#[derive(Debug)]
pub(crate) struct Track {
    satellite: Arc<Satellite>,
    ground: Arc<Ground>,
    instants: Grid,
    frequency_hz: f64,
}

impl Track {
    pub(crate) fn read(sky: &Sky, request: TrackRequest, limits: &Limits) -> Result<Self, Refusal> {
        let satellite = match &request.elements {
            Some(set) => {
                let elements = wants::elements(Some(set)).map_err(|refusal| refusal.within("elements"))?;
                Arc::new(Satellite::new(None, elements, Origin::Request))
            }
            None => Arc::clone(wants::known_satellite(sky, "satellite_id", &request.satellite_id)?),
        };
        let ground = match request.ground_station {
            Some(sent) => Arc::new(wants::ground(sent).map_err(|refusal| refusal.within("ground_station"))?),
            None => Arc::clone(wants::known_station(sky, "ground_station_id", &request.ground_station_id)?),
        };
        let start = wants::instant("start", request.start.as_ref())?;
        let step = wants::step("step", request.step.as_ref())?;
        if request.count == 0 {
            return Err(Refusal::field("count", "is 0"));
        }
        enough("count", u64::from(request.count), limits.instants_max)?;
        if !(request.frequency_hz.is_finite() && request.frequency_hz >= 0.0) {
            return Err(Refusal::field("frequency_hz", format!("is {}, which is no frequency", request.frequency_hz)));
        }
        Ok(Self {
            satellite,
            ground,
            instants: Grid::new(start, step, request.count as usize),
            frequency_hz: request.frequency_hz,
        })
    }

    /// Computes it.
    pub(crate) fn looks(&self, orientations: &Orientations, ticket: &Ticket) -> Result<TrackResponse, Refusal> {
        let mut answer = TrackResponse::default();
        for row in 0..self.instants.count() {
            ticket.check()?;
            let when = self.instants.instant(row);
            let state = self.satellite.propagator.as_ref().map_err(|error| *error).and_then(|ready| ready.at(when));
            let look =
                state.map(|state| self.ground.station.look(&Earth::at(when, orientations.at(when)).itrf(&state)));
            if let Err(error) = look {
                answer.failures.push(failure(Place { satellite: 0, instant: row, id: &self.satellite.id }, error));
            }
            let look = look.ok();
            let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
            answer.azimuth_deg.push(number(look.map(|look| look.azimuth.to_degrees())));
            answer.elevation_deg.push(number(look.map(|look| look.elevation.to_degrees())));
            answer.range_km.push(number(look.map(|look| look.range_km)));
            let turning = look.and_then(|look| look.azimuth_rate);
            answer.azimuth_rate_deg_s.push(number(turning.map(|rate| rate.degrees_per_second())));
            let rising = look.and_then(|look| look.elevation_rate);
            answer.elevation_rate_deg_s.push(number(rising.map(|rate| rate.degrees_per_second())));
            answer.range_rate_km_s.push(number(look.map(|look| look.range_rate_km_s)));
            if self.frequency_hz > 0.0 {
                let shift = look.map(|look| -look.range_rate_km_s / LIGHT_KM_S * self.frequency_hz);
                answer.doppler_hz.push(number(shift));
            }
        }
        metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(self.instants.count() as u64);
        Ok(answer)
    }
}
