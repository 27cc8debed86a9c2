//! A place on the Earth to observe from.

use vocabulary::{Latitude, Longitude};

use crate::error::AstrometryError;

/// A place on the Earth: geodetic latitude and longitude (WGS-84) and height above the ellipsoid.
///
/// Height above sea level differs by up to 100 m from that above the ellipsoid; that is 0.02 arcseconds for the Moon, and
/// nothing for the stars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    latitude: Latitude,
    longitude: Longitude,
    elevation_metres: f64,
}

impl Site {
    /// A site, refused more than 1000 m below or 20 000 m above the ellipsoid.
    pub fn new(latitude: Latitude, longitude: Longitude, elevation_metres: f64) -> Result<Self, AstrometryError> {
        if (-1_000.0..=20_000.0).contains(&elevation_metres) {
            Ok(Self { latitude, longitude, elevation_metres })
        } else {
            Err(AstrometryError::Elevation(elevation_metres))
        }
    }

    /// Degrees, north positive.
    pub const fn latitude(&self) -> Latitude {
        self.latitude
    }

    /// Degrees, east positive.
    pub const fn longitude(&self) -> Longitude {
        self.longitude
    }

    /// Metres above the WGS-84 ellipsoid.
    pub const fn elevation_metres(&self) -> f64 {
        self.elevation_metres
    }
}
