//! What a container is asked to be. Values only: [`crate::ContainerEngine::create`] makes one of it, [`crate::Container::spec`] reads it back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A container as it is asked for. What is not said is the image's or the engine's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerSpec {
    /// Its name, unique on the engine.
    pub name: String,
    /// The image: name and tag, digest, or id.
    pub image: String,
    /// The program, instead of the image's. An empty list takes the image's away.
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments, instead of the image's.
    pub command: Option<Vec<String>>,
    /// Variables besides those of the image.
    pub environment: BTreeMap<String, String>,
    /// Labels besides those of the image.
    pub labels: BTreeMap<String, String>,
    /// User, or `user:group`, by name or number.
    pub user: Option<String>,
    /// The folder that the program starts in.
    pub working_folder: Option<String>,
    /// What the container calls itself.
    pub host_name: Option<String>,
    /// How to see whether it is well, instead of the image's way.
    pub health: Option<HealthCheck>,
    /// Ports that others on its networks are told of.
    pub exposed: BTreeSet<Port>,
    /// Ports of the host that lead into it.
    pub published: Vec<Published>,
    /// What is mounted into it.
    pub mounts: Vec<Mount>,
    /// `host`, `none`, `container:NAME`, or the network that stands for all; by default the first of `networks`, else the bridge.
    pub network_mode: Option<String>,
    /// Networks that it is attached to, by name.
    pub networks: BTreeMap<String, Attachment>,
    /// Names that it can look up besides those on its networks: `NAME:ADDRESS`.
    pub extra_hosts: Vec<String>,
    /// Name servers instead of the host's.
    pub dns: Vec<String>,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// How it is stopped.
    pub stop: StopRule,
    /// What it may use up.
    pub limits: Limits,
    /// What it may do.
    pub hardening: Hardening,
    /// Where its output goes.
    pub log: Option<LogDriver>,
    /// Whether the engine puts an init process before the program, which reaps what is left behind.
    pub init: Option<bool>,
    /// What the fields above can't say, in the words of the engine's own `containers/create`; it is merged over the rest, objects
    /// key by key, everything else as it stands. Only `Env` adds to what is there: a variable's name without a value, which takes the
    /// image's away.
    pub more: Map<String, Value>,
}

impl ContainerSpec {
    /// A container of an image, with all its defaults.
    pub fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self { name: name.into(), image: image.into(), ..Self::default() }
    }
}

/// TCP, UDP or SCTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// A port of a container, written `9090/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl Port {
    /// A port of TCP.
    pub const fn tcp(number: u16) -> Self {
        Self { number, protocol: Protocol::Tcp }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

impl FromStr for Port {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = match protocol {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "sctp" => Protocol::Sctp,
            _ => return Err(format!("{text:?} is no port: its protocol is none of tcp, udp and sctp")),
        };
        let number = number.parse().map_err(|_| format!("{text:?} is no port, for example 9090/tcp"))?;
        Ok(Self { number, protocol })
    }
}

impl TryFrom<String> for Port {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Port> for String {
    fn from(port: Port) -> Self {
        port.to_string()
    }
}

/// A port of the host that leads to one of the container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Published {
    /// The port of the container.
    pub container: Port,
    /// The address of the host, for example `127.0.0.1`; all of them where none is said.
    #[serde(default)]
    pub host_address: Option<String>,
    /// The port of the host; one that is free where none is said.
    #[serde(default)]
    pub host_port: Option<u16>,
}

