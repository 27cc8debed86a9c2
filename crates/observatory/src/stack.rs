//! The stack as an engine sees it: which parts there are, what each is started with, and how one knows that a part is another one now.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    configuration::{Configuration, EngineKind, Kind, Name, Port, Secret},
    failure::{Failure, Reason},
    render,
};

/// Where the parts run, which decides over paths and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Each in a container of its own, on a network that they share.
    Containers,
    /// As programs on this machine, with everything below one folder.
    Host(PathBuf),
}

/// All parts of a stack.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Names it.
    pub project: Name,
    /// The environment that it runs in.
    pub environment: Name,
    /// The network that the parts share.
    pub network: Name,
    /// The address that ports are published on.
    pub bind: IpAddr,
    /// The host where ports are reached.
    pub host: String,
    /// Where this machine reaches a part, where that is another address than the one it is known by.
    pub ways: BTreeMap<Kind, String>,
    /// The parts, in the order of their start.
    pub parts: Vec<Part>,
}

/// One part: a service, with all that it is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Which service.
    pub kind: Kind,
    /// The image with tag and, where it is pinned, digest.
    pub image: String,
    /// The names of the program, the first that is found counts.
    pub programs: Vec<String>,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// Its environment; no secret stands here.
    pub variables: BTreeMap<String, String>,
    /// Its configuration files: relative path and text.
    pub files: BTreeMap<String, String>,
    /// Where these stand for it.
    pub config: String,
    /// Its volume, and where that stands for it.
    pub data: Option<(Name, String)>,
    /// The port outside.
    pub port: Port,
    /// The port that it listens on.
    pub inner_port: u16,
    /// The path that answers 200 when it is ready.
    pub ready: &'static str,
    /// The most memory that it may take, in bytes.
    pub memory_bytes: Option<u64>,
    /// Its secrets: the name of the file, and where the secret is.
    pub secrets: Vec<(String, Secret)>,
    /// The user id that its image runs as, who must be able to read the secrets.
    pub user_id: u32,
}

/// What is always the same about a service.
struct Nature {
    programs: &'static [&'static str],
    config: &'static str,
    data: &'static str,
    inner_port: u16,
    ready: &'static str,
    user_id: u32,
}

const fn nature(kind: Kind) -> Nature {
    let none = Nature { programs: &[], config: "", data: "", inner_port: 0, ready: "/-/ready", user_id: 65_534 };
    match kind {
        Kind::Prometheus => Nature {
            programs: &["prometheus"],
            config: "/etc/prometheus",
            data: "/prometheus",
            inner_port: 9090,
            ..none
        },
        Kind::Pushgateway => Nature {
            programs: &["pushgateway", "prometheus-pushgateway"],
            data: "/pushgateway",
            inner_port: 9091,
            ..none
        },
        Kind::Grafana => Nature {
            programs: &["grafana", "grafana-server"],
            config: "/etc/grafana",
            data: "/var/lib/grafana",
            inner_port: 3000,
            ready: "/api/health",
            user_id: 472,
        },
        Kind::Alertmanager => Nature {
            programs: &["alertmanager", "prometheus-alertmanager"],
            config: "/etc/alertmanager",
            data: "/alertmanager",
            inner_port: 9093,
            ..none
        },
        Kind::NodeExporter => {
            Nature { programs: &["node_exporter", "prometheus-node-exporter"], inner_port: 9100, ready: "/", ..none }
        }
        Kind::MqttExporter => Nature {
            programs: &["mqtt2prometheus", "prometheus-mqtt-exporter"],
            config: "/etc/mqtt2prometheus",
            inner_port: 9641,
            ready: "/metrics",
            ..none
        },
    }
}

/// What a part needs to know of where it stands.
#[derive(Debug)]
pub struct Site<'a> {
    /// The configuration.
    pub configuration: &'a Configuration,
    /// Where the parts run.
    pub place: &'a Place,
    bind: IpAddr,
}

