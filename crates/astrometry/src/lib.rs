//! Time scales, frames, precession, sidereal time, refraction, Sun and Moon: pure functions of a site and a moment.
//!
//! Start at [`LocalSky`] (a site at a moment: altitude and azimuth, sidereal time, Sun and Moon over the horizon) or at
//! [`OfDate`] (a moment alone: J2000 to and from the equinox of date). Both are made once for a moment and then convert any
//! number of positions cheaply. The algorithms are those of the IAU's SOFA collection, in the Rust edition `sofars`.

mod angles;
mod atmosphere;
mod bodies;
mod error;
mod local_sky;
mod moment;
mod of_date;
mod separation;
mod site;

pub use angles::{HourAngle, Separation, SiderealTime};
pub use atmosphere::Atmosphere;
pub use bodies::{Body, Distance, IlluminatedFraction, LocalBody, Phase, PhaseLongitude};
pub use error::AstrometryError;
pub use local_sky::LocalSky;
pub use moment::{EarthOrientation, JulianDate, Moment};
pub use of_date::OfDate;
pub use separation::{separation, separation_on_horizon};
pub use site::Site;
