//! One container as a service.

use std::collections::BTreeMap;

use engine_containers::{ContainerSpec, HealthCheck, Mount, Restart};
use serde_json::{Map, Value as Json, json};
use serde_norway::Value;

use super::{EXTENSION, flag, interpolated, labels, optional, said, some, texts};
use crate::{
    discovery::{Discovery, Found, Origin, Unexpressed, needs},
    export::{HOST_FILES, HOST_ROOT},
    render::yaml::{list, map, text},
};

/// What an engine and Compose have the same form for: the section and name in the engine's request, and Compose's name.
pub(crate) const SAME: [(&str, &str, &str); 22] = [
    ("HostConfig", "UTSMode", "uts"),
    ("HostConfig", "UsernsMode", "userns_mode"),
    ("HostConfig", "CgroupParent", "cgroup_parent"),
    ("HostConfig", "Runtime", "runtime"),
    ("HostConfig", "CpuPeriod", "cpu_period"),
    ("HostConfig", "CpuQuota", "cpu_quota"),
    ("HostConfig", "CpuRealtimePeriod", "cpu_rt_period"),
    ("HostConfig", "CpuRealtimeRuntime", "cpu_rt_runtime"),
    ("HostConfig", "OomScoreAdj", "oom_score_adj"),
    ("HostConfig", "MemorySwappiness", "mem_swappiness"),
    ("HostConfig", "OomKillDisable", "oom_kill_disable"),
    ("HostConfig", "Sysctls", "sysctls"),
    ("HostConfig", "StorageOpt", "storage_opt"),
    ("HostConfig", "DnsOptions", "dns_opt"),
    ("HostConfig", "DnsSearch", "dns_search"),
    ("HostConfig", "DeviceCgroupRules", "device_cgroup_rules"),
    ("HostConfig", "CgroupnsMode", "cgroup"),
    ("HostConfig", "Annotations", "annotations"),
    ("", "Domainname", "domainname"),
    ("", "MacAddress", "mac_address"),
    ("", "Tty", "tty"),
    ("", "OpenStdin", "stdin_open"),
];

/// The service of a container. `order` says which container comes before which.
pub(super) fn service(
    found: &Found,
    discovery: &Discovery,
    order: &[String],
    unexpressed: &mut Vec<Unexpressed>,
) -> Value {
    let spec = &found.spec;
    let mut rest = Rest { more: spec.more.clone(), extension: Vec::new(), said: Vec::new() };
    let (own_labels, of_compose) = labels(&spec.labels);
    if let Some(hidden) = of_compose.get("labels") {
        rest.extension.push(("labels".to_owned(), hidden.clone()));
    }
    let mounts = mounts(found, &mut rest);
    let published = ports(spec, &mut rest);
    let (mode, networks) = networks(spec, discovery, &mut rest);
    let mut pairs = identity(spec);
    pairs.extend([
        ("labels", own_labels),
        ("healthcheck", health(spec.health.as_ref(), &mut rest)),
        ("expose", strings(spec.exposed.iter().map(ToString::to_string))),
        ("ports", sequence(published)),
        ("volumes", sequence(mounts)),
        ("network_mode", mode),
        ("networks", networks),
        ("depends_on", depends_on(found, discovery, order)),
    ]);
    pairs.extend(limits(spec));
    pairs.extend(rights(spec));
    pairs.extend(rest.known(discovery, spec.networks.is_empty()));
    if !found.runs {
        pairs.push(("scale", Value::Number(0.into())));
    }
    for what in rest.left() {
        let instead = format!("kept under {EXTENSION}, which an import reads and Compose does not");
        unexpressed.push(Unexpressed::new(&spec.name, what, instead));
    }
    pairs.push((EXTENSION, some(map(rest.extension.clone()))));
    map(pairs)
}

fn sequence(values: Vec<Value>) -> Value {
    if values.is_empty() { Value::Null } else { list(values) }
}

fn strings(values: impl IntoIterator<Item = String>) -> Value {
    sequence(values.into_iter().map(|value| said(&value)).collect())
}

/// Words of a command. None at all take the image's away.
fn words(words: Option<&Vec<String>>) -> Value {
    words.map_or(Value::Null, |words| list(words.iter().map(|word| said(word))))
}

