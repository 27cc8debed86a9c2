//! Where satellites are: at one instant, over a grid, again and again.

use std::sync::Arc;

use engine_orbital::{Celestial, Earth, Geodetic, Gravity, Grid as Instants, Orientations, Sgp4Error, State, Teme};
use observability::metrics;
use orbital_client::{
    proto::{BatchRequest, Columns, Failure, Frame, Grid, GridPart, GridRequest, Snapshot},
    wire,
};
use vocabulary::Timestamp;

use crate::{
    known::{Satellite, Sky},
    limits::Limits,
    refusal::Refusal,
    ticket::Ticket,
    wants,
    work::Outlet,
};

/// States between two looks at the ticket, and in a part of a stream: about a millisecond, and 100 kB.
const STATES_AT_ONCE: usize = 2048;

/// The axes that are asked for, and whether velocities are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    frame: Frame,
    velocities: bool,
    gravity: Gravity,
}

impl Shape {
    /// As a request says.
    pub(crate) fn new(frame: i32, gravity: i32, positions_only: bool) -> Result<Self, Refusal> {
        let known =
            Frame::try_from(frame).map_err(|_| Refusal::field("frame", format!("is {frame}, which is no frame")))?;
        let frame = if known == Frame::Unspecified { Frame::Teme } else { known };
        let velocities = !positions_only && frame != Frame::Geodetic;
        Ok(Self { frame, velocities, gravity: wants::gravity(gravity)? })
    }
}

/// What turns TEME into a frame at one instant.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    Teme,
    Itrf(Earth),
    Geodetic(Earth),
    Gcrs(Box<Celestial>),
}

impl Turn {
    /// Into a frame at an instant.
    pub(crate) fn at(when: Timestamp, frame: Frame, orientations: &Orientations) -> Result<Self, Refusal> {
        let earth = || Earth::at(when, orientations.at(when));
        match frame {
            Frame::Unspecified | Frame::Teme => Ok(Self::Teme),
            Frame::Itrf => Ok(Self::Itrf(earth())),
            Frame::Geodetic => Ok(Self::Geodetic(earth())),
            Frame::Gcrs => {
                let sky = Celestial::over(&earth());
                let sky = sky.map_err(|e| Refusal::field("frame", format!("GCRS is not known at {when}: {e}")))?;
                Ok(Self::Gcrs(Box::new(sky)))
            }
        }
    }
}

/// Columns that grow row by row.
#[derive(Debug)]
struct Table {
    columns: Columns,
    velocities: bool,
    failures: Vec<Failure>,
}

impl Table {
    fn new(shape: Shape, rows: usize) -> Self {
        let mut columns = Columns { frame: shape.frame.into(), ..Columns::default() };
        let places = if shape.frame == Frame::Geodetic {
            [&mut columns.latitude_deg, &mut columns.longitude_deg, &mut columns.altitude_km]
        } else {
            [&mut columns.x_km, &mut columns.y_km, &mut columns.z_km]
        };
        places.into_iter().for_each(|column| column.reserve_exact(rows));
        if shape.velocities {
            let speeds = [&mut columns.vx_km_s, &mut columns.vy_km_s, &mut columns.vz_km_s];
            speeds.into_iter().for_each(|column| column.reserve_exact(rows));
        }
        Self { columns, velocities: shape.velocities, failures: Vec::new() }
    }

    /// One row; NaN where there is no state.
    fn push(&mut self, state: Result<State<Teme>, Sgp4Error>, turn: &Turn, place: (usize, usize)) {
        let state = state.unwrap_or_else(|error| {
            self.failures.push(failure(place, error));
            State::new([f64::NAN; 3], [f64::NAN; 3])
        });
        match turn {
            Turn::Teme => self.push_state(&state),
            Turn::Itrf(earth) => self.push_state(&earth.itrf(&state)),
            Turn::Gcrs(sky) => self.push_state(&sky.gcrs(&state)),
            Turn::Geodetic(earth) => {
                let place = geodetic(earth, &state);
                self.columns.latitude_deg.push(place.latitude.to_degrees());
                self.columns.longitude_deg.push(place.longitude.to_degrees());
                self.columns.altitude_km.push(place.height_km);
            }
        }
    }

    fn push_state<F: engine_orbital::Frame>(&mut self, state: &State<F>) {
        let [x, y, z] = state.position_km;
        self.columns.x_km.push(x);
        self.columns.y_km.push(y);
        self.columns.z_km.push(z);
        if self.velocities {
            let [vx, vy, vz] = state.velocity_km_s;
            self.columns.vx_km_s.push(vx);
            self.columns.vy_km_s.push(vy);
            self.columns.vz_km_s.push(vz);
        }
    }
}

/// Where a state stands over the ground.
pub(crate) fn geodetic(earth: &Earth, state: &State<Teme>) -> Geodetic {
    Geodetic::of(&earth.itrf(state))
}

/// What SGP4 can't do, at a place of satellite and instant.
pub(crate) fn failure((satellite, instant): (usize, usize), error: Sgp4Error) -> Failure {
    Failure {
        satellite: u32::try_from(satellite).unwrap_or(u32::MAX),
        instant: u32::try_from(instant).unwrap_or(u32::MAX),
        code: u32::from(error.code()),
        message: error.to_string(),
    }
}

/// A batch that was read.
#[derive(Debug)]
pub(crate) struct Batch {
    satellites: Vec<Arc<Satellite>>,
    at: Timestamp,
    shape: Shape,
}

