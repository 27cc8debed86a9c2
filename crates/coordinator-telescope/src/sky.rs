//! Between the coordinates of a request and those of a mount.

use astrometry::{EarthOrientation, LocalSky, Moment, OfDate, Site};
use engine_alpaca::EquatorialSystem;
use vocabulary::{Declination, Equatorial, Equinox, Fault, Latitude, Longitude, RightAscension, Timestamp};

use crate::{faults::of_astrometry, settings::TelescopeSettings};

/// The equinox that a mount speaks. One that does not say which counts as speaking of now, as nearly all of them do.
pub(crate) fn equinox_of(system: EquatorialSystem) -> Result<Equinox, Fault> {
    match system {
        EquatorialSystem::J2000 => Ok(Equinox::J2000),
        EquatorialSystem::Topocentric | EquatorialSystem::Other => Ok(Equinox::OfDate),
        EquatorialSystem::J2050 | EquatorialSystem::B1950 => {
            Err(Fault::invalid(format!("mount speaks {system:?}, which is not converted"))
                .hint("send coordinates of its own with \"equinox\": \"mount\""))
        }
    }
}

fn of_date(at: Timestamp) -> Result<OfDate, Fault> {
    let moment = Moment::new(at, EarthOrientation::default()).map_err(|e| of_astrometry(&e))?;
    OfDate::at(moment).map_err(|e| of_astrometry(&e))
}

/// A wanted position in the mount's own coordinates.
pub(crate) fn to_mount(
    wanted: Equatorial,
    system: EquatorialSystem,
    at: Timestamp,
) -> Result<(RightAscension, Declination), Fault> {
    if wanted.equinox == Equinox::Mount {
        return Ok((wanted.right_ascension, wanted.declination));
    }
    let converted = of_date(at)?.convert(wanted, equinox_of(system)?).map_err(|e| of_astrometry(&e))?;
    Ok((converted.right_ascension, converted.declination))
}

/// What a mount says, in J2000 where its coordinates can be converted, else as it says it.
pub(crate) fn from_mount(
    right_ascension: RightAscension,
    declination: Declination,
    system: EquatorialSystem,
    at: Timestamp,
) -> Equatorial {
    let said = |equinox| Equatorial { right_ascension, declination, equinox };
    let converted = equinox_of(system)
        .and_then(|equinox| of_date(at)?.convert(said(equinox), Equinox::J2000).map_err(|e| of_astrometry(&e)));
    converted.unwrap_or_else(|_| said(Equinox::Mount))
}

/// A position that can be put on the sky: the mount's own coordinates by what the mount speaks.
pub(crate) fn on_sky(wanted: Equatorial, system: EquatorialSystem) -> Result<Equatorial, Fault> {
    match wanted.equinox {
        Equinox::Mount => Ok(Equatorial { equinox: equinox_of(system)?, ..wanted }),
        Equinox::J2000 | Equinox::OfDate => Ok(wanted),
    }
}

/// The sky above a mount: where it believes to stand, else where the settings say.
pub(crate) fn above(
    mount: engine_alpaca::Site,
    settings: &TelescopeSettings,
    at: Timestamp,
) -> Result<LocalSky, Fault> {
    let of_settings = || {
        let latitude = Latitude::degrees(settings.site_latitude_degrees?).ok()?;
        Some((latitude, Longitude::degrees(settings.site_longitude_degrees?).ok()?, settings.site_elevation_metres))
    };
    let of_mount = || {
        let elevation = mount.elevation_metres.filter(|metres| (-1000.0..=10_000.0).contains(metres));
        Some((mount.latitude?, mount.longitude?, elevation.unwrap_or(settings.site_elevation_metres)))
    };
    let (latitude, longitude, elevation) = of_mount().or_else(of_settings).ok_or_else(|| {
        Fault::not_safe("where the mount stands is unknown, so horizon and Sun can't be checked")
            .hint("set the site in the mount, or the settings site_latitude_degrees and site_longitude_degrees")
    })?;
    let site = Site::new(latitude, longitude, elevation).map_err(|e| of_astrometry(&e))?;
    let moment = Moment::new(at, EarthOrientation::default()).map_err(|e| of_astrometry(&e))?;
    LocalSky::above(site, moment).map_err(|e| of_astrometry(&e))
}
