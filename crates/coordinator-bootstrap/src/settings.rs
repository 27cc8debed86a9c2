//! The settings of the bootstrap coordinator. Where broker and database are is no setting: see [`crate::configuration`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// What can be set while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootstrapSettings {
    /// How often the credentials are published again, in seconds.
    pub republish_interval_seconds: u32,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self { republish_interval_seconds: 30 }
    }
}

impl Settings for BootstrapSettings {
    fn validate(&self, complaints: &mut Complaints) {
        complaints.range("republish_interval_seconds", self.republish_interval_seconds, 1, 3600);
    }
}
