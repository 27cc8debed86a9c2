//! The settings of the datastore coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};
use store::PoolSettings;

/// The datastore coordinator's settings. Those of the pool hold for every coordinator of the same process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatastoreSettings {
    /// Connections at most.
    pub max_connections: u32,
    /// Connections that are kept open.
    pub min_connections: u32,
    /// A connection is replaced when it is this old, in seconds.
    pub max_lifetime_seconds: u32,
    /// A connection above the minimum is closed after this time without use, in seconds.
    pub idle_timeout_seconds: u32,
    /// How long is waited for a free connection, and for a database that is away, in seconds.
    pub connect_timeout_seconds: u32,
    /// How long a statement may take, in seconds.
    pub statement_timeout_seconds: u32,
    /// How often something without effect is tried again after its connection broke.
    pub retry_attempts: u32,
    /// The pause before the first of these tries, in milliseconds; it doubles with each.
    pub retry_delay_milliseconds: u32,
    /// From this part on of the pool's or the server's connections, in percent, health is degraded.
    pub capacity_warning_percent: u32,
}

impl Default for DatastoreSettings {
    fn default() -> Self {
        Self {
            max_connections: 20,
            min_connections: 5,
            max_lifetime_seconds: 1800,
            idle_timeout_seconds: 600,
            connect_timeout_seconds: 5,
            statement_timeout_seconds: 10,
            retry_attempts: 4,
            retry_delay_milliseconds: 50,
            capacity_warning_percent: 80,
        }
    }
}

impl Settings for DatastoreSettings {
    fn validate(&self, complaints: &mut Complaints) {
        // Two at least: a change of settings holds one in its transaction while it asks whether the database answers.
        complaints.range("max_connections", self.max_connections, 2, 1000);
        complaints.range("min_connections", self.min_connections, 0, 1000);
        if self.min_connections > self.max_connections {
            let (min, max) = (self.min_connections, self.max_connections);
            complaints.add("min_connections", format!("{min} is more than max_connections, which is {max}"));
        }
        complaints.range("max_lifetime_seconds", self.max_lifetime_seconds, 10, 7 * 86_400);
        complaints.range("idle_timeout_seconds", self.idle_timeout_seconds, 1, 86_400);
        complaints.range("connect_timeout_seconds", self.connect_timeout_seconds, 1, 60);
        complaints.range("statement_timeout_seconds", self.statement_timeout_seconds, 1, 600);
        complaints.range("retry_attempts", self.retry_attempts, 0, 20);
        complaints.range("retry_delay_milliseconds", self.retry_delay_milliseconds, 1, 10_000);
        complaints.range("capacity_warning_percent", self.capacity_warning_percent, 1, 100);
    }
}

impl DatastoreSettings {
    /// What of them is the pool's.
    pub(crate) fn pool(&self) -> PoolSettings {
        PoolSettings {
            min: self.min_connections,
            max: self.max_connections,
            max_lifetime_seconds: self.max_lifetime_seconds.into(),
            idle_timeout_seconds: self.idle_timeout_seconds.into(),
            acquire_timeout_seconds: self.connect_timeout_seconds.into(),
            statement_timeout_seconds: self.statement_timeout_seconds.into(),
            retry_attempts: self.retry_attempts,
            retry_delay_milliseconds: self.retry_delay_milliseconds.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand() {
        let given = DatastoreSettings::default;
        for (settings, keys) in [
            (given(), vec![]),
            (DatastoreSettings { min_connections: 20, ..given() }, vec![]),
            (DatastoreSettings { min_connections: 21, ..given() }, vec!["min_connections"]),
            (DatastoreSettings { max_connections: 1, ..given() }, vec!["max_connections", "min_connections"]),
            (
                DatastoreSettings { capacity_warning_percent: 0, retry_attempts: 21, ..given() },
                vec!["retry_attempts", "capacity_warning_percent"],
            ),
        ] {
            let mut complaints = Complaints::default();
            settings.validate(&mut complaints);
            assert_eq!(complaints.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys, "{settings:?}");
        }
    }
}
