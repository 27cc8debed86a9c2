//! A service of a compose file as a container, in the forms of the Compose specification: the short ones, too.

mod mounts;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use engine_containers::{
    Attachment, ContainerSpec, Hardening, HealthCheck, Limits, LogDriver, Port, Published, Restart, StopRule, Ulimit,
    labels,
};
use serde_json::{Map, Value, json};

use super::{Wanted, canonical, fields::Field};
use crate::{
    export::compose::{EXTENSION, SAME},
    failure::Failure,
};

/// Keys that are understood besides those that engine and Compose have the same form for.
const KEYS: [&str; 55] = [
    "image",
    "container_name",
    "entrypoint",
    "command",
    "environment",
    "env_file",
    "labels",
    "user",
    "working_dir",
    "hostname",
    "extra_hosts",
    "dns",
    "restart",
    "stop_signal",
    "stop_grace_period",
    "init",
    "logging",
    "healthcheck",
    "expose",
    "ports",
    "volumes",
    "network_mode",
    "networks",
    "depends_on",
    "mem_limit",
    "mem_reservation",
    "memswap_limit",
    "cpus",
    "cpu_shares",
    "cpuset",
    "pids_limit",
    "shm_size",
    "ulimits",
    "read_only",
    "privileged",
    "cap_drop",
    "cap_add",
    "group_add",
    "security_opt",
    "scale",
    "pid",
    "ipc",
    "tmpfs",
    "external_links",
    "links",
    "volumes_from",
    "devices",
    "deploy",
    "pull_policy",
    "platform",
    "configs",
    "secrets",
    "profiles",
    "attach",
    "stdin_open",
];

/// What a service has to know of its project.
#[derive(Debug)]
pub(super) struct Project<'a> {
    pub(super) name: &'a str,
    /// Whether it was written by an export, which says everything itself.
    pub(super) is_export: bool,
    /// Where the project's files are for the engine.
    pub(super) folder: &'a Path,
    /// Where they are for us.
    pub(super) local: &'a Path,
    /// Containers by service.
    pub(super) containers: BTreeMap<String, String>,
    /// Networks by key.
    pub(super) networks: BTreeMap<String, String>,
    /// Volumes by key.
    pub(super) volumes: BTreeMap<String, String>,
    /// Files of `configs` and `secrets`, by kind and name.
    pub(super) sources: BTreeMap<(String, String), PathBuf>,
    /// Variables.
    pub(super) values: &'a BTreeMap<String, String>,
}

