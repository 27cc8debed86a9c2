//! The mount as an ITelescopeV4: every property and method of the standard that the mount has.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ascom_alpaca::{
    ASCOMError, ASCOMErrorCode, ASCOMResult,
    api::{
        Device, Telescope,
        telescope::{AlignmentMode, DriveRate, EquatorialCoordinateType, PierSide, TelescopeAxis},
    },
};
use async_trait::async_trait;

use super::{
    EquatorialSystem,
    mount::{Mount, Refusal, check_declination, check_right_ascension, within},
};

/// What the protocol's server holds of the simulated telescope.
#[derive(Debug)]
pub(super) struct SimulatedTelescope {
    pub(super) name: String,
    pub(super) unique_id: String,
    pub(super) mount: Arc<Mutex<Mount>>,
}

impl From<Refusal> for ASCOMError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotConnected => {
                Self::new(ASCOMErrorCode::NOT_CONNECTED, "the simulated telescope is not connected")
            }
            Refusal::Parked => Self::new(ASCOMErrorCode::INVALID_WHILE_PARKED, "the simulated telescope is parked"),
            Refusal::Invalid(why) => Self::invalid_value(why),
            Refusal::NotNow(why) => Self::invalid_operation(why),
            Refusal::NotSet => Self::new(ASCOMErrorCode::VALUE_NOT_SET, "the target has not been set"),
        }
    }
}

impl SimulatedTelescope {
    fn mount(&self) -> MutexGuard<'_, Mount> {
        self.mount.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the connected mount.
    fn ask<T>(&self, question: impl FnOnce(&mut Mount) -> T) -> ASCOMResult<T> {
        Ok(question(self.mount().live()?))
    }

    /// Gives the mount an order.
    fn order<T>(&self, order: impl FnOnce(&mut Mount) -> Result<T, Refusal>) -> ASCOMResult<T> {
        Ok(order(self.mount().live()?)?)
    }

    /// Returns when the mount has come to rest, for the synchronous methods.
    async fn arrived(&self) -> ASCOMResult<()> {
        loop {
            let (slewing, remaining) = self.ask(|mount| (mount.slewing(), mount.remaining()))?;
            if !slewing {
                return Ok(());
            }
            tokio::time::sleep(remaining.min(Duration::from_millis(100))).await;
        }
    }
}

#[async_trait]
impl Device for SimulatedTelescope {
    fn static_name(&self) -> &str {
        &self.name
    }

    fn unique_id(&self) -> &str {
        &self.unique_id
    }

    async fn connected(&self) -> ASCOMResult<bool> {
        Ok(self.mount().connected())
    }

    async fn set_connected(&self, connected: bool) -> ASCOMResult<()> {
        self.mount().set_connected(connected);
        Ok(())
    }

    async fn description(&self) -> ASCOMResult<String> {
        Ok("simulated German equatorial telescope: nothing moves".to_owned())
    }

    async fn driver_info(&self) -> ASCOMResult<String> {
        Ok("BIG SKIES simulator of an Alpaca telescope".to_owned())
    }

    async fn driver_version(&self) -> ASCOMResult<String> {
        let mut parts = env!("CARGO_PKG_VERSION").split('.');
        Ok(format!("{}.{}", parts.next().unwrap_or("0"), parts.next().unwrap_or("0")))
    }
}

#[async_trait]
impl Telescope for SimulatedTelescope {
    async fn alignment_mode(&self) -> ASCOMResult<AlignmentMode> {
        self.ask(|_| AlignmentMode::GermanPolar)
    }

    async fn equatorial_system(&self) -> ASCOMResult<EquatorialCoordinateType> {
        self.ask(|mount| match mount.system {
            EquatorialSystem::Topocentric => EquatorialCoordinateType::Topocentric,
            EquatorialSystem::J2000 => EquatorialCoordinateType::J2000,
        })
    }

    async fn aperture_area(&self) -> ASCOMResult<f64> {
        self.ask(|_| 0.0269)
    }

