//! Where satellites are: element sets, SGP4 in batches, frames, geometry, passes and close approaches. Pure functions of
//! elements and instants: no bus, no clock, no I/O, no async.

pub mod catalogue;
mod elements;
mod state;

pub use elements::{
    Angle, Checksums, Elements, Form, Misfit, Misread, NoradId, NotANoradId, Origin, Position, Problem,
};
pub use state::{Frame, Gcrs, Itrf, Pef, State, Teme};
