//! What an import would do: what is there, held against what is to be there. Values are never told, only what differs.

use std::{collections::BTreeMap, fmt};

use engine_containers::{
    Container, ContainerEngine, ContainerSpec, ContainersError, ImageDefaults, Listing, Mount, State,
};
use serde::Serialize;
use serde_json::Value;

use super::{Site, Wanted, upload};
use crate::{discovery::spec_of, failure::Failure, runtime::docker::failure};

/// What is done to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It is fetched from its registry.
    Pull,
    /// It is made.
    Create,
    /// It is removed and made anew; volumes stay.
    Replace,
    /// Files are put into it, or where it has them from; if it runs, it is started again.
    Write,
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pull => "pull",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Write => "write files of",
            Self::Start => "start",
            Self::Stop => "stop",
        })
    }
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A container.
    Container,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What is done.
    pub deed: Deed,
    /// To a what.
    pub kind: Kind,
    /// Which one.
    pub name: String,
    /// Why.
    pub reasons: Vec<String>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Image => "image",
            Kind::Network => "network",
            Kind::Volume => "volume",
            Kind::Container => "container",
        };
        write!(f, "{} {kind} {}: {}", self.deed, self.name, self.reasons.join(", "))
    }
}

/// All that is to be done, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What has to be said about it.
    pub remarks: Vec<String>,
}

impl Plan {
    pub(super) fn has(&self, kind: Kind, name: &str, deed: Deed) -> bool {
        self.steps.iter().any(|step| step.kind == kind && step.name == name && step.deed == deed)
    }

    fn add(&mut self, deed: Deed, kind: Kind, name: &str, reasons: Vec<String>) {
        self.steps.push(Step { deed, kind, name: name.to_owned(), reasons });
    }
}

const ABSENT: &str = "it is not there";

/// What would be done.
///
/// # Errors
/// Where the engine does not answer.
pub async fn plan(engine: &ContainerEngine, site: &Site) -> Result<Plan, Failure> {
    let mut plan = Plan { steps: Vec::new(), remarks: site.remarks.clone() };
    let mut images: BTreeMap<&str, Option<ImageDefaults>> = BTreeMap::new();
    for wanted in &site.containers {
        let name = wanted.spec.image.as_str();
        if images.contains_key(name) {
            continue;
        }
        let found = match engine.image(name).await {
            Ok(image) => Some(image.defaults),
            Err(ContainersError::ImageMissing { .. } | ContainersError::NotFound { .. }) => {
                plan.add(Deed::Pull, Kind::Image, name, vec![ABSENT.to_owned()]);
                None
            }
            Err(error) => return Err(failure(error)),
        };
        images.insert(name, found);
    }
    of_networks_and_volumes(engine, site, &mut plan).await?;
    let listed = engine.containers(&Listing::All).await.map_err(failure)?;
    let names: BTreeMap<&str, &str> = listed.iter().map(|one| (one.id.as_str(), one.name.as_str())).collect();
    for wanted in &site.containers {
        let name = wanted.spec.name.as_str();
        if !listed.iter().any(|one| one.name == name) {
            plan.add(Deed::Create, Kind::Container, name, vec![ABSENT.to_owned()]);
            continue;
        }
        let there = engine.container(name).await.map_err(failure)?;
        let image = images.get(wanted.spec.image.as_str()).and_then(Option::as_ref);
        of_container(engine, wanted, &there, image, &names, &mut plan).await?;
    }
    Ok(plan)
}

async fn of_networks_and_volumes(engine: &ContainerEngine, site: &Site, plan: &mut Plan) -> Result<(), Failure> {
    let there = engine.networks().await.map_err(failure)?;
    for wanted in &site.networks {
        match there.iter().find(|network| network.spec.name == wanted.name) {
            None => plan.add(Deed::Create, Kind::Network, &wanted.name, vec![ABSENT.to_owned()]),
            Some(found) => {
                let mut found = found.spec.clone();
                found.driver = found.driver.filter(|driver| driver != "bridge");
                if wanted.subnets.is_empty() {
                    found.subnets.clear();
                }
                // Engines put the older kind of addresses first.
                let mut wanted = wanted.clone();
                for network in [&mut wanted, &mut found] {
                    network.subnets.sort_by(|a, b| a.subnet.cmp(&b.subnet));
                }
                remark(plan, "network", &wanted.name, &differing(&wanted, &found)?);
            }
        }
    }
    let there = engine.volumes().await.map_err(failure)?;
    for wanted in &site.volumes {
        match there.iter().find(|volume| volume.spec.name == wanted.name) {
            None => plan.add(Deed::Create, Kind::Volume, &wanted.name, vec![ABSENT.to_owned()]),
            Some(found) => {
                let mut found = found.spec.clone();
                found.driver = found.driver.filter(|driver| driver != "local");
                remark(plan, "volume", &wanted.name, &differing(wanted, &found)?);
            }
        }
    }
    Ok(())
}

fn remark(plan: &mut Plan, kind: &str, name: &str, differing: &[String]) {
    if !differing.is_empty() {
        let what = differing.join(", ");
        plan.remarks.push(format!("{kind} {name} is there with another {what}; it is left as it is"));
    }
}

