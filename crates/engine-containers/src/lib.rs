//! Containers on a Docker or Podman engine, near or far: images, networks, volumes, containers, their logs, commands and files.
//!
//! ```no_run
//! # async fn example() -> Result<(), engine_containers::ContainersError> {
//! use engine_containers::{ContainerEngine, ContainerSpec, Endpoint, Options};
//!
//! let engine = ContainerEngine::connect(Endpoint::from_environment()?, Options::default()).await?;
//! let spec = ContainerSpec::new("pushgateway", "prom/pushgateway:v1.5.1");
//! engine.create(&spec).await?;
//! let healthy = engine.start_and_wait("pushgateway", std::time::Duration::from_secs(30)).await?;
//! # Ok(()) }
//! ```
//!
//! The protocol is `bollard`'s, whose types stay inside. Ours are the connection (one for each request, over a socket, mutual TLS, or
//! one SSH session that forwards the socket), a bound on every wait, and errors that a person can act on. Two roads were not
//! taken: `bollard`'s SSH, which opens a session for each request and needs a Docker client on the other side, and `docker` as a child process,
//! whose messages are for people.

mod containers;
mod endpoint;
mod engine;
mod error;
mod events;
mod exec;
mod files;
mod images;
mod inspection;
pub mod labels;
mod logs;
mod names;
mod networks;
mod ports;
mod reading;
mod refusal;
mod rendering;
mod spec;
mod ssh;
mod transcript;
mod transport;
mod volumes;
mod waiting;

pub use containers::{Listed, Listing, WithVolumes};
pub use endpoint::{Endpoint, SshHost, TlsFiles};
pub use engine::{ContainerEngine, EngineVersion, Flavour, HealthChecks, Options};
pub use error::{ContainersError, Object};
pub use events::{EngineEvent, Events};
pub use exec::{Command, Output};
pub use files::{Change, ChangeKind, FileEntry, pack};
pub use images::{BuildOptions, Image, ImageDefaults, Progress};
pub use inspection::{Container, HealthState, Inspected, LastProbe, PublishedPort, State, UsedMount};
pub use logs::{LogLine, LogOptions, Logs, Source};
pub use networks::{Network, NetworkSpec, Subnet};
pub use ports::PortHolder;
pub use spec::{
    Attachment, ContainerSpec, Hardening, HealthCheck, Limits, LogDriver, Mount, Port, Protocol, Published, Restart,
    StopRule, Ulimit,
};
pub use transcript::unpack;
pub use volumes::{Volume, VolumeSpec};
