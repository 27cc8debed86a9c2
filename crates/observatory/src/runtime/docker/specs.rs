//! A part of the stack as a container is asked for.

use std::{collections::BTreeMap, path::Path};

use engine_containers::{
    Attachment, ContainerSpec, Hardening, Limits, Mount, Port, Published, Restart, StopRule, labels,
};
use serde_json::{Map, Value, json};

use crate::{
    configuration::Kind,
    stack::{FINGERPRINT_LABEL, HOST_FROM_WITHIN, Part, Stack, short_hash},
};

/// Where a service finds its secrets.
pub(super) const SECRETS: &str = "/run/secrets";
/// Seconds that a service has for its end; Prometheus writes its last samples then.
const GRACE_SECONDS: u32 = 30;

/// The name that Compose would give it.
pub(super) fn name(stack: &Stack, kind: Kind) -> String {
    format!("{}-{kind}-1", stack.project)
}

/// The network's name on the engine.
pub(super) fn network(stack: &Stack) -> String {
    format!("{}_{}", stack.project, stack.network)
}

fn config_volume(kind: Kind) -> String {
    format!("{kind}-config")
}

fn secrets_volume(kind: Kind) -> String {
    format!("{kind}-secrets")
}

fn on_engine(stack: &Stack, volume: &str) -> String {
    format!("{}_{volume}", stack.project)
}

/// The volumes of a part: their names on the engine, and within the project.
pub(super) fn volumes(stack: &Stack, part: &Part) -> Vec<(String, String)> {
    let config = (!part.files.is_empty()).then(|| config_volume(part.kind));
    let secrets = (!part.secrets.is_empty()).then(|| secrets_volume(part.kind));
    let data = part.data.as_ref().map(|(name, _)| name.to_string());
    [config, secrets, data].into_iter().flatten().map(|within| (on_engine(stack, &within), within)).collect()
}

/// The volumes that belong to a container and not to the site.
pub(super) fn volumes_made_anew(stack: &Stack, kind: Kind) -> [String; 2] {
    [on_engine(stack, &config_volume(kind)), on_engine(stack, &secrets_volume(kind))]
}

/// The container of a part.
pub(super) fn container(stack: &Stack, part: &Part, folder: &Path) -> ContainerSpec {
    let written = part.written_fingerprint();
    let mut labels = labels::of_service(stack.project.as_str(), part.kind.as_str(), &short_hash(&written));
    labels.insert(labels::WORKING_FOLDER.to_owned(), folder.display().to_string());
    labels.insert(labels::CONFIGURATION_FILES.to_owned(), folder.join("compose.yaml").display().to_string());
    labels.insert(FINGERPRINT_LABEL.to_owned(), written);
    let attachment = Attachment { aliases: vec![part.kind.to_string()], ..Attachment::default() };
    ContainerSpec {
        command: Some(part.arguments.clone()).filter(|arguments| !arguments.is_empty()),
        environment: part.variables.clone(),
        labels,
        published: vec![Published {
            container: Port::tcp(part.inner_port),
            host_address: Some(stack.bind.to_string()),
            host_port: Some(part.port.number()),
        }],
        mounts: mounts(stack, part),
        networks: BTreeMap::from([(network(stack), attachment)]),
        extra_hosts: vec![format!("{HOST_FROM_WITHIN}:host-gateway")],
        restart: Restart::UnlessStopped,
        stop: StopRule { signal: None, grace_seconds: Some(GRACE_SECONDS) },
        limits: Limits { memory_bytes: part.memory_bytes, ..Limits::default() },
        hardening: Hardening { read_only_root: part.is_read_only(), ..Hardening::strict() },
        more: unfilled(stack, part),
        ..ContainerSpec::new(name(stack, part.kind), part.image.clone())
    }
}

/// The mounts once more, in the engine's words: a volume of ours is not filled with the files that an image has in that place, so that
/// each file in it is ours or was put there behind our back. Data may be the image's.
fn unfilled(stack: &Stack, part: &Part) -> Map<String, Value> {
    let ours = volumes_made_anew(stack, part.kind);
    let mounts = mounts(stack, part).into_iter().filter_map(|mount| match mount {
        Mount::Volume { name, target, read_only } => {
            let no_copy = name.as_ref().is_some_and(|name| ours.contains(name));
            let options = no_copy.then(|| json!({ "NoCopy": true }));
            Some(json!({
                "Type": "volume", "Source": name, "Target": target, "ReadOnly": read_only, "VolumeOptions": options,
            }))
        }
        Mount::Bind { .. } | Mount::Tmpfs { .. } => None,
    });
    let mounts: Vec<Value> = mounts.collect();
    Map::from_iter([("HostConfig".to_owned(), json!({ "Mounts": mounts }))])
}

fn mounts(stack: &Stack, part: &Part) -> Vec<Mount> {
    let volume = |within: &str, target: &str| Mount::Volume {
        name: Some(on_engine(stack, within)),
        target: target.to_owned(),
        read_only: false,
    };
    let mut mounts = Vec::new();
    if !part.files.is_empty() {
        mounts.push(volume(&config_volume(part.kind), &part.config));
    }
    if !part.secrets.is_empty() {
        mounts.push(volume(&secrets_volume(part.kind), SECRETS));
    }
    mounts.extend(part.data.iter().map(|(name, target)| volume(name.as_str(), target)));
    mounts
}
