//! A part of the stack as a container is asked for, and where one that is there differs from that.

use std::{collections::BTreeMap, path::Path};

use engine_containers::{
    Attachment, ContainerSpec, FileEntry, Hardening, Limits, Mount, Port, Published, Restart, StopRule, labels,
};

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
        ..ContainerSpec::new(name(stack, part.kind), part.image.clone())
    }
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

/// Where a container is not what it was asked to be, in words.
pub(super) fn drift(wanted: &ContainerSpec, there: &ContainerSpec) -> Vec<String> {
    let mut drift = Vec::new();
    let mut compare = |what: &str, differs: bool| {
        if differs {
            drift.push(format!("{what} was changed"));
        }
    };
    compare("image", wanted.image != there.image);
    // What equals the image's own is not there when the image's defaults are taken out.
    compare("command", there.command.is_some() && wanted.command != there.command);
    for (name, _) in there.environment.iter().filter(|(name, value)| wanted.environment.get(*name) != Some(*value)) {
        // The name alone: what it holds may be a secret.
        compare(&format!("variable {name}"), true);
    }
    compare("published port", sorted(&wanted.published) != sorted(&there.published));
    compare("memory limit", wanted.limits.memory_bytes != there.limits.memory_bytes);
    compare("processor limit", wanted.limits.cpus != there.limits.cpus);
    compare("restart policy", wanted.restart != there.restart);
    compare("root file system's protection", wanted.hardening.read_only_root != there.hardening.read_only_root);
    compare("privileges", wanted.hardening.privileged != there.hardening.privileged);
    compare(
        "capabilities",
        wanted.hardening.capabilities_dropped != there.hardening.capabilities_dropped
            || wanted.hardening.capabilities_added != there.hardening.capabilities_added,
    );
    for network in wanted.networks.keys().filter(|name| !there.networks.contains_key(*name)) {
        compare(&format!("connection to the network {network}"), true);
    }
    for network in there.networks.keys().filter(|name| !wanted.networks.contains_key(*name)) {
        compare(&format!("connection to the network {network}"), true);
    }
    let targets = |mounts: &[Mount]| -> BTreeMap<String, String> {
        mounts.iter().map(|mount| (format!("{mount:?}"), String::new())).collect()
    };
    compare("mounts", targets(&wanted.mounts) != targets(&there.mounts));
    drift
}

fn sorted(published: &[Published]) -> Vec<Published> {
    let mut published = published.to_vec();
    published.sort();
    published
}

/// Which configuration files are not as they were put there. What the engine gives begins with the folder's own name.
pub(super) fn file_drift(part: &Part, there: &[FileEntry]) -> Vec<String> {
    let below = |path: &str| path.trim_start_matches("./").split_once('/').map_or("", |(_, rest)| rest).to_owned();
    let found: BTreeMap<String, &[u8]> = there
        .iter()
        .filter_map(|entry| match entry {
            FileEntry::File { path, contents, .. } => Some((below(path), contents.as_slice())),
            FileEntry::Folder { .. } | FileEntry::Link { .. } => None,
        })
        .collect();
    let mut drift = Vec::new();
    for (path, text) in &part.files {
        match found.get(path) {
            None => drift.push(format!("{path} was removed")),
            Some(contents) if *contents != text.as_bytes() => drift.push(format!("{path} was changed")),
            Some(_) => {}
        }
    }
    drift
}
