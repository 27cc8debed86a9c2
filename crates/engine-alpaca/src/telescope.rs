//! What a telescope can be asked and told.

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use vocabulary::{Altitude, Azimuth, Declination, Latitude, Longitude, RightAscension, ids::DeviceId};

use crate::{
    AlpacaEngine, AlpacaError, Link,
    registry::Device,
    standard::{methods, numbers, parameters},
    wire::{as_integer, as_number, as_truth},
};

mod status;

pub use status::TelescopeStatus;

/// What a mount's coordinates refer to (ASCOM `EquatorialCoordinateType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EquatorialSystem {
    /// Custom or unknown.
    Other,
    /// Equator and equinox of now, as seen from the site.
    Topocentric,
    /// Equator and equinox of J2000.0.
    J2000,
    /// Equator and equinox of J2050.0.
    J2050,
    /// Equator and equinox of B1950.0, FK4.
    B1950,
}

/// Where a device believes to stand; what it lacks or gives out of range is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Site {
    /// Degrees, north positive.
    pub latitude: Option<Latitude>,
    /// Degrees, east positive.
    pub longitude: Option<Longitude>,
    /// Metres above mean sea level.
    pub elevation_metres: Option<f64>,
}

/// What a mount can do; what it does not answer it cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Capabilities {
    /// Slews to equatorial coordinates without blocking.
    pub slew_equatorial: bool,
    /// Slews to horizontal coordinates without blocking.
    pub slew_horizontal: bool,
    /// Parks.
    pub park: bool,
    /// Leaves its park position on command.
    pub unpark: bool,
    /// Switches tracking.
    pub set_tracking: bool,
    /// Finds its home position.
    pub find_home: bool,
    /// Can be told where it points.
    pub sync: bool,
}

/// Whether a mount follows the sky.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tracking {
    /// It does.
    On,
    /// It does not.
    Off,
}

impl Tracking {
    fn parameter(self) -> [(&'static str, String); 1] {
        let word = match self {
            Self::On => "True",
            Self::Off => "False",
        };
        [(parameters::TRACKING, word.to_owned())]
    }
}

impl AlpacaEngine {
    /// What the mount's coordinates refer to; asked once per connection.
    pub async fn equatorial_system(&self, id: &DeviceId) -> Result<EquatorialSystem, AlpacaError> {
        let device = self.connected_telescope(id)?;
        if let Some(known) = device.equatorial_system() {
            return Ok(known);
        }
        let system = match as_integer(&self.inner.get(&device, methods::EQUATORIAL_SYSTEM).await?) {
            Some(1) => EquatorialSystem::Topocentric,
            Some(2) => EquatorialSystem::J2000,
            Some(3) => EquatorialSystem::J2050,
            Some(4) => EquatorialSystem::B1950,
            Some(_) | None => EquatorialSystem::Other,
        };
        device.learn_equatorial_system(system);
        Ok(system)
    }

    /// Starts a slew to coordinates in the mount's own system and returns when it has begun. Tracking is switched on first, as ASCOM wants it.
    pub async fn slew_equatorial(
        &self,
        id: &DeviceId,
        right_ascension: RightAscension,
        declination: Declination,
    ) -> Result<(), AlpacaError> {
        let device = self.connected_telescope(id)?;
        self.ensure(&device, Tracking::On).await?;
        let form = [
            (parameters::RIGHT_ASCENSION, right_ascension.value().to_string()),
            (parameters::DECLINATION, declination.value().to_string()),
        ];
        self.inner.put(&device, methods::SLEW_TO_COORDINATES_ASYNC, &form).await
    }

    /// Starts a slew to horizontal coordinates and returns when it has begun. Tracking is switched off first, as ASCOM wants it.
    pub async fn slew_horizontal(
        &self,
        id: &DeviceId,
        altitude: Altitude,
        azimuth: Azimuth,
    ) -> Result<(), AlpacaError> {
        let device = self.connected_telescope(id)?;
        self.ensure(&device, Tracking::Off).await?;
        let form =
            [(parameters::AZIMUTH, azimuth.value().to_string()), (parameters::ALTITUDE, altitude.value().to_string())];
        self.inner.put(&device, methods::SLEW_TO_ALT_AZ_ASYNC, &form).await
    }

    /// Stops a slew. Reaches the device while other calls to it hang and while its link is lost; a parked mount, which stands still, is no error.
    pub async fn abort(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        let device = self.telescope(id)?;
        match self.inner.put_urgently(&device, methods::ABORT_SLEW).await {
            Err(error) if error.number() == Some(numbers::INVALID_WHILE_PARKED) => Ok(()),
            outcome => outcome,
        }
    }