    async fn aperture_diameter(&self) -> ASCOMResult<f64> {
        self.ask(|_| 0.2)
    }

    async fn focal_length(&self) -> ASCOMResult<f64> {
        self.ask(|_| 1.0)
    }

    async fn does_refraction(&self) -> ASCOMResult<bool> {
        self.ask(|_| false)
    }

    async fn axis_rates(&self, _axis: TelescopeAxis) -> ASCOMResult<Vec<RangeInclusive<f64>>> {
        self.ask(|_| Vec::new())
    }

    async fn can_find_home(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_park(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_set_park(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_unpark(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_set_tracking(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_slew(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_slew_async(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_slew_alt_az(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_slew_alt_az_async(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn can_sync(&self) -> ASCOMResult<bool> {
        self.ask(|_| true)
    }

    async fn altitude(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.horizontal().0)
    }

    async fn azimuth(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.horizontal().1)
    }

    async fn right_ascension(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.equatorial().0)
    }

    async fn declination(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.equatorial().1)
    }

    async fn right_ascension_rate(&self) -> ASCOMResult<f64> {
        self.ask(|_| 0.0)
    }

    async fn declination_rate(&self) -> ASCOMResult<f64> {
        self.ask(|_| 0.0)
    }

    async fn at_home(&self) -> ASCOMResult<bool> {
        self.ask(|mount| mount.at_home())
    }

    async fn at_park(&self) -> ASCOMResult<bool> {
        self.ask(|mount| mount.parked())
    }

    async fn slewing(&self) -> ASCOMResult<bool> {
        self.ask(|mount| mount.slewing())
    }

    async fn tracking(&self) -> ASCOMResult<bool> {
        self.ask(|mount| mount.tracking())
    }

    async fn set_tracking(&self, tracking: bool) -> ASCOMResult<()> {
        self.order(|mount| mount.set_tracking(tracking))
    }

    async fn tracking_rate(&self) -> ASCOMResult<DriveRate> {
        self.ask(|_| DriveRate::Sidereal)
    }

    async fn set_tracking_rate(&self, tracking_rate: DriveRate) -> ASCOMResult<()> {
        match tracking_rate {
            DriveRate::Sidereal => self.ask(|_| ()),
            _ => Err(ASCOMError::invalid_value("only the sidereal rate is driven")),
        }
    }

    async fn tracking_rates(&self) -> ASCOMResult<Vec<DriveRate>> {
        self.ask(|_| vec![DriveRate::Sidereal])
    }

    async fn side_of_pier(&self) -> ASCOMResult<PierSide> {
        self.ask(|mount| pier_side(mount.looks_west()))
    }

    async fn destination_side_of_pier(&self, right_ascension: f64, declination: f64) -> ASCOMResult<PierSide> {
        self.order(|mount| mount.would_look_west(right_ascension, declination)).map(pier_side)
    }

    async fn sidereal_time(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.sidereal_hours())
    }

    async fn utc_date(&self) -> ASCOMResult<SystemTime> {
        let seconds = self.ask(|mount| mount.unix_seconds())?;
        Ok(Duration::try_from_secs_f64(seconds).map_or(UNIX_EPOCH, |since| UNIX_EPOCH + since))
    }

    async fn set_utc_date(&self, utc_date: SystemTime) -> ASCOMResult<()> {
        let since = utc_date.duration_since(UNIX_EPOCH).map_err(|_| ASCOMError::invalid_value("a date before 1970"))?;
        self.ask(|mount| mount.set_unix_seconds(since.as_secs_f64()))
    }

    async fn site_latitude(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.site.latitude_degrees)
    }

    async fn set_site_latitude(&self, site_latitude: f64) -> ASCOMResult<()> {
        self.order(|mount| {
            within("latitude", site_latitude, -90.0, 90.0)?;
            mount.site.latitude_degrees = site_latitude;
            Ok(())
        })
    }

    async fn site_longitude(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.site.longitude_degrees)
    }

    async fn set_site_longitude(&self, site_longitude: f64) -> ASCOMResult<()> {
        self.order(|mount| {
            within("longitude", site_longitude, -180.0, 180.0)?;
            mount.site.longitude_degrees = site_longitude;
            Ok(())
        })
    }

    async fn site_elevation(&self) -> ASCOMResult<f64> {
        self.ask(|mount| mount.site.elevation_metres)
    }

    async fn set_site_elevation(&self, site_elevation: f64) -> ASCOMResult<()> {
        self.order(|mount| {
            within("elevation", site_elevation, -300.0, 10_000.0)?;
            mount.site.elevation_metres = site_elevation;
            Ok(())
        })
    }

    async fn target_right_ascension(&self) -> ASCOMResult<f64> {
        self.order(|mount| mount.target_right_ascension.ok_or(Refusal::NotSet))
    }

    async fn set_target_right_ascension(&self, target_right_ascension: f64) -> ASCOMResult<()> {
        self.order(|mount| {
            check_right_ascension(target_right_ascension)?;
            mount.target_right_ascension = Some(target_right_ascension);
            Ok(())
        })
    }

    async fn target_declination(&self) -> ASCOMResult<f64> {
        self.order(|mount| mount.target_declination.ok_or(Refusal::NotSet))
    }

    async fn set_target_declination(&self, target_declination: f64) -> ASCOMResult<()> {
        self.order(|mount| {
            check_declination(target_declination)?;
            mount.target_declination = Some(target_declination);
            Ok(())
        })
    }

    async fn abort_slew(&self) -> ASCOMResult<()> {
        self.order(Mount::abort)
    }

    async fn find_home(&self) -> ASCOMResult<()> {
        self.order(Mount::find_home)
    }

    async fn park(&self) -> ASCOMResult<()> {
        self.order(Mount::park)
    }

    async fn set_park(&self) -> ASCOMResult<()> {
        self.order(Mount::set_park)
    }

    async fn unpark(&self) -> ASCOMResult<()> {
        self.order(Mount::unpark)
    }

    async fn slew_to_alt_az(&self, azimuth: f64, altitude: f64) -> ASCOMResult<()> {
        self.order(|mount| mount.slew_horizontal(altitude, azimuth))?;
        self.arrived().await
    }

    async fn slew_to_alt_az_async(&self, azimuth: f64, altitude: f64) -> ASCOMResult<()> {
        self.order(|mount| mount.slew_horizontal(altitude, azimuth))
    }

    async fn slew_to_coordinates(&self, right_ascension: f64, declination: f64) -> ASCOMResult<()> {
        self.order(|mount| mount.slew_equatorial(right_ascension, declination))?;
        self.arrived().await
    }

    async fn slew_to_coordinates_async(&self, right_ascension: f64, declination: f64) -> ASCOMResult<()> {
        self.order(|mount| mount.slew_equatorial(right_ascension, declination))
    }

    async fn slew_to_target(&self) -> ASCOMResult<()> {
        self.order(Mount::slew_target)?;
        self.arrived().await
    }

    async fn slew_to_target_async(&self) -> ASCOMResult<()> {
        self.order(Mount::slew_target)
    }

    async fn sync_to_coordinates(&self, right_ascension: f64, declination: f64) -> ASCOMResult<()> {
        self.order(|mount| mount.sync(right_ascension, declination))
    }

    async fn sync_to_target(&self) -> ASCOMResult<()> {
        self.order(|mount| {
            let target = mount.target_right_ascension.zip(mount.target_declination).ok_or(Refusal::NotSet)?;
            mount.sync(target.0, target.1)
        })
    }
}

/// ASCOM calls the side on which the mount stands, not where it looks.
fn pier_side(looks_west: bool) -> PierSide {
    if looks_west { PierSide::East } else { PierSide::West }
}
