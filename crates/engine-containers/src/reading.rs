//! From what the engine says of a container back to what it was asked to be. Nothing is lost on the way: what no typed field says goes into
//! `more`, in the engine's words, and what is but an engine's or an image's default is left out.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::HealthConfig;
use serde_json::{Map, Value, json};

use crate::{
    Attachment, ContainerSpec, Hardening, HealthCheck, ImageDefaults, Limits, LogDriver, Mount, Port, Published,
    Restart, StopRule, Ulimit,
    inspection::environment,
    rendering::{self, NO_NEW_PRIVILEGES},
};

/// The length of an id as people see it; engines use it for a host name and an alias.
const SHORT_ID: usize = 12;
/// The option that takes the labels of SELinux away.
const UNLABELLED: &str = "label=disable";
/// What `/dev/shm` holds where nothing is said.
const SHARED_MEMORY_DEFAULT: u64 = 64 * 1024 * 1024;
/// Lists whose order means nothing.
const SETS: [&str; 4] = ["Env", "CapAdd", "CapDrop", "SecurityOpt"];

/// Where keys are names of the user's own.
const MAPS: [&str; 10] = [
    "Annotations",
    "Config",
    "DriverOpts",
    "ExposedPorts",
    "Labels",
    "PortBindings",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Volumes",
];
/// Where none, no or nothing is another thing than not to be said.
const SAY_NOTHING_TOO: [&str; 4] = ["Init", "MaskedPaths", "ReadonlyPaths", "StopTimeout"];

/// The specification behind `docker inspect`; without those defaults of the image that are given.
pub(crate) fn spec(raw: &Value, image: Option<&ImageDefaults>) -> ContainerSpec {
    let mut asked = asked(raw);
    if let Some(image) = image {
        without_image(&mut asked, image);
    }
    without_engine(&mut asked, raw);
    cleaned(&mut asked);
    let mut spec = typed(&asked, raw);
    let mut said = rendering::typed(&spec);
    cleaned(&mut said);
    spec.more = difference(&asked, &said);
    spec
}

/// What stands in an engine's health check, in seconds.
pub(crate) fn health(found: HealthConfig) -> HealthCheck {
    let seconds =
        |nanoseconds: Option<i64>| nanoseconds.filter(|figure| *figure != 0).map(|figure| figure as f64 / 1e9);
    HealthCheck {
        test: found.test.unwrap_or_default(),
        interval_seconds: seconds(found.interval),
        timeout_seconds: seconds(found.timeout),
        start_period_seconds: seconds(found.start_period),
        retries: found.retries.filter(|retries| *retries != 0).and_then(|retries| u32::try_from(retries).ok()),
    }
}

/// The request that would have led to this container.
fn asked(raw: &Value) -> Value {
    let mut asked = raw.get("Config").filter(|config| config.is_object()).cloned().unwrap_or_else(|| json!({}));
    let mut host = raw.get("HostConfig").filter(|host| host.is_object()).cloned().unwrap_or_else(|| json!({}));
    let own = text(raw, "Name").unwrap_or_default();
    // A link is written with the other's name alone, and read with slashes before both.
    let links = list(&host, "Links").into_iter().map(|link| {
        let (other, alias) = link.split_once(':').unwrap_or((&link, ""));
        let alias = alias.strip_prefix(&format!("{own}/")).unwrap_or(alias);
        format!("{}:{}", other.trim_start_matches('/'), alias.trim_start_matches('/'))
    });
    set(&mut host, "Links", links.collect::<Vec<_>>().into());
    let options = list(&host, "SecurityOpt").into_iter().map(|option| match option.as_str() {
        "no-new-privileges:true" | "no-new-privileges=true" => NO_NEW_PRIVILEGES.to_owned(),
        _ => option,
    });
    set(&mut host, "SecurityOpt", options.collect::<Vec<_>>().into());
    one_place_for_mounts(&mut asked, &mut host);
    set(&mut asked, "HostConfig", host);
    asked
}