    /// Sends the mount to its park position. Reaches the device like [`Self::abort`]; a mount that is parked already is no error.
    pub async fn park(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        let device = self.telescope(id)?;
        match self.inner.put_urgently(&device, methods::PARK).await {
            Err(error) if error.number() == Some(numbers::INVALID_WHILE_PARKED) => Ok(()),
            outcome => outcome,
        }
    }

    /// Releases the mount from its park position.
    pub async fn unpark(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        let device = self.connected_telescope(id)?;
        self.inner.put(&device, methods::UNPARK, &[]).await
    }

    /// Switches tracking.
    pub async fn track(&self, id: &DeviceId, tracking: Tracking) -> Result<(), AlpacaError> {
        let device = self.connected_telescope(id)?;
        self.inner.put(&device, methods::TRACKING, &tracking.parameter()).await
    }

    /// Where the device believes to stand.
    pub async fn site(&self, id: &DeviceId) -> Result<Site, AlpacaError> {
        let device = self.connected_telescope(id)?;
        let asked = [methods::SITE_LATITUDE, methods::SITE_LONGITUDE, methods::SITE_ELEVATION];
        let [latitude, longitude, elevation] = self.asked(&device, asked).await?;
        Ok(Site {
            latitude: latitude.as_ref().and_then(as_number).and_then(|degrees| Latitude::degrees(degrees).ok()),
            longitude: longitude.as_ref().and_then(as_number).and_then(|degrees| Longitude::degrees(degrees).ok()),
            elevation_metres: elevation.as_ref().and_then(as_number),
        })
    }

    /// What the mount can do.
    pub async fn capabilities(&self, id: &DeviceId) -> Result<Capabilities, AlpacaError> {
        let device = self.connected_telescope(id)?;
        let asked = [
            methods::CAN_SLEW_ASYNC,
            methods::CAN_SLEW_ALT_AZ_ASYNC,
            methods::CAN_PARK,
            methods::CAN_UNPARK,
            methods::CAN_SET_TRACKING,
            methods::CAN_FIND_HOME,
            methods::CAN_SYNC,
        ];
        let can = self.asked(&device, asked).await?.map(|value| value.as_ref().and_then(as_truth).unwrap_or(false));
        let [slew_equatorial, slew_horizontal, park, unpark, set_tracking, find_home, sync] = can;
        Ok(Capabilities { slew_equatorial, slew_horizontal, park, unpark, set_tracking, find_home, sync })
    }

    fn telescope(&self, id: &DeviceId) -> Result<std::sync::Arc<Device>, AlpacaError> {
        let device = self.inner.registry.get(id)?;
        device.is_telescope()?;
        Ok(device)
    }

    fn connected_telescope(&self, id: &DeviceId) -> Result<std::sync::Arc<Device>, AlpacaError> {
        let device = self.telescope(id)?;
        match device.link() {
            Link::Connected => Ok(device),
            Link::Disconnected | Link::Connecting | Link::Lost => Err(AlpacaError::NotConnected { device: id.clone() }),
        }
    }

    /// Switches tracking if it is not so already and the mount can.
    async fn ensure(&self, device: &Device, wanted: Tracking) -> Result<(), AlpacaError> {
        let is_on = match self.inner.get(device, methods::TRACKING).await {
            Ok(value) => as_truth(&value),
            // A mount that has no such property is slewed as it is.
            Err(error) if error.is_unknown_method() => return Ok(()),
            Err(error) => return Err(error),
        };
        if is_on == Some(wanted == Tracking::On) {
            return Ok(());
        }
        match self.inner.get(device, methods::CAN_SET_TRACKING).await {
            Ok(value) if as_truth(&value) == Some(true) => {
                self.inner.put(device, methods::TRACKING, &wanted.parameter()).await
            }
            Ok(_) => Ok(()),
            Err(error) if error.is_unknown_method() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Several properties at once. What the device refuses is absent; what does not reach it is an error.
    async fn asked<const N: usize>(
        &self,
        device: &Device,
        asked: [&'static str; N],
    ) -> Result<[Option<serde_json::Value>; N], AlpacaError> {
        let answers = join_all(asked.map(|method| self.inner.get(device, method))).await;
        let mut values = [const { None }; N];
        for (place, answer) in values.iter_mut().zip(answers) {
            match answer {
                Ok(value) => *place = Some(value),
                Err(AlpacaError::Device { number: numbers::NOT_CONNECTED, .. }) => {
                    return Err(AlpacaError::NotConnected { device: device.id.clone() });
                }
                Err(AlpacaError::Device { .. } | AlpacaError::Status { .. } | AlpacaError::Protocol { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(values)
    }
}
