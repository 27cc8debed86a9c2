//! The settings of the telescope coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// Which networks discovery asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Every network of this machine.
    Networks,
    /// This machine alone.
    Loopback,
}

/// The settings of the telescope coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TelescopeSettings {
    /// The UDP port on which Alpaca devices are asked for.
    pub discovery_port: u16,
    /// Which networks discovery asks: `networks` (all of this machine) or `loopback`.
    pub discovery_reach: Reach,
    /// How long discovery waits for answers, in seconds.
    pub discovery_wait_seconds: f64,
    /// How often connected devices are probed, in seconds; three failures in a row and a device counts as lost.
    pub health_check_interval: u32,
    /// How often the position of a mount is published while it does not slew, in hertz.
    pub position_rate_hertz: f64,
    /// How often the position of a mount is published while it slews, in hertz.
    pub slewing_rate_hertz: f64,
    /// The altitude below which no slew may end, in degrees; -90 switches the check off.
    pub horizon_altitude_degrees_min: f64,
    /// How near to the Sun a slew may end while the Sun is up, in degrees; 0 switches the check off.
    pub sun_separation_degrees_min: f64,
    /// The latitude of mounts that do not know theirs, in degrees, north positive.
    pub site_latitude_degrees: Option<f64>,
    /// The longitude of mounts that do not know theirs, in degrees, east positive.
    pub site_longitude_degrees: Option<f64>,
    /// The elevation of mounts that do not know theirs, in metres above the sea.
    pub site_elevation_metres: f64,
}

impl Default for TelescopeSettings {
    fn default() -> Self {
        Self {
            discovery_port: 32227,
            discovery_reach: Reach::Networks,
            discovery_wait_seconds: 2.0,
            health_check_interval: 30,
            position_rate_hertz: 1.0,
            slewing_rate_hertz: 4.0,
            horizon_altitude_degrees_min: 5.0,
            sun_separation_degrees_min: 15.0,
            site_latitude_degrees: None,
            site_longitude_degrees: None,
            site_elevation_metres: 0.0,
        }
    }
}

impl Settings for TelescopeSettings {
    fn validate(&self, complaints: &mut Complaints) {
        complaints.range("discovery_port", self.discovery_port, 1, u16::MAX);
        complaints.range("discovery_wait_seconds", self.discovery_wait_seconds, 0.1, 20.0);
        complaints.range("health_check_interval", self.health_check_interval, 1, 3600);
        complaints.range("position_rate_hertz", self.position_rate_hertz, 0.01, 20.0);
        complaints.range("slewing_rate_hertz", self.slewing_rate_hertz, 0.01, 20.0);
        complaints.range("horizon_altitude_degrees_min", self.horizon_altitude_degrees_min, -90.0, 85.0);
        complaints.range("sun_separation_degrees_min", self.sun_separation_degrees_min, 0.0, 90.0);
        complaints.range("site_latitude_degrees", self.site_latitude_degrees.unwrap_or(0.0), -90.0, 90.0);
        complaints.range("site_longitude_degrees", self.site_longitude_degrees.unwrap_or(0.0), -180.0, 180.0);
        complaints.range("site_elevation_metres", self.site_elevation_metres, -1000.0, 10_000.0);
        if self.site_latitude_degrees.is_some() != self.site_longitude_degrees.is_some() {
            complaints.add("site_latitude_degrees", "latitude and longitude go together");
        }
    }
}