fn identity(spec: &ContainerSpec) -> Vec<(&'static str, Value)> {
    vec![
        ("image", said(&spec.image)),
        ("container_name", said(&spec.name)),
        ("entrypoint", words(spec.entrypoint.as_ref())),
        ("command", words(spec.command.as_ref())),
        ("environment", texts(&spec.environment)),
        ("user", optional(spec.user.as_ref())),
        ("working_dir", optional(spec.working_folder.as_ref())),
        ("hostname", optional(spec.host_name.as_ref())),
        ("extra_hosts", strings(spec.extra_hosts.iter().cloned())),
        ("dns", strings(spec.dns.iter().cloned())),
        (
            "restart",
            match spec.restart {
                Restart::No => Value::Null,
                Restart::Always => text("always"),
                Restart::UnlessStopped => text("unless-stopped"),
                Restart::OnFailure { attempts_max: 0 } => text("on-failure"),
                Restart::OnFailure { attempts_max } => text(format!("on-failure:{attempts_max}")),
            },
        ),
        ("stop_signal", optional(spec.stop.signal.as_ref())),
        ("stop_grace_period", spec.stop.grace_seconds.map_or(Value::Null, |seconds| text(format!("{seconds}s")))),
        ("init", spec.init.map_or(Value::Null, Value::Bool)),
        (
            "logging",
            spec.log
                .as_ref()
                .map_or(Value::Null, |log| map([("driver", said(&log.driver)), ("options", texts(&log.options))])),
        ),
    ]
}

fn number<N: Into<serde_norway::Number>>(figure: Option<N>) -> Value {
    figure.map_or(Value::Null, |figure| Value::Number(figure.into()))
}

fn limits(spec: &ContainerSpec) -> Vec<(&'static str, Value)> {
    let limits = &spec.limits;
    let ulimits = limits.ulimits.iter().map(|(name, of)| {
        (name.clone(), map([("soft", Value::Number(of.soft.into())), ("hard", Value::Number(of.hard.into()))]))
    });
    vec![
        ("mem_limit", number(limits.memory_bytes)),
        ("mem_reservation", number(limits.memory_reservation_bytes)),
        ("memswap_limit", number(limits.memory_and_swap_bytes)),
        ("cpus", number(limits.cpus)),
        ("cpu_shares", number(limits.cpu_shares)),
        ("cpuset", optional(limits.cpu_set.as_ref())),
        ("pids_limit", number(limits.processes)),
        ("shm_size", number(limits.shared_memory_bytes)),
        ("ulimits", some(map(ulimits))),
    ]
}

fn rights(spec: &ContainerSpec) -> Vec<(&'static str, Value)> {
    let hardening = &spec.hardening;
    let no_new = hardening.no_new_privileges.then(|| "no-new-privileges:true".to_owned());
    vec![
        ("read_only", flag(hardening.read_only_root)),
        ("privileged", flag(hardening.privileged)),
        ("cap_drop", strings(hardening.capabilities_dropped.iter().cloned())),
        ("cap_add", strings(hardening.capabilities_added.iter().cloned())),
        ("group_add", strings(hardening.groups.iter().cloned())),
        ("security_opt", strings(no_new.into_iter().chain(hardening.options.iter().cloned()))),
    ]
}

/// Seconds as Compose writes them.
fn duration(seconds: Option<f64>) -> Value {
    seconds.map_or(Value::Null, |seconds| text(format!("{seconds}s")))
}

fn health(check: Option<&HealthCheck>, rest: &mut Rest) -> Value {
    let start_interval =
        rest.take("Healthcheck", "StartInterval").and_then(|nano| nano.as_f64()).map(|nano| nano / 1e9);
    let none = HealthCheck::default();
    let check = check.unwrap_or(&none);
    some(map([
        ("test", strings(check.test.iter().cloned())),
        ("interval", duration(check.interval_seconds)),
        ("timeout", duration(check.timeout_seconds)),
        ("start_period", duration(check.start_period_seconds)),
        ("start_interval", duration(start_interval)),
        ("retries", number(check.retries)),
    ]))
}

