//! Where satellites are: element sets, SGP4 in batches, frames, geometry, passes and close approaches. Pure functions of
//! elements and instants: no bus, no clock, no I/O, no async.

mod elements;
mod state;

pub use elements::{Angle, Elements, NoradId, NotANoradId};
pub use state::{Frame, Gcrs, Itrf, Pef, State, Teme};
