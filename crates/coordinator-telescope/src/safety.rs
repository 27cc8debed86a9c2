//! What is refused because it would endanger people or hardware: below the horizon, near the Sun.

use astrometry::LocalSky;
use vocabulary::{Equatorial, Equinox, Fault, Horizontal};

use crate::{faults::of_astrometry, settings::TelescopeSettings};

/// The Sun does not matter once it is this far below the horizon, in degrees: disc and refraction.
const SUN_IS_DOWN_DEGREES: f64 = -2.0;

/// Whether a slew to a position on the sky may be begun.
pub(crate) fn check_position(sky: &LocalSky, target: Equatorial, settings: &TelescopeSettings) -> Result<(), Fault> {
    let place = sky.airless(target).map_err(|e| of_astrometry(&e))?;
    check_horizon(place, settings)?;
    check_sun(sky, target, settings)
}

/// Whether a slew to a place by the horizon may be begun.
pub(crate) fn check_place(sky: &LocalSky, target: Horizontal, settings: &TelescopeSettings) -> Result<(), Fault> {
    check_horizon(target, settings)?;
    let position = sky.position_at_airless(target, Equinox::OfDate).map_err(|e| of_astrometry(&e))?;
    check_sun(sky, position, settings)
}

fn check_horizon(place: Horizontal, settings: &TelescopeSettings) -> Result<(), Fault> {
    let lowest = settings.horizon_altitude_degrees_min;
    if place.altitude.value() >= lowest {
        return Ok(());
    }
    Err(Fault::not_safe(format!(
        "target is at altitude {:.1}°, below the horizon limit of {lowest}°",
        place.altitude.value()
    ))
    .hint("choose a higher target, or change the setting horizon_altitude_degrees_min"))
}

fn check_sun(sky: &LocalSky, target: Equatorial, settings: &TelescopeSettings) -> Result<(), Fault> {
    let nearest = settings.sun_separation_degrees_min;
    let sun = sky.sun().map_err(|e| of_astrometry(&e))?;
    if nearest <= 0.0 || sun.airless.altitude.value() < SUN_IS_DOWN_DEGREES {
        return Ok(());
    }
    let separation = sky.separation_from_sun(target).map_err(|e| of_astrometry(&e))?;
    if separation.degrees() >= nearest {
        return Ok(());
    }
    Err(Fault::not_safe(format!("target is {:.1}° from the Sun, nearer than {nearest}°", separation.degrees()))
        .hint("wait until the Sun has set, or change the setting sun_separation_degrees_min"))
}
