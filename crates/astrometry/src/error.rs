//! Why something cannot be computed, each with a way out.

use vocabulary::{Equinox, Timestamp, angles::NotAnAngle};

/// What astrometry refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AstrometryError {
    /// The ephemeris of the Earth holds for a century on either side of J2000.
    #[error("the time {0} is outside 1900 to 2100, where the ephemeris of the Earth holds: check the clock")]
    OutsideEphemeris(Timestamp),
    /// UT1-UTC or polar motion beyond what the Earth does.
    #[error("{name} {value} is not an Earth orientation: give it as published by the IERS, within {limit} of zero")]
    EarthOrientation {
        /// Which number, with its unit.
        name: &'static str,
        /// What was given.
        value: f64,
        /// The largest magnitude that is taken.
        limit: f64,
    },
    /// A site too deep or too high.
    #[error("site elevation {0} m is out of range: metres above the WGS-84 ellipsoid from -1000 to 20000 are expected")]
    Elevation(f64),
    /// Weather that refraction is not modelled for.
    #[error("{name} {value} is out of range: {expected} is expected")]
    Atmosphere {
        /// Which number, with its unit.
        name: &'static str,
        /// What was given.
        value: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// The mount's own equinox is known to the mount only.
    #[error("a position in the mount's own equinox cannot be converted: give it as j2000 or of-date")]
    MountEquinox,
    /// Two positions that mean different equators.
    #[error("positions of equinox {0:?} and {1:?} cannot be compared: convert one of them first")]
    DifferentEquinoxes(Equinox, Equinox),
    /// A result that is not a number; the inputs are checked, so it is a defect of ours.
    #[error("the computed {0}: report this with the position and the time")]
    Computed(#[from] NotAnAngle),
}
