//! The status of a mount: asked now, or read for the live position.

use catalog::telescope::{GetStatus, Position, TelescopeStatus};
use coordinator::Cx;
use engine_alpaca::EquatorialSystem;
use store::telescopes::devices::Device;
use vocabulary::{Equinox, Fault};

use crate::{Telescope, faults::of_alpaca, sky};

pub(crate) async fn get(cx: Cx<Telescope>, get: GetStatus) -> Result<TelescopeStatus, Fault> {
    let device = cx.roster.device(get.device_id.as_ref(), get.telescope_id.as_ref())?;
    Ok(TelescopeStatus { status: read(&cx, &device).await? })
}

/// Asks a mount where it points and what it does.
pub(crate) async fn read(telescope: &Telescope, device: &Device) -> Result<Position, Fault> {
    let status = telescope.engine.status(&device.id).await.map_err(|e| of_alpaca(&e))?;
    let system = match telescope.engine.equatorial_system(&device.id).await {
        Ok(system) => system,
        Err(_) => EquatorialSystem::Other,
    };
    let now = telescope.clock.now();
    let place = match (status.right_ascension, status.declination) {
        (Some(right_ascension), Some(declination)) => Some(sky::from_mount(right_ascension, declination, system, now)),
        _ => None,
    };
    Ok(Position {
        device_id: device.id.clone(),
        name: device.name.clone(),
        simulated: device.simulated,
        connected: status.connected,
        tracking: status.tracking.unwrap_or(false),
        slewing: status.slewing.unwrap_or(false),
        at_park: status.at_park.unwrap_or(false),
        at_home: status.at_home.unwrap_or(false),
        right_ascension: place.map(|place| place.right_ascension),
        declination: place.map(|place| place.declination),
        equinox: place.map_or(Equinox::J2000, |place| place.equinox),
        altitude: status.altitude,
        azimuth: status.azimuth,
        sidereal_time: status.sidereal_time.map(|hours| hours.value()),
        utc_date: status.utc_date,
        operation_id: telescope.roster.motion(&device.id).map(|motion| motion.operation_id),
        observed_at: now,
    })
}