/// Reads one.
pub(super) fn read(project: &Project<'_>, name: &str, field: &Field<'_>) -> Result<Wanted, Failure> {
    let same = SAME.map(|(_, _, key)| key);
    field.allow(&[KEYS.as_slice(), same.as_slice()].concat())?;
    let text = |key: &str| field.get(key).text();
    let own = field.get(EXTENSION);
    let image = text("image")?.ok_or_else(|| field.get("image").wrong("the name of an image"))?;
    let grace = field.get("stop_grace_period").seconds()?;
    let deploy = field.get("deploy");
    let (network_mode, networks) = networks(project, name, field)?;
    let (variables, bare) = environment(project, field)?;
    let mut spec = ContainerSpec {
        entrypoint: field.get("entrypoint").words()?,
        command: field.get("command").words()?,
        environment: variables,
        labels: field.get("labels").pairs(|_| Some(String::new()))?,
        user: text("user")?,
        working_folder: text("working_dir")?,
        host_name: text("hostname")?,
        health: health(&field.get("healthcheck"))?,
        exposed: ports_of(&field.get("expose"))?,
        published: Vec::new(),
        mounts: Vec::new(),
        network_mode,
        networks,
        extra_hosts: extra_hosts(&field.get("extra_hosts"))?,
        dns: field.get("dns").texts()?,
        restart: restart(&field.get("restart"))?,
        stop: StopRule { signal: text("stop_signal")?, grace_seconds: grace.map(whole) },
        limits: limits(field, &deploy)?,
        hardening: hardening(field)?,
        log: log(&field.get("logging"))?,
        init: field.get("init").flag()?,
        ..ContainerSpec::new(project.containers.get(name).cloned().unwrap_or_default(), image)
    };
    if !bare.is_empty() {
        spec.more.insert("Env".to_owned(), bare.into());
    }
    let mut host = Map::new();
    ports(&[field.get("ports"), own.get("ports")], &mut spec, &mut host)?;
    let mut relative = mounts::mounts(project, field, &mut spec, &mut host)?;
    relative.extend(mounts::given_files(project, field, &mut spec)?);
    rest(project, field, &mut spec, host)?;
    let is_none = |key: &str| -> Result<bool, Failure> { Ok(field.get(key).number::<u32>()? == Some(0)) };
    let replicas = deploy.get("replicas").number::<u32>()?;
    if field.get("scale").number::<u32>()?.or(replicas).is_some_and(|count| count > 1) {
        return Err(field.get("scale").wrong("one container of each service"));
    }
    let mut wanted = Wanted {
        runs: !(is_none("scale")? || replicas == Some(0)),
        after: after(project, field)?,
        files: relative,
        spec,
    };
    extension(&own, &mut wanted.spec)?;
    if !project.is_export {
        of_compose(project, name, &wanted.after, &mut wanted.spec);
    }
    canonical(&mut wanted.spec);
    Ok(wanted)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates; a grace is not negative")]
fn whole(seconds: f64) -> u32 {
    seconds.round() as u32
}

/// Variables, and names of those that nobody gives a value: they take the image's away.
fn environment(project: &Project<'_>, field: &Field<'_>) -> Result<(BTreeMap<String, String>, Vec<String>), Failure> {
    let mut environment = BTreeMap::new();
    let files = field.get("env_file");
    let entries = if files.value.is_array() { files.list()? } else { vec![files] };
    for entry in entries.iter().filter(|entry| !entry.is_absent()) {
        let path = if entry.value.is_object() { entry.get("path").text()? } else { entry.text()? };
        let path = project.local.join(path.unwrap_or_default());
        let text = crate::files::read(&path)?;
        let is_needed = entry.get("required").flag()? != Some(false);
        match text {
            Some(text) => environment.extend(crate::export::variables::read(&path.display().to_string(), &text)?),
            None if is_needed => return Err(entry.wrong("a file that exists")),
            None => {}
        }
    }
    let asked = field.get("environment");
    let mut bare = asked.bare()?;
    bare.retain(|name| !project.values.contains_key(name));
    bare.iter().for_each(|name| _ = environment.remove(name));
    environment.extend(asked.pairs(|name| project.values.get(name).cloned())?);
    bare.retain(|name| !environment.contains_key(name));
    Ok((environment, bare))
}

fn health(field: &Field<'_>) -> Result<Option<HealthCheck>, Failure> {
    field.allow(&["test", "interval", "timeout", "start_period", "start_interval", "retries", "disable"])?;
    if field.is_absent() {
        return Ok(None);
    }
    if field.get("disable").flag()? == Some(true) {
        return Ok(Some(HealthCheck { test: vec!["NONE".to_owned()], ..HealthCheck::default() }));
    }
    let test = field.get("test");
    let test = match test.value {
        Value::String(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        _ => test.texts()?,
    };
    let check = HealthCheck {
        test,
        interval_seconds: field.get("interval").seconds()?,
        timeout_seconds: field.get("timeout").seconds()?,
        start_period_seconds: field.get("start_period").seconds()?,
        retries: field.get("retries").number()?,
    };
    Ok(Some(check).filter(|check| *check != HealthCheck::default()))
}

fn ports_of(field: &Field<'_>) -> Result<std::collections::BTreeSet<Port>, Failure> {
    let port = |text: String| text.parse::<Port>().map_err(|_wrong| field.wrong("ports such as 9090 or 53/udp"));
    field.texts()?.into_iter().map(port).collect()
}

fn extra_hosts(field: &Field<'_>) -> Result<Vec<String>, Failure> {
    if field.value.is_object() {
        return Ok(field.pairs(|_| None)?.into_iter().map(|(name, address)| format!("{name}:{address}")).collect());
    }
    Ok(field.texts()?.into_iter().map(|text| text.replacen('=', ":", 1)).collect())
}

fn restart(field: &Field<'_>) -> Result<Restart, Failure> {
    let text = field.text()?.unwrap_or_default();
    Ok(match text.split_once(':').unwrap_or((&text, "0")) {
        ("" | "no" | "false", _) => Restart::No,
        ("always", _) => Restart::Always,
        ("unless-stopped", _) => Restart::UnlessStopped,
        ("on-failure", attempts) => {
            let attempts_max = attempts.parse().map_err(|_wrong| field.wrong("on-failure:NUMBER"))?;
            Restart::OnFailure { attempts_max }
        }
        _ => return Err(field.wrong("no, always, unless-stopped or on-failure[:NUMBER]")),
    })
}

fn limits(field: &Field<'_>, deploy: &Field<'_>) -> Result<Limits, Failure> {
    deploy.allow(&["resources", "replicas", "restart_policy", "mode", "labels"])?;
    let (most, least) = (deploy.get("resources").get("limits"), deploy.get("resources").get("reservations"));
    let swap = field.get("memswap_limit");
    let mut ulimits = BTreeMap::new();
    for (name, limit) in field.get("ulimits").entries()? {
        let both = if limit.value.is_object() { None } else { limit.number::<i64>()? };
        let of = |key: &str| -> Result<i64, Failure> {
            let own = if both.is_some() { both } else { limit.get(key).number()? };
            own.ok_or_else(|| limit.wrong("a number, or `soft` and `hard`"))
        };
        ulimits.insert(name, Ulimit { soft: of("soft")?, hard: of("hard")? });
    }
    Ok(Limits {
        memory_bytes: field.get("mem_limit").bytes()?.or(most.get("memory").bytes()?).filter(|bytes| *bytes > 0),
        memory_reservation_bytes: field.get("mem_reservation").bytes()?.or(least.get("memory").bytes()?),
        memory_and_swap_bytes: match swap.number::<i64>() {
            Ok(figure) => figure,
            Err(_not_plain) => swap.bytes()?.and_then(|bytes| i64::try_from(bytes).ok()),
        },
        cpus: field.get("cpus").number()?.or(most.get("cpus").number()?),
        cpu_shares: field.get("cpu_shares").number()?,
        cpu_set: field.get("cpuset").text()?,
        processes: field.get("pids_limit").number()?.or(most.get("pids").number()?),
        shared_memory_bytes: field.get("shm_size").bytes()?,
        ulimits,
    })
}

fn hardening(field: &Field<'_>) -> Result<Hardening, Failure> {
    let flag = |key: &str| -> Result<bool, Failure> { Ok(field.get(key).flag()?.unwrap_or_default()) };
    let options = field.get("security_opt").texts()?;
    let is_no_new = |option: &String| option.starts_with("no-new-privileges") && !option.ends_with("false");
    let capabilities = |key: &str| -> Result<BTreeSet<String>, Failure> {
        let upper = field.get(key).texts()?.into_iter().map(|name| name.to_ascii_uppercase());
        Ok(upper.map(|name| name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)).collect())
    };
    Ok(Hardening {
        read_only_root: flag("read_only")?,
        no_new_privileges: options.iter().any(is_no_new),
        privileged: flag("privileged")?,
        capabilities_dropped: capabilities("cap_drop")?,
        capabilities_added: capabilities("cap_add")?,
        groups: field.get("group_add").texts()?,
        options: options.into_iter().filter(|option| !is_no_new(option)).collect(),
    })
}

fn log(field: &Field<'_>) -> Result<Option<LogDriver>, Failure> {
    field.allow(&["driver", "options"])?;
    if field.is_absent() {
        return Ok(None);
    }
    let driver = field.get("driver").text()?.unwrap_or_else(|| "json-file".to_owned());
    Ok(Some(LogDriver { driver, options: field.get("options").pairs(|_| None)? }))
}

/// An address of the host, and its port or a range of its ports.
type Binding = (Option<String>, Option<String>);

/// Published ports; one that leads to a range of the host's ports is said in the engine's words.
fn ports(fields: &[Field<'_>], spec: &mut ContainerSpec, host: &mut Map<String, Value>) -> Result<(), Failure> {
    let allowed = "[ADDRESS:][PORT:]PORT[/PROTOCOL]";
    let mut bound: BTreeMap<Port, Vec<Binding>> = BTreeMap::new();
    for entry in fields.iter().map(Field::list).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let (address, outer, inner, protocol) = if entry.value.is_object() {
            let text = |key: &str| entry.get(key).text();
            let protocol = text("protocol")?.unwrap_or_else(|| "tcp".to_owned());
            (text("host_ip")?, text("published")?, text("target")?.unwrap_or_default(), protocol)
        } else {
            let text = entry.text()?.unwrap_or_default();
            let (rest, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
            let (rest, inner) = rest.rsplit_once(':').map_or((None, rest), |(rest, inner)| (Some(rest), inner));
            let (address, outer) = match rest.map(|rest| rest.rsplit_once(':').unwrap_or(("", rest))) {
                None => (None, None),
                Some((address, outer)) => (Some(address.trim_matches(['[', ']']).to_owned()), Some(outer.to_owned())),
            };
            (address, outer, inner.to_owned(), protocol.to_owned())
        };
        let address = address.filter(|address| !address.is_empty());
        let outer = outer.filter(|outer| !outer.is_empty());
        let (inner, outer) = match (span(&inner), outer.as_deref().map(span)) {
            (Some((from, to)), Some(Some((outer, end))))
                if to > from && end.checked_sub(outer) == to.checked_sub(from) =>
            {
                ((from..=to).collect::<Vec<u16>>(), (outer..=end).map(|port| Some(port.to_string())).collect())
            }
            (Some((from, to)), _) if from == to => (vec![from], vec![outer.clone()]),
            (Some((from, to)), None) => ((from..=to).collect(), (from..=to).map(|_| None).collect()),
            _ => return Err(entry.wrong(allowed)),
        };
        for (inner, outer) in inner.into_iter().zip(outer) {
            let container: Port = format!("{inner}/{protocol}").parse().map_err(|_wrong| entry.wrong(allowed))?;
            bound.entry(container).or_default().push((address.clone(), outer));
        }
    }
    for (container, bindings) in bound {
        let ports = bindings.iter().map(|(address, outer)| {
            let host_port = outer.as_deref().map(str::parse).transpose().ok()?;
            Some(Published { container, host_address: address.clone(), host_port })
        });
        // All bindings of a port stand in one place.
        match ports.collect::<Option<Vec<Published>>>() {
            Some(ports) => spec.published.extend(ports),
            None => bind_ranges(host, container, &bindings),
        }
    }
    Ok(())
}

/// First and last of a range of ports, or one port twice.
fn span(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((from.parse().ok()?, to.parse().ok()?)).filter(|(from, to)| from <= to)
}

fn bind_ranges(host: &mut Map<String, Value>, port: Port, bindings: &[Binding]) {
    let ports = host.entry("PortBindings").or_insert_with(|| json!({}));
    let bindings = bindings.iter().map(|(address, outer)| {
        json!({ "HostIp": address.clone().unwrap_or_default(), "HostPort": outer.clone().unwrap_or_default() })
    });
    if let Some(ports) = ports.as_object_mut() {
        ports.insert(port.to_string(), bindings.collect());
    }
}

fn networks(
    project: &Project<'_>,
    service: &str,
    field: &Field<'_>,
) -> Result<(Option<String>, BTreeMap<String, Attachment>), Failure> {
    if let Some(mode) = field.get("network_mode").text()? {
        return Ok((Some(other(project, &mode)).filter(|mode| mode != "bridge"), BTreeMap::new()));
    }
    let asked = field.get("networks");
    let listed: Vec<(String, Field<'_>)> = if asked.value.is_array() {
        asked.texts()?.into_iter().map(|name| (name, Field::new(asked.path.clone(), &Value::Null))).collect()
    } else if asked.is_absent() {
        vec![("default".to_owned(), asked.clone())]
    } else {
        asked.entries()?
    };
    let mut networks = BTreeMap::new();
    let mut first: Option<(i64, String)> = None;
    for (key, entry) in listed {
        entry.allow(&[
            "aliases",
            "ipv4_address",
            "ipv6_address",
            "link_local_ips",
            "driver_opts",
            "priority",
            "gw_priority",
        ])?;
        let name = project.networks.get(&key).cloned().ok_or_else(|| entry.wrong("a network of this file"))?;
        let mut aliases = entry.get("aliases").texts()?;
        if !project.is_export {
            aliases.extend([service.to_owned()]);
        }
        let attachment = Attachment {
            aliases,
            ipv4: entry.get("ipv4_address").text()?,
            ipv6: entry.get("ipv6_address").text()?,
            link_local: entry.get("link_local_ips").texts()?,
            links: Vec::new(),
            options: entry.get("driver_opts").pairs(|_| None)?,
            gateway_priority: entry.get("gw_priority").number::<i64>()?.filter(|priority| *priority != 0),
        };
        let priority = entry.get("priority").number::<i64>()?.unwrap_or_default();
        if first.as_ref().is_none_or(|(most, _)| priority > *most) {
            first = Some((priority, name.clone()));
        }
        networks.insert(name, attachment);
    }
    let chosen = first.map(|(_, name)| name).filter(|name| Some(name) != networks.keys().next());
    Ok((chosen, networks))
}

/// `container:NAME` of `service:NAME`.
fn other(project: &Project<'_>, mode: &str) -> String {
    let container = mode.strip_prefix("service:").and_then(|service| project.containers.get(service));
    container.map_or_else(|| mode.to_owned(), |name| format!("container:{name}"))
}

/// What no field of ours has.
fn rest(
    project: &Project<'_>,
    field: &Field<'_>,
    spec: &mut ContainerSpec,
    mut host: Map<String, Value>,
) -> Result<(), Failure> {
    for (section, key, name) in SAME {
        let found = field.get(name);
        if found.is_absent() {
            continue;
        }
        let value = match name {
            "sysctls" | "storage_opt" | "annotations" => json!(found.pairs(|_| None)?),
            "dns_opt" | "dns_search" | "device_cgroup_rules" => json!(found.texts()?),
            "tty" | "stdin_open" | "oom_kill_disable" => json!(found.flag()?),
            "oom_score_adj" | "mem_swappiness" => json!(found.number::<i64>()?),
            _ if name.starts_with("cpu_") => json!(found.number::<i64>()?),
            _ => json!(found.text()?),
        };
        let section = if section.is_empty() { &mut spec.more } else { &mut host };
        section.insert(key.to_owned(), value);
    }
    for (key, name) in [("PidMode", "pid"), ("IpcMode", "ipc")] {
        if let Some(mode) = field.get(name).text()? {
            host.insert(key.to_owned(), other(project, &mode).into());
        }
    }
    let tmpfs = field.get("tmpfs").texts()?;
    if !tmpfs.is_empty() {
        let pairs = tmpfs.iter().map(|text| text.split_once(':').unwrap_or((text, "")));
        let pairs = pairs.map(|(to, options)| (to.to_owned(), Value::String(options.to_owned())));
        host.insert("Tmpfs".to_owned(), Value::Object(pairs.collect()));
    }
    let named = |text: &str| {
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let name = project.containers.get(name).map_or(name, String::as_str);
        rest.map_or_else(|| name.to_owned(), |rest| format!("{name}:{rest}"))
    };
    let from: Vec<String> = field.get("volumes_from").texts()?;
    if !from.is_empty() {
        let from = from.iter().map(|text| text.strip_prefix("container:").map_or_else(|| named(text), str::to_owned));
        host.insert("VolumesFrom".to_owned(), from.collect::<Vec<_>>().into());
    }
    let linked = |text: &String| if text.contains(':') { named(text) } else { format!("{}:{text}", named(text)) };
    let links: Vec<String> =
        [field.get("external_links").texts()?, field.get("links").texts()?].concat().iter().map(linked).collect();
    if !links.is_empty() {
        match spec.networks.values_mut().next().filter(|_| !project.is_export) {
            Some(attachment) => attachment.links = links,
            None => _ = host.insert("Links".to_owned(), links.into()),
        }
    }
    let devices = field.get("devices").texts()?;
    if !devices.is_empty() {
        let devices = devices.iter().map(|device| {
            let parts: Vec<&str> = device.split(':').collect();
            let source = parts.first().copied().unwrap_or_default();
            let target = parts.get(1).copied().unwrap_or(source);
            json!({
                "PathOnHost": source,
                "PathInContainer": target,
                "CgroupPermissions": parts.get(2).copied().unwrap_or("rwm"),
            })
        });
        host.insert("Devices".to_owned(), devices.collect::<Vec<_>>().into());
    }
    if let Some(seconds) = field.get("healthcheck").get("start_interval").seconds()? {
        #[expect(clippy::cast_possible_truncation, reason = "it saturates; nobody waits for three hundred years")]
        let nano = (seconds * 1e9).round() as i64;
        spec.more.insert("Healthcheck".to_owned(), json!({ "StartInterval": nano }));
    }
    if !host.is_empty() {
        spec.more.insert("HostConfig".to_owned(), Value::Object(host));
    }
    Ok(())
}

/// Services that come first, by their containers.
fn after(project: &Project<'_>, field: &Field<'_>) -> Result<Vec<String>, Failure> {
    let asked = field.get("depends_on");
    let services: Vec<String> = if asked.value.is_object() {
        asked.entries()?.into_iter().map(|(service, _)| service).collect()
    } else {
        asked.texts()?
    };
    let container =
        |service: String| project.containers.get(&service).cloned().ok_or_else(|| asked.wrong("services of this file"));
    services.into_iter().map(container).collect()
}

/// What an export said where Compose has no word for it.
fn extension(own: &Field<'_>, spec: &mut ContainerSpec) -> Result<(), Failure> {
    spec.labels.extend(own.get("labels").pairs(|_| None)?);
    if let Some(mode) = own.get("network_mode").text()? {
        spec.network_mode = Some(mode);
    }
    for (network, entry) in own.get("networks").entries()? {
        if network == "bridge" {
            let whole = serde_json::from_value(entry.value.clone()).map_err(|_wrong| entry.wrong("an attachment"))?;
            spec.networks.insert(network, whole);
            continue;
        }
        let attachment = spec.networks.entry(network).or_default();
        attachment.links = entry.get("links").texts()?;
        if !entry.get("aliases").is_absent() {
            attachment.aliases = entry.get("aliases").texts()?;
        }
    }
    if let Some(more) = own.get("more").value.as_object() {
        merge(&mut spec.more, more);
    }
    Ok(())
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            _ => _ = into.insert(key.clone(), value.clone()),
        }
    }
}

/// What Compose would add, so that its commands know the container as theirs.
fn of_compose(project: &Project<'_>, service: &str, after: &[String], spec: &mut ContainerSpec) {
    let digest = serde_json::to_string(&*spec).map(|text| crate::stack::short_hash(&text)).unwrap_or_default();
    spec.labels.extend(labels::of_service(project.name, service, &digest));
    spec.labels.insert(labels::WORKING_FOLDER.to_owned(), project.folder.display().to_string());
    let services = project.containers.iter().filter(|(_, container)| after.contains(container));
    let needed: Vec<String> = services.map(|(service, _)| format!("{service}:service_started:false")).collect();
    if !needed.is_empty() {
        spec.labels.insert(labels::DEPENDS_ON.to_owned(), needed.join(","));
    }
}