/// Volumes stand in `Mounts`, those without a name in `Volumes`, folders of the host in `Binds` or `Mounts` as they were asked for.
fn one_place_for_mounts(asked: &mut Value, host: &mut Value) {
    let mut mounts: Vec<Value> = host.get("Mounts").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut binds = Vec::new();
    for bind in list(host, "Binds") {
        let parts: Vec<&str> = bind.split(':').collect();
        match parts.as_slice() {
            [source, target] if !source.starts_with('/') => {
                mounts.push(json!({ "Type": "volume", "Source": source, "Target": target }));
            }
            [source, target, mode @ ("ro" | "rw" | "z" | "rw,z" | "ro,z")] if !source.starts_with('/') => {
                let read_only = mode.starts_with("ro");
                mounts.push(json!({ "Type": "volume", "Source": source, "Target": target, "ReadOnly": read_only }));
            }
            [source, target, "rw"] => binds.push(format!("{source}:{target}")),
            _ => binds.push(bind),
        }
    }
    let nameless = |mount: &Value| {
        let keys = mount.as_object().map(|keys| keys.values().filter(|value| !is_empty(value)).count());
        text(mount, "Type").as_deref() == Some("volume") && text(mount, "Source").is_none() && keys == Some(2)
    };
    let (without, with): (Vec<Value>, Vec<Value>) = mounts.into_iter().partition(nameless);
    for target in without.iter().filter_map(|mount| text(mount, "Target")) {
        if let Some(volumes) = object_in(asked, "Volumes") {
            volumes.insert(target, json!({}));
        }
    }
    set(host, "Mounts", with.into());
    set(host, "Binds", binds.into());
}

/// Takes out what every container of the image has.
fn without_image(asked: &mut Value, image: &ImageDefaults) {
    let words = |of: &Value, key: &str| list(of, key);
    let same_entrypoint = words(asked, "Entrypoint") == image.entrypoint;
    let same_command = words(asked, "Cmd") == image.command;
    // An entrypoint of its own, be it the same, takes the image's command away.
    if same_entrypoint && (same_command || !words(asked, "Cmd").is_empty()) {
        remove(asked, "Entrypoint");
    }
    if same_entrypoint && same_command {
        remove(asked, "Cmd");
    }
    let pairs = list(asked, "Env").into_iter().filter(|line| {
        let known = line.split_once('=').and_then(|(name, value)| Some((image.environment.get(name)?, value)));
        known.is_none_or(|(of_image, value)| of_image != value)
    });
    let pairs: Vec<String> = pairs.collect();
    set(asked, "Env", pairs.into());
    if let Some(labels) = asked.get_mut("Labels").and_then(Value::as_object_mut) {
        labels.retain(|name, value| image.labels.get(name).map(String::as_str) != value.as_str());
    }
    for (key, of_image) in [
        ("User", image.user.as_deref()),
        ("WorkingDir", image.working_folder.as_deref()),
        ("StopSignal", image.stop_signal.as_deref()),
    ] {
        if text(asked, key).as_deref() == of_image {
            remove(asked, key);
        }
    }
    if let Some(volumes) = asked.get_mut("Volumes").and_then(Value::as_object_mut) {
        volumes.retain(|target, _| !image.volumes.contains(target));
    }
    if let Some(ports) = asked.get_mut("ExposedPorts").and_then(Value::as_object_mut) {
        ports.retain(|port, _| port.parse().is_ok_and(|port: Port| !image.exposed.contains(&port)));
    }
    if checked(asked).is_some_and(|own| image.health.as_ref() == Some(&own)) {
        remove(asked, "Healthcheck");
    }
}

