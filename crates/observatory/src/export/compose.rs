//! The compose file of a discovery: each container a service with a name of its own, each network and volume by the name that it has.

mod service;
mod written;

pub(crate) use service::SAME;

use serde_norway::Value;

use super::place_of;
use crate::{
    discovery::{Contents, Discovery, Found, Origin, Unexpressed},
    redaction::with_marks,
    render::yaml::{list, map, text},
};

/// What stands above the file.
const SENTENCE: &str =
    "Written by `observatory export`; `observatory import` makes the same again, `docker compose up` nearly.";
/// Labels that Compose gives, and takes from nobody.
pub(crate) const COMPOSE_LABELS: &str = "com.docker.compose.";
/// Where an export says what Compose can't.
pub const EXTENSION: &str = "x-observatory";

/// The file, and what it can't say.
pub fn compose(discovery: &Discovery, project: &str) -> (String, Vec<Unexpressed>) {
    let mut unexpressed = Vec::new();
    let order = crate::import::order(discovery.containers.iter().map(|found| &found.spec));
    let mut services = Vec::new();
    for found in &discovery.containers {
        let described = service::service(found, discovery, &order, &mut unexpressed);
        services.push((found.spec.name.clone(), described));
    }
    let networks = discovery.networks.iter().map(|network| (network.name.clone(), self::network(network)));
    let known = |name: &String| discovery.networks.iter().any(|network| network.name == *name);
    let others = discovery.containers.iter().flat_map(|found| found.spec.networks.keys()).filter(|name| !known(name));
    let others = others.filter(|name| name.as_str() != "bridge");
    let others = others.map(|name| (name.clone(), map([("name", said(name)), ("external", Value::Bool(true))])));
    let volumes = discovery.volumes.iter().map(|volume| (volume.name.clone(), self::volume(volume)));
    let mut files = Vec::new();
    for found in &discovery.containers {
        files.extend(found.files.iter().filter_map(|file| placed(found, file, &mut unexpressed)));
    }
    let whole = map([
        ("name", text(project_name(project))),
        ("services", map(services)),
        ("networks", some(map(networks.chain(others)))),
        ("volumes", some(map(volumes))),
        (EXTENSION, map([("format", Value::Number(1.into())), ("files", Value::Sequence(files))])),
    ]);
    (written::document(SENTENCE, &whole), unexpressed)
}

/// A text for Compose, where a dollar stands twice, and a secret is a variable.
pub(super) fn said(value: &str) -> Value {
    text(interpolated(value))
}

fn interpolated(value: &str) -> String {
    with_marks(value, |between| between.replace('$', "$$"), |name| format!("${{{name}:?is missing in .env}}"))
}

/// Nothing instead of an empty mapping.
fn some(value: Value) -> Value {
    if value.as_mapping().is_some_and(serde_norway::Mapping::is_empty) { Value::Null } else { value }
}

fn texts(values: &std::collections::BTreeMap<String, String>) -> Value {
    some(map(values.iter().map(|(key, value)| (key.clone(), said(value)))))
}

/// Labels that a file may say, and those of Compose, which go elsewhere.
fn labels(all: &std::collections::BTreeMap<String, String>) -> (Value, Value) {
    let (of_compose, own): (std::collections::BTreeMap<_, _>, std::collections::BTreeMap<_, _>) =
        all.clone().into_iter().partition(|(name, _)| name.starts_with(COMPOSE_LABELS));
    let hidden = texts(&of_compose);
    (texts(&own), if hidden.is_null() { Value::Null } else { map([("labels", hidden)]) })
}

fn flag(value: bool) -> Value {
    if value { Value::Bool(true) } else { Value::Null }
}

fn optional(value: Option<&String>) -> Value {
    value.map_or(Value::Null, |value| said(value))
}

fn network(network: &engine_containers::NetworkSpec) -> Value {
    let ranges = network.subnets.iter().map(|range| {
        map([
            ("subnet", optional(range.subnet.as_ref())),
            ("ip_range", optional(range.range.as_ref())),
            ("gateway", optional(range.gateway.as_ref())),
        ])
    });
    let ranges: Vec<Value> = ranges.collect();
    let (own, of_compose) = labels(&network.labels);
    map([
        ("name", said(&network.name)),
        ("driver", optional(network.driver.as_ref())),
        ("driver_opts", texts(&network.options)),
        ("internal", flag(network.internal)),
        ("attachable", flag(network.attachable)),
        ("enable_ipv6", flag(network.ipv6)),
        ("ipam", if ranges.is_empty() { Value::Null } else { map([("config", list(ranges))]) }),
        ("labels", own),
        (EXTENSION, of_compose),
    ])
}

fn volume(volume: &engine_containers::VolumeSpec) -> Value {
    let (own, of_compose) = labels(&volume.labels);
    map([
        ("name", said(&volume.name)),
        ("driver", optional(volume.driver.as_ref())),
        ("driver_opts", texts(&volume.options)),
        ("labels", own),
        (EXTENSION, of_compose),
    ])
}

/// A line of the list of files: what of the export goes where.
fn placed(found: &Found, file: &crate::discovery::CapturedFile, unexpressed: &mut Vec<Unexpressed>) -> Option<Value> {
    if file.origin == Origin::Image {
        return None;
    }
    let name = &found.spec.name;
    let Some(path) = place_of(name, file) else {
        unexpressed.push(Unexpressed::new(
            name,
            format!("file {}, whose path leads out of its place", file.path),
            "left out",
        ));
        return None;
    };
    let (user, group) = file.owner;
    let origin = match &file.origin {
        Origin::Image | Origin::Container => Value::Null,
        Origin::Volume { volume, path } => map([("volume", said(volume)), ("path", said(path))]),
        Origin::Host { folder, path } => map([("folder", said(folder)), ("path", said(path))]),
    };
    let (kind, target) = match &file.contents {
        Contents::Text(_) => ("file", Value::Null),
        Contents::Link(to) => ("link", said(to)),
        Contents::Folder => ("folder", Value::Null),
    };
    Some(map([
        (kind, said(&path)),
        ("to", target),
        ("container", said(name)),
        ("target", said(&file.path)),
        ("in", origin),
        ("mode", text(format!("{:04o}", file.mode))),
        ("owner", text(format!("{user}:{group}"))),
    ]))
}

/// A name as Compose allows it for a project.
fn project_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String =
        lower.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect();
    let kept = kept.trim_start_matches(['-', '_']);
    if kept.is_empty() { "exported".to_owned() } else { kept.to_owned() }
}
