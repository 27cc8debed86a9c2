//! Where satellites are: element sets, SGP4 in batches, frames, geometry, passes and close approaches. Pure functions of
//! elements and instants: no bus, no clock, no I/O, no async.

mod approaches;
pub mod catalogue;
mod earth;
mod elements;
mod ephemeris;
mod geometry;
mod gravity;
mod passes;
mod roots;
mod sgp4;
mod state;
mod vector;

pub use approaches::{Approach, Extent, Finding, Local, Screening, Search, SearchError};
pub use earth::{
    AngularRate, Celestial, Earth, Geodetic, Knowledge, Look, NotOrientations, Orientation, Orientations, Station,
};
pub use elements::{
    Angle, Checksums, Elements, Form, Misfit, Misread, NoradId, NotANoradId, Origin, Position, Problem,
};
pub use ephemeris::{Columns, ColumnsMut, Cores, Ephemerides, Ephemeris, Grid, RowsMut, Snapshot};
pub use geometry::{
    Almanac, Illumination, SPEED_OF_LIGHT_KM_S, beta_angle, doppler_shift_hz, footprint, ground_track, is_sunlit,
};
pub use gravity::Gravity;
pub use passes::{
    Begin, End, Event, Failure, Mask, NotAMask, Observer, Pass, PassFinding, PassSearch, PassSearchError, Window,
};
pub use sgp4::{Batch, Propagator, Sgp4Error};
pub use state::{Frame, Gcrs, Itrf, Pef, State, Teme};
