//! Whether the Sun shines on a satellite.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::{
    earth::{EQUATORIAL_RADIUS_KM, FLATTENING},
    vector::{between, dot, minus, norm},
};

/// IAU 2015 Resolution B3.
const SUN_RADIUS_KM: f64 = 695_700.0;

/// How the Sun shines on a place in space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Illumination {
    /// The whole disc is seen.
    Sunlit,
    /// The Earth hides a part of the disc.
    Penumbra {
        /// The part of the disc's area that is seen, between 0 and 1.
        visible: f64,
    },
    /// The Earth hides all of the disc.
    Umbra,
}

impl Illumination {
    /// Of a satellite, with the Sun's place: both from the centre of the Earth in kilometres, in TEME or over the ground (any frame whose
    /// z is the Earth's axis).
    ///
    /// Sun and Earth are discs seen from the satellite (Montenbruck and Gill 2000, 3.4.2); the Earth is the WGS-84 ellipsoid
    /// (space is stretched along the axis until it is a sphere), without air.
    pub fn of(satellite_km: &[f64; 3], sun_km: &[f64; 3]) -> Self {
        let (satellite, sun) = (stretched(satellite_km), stretched(sun_km));
        let to_sun = minus(&sun, &satellite);
        let to_earth = satellite.map(|component| -component);
        let sun_radius = (SUN_RADIUS_KM / norm(&to_sun)).min(1.0).asin();
        let height = norm(&satellite);
        let earth_radius =
            if height > EQUATORIAL_RADIUS_KM { (EQUATORIAL_RADIUS_KM / height).asin() } else { FRAC_PI_2 };
        let apart = between(&to_sun, &to_earth);
        if apart >= sun_radius + earth_radius {
            Self::Sunlit
        } else if apart <= earth_radius - sun_radius {
            Self::Umbra
        } else {
            Self::Penumbra { visible: 1.0 - hidden(sun_radius, earth_radius, apart) }
        }
    }

    /// The part of the Sun's disc that is seen, 0 to 1.
    pub const fn visible(self) -> f64 {
        match self {
            Self::Sunlit => 1.0,
            Self::Penumbra { visible } => visible,
            Self::Umbra => 0.0,
        }
    }
}

/// Whether the centre of the Sun is seen from a satellite: the flag of passes, in the middle of the penumbra. Arguments as for
/// [`Illumination::of`].
pub fn is_sunlit(satellite_km: &[f64; 3], sun_km: &[f64; 3]) -> bool {
    let (satellite, sun) = (stretched(satellite_km), stretched(sun_km));
    let to_sun = minus(&sun, &satellite);
    let ahead = dot(&satellite, &to_sun);
    if ahead >= 0.0 {
        return true;
    }
    let aside_squared = dot(&satellite, &satellite) - ahead * ahead / dot(&to_sun, &to_sun);
    aside_squared > EQUATORIAL_RADIUS_KM * EQUATORIAL_RADIUS_KM
}

/// Stretched along the axis, so that the ellipsoid becomes a sphere and what is hidden stays hidden.
fn stretched([x, y, z]: &[f64; 3]) -> [f64; 3] {
    [*x, *y, z / (1.0 - FLATTENING)]
}

/// The part of a disc that another hides, so far apart: their lens over the disc's area.
fn hidden(disc: f64, other: f64, apart: f64) -> f64 {
    if apart + other <= disc {
        return (other / disc).powi(2);
    }
    let along = (apart * apart + disc * disc - other * other) / (2.0 * apart);
    let rest = apart - along;
    let half = (disc * disc - along * along).max(0.0).sqrt();
    let segment = |radius: f64, distance: f64| radius * radius * (distance / radius).clamp(-1.0, 1.0).acos();
    (segment(disc, along) + segment(other, rest) - apart * half) / (PI * disc * disc)
}