/// Takes out what engines fill in by themselves.
fn without_engine(asked: &mut Value, raw: &Value) {
    let id = text(raw, "Id").unwrap_or_default();
    // On the host's network a container has the host's name, and on another's that one's: names that must not be asked for.
    let mode = raw.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default();
    let shares = mode == "host" || mode.starts_with("container:");
    if shares || text(asked, "Hostname").is_some_and(|name| Some(name.as_str()) == id.get(..SHORT_ID)) {
        remove(asked, "Hostname");
    }
    // How somebody looked at its output when it was started is no property of the container.
    ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"].iter().for_each(|key| remove(asked, key));
    if text(asked, "StopSignal").as_deref() == Some("SIGTERM") {
        remove(asked, "StopSignal");
    }
    let Some(host) = asked.get_mut("HostConfig") else { return };
    for (key, default) in [
        ("IpcMode", json!("private")),
        ("IpcMode", json!("shareable")),
        ("CgroupnsMode", json!("host")),
        ("CgroupnsMode", json!("private")),
        ("Runtime", json!("runc")),
        ("Isolation", json!("default")),
        ("ConsoleSize", json!([0, 0])),
        ("MemorySwappiness", json!(-1)),
        ("PidsLimit", json!(-1)),
        ("ShmSize", json!(SHARED_MEMORY_DEFAULT)),
        ("NetworkMode", json!("default")),
        ("NetworkMode", json!("bridge")),
    ] {
        if host.get(key) == Some(&default) {
            remove(host, key);
        }
    }
    // Whoever sees all of the host is not kept apart by labels either; engines write that down.
    let sees_host = host.get("Privileged") == Some(&json!(true))
        || ["PidMode", "IpcMode"].iter().any(|key| text(host, key).as_deref() == Some("host"));
    if sees_host {
        let options: Vec<String> =
            list(host, "SecurityOpt").into_iter().filter(|option| option != UNLABELLED).collect();
        set(host, "SecurityOpt", options.into());
    }
    let memory = host.get("Memory").and_then(Value::as_i64).unwrap_or_default();
    if memory > 0 && host.get("MemorySwap").and_then(Value::as_i64) == memory.checked_mul(2) {
        remove(host, "MemorySwap");
    }
    if host.pointer("/RestartPolicy/Name").and_then(Value::as_str) == Some("no") {
        remove(host, "RestartPolicy");
    }
    let plain_log = host.pointer("/LogConfig/Config").is_none_or(is_empty);
    if plain_log && host.pointer("/LogConfig/Type").and_then(Value::as_str) == Some("json-file") {
        remove(host, "LogConfig");
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        if list(host, key).iter().any(|path| path == "/proc/kcore" || path == "/proc/bus") {
            remove(host, key);
        }
    }
}

fn typed(asked: &Value, raw: &Value) -> ContainerSpec {
    let none = Value::Null;
    let host = asked.get("HostConfig").unwrap_or(&none);
    let networks = attachments(raw);
    let mode = text(host, "NetworkMode").filter(|mode| Some(mode) != networks.keys().next());
    // Attached to others later on, it is still on the bridge that it was started on.
    let is_on_bridge = raw.pointer("/NetworkSettings/Networks/bridge").is_some();
    let has_others = networks.keys().any(|name| name != "bridge");
    let mode = mode.or_else(|| Some("bridge".to_owned()).filter(|_| is_on_bridge && has_others));
    let words = |key: &str| Some(list(asked, key)).filter(|words| !words.is_empty());
    ContainerSpec {
        name: text(raw, "Name").unwrap_or_default().trim_start_matches('/').to_owned(),
        image: text(asked, "Image").unwrap_or_default(),
        entrypoint: words("Entrypoint"),
        command: words("Cmd"),
        environment: environment(list(asked, "Env")),
        labels: texts(asked, "Labels"),
        user: text(asked, "User"),
        working_folder: text(asked, "WorkingDir"),
        host_name: text(asked, "Hostname"),
        health: checked(asked),
        exposed: exposed(asked, host),
        published: published(host),
        mounts: mounts(asked, host),
        network_mode: mode,
        networks,
        extra_hosts: list(host, "ExtraHosts"),
        dns: list(host, "Dns"),
        restart: restart(host),
        stop: StopRule { signal: text(asked, "StopSignal"), grace_seconds: figure(asked, "StopTimeout") },
        limits: limits(host),
        hardening: hardening(host),
        log: log(host),
        init: host.get("Init").and_then(Value::as_bool),
        more: Map::new(),
    }
}

