//! Where satellites are: element sets, SGP4 in batches, frames, geometry, passes and close approaches. Pure functions of
//! elements and instants: no bus, no clock, no I/O, no async.

mod approaches;
mod elements;
mod ephemeris;
mod gravity;
mod sgp4;
mod state;

pub use approaches::{Approach, Extent, Finding, Local, Screening, Search, SearchError};
pub use elements::{Angle, Elements, NoradId, NotANoradId};
pub use ephemeris::{Columns, ColumnsMut, Cores, Ephemerides, Ephemeris, Grid, Snapshot};
pub use gravity::Gravity;
pub use sgp4::{Batch, Propagator, Sgp4Error};
pub use state::{Frame, Gcrs, Itrf, Pef, State, Teme};
