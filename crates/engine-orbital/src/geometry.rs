//! Geometry of orbits: Sun and Moon, shadow, footprint, ground track, beta angle and Doppler shift.

mod almanac;
mod shadow;

pub use almanac::Almanac;
pub(crate) use almanac::Course;
pub use shadow::{Illumination, is_sunlit};