/// Ports of the host, ranges of them too.
fn ports(spec: &ContainerSpec, rest: &mut Rest) -> Vec<Value> {
    let port = |number: u16, protocol: String, address: Option<&str>, published: Option<String>| {
        map([
            ("target", Value::Number(number.into())),
            ("published", published.map_or(Value::Null, text)),
            ("host_ip", address.filter(|address| !address.is_empty()).map_or(Value::Null, text)),
            ("protocol", text(protocol)),
        ])
    };
    let mut ports: Vec<Value> = spec
        .published
        .iter()
        .map(|one| {
            let published = one.host_port.map(|port| port.to_string());
            port(one.container.number, one.container.protocol.to_string(), one.host_address.as_deref(), published)
        })
        .collect();
    let found = rest.take("HostConfig", "PortBindings");
    let mut others = Map::new();
    for (container, bindings) in found.iter().filter_map(Json::as_object).flatten() {
        // Where nothing is bound, or what we don't know, Compose has no word for it.
        let all = bindings.as_array().filter(|all| !all.is_empty());
        let (Ok(at), Some(all)) = (container.parse::<engine_containers::Port>(), all) else {
            others.insert(container.clone(), bindings.clone());
            continue;
        };
        for binding in all {
            let said = |key: &str| binding.get(key).and_then(Json::as_str).unwrap_or_default();
            let published = Some(said("HostPort").to_owned()).filter(|port| !port.is_empty());
            ports.push(port(at.number, at.protocol.to_string(), Some(said("HostIp")), published));
        }
    }
    rest.put_back("HostConfig", "PortBindings", others);
    // Compose takes none twice, though two free ports may lead to one.
    let (mut once, mut again) = (Vec::new(), Vec::new());
    for port in ports {
        if once.contains(&port) { again.push(port) } else { once.push(port) }
    }
    if !again.is_empty() {
        rest.extend("ports", Value::Sequence(again), "ports that are published more than once");
    }
    once
}

/// What is mounted. Folders of the host whose files were captured lead to the export's files unless told otherwise.
fn mounts(found: &Found, rest: &mut Rest) -> Vec<Value> {
    let captured: Vec<String> = found
        .files
        .iter()
        .filter_map(|file| match &file.origin {
            Origin::Host { folder, path } if path == "." => Some(folder.clone()),
            Origin::Host { folder, path } => Some(format!("{}/{path}", folder.trim_end_matches('/'))),
            Origin::Image | Origin::Container | Origin::Volume { .. } => None,
        })
        .collect();
    let source = |source: &str| {
        let below = format!("{source}/");
        if source != "/" && captured.iter().any(|path| path == source || path.starts_with(&below)) {
            text(format!("${{{HOST_ROOT}-./{HOST_FILES}}}{}", interpolated(source)))
        } else {
            said(source)
        }
    };
    // Options that no field of ours has stand in the engine's older form, beside those that have none.
    let binds = rest.take("HostConfig", "Binds");
    let binds: Vec<&str> = binds.iter().filter_map(Json::as_array).flatten().filter_map(Json::as_str).collect();
    let is_plain = |bind: &&&str| matches!(bind.split(':').collect::<Vec<_>>().as_slice(), [_, _] | [_, _, "ro"]);
    let special = binds.iter().filter(|bind| !is_plain(bind));
    let mut mounts: Vec<Value> = special.map(|bind| said(bind)).collect();
    mounts.extend(spec_mounts(&found.spec, &source));
    mounts
}

fn spec_mounts(spec: &ContainerSpec, host: &dyn Fn(&str) -> Value) -> Vec<Value> {
    let mounts = spec.mounts.iter().map(|mount| match mount {
        Mount::Volume { name, target, read_only } => map([
            ("type", text("volume")),
            ("source", optional(name.as_ref())),
            ("target", said(target)),
            ("read_only", flag(*read_only)),
        ]),
        Mount::Bind { source, target, read_only, make_source } => map([
            ("type", text("bind")),
            ("source", host(source)),
            ("target", said(target)),
            ("read_only", flag(*read_only)),
            ("bind", map([("create_host_path", Value::Bool(*make_source))])),
        ]),
        Mount::Tmpfs { target, size_bytes, mode } => map([
            ("type", text("tmpfs")),
            ("target", said(target)),
            ("tmpfs", some(map([("size", number(*size_bytes)), ("mode", number(*mode))]))),
        ]),
    });
    mounts.collect()
}