fn attachments(raw: &Value) -> BTreeMap<String, Attachment> {
    let short: String = text(raw, "Id").unwrap_or_default().chars().take(SHORT_ID).collect();
    let mode = raw.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default();
    let shares = matches!(mode, "host" | "none") || mode.starts_with("container:");
    let found = raw.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
    found
        .into_iter()
        .flatten()
        .filter(|_| !shares)
        .map(|(name, at)| {
            let mut aliases = list(at, "Aliases");
            aliases.retain(|alias| *alias != short);
            let fixed = at.get("IPAMConfig").unwrap_or(&Value::Null);
            let attachment = Attachment {
                aliases,
                ipv4: text(fixed, "IPv4Address"),
                ipv6: text(fixed, "IPv6Address"),
                links: list(at, "Links"),
                options: texts(at, "DriverOpts"),
            };
            (name.clone(), attachment)
        })
        .filter(|(name, attachment)| name != "bridge" || *attachment != Attachment::default())
        .collect()
}

fn exposed(asked: &Value, host: &Value) -> BTreeSet<Port> {
    let ports = |of: &Value, key: &str| -> BTreeSet<Port> {
        of.get(key).and_then(Value::as_object).into_iter().flatten().filter_map(|(port, _)| port.parse().ok()).collect()
    };
    // Whoever publishes a port exposes it.
    let published: BTreeSet<Port> = published(host).into_iter().map(|published| published.container).collect();
    ports(asked, "ExposedPorts").difference(&published).copied().collect()
}

/// A port is understood if all its bindings are; ranges of ports are left to `more`.
fn published(host: &Value) -> Vec<Published> {
    let ports = host.get("PortBindings").and_then(Value::as_object).into_iter().flatten();
    let mut published: Vec<Published> = ports
        .filter_map(|(port, bindings)| {
            let container: Port = port.parse().ok()?;
            let bindings = bindings.as_array()?.iter().map(|binding| {
                let port = text(binding, "HostPort");
                let host_port = port.as_deref().map(str::parse).transpose().ok()?;
                Some(Published { container, host_address: text(binding, "HostIp"), host_port })
            });
            bindings.collect::<Option<Vec<Published>>>()
        })
        .flatten()
        .collect();
    published.sort();
    published
}

fn mounts(asked: &Value, host: &Value) -> Vec<Mount> {
    let volumes = asked.get("Volumes").and_then(Value::as_object).into_iter().flatten();
    let nameless = volumes.map(|(target, _)| Mount::Volume { name: None, target: target.clone(), read_only: false });
    let binds = list(host, "Binds").into_iter().filter_map(|bind| {
        let mut parts = bind.split(':').map(str::to_owned);
        let (source, target, mode) = (parts.next()?, parts.next()?, parts.next());
        let read_only = match mode.as_deref() {
            None => false,
            Some("ro") => true,
            Some(_) => return None,
        };
        Some(Mount::Bind { source, target, read_only, make_source: true })
    });
    let others = host.get("Mounts").and_then(Value::as_array).into_iter().flatten().filter_map(|mount| {
        let target = text(mount, "Target")?;
        let read_only = mount.get("ReadOnly").and_then(Value::as_bool).unwrap_or_default();
        match text(mount, "Type")?.as_str() {
            "volume" => Some(Mount::Volume { name: text(mount, "Source"), target, read_only }),
            "bind" => Some(Mount::Bind { source: text(mount, "Source")?, target, read_only, make_source: false }),
            "tmpfs" => {
                let options = mount.get("TmpfsOptions").unwrap_or(&Value::Null);
                Some(Mount::Tmpfs { target, size_bytes: figure(options, "SizeBytes"), mode: figure(options, "Mode") })
            }
            _ => None,
        }
    });
    nameless.chain(binds).chain(others).collect()
}

fn restart(host: &Value) -> Restart {
    let policy = host.get("RestartPolicy").unwrap_or(&Value::Null);
    match text(policy, "Name").as_deref() {
        Some("always") => Restart::Always,
        Some("unless-stopped") => Restart::UnlessStopped,
        Some("on-failure") => {
            Restart::OnFailure { attempts_max: figure(policy, "MaximumRetryCount").unwrap_or_default() }
        }
        _ => Restart::No,
    }
}

