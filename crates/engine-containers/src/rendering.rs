//! From a specification to the request in which the engine is asked for a container. It is JSON and not the library's type, which knows
//! fewer fields than engines do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{EndpointIpamConfig, EndpointSettings, RestartPolicy, RestartPolicyNameEnum};
use serde_json::{Map, Value, json};

use crate::{Attachment, ContainerSpec, HealthCheck, Limits, Mount, Restart};

/// The option by which a program can't gain rights.
pub(crate) const NO_NEW_PRIVILEGES: &str = "no-new-privileges";

/// The one list to which `more` adds: a variable's name without a value takes the image's away.
pub(crate) const LINES: &str = "Env";

/// The request, with what the specification says in the engine's own words merged over it.
pub(crate) fn request(spec: &ContainerSpec) -> Value {
    let mut whole = typed(spec);
    merge(&mut whole, &spec.more);
    whole
}

/// Objects key by key, lines of the environment besides those that are there, everything else as it stands.
fn merge(whole: &mut Value, over: &Map<String, Value>) {
    for (key, value) in over {
        match (whole.get_mut(key), value) {
            (Some(found @ Value::Object(_)), Value::Object(inner)) => merge(found, inner),
            (Some(Value::Array(found)), Value::Array(lines)) if key == LINES => found.extend(lines.iter().cloned()),
            _ => {
                if let Some(whole) = whole.as_object_mut() {
                    whole.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// The request for what the typed fields say. What says nothing is null, which engines take for their default.
pub(crate) fn typed(spec: &ContainerSpec) -> Value {
    let mut exposed: BTreeSet<String> = spec.exposed.iter().map(ToString::to_string).collect();
    exposed.extend(spec.published.iter().map(|published| published.container.to_string()));
    let nameless = spec.mounts.iter().filter_map(|mount| match mount {
        Mount::Volume { name: None, target, read_only: false } => Some(target.clone()),
        _ => None,
    });
    let environment: Vec<String> = spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let attached = first(spec).map(|(name, of)| json!({ "EndpointsConfig": { name: endpoint(of) } }));
    json!({
        "Image": spec.image,
        "Hostname": spec.host_name,
        "User": spec.user,
        "WorkingDir": spec.working_folder,
        "Entrypoint": spec.entrypoint,
        "Cmd": spec.command,
        "Env": environment,
        "Labels": spec.labels,
        "Healthcheck": spec.health.as_ref().map(health),
        "ExposedPorts": keys(exposed),
        "Volumes": keys(nameless),
        "StopSignal": spec.stop.signal,
        "StopTimeout": spec.stop.grace_seconds,
        "HostConfig": host(spec),
        "NetworkingConfig": attached,
    })
}

fn host(spec: &ContainerSpec) -> Value {
    let hardening = &spec.hardening;
    let mut security = hardening.options.clone();
    if hardening.no_new_privileges {
        security.push(NO_NEW_PRIVILEGES.to_owned());
    }
    let mut host = json!({
        "PortBindings": ports(spec),
        "Binds": spec.mounts.iter().filter_map(bind).collect::<Vec<_>>(),
        "Mounts": spec.mounts.iter().filter_map(mount).collect::<Vec<_>>(),
        "NetworkMode": spec.network_mode.as_ref().or_else(|| spec.networks.keys().next()),
        "ExtraHosts": spec.extra_hosts,
        "Dns": spec.dns,
        "RestartPolicy": restart(spec.restart),
        "LogConfig": spec.log.as_ref().map(|log| json!({ "Type": log.driver, "Config": log.options })),
        "Init": spec.init,
        "ReadonlyRootfs": hardening.read_only_root,
        "Privileged": hardening.privileged,
        "CapDrop": hardening.capabilities_dropped,
        "CapAdd": hardening.capabilities_added,
        "GroupAdd": hardening.groups,
        "SecurityOpt": security,
    });
    if let (Some(host), Value::Object(limits)) = (host.as_object_mut(), limits(&spec.limits)) {
        host.extend(limits);
    }
    host
}

/// Limits in the words of a container's making, and of its change.
pub(crate) fn limits(limits: &Limits) -> Value {
    let ulimits = limits.ulimits.iter();
    let ulimits = ulimits.map(|(name, of)| json!({ "Name": name, "Soft": of.soft, "Hard": of.hard }));
    json!({
        "Memory": limits.memory_bytes,
        "MemoryReservation": limits.memory_reservation_bytes,
        "MemorySwap": limits.memory_and_swap_bytes,
        "NanoCpus": limits.cpus.map(nano),
        "CpuShares": limits.cpu_shares,
        "CpusetCpus": limits.cpu_set,
        "PidsLimit": limits.processes,
        "ShmSize": limits.shared_memory_bytes,
        "Ulimits": ulimits.collect::<Vec<_>>(),
    })
}

fn ports(spec: &ContainerSpec) -> BTreeMap<String, Vec<Value>> {
    let mut ports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for published in &spec.published {
        let (address, port) = (published.host_address.clone(), published.host_port.map(|port| port.to_string()));
        ports.entry(published.container.to_string()).or_default().push(json!({
            "HostIp": address.unwrap_or_default(),
            "HostPort": port.unwrap_or_default(),
        }));
    }
    ports
}

/// A folder of the host that is made where it is not there can be asked for in this older form only.
fn bind(mount: &Mount) -> Option<String> {
    match mount {
        Mount::Bind { source, target, read_only, make_source: true } => {
            Some(format!("{source}:{target}{}", if *read_only { ":ro" } else { "" }))
        }
        Mount::Bind { .. } | Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
    }
}

/// Volumes without a name stand elsewhere in a request, unless they are read-only.
fn mount(mount: &Mount) -> Option<Value> {
    Some(match mount {
        Mount::Volume { name: None, read_only: false, .. } | Mount::Bind { make_source: true, .. } => return None,
        Mount::Volume { name, target, read_only } => {
            json!({ "Type": "volume", "Source": name, "Target": target, "ReadOnly": read_only })
        }
        Mount::Bind { source, target, read_only, make_source: false } => {
            json!({ "Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only })
        }
        Mount::Tmpfs { target, size_bytes, mode } => {
            let options = json!({ "SizeBytes": size_bytes, "Mode": mode });
            let said = size_bytes.is_some() || mode.is_some();
            json!({ "Type": "tmpfs", "Target": target, "TmpfsOptions": said.then_some(options) })
        }
    })
}

/// The policy; `null` where nothing happens.
fn restart(restart: Restart) -> Option<RestartPolicy> {
    let (name, count) = match restart {
        Restart::No => return None,
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, None),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        Restart::OnFailure { attempts_max } => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(attempts_max))),
    };
    Some(RestartPolicy { name: Some(name), maximum_retry_count: count })
}

/// The policy that takes another's place.
pub(crate) fn changed_restart(to: Restart) -> RestartPolicy {
    restart(to).unwrap_or(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None })
}

fn health(check: &HealthCheck) -> Value {
    json!({
        "Test": check.test,
        "Interval": check.interval_seconds.map(nano),
        "Timeout": check.timeout_seconds.map(nano),
        "StartPeriod": check.start_period_seconds.map(nano),
        "Retries": check.retries,
    })
}

/// The networks that a container is attached to after it was created: older engines take only one with the request.
pub(crate) fn others(spec: &ContainerSpec) -> impl Iterator<Item = (&str, &Attachment)> {
    let first = first(spec).map(|(name, _)| name);
    spec.networks.iter().map(|(name, of)| (name.as_str(), of)).filter(move |(name, _)| Some(*name) != first)
}

fn first(spec: &ContainerSpec) -> Option<(&str, &Attachment)> {
    let by_mode = spec.network_mode.as_ref().and_then(|mode| spec.networks.get_key_value(mode));
    let chosen = by_mode.or_else(|| spec.networks.iter().next().filter(|_| spec.network_mode.is_none()));
    chosen.map(|(name, of)| (name.as_str(), of))
}

pub(crate) fn endpoint(attachment: &Attachment) -> EndpointSettings {
    let fixed = attachment.ipv4.is_some() || attachment.ipv6.is_some() || !attachment.link_local.is_empty();
    EndpointSettings {
        aliases: Some(attachment.aliases.clone()).filter(|aliases| !aliases.is_empty()),
        links: Some(attachment.links.clone()).filter(|links| !links.is_empty()),
        driver_opts: some_map(&attachment.options),
        ipam_config: fixed.then(|| EndpointIpamConfig {
            ipv4_address: attachment.ipv4.clone(),
            ipv6_address: attachment.ipv6.clone(),
            link_local_ips: Some(attachment.link_local.clone()).filter(|addresses| !addresses.is_empty()),
        }),
        gw_priority: attachment.gateway_priority,
        ..EndpointSettings::default()
    }
}

pub(crate) fn some_map(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    Some(map).filter(|map| !map.is_empty()).map(|map| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// A set in the engine's way: an object with an empty object under each key.
fn keys(names: impl IntoIterator<Item = String>) -> Map<String, Value> {
    names.into_iter().map(|name| (name, json!({}))).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates; nobody waits for three hundred years")]
fn nano(whole: f64) -> i64 {
    (whole * 1e9).round() as i64
}
