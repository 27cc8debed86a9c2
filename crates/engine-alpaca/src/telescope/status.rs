//! The state of a telescope at one moment, read in one call where the device can, else property by property.

use std::collections::HashMap;

use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;
use vocabulary::{Altitude, Azimuth, Declination, RightAscension, Timestamp, ids::DeviceId};

use crate::{
    AlpacaEngine, AlpacaError, Link,
    registry::Device,
    standard::{fields, methods, numbers},
    wire::{as_instant, as_number, as_truth, field},
};

/// What is read, by the standard's names.
const READ: [&str; 10] = [
    methods::TRACKING,
    methods::SLEWING,
    methods::AT_PARK,
    methods::AT_HOME,
    methods::RIGHT_ASCENSION,
    methods::DECLINATION,
    methods::ALTITUDE,
    methods::AZIMUTH,
    methods::SIDEREAL_TIME,
    methods::UTC_DATE,
];

/// A telescope at one moment. What the device lacks, refuses or gives out of range is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TelescopeStatus {
    /// Whether the device is connected; without it nothing else is known.
    pub connected: bool,
    /// Whether it follows the sky.
    pub tracking: Option<bool>,
    /// Whether it moves to a target.
    pub slewing: Option<bool>,
    /// Whether it is parked.
    pub at_park: Option<bool>,
    /// Whether it is at home.
    pub at_home: Option<bool>,
    /// Hours, in the mount's own system ([`AlpacaEngine::equatorial_system`]).
    pub right_ascension: Option<RightAscension>,
    /// Degrees, in the mount's own system.
    pub declination: Option<Declination>,
    /// Degrees above the horizon.
    pub altitude: Option<Altitude>,
    /// Degrees from north through east.
    pub azimuth: Option<Azimuth>,
    /// Hours of local apparent sidereal time, by the device.
    pub sidereal_time: Option<RightAscension>,
    /// The device's own clock.
    pub utc_date: Option<Timestamp>,
}

type Readings = HashMap<&'static str, Value>;

impl AlpacaEngine {
    /// The telescope at this moment. One whose link does not stand is answered as not connected, without asking it.
    pub async fn status(&self, id: &DeviceId) -> Result<TelescopeStatus, AlpacaError> {
        let device = self.telescope(id)?;
        if device.link() != Link::Connected {
            return Ok(TelescopeStatus::default());
        }
        let mut readings = self.device_state(&device).await?;
        let missing: Vec<_> =
            READ.into_iter().filter(|method| !readings.contains_key(method) && !device.lacks(method)).collect();
        let answers = join_all(missing.iter().map(|method| self.inner.get(&device, method))).await;
        let mut trouble = None;
        for (method, answer) in missing.into_iter().zip(answers) {
            match answer {
                Ok(value) => drop(readings.insert(method, value)),
                Err(error) if error.number() == Some(numbers::NOT_CONNECTED) => return Ok(TelescopeStatus::default()),
                Err(error) if error.is_unknown_method() => device.learn_lack(method),
                Err(AlpacaError::Device { .. }) => {}
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if readings.is_empty() => Err(error),
            Some(error) => {
                tracing::debug!(device = %device.id, %error, "a part of the status is missing");
                Ok(TelescopeStatus::read(&readings))
            }
            None => Ok(TelescopeStatus::read(&readings)),
        }
    }

    /// What the device tells of itself in one call; nothing where it can't.
    async fn device_state(&self, device: &Device) -> Result<Readings, AlpacaError> {
        if device.lacks(methods::DEVICE_STATE) {
            return Ok(Readings::new());
        }
        match self.inner.get(device, methods::DEVICE_STATE).await {
            Ok(value) => Ok(readings(&value)),
            Err(error) if error.is_unknown_method() => {
                device.learn_lack(methods::DEVICE_STATE);
                Ok(Readings::new())
            }
            // An answer that can't be used is no worse than none: the properties are asked one by one.
            Err(AlpacaError::Device { .. } | AlpacaError::Protocol { .. } | AlpacaError::Status { .. }) => {
                Ok(Readings::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// The readings in an answer to `devicestate`: a list of names and values. Entries that are not so are passed over.
fn readings(state: &Value) -> Readings {
    let entries = state.as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let entry = entry.as_object()?;
            let name = field(entry, fields::NAME)?.as_str()?;
            let known = READ.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
            let value = field(entry, fields::VALUE)?;
            (!value.is_null()).then(|| (known, value.clone()))
        })
        .collect()
}

impl TelescopeStatus {
    fn read(readings: &Readings) -> Self {
        let truth = |method| readings.get(method).and_then(as_truth);
        let number = |method| readings.get(method).and_then(as_number);
        Self {
            connected: true,
            tracking: truth(methods::TRACKING),
            slewing: truth(methods::SLEWING),
            at_park: truth(methods::AT_PARK),
            at_home: truth(methods::AT_HOME),
            right_ascension: number(methods::RIGHT_ASCENSION).and_then(hours),
            declination: number(methods::DECLINATION).and_then(|degrees| Declination::degrees(degrees).ok()),
            altitude: number(methods::ALTITUDE).and_then(|degrees| Altitude::degrees(degrees).ok()),
            azimuth: number(methods::AZIMUTH).and_then(azimuth),
            sidereal_time: number(methods::SIDEREAL_TIME).and_then(hours),
            utc_date: readings.get(methods::UTC_DATE).and_then(as_instant),
        }
    }
}

/// Hours; devices round up to a full 24.
fn hours(value: f64) -> Option<RightAscension> {
    RightAscension::hours(if value == 24.0 { 0.0 } else { value }).ok()
}

/// An azimuth; devices round up to a full 360.
fn azimuth(value: f64) -> Option<Azimuth> {
    Azimuth::degrees(if value == 360.0 { 0.0 } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_is_read_as_far_as_it_can_be() {
        let state = json!([
            { "Name": "Tracking", "Value": true },
            { "Name": "RIGHTASCENSION", "Value": "5.5" },
            { "name": "Declination", "value": 95.0 },
            { "Name": "Azimuth", "Value": 360.0 },
            { "Name": "Altitude", "Value": null },
            { "Name": "UTCDate", "Value": "2026-11-21T20:15:00.0000000" },
            { "Name": 5 },
            "nonsense",
        ]);
        let status = TelescopeStatus::read(&readings(&state));
        let wanted = TelescopeStatus {
            connected: true,
            tracking: Some(true),
            right_ascension: RightAscension::hours(5.5).ok(),
            azimuth: Azimuth::degrees(0.0).ok(),
            utc_date: "2026-11-21T20:15:00Z".parse().ok(),
            ..TelescopeStatus::default()
        };
        assert_eq!(status, wanted);
        assert!(readings(&json!({ "Name": "Tracking" })).is_empty());
    }
}