impl Site<'_> {
    /// The folder of a service's configuration, as the service sees it.
    pub fn config(&self, kind: Kind) -> String {
        match self.place {
            Place::Containers => nature(kind).config.to_owned(),
            Place::Host(folder) => shown(&folder.join("etc").join(kind.as_str())),
        }
    }

    /// The folder of a service's data, as the service sees it.
    pub fn data(&self, kind: Kind, volume: &Name) -> String {
        match self.place {
            Place::Containers => nature(kind).data.to_owned(),
            Place::Host(folder) => shown(&folder.join("data").join(volume.as_str())),
        }
    }

    /// The file with a secret, as the service sees it.
    pub fn secret(&self, name: &str) -> String {
        match self.place {
            Place::Containers => format!("/run/secrets/{name}"),
            Place::Host(folder) => shown(&folder.join("secrets").join(name)),
        }
    }

    /// What a service listens on.
    pub fn listens_on(&self, kind: Kind, port: Port) -> String {
        match self.place {
            Place::Containers => format!(":{}", nature(kind).inner_port),
            Place::Host(_) => address(self.bind, port.number()),
        }
    }

    /// Where another service is reached from within the stack.
    pub fn peer(&self, kind: Kind, port: Port) -> String {
        match self.place {
            Place::Containers => format!("{kind}:{}", nature(kind).inner_port),
            Place::Host(_) => address(reachable(self.bind), port.number()),
        }
    }

    /// Where something on the host itself is reached from within the stack.
    pub fn outside(&self, address: &str) -> String {
        let here = ["127.0.0.1:", "localhost:"].iter().find_map(|host| address.strip_prefix(host));
        match (self.place, here) {
            (Place::Containers, Some(port)) => format!("{HOST_FROM_WITHIN}:{port}"),
            _ => address.to_owned(),
        }
    }
}

/// The name under which containers reach the machine that they run on.
pub const HOST_FROM_WITHIN: &str = "host.docker.internal";

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn address(host: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(host, port).to_string()
}

