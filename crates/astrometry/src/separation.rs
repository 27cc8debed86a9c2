//! How far apart two directions are.

use sofars::vm::{s2c, sepp};
use vocabulary::{Equatorial, Equinox, Horizontal};

use crate::{
    angles::{Separation, direction},
    error::AstrometryError,
};

/// The angle between two positions of the same equinox (two in the mount's own are taken to be of one mount).
///
/// From the cross and the dot product together (SOFA `iauSepp`), so that it is as exact near 0 and 180 degrees as elsewhere.
pub fn separation(one: &Equatorial, other: &Equatorial) -> Result<Separation, AstrometryError> {
    if one.equinox != other.equinox {
        return Err(AstrometryError::DifferentEquinoxes(one.equinox, other.equinox));
    }
    Ok(Separation::from_radians(sepp(&direction(one), &direction(other))))
}

/// The angle between two positions over one horizon.
pub fn separation_on_horizon(one: &Horizontal, other: &Horizontal) -> Separation {
    let direction = |place: &Horizontal| s2c(place.azimuth.value().to_radians(), place.altitude.value().to_radians());
    Separation::from_radians(sepp(&direction(one), &direction(other)))
}

/// Refuses the equinox that only a mount knows.
pub(crate) fn convertible(equinox: Equinox) -> Result<(), AstrometryError> {
    match equinox {
        Equinox::J2000 | Equinox::OfDate => Ok(()),
        Equinox::Mount => Err(AstrometryError::MountEquinox),
    }
}
