//! What a site wants of its monitoring stack: one typed configuration, with defaults for everything.

mod edit;
mod layers;
mod lines;
mod values;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

pub use edit::set;
pub use layers::{Layers, Origin, Sources, flatten};
pub(crate) use layers::{field, parse_value};
pub use values::{Bytes, Digest, Image, Name, Port, Secret, Span};

/// The name of the file, where none is named.
pub const FILE: &str = "observatory.toml";

/// Everything that can be said in `observatory.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// Names the stack, its containers, volumes and networks.
    pub project: Name,
    /// The environment in use where no flag names one.
    pub environment: Name,
    /// The network that the services share.
    pub network: Name,
    /// How long samples are kept.
    pub retention: Retention,
    /// What is scraped, and how often.
    pub scrape: Scrape,
    /// The services.
    pub services: Services,
    /// Who may enter Grafana.
    pub grafana: Grafana,
    /// How the exporter of our bus reaches the broker.
    pub mqtt: Mqtt,
    /// Where the stack runs, by the environment's name.
    pub environments: BTreeMap<Name, Environment>,
}

/// How long samples are kept: whichever limit is reached first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retention {
    /// By age.
    pub time: Span,
    /// By size on disk.
    pub size: Bytes,
}

/// What is scraped, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scrape {
    /// Between two scrapes of a target.
    pub interval: Span,
    /// Between two scrapes of the Pushgateway, so that what was pushed is soon seen.
    pub push_interval: Span,
    /// For one scrape.
    pub timeout: Span,
    /// Between two evaluations of the rules.
    pub evaluation_interval: Span,
    /// What is scraped besides the stack itself.
    pub targets: Vec<Target>,
}

/// Something that offers metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// The label `job` of its samples.
    pub job: Name,
    /// Hosts with ports.
    pub addresses: Vec<String>,
    /// Where the metrics stand.
    #[serde(default = "metrics_path")]
    pub path: String,
}

fn metrics_path() -> String {
    "/metrics".to_owned()
}

/// The services, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Services {
    /// Keeps samples and answers questions about them.
    pub prometheus: Service,
    /// Takes samples of what does not live long enough to be scraped.
    pub pushgateway: Service,
    /// Shows dashboards.
    pub grafana: Service,
    /// Sends alerts on.
    pub alertmanager: Service,
    /// Offers figures of the machine.
    pub node_exporter: Service,
    /// Offers what goes over our bus.
    pub mqtt_exporter: Service,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Whether it is part of the stack.
    pub enabled: bool,
    /// The image, with its tag.
    pub image: Image,
    /// The digest that the image must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The program, for `engine = "process"`; else it is looked for by its usual names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Where it is reached from outside.
    pub port: Port,
    /// The volume with its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Name>,
    /// The most memory that it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// More arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// Who may enter Grafana.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grafana {
    /// The administrator's name.
    pub admin_user: Name,
    /// Where the administrator's password is.
    pub admin_password: Secret,
}

/// How the exporter of our bus reaches the broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mqtt {
    /// The broker, as `tcp://HOST:PORT`.
    pub broker: String,
    /// Which topics are read.
    pub topic: String,
    /// The account's name, where the broker asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// Where the account's password is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// What runs the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// A container engine that speaks Docker's API.
    Docker,
    /// The `docker compose` command.
    Compose,
    /// Programs that are installed on this machine.
    Process,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Compose => "compose",
            Self::Process => "process",
        })
    }
}

/// Where the stack runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// What runs it.
    pub engine: EngineKind,
    /// The engine's address: `unix:///path`, `tcp://host:port`, `ssh://[user@]host[:port]`; made from `host` where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The host, where it is not this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The user on that host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// The private key for SSH; else those that the user's SSH configuration names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key: Option<String>,
    /// The file of known host keys; else the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_known_hosts: Option<String>,
    /// The configuration of SSH to read instead of the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_configuration: Option<String>,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem` for `tcp://`; else what `DOCKER_CERT_PATH` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// The address that ports are published on.
    pub bind: std::net::IpAddr,
    /// What is different here, in the shape of the whole file: `[environments.remote.overrides.retention]`.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub overrides: toml::Table,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            project: Name::known("observatory"),
            environment: Name::known("local"),
            network: Name::known("observatory"),
            retention: Retention::default(),
            scrape: Scrape::default(),
            services: Services::default(),
            grafana: Grafana::default(),
            mqtt: Mqtt::default(),
            environments: [
                (Name::known("local"), Environment::default()),
                (Name::known("remote"), Environment::default()),
            ]
            .into(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { time: Span::known("90d"), size: Bytes::known("10GB") }
    }
}

impl Default for Scrape {
    fn default() -> Self {
        Self {
            interval: Span::known("15s"),
            push_interval: Span::known("5s"),
            timeout: Span::known("5s"),
            evaluation_interval: Span::known("15s"),
            targets: vec![Target {
                job: Name::known("bigskies"),
                addresses: vec!["127.0.0.1:8080".to_owned()],
                path: metrics_path(),
            }],
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            engine: EngineKind::Docker,
            address: None,
            host: None,
            user: None,
            ssh_key: None,
            ssh_known_hosts: None,
            ssh_configuration: None,
            certificates: None,
            bind: std::net::Ipv4Addr::LOCALHOST.into(),
            overrides: toml::Table::new(),
        }
    }
}

