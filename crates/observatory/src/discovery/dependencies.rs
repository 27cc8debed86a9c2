//! What depends on what: links, what Compose was told, and what containers share.

use std::collections::BTreeMap;

use engine_containers::labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Found, Holds};

/// One container needs another, or several share something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The container.
    pub from: String,
    /// The other.
    pub on: String,
    /// In which way: `link`, `depends_on`, `network of`, `volumes of`, or what both share.
    pub why: String,
}

/// The containers that one can't do without, by what it was asked to be: they have to be there first.
pub fn needs(spec: &engine_containers::ContainerSpec) -> Vec<(String, String)> {
    let mut needs = Vec::new();
    let host = spec.more.get("HostConfig").unwrap_or(&Value::Null);
    let texts = |key: &str| host.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let before_colon = |text: &str| text.split(':').next().unwrap_or(text).to_owned();
    needs.extend(texts("Links").map(|link| (before_colon(link), "link".to_owned())));
    needs.extend(texts("VolumesFrom").map(|from| (before_colon(from), "volumes of".to_owned())));
    for attachment in spec.networks.values() {
        needs.extend(attachment.links.iter().map(|link| (before_colon(link), "link".to_owned())));
    }
    let modes = [
        (spec.network_mode.as_deref(), "network of"),
        (host.get("PidMode").and_then(Value::as_str), "processes of"),
        (host.get("IpcMode").and_then(Value::as_str), "memory of"),
    ];
    for (mode, why) in modes {
        if let Some(other) = mode.and_then(|mode| mode.strip_prefix("container:")) {
            needs.push((other.to_owned(), why.to_owned()));
        }
    }
    needs
}

/// All of them, in order.
pub(super) fn dependencies(containers: &[Found]) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    for container in containers {
        let from = container.spec.name.clone();
        let mut add = |on: String, why: String| found.push(Dependency { from: from.clone(), on, why });
        for (on, why) in needs(&container.spec) {
            add(on, why);
        }
        let of_compose = container.spec.labels.get(labels::DEPENDS_ON).map(String::as_str).unwrap_or_default();
        let project = container.spec.labels.get(labels::PROJECT);
        for entry in of_compose.split(',').filter(|entry| !entry.is_empty()) {
            let service = entry.split(':').next().unwrap_or(entry);
            for other in containers.iter().filter(|other| {
                other.spec.labels.get(labels::PROJECT) == project
                    && other.spec.labels.get(labels::SERVICE).is_some_and(|name| name == service)
            }) {
                add(other.spec.name.clone(), "depends_on".to_owned());
            }
        }
    }
    found.extend(shared(containers));
    found.sort();
    found.dedup();
    found
}

/// Containers that share a network, a volume or a folder of the host: each with the next one.
fn shared(containers: &[Found]) -> Vec<Dependency> {
    let mut users: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for container in containers {
        let name = container.spec.name.as_str();
        for network in container.spec.networks.keys() {
            users.entry(format!("both on network {network}")).or_default().push(name);
        }
        for place in container.places.iter().filter(|place| place.holds != Holds::Host) {
            if let Some(volume) = &place.volume {
                users.entry(format!("both use volume {volume}")).or_default().push(name);
            } else if let Some(source) = &place.source {
                users.entry(format!("both use {source} of the host")).or_default().push(name);
            }
        }
    }
    let pair = |why: &String, one: &str, other: &str| Dependency {
        from: one.to_owned(),
        on: other.to_owned(),
        why: why.clone(),
    };
    let pairs = users.iter().flat_map(|(why, names)| {
        names
            .iter()
            .zip(names.iter().skip(1))
            .filter(|(one, other)| one != other)
            .map(|(one, other)| pair(why, one, other))
    });
    pairs.collect()
}
