//! Which message a topic means.

use std::collections::HashMap;

use crate::{Entry, topic};

/// All topics of the catalogue, canonical and aliases, to look messages up by.
#[derive(Debug)]
pub struct Directory {
    entries: Vec<Entry>,
    exact: HashMap<String, usize>,
    keyed: Vec<(String, usize)>,
}

impl Default for Directory {
    fn default() -> Self {
        Self::of(crate::all())
    }
}

impl Directory {
    /// A directory of these messages.
    pub fn of(entries: Vec<Entry>) -> Self {
        let mut exact = HashMap::new();
        let mut keyed = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if !entry.key.is_empty() {
                keyed.push((entry.topic_of("+"), index));
                continue;
            }
            exact.insert(entry.topic(), index);
            for alias in entry.inbound_topics() {
                exact.insert(alias, index);
            }
            if let Some(response) = entry.response_topic() {
                exact.insert(response, index);
            }
        }
        Self { entries, exact, keyed }
    }

    /// The message that is published on `topic`, or answered there.
    pub fn find(&self, topic: &str) -> Option<&Entry> {
        let index = self.exact.get(topic).copied().or_else(|| {
            let row = self.keyed.iter().find(|(filter, _)| topic::matches(filter, topic));
            row.map(|(_, index)| *index)
        });
        index.and_then(|index| self.entries.get(index))
    }

    /// The message of this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Whether somebody owns `topic`: it is in the catalogue, a reply, a plugin's or a broker's own.
    pub fn owns(&self, topic: &str) -> bool {
        topic.starts_with('$')
            || topic::account_of_reply(topic).is_some()
            || topic::matches(topic::PLUGINS, topic)
            || self.find(topic).is_some()
    }

    /// All messages.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
