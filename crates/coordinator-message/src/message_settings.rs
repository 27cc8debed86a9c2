//! The settings of the message coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// The message coordinator's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSettings {
    /// How often broker and system are looked at and their states published, in seconds. A coordinator that was not heard for three of these
    /// counts as unhealthy, so it should not be shorter than any coordinator's `health_interval_seconds`.
    pub monitor_interval: u32,
    /// How many probes of the broker may fail one after the other before it counts as unhealthy; until then it is degraded.
    pub max_reconnect_attempts: u32,
    /// How many dead letters may wait to be written; further ones are counted and thrown away.
    pub max_queue_size: u32,
    /// Means nothing here and is accepted for old rows: rights are checked where a message is received, from memory.
    pub validation_timeout: u32,
    /// Means nothing here and is accepted for old rows: rights are always checked.
    pub rbac_enabled: bool,
    /// A longer round trip through the broker, in milliseconds, counts as degraded.
    pub round_trip_milliseconds_max: u32,
    /// How long changes of health are kept, in days.
    pub health_retention_days: u32,
    /// How long dead letters are kept, in days.
    pub dead_letter_retention_days: u32,
    /// How many dead letters are kept, the newest.
    pub dead_letters_max: u32,
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self {
            monitor_interval: 30,
            max_reconnect_attempts: 5,
            max_queue_size: 1000,
            validation_timeout: 30,
            rbac_enabled: false,
            round_trip_milliseconds_max: 250,
            health_retention_days: 90,
            dead_letter_retention_days: 30,
            dead_letters_max: 10_000,
        }
    }
}

impl Settings for MessageSettings {
    fn validate(&self, complaints: &mut Complaints) {
        complaints.range("monitor_interval", self.monitor_interval, 1, 3600);
        complaints.range("max_reconnect_attempts", self.max_reconnect_attempts, 1, 1000);
        complaints.range("max_queue_size", self.max_queue_size, 1, 100_000);
        complaints.range("round_trip_milliseconds_max", self.round_trip_milliseconds_max, 1, 5000);
        complaints.range("health_retention_days", self.health_retention_days, 1, 3650);
        complaints.range("dead_letter_retention_days", self.dead_letter_retention_days, 1, 3650);
        complaints.range("dead_letters_max", self.dead_letters_max, 1, 1_000_000);
    }
}
