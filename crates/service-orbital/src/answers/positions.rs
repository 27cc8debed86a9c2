//! Where satellites are: at one instant, over a grid, again and again.

use engine_orbital::{
    Celestial, Cores, Earth, Geodetic, Gravity, Grid as Instants, Orientations, Sgp4Error, State, Teme,
};
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
    wants::{self, Meant},
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
    fn push(&mut self, state: Result<State<Teme>, Sgp4Error>, turn: &Turn, place: Place<'_>) {
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

/// Which satellite and instant of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) satellite: usize,
    pub(crate) instant: usize,
    pub(crate) id: &'a str,
}

/// What SGP4 can't do there.
pub(crate) fn failure(place: Place<'_>, error: Sgp4Error) -> Failure {
    Failure {
        satellite: u32::try_from(place.satellite).unwrap_or(u32::MAX),
        instant: u32::try_from(place.instant).unwrap_or(u32::MAX),
        code: u32::from(error.code()),
        message: error.to_string(),
        satellite_id: place.id.to_owned(),
    }
}

/// A batch that was read.
#[derive(Debug)]
pub(crate) struct Batch {
    meant: Meant,
    at: Timestamp,
    shape: Shape,
}

impl Batch {
    pub(crate) fn read(sky: &Sky, request: &BatchRequest, limits: &Limits) -> Result<Self, Refusal> {
        let at = wants::instant("at", request.at.as_ref())?;
        let shape = Shape::new(request.frame, request.gravity, request.positions_only)?;
        let meant = wants::some_satellites(sky, request.satellites.as_ref(), limits)?;
        enough("satellites", meant.number(), limits.states_max)?;
        Ok(Self { meant, at, shape })
    }

    /// The same satellites at another instant.
    pub(crate) fn of(meant: Meant, at: Timestamp, shape: Shape) -> Self {
        Self { meant, at, shape }
    }

    /// Computes it.
    pub(crate) fn snapshot(&self, orientations: &Orientations, ticket: &Ticket) -> Result<Snapshot, Refusal> {
        let turn = Turn::at(self.at, self.shape.frame, orientations)?;
        let satellites = self.meant.satellites();
        let mut table = Table::new(self.shape, satellites.len());
        // Everybody's states come from the engine's vectors at once.
        let together = match &self.meant {
            Meant::Everything(all) if self.shape.gravity == Gravity::Wgs72 => Some(all.batch.at(self.at, Cores::One)),
            Meant::Everything(_) | Meant::Chosen(_) => None,
        };
        for (index, satellite) in satellites.iter().enumerate() {
            if index % STATES_AT_ONCE == 0 {
                ticket.check()?;
            }
            let state = match &together {
                Some(known) => known.state(index),
                None => state_at(satellite, self.at, self.shape.gravity),
            };
            table.push(state, &turn, Place { satellite: index, instant: 0, id: &satellite.id });
        }
        metrics::counter!(metrics::ORBITAL_STATES_TOTAL).increment(self.meant.number());
        Ok(Snapshot {
            at: Some(wire::of_instant(self.at)),
            satellite_ids: satellites.iter().map(|satellite| satellite.id.clone()).collect(),
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
    meant: Meant,
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
        let meant = wants::some_satellites(sky, request.satellites.as_ref(), limits)?;
        enough("count", meant.number() * u64::from(request.count), states_max)?;
        Ok(Self { meant, grid: Instants::new(start, step, request.count as usize), shape })
    }

    /// Computes it all.
    pub(crate) fn whole(&self, orientations: &Orientations, ticket: &Ticket) -> Result<Grid, Refusal> {
        let mut parts = Vec::with_capacity(self.meant.satellites().len());
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
        for (index, satellite) in self.meant.satellites().iter().enumerate() {
            let propagator = satellite.propagator(self.shape.gravity);
            for first in (0..self.grid.count()).step_by(rows) {
                ticket.check()?;
                let part = self.grid.part(first, rows);
                let mut table = Table::new(self.shape, part.count());
                let ephemeris = propagator.as_ref().map(|propagator| propagator.over(&part));
                for row in 0..part.count() {
                    let state = ephemeris.as_ref().map_err(|error| **error).and_then(|known| known.state(row));
                    let place = Place { satellite: index, instant: row, id: &satellite.id };
                    table.push(state, turns.get(first + row).unwrap_or(&Turn::Teme), place);
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
