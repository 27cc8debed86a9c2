//! A site from elsewhere, made here: read from an export, a compose project or a discovery, planned against what is there, and made.

mod apply;
mod compose;
mod fields;
mod interpolation;
mod plan;
mod service;
mod upload;

use std::collections::{BTreeMap, BTreeSet};

use engine_containers::{ContainerSpec, Mount, NetworkSpec, VolumeSpec};
use serde_json::{Map, Value};

pub use apply::apply;
pub use compose::read;
pub use plan::{Deed, Plan, Step, plan};

use crate::{
    discovery::{CapturedFile, Contents, Discovery, Origin, needs},
    failure::Failure,
    redaction::Secrets,
};

/// What is to be there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Site {
    /// Containers, in the order in which they can be made.
    pub containers: Vec<Wanted>,
    /// Networks that somebody made.
    pub networks: Vec<NetworkSpec>,
    /// Volumes that have a name.
    pub volumes: Vec<VolumeSpec>,
    /// What has to be said about it before it is made.
    pub remarks: Vec<String>,
}

/// A container that is to be there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// What it is asked to be.
    pub spec: ContainerSpec,
    /// Whether it is to run.
    pub runs: bool,
    /// Containers that come before it, besides those that its specification names.
    pub after: Vec<String>,
    /// Its configuration files.
    pub files: Vec<CapturedFile>,
}

impl Site {
    /// What a discovery found, with its secrets put back.
    ///
    /// # Errors
    /// Where the value of a secret is not known: its name.
    pub fn of_discovery(discovery: &Discovery, values: &BTreeMap<String, String>) -> Result<Self, Failure> {
        // In JSON a value takes the form that JSON has for it.
        let escaped: BTreeMap<String, String> = values
            .iter()
            .map(|(name, value)| {
                let text = Value::String(value.clone()).to_string();
                (name.clone(), text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned())
            })
            .collect();
        let text = Secrets::restore(&escaped, &serde_json::to_string(discovery)?)?;
        let whole: Discovery = serde_json::from_str(&text)?;
        let told = |name: &str| {
            let of = whole.dependencies.iter().filter(|one| one.from == name && one.why == "depends_on");
            of.map(|one| one.on.clone()).collect()
        };
        let containers = whole.containers.iter().map(|found| Wanted {
            spec: found.spec.clone(),
            runs: found.runs,
            after: told(&found.spec.name),
            files: found.files.iter().filter(|file| file.origin != Origin::Image).cloned().collect(),
        });
        let containers = in_order(containers.collect());
        let remarks = whole.unexpressed.iter().map(|line| format!("{}: {}; {}", line.name, line.what, line.instead));
        Ok(Self { containers, networks: whole.networks, volumes: whole.volumes, remarks: remarks.collect() })
    }
}

/// Lists whose order means nothing, in one order; so two that say the same are the same.
pub fn canonical(spec: &mut ContainerSpec) {
    let rank = |mount: &Mount| match mount {
        Mount::Volume { name: None, target, read_only: false } => (0, target.clone()),
        Mount::Bind { target, make_source: true, .. } => (1, target.clone()),
        Mount::Volume { target, .. } | Mount::Bind { target, .. } | Mount::Tmpfs { target, .. } => (2, target.clone()),
    };
    spec.mounts.sort_by_key(rank);
    spec.published.sort();
    spec.hardening.options.sort();
    spec.hardening.options.dedup();
    for attachment in spec.networks.values_mut() {
        attachment.aliases.sort();
        attachment.aliases.dedup();
    }
    for attachment in spec.networks.values_mut() {
        attachment.links.sort();
    }
    // Engines keep links in no order at all.
    let Some(host) = spec.more.get_mut("HostConfig").and_then(Value::as_object_mut) else { return };
    for key in ["Binds", "Links"] {
        let list = host.get_mut(key).and_then(Value::as_array_mut);
        list.into_iter().for_each(|list| list.sort_by_key(ToString::to_string));
    }
    let ports = host.get_mut("PortBindings").and_then(Value::as_object_mut);
    for list in ports.into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut) {
        list.sort_by_key(ToString::to_string);
    }
}

/// Names of containers, each after those that it needs.
pub fn order<'a>(specs: impl Iterator<Item = &'a ContainerSpec>) -> Vec<String> {
    let nodes: BTreeMap<String, Vec<String>> =
        specs.map(|spec| (spec.name.clone(), needs(spec).into_iter().map(|(on, _)| on).collect())).collect();
    sorted(&nodes)
}

fn in_order(mut containers: Vec<Wanted>) -> Vec<Wanted> {
    let nodes: BTreeMap<String, Vec<String>> = containers
        .iter()
        .map(|one| {
            let needed = needs(&one.spec).into_iter().map(|(on, _)| on).chain(one.after.iter().cloned());
            (one.spec.name.clone(), needed.collect())
        })
        .collect();
    let order = sorted(&nodes);
    containers.sort_by_key(|one| order.iter().position(|name| *name == one.spec.name));
    containers
}

/// Depth first; where two need each other, the one that is met first goes first.
fn sorted(nodes: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    fn visit<'a>(
        name: &'a str,
        nodes: &'a BTreeMap<String, Vec<String>>,
        met: &mut BTreeSet<&'a str>,
        order: &mut Vec<String>,
    ) {
        let Some((name, needed)) = nodes.get_key_value(name) else { return };
        if met.insert(name) {
            needed.iter().for_each(|other| visit(other, nodes, met, order));
            order.push(name.clone());
        }
    }
    let mut order = Vec::new();
    let mut met = BTreeSet::new();
    for name in nodes.keys() {
        visit(name, nodes, &mut met, &mut order);
    }
    order
}

/// How many bytes of text a file has.
fn bytes(contents: &Contents) -> &[u8] {
    match contents {
        Contents::Text(text) => text.as_bytes(),
        Contents::Link(_) | Contents::Folder => &[],
    }
}

#[cfg(test)]
mod tests;
