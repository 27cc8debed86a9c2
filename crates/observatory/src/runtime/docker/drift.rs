//! Where a container is not what it was asked to be, whoever changed it: each difference in words for a person.

use std::collections::{BTreeMap, BTreeSet};

use engine_containers::{Change, ChangeKind, Container, ContainerSpec, FileEntry, Hardening, Image, Limits, Mount};
use serde_json::Value;

use crate::stack::Part;

/// Folders of a root file system that programs write to while they run. Grafana unpacks its plugins beside itself.
const WRITTEN_TO: [&str; 9] = [
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/usr/share/grafana/data",
    "/usr/share/grafana/plugins-bundled",
    "/var",
    "/usr/share/grafana/.cache",
];
/// More changed files than this are not named one by one.
const FILES_NAMED_MAX: usize = 5;
/// What no field of a specification says and none of ours has: each opens a container towards its host, or narrows it.
const FOREIGN: [&str; 7] = ["CpuQuota", "DeviceRequests", "Devices", "IpcMode", "PidMode", "UsernsMode", "VolumesFrom"];

/// What differs in its making: the engine says all of it in one answer.
pub(super) fn of_container(wanted: &ContainerSpec, container: &Container, image: Option<&Image>) -> Vec<String> {
    let there = container.spec(image);
    let mut found = Vec::new();
    let mut compare = |what: &str, differs: bool| {
        if differs {
            found.push(format!("{what} was changed"));
        }
    };
    compare("name", wanted.name != there.name);
    compare("image", wanted.image != there.image);
    compare("published port", sorted(&wanted.published) != sorted(&there.published));
    compare("restart policy", wanted.restart != there.restart);
    compare("names of other hosts", wanted.extra_hosts != there.extra_hosts);
    compare("name servers", wanted.dns != there.dns);
    // Without its image nobody can say what is the container's own and what is but the image's.
    if let Some(image) = image {
        let is_of_image = there.command.is_none() && wanted.command.as_ref() == Some(&image.defaults.command);
        compare("command", wanted.command != there.command && !is_of_image);
        compare("entrypoint", wanted.entrypoint != there.entrypoint);
        compare("user", wanted.user != there.user);
        compare("working folder", wanted.working_folder != there.working_folder);
        compare("health check", wanted.health != there.health);
        compare("rule for its end", wanted.stop != there.stop);
    }
    found.extend(variables(wanted, container, &there, image));
    found.extend(labels(wanted, container, &there, image));
    found.extend(limits(&wanted.limits, &there.limits));
    found.extend(hardening(&wanted.hardening, &there.hardening));
    found.extend(networks(wanted, &there));
    found.extend(mounts(&wanted.mounts, &there.mounts));
    let more = there.more.get("HostConfig").and_then(Value::as_object);
    let foreign = FOREIGN.iter().filter(|key| more.is_some_and(|more| more.contains_key(**key)));
    found.extend(foreign.map(|key| format!("{key} was changed")));
    found
}

/// The name alone: what a variable holds may be a secret.
fn variables(
    wanted: &ContainerSpec,
    container: &Container,
    there: &ContainerSpec,
    image: Option<&Image>,
) -> Vec<String> {
    let changed = wanted.environment.iter().filter(|(name, value)| container.environment.get(*name) != Some(*value));
    let added = there.environment.keys().filter(|name| image.is_some() && !wanted.environment.contains_key(*name));
    let names: BTreeSet<&String> = changed.map(|(name, _)| name).chain(added).collect();
    names.into_iter().map(|name| format!("variable {name} was changed")).collect()
}

fn labels(wanted: &ContainerSpec, container: &Container, there: &ContainerSpec, image: Option<&Image>) -> Vec<String> {
    let changed = wanted.labels.iter().filter(|(name, value)| container.labels.get(*name) != Some(*value));
    let added = there.labels.keys().filter(|name| image.is_some() && !wanted.labels.contains_key(*name));
    let names: BTreeSet<&String> = changed.map(|(name, _)| name).chain(added).collect();
    names.into_iter().map(|name| format!("label {name} was changed")).collect()
}

/// Swap is left out: an engine that can't bound it writes down something else than it was asked for.
fn limits(wanted: &Limits, there: &Limits) -> Vec<String> {
    let pairs = [
        ("memory", wanted.memory_bytes != there.memory_bytes),
        ("reserved memory", wanted.memory_reservation_bytes != there.memory_reservation_bytes),
        ("processor", wanted.cpus != there.cpus),
        ("processor share", wanted.cpu_shares != there.cpu_shares),
        ("processor set", wanted.cpu_set != there.cpu_set),
        ("process", wanted.processes != there.processes),
    ];
    let differing = pairs.iter().filter(|(_, differs)| *differs);
    differing.map(|(what, _)| format!("{what} limit was changed")).collect()
}

fn hardening(wanted: &Hardening, there: &Hardening) -> Vec<String> {
    let pairs = [
        ("root file system's protection", wanted.read_only_root != there.read_only_root),
        ("way to new privileges", wanted.no_new_privileges != there.no_new_privileges),
        (
            "capabilities",
            (&wanted.capabilities_dropped, &wanted.capabilities_added)
                != (&there.capabilities_dropped, &there.capabilities_added),
        ),
        ("privileges", wanted.privileged != there.privileged),
        ("groups", wanted.groups != there.groups),
        ("security options", wanted.options != there.options),
    ];
    let differing = pairs.iter().filter(|(_, differs)| *differs);
    differing.map(|(what, _)| format!("{what} was changed")).collect()
}

