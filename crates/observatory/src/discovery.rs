//! What runs on a host, whoever set it up: containers with all that they were asked to be, networks, volumes, projects, what depends on what,
//! and the configuration files inside. It is data; how it is gathered, and how it reads as a report, lies below.

mod candidates;
mod capture;
mod dependencies;
mod differences;
mod gathered;
mod report;
mod script;
mod source;

use std::collections::BTreeMap;

use engine_containers::{ContainerSpec, NetworkSpec, VolumeSpec};
use serde::{Deserialize, Serialize};

pub use capture::{capture, spec_of};
pub use dependencies::{Dependency, needs};
pub use differences::differences;
pub use gathered::Gathered;
pub use report::report;
pub use script::script;
pub use source::{Live, Source, Taken};

use crate::{failure::Failure, redaction::Secrets};

/// The form of the data; another number is not understood.
pub const FORMAT: u32 = 1;

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// The form of this data.
    pub format: u32,
    /// Containers, by name.
    pub containers: Vec<Found>,
    /// Networks that somebody made, by name.
    pub networks: Vec<NetworkSpec>,
    /// Volumes that have a name, by it.
    pub volumes: Vec<VolumeSpec>,
    /// Compose projects, by name.
    pub projects: Vec<Project>,
    /// What depends on what.
    pub dependencies: Vec<Dependency>,
    /// What an export can't say, or leaves out: nothing is dropped without a line here.
    pub unexpressed: Vec<Unexpressed>,
    /// Where the host differs from the stack that is configured here.
    pub differences: Vec<String>,
    /// Names of the secrets that were taken out.
    pub secrets: Vec<String>,
    /// What is another thing each time that one looks.
    pub observed: Host,
}

/// Who answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// The engine's address, or the file that it was read from.
    pub address: String,
    /// The engine, its version and the newest API that it speaks.
    pub engine: String,
    /// Volumes without a name that no container uses any more.
    pub orphaned_volumes: Vec<String>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// What it was asked to be, besides what its image says.
    pub spec: ContainerSpec,
    /// Whether it runs.
    pub runs: bool,
    /// How its program is started.
    pub start: Start,
    /// What is mounted into it.
    pub places: Vec<Place>,
    /// Its configuration files.
    pub files: Vec<CapturedFile>,
    /// How it stood when we looked.
    pub observed: Standing,
}

/// How a program is started: the image's and the container's words together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The folder that it starts in.
    pub working_folder: Option<String>,
    /// The user that it runs as.
    pub user: Option<String>,
}

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// `volume`, `bind` or `tmpfs`.
    pub kind: String,
    /// The volume, where it has a name.
    pub volume: Option<String>,
    /// The folder or file of the host, of a bind.
    pub source: Option<String>,
    /// Where it appears.
    pub target: String,
    /// Whether the container can't write to it.
    pub read_only: bool,
    /// What it holds.
    pub holds: Holds,
}

/// What a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// Settings, which are captured.
    Configuration,
    /// Data, which is not.
    Data,
    /// A part of the host itself: its sockets, its processes, its devices.
    Host,
    /// Memory.
    Memory,
}

/// A file from inside a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapturedFile {
    /// Its path in the container.
    pub path: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its rights.
    pub mode: u32,
    /// Its owner: user and group.
    pub owner: (u32, u32),
    /// What it is.
    pub contents: Contents,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Origin {
    /// The image: every container of it has it.
    Image,
    /// The container alone, or a volume of its own that has no name.
    Container,
    /// A volume that has a name.
    Volume {
        /// The volume.
        volume: String,
        /// The path in it; `.` for its own folder.
        path: String,
    },
    /// The engine's host.
    Host {
        /// A folder of the host.
        folder: String,
        /// The path in it; `.` for the folder itself.
        path: String,
    },
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// Text.
    Text(String),
    /// A link to there.
    Link(String),
    /// A folder.
    Folder,
}

/// How a container stood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The engine's id.
    pub id: String,
    /// The id of its image.
    pub image_id: String,
    /// Names and digests under which registries have its image.
    pub digests: Vec<String>,
    /// When it was made.
    pub created: String,
    /// What it was doing, for a person.
    pub state: String,
    /// How often it was started again.
    pub restarts: i64,
    /// Ports of the host that led into it.
    pub ports: Vec<String>,
    /// Its addresses, by network.
    pub addresses: BTreeMap<String, String>,
}

/// Containers that Compose takes for one project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// The folder that it was started in.
    pub folder: Option<String>,
    /// Its files.
    pub files: Vec<String>,
    /// Its services, and the containers of each.
    pub services: BTreeMap<String, Vec<String>>,
}

