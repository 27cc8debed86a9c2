//! Positions on the sky, with the equinox or frame they are meant in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::angles::{Altitude, Azimuth, Declination, RightAscension};

/// Which equator and equinox a right ascension and declination refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Equinox {
    /// Mean equator and equinox of J2000.0 (catalogue positions).
    #[default]
    J2000,
    /// True equator and equinox of now.
    OfDate,
    /// Whatever the mount speaks: sent to it without conversion.
    Mount,
}

/// A place on the celestial sphere by the equator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Equatorial {
    /// Hours, 0 up to but not including 24.
    pub right_ascension: RightAscension,
    /// Degrees, -90 to 90.
    pub declination: Declination,
    /// What the two refer to.
    #[serde(default)]
    pub equinox: Equinox,
}

/// A place on the celestial sphere by the horizon of a site.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Horizontal {
    /// Degrees above the horizon, -90 to 90.
    pub altitude: Altitude,
    /// Degrees from north through east, 0 up to but not including 360.
    pub azimuth: Azimuth,
}