impl Service {
    fn of(image: &str, port: u16, volume: Option<&str>) -> Self {
        Self {
            enabled: true,
            image: Image::known(image),
            digest: None,
            program: None,
            port: Port::known(port),
            volume: volume.map(Name::known),
            memory: None,
            arguments: Vec::new(),
        }
    }

    fn off(self) -> Self {
        Self { enabled: false, ..self }
    }
}

impl Default for Services {
    fn default() -> Self {
        Self {
            prometheus: Service::of("prom/prometheus:v3.4.2", 9090, Some("prometheus-data")),
            pushgateway: Service::of("prom/pushgateway:v1.11.0", 9091, Some("pushgateway-data")),
            grafana: Service::of("grafana/grafana:12.0.2", 3000, Some("grafana-data")),
            alertmanager: Service::of("prom/alertmanager:v0.28.1", 9093, Some("alertmanager-data")).off(),
            node_exporter: Service::of("prom/node-exporter:v1.9.1", 9100, None).off(),
            mqtt_exporter: Service::of("hikhvar/mqtt2prometheus:v0.1.7", 9641, None).off(),
        }
    }
}

impl Default for Grafana {
    fn default() -> Self {
        Self { admin_user: Name::known("admin"), admin_password: Secret::Generated }
    }
}

impl Default for Mqtt {
    fn default() -> Self {
        // The first level is the platform's; every health report of a coordinator stands below it.
        Self {
            broker: "tcp://127.0.0.1:1883".to_owned(),
            topic: "+/coordinator/health/+".to_owned(),
            user: None,
            password: None,
        }
    }
}

/// Something that is wrong across fields: the path of the field that a person should look at, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The field, such as `services.grafana.port`.
    pub path: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl Configuration {
    /// The environment in use.
    pub fn chosen(&self) -> Option<&Environment> {
        self.environments.get(&self.environment)
    }

    /// Every service that is switched on or off, with its name.
    pub fn services(&self) -> [(Kind, &Service); 6] {
        let all = &self.services;
        [
            (Kind::Prometheus, &all.prometheus),
            (Kind::Pushgateway, &all.pushgateway),
            (Kind::Grafana, &all.grafana),
            (Kind::Alertmanager, &all.alertmanager),
            (Kind::NodeExporter, &all.node_exporter),
            (Kind::MqttExporter, &all.mqtt_exporter),
        ]
    }

    /// What one field alone can't know: every complaint at once.
    pub fn complaints(&self) -> Vec<Complaint> {
        let mut found = Vec::new();
        let mut complain = |path: String, problem: String| found.push(Complaint { path, problem });
        match self.chosen() {
            None => {
                let known: Vec<String> = self.environments.keys().map(|name| format!("`{name}`")).collect();
                let problem =
                    format!("no environment is called `{}`, expected one of {}", self.environment, known.join(", "));
                complain("environment".to_owned(), problem);
            }
            Some(chosen) if chosen.engine == EngineKind::Process && chosen.host.is_some() => {
                let problem =
                    "programs are started on this machine only, expected `docker` or `compose` for another host";
                complain(format!("environments.{}.engine", self.environment), problem.to_owned());
            }
            Some(_) => {}
        }
        let mut ports: BTreeMap<Port, Kind> = BTreeMap::new();
        for (kind, service) in self.services().into_iter().filter(|(_, service)| service.enabled) {
            if let Some(other) = ports.insert(service.port, kind) {
                let problem = format!("port {} is already that of {other}, expected one of its own", service.port);
                complain(format!("services.{kind}.port"), problem);
            }
        }
        if !self.services.prometheus.enabled {
            let problem = "Prometheus can't be switched off, since the others show or feed it; expected `true`";
            complain("services.prometheus.enabled".to_owned(), problem.to_owned());
        }
        if self.scrape.timeout.seconds() > self.scrape.interval.seconds() {
            let problem = format!(
                "{} is longer than the interval, expected at most {}",
                self.scrape.timeout, self.scrape.interval
            );
            complain("scrape.timeout".to_owned(), problem);
        }
        for (number, target) in self.scrape.targets.iter().enumerate() {
            if let Some(address) = target.addresses.iter().find(|address| !is_address(address)) {
                let problem = format!("`{address}` is no address, expected `HOST:PORT`");
                complain(format!("scrape.targets[{number}].addresses"), problem);
            }
        }
        found
    }
}

fn is_address(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', ' ']) && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

/// Which service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Keeps samples and answers questions about them.
    Prometheus,
    /// Takes samples of what does not live long enough to be scraped.
    Pushgateway,
    /// Shows dashboards.
    Grafana,
    /// Sends alerts on.
    Alertmanager,
    /// Offers figures of the machine.
    NodeExporter,
    /// Offers what goes over our bus.
    MqttExporter,
}

impl Kind {
    /// Every service, in the order of their start.
    pub const ALL: [Self; 6] = [
        Self::Prometheus,
        Self::Pushgateway,
        Self::Grafana,
        Self::Alertmanager,
        Self::NodeExporter,
        Self::MqttExporter,
    ];

    /// The name, as it stands in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Pushgateway => "pushgateway",
            Self::Grafana => "grafana",
            Self::Alertmanager => "alertmanager",
            Self::NodeExporter => "node-exporter",
            Self::MqttExporter => "mqtt-exporter",
        }
    }

    /// The service of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
