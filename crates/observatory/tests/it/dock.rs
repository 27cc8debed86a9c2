//! A site whose stack runs as containers: an engine of its own, with images made of this machine's programs, and a stand-in for Grafana.

use std::time::Instant;

use engine_containers::{ContainerEngine, Endpoint, Options};
use testkit_containers::{Dockerd, RootFileSystem};

use crate::site::{Answer, Site, free_ports};

pub(crate) const PROMETHEUS: &str = "prom/prometheus:v2.42.0-deb";
pub(crate) const PUSHGATEWAY: &str = "prom/pushgateway:v1.5.1-deb";
/// No image of Grafana can be had here: a stand-in that answers as Grafana does when it is asked for its health.
pub(crate) const GRAFANA: &str = "bigskies-test/grafana-stand-in:1";
const GATEWAY_PROGRAM: &str = "/usr/bin/prometheus-pushgateway";
/// It ends when it is asked to, which busybox's own server as the first process would not.
pub(crate) const STAND_IN: &str =
    "echo stand-in listens; httpd -p 3000 -h /www; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

/// A site, its engine, and a second way to look at that.
pub(crate) struct Dock {
    // Dropped in this order: the stack before what it runs on.
    pub(crate) site: Site,
    pub(crate) engine: ContainerEngine,
    pub(crate) dockerd: Dockerd,
}

/// Whether Grafana's stand-in is part of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boards {
    With,
    Without,
}

impl Dock {
    /// An engine with images, and a site that names it.
    pub(crate) async fn open(boards: Boards) -> Self {
        let dockerd = Dockerd::start().await;
        let address = dockerd.address();
        let endpoint = Endpoint::parse(&address, None).unwrap();
        let engine = ContainerEngine::connect(endpoint, Options::default()).await.unwrap();
        let began = Instant::now();
        engine.import(prometheus().into(), PROMETHEUS, &started_as("/usr/bin/prometheus")).await.unwrap();
        push_gateway(&engine, "").await;
        if boards == Boards::With {
            stand_in(&engine).await;
        }
        println!("images made after {:.1} s", began.elapsed().as_secs_f64());
        Self { site: site(&address, boards), engine, dockerd }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        self.site.run(arguments)
    }

    /// Everything of the project that the engine holds, by name.
    pub(crate) async fn holdings(&self) -> Vec<String> {
        let containers = self.engine.containers(&engine_containers::Listing::All).await.unwrap();
        let networks = self.engine.networks().await.unwrap();
        let volumes = self.engine.volumes().await.unwrap();
        let mut names: Vec<String> = containers.into_iter().map(|one| format!("container {}", one.name)).collect();
        names.extend(networks.into_iter().map(|one| format!("network {}", one.spec.name)));
        names.retain(|name| !["network bridge", "network host", "network none"].contains(&name.as_str()));
        names.extend(volumes.into_iter().map(|one| format!("volume {}", one.spec.name)));
        names.sort();
        names
    }
}

/// A site whose containers run on the engine at this address.
pub(crate) fn site(address: &str, boards: Boards) -> Site {
    let [grafana] = free_ports();
    let is_with = boards == Boards::With;
    let site = Site::of_programs(&format!("[services.grafana]\nenabled = {is_with}\nport = {grafana}\n"));
    let path = site.path().join("observatory.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replacen("[services.grafana]\nenabled = false\n", "", 1);
    let text = text.replace("engine = 'process'", &format!("engine = 'docker'\naddress = '{address}'"));
    let text = text.replace("[services.grafana]", &format!("[services.grafana]\nimage = '{GRAFANA}'"));
    let text = text.replace("[services.prometheus]", &format!("[services.prometheus]\nimage = '{PROMETHEUS}'"));
    let text = text.replace("[services.pushgateway]", &format!("[services.pushgateway]\nimage = '{PUSHGATEWAY}'"));
    std::fs::write(path, text).unwrap();
    site
}

fn started_as(program: &str) -> Vec<String> {
    vec!["USER 65534:65534".to_owned(), format!("ENTRYPOINT [\"{program}\"]")]
}

fn prometheus() -> Vec<u8> {
    let mut root = RootFileSystem::empty();
    root.program("/usr/bin/prometheus").folder("/prometheus", 0o755, (65_534, 65_534));
    // As in the image that everybody has: a file of its own where the configuration goes.
    root.file("/etc/prometheus/console.yml", "of the image").archive()
}

/// The image under its tag; another text makes it another image.
pub(crate) async fn push_gateway(engine: &ContainerEngine, mark: &str) {
    let mut root = RootFileSystem::empty();
    let archive = root.program(GATEWAY_PROGRAM).file("/mark", mark).archive();
    engine.import(archive.into(), PUSHGATEWAY, &started_as(GATEWAY_PROGRAM)).await.unwrap();
}

async fn stand_in(engine: &ContainerEngine) {
    let mut root = RootFileSystem::with_busybox();
    root.file("/www/api/health", "{\"database\": \"ok\", \"version\": \"stand-in\"}");
    let entrypoint = serde_json::to_string(&["sh", "-c", STAND_IN, "grafana"]).unwrap();
    let changes = ["ENV PATH=/bin".to_owned(), "USER 472:472".to_owned(), format!("ENTRYPOINT {entrypoint}")];
    engine.import(root.archive().into(), GRAFANA, &changes).await.unwrap();
}
