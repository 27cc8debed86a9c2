//! Geometry of orbits: Sun and Moon, shadow, footprint, ground track, beta angle and Doppler shift.

mod almanac;
mod ground;
mod shadow;

pub use almanac::Almanac;
pub(crate) use almanac::Course;
pub use ground::{footprint, ground_track};
pub use shadow::{Illumination, is_sunlit};

use crate::{
    elements::Angle,
    state::{State, Teme},
    vector::{cross, dot, from_radians, norm},
};

/// Exact by the definition of the metre.
pub const SPEED_OF_LIGHT_KM_S: f64 = 299_792.458;

/// How far the Sun stands off the plane of the orbit, positive on the side of its angular momentum: -90 to 90 degrees. The Sun as from [`Almanac::sun_km`].
pub fn beta_angle(state: &State<Teme>, sun_km: &[f64; 3]) -> Angle {
    let momentum = cross(&state.position_km, &state.velocity_km_s);
    from_radians(dot(&momentum, sun_km).atan2(norm(&cross(&momentum, sun_km))))
}

/// What is received less what is sent, hertz, of a carrier and for a range rate (positive when the satellite goes away: the shift is negative).
/// For the way up, tune the transmitter by the opposite. The slowing of clocks by speed (3e-10 in low orbits) is left out.
pub fn doppler_shift_hz(carrier_hz: f64, range_rate_km_s: f64) -> f64 {
    -carrier_hz * range_rate_km_s / (SPEED_OF_LIGHT_KM_S + range_rate_km_s)
}

#[cfg(test)]
mod tests;
