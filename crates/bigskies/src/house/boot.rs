//! Boot settings: what flags, environment and the boot file say, shown beside the other settings, read-only, with their origin.

use catalog::frame::Setting;
use serde_json::{Value, json};
use settings::Kind;

/// The boot settings of a process, as they are listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boot(Vec<Setting>);

impl Boot {
    /// Adds one.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>, origin: &str, description: &str) -> Self {
        self.0.push(Setting {
            key: key.to_owned(),
            value: value.into(),
            default: Value::Null,
            kind: Kind::String,
            description: description.to_owned(),
            secret: false,
            origin: origin.to_owned(),
        });
        self
    }

    /// Adds one whose value is never shown.
    #[must_use]
    pub(crate) fn with_secret(self, key: &str, origin: &str, description: &str) -> Self {
        let mut boot = self.with(key, json!("***"), origin, description);
        if let Some(last) = boot.0.last_mut() {
            last.secret = true;
        }
        boot
    }

    /// All of them.
    pub(crate) fn settings(self) -> Vec<Setting> {
        self.0
    }
}
