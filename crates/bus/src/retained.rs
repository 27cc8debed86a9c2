//! What this client has retained: published again whenever it connects, and dead keys of its own states cleared.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use catalog::{Qos, topic};
use rumqttc::v5::mqttbytes::v5::Publish;

use crate::delivery::wire_qos;

/// The most states that one client keeps.
const MOST: usize = 100_000;

/// The states of this client.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    states: HashMap<String, (Bytes, Qos)>,
    /// What was kept since all were last published: between two connections, or while one is being made.
    changed: HashSet<String>,
    /// The filter under which every retained topic is ours, once all that live are in `states`.
    claimed: Option<String>,
}

impl Retained {
    /// Keeps a state to publish it again; false if there are too many.
    pub(crate) fn keep(&mut self, topic: &str, payload: Bytes, qos: Qos) -> bool {
        if self.states.len() >= MOST && !self.states.contains_key(topic) {
            return false;
        }
        self.states.insert(topic.to_owned(), (payload, qos));
        self.changed.insert(topic.to_owned());
        true
    }

    pub(crate) fn forget(&mut self, topic: &str) {
        self.states.remove(topic);
        self.changed.remove(topic);
    }

    pub(crate) fn claim(&mut self, filter: String) {
        self.claimed = Some(filter);
    }

    pub(crate) fn claimed(&self) -> Option<&String> {
        self.claimed.as_ref()
    }

    /// Everything, to be published at the start of a connection.
    pub(crate) fn all(&mut self) -> Vec<Publish> {
        self.changed.clear();
        self.states.iter().map(|(topic, (payload, qos))| retained_publish(topic, payload.clone(), *qos)).collect()
    }

    /// What changed since all were published, to be published once the connection stands.
    pub(crate) fn take_changed(&mut self) -> Vec<Publish> {
        let changed = std::mem::take(&mut self.changed);
        let kept = changed.iter().filter_map(|topic| Some((topic, self.states.get(topic)?)));
        kept.map(|(topic, (payload, qos))| retained_publish(topic, payload.clone(), *qos)).collect()
    }

    /// What clears `topic`, if it is ours by the claim and none of our states.
    pub(crate) fn clearing(&self, topic: &str) -> Option<Publish> {
        let is_claimed = self.claimed.as_ref().is_some_and(|filter| topic::matches(filter, topic));
        (is_claimed && !self.states.contains_key(topic))
            .then(|| retained_publish(topic, Bytes::new(), Qos::AtLeastOnce))
    }
}

pub(crate) fn retained_publish(topic: &str, payload: Bytes, qos: Qos) -> Publish {
    Publish { retain: true, ..Publish::new(topic, wire_qos(qos), payload, None) }
}
