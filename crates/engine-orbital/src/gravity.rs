//! The Earth's gravity as SGP4 knows it: which set of constants, and their values (Vallado et al., AIAA 2006-6753, section IV).

/// A set of constants. Element sets are made with WGS-72: with another set the same numbers mean another orbit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Gravity {
    /// World Geodetic System 1972, which the makers of TLEs and OMMs use.
    #[default]
    Wgs72,
    /// World Geodetic System 1984, for elements that were fitted with it.
    Wgs84,
}

impl Gravity {
    /// Equatorial radius of the Earth, kilometres.
    pub const fn earth_radius_km(self) -> f64 {
        match self {
            Self::Wgs72 => 6378.135,
            Self::Wgs84 => 6378.137,
        }
    }

    /// The Earth's gravitational parameter, km³/s².
    pub const fn parameter_km3_s2(self) -> f64 {
        match self {
            Self::Wgs72 => 398_600.8,
            Self::Wgs84 => 398_600.5,
        }
    }

    pub(crate) fn constants(self) -> Constants {
        let radius_km = self.earth_radius_km();
        let ke = 60.0 / (radius_km * radius_km * radius_km / self.parameter_km3_s2()).sqrt();
        let (j2, j3, j4) = match self {
            Self::Wgs72 => (0.001_082_616, -0.000_002_538_81, -0.000_001_655_97),
            Self::Wgs84 => (0.001_082_629_989_05, -0.000_002_532_153_06, -0.000_001_610_987_61),
        };
        Constants { radius_km, ke, speed_km_s: radius_km * ke / 60.0, j2, j4, j3_over_j2: j3 / j2 }
    }
}

/// The constants in the units of the theory: Earth radii and minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Constants {
    /// Kilometres in an Earth radius.
    pub(crate) radius_km: f64,
    /// Square root of the gravitational parameter, Earth radii^1.5 a minute.
    pub(crate) ke: f64,
    /// Kilometres a second in the theory's unit of speed.
    pub(crate) speed_km_s: f64,
    pub(crate) j2: f64,
    pub(crate) j4: f64,
    pub(crate) j3_over_j2: f64,
}