/// How to see whether a container is well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthCheck {
    /// `["CMD", PROGRAM, …]`, `["CMD-SHELL", LINE]`, or `["NONE"]` to take the image's away. Empty: the image's.
    pub test: Vec<String>,
    /// Seconds between two probes.
    pub interval_seconds: Option<f64>,
    /// Seconds that a probe may take.
    pub timeout_seconds: Option<f64>,
    /// Seconds after the start in which failures don't count.
    pub start_period_seconds: Option<f64>,
    /// How many failures in a row make it unhealthy.
    pub retries: Option<u32>,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Mount {
    /// A volume of the engine.
    Volume {
        /// Its name; one without a name is made for this container alone.
        name: Option<String>,
        /// Where it appears.
        target: String,
        /// Whether the container can't write to it.
        #[serde(default)]
        read_only: bool,
    },
    /// A file or folder of the engine's host.
    Bind {
        /// Where it is on the host.
        source: String,
        /// Where it appears.
        target: String,
        /// Whether the container can't write to it.
        #[serde(default)]
        read_only: bool,
        /// Whether an empty folder is made on the host where there is none; without that it is an error.
        #[serde(default)]
        make_source: bool,
    },
    /// Memory.
    Tmpfs {
        /// Where it appears.
        target: String,
        /// How many bytes it holds at most.
        #[serde(default)]
        size_bytes: Option<u64>,
        /// Rights of the folder, for example `0o1777`.
        #[serde(default)]
        mode: Option<u32>,
    },
}

/// How a container is attached to a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Other names that it has on that network.
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4: Option<String>,
    /// A fixed address of the newer kind.
    pub ipv6: Option<String>,
    /// Further addresses that reach no farther than the network.
    pub link_local: Vec<String>,
    /// Containers that it knows by another name there: `NAME:ALIAS`.
    pub links: Vec<String>,
    /// Options of the network's driver.
    pub options: BTreeMap<String, String>,
    /// The network with the highest one leads out; engines before 28 don't know of it.
    pub gateway_priority: Option<i64>,
}

/// What happens when a container ends by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Nothing.
    #[default]
    No,
    /// It is started again, also with the engine.
    Always,
    /// It is started again, unless somebody had stopped it.
    UnlessStopped,
    /// It is started again after a failure, so many times at most; 0 is without end.
    OnFailure {
        /// How many times.
        attempts_max: u32,
    },
}

/// How a container is stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StopRule {
    /// The signal that asks it to end, for example `SIGINT`.
    pub signal: Option<String>,
    /// Seconds that it is given before it is killed.
    pub grace_seconds: Option<u32>,
}

/// What a container may use up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Memory in bytes that it is kept to when the host has little.
    pub memory_reservation_bytes: Option<u64>,
    /// Memory and swap together, in bytes; -1 is without bound.
    pub memory_and_swap_bytes: Option<i64>,
    /// Processors, also parts of one: 1.5.
    pub cpus: Option<f64>,
    /// Its share of the processors against that of others, which is 1024.
    pub cpu_shares: Option<u64>,
    /// The processors that it may run on, for example `0-1`.
    pub cpu_set: Option<String>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Bytes of `/dev/shm`.
    pub shared_memory_bytes: Option<u64>,
    /// Limits that each process has, by name: `nofile`.
    pub ulimits: BTreeMap<String, Ulimit>,
}

/// A limit of each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Up to where it may go by itself.
    pub soft: i64,
    /// Up to where it may raise that.
    pub hard: i64,
}

/// What a container may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hardening {
    /// Nothing of its root file system can be written.
    pub read_only_root: bool,
    /// The program can't gain rights, by no setuid file either.
    pub no_new_privileges: bool,
    /// Capabilities that are taken away, or `ALL`.
    pub capabilities_dropped: BTreeSet<String>,
    /// Capabilities that are given.
    pub capabilities_added: BTreeSet<String>,
    /// All capabilities and all devices. What runs in there owns the host.
    pub privileged: bool,
    /// Groups that its user is in, besides.
    pub groups: Vec<String>,
    /// Further security options, in the engine's words: `seccomp=unconfined`. They are read back in the order of letters.
    pub options: Vec<String>,
}

impl Hardening {
    /// What a service gets that needs nothing: a root that can't be written, no capability, no way to gain rights.
    pub fn strict() -> Self {
        Self {
            read_only_root: true,
            no_new_privileges: true,
            capabilities_dropped: BTreeSet::from(["ALL".to_owned()]),
            ..Self::default()
        }
    }
}

/// Where a container's output goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDriver {
    /// The engine's name for it, for example `json-file`.
    pub driver: String,
    /// Its options, for example `max-size`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}