/// The mode, or the networks by name: Compose takes one of both.
fn networks(spec: &ContainerSpec, discovery: &Discovery, rest: &mut Rest) -> (Value, Value) {
    if spec.networks.is_empty() {
        let mode = spec.network_mode.as_deref().unwrap_or("bridge");
        return (said(&by_service(mode, discovery)), Value::Null);
    }
    let mut first = None;
    match spec.network_mode.as_ref() {
        Some(mode) if mode != "bridge" && spec.networks.contains_key(mode) => first = Some(mode.clone()),
        Some(mode) => rest.extend("network_mode", said(mode), "network_mode beside networks"),
        None => {}
    }
    let mut attached = Vec::new();
    let mut hidden: Vec<(String, Value)> = Vec::new();
    for (name, attachment) in &spec.networks {
        if name == "bridge" {
            hidden.push((name.clone(), yaml(&serde_json::to_value(attachment).unwrap_or_default())));
            continue;
        }
        if !attachment.links.is_empty() {
            hidden.push((name.clone(), map([("links", strings(attachment.links.iter().cloned()))])));
        }
        attached.push((
            name.clone(),
            map([
                ("aliases", strings(attachment.aliases.iter().cloned())),
                ("ipv4_address", optional(attachment.ipv4.as_ref())),
                ("ipv6_address", optional(attachment.ipv6.as_ref())),
                ("link_local_ips", strings(attachment.link_local.iter().cloned())),
                ("driver_opts", texts(&attachment.options)),
                ("gw_priority", number(attachment.gateway_priority)),
                ("priority", if first.as_ref() == Some(name) { Value::Number(100.into()) } else { Value::Null }),
            ]),
        ));
    }
    if !hidden.is_empty() {
        let names: Vec<String> = hidden.iter().map(|(name, _)| name.clone()).collect();
        rest.extend("networks", map(hidden), &format!("links on network {}", names.join(", ")));
    }
    (Value::Null, map(attached))
}

/// `service:NAME` for a container of the same stack.
fn by_service(mode: &str, discovery: &Discovery) -> String {
    let other = mode.strip_prefix("container:");
    let other = other.filter(|other| discovery.containers.iter().any(|found| found.spec.name == **other));
    other.map_or_else(|| mode.to_owned(), |other| format!("service:{other}"))
}

/// What has to be there first.
fn depends_on(found: &Found, discovery: &Discovery, order: &[String]) -> Value {
    let at = |name: &str| order.iter().position(|other| other == name);
    let told = discovery.dependencies.iter().filter(|one| one.from == found.spec.name && one.why == "depends_on");
    let mut names: Vec<String> =
        needs(&found.spec).into_iter().map(|(on, _)| on).chain(told.map(|one| one.on.clone())).collect();
    names.sort();
    names.dedup();
    names.retain(|name| at(name).is_some_and(|there| at(&found.spec.name).is_some_and(|here| there < here)));
    strings(names)
}

/// What no field of ours has, in the engine's words, until Compose's word for it is found.
struct Rest {
    more: Map<String, Json>,
    extension: Vec<(String, Value)>,
    said: Vec<String>,
}

impl Rest {
    fn take(&mut self, section: &str, key: &str) -> Option<Json> {
        if section.is_empty() {
            return self.more.remove(key);
        }
        let inner = self.more.get_mut(section)?.as_object_mut()?;
        let taken = inner.remove(key);
        if inner.is_empty() {
            self.more.remove(section);
        }
        taken
    }

    /// What Compose could not say after all.
    fn put_back(&mut self, section: &str, key: &str, value: impl Into<Json>) {
        let value = value.into();
        if value.as_object().is_some_and(Map::is_empty) {
            return;
        }
        let section = self.more.entry(section).or_insert_with(|| json!({}));
        if let Some(section) = section.as_object_mut() {
            section.insert(key.to_owned(), value);
        }
    }

