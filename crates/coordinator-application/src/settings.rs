//! The settings of the application coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// What can be set while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationSettings {
    /// How often the registry is looked through for services that fell silent, and the instants of their last heartbeats are published,
    /// in seconds.
    pub registry_check_interval: u32,
    /// A service that was silent for longer, in seconds, is unhealthy.
    pub service_timeout: u32,
    /// A service that was silent for longer, in seconds, is taken out of the registry.
    pub forget_after_seconds: u32,
    /// How many services the registry holds; one more is answered `busy`.
    pub services_max: u32,
}

impl Default for ApplicationSettings {
    fn default() -> Self {
        Self {
            registry_check_interval: 60,
            service_timeout: 180,
            forget_after_seconds: 7 * 24 * 3600,
            services_max: 10_000,
        }
    }
}

impl Settings for ApplicationSettings {
    fn validate(&self, complaints: &mut Complaints) {
        complaints.range("registry_check_interval", self.registry_check_interval, 1, 3600);
        complaints.range("service_timeout", self.service_timeout, 1, 24 * 3600);
        complaints.range("forget_after_seconds", self.forget_after_seconds, 1, 366 * 24 * 3600);
        complaints.range("services_max", self.services_max, 1, 50_000);
        if self.forget_after_seconds < self.service_timeout {
            complaints
                .add("forget_after_seconds", "is less than service_timeout: services would go before they are ill");
        }
    }
}