fn limits(host: &Value) -> Limits {
    let ulimits = host.get("Ulimits").and_then(Value::as_array).into_iter().flatten().filter_map(|limit| {
        let of = |key| limit.get(key).and_then(Value::as_i64).unwrap_or_default();
        Some((text(limit, "Name")?, Ulimit { soft: of("Soft"), hard: of("Hard") }))
    });
    let cpus: Option<u64> = figure(host, "NanoCpus");
    Limits {
        memory_bytes: figure(host, "Memory"),
        memory_reservation_bytes: figure(host, "MemoryReservation"),
        memory_and_swap_bytes: host.get("MemorySwap").and_then(Value::as_i64),
        cpus: cpus.map(|nano| nano as f64 / 1e9),
        cpu_shares: figure(host, "CpuShares"),
        cpu_set: text(host, "CpusetCpus"),
        processes: figure(host, "PidsLimit"),
        shared_memory_bytes: figure(host, "ShmSize"),
        ulimits: ulimits.collect(),
    }
}

fn hardening(host: &Value) -> Hardening {
    let flag = |key: &str| host.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut options = list(host, "SecurityOpt");
    let no_new_privileges = options.iter().any(|option| option == NO_NEW_PRIVILEGES);
    options.retain(|option| option != NO_NEW_PRIVILEGES);
    Hardening {
        read_only_root: flag("ReadonlyRootfs"),
        no_new_privileges,
        capabilities_dropped: list(host, "CapDrop").into_iter().collect(),
        capabilities_added: list(host, "CapAdd").into_iter().collect(),
        privileged: flag("Privileged"),
        groups: list(host, "GroupAdd"),
        options,
    }
}

fn log(host: &Value) -> Option<LogDriver> {
    let log = host.get("LogConfig")?;
    Some(LogDriver { driver: text(log, "Type")?, options: texts(log, "Config") })
}

fn checked(asked: &Value) -> Option<HealthCheck> {
    let found = asked.get("Healthcheck").filter(|check| !check.is_null())?;
    serde_json::from_value(found.clone()).ok().map(health).filter(|check| *check != HealthCheck::default())
}

/// Takes out what says nothing, and puts lists without order into one. What stands under names of the user's own is left as it is.
fn cleaned(value: &mut Value) {
    let Value::Object(keys) = value else { return };
    let bindings = keys.get_mut("PortBindings").and_then(Value::as_object_mut);
    bindings.into_iter().flat_map(Map::values_mut).for_each(bindings_in_order);
    for (key, inner) in keys.iter_mut().filter(|(key, _)| !MAPS.contains(&key.as_str())) {
        cleaned(inner);
        if let Value::Array(entries) = inner {
            if SETS.contains(&key.as_str()) {
                entries.sort_by_key(ToString::to_string);
            }
            if key == "Ulimits" {
                entries.sort_by_key(|limit| text(limit, "Name"));
            }
            if key == "Mounts" {
                entries.iter_mut().for_each(cleaned);
            }
        }
    }
    keys.retain(|key, inner| !is_empty(inner) || (SAY_NOTHING_TOO.contains(&key.as_str()) && !inner.is_null()));
}

/// A port may be bound to many of the host's, in any order, each written in more than one way.
fn bindings_in_order(bindings: &mut Value) {
    let Value::Array(bindings) = bindings else { return };
    for binding in bindings.iter_mut() {
        let (address, port) = (text(binding, "HostIp"), text(binding, "HostPort"));
        let number = port.as_deref().and_then(|port| port.parse::<u16>().ok()).map(|number| number.to_string());
        set(binding, "HostIp", address.unwrap_or_default().into());
        set(binding, "HostPort", number.or(port).unwrap_or_default().into());
    }
    bindings.sort_by_key(ToString::to_string);
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(figure) => figure.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(keys) => keys.is_empty(),
    }
}

/// What `asked` has and `said` has not, objects key by key.
fn difference(asked: &Value, said: &Value) -> Map<String, Value> {
    let mut more = Map::new();
    for (key, value) in asked.as_object().into_iter().flatten() {
        match (value, said.get(key)) {
            (_, Some(same)) if same == value => {}
            (Value::Object(_), Some(inner @ Value::Object(_))) => {
                let inner = difference(value, inner);
                if !inner.is_empty() {
                    more.insert(key.clone(), Value::Object(inner));
                }
            }
            _ => {
                more.insert(key.clone(), value.clone());
            }
        }
    }
    more
}

