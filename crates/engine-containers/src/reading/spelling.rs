//! One spelling for what engines and their clients write in several: whoever made a container, with whichever words, it is read alike.

use serde_json::{Value, json};

use super::{SHORT_ID, is_empty, list, object_in, set, text};
use crate::{Port, rendering::NO_NEW_PRIVILEGES};

/// Lists in which nothing counts twice. Compose refuses them if something stands there twice.
const ONCE: [&str; 10] = [
    "Binds",
    "DeviceCgroupRules",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "Links",
    "SecurityOpt",
    "VolumesFrom",
];

/// Writes both halves of a request in one way.
pub(super) fn in_one_way(asked: &mut Value, host: &mut Value, raw: &Value) {
    // A link is written with the other's name alone, and read with slashes before both.
    let own = text(raw, "Name").unwrap_or_default();
    each(host, "Links", |link| {
        let (other, alias) = link.split_once(':').unwrap_or((link, ""));
        let alias = alias.strip_prefix(&format!("{own}/")).unwrap_or(alias);
        format!("{}:{}", other.trim_start_matches('/'), alias.trim_start_matches('/'))
    });
    each(host, "SecurityOpt", |option| match option {
        "no-new-privileges:true" | "no-new-privileges=true" => NO_NEW_PRIVILEGES.to_owned(),
        _ => option.to_owned(),
    });
    for key in ["CapAdd", "CapDrop"] {
        each(host, key, capability);
    }
    if list(asked, "Entrypoint").is_empty() {
        set(asked, "Entrypoint", Value::Null);
    }
    environment(asked);
    ulimits(host);
    ports(asked, "ExposedPorts");
    ports(host, "PortBindings");
    one_place_for_mounts(asked, host);
    network_mode(host, raw);
    for key in ONCE {
        let mut entries: Vec<String> = Vec::new();
        list(host, key).into_iter().for_each(|entry| {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        });
        if !entries.is_empty() {
            set(host, key, entries.into());
        }
    }
}

/// Newer engines write `CAP_` before a capability, older ones keep what was typed.
fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").map(str::to_owned).unwrap_or(upper)
}

/// The last value of a variable counts. A name without a value takes the image's away, where no value is said.
fn environment(asked: &mut Value) {
    let lines = list(asked, "Env");
    let name = |line: &str| line.split('=').next().unwrap_or(line).to_owned();
    let counts = |(at, line): &(usize, &String)| {
        let mut others = lines.iter().enumerate().filter(|(_, other)| name(other) == name(line));
        let has_value = line.contains('=');
        let is_overruled = |(there, other): (usize, &String)| {
            if has_value { there > *at && other.contains('=') } else { other.contains('=') || there > *at }
        };
        !others.any(is_overruled)
    };
    let kept: Vec<String> = lines.iter().enumerate().filter(counts).map(|(_, line)| line.clone()).collect();
    set(asked, "Env", kept.into());
}

/// Podman calls them as the kernel does.
fn ulimits(host: &mut Value) {
    for limit in host.get_mut("Ulimits").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = text(limit, "Name").and_then(|name| name.strip_prefix("RLIMIT_").map(str::to_lowercase)) {
            set(limit, "Name", name.into());
        }
    }
}

/// `53/UDP` is `53/udp`, and `80` is `80/tcp`.
fn ports(of: &mut Value, key: &str) {
    let Some(found) = of.get_mut(key).and_then(Value::as_object_mut) else { return };
    for (port, bindings) in std::mem::take(found) {
        let one = port.to_ascii_lowercase().parse::<Port>().map_or(port, |port| port.to_string());
        match (found.get_mut(&one), bindings) {
            (Some(Value::Array(known)), Value::Array(others)) => known.extend(others),
            (_, bindings) => _ = found.insert(one, bindings),
        }
    }
}

