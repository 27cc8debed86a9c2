//! From what the engine says of a container back to what it was asked to be. Nothing is lost on the way: what no typed field says goes into
//! `more`, in the engine's words, and what is but an engine's or an image's default is left out.

mod spelling;

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
/// The runtime that Podman writes down for each container, whichever it is.
const OF_PODMAN: &str = "oci";
/// How engines write the signal that ends a program where nobody said another.
const SIGNALS_DEFAULT: [&str; 3] = ["SIGTERM", "TERM", "15"];
/// Lists whose order means nothing, nor how often something stands in them.
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
const SAY_NOTHING_TOO: [&str; 6] =
    ["Entrypoint", "Init", "MaskedPaths", "MemorySwappiness", "ReadonlyPaths", "StopTimeout"];

/// The specification behind `docker inspect`; without those defaults of the image that are given.
pub(crate) fn spec(raw: &Value, image: Option<&ImageDefaults>) -> ContainerSpec {
    let mut asked = asked(raw);
    if let Some(image) = image {
        without_image(&mut asked, image);
    }
    without_engine(&mut asked, raw, image);
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
    spelling::in_one_way(&mut asked, &mut host, raw);
    set(&mut asked, "HostConfig", host);
    asked
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
    // An engine writes nothing where somebody took the image's away; a request needs the empty list for that.
    if words(asked, "Entrypoint").is_empty() && !same_entrypoint {
        set(asked, "Entrypoint", json!([]));
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
        ports.retain(|port, _| !port.parse().is_ok_and(|port: Port| image.exposed.contains(&port)));
    }
    if checked(asked).is_some_and(|own| image.health.as_ref() == Some(&own)) {
        // Nothing else tells how often an image is probed while it starts.
        let while_it_starts = asked.pointer("/Healthcheck/StartInterval").cloned().unwrap_or_default();
        set(asked, "Healthcheck", json!({ "StartInterval": while_it_starts }));
    }
}

/// Takes out what engines fill in by themselves.
fn without_engine(asked: &mut Value, raw: &Value, image: Option<&ImageDefaults>) {
    let id = text(raw, "Id").unwrap_or_default();
    // On the host's network a container has the host's name, and on another's that one's: names that must not be asked for.
    let mode = raw.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default();
    let shares = mode == "host" || mode.starts_with("container:");
    if shares || text(asked, "Hostname").is_some_and(|name| Some(name.as_str()) == id.get(..SHORT_ID)) {
        remove(asked, "Hostname");
    }
    // How somebody looked at its output when it was started is no property of the container.
    // Nor is how an image for Windows has its command escaped.
    let by_the_way = ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce", "ArgsEscaped"];
    by_the_way.iter().for_each(|key| remove(asked, key));
    // Where the image has a signal of its own, or nobody knows, this one was asked for.
    let has_default = image.is_some_and(|image| image.stop_signal.is_none());
    if has_default && text(asked, "StopSignal").is_some_and(|signal| SIGNALS_DEFAULT.contains(&signal.as_str())) {
        remove(asked, "StopSignal");
    }
    let Some(host) = asked.get_mut("HostConfig") else { return };
    // Elsewhere it lets others in, which was asked for.
    if text(host, "Runtime").as_deref() == Some(OF_PODMAN) && text(host, "IpcMode").as_deref() == Some("shareable") {
        remove(host, "IpcMode");
    }
    for (key, default) in [
        ("IpcMode", json!("private")),
        ("PidMode", json!("private")),
        ("UTSMode", json!("private")),
        ("CgroupnsMode", json!("host")),
        ("CgroupnsMode", json!("private")),
        ("Runtime", json!("runc")),
        ("Runtime", json!(OF_PODMAN)),
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
    let has_none = asked.get("Entrypoint").and_then(Value::as_array).is_some_and(Vec::is_empty);
    ContainerSpec {
        name: text(raw, "Name").unwrap_or_default().trim_start_matches('/').to_owned(),
        image: text(asked, "Image").unwrap_or_default(),
        entrypoint: words("Entrypoint").or_else(|| has_none.then(Vec::new)),
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
                link_local: list(fixed, "LinkLocalIPs"),
                links: list(at, "Links"),
                options: texts(at, "DriverOpts"),
                gateway_priority: at.get("GwPriority").and_then(Value::as_i64).filter(|priority| *priority != 0),
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
            // One without a name stands among the volumes, unless there is more to say of it.
            "volume" if text(mount, "Source").is_none() && !read_only => None,
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
    bindings.into_iter().flat_map(Map::values_mut).for_each(spelling::bindings_in_order);
    for (key, inner) in keys.iter_mut().filter(|(key, _)| !MAPS.contains(&key.as_str())) {
        cleaned(inner);
        if let Value::Array(entries) = inner {
            if SETS.contains(&key.as_str()) {
                entries.sort_by_key(ToString::to_string);
                entries.dedup();
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
            // A request takes lines of the environment besides those that are there.
            (Value::Array(lines), Some(Value::Array(known))) if key == rendering::LINES => {
                let left: Vec<Value> = lines.iter().filter(|line| !known.contains(line)).cloned().collect();
                if !left.is_empty() {
                    more.insert(key.clone(), left.into());
                }
            }
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
mod tests;