impl Batch {
    pub(crate) fn read(sky: &Sky, request: &BatchRequest, limits: &Limits) -> Result<Self, Refusal> {
        let at = wants::instant("at", request.at.as_ref())?;
        let shape = Shape::new(request.frame, request.gravity, request.positions_only)?;
        let satellites = wants::some_satellites(sky, request.satellites.as_ref(), limits)?;
        enough("satellites", satellites.len() as u64, limits.states_max)?;
        Ok(Self { satellites, at, shape })
    }

    /// The same satellites at another instant.
    pub(crate) fn of(satellites: Vec<Arc<Satellite>>, at: Timestamp, shape: Shape) -> Self {
        Self { satellites, at, shape }
    }

    /// Computes it.
    pub(crate) fn snapshot(&self, orientations: &Orientations, ticket: &Ticket) -> Result<Snapshot, Refusal> {
        let turn = Turn::at(self.at, self.shape.frame, orientations)?;
        let mut table = Table::new(self.shape, self.satellites.len());
        for (index, satellite) in self.satellites.iter().enumerate() {
            if index % STATES_AT_ONCE == 0 {
                ticket.check()?;
            }
            table.push(state_at(satellite, self.at, self.shape.gravity), &turn, (index, 0));
        }
        metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(self.satellites.len() as u64);
        Ok(Snapshot {
            at: Some(wire::of_instant(self.at)),
            satellite_ids: self.satellites.iter().map(|satellite| satellite.id.clone()).collect(),
            columns: Some(table.columns),
            failures: table.failures,
        })
    }
}

fn state_at(satellite: &Satellite, at: Timestamp, gravity: Gravity) -> Result<State<Teme>, Sgp4Error> {
    match (gravity, &satellite.propagator) {
        (Gravity::Wgs72, Ok(propagator)) => propagator.at(at),
        (Gravity::Wgs72, Err(error)) => Err(*error),
        (Gravity::Wgs84, _) => satellite.propagator(gravity)?.at(at),
    }
}

/// A grid that was read.
#[derive(Debug)]
pub(crate) struct Lattice {
    satellites: Vec<Arc<Satellite>>,
    grid: Instants,
    shape: Shape,
}

impl Lattice {
    /// Reads it, with at most so many states.
    pub(crate) fn read(sky: &Sky, request: &GridRequest, limits: &Limits, states_max: u64) -> Result<Self, Refusal> {
        let start = wants::instant("start", request.start.as_ref())?;
        let step = wants::step("step", request.step.as_ref())?;
        if request.count == 0 {
            return Err(Refusal::field("count", "is 0"));
        }
        enough("count", u64::from(request.count), limits.instants_max)?;
        let shape = Shape::new(request.frame, request.gravity, request.positions_only)?;
        let satellites = wants::some_satellites(sky, request.satellites.as_ref(), limits)?;
        enough("count", satellites.len() as u64 * u64::from(request.count), states_max)?;
        Ok(Self { satellites, grid: Instants::new(start, step, request.count as usize), shape })
    }

    /// Computes it all.
    pub(crate) fn whole(&self, orientations: &Orientations, ticket: &Ticket) -> Result<Grid, Refusal> {
        let mut parts = Vec::with_capacity(self.satellites.len());
        self.parts(orientations, ticket, self.grid.count(), |part| {
            parts.push(part);
            Ok(())
        })?;
        Ok(Grid { parts })
    }

    /// Computes it part by part.
    pub(crate) fn pour(
        &self,
        orientations: &Orientations,
        ticket: &Ticket,
        outlet: &Outlet<GridPart>,
    ) -> Result<(), Refusal> {
        self.parts(orientations, ticket, STATES_AT_ONCE, |part| outlet.send(part))
    }

    /// Satellite by satellite, with so many instants in a part.
    fn parts(
        &self,
        orientations: &Orientations,
        ticket: &Ticket,
        rows: usize,
        mut receive: impl FnMut(GridPart) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let turns = self.turns(orientations, ticket)?;
        let rows = rows.max(1);
        for (index, satellite) in self.satellites.iter().enumerate() {
            let propagator = satellite.propagator(self.shape.gravity);
            for first in (0..self.grid.count()).step_by(rows) {
                ticket.check()?;
                let part = self.grid.part(first, rows);
                let mut table = Table::new(self.shape, part.count());
                let ephemeris = propagator.as_ref().map(|propagator| propagator.over(&part));
                for row in 0..part.count() {
                    let state = ephemeris.as_ref().map_err(|error| **error).and_then(|known| known.state(row));
                    table.push(state, turns.get(first + row).unwrap_or(&Turn::Teme), (index, row));
                }
                metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(part.count() as u64);
                receive(GridPart {
                    satellite_id: satellite.id.clone(),
                    satellite: u32::try_from(index).unwrap_or(u32::MAX),
                    first_instant: u32::try_from(first).unwrap_or(u32::MAX),
                    columns: Some(table.columns),
                    failures: table.failures,
                })?;
            }
        }
        Ok(())
    }

    /// The frames at the instants, which all satellites share; none where nothing turns.
    fn turns(&self, orientations: &Orientations, ticket: &Ticket) -> Result<Vec<Turn>, Refusal> {
        if self.shape.frame == Frame::Teme {
            return Ok(Vec::new());
        }
        let turn = |index| {
            ticket.check()?;
            Turn::at(self.grid.instant(index), self.shape.frame, orientations)
        };
        (0..self.grid.count()).map(turn).collect()
    }
}

/// Refuses more than `max` states.
pub(crate) fn enough(field: &str, states: u64, max: u64) -> Result<(), Refusal> {
    if states > max { Err(Refusal::too_many(field, states, max, "states")) } else { Ok(()) }
}