/// A port may be bound to many of the host's, in any order, each written in more than one way.
pub(super) fn bindings_in_order(bindings: &mut Value) {
    let Value::Array(bindings) = bindings else { return };
    for binding in bindings.iter_mut() {
        let (address, port) = (text(binding, "HostIp"), text(binding, "HostPort"));
        let number = port.as_deref().and_then(|port| port.parse::<u16>().ok()).map(|number| number.to_string());
        set(binding, "HostIp", address.unwrap_or_default().into());
        set(binding, "HostPort", number.or(port).unwrap_or_default().into());
    }
    bindings.sort_by_key(ToString::to_string);
}

/// Volumes stand in `Mounts`, those without a name in `Volumes`, folders of the host in `Binds` or `Mounts` as they were asked for.
fn one_place_for_mounts(asked: &mut Value, host: &mut Value) {
    let mut mounts: Vec<Value> = host.get("Mounts").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut binds = Vec::new();
    for bind in list(host, "Binds") {
        let parts: Vec<&str> = bind.split(':').collect();
        match parts.as_slice() {
            [target] => mounts.push(json!({ "Type": "volume", "Target": target })),
            [source, target] if !source.starts_with('/') => {
                mounts.push(json!({ "Type": "volume", "Source": source, "Target": target }));
            }
            [source, target, mode @ ("" | "ro" | "rw" | "z" | "rw,z" | "ro,z")] if !source.starts_with('/') => {
                let read_only = mode.starts_with("ro");
                mounts.push(json!({ "Type": "volume", "Source": source, "Target": target, "ReadOnly": read_only }));
            }
            [source, target, "" | "rw"] => binds.push(format!("{source}:{target}")),
            _ => binds.push(bind),
        }
    }
    let nameless = |mount: &Value| {
        let keys = mount.as_object().map(|keys| keys.values().filter(|value| !is_nothing(value)).count());
        text(mount, "Type").as_deref() == Some("volume") && text(mount, "Source").is_none() && keys == Some(2)
    };
    let (without, with): (Vec<Value>, Vec<Value>) = mounts.into_iter().partition(nameless);
    let taken: Vec<String> = with
        .iter()
        .filter_map(|mount| text(mount, "Target"))
        .chain(binds.iter().filter_map(|bind| bind.split(':').nth(1).map(str::to_owned)))
        .map(|target| target.trim_end_matches('/').to_owned())
        .collect();
    for target in without.iter().filter_map(|mount| text(mount, "Target")) {
        if let Some(volumes) = object_in(asked, "Volumes") {
            volumes.insert(target, json!({}));
        }
    }
    // Where something else is mounted, engines make no volume.
    if let Some(volumes) = asked.get_mut("Volumes").and_then(Value::as_object_mut) {
        volumes.retain(|target, _| !taken.iter().any(|other| other == target.trim_end_matches('/')));
    }
    set(host, "Mounts", with.into());
    set(host, "Binds", binds.into());
}

/// Whether nothing is said, also where it is said of many things.
fn is_nothing(value: &Value) -> bool {
    is_empty(value) || value.as_object().is_some_and(|keys| keys.values().all(is_nothing))
}

/// A network is named by its name, which other hosts know, and not by its id; one that the container was taken from is none of its own.
fn network_mode(host: &mut Value, raw: &Value) {
    let Some(mode) = text(host, "NetworkMode") else { return };
    let networks = raw.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
    let Some(networks) = networks.filter(|networks| !networks.is_empty()) else { return };
    let is_other = matches!(mode.as_str(), "bridge" | "default" | "host" | "none") || mode.starts_with("container:");
    if is_other || networks.contains_key(&mode) {
        return;
    }
    let is_meant = |at: &Value| {
        let id = text(at, "NetworkID").unwrap_or_default();
        id == mode || (mode.len() >= SHORT_ID && id.starts_with(&mode))
    };
    let name = networks.iter().find(|(_, at)| is_meant(at)).map(|(name, _)| name.clone());
    set(host, "NetworkMode", name.map_or(Value::Null, Value::String));
}

/// Writes each text of a list anew.
fn each(of: &mut Value, key: &str, write: impl Fn(&str) -> String) {
    if of.get(key).is_some_and(Value::is_array) {
        let entries: Vec<String> = list(of, key).iter().map(|entry| write(entry)).collect();
        set(of, key, entries.into());
    }
}