async fn of_container(
    engine: &ContainerEngine,
    wanted: &Wanted,
    there: &Container,
    image: Option<&ImageDefaults>,
    names: &BTreeMap<&str, &str>,
    plan: &mut Plan,
) -> Result<(), Failure> {
    let name = wanted.spec.name.as_str();
    let made_of = match engine.image(&there.image_id).await {
        Ok(image) => Some(image),
        Err(ContainersError::ImageMissing { .. } | ContainersError::NotFound { .. }) => None,
        Err(error) => return Err(failure(error)),
    };
    let found = spec_of(there, made_of.as_ref(), names);
    let asked = without_image(&wanted.spec, image);
    let mut reasons: Vec<String> =
        differing(&asked, &found)?.into_iter().map(|field| format!("its {field} is another")).collect();
    // A tag may name another image by now, which makes another container of the same words.
    let is_moved = match engine.image(&wanted.spec.image).await {
        Ok(image) => image.id != there.image_id,
        Err(_it_is_pulled_first) => false,
    };
    if is_moved {
        reasons.push("its image is a newer one".to_owned());
    }
    if !reasons.is_empty() {
        plan.add(Deed::Replace, Kind::Container, name, reasons);
        return Ok(());
    }
    let mut changed = Vec::new();
    for file in &wanted.files {
        if !upload::is_there(engine, &there.id, &file.path, file).await? {
            changed.push(format!("{} is another", file.path));
        }
    }
    if !changed.is_empty() {
        plan.add(Deed::Write, Kind::Container, name, changed);
    }
    let runs = matches!(there.status.state, State::Running | State::Restarting | State::Paused);
    if wanted.runs && !runs {
        // What ended by itself, and well, has done its work.
        let is_done = there.status.state == State::Exited && there.status.exit_code == 0;
        if !is_done {
            plan.add(Deed::Start, Kind::Container, name, vec!["it does not run".to_owned()]);
        }
    } else if runs && !wanted.runs {
        plan.add(Deed::Stop, Kind::Container, name, vec!["it is not to run".to_owned()]);
    }
    Ok(())
}

/// Names of the fields that differ, one level deep where that says more.
fn differing<T: Serialize>(one: &T, other: &T) -> Result<Vec<String>, Failure> {
    let (one, other) = (serde_json::to_value(one)?, serde_json::to_value(other)?);
    let mut differing = Vec::new();
    for (key, value) in one.as_object().into_iter().flatten() {
        match (value, other.get(key)) {
            (value, Some(same)) if value == same => {}
            (Value::Object(inner), Some(Value::Object(others))) => {
                let keys = inner
                    .keys()
                    .chain(others.keys())
                    .filter(|inner_key| inner.get(*inner_key) != others.get(*inner_key));
                let mut keys: Vec<String> = keys.map(|inner| format!("{key} {inner}")).collect();
                keys.sort();
                keys.dedup();
                differing.extend(keys);
            }
            _ => differing.push(key.replace('_', " ")),
        }
    }
    Ok(differing)
}

/// What a container is asked to be besides what its image says anyway.
fn without_image(asked: &ContainerSpec, image: Option<&ImageDefaults>) -> ContainerSpec {
    let mut spec = asked.clone();
    // The engine fills in the one that its host has, and nobody can tell it from one that was asked for.
    if let Some(host) = spec.more.get_mut("HostConfig").and_then(Value::as_object_mut) {
        host.remove("CgroupnsMode");
        if host.is_empty() {
            spec.more.remove("HostConfig");
        }
    }
    spec.command = spec.command.filter(|command| !command.is_empty());
    let Some(image) = image else { return spec };
    if image.stop_signal.is_none() {
        spec.stop.signal = spec.stop.signal.filter(|signal| !["SIGTERM", "TERM", "15"].contains(&signal.as_str()));
    }
    if spec.entrypoint.as_ref().is_some_and(Vec::is_empty) {
        if image.entrypoint.is_empty() {
            spec.entrypoint = None;
        } else if spec.command.is_none() {
            spec.command = Some(image.command.clone()).filter(|command| !command.is_empty());
        }
    }
    spec.environment.retain(|name, value| image.environment.get(name) != Some(value));
    spec.labels.retain(|name, value| image.labels.get(name) != Some(value));
    let is_same = |own: &Option<String>, of_image: &Option<String>| own.is_some() && own == of_image;
    if is_same(&spec.user, &image.user) {
        spec.user = None;
    }
    if is_same(&spec.working_folder, &image.working_folder) {
        spec.working_folder = None;
    }
    if is_same(&spec.stop.signal, &image.stop_signal) {
        spec.stop.signal = None;
    }
    if spec.health.is_some() && spec.health == image.health {
        spec.health = None;
    }
    let command = spec.command.clone().unwrap_or_default();
    let same_entrypoint = spec.entrypoint.as_ref().is_none_or(|own| *own == image.entrypoint);
    let same_command = command == image.command;
    if same_entrypoint && (same_command || !command.is_empty()) {
        spec.entrypoint = None;
    }
    if same_entrypoint && same_command {
        spec.command = None;
    }
    spec.exposed.retain(|port| !image.exposed.contains(port));
    spec.mounts.retain(|mount| {
        !matches!(mount, Mount::Volume { name: None, target, read_only: false } if image.volumes.contains(target))
    });
    spec
}