/// Something that an export can't say, or leaves out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unexpressed {
    /// Of which container, network or volume.
    pub name: String,
    /// What.
    pub what: String,
    /// What becomes of it.
    pub instead: String,
}

impl Unexpressed {
    /// A line of the list.
    pub fn new(name: impl Into<String>, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { name: name.into(), what: what.into(), instead: instead.into() }
    }
}

impl Discovery {
    /// Takes the secrets out, and names them.
    ///
    /// # Errors
    /// Where the data can't be written as JSON, which is a defect.
    pub fn redacted(mut self) -> Result<(Self, Secrets), Failure> {
        let mut secrets = Secrets::default();
        for found in &mut self.containers {
            hide(found, &mut secrets)?;
        }
        for network in &mut self.networks {
            let owner = network.name.clone();
            pairs(&mut network.labels, &owner, &mut secrets);
            pairs(&mut network.options, &owner, &mut secrets);
        }
        for volume in &mut self.volumes {
            let owner = volume.name.clone();
            pairs(&mut volume.labels, &owner, &mut secrets);
            pairs(&mut volume.options, &owner, &mut secrets);
        }
        let mut data = serde_json::to_value(&self)?;
        secrets.everywhere(&mut data);
        let mut redacted: Self = serde_json::from_value(data)?;
        redacted.secrets = secrets.values().keys().cloned().collect();
        Ok((redacted, secrets))
    }

    /// Keeps what has to do with these containers or projects alone; everything where none is named.
    ///
    /// # Errors
    /// Where a name is nobody's.
    pub fn only(&mut self, names: &[String]) -> Result<(), Failure> {
        if names.is_empty() {
            return Ok(());
        }
        let project = |found: &Found| found.spec.labels.get(engine_containers::labels::PROJECT).cloned();
        for name in names {
            if !self.containers.iter().any(|found| &found.spec.name == name || project(found).as_ref() == Some(name)) {
                return Err(Failure::new(
                    crate::failure::Reason::NotFound,
                    format!("no container and no project is called {name}"),
                )
                .hint("`observatory discover` lists them"));
            }
        }
        self.containers.retain(|found| {
            names.contains(&found.spec.name) || project(found).is_some_and(|project| names.contains(&project))
        });
        let containers = &self.containers;
        let stays = |name: &String| containers.iter().any(|found| found.spec.name == *name);
        self.networks.retain(|network| containers.iter().any(|found| found.spec.networks.contains_key(&network.name)));
        self.volumes.retain(|volume| {
            let of = |place: &Place| place.volume.as_ref() == Some(&volume.name);
            containers.iter().any(|found| found.places.iter().any(of))
        });
        self.projects.retain(|project| project.services.values().flatten().any(stays));
        self.dependencies.retain(|dependency| stays(&dependency.from));
        let kept: Vec<String> = containers
            .iter()
            .map(|found| found.spec.name.clone())
            .chain(self.networks.iter().map(|network| network.name.clone()))
            .chain(self.volumes.iter().map(|volume| volume.name.clone()))
            .collect();
        self.unexpressed.retain(|line| kept.contains(&line.name));
        Ok(())
    }
}

fn pairs(map: &mut BTreeMap<String, String>, owner: &str, secrets: &mut Secrets) {
    for (key, value) in map {
        *value = secrets.pair(owner, key, value);
    }
}

fn hide(found: &mut Found, secrets: &mut Secrets) -> Result<(), Failure> {
    let spec = &mut found.spec;
    let owner = spec.name.clone();
    pairs(&mut spec.environment, &owner, secrets);
    pairs(&mut spec.labels, &owner, secrets);
    for words in [&mut spec.entrypoint, &mut spec.command].into_iter().flatten() {
        *words = secrets.words(&owner, words);
    }
    if let Some(health) = &mut spec.health {
        health.test = secrets.words(&owner, &health.test);
    }
    if let Some(log) = &mut spec.log {
        pairs(&mut log.options, &owner, secrets);
    }
    for attachment in spec.networks.values_mut() {
        pairs(&mut attachment.options, &owner, secrets);
    }
    for (key, value) in &mut spec.more {
        secrets.json(&owner, key, value);
    }
    found.start.words = secrets.words(&owner, &found.start.words);
    for file in &mut found.files {
        if let Contents::Text(text) = &mut file.contents {
            *text = secrets.file(&owner, &file.path, text);
        }
    }
    Ok(())
}