fn text(of: &Value, key: &str) -> Option<String> {
    of.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn list(of: &Value, key: &str) -> Vec<String> {
    let entries = of.get(key).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn texts(of: &Value, key: &str) -> BTreeMap<String, String> {
    let pairs = of.get(key).and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn figure<T: TryFrom<u64>>(of: &Value, key: &str) -> Option<T> {
    of.get(key).and_then(Value::as_u64).and_then(|figure| T::try_from(figure).ok())
}

fn set(of: &mut Value, key: &str, value: Value) {
    if let Some(keys) = of.as_object_mut() {
        keys.insert(key.to_owned(), value);
    }
}

fn remove(of: &mut Value, key: &str) {
    if let Some(keys) = of.as_object_mut() {
        keys.remove(key);
    }
}

/// The object under a key, made where there is none.
fn object_in<'a>(of: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let inner = of.as_object_mut()?.entry(key).or_insert_with(|| json!({}));
    if inner.is_null() {
        *inner = json!({});
    }
    inner.as_object_mut()
}

#[cfg(test)]
mod tests {
    use proptest::{collection, option, prelude::*};

    use super::*;

    /// What an engine would say of a container that was asked for like this.
    fn inspected(spec: &ContainerSpec) -> Value {
        let mut config = rendering::request(spec);
        let host = config.get("HostConfig").cloned().unwrap_or_default();
        remove(&mut config, "HostConfig");
        remove(&mut config, "NetworkingConfig");
        let networks: BTreeMap<_, _> =
            spec.networks.iter().map(|(name, of)| (name.clone(), rendering::endpoint(of))).collect();
        json!({
            "Id": "0123456789abcdef0123456789abcdef",
            "Name": format!("/{}", spec.name),
            "Config": config,
            "HostConfig": host,
            "NetworkSettings": { "Networks": networks },
        })
    }

    /// The same entries in another order.
    fn mixed(list: &mut [Value], seed: u64) {
        list.sort_by_key(|entry| {
            let entry = entry.to_string();
            entry.bytes().fold(seed, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(17))
        });
    }

    fn word() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9_.=: -]{0,12}"
    }

    fn words() -> impl Strategy<Value = Option<Vec<String>>> {
        option::of(collection::vec(word(), 1..4))
    }

    fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
        collection::btree_map("[A-Za-z_./-]{1,10}", "[ -~]{0,12}", 0..4)
    }

    fn path() -> impl Strategy<Value = String> {
        "/[a-z]{1,6}"
    }

    fn mounts() -> impl Strategy<Value = Vec<Mount>> {
        let nameless = collection::btree_set("/n[a-z]{1,6}", 0..3);
        let binds = collection::vec((path(), path(), any::<bool>()), 0..3);
        let volume = ("[a-z]{1,6}", path(), any::<bool>());
        let volume = volume.prop_map(|(name, target, read_only)| Mount::Volume { name: Some(name), target, read_only });
        let bind = (path(), path(), any::<bool>());
        let bind =
            bind.prop_map(|(source, target, read_only)| Mount::Bind { source, target, read_only, make_source: false });
        let tmpfs = (path(), option::of(1..u64::from(u32::MAX)), option::of(1..0o1777_u32));
        let tmpfs = tmpfs.prop_map(|(target, size_bytes, mode)| Mount::Tmpfs { target, size_bytes, mode });
        let others = collection::vec(prop_oneof![volume, bind, tmpfs], 0..4);
        (nameless, binds, others).prop_map(|(nameless, binds, others)| {
            let nameless = nameless.into_iter().map(|target| Mount::Volume { name: None, target, read_only: false });
            let made = |(source, target, read_only)| Mount::Bind { source, target, read_only, make_source: true };
            nameless.chain(binds.into_iter().map(made)).chain(others).collect()
        })
    }

    fn published() -> impl Strategy<Value = Vec<Published>> {
        let one = (1..4_u16, option::of("127[.]0[.]0[.][1-9]"), option::of(1..u16::MAX));
        collection::btree_set(one, 0..6).prop_map(|set| {
            let port =
                |(number, host_address, host_port)| Published { container: Port::tcp(number), host_address, host_port };
            let mut ports: Vec<Published> = set.into_iter().map(port).collect();
            ports.sort();
            ports
        })
    }

    fn networks() -> impl Strategy<Value = BTreeMap<String, Attachment>> {
        let attachment = (collection::vec("[a-z]{1,6}", 0..3), option::of("10[.]1[.]1[.][1-9]"), pairs());
        let attachment = attachment.prop_map(|(aliases, ipv4, options)| Attachment {
            aliases,
            ipv4,
            options,
            ..Attachment::default()
        });
        collection::btree_map("net[a-z]{1,4}", attachment, 0..3)
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let figure = || option::of(1..1_u64 << 40);
        let ulimit = (1..1_000_i64, 1..1_000_i64).prop_map(|(soft, hard)| Ulimit { soft, hard });
        let ulimits = collection::btree_map("[a-z]{1,6}", ulimit, 0..3);
        (figure(), figure(), option::of(1..64_000_u32), figure(), figure(), ulimits).prop_map(
            |(memory, reserved, milli_cpus, shares, processes, ulimits)| Limits {
                memory_bytes: memory,
                memory_reservation_bytes: reserved,
                cpus: milli_cpus.map(|milli| f64::from(milli) / 1e3),
                cpu_shares: shares,
                processes,
                ulimits,
                ..Limits::default()
            },
        )
    }

    fn hardening() -> impl Strategy<Value = Hardening> {
        let set = || collection::btree_set("[A-Z_]{3,9}", 0..3);
        (any::<[bool; 3]>(), set(), set(), collection::vec("[0-9]{1,4}", 0..3)).prop_map(
            |([read_only_root, no_new_privileges, privileged], dropped, added, groups)| Hardening {
                read_only_root,
                no_new_privileges,
                privileged,
                capabilities_dropped: dropped,
                capabilities_added: added,
                groups,
                options: Vec::new(),
            },
        )
    }

    fn restart() -> impl Strategy<Value = Restart> {
        prop_oneof![
            Just(Restart::No),
            Just(Restart::Always),
            Just(Restart::UnlessStopped),
            (0..9_u32).prop_map(|attempts_max| Restart::OnFailure { attempts_max }),
        ]
    }

    prop_compose! {
        fn any_spec()(
            (name, user) in ("[a-z]{1,8}", option::of("[a-z]{1,5}")),
            (entrypoint, command) in (words(), words()),
            (environment, labels) in (pairs(), pairs()),
            (mounts, published, networks) in (mounts(), published(), networks()),
            (limits, hardening, restart) in (limits(), hardening(), restart()),
            (grace_seconds, init) in (option::of(0..100_u32), option::of(any::<bool>())),
        ) -> ContainerSpec {
            ContainerSpec {
                name, entrypoint, command, environment, labels, mounts, published, networks, limits, hardening, restart, init, user,
                image: "i:1".to_owned(),
                stop: StopRule { signal: None, grace_seconds },
                ..ContainerSpec::default()
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_asked_is_read_back(spec in any_spec()) {
            prop_assert_eq!(super::spec(&inspected(&spec), None), spec);
        }

        /// Engines keep lists as they were typed.
        #[test]
        fn the_order_of_what_has_none_changes_nothing(spec in any_spec(), seed in any::<u64>()) {
            let mut typed = inspected(&spec);
            let lists = ["CapAdd", "CapDrop", "SecurityOpt", "Ulimits"].map(|key| format!("/HostConfig/{key}"));
            for list in lists.iter().map(String::as_str).chain(["/Config/Env"]) {
                typed.pointer_mut(list).and_then(Value::as_array_mut).into_iter().for_each(|list| mixed(list, seed));
            }
            let ports = typed.pointer_mut("/HostConfig/PortBindings").and_then(Value::as_object_mut);
            for list in ports.into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut) {
                mixed(list, seed);
            }
            prop_assert_eq!(super::spec(&typed, None), spec);
        }

        #[test]
        fn what_is_not_understood_is_kept(key in "[A-Z][a-z]{3,9}", value in 1..9_i64) {
            let mut spec = ContainerSpec::new("a", "i:1");
            spec.more = json!({ "HostConfig": { format!("New{key}"): value }, format!("Other{key}"): [value] })
                .as_object().cloned().unwrap();
            prop_assert_eq!(super::spec(&inspected(&spec), None), spec);
        }
    }
}
