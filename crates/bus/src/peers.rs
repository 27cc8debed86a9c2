//! Which coordinators have lost their connection to the broker, as their last wills tell.

use std::collections::HashSet;

use catalog::{Owner, topic};
use serde_json::Value;

/// Owners whose connection is gone.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    gone: HashSet<Owner>,
}

impl Peers {
    /// Reads a health report; only what a last will or a goodbye says counts.
    pub(crate) fn hear(&mut self, owner: Owner, payload: &[u8]) {
        let connection = serde_json::from_slice::<Value>(payload)
            .ok()
            .and_then(|report| report.pointer("/payload/details/connection").cloned());
        if connection.is_some_and(|word| word == "lost" || word == "closed") {
            self.gone.insert(owner);
        } else {
            self.gone.remove(&owner);
        }
    }

    /// Whether the owner of the message on `topic` is known to be gone.
    pub(crate) fn is_gone(&self, topic: &str) -> Option<Owner> {
        let rest = topic.strip_prefix(topic::inbound("").as_str())?;
        let owner = Owner::of_word(rest.split('/').next()?)?;
        self.gone.contains(&owner).then_some(owner)
    }
}

/// The owner whose health is published on `topic`.
pub(crate) fn owner_of_health(topic: &str) -> Option<Owner> {
    Owner::ALL.into_iter().find(|owner| topic::health(*owner) == topic)
}