    fn extend(&mut self, key: &str, value: Value, what: &str) {
        self.extension.push((key.to_owned(), value));
        self.said.push(what.to_owned());
    }

    /// Everything that Compose has a word for.
    fn known(&mut self, discovery: &Discovery, is_on_bridge_alone: bool) -> Vec<(&'static str, Value)> {
        let mut pairs: Vec<(&'static str, Value)> = Vec::new();
        for (section, key, name) in SAME {
            if let Some(value) = self.take(section, key) {
                pairs.push((name, yaml(&value)));
            }
        }
        for (key, name) in [("PidMode", "pid"), ("IpcMode", "ipc")] {
            if let Some(mode) = self.take("HostConfig", key) {
                pairs.push((name, said(&by_service(mode.as_str().unwrap_or_default(), discovery))));
            }
        }
        if let Some(Json::Object(folders)) = self.take("HostConfig", "Tmpfs") {
            let (known, others): (Map<_, _>, Map<_, _>) =
                folders.into_iter().partition(|(target, options)| !target.contains(':') && options.is_string());
            let known = known.iter().map(|(target, options)| match options.as_str() {
                Some(options) if !options.is_empty() => format!("{target}:{options}"),
                _ => target.clone(),
            });
            pairs.push(("tmpfs", strings(known)));
            self.put_back("HostConfig", "Tmpfs", others);
        }
        // Beside networks Compose would take them for links on those.
        if is_on_bridge_alone && let Some(links) = self.take("HostConfig", "Links") {
            pairs.push(("external_links", yaml(&links)));
        }
        if let Some(Json::Array(others)) = self.take("HostConfig", "VolumesFrom") {
            let others = others.iter().filter_map(Json::as_str).map(|other| {
                let name = other.split(':').next().unwrap_or(other);
                let is_ours = discovery.containers.iter().any(|found| found.spec.name == name);
                if is_ours { other.to_owned() } else { format!("container:{other}") }
            });
            pairs.push(("volumes_from", strings(others)));
        }
        if let Some(Json::Array(devices)) = self.take("HostConfig", "Devices") {
            match devices.iter().map(device).collect::<Option<Vec<String>>>() {
                Some(known) => pairs.push(("devices", strings(known))),
                None => self.put_back("HostConfig", "Devices", devices),
            }
        }
        pairs
    }

    /// Keeps the rest where an import finds it: what it is.
    fn left(&mut self) -> Vec<String> {
        let mut left = std::mem::take(&mut self.said);
        for (key, value) in &self.more {
            match value {
                Json::Object(inner) if matches!(key.as_str(), "HostConfig" | "Healthcheck" | "NetworkingConfig") => {
                    left.extend(inner.keys().map(|inner| format!("{key}.{inner}")));
                }
                _ => left.push(key.clone()),
            }
        }
        if !self.more.is_empty() {
            self.extension.push(("more".to_owned(), yaml(&json!(self.more))));
        }
        left
    }
}

/// A device in Compose's form, which has no place for a colon in a path.
fn device(of: &Json) -> Option<String> {
    let part = |key: &str| of.get(key).and_then(Json::as_str).filter(|part| !part.is_empty() && !part.contains(':'));
    let parts = [part("PathOnHost")?, part("PathInContainer")?, part("CgroupPermissions")?];
    Some(parts.join(":")).filter(|_| of.as_object().is_some_and(|keys| keys.len() == parts.len()))
}

/// JSON as YAML, with texts as Compose reads them.
fn yaml(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(figure) => {
            let whole = figure.as_i64().map(Into::into).or_else(|| figure.as_u64().map(Into::into));
            whole.or_else(|| figure.as_f64().map(Into::into)).map_or(Value::Null, Value::Number)
        }
        Json::String(text) => said(text),
        Json::Array(entries) => Value::Sequence(entries.iter().map(yaml).collect()),
        Json::Object(keys) => {
            let pairs: BTreeMap<&String, Value> = keys.iter().map(|(key, value)| (key, yaml(value))).collect();
            let mut mapping = serde_norway::Mapping::new();
            for (key, value) in pairs {
                mapping.insert(Value::String(key.clone()), value);
            }
            Value::Mapping(mapping)
        }
    }
}
