//! Latitude, longitude and height over the WGS-84 ellipsoid.

use crate::{
    elements::Angle,
    state::{Itrf, State},
    vector::from_radians,
};

/// WGS-84 (NIMA TR8350.2).
pub(crate) const EQUATORIAL_RADIUS_KM: f64 = 6_378.137;
pub(crate) const FLATTENING: f64 = 1.0 / 298.257_223_563;
const ECCENTRICITY_SQUARED: f64 = FLATTENING * (2.0 - FLATTENING);

/// A place by the WGS-84 ellipsoid. Of a satellite: the point under it, and its height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geodetic {
    /// North positive.
    pub latitude: Angle,
    /// East positive, above -180 degrees up to 180.
    pub longitude: Angle,
    /// Over the ellipsoid, kilometres.
    pub height_km: f64,
}

impl Geodetic {
    /// Where a state is; within a micrometre from 100 km under the ground to beyond the Moon.
    pub fn of(state: &State<Itrf>) -> Self {
        Self::of_position(&state.position_km)
    }

    /// The same from ITRF coordinates in kilometres.
    pub fn of_position(&[x, y, z]: &[f64; 3]) -> Self {
        let from_axis = x.hypot(y);
        let polar_radius = EQUATORIAL_RADIUS_KM * (1.0 - FLATTENING);
        // Bowring 1976: the reduced latitude's error shrinks by more than a thousand with each round.
        let (mut sine, mut cosine) = unit(z, from_axis * (1.0 - FLATTENING));
        let mut latitude = (sine, cosine);
        for _ in 0..3 {
            let second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED) * polar_radius;
            let opposite = z + second * sine.powi(3);
            let adjacent = from_axis - ECCENTRICITY_SQUARED * EQUATORIAL_RADIUS_KM * cosine.powi(3);
            latitude = unit(opposite, adjacent);
            (sine, cosine) = unit(opposite * (1.0 - FLATTENING), adjacent);
        }
        let (sine, cosine) = latitude;
        let curve = EQUATORIAL_RADIUS_KM * (1.0 - ECCENTRICITY_SQUARED * sine * sine).sqrt();
        Self {
            latitude: from_radians(sine.atan2(cosine)),
            longitude: from_radians(y.atan2(x)),
            height_km: from_axis * cosine + z * sine - curve,
        }
    }

    /// ITRF coordinates, kilometres.
    pub fn position_km(&self) -> [f64; 3] {
        let (sine, cosine) = self.latitude.to_radians().sin_cos();
        let (east_sine, east_cosine) = self.longitude.to_radians().sin_cos();
        let normal = EQUATORIAL_RADIUS_KM / (1.0 - ECCENTRICITY_SQUARED * sine * sine).sqrt();
        let from_axis = (normal + self.height_km) * cosine;
        [
            from_axis * east_cosine,
            from_axis * east_sine,
            (normal * (1.0 - ECCENTRICITY_SQUARED) + self.height_km) * sine,
        ]
    }

    /// East, north and up here, along the axes of the ITRF.
    pub(crate) fn axes(&self) -> [[f64; 3]; 3] {
        let (sine, cosine) = self.latitude.to_radians().sin_cos();
        let (east_sine, east_cosine) = self.longitude.to_radians().sin_cos();
        [
            [-east_sine, east_cosine, 0.0],
            [-sine * east_cosine, -sine * east_sine, cosine],
            [cosine * east_cosine, cosine * east_sine, sine],
        ]
    }
}

/// Sine and cosine of `atan2(opposite, adjacent)`; of zero where both vanish.
fn unit(opposite: f64, adjacent: f64) -> (f64, f64) {
    let length = opposite.hypot(adjacent);
    if length > 0.0 { (opposite / length, adjacent / length) } else { (0.0, 1.0) }
}