fn networks(wanted: &ContainerSpec, there: &ContainerSpec) -> Vec<String> {
    let mut found = Vec::new();
    for (name, attachment) in &wanted.networks {
        match there.networks.get(name) {
            None => found.push(format!("it was detached from the network {name}")),
            Some(now) if attachment.aliases.iter().any(|alias| !now.aliases.contains(alias)) => {
                found.push(format!("its name on the network {name} was changed"));
            }
            Some(_) => {}
        }
    }
    let added = there.networks.keys().filter(|name| !wanted.networks.contains_key(*name));
    found.extend(added.map(|name| format!("it was attached to the network {name}")));
    found
}

fn mounts(wanted: &[Mount], there: &[Mount]) -> Vec<String> {
    let by_target = |mounts: &[Mount]| -> BTreeMap<String, Mount> {
        mounts.iter().map(|mount| (target(mount).to_owned(), mount.clone())).collect()
    };
    let (wanted, there) = (by_target(wanted), by_target(there));
    let targets: BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
    let differing = targets.into_iter().filter(|target| wanted.get(*target) != there.get(*target));
    differing.map(|target| format!("what is mounted at {target} was changed")).collect()
}

fn target(mount: &Mount) -> &str {
    match mount {
        Mount::Volume { target, .. } | Mount::Bind { target, .. } | Mount::Tmpfs { target, .. } => target,
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// Which configuration files are not as they were put there.
pub(super) fn of_files(part: &Part, there: &[FileEntry]) -> Vec<String> {
    let found = contents(there);
    let names: BTreeSet<&String> = part.files.keys().chain(found.keys()).collect();
    let said = names.into_iter().filter_map(|path| match (part.files.get(path), found.get(path)) {
        (Some(_), None) => Some(format!("{path} was removed")),
        (None, Some(_)) => Some(format!("{path} was added")),
        (Some(text), Some(now)) if *now != text.as_bytes() => Some(format!("{path} was changed")),
        _ => None,
    });
    said.collect()
}

/// Which secrets are not those that are meant: another one was put there, or another one is meant by now.
pub(super) fn of_secrets(meant: &BTreeMap<String, String>, there: &[FileEntry]) -> Vec<String> {
    let found = contents(there);
    let differing = meant.iter().filter(|(name, secret)| found.get(*name).copied() != Some(secret.as_bytes()));
    differing.map(|(name, _)| format!("secret {name} was changed")).collect()
}

/// The files by their path in the folder; what the engine gives begins with the folder's own name.
fn contents(there: &[FileEntry]) -> BTreeMap<String, &[u8]> {
    let below = |path: &str| path.trim_start_matches("./").split_once('/').map_or("", |(_, rest)| rest).to_owned();
    let files = there.iter().filter_map(|entry| match entry {
        FileEntry::File { path, contents, .. } => Some((below(path), contents.as_slice())),
        FileEntry::Folder { .. } | FileEntry::Link { .. } => None,
    });
    files.collect()
}

/// Which files of the root file system were changed that no program of ours writes to.
pub(super) fn of_root(wanted: &ContainerSpec, changes: &[Change]) -> Vec<String> {
    let is_below = |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let is_own = |path: &str| WRITTEN_TO.iter().any(|folder| path == *folder || is_below(path, folder));
    // A folder is listed with what was changed in it, and where something is mounted.
    let leads_on = |path: &str| {
        changes.iter().any(|other| is_below(&other.path, path))
            || wanted.mounts.iter().any(|mount| target(mount) == path || is_below(target(mount), path))
    };
    let foreign: Vec<&Change> = changes.iter().filter(|one| !is_own(&one.path) && !leads_on(&one.path)).collect();
    let mut said: Vec<String> = foreign.iter().take(FILES_NAMED_MAX).map(|change| in_words(change)).collect();
    if foreign.len() > said.len() {
        said.push(format!("{} more files were changed", foreign.len() - said.len()));
    }
    said
}

fn in_words(change: &Change) -> String {
    let deed = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Modified => "changed",
        ChangeKind::Deleted => "removed",
    };
    format!("{} was {deed}", change.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_themselves_is_no_drift() {
        let mounts = vec![Mount::Tmpfs { target: "/etc/grafana".to_owned(), size_bytes: None, mode: None }];
        let wanted = ContainerSpec { mounts, ..ContainerSpec::default() };
        let check = |kind: ChangeKind, paths: &[&str], expected: &[&str]| {
            let changes: Vec<Change> = paths.iter().map(|path| Change { path: (*path).to_owned(), kind }).collect();
            assert_eq!(of_root(&wanted, &changes), expected, "{paths:?}");
        };
        check(ChangeKind::Modified, &["/etc", "/run", "/run/secrets", "/tmp/x", "/var/log/grafana/grafana.log"], &[]);
        check(ChangeKind::Added, &["/usr", "/usr/bin", "/usr/bin/miner"], &["/usr/bin/miner was added"]);
        check(ChangeKind::Deleted, &["/etc/passwd"], &["/etc/passwd was removed"]);
        check(ChangeKind::Added, &["/runner"], &["/runner was added"]);
        let many = ["/a", "/b", "/c", "/d", "/e", "/f", "/g"];
        let said = ["/a was added", "/b was added", "/c was added", "/d was added", "/e was added"];
        check(ChangeKind::Added, &many, &[said.as_slice(), &["2 more files were changed"]].concat());
    }
}
