//! The settings that the frame adds to every coordinator's own.

use std::collections::BTreeMap;

use catalog::Qos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// The frame's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrameSettings {
    /// How often health is published when nothing changes, in seconds.
    pub health_interval_seconds: u32,
    /// How many commands may wait in a lane before others are answered `busy`.
    pub queue_capacity: u32,
    /// How many commands of the ordinary lane are executed at once.
    pub concurrency: u32,
    /// The quality of service (0 to 2) of messages that shall not have the declared one, by name.
    pub qos: BTreeMap<String, Qos>,
}

impl Default for FrameSettings {
    fn default() -> Self {
        Self { health_interval_seconds: 30, queue_capacity: 16_384, concurrency: 32, qos: BTreeMap::new() }
    }
}

impl Settings for FrameSettings {
    fn validate(&self, complaints: &mut Complaints) {
        complaints.range("health_interval_seconds", self.health_interval_seconds, 1, 3600);
        complaints.range("queue_capacity", self.queue_capacity, 1, 1_000_000);
        complaints.range("concurrency", self.concurrency, 1, 1024);
        let known = catalog::Directory::default();
        for name in self.qos.keys().filter(|name| known.named(name).is_none()) {
            complaints.add("qos", format!("no message is called {name}"));
        }
    }
}
