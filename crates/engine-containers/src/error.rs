//! What can go wrong with an engine and with what it holds. Every reason that a person acts on differently is a variant of its own.

use std::{fmt, path::PathBuf, time::Duration};

use crate::PortHolder;

/// What an engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// The engine itself.
    Engine,
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A container.
    Container,
    /// A file of a container.
    File,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engine => "engine",
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Container => "container",
            Self::File => "file",
        })
    }
}

/// Why something could not be done. No text in here holds an environment variable, a command line, or a key of anybody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainersError {
    /// An address that leads nowhere.
    #[error(
        "{address:?} is no address of an engine: {reason}; for example unix:///var/run/docker.sock or ssh://user@host"
    )]
    BadAddress {
        /// The text, without a password that stood in it.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing listens there.
    #[error(
        "no engine runs at {endpoint} ({reason}); start it, on Debian: `systemctl start docker`, or name another in DOCKER_HOST"
    )]
    NotRunning {
        /// Where.
        endpoint: String,
        /// What the system says.
        reason: String,
    },
    /// The socket is there, and not for us.
    #[error("user is not allowed to use the engine at {endpoint}; join the group `docker`, or call as root")]
    NotAllowed {
        /// Where.
        endpoint: String,
    },
    /// The host does not answer.
    #[error("host {host} can't be reached ({reason}); check its name, its port and the network")]
    Unreachable {
        /// The host.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// Nobody has vouched for the host's key yet.
    #[error(
        "the key of host {host} is not known; compare it with what its administrator says and log in once with `ssh {host}`"
    )]
    HostKeyUnknown {
        /// The host.
        host: String,
    },
    /// The host shows another key than before: it was set up anew, or it is somebody else.
    #[error(
        "the key of host {host} has changed; ask its administrator, and only then remove the old one with `ssh-keygen -R {host}`"
    )]
    HostKeyChanged {
        /// The host.
        host: String,
    },
    /// The host knows neither us nor our key.
    #[error("host {host} refuses the login ({reason}); check the user, and the key with `ssh {host} true`")]
    LoginRefused {
        /// The host.
        host: String,
        /// What it says.
        reason: String,
    },
    /// SSH fails for another reason.
    #[error("SSH to host {host} fails ({reason}); try `ssh {host} true`")]
    Ssh {
        /// The host.
        host: String,
        /// What `ssh` says.
        reason: String,
    },
    /// A certificate can't be read, or one side does not accept the other's.
    #[error(
        "TLS with {endpoint} fails ({reason}); check ca.pem, cert.pem and key.pem, and the names in the engine's certificate"
    )]
    Certificate {
        /// Where.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The engine and we are too far apart.
    #[error("the engine at {endpoint} speaks API {found}, {needed} is needed; {way_out}")]
    VersionSkew {
        /// Where.
        endpoint: String,
        /// Its version.
        found: String,
        /// What we need.
        needed: String,
        /// Which side to update.
        way_out: String,
    },
    /// An image is not on the engine, and there is nowhere to have it from.
    #[error(
        "image {image} is not on the engine and can't be pulled ({reason}); check its name and the registry, or load it from an archive"
    )]
    ImageMissing {
        /// The image as it was named.
        image: String,
        /// What the engine or the registry says.
        reason: String,
    },
    /// Somebody listens there.
    #[error("port {address} is taken{}; stop that, or choose another port", by(holder.as_ref()))]
    PortTaken {
        /// Address and port, as far as the engine says them.
        address: String,
        /// Who has it, where that can be seen.
        holder: Option<PortHolder>,
    },
    /// The disk of the engine is full.
    #[error("the engine has no space left ({reason}); `docker system df` shows what takes it")]
    NoSpace {
        /// What it says.
        reason: String,
    },
    /// What is named does not exist.
    #[error("there is no {object} {name}; list what is there, or check the name")]
    NotFound {
        /// What it would be.
        object: Object,
        /// Its name.
        name: String,
    },
    /// It contradicts what is there: a name that is taken, a network in use, a container that runs.
    #[error("{object} {name} is in conflict with what is there ({reason}); remove or rename one of them")]
    Conflict {
        /// What.
        object: Object,
        /// Its name.
        name: String,
        /// What the engine says.
        reason: String,
    },
    /// The engine, or we before it, refuse what was asked.
    #[error("{doing} is refused ({reason}); correct what was asked")]
    Refused {
        /// What was tried.
        doing: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A container ended while it was waited for.
    #[error("container {name} ended with exit code {exit_code}{}; its logs say more", after(last_words))]
    Ended {
        /// The container.
        name: String,
        /// Its exit code.
        exit_code: i64,
        /// The last lines that it said.
        last_words: String,
    },
    /// A container says that it is not well.
    #[error("container {name} is unhealthy{}; its logs say more", after(last_words))]
    Unhealthy {
        /// The container.
        name: String,
        /// What the last probe said.
        last_words: String,
    },
    /// Something took longer than it may.
    #[error("{doing} was not done within {limit:?}; see whether the engine is busy, or allow more time")]
    TimedOut {
        /// What was tried.
        doing: String,
        /// The bound.
        limit: Duration,
    },
    /// The connection ended before the answer; the outcome is unknown.
    #[error("the connection to {endpoint} ended while {doing} ({reason}); see whether the engine runs, and try again")]
    Lost {
        /// Where.
        endpoint: String,
        /// What was tried.
        doing: String,
        /// What was seen.
        reason: String,
    },
    /// A file of this machine can't be read or written.
    #[error("{path} can't be used ({reason}); check that it exists and its rights", path = path.display())]
    LocalFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// An engine's own failure, or an answer that is not understood.
    #[error("{doing} failed in the engine ({reason}); its log says more")]
    Failed {
        /// What was tried.
        doing: String,
        /// What it says.
        reason: String,
    },
}

fn by(holder: Option<&PortHolder>) -> String {
    holder.map_or_else(String::new, |holder| format!(" by {holder}"))
}

fn after(last_words: &str) -> String {
    if last_words.is_empty() { String::new() } else { format!(" after {last_words:?}") }
}
