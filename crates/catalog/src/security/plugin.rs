//! The token that a plugin is sent, on a topic that it alone reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Timestamp, ids::PluginId};

use super::example_id;
use crate::{Entry, frame::example_time, kinds::Shape, secret::Secret, topic};

/// The token of a plugin, as the spec's bare object. Sent to that plugin alone on its first heartbeat and before the last one ends; never
/// retained.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PluginToken {
    /// Whose it is.
    pub plugin_id: PluginId,
    /// The token, to bring with protected requests.
    pub token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl PluginToken {
    const NAME: &'static str = "security/plugin/token";

    pub(super) const ENTRY: Entry = Entry::addressed::<Self>(Self::NAME, "the plugin's id");

    /// The topic on which `plugin` is sent its token.
    pub fn topic(plugin: &PluginId) -> String {
        topic::addressed(Self::NAME, plugin.as_str())
    }
}

impl Shape for PluginToken {
    fn example() -> Self {
        Self {
            plugin_id: example_id("all-sky-camera"),
            token: Secret::new("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
            expires_at: example_time(),
        }
    }
}
