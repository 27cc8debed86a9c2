//! What a container is and how it stands, as the engine says.

use std::{collections::BTreeMap, fmt};

use bollard::models::{ContainerInspectResponse, ContainerState, HealthStatusEnum, MountPoint, PortMap};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ContainerSpec, HealthCheck, Port, networks::sorted};

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was made and never started.
    Created,
    /// It runs.
    Running,
    /// It is frozen.
    Paused,
    /// It ended, and the engine is about to start it again.
    Restarting,
    /// It is being removed.
    Removing,
    /// It ended.
    Exited,
    /// It could not be removed, and can't be started.
    Dead,
}

impl State {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "running" | "stopping" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" | "stopped" => Self::Exited,
            "dead" => Self::Dead,
            // Podman has "configured" and "initialized" besides.
            _ => Self::Created,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        })
    }
}

/// What the health check of a container says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthState {
    /// It has no health check.
    None,
    /// No probe has succeeded yet.
    Starting,
    /// The last probe succeeded.
    Healthy,
    /// Too many probes failed in a row.
    Unhealthy,
}

/// The last probe of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastProbe {
    /// Its exit code; 0 is well.
    pub exit_code: i64,
    /// What it said.
    pub output: String,
}

/// A port of the host that leads to one of the container right now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    /// The port of the container.
    pub container: Port,
    /// The address of the host.
    pub host_address: String,
    /// The port of the host.
    pub host_port: u16,
}

/// Something that is mounted right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedMount {
    /// `volume`, `bind`, `tmpfs`, in the engine's words.
    pub kind: String,
    /// The volume's name, where it is one; long and hexadecimal where nobody gave it a name.
    pub volume: Option<String>,
    /// Where it is on the host.
    pub source: String,
    /// Where it appears.
    pub target: String,
    /// Whether the container can't write to it.
    pub read_only: bool,
}

/// How a container stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// What it is doing.
    pub state: State,
    /// How it is.
    pub health: HealthState,
    /// What the last probe said.
    pub last_probe: Option<LastProbe>,
    /// Its exit code, once it has ended.
    pub exit_code: i64,
    /// Whether it was ended because it took more memory than it may.
    pub out_of_memory: bool,
    /// Why it could not be started.
    pub error: String,
    /// When it was started last, RFC 3339; the year 1 where never.
    pub started: String,
    /// When it ended last, RFC 3339; the year 1 where never.
    pub finished: String,
    /// How often the engine has started it again.
    pub restarts: i64,
}

/// A container.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image as it was asked for.
    pub image: String,
    /// The id of that image when the container was made.
    pub image_id: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// How it stands.
    pub status: Inspected,
    /// Its labels, those of the image as well.
    pub labels: BTreeMap<String, String>,
    /// Its variables, those of the image as well.
    pub environment: BTreeMap<String, String>,
    /// The health check that it has, its own or the image's.
    pub health_check: Option<HealthCheck>,
    /// Ports of the host that lead into it; empty unless it runs.
    pub ports: Vec<PublishedPort>,
    /// What is mounted.
    pub mounts: Vec<UsedMount>,
    /// Networks that it is attached to, and its address there (empty unless it runs).
    pub networks: BTreeMap<String, String>,
    /// All that the engine says of it, as `docker inspect` shows it.
    pub raw: Value,
}

impl Container {
    /// What the container was asked to be, the image's defaults included; those that `image` has are taken out again where it is given.
    /// Nothing is lost: what the typed fields can't say stands in `more`.
    pub fn spec(&self, image: Option<&crate::Image>) -> ContainerSpec {
        crate::reading::spec(&self.raw, image.map(|image| &image.defaults))
    }
}

pub(crate) fn read(raw: Value) -> Result<Container, serde_json::Error> {
    // What it was asked to be is read from the answer itself, in words that the library may not know.
    let mut lean = raw.clone();
    if let Some(lean) = lean.as_object_mut() {
        lean.remove("HostConfig");
    }
    let found: ContainerInspectResponse = serde_json::from_value(lean)?;
    let config = found.config.unwrap_or_default();
    let settings = found.network_settings.unwrap_or_default();
    let addresses = settings.networks.unwrap_or_default().into_iter();
    Ok(Container {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        image_id: found.image.unwrap_or_default(),
        created: found.created.unwrap_or_default(),
        status: status(found.state.unwrap_or_default(), found.restart_count.unwrap_or_default()),
        labels: sorted(config.labels.unwrap_or_default()),
        environment: environment(config.env.unwrap_or_default()),
        health_check: config.healthcheck.map(crate::reading::health).filter(|check| !check.test.is_empty()),
        ports: ports(settings.ports.unwrap_or_default()),
        mounts: found.mounts.unwrap_or_default().into_iter().map(mount).collect(),
        networks: addresses.map(|(name, at)| (name, at.ip_address.unwrap_or_default())).collect(),
        raw,
    })
}

pub(crate) fn environment(lines: Vec<String>) -> BTreeMap<String, String> {
    let pair = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.into_iter().filter_map(pair).collect()
}

fn status(state: ContainerState, restarts: i64) -> Inspected {
    let word = state.status.map(|status| status.to_string()).unwrap_or_default();
    let (health, probes) = state.health.map(|health| (health.status, health.log)).unwrap_or_default();
    let last = probes.unwrap_or_default().pop();
    Inspected {
        state: State::of(&word),
        health: match health {
            None | Some(HealthStatusEnum::EMPTY | HealthStatusEnum::NONE) => HealthState::None,
            Some(HealthStatusEnum::STARTING) => HealthState::Starting,
            Some(HealthStatusEnum::HEALTHY) => HealthState::Healthy,
            Some(HealthStatusEnum::UNHEALTHY) => HealthState::Unhealthy,
        },
        last_probe: last.map(|probe| LastProbe {
            exit_code: probe.exit_code.unwrap_or_default(),
            output: probe.output.unwrap_or_default(),
        }),
        exit_code: state.exit_code.unwrap_or_default(),
        out_of_memory: state.oom_killed.unwrap_or_default(),
        error: state.error.unwrap_or_default(),
        started: state.started_at.unwrap_or_default(),
        finished: state.finished_at.unwrap_or_default(),
        restarts,
    }
}

fn ports(map: PortMap) -> Vec<PublishedPort> {
    let mut ports: Vec<PublishedPort> = map
        .into_iter()
        .filter_map(|(port, bindings)| Some((port.parse::<Port>().ok()?, bindings?)))
        .flat_map(|(container, bindings)| bindings.into_iter().map(move |binding| (container, binding)))
        .filter_map(|(container, binding)| {
            let host_port = binding.host_port?.parse().ok()?;
            Some(PublishedPort { container, host_address: binding.host_ip.unwrap_or_default(), host_port })
        })
        .collect();
    ports.sort();
    ports
}

fn mount(point: MountPoint) -> UsedMount {
    UsedMount {
        volume: point.name.filter(|_| point.typ.as_deref() == Some("volume")),
        kind: point.typ.unwrap_or_default(),
        source: point.source.unwrap_or_default(),
        target: point.destination.unwrap_or_default(),
        read_only: point.rw == Some(false),
    }
}
