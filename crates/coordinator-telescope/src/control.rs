//! Motion: slew, abort, park, unpark, track.
//!
//! Abort and park run in the safety lane. A slew that was on its way to the device when they came is answered as stopped, and the device is
//! stopped once more after it, since the two travelled over different connections.

use catalog::{
    Done,
    telescope::{Abort, Aborted, MotionStarted, Park, Slew, SlewEnded, SlewOutcome, SlewToHorizon, Track, Unpark},
};
use coordinator::Cx;
use engine_alpaca::{AlpacaError, Site, Tracking};
use store::telescopes::devices::Device;
use vocabulary::{Equatorial, Fault, Horizontal, ids::OperationId};

use crate::{
    Telescope,
    faults::of_alpaca,
    roster::{Motion, Stop, UnderWay},
    safety, sky,
};

pub(crate) async fn slew(cx: Cx<Telescope>, slew: Slew) -> Result<MotionStarted, Fault> {
    let device = cx.roster.device(slew.device_id.as_ref(), slew.telescope_id.as_ref())?;
    let target =
        Equatorial { right_ascension: slew.right_ascension, declination: slew.declination, equinox: slew.equinox };
    let system = cx.engine.equatorial_system(&device.id).await.map_err(|e| of_alpaca(&e))?;
    let settings = cx.settings();
    if settings.horizon_altitude_degrees_min > -90.0 || settings.sun_separation_degrees_min > 0.0 {
        let above = sky::above(site(&cx, &device).await?, &settings, cx.now())?;
        safety::check_position(&above, sky::on_sky(target, system)?, &settings)?;
    }
    let (right_ascension, declination) = sky::to_mount(target, system, cx.now())?;
    let outcome = cx.engine.slew_equatorial(&device.id, right_ascension, declination).await;
    begun(&cx, device, outcome).await
}

pub(crate) async fn slew_to_horizon(cx: Cx<Telescope>, slew: SlewToHorizon) -> Result<MotionStarted, Fault> {
    let device = cx.roster.device(slew.device_id.as_ref(), slew.telescope_id.as_ref())?;
    let settings = cx.settings();
    if settings.horizon_altitude_degrees_min > -90.0 || settings.sun_separation_degrees_min > 0.0 {
        let above = sky::above(site(&cx, &device).await?, &settings, cx.now())?;
        let target = Horizontal { altitude: slew.altitude, azimuth: slew.azimuth };
        safety::check_place(&above, target, &settings)?;
    }
    let outcome = cx.engine.slew_horizontal(&device.id, slew.altitude, slew.azimuth).await;
    begun(&cx, device, outcome).await
}

/// Where a mount believes to stand, asked once per connection.
async fn site(cx: &Cx<Telescope>, device: &Device) -> Result<Site, Fault> {
    if let Some(known) = cx.roster.site(&device.id) {
        return Ok(known);
    }
    let site = cx.engine.site(&device.id).await.map_err(|e| of_alpaca(&e))?;
    cx.roster.set_site(&device.id, Some(site));
    Ok(site)
}

/// After the device was told to slew: stopped again if safety came meanwhile, else under way.
async fn begun(cx: &Cx<Telescope>, device: Device, outcome: Result<(), AlpacaError>) -> Result<MotionStarted, Fault> {
    if cx.is_overtaken() {
        let stopped = match cx.roster.last_stop(&device.id) {
            Stop::Abort => cx.engine.abort(&device.id).await,
            Stop::Park => cx.engine.park(&device.id).await,
        };
        if let Err(error) = stopped {
            tracing::error!(device = %device.id, %error, "slew that safety overtook could not be stopped again");
        }
        return Err(Fault::conflict(format!("slew of {} was stopped while it began", device.id))
            .hint("send it again if it is still wanted"));
    }
    outcome.map_err(|e| of_alpaca(&e))?;
    let (operation_id, before) = cx.roster.begin(&device.id, Motion::Slew);
    ended(cx, &device, before, SlewOutcome::Aborted).await;
    Ok(MotionStarted { operation_id, device_id: device.id })
}

pub(crate) async fn abort(cx: Cx<Telescope>, abort: Abort) -> Result<Aborted, Fault> {
    let device = cx.roster.device(abort.device_id.as_ref(), abort.telescope_id.as_ref())?;
    cx.roster.stopped(&device.id, Stop::Abort);
    cx.engine.abort(&device.id).await.map_err(|e| of_alpaca(&e))?;
    let before = cx.roster.end(&device.id, None);
    ended(&cx, &device, before, SlewOutcome::Aborted).await;
    Ok(Aborted { device_id: device.id })
}

pub(crate) async fn park(cx: Cx<Telescope>, park: Park) -> Result<MotionStarted, Fault> {
    let device = cx.roster.device(park.device_id.as_ref(), park.telescope_id.as_ref())?;
    cx.roster.stopped(&device.id, Stop::Park);
    cx.engine.park(&device.id).await.map_err(|e| of_alpaca(&e))?;
    let (operation_id, before) = match cx.roster.motion(&device.id) {
        // Parking what is being parked is the same motion.
        Some(UnderWay { operation_id, motion: Motion::Park, .. }) => (operation_id, None),
        Some(UnderWay { motion: Motion::Slew, .. }) | None => cx.roster.begin(&device.id, Motion::Park),
    };
    ended(&cx, &device, before, SlewOutcome::Aborted).await;
    Ok(MotionStarted { operation_id, device_id: device.id })
}

pub(crate) async fn unpark(cx: Cx<Telescope>, unpark: Unpark) -> Result<Done, Fault> {
    let device = cx.roster.device(unpark.device_id.as_ref(), unpark.telescope_id.as_ref())?;
    cx.engine.unpark(&device.id).await.map_err(|e| of_alpaca(&e))?;
    Ok(Done {})
}

pub(crate) async fn track(cx: Cx<Telescope>, track: Track) -> Result<Done, Fault> {
    let device = cx.roster.device(track.device_id.as_ref(), track.telescope_id.as_ref())?;
    let tracking = if track.enabled { Tracking::On } else { Tracking::Off };
    cx.engine.track(&device.id, tracking).await.map_err(|e| of_alpaca(&e))?;
    Ok(Done {})
}

/// Tells that a motion ended, if there was one.
async fn ended(cx: &Cx<Telescope>, device: &Device, motion: Option<UnderWay>, outcome: SlewOutcome) {
    if let Some(UnderWay { operation_id, .. }) = motion {
        tell_end(cx, device, operation_id, outcome, None).await;
    }
}

/// Tells that a motion ended. That it can't be told changes nothing of it.
pub(crate) async fn tell_end(
    telescope: &Telescope,
    device: &Device,
    operation_id: OperationId,
    outcome: SlewOutcome,
    failure: Option<Fault>,
) {
    let event = SlewEnded { operation_id, device_id: device.id.clone(), outcome, failure, simulated: device.simulated };
    if let Err(fault) = telescope.bus.emit(&event).await {
        tracing::warn!(%fault, "end of a motion was not told");
    }
}
