//! An engine of its own for each test, with one small image.

use std::time::Duration;

use engine_containers::{ContainerEngine, ContainerSpec, Image, Listing, Options, WithVolumes};
use testkit_containers::{Dockerd, RootFileSystem};

/// The image of the tests: busybox, with defaults of every kind.
pub(crate) const IMAGE: &str = "bigskies-test/busybox:1";
/// How long anything may take here; a bound, not an expectation.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// What the names of all that is made here begin with, in case that the engine is somebody else's.
const PREFIX: &str = "bst-";

pub(crate) struct Stand {
    // Dropped in this order: the connection before the engine.
    pub(crate) engine: ContainerEngine,
    pub(crate) image: Image,
    pub(crate) dockerd: Dockerd,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let dockerd = Dockerd::start().await;
        let engine = ContainerEngine::connect(dockerd.address().parse().unwrap(), options).await.unwrap();
        clear(&engine).await;
        let changes = [
            "USER 65534:65534",
            "WORKDIR /tmp",
            "ENV OF_IMAGE=yes PATH=/bin",
            "LABEL of.image=yes",
            "EXPOSE 8080",
            "CMD [\"sleep\", \"1000\"]",
        ];
        let archive = RootFileSystem::with_busybox().archive();
        let image = engine.import(archive.into(), IMAGE, &changes.map(str::to_owned)).await.unwrap();
        Self { engine, image, dockerd }
    }

    /// A container of the image that runs this line of shell.
    pub(crate) fn spec(&self, name: &str, line: &str) -> ContainerSpec {
        let mut spec = ContainerSpec::new(self.name(name), IMAGE);
        spec.command = Some(["sh", "-c", line].map(str::to_owned).to_vec());
        // It is gone at once instead of after ten seconds: a shell as the first process does not hear SIGTERM.
        spec.stop.signal = Some("SIGKILL".to_owned());
        spec
    }

    pub(crate) fn name(&self, name: &str) -> String {
        format!("{PREFIX}{name}")
    }

    /// One that was made and started.
    pub(crate) async fn started(&self, name: &str, line: &str) -> String {
        let spec = self.spec(name, line);
        self.engine.create(&spec).await.unwrap();
        self.engine.start(&spec.name).await.unwrap();
        spec.name
    }
}

/// Removes what a test that was killed left behind on an engine that was not started by us.
async fn clear(engine: &ContainerEngine) {
    for container in engine.containers(&Listing::All).await.unwrap() {
        if container.name.starts_with(PREFIX) {
            engine.remove(&container.id, WithVolumes::Remove).await.unwrap();
        }
    }
    for network in engine.networks().await.unwrap() {
        if network.spec.name.starts_with(PREFIX) {
            engine.remove_network(&network.id).await.unwrap();
        }
    }
    for volume in engine.volumes().await.unwrap() {
        if volume.spec.name.starts_with(PREFIX) {
            engine.remove_volume(&volume.spec.name).await.unwrap();
        }
    }
}
