//! What can be set about accounts; the coordinator keeps it among its own settings.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DAY_SECONDS: u64 = 86_400;

/// The settings of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountsSettings {
    /// The least number of characters of a new password. Longer ones, up to 1024 bytes, are always allowed.
    pub password_length_min: u32,
    /// How many of the four kinds of character (a-z, A-Z, 0-9, others) a new password has at least; 0 asks for none.
    pub password_classes_min: u32,
    /// After how many days a password must be changed; 0 means never.
    pub password_age_days_max: u32,
    /// The memory that hashing a password takes (Argon2id), in KiB.
    pub argon2_memory_kibibytes: u32,
    /// How often that memory is gone through.
    pub argon2_passes: u32,
    /// On how many lanes.
    pub argon2_lanes: u32,
    /// After how many failed logins within the window an account or a place is locked.
    pub lockout_failures: u32,
    /// The window in which failed logins are counted together, in seconds.
    pub lockout_window_seconds: u32,
    /// How long the first lock lasts, in seconds; each further one lasts twice as long.
    pub lockout_seconds: u32,
    /// How long a lock lasts at most, in seconds. After as long a time in peace the count of locks begins anew.
    pub lockout_seconds_max: u32,
    /// For how many days a place from which an account logged in is known, and keeps a count of its own.
    pub known_peer_days: u32,
    /// How long a one-time secret for choosing a password is good, in hours.
    pub setup_secret_hours: u32,
}

impl Default for AccountsSettings {
    fn default() -> Self {
        Self {
            password_length_min: 8,
            password_classes_min: 0,
            password_age_days_max: 0,
            argon2_memory_kibibytes: 19_456,
            argon2_passes: 2,
            argon2_lanes: 1,
            lockout_failures: 5,
            lockout_window_seconds: 900,
            lockout_seconds: 900,
            lockout_seconds_max: 86_400,
            known_peer_days: 30,
            setup_secret_hours: 24,
        }
    }
}

/// What can't stand about one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The setting.
    pub key: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl AccountsSettings {
    /// Everything that can't stand; the floor of the hash is that of OWASP's Password Storage Cheat Sheet.
    pub fn validate(&self) -> Vec<Complaint> {
        let ranges = [
            ("password_length_min", self.password_length_min, 8, 64),
            ("password_classes_min", self.password_classes_min, 0, 4),
            ("password_age_days_max", self.password_age_days_max, 0, 3650),
            ("argon2_memory_kibibytes", self.argon2_memory_kibibytes, 7168, 1_048_576),
            ("argon2_passes", self.argon2_passes, 1, 16),
            ("argon2_lanes", self.argon2_lanes, 1, 16),
            ("lockout_failures", self.lockout_failures, 1, 100),
            ("lockout_window_seconds", self.lockout_window_seconds, 60, 86_400),
            ("lockout_seconds", self.lockout_seconds, 60, 86_400),
            ("lockout_seconds_max", self.lockout_seconds_max, 60, 604_800),
            ("known_peer_days", self.known_peer_days, 0, 365),
            ("setup_secret_hours", self.setup_secret_hours, 1, 168),
        ];
        let outside = ranges.into_iter().filter(|(_, value, low, high)| !(low..=high).contains(&value));
        let mut complaints: Vec<Complaint> = outside
            .map(|(key, value, low, high)| Complaint { key, what: format!("{value} is not between {low} and {high}") })
            .collect();
        if self.lockout_seconds > self.lockout_seconds_max {
            let what = format!("{} is more than lockout_seconds_max", self.lockout_seconds);
            complaints.push(Complaint { key: "lockout_seconds", what });
        }
        let work = u64::from(self.argon2_memory_kibibytes) * u64::from(self.argon2_passes);
        if work < 35_840 {
            let what = "memory times passes is below 35840, which is too little against guessing".to_owned();
            complaints.push(Complaint { key: "argon2_passes", what });
        }
        complaints
    }

    /// How old a password may be; nothing where that is all the same.
    pub fn password_age_max(&self) -> Option<Duration> {
        (self.password_age_days_max > 0)
            .then(|| Duration::from_secs(u64::from(self.password_age_days_max) * DAY_SECONDS))
    }

    pub(crate) fn known_peer_age_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.known_peer_days) * DAY_SECONDS)
    }

    pub(crate) fn setup_secret_age_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.setup_secret_hours) * 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_at_once() {
        let good = AccountsSettings::default();
        for (what, given, keys) in [
            ("defaults", good.clone(), vec![]),
            ("short", AccountsSettings { password_length_min: 7, ..good.clone() }, vec!["password_length_min"]),
            ("long", AccountsSettings { password_length_min: 65, ..good.clone() }, vec!["password_length_min"]),
            ("no lock", AccountsSettings { lockout_failures: 0, ..good.clone() }, vec!["lockout_failures"]),
            ("cheap", AccountsSettings { argon2_passes: 1, ..good.clone() }, vec!["argon2_passes"]),
            (
                "locks that shrink, and classes that there are not",
                AccountsSettings {
                    lockout_seconds: 600,
                    lockout_seconds_max: 300,
                    password_classes_min: 5,
                    ..good.clone()
                },
                vec!["password_classes_min", "lockout_seconds"],
            ),
        ] {
            let found: Vec<&str> = given.validate().iter().map(|complaint| complaint.key).collect();
            assert_eq!(found, keys, "{what}");
        }
    }
}