/// The host of `[USER@]HOST[:PORT][/SOCKET]`, with its brackets where it has some.
fn host_alone(place: &str) -> &str {
    let authority = place.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.find(']') {
        Some(end) => host.get(..=end).unwrap_or(host),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// The host of an engine's address, unless that is a socket of this machine.
fn host_of_address(address: &str) -> Option<&str> {
    let (scheme, place) = address.split_once("://")?;
    (scheme != "unix").then(|| host_alone(place))
}

/// An address that can be connected to, where all were listened on.
pub fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(all) if all.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(all) if all.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}

impl Stack {
    /// The stack that a configuration describes, for the environment in use.
    ///
    /// # Errors
    /// Where no such environment exists.
    pub fn of(configuration: &Configuration, folder: &Path) -> Result<Self, Failure> {
        let environment = configuration.chosen().ok_or_else(|| {
            Failure::new(Reason::Configuration, format!("no environment is called `{}`", configuration.environment))
        })?;
        let place = match environment.engine {
            EngineKind::Process => Place::Host(folder.to_owned()),
            EngineKind::Docker | EngineKind::Compose => Place::Containers,
        };
        let site = Site { configuration, place: &place, bind: environment.bind };
        let enabled = configuration.services().into_iter().filter(|(_, service)| service.enabled);
        let named = environment.address.as_deref().and_then(host_of_address);
        let named = environment.host.as_deref().map(host_alone).or(named).map(str::to_owned);
        let host = named.unwrap_or_else(|| host_of(reachable(environment.bind)));
        Ok(Self {
            project: configuration.project.clone(),
            environment: configuration.environment.clone(),
            network: configuration.network.clone(),
            bind: environment.bind,
            host,
            ways: BTreeMap::new(),
            parts: enabled.map(|(kind, _)| part(&site, kind)).collect::<Result<_, _>>()?,
        })
    }

    /// The part that runs this service.
    pub fn part(&self, kind: Kind) -> Option<&Part> {
        self.parts.iter().find(|part| part.kind == kind)
    }

    /// The address by which a part is known, for people.
    pub fn address(&self, part: &Part) -> String {
        format!("http://{}:{}", self.host, part.port)
    }

    /// The address where this machine reaches a part.
    pub fn url(&self, part: &Part) -> String {
        self.ways.get(&part.kind).cloned().unwrap_or_else(|| self.address(part))
    }
}

fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn part(site: &Site<'_>, kind: Kind) -> Result<Part, Failure> {
    let nature = nature(kind);
    let (_, service) = site
        .configuration
        .services()
        .into_iter()
        .find(|(other, _)| *other == kind)
        .ok_or_else(|| Failure::new(Reason::Defect, format!("no service is called {kind}")))?;
    let image = match &service.digest {
        Some(digest) => format!("{}@{digest}", service.image),
        None => service.image.to_string(),
    };
    let programs = match &service.program {
        Some(program) => vec![program.clone()],
        None => nature.programs.iter().map(|name| (*name).to_owned()).collect(),
    };
    let data = service.volume.as_ref().filter(|_| !nature.data.is_empty());
    let mut arguments = render::arguments(site, kind, service);
    arguments.extend(service.arguments.iter().cloned());
    Ok(Part {
        kind,
        image,
        programs,
        arguments,
        variables: render::variables(site, kind),
        files: render::files(site, kind)?,
        config: site.config(kind),
        data: data.map(|volume| (volume.clone(), site.data(kind, volume))),
        port: service.port,
        inner_port: match site.place {
            Place::Containers => nature.inner_port,
            Place::Host(_) => service.port.number(),
        },
        ready: nature.ready,
        memory_bytes: service.memory.as_ref().map(crate::configuration::Bytes::count),
        secrets: render::secrets(site, kind),
        user_id: nature.user_id,
    })
}

/// The label of a container with what it was made of.
pub const FINGERPRINT_LABEL: &str = "io.bigskies.observatory.fingerprint";

/// What a part is made of, each piece with a hash, so that it can be said which piece differs.
pub type Fingerprint = BTreeMap<String, String>;

impl Part {
    /// Whether nothing but its volumes can be written. Grafana unpacks plugins beside itself.
    pub fn is_read_only(&self) -> bool {
        self.kind != Kind::Grafana
    }

    /// What this part is made of, as one text for its label.
    pub fn written_fingerprint(&self) -> String {
        serde_json::to_string(&self.fingerprint()).unwrap_or_default()
    }

    /// What this part is made of.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut pieces: Fingerprint = BTreeMap::new();
        let mut piece = |name: &str, text: &str| pieces.insert(name.to_owned(), short_hash(text));
        piece("image", &format!("{} {:?}", self.image, self.programs));
        piece("arguments", &self.arguments.join("\0"));
        piece("environment", &format!("{:?}", self.variables));
        piece("port", &format!("{} {}", self.port, self.inner_port));
        piece("volume", &format!("{:?}", self.data));
        piece("memory", &format!("{:?}", self.memory_bytes));
        for (path, text) in &self.files {
            piece(path, text);
        }
        pieces
    }
}

/// Enough of a hash to tell two texts apart.
pub fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The names of the pieces that differ between what is wanted and what is there.
pub fn differing(wanted: &Fingerprint, there: &Fingerprint) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
    names.into_iter().filter(|name| wanted.get(*name) != there.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address() {
        for (address, host) in [
            ("ssh://root@dome:22/run/docker.sock", Some("dome")),
            ("ssh://dome", Some("dome")),
            ("tcp://[::1]:2376", Some("[::1]")),
            ("unix:///run/docker.sock", None),
            ("dome", None),
        ] {
            assert_eq!(host_of_address(address), host, "{address}");
        }
    }
}
