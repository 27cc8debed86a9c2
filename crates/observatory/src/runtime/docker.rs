//! The stack as containers, labelled so that `docker compose ps`, `logs` and `down` know them as theirs. Configuration files lie in
//! volumes and are put there through the engine, so that it may run on another host, and nothing of this machine is mounted.

mod drift;
mod faults;
mod specs;
mod stock;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use engine_containers::{
    Container, ContainerEngine, ContainersError, Endpoint, FileEntry, Image, Listing, LogOptions, NetworkSpec, Options,
    SshHost, State as Doing, VolumeSpec, WithVolumes, labels,
};
use vocabulary::Timestamp;

pub(crate) use self::faults::failure;
use super::{LogLine, LogWish, Progress, Runtime, Seen, State, Volumes, is_steady};
use crate::{
    backup::Shelf,
    configuration::{Environment, Kind},
    failure::{Failure, NO_SPACE, Reason},
    plan::{Change, Deed, Plan},
    secrets,
    stack::{FINGERPRINT_LABEL, Fingerprint, Part, Stack, reachable},
};

/// How many lines of a container that does not stay are shown.
const LAST_WORDS: usize = 3;
/// How many are searched for what was wrong.
const LAST_LINES: u32 = 100;
/// Between two looks whether a container is gone, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const GONE_LIMIT: Duration = Duration::from_secs(30);
/// More configuration than this is not ours.
const FILES_BYTES_MAX: usize = 8 << 20;

/// Runs services as containers.
#[derive(Debug)]
pub struct Docker {
    engine: ContainerEngine,
    folder: PathBuf,
    maker: Maker,
}

/// Who makes the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// We, and so we know each of their details.
    Ourselves,
    /// Compose, in its own way.
    Compose,
}

/// The engine that an environment names: its address, else its host over SSH, else what `DOCKER_HOST` says, else this machine's.
pub(crate) fn endpoint(environment: &Environment) -> Result<Endpoint, ContainersError> {
    let named = environment.certificates.as_ref().map(PathBuf::from);
    let folder = named.or_else(|| std::env::var_os("DOCKER_CERT_PATH").map(PathBuf::from));
    let files = folder.map(|folder| engine_containers::TlsFiles::of_folder(&folder));
    let found = match (&environment.address, &environment.host) {
        (Some(address), _) => Endpoint::parse(address, files.as_ref()),
        (None, Some(host)) => {
            let user = environment.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            Endpoint::parse(&format!("ssh://{user}{host}"), None)
        }
        (None, None) => Endpoint::from_environment(),
    }?;
    let path = |named: &Option<String>| named.as_ref().map(PathBuf::from);
    Ok(match found {
        Endpoint::Ssh(host) => Endpoint::Ssh(SshHost {
            key: path(&environment.ssh_key),
            known_hosts: path(&environment.ssh_known_hosts),
            configuration: path(&environment.ssh_configuration),
            ..host
        }),
        other => other,
    })
}

impl Docker {
    /// Connects to the engine of an environment.
    ///
    /// # Errors
    /// Where it does not answer, may not be used, or is too old.
    pub async fn connect(environment: &Environment, folder: &Path) -> Result<Self, Failure> {
        let endpoint = endpoint(environment).map_err(failure)?;
        let engine = ContainerEngine::connect(endpoint, Options::default()).await.map_err(failure)?;
        Ok(Self { engine, folder: folder.to_owned(), maker: Maker::Ourselves })
    }

    /// The same for containers that Compose makes: their details are its own matter.
    #[must_use]
    pub(super) fn made_by_compose(self) -> Self {
        Self { maker: Maker::Compose, ..self }
    }

    /// Whether the engine sees the files of this machine.
    pub(super) fn is_here(&self) -> bool {
        self.engine.endpoint().is_local()
    }

    /// The containers of the project, by service.
    async fn containers(&self, stack: &Stack) -> Result<Vec<(Kind, Container)>, Failure> {
        let ours = BTreeMap::from([(labels::PROJECT.to_owned(), stack.project.to_string())]);
        let listed = self.engine.containers(&Listing::Labelled(ours)).await.map_err(failure)?;
        let mut found = Vec::new();
        for one in listed {
            let Some(kind) = one.labels.get(labels::SERVICE).and_then(|name| Kind::of(name)) else { continue };
            match self.engine.container(&one.id).await {
                Ok(container) => found.push((kind, container)),
                // It went away meanwhile.
                Err(ContainersError::NotFound { .. }) => {}
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(found)
    }

    /// What differs between a container and what it was asked to be.
    async fn drift(&self, stack: &Stack, part: &Part, container: &Container) -> Result<Vec<String>, Failure> {
        let image = self.image(&container.image_id).await?;
        let wanted = specs::container(stack, part, &self.folder);
        let mut found = drift::of_container(&wanted, container, image.as_ref());
        if self.image(&part.image).await?.is_some_and(|image| image.id != container.image_id) {
            found.push(format!("image behind {} is another one", part.image));
        }
        if !part.files.is_empty() {
            match self.files(container, &part.config).await? {
                Some(there) => found.extend(drift::of_files(part, &there)),
                None => found.push(format!("{} holds more than was put there", part.config)),
            }
        }
        let meant: BTreeMap<String, String> = part
            .secrets
            .iter()
            .filter_map(|(name, secret)| Some((name.clone(), secrets::known(&self.folder, name, secret)?)))
            .collect();
        if !meant.is_empty() {
            match self.files(container, specs::SECRETS).await? {
                Some(there) => found.extend(drift::of_secrets(&meant, &there)),
                None => found.push(format!("{} holds more than was put there", specs::SECRETS)),
            }
        }
        // Some engines can't tell, for want of a driver that knows.
        found.extend(drift::of_root(&wanted, &self.engine.changes(&container.id).await.unwrap_or_default()));
        Ok(found)
    }

    /// What lies in a folder of a container, nothing where it is gone; no answer where that is more than could be ours. An engine that does
    /// not tell is no sign of a change.
    async fn files(&self, container: &Container, folder: &str) -> Result<Option<Vec<FileEntry>>, Failure> {
        match self.engine.take_files(&container.id, folder, FILES_BYTES_MAX).await {
            Ok(files) => Ok(Some(files)),
            Err(ContainersError::NotFound { .. }) => Ok(Some(Vec::new())),
            Err(ContainersError::Refused { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    async fn image(&self, name: &str) -> Result<Option<Image>, Failure> {
        match self.engine.image(name).await {
            Ok(image) => Ok(Some(image)),
            Err(ContainersError::ImageMissing { .. } | ContainersError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// Refuses to start what could not be proven: ports that are open to a host alone which one can't log into.
    fn expect_reach(&self, stack: &Stack) -> Result<(), Failure> {
        let Endpoint::Tls { host, .. } = self.engine.endpoint() else { return Ok(()) };
        let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if is_here || !stack.bind.is_loopback() {
            return Ok(());
        }
        let message =
            format!("ports on {host} would be published on {} only, where nobody else reaches them", stack.bind);
        let environment = &stack.environment;
        Err(Failure::new(Reason::Configuration, message).hint(format!(
            "`observatory config set environments.{environment}.bind ADDRESS`, or reach the engine over SSH, which forwards ports"
        )))
    }

    async fn start(&self, stack: &Stack, part: &Part, progress: Progress<'_>) -> Result<(), Failure> {
        let id = self.make(stack, part, progress).await?;
        self.engine.start(&id).await.map_err(failure)
    }

    /// Makes the container of a part, with all that it needs; it does not run yet.
    async fn make(&self, stack: &Stack, part: &Part, progress: Progress<'_>) -> Result<String, Failure> {
        self.engine
            .ensure_image(&part.image, &mut |step| progress(&format!("{}: {step:?}", part.image)))
            .await
            .map_err(failure)?;
        self.ensure_network(stack).await?;
        for (name, within) in specs::volumes(stack, part) {
            let spec = VolumeSpec {
                name,
                labels: labels::of_volume(stack.project.as_str(), &within),
                ..VolumeSpec::default()
            };
            self.engine.create_volume(&spec).await.map_err(failure)?;
        }
        let spec = specs::container(stack, part, &self.folder);
        let id = match self.engine.create(&spec).await {
            // A run that was killed may have asked for it a moment ago.
            Err(ContainersError::Conflict { .. }) => {
                self.remove_container(&spec.name).await?;
                self.engine.create(&spec).await
            }
            made => made,
        };
        let id = id.map_err(failure)?;
        self.put_files(part, &id).await?;
        Ok(id)
    }

    /// Stops a container, removes it, and waits until the engine has forgotten it: another run may have begun that.
    async fn remove_container(&self, id: &str) -> Result<(), Failure> {
        // What is frozen does not hear that it should end.
        let _most_are_not_frozen = self.engine.unpause(id).await;
        done(self.engine.stop_container(id, None).await)?;
        done(self.engine.remove(id, WithVolumes::Remove).await)?;
        let gone = async {
            loop {
                match self.engine.container(id).await {
                    Ok(_) => tokio::time::sleep(LOOK).await,
                    gone_or_unknown => return done(gone_or_unknown.map(drop)),
                }
            }
        };
        tokio::time::timeout(GONE_LIMIT, gone).await.map_err(|_over| {
            let message = format!("container {id} is still there {} s after its removal", GONE_LIMIT.as_secs());
            Failure::new(Reason::Unavailable, message).hint("see whether the engine is busy, and try again")
        })?
    }

    /// Puts configuration and secrets into the volumes of a container that was made and does not run yet.
    async fn put_files(&self, part: &Part, id: &str) -> Result<(), Failure> {
        let files: Vec<FileEntry> =
            part.files.iter().map(|(path, text)| FileEntry::file(path.clone(), text.clone())).collect();
        if !files.is_empty() {
            self.engine.put_files(id, &part.config, &files).await.map_err(failure)?;
        }
        let mut hidden = Vec::new();
        for (name, secret) in &part.secrets {
            let contents = secrets::resolve(&self.folder, name, secret)?.into_bytes();
            let owner = (part.user_id, part.user_id);
            hidden.push(FileEntry::File { path: name.clone(), contents, mode: 0o400, owner });
        }
        if !hidden.is_empty() {
            self.engine.put_files(id, specs::SECRETS, &hidden).await.map_err(failure)?;
        }
        if let Some((_, folder)) = &part.data {
            // A new volume belongs to root where the image has no such folder, and then its user could not write there.
            let owner = (part.user_id, part.user_id);
            let own = FileEntry::Folder { path: ".".to_owned(), mode: 0o755, owner };
            self.engine.put_files(id, folder, &[own]).await.map_err(failure)?;
        }
        Ok(())
    }

    async fn ensure_network(&self, stack: &Stack) -> Result<(), Failure> {
        let name = specs::network(stack);
        match self.engine.network(&name).await {
            Ok(_) => Ok(()),
            Err(ContainersError::NotFound { .. }) => {
                let labels = labels::of_network(stack.project.as_str(), stack.network.as_str());
                let spec = NetworkSpec { name, labels, attachable: true, ..NetworkSpec::default() };
                self.engine.create_network(&spec).await.map(drop).map_err(failure)
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes a service's container, and the volumes with its configuration and secrets, which are made anew with it.
    async fn remove(&self, stack: &Stack, kind: Kind) -> Result<(), Failure> {
        let there = self.containers(stack).await?;
        for (_, container) in there.iter().filter(|(other, _)| *other == kind) {
            self.remove_container(&container.id).await?;
        }
        for name in specs::volumes_made_anew(stack, kind) {
            done(self.engine.remove_volume(&name).await)?;
        }
        Ok(())
    }
}

/// What is gone already need not be removed.
fn done(outcome: Result<(), ContainersError>) -> Result<(), Failure> {
    match outcome {
        Ok(()) | Err(ContainersError::NotFound { .. }) => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

#[async_trait]
impl Runtime for Docker {
    fn name(&self) -> &'static str {
        "containers"
    }

    async fn ways(&self, stack: &Stack) -> BTreeMap<Kind, String> {
        let mut ways = BTreeMap::new();
        match self.engine.endpoint() {
            Endpoint::Socket(_) => {}
            Endpoint::Tls { host, .. } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                ways.extend(stack.parts.iter().map(|part| (part.kind, format!("http://{host}:{}", part.port))));
            }
            // Ports over there may be open to that host alone, which is wise, and it may have another name here.
            Endpoint::Ssh(_) => {
                for part in &stack.parts {
                    let there = SocketAddr::new(reachable(stack.bind), part.port.number());
                    // Where a host forwards no ports, the address that it is known by may do.
                    if let Ok(here) = self.engine.way_to(there).await {
                        ways.insert(part.kind, format!("http://{here}"));
                    }
                }
            }
        }
        ways
    }

    async fn look(&self, stack: &Stack) -> Result<Vec<Seen>, Failure> {
        let mut seen: Vec<Seen> = Vec::new();
        for (kind, container) in self.containers(stack).await? {
            if let Some(first) = seen.iter_mut().find(|seen| seen.kind == kind) {
                first.drift.push(format!("container {} is there as well", container.name));
                continue;
            }
            let written = container.labels.get(FINGERPRINT_LABEL).map(String::as_str).unwrap_or_default();
            let fingerprint: Fingerprint = serde_json::from_str(written).unwrap_or_default();
            let mut drift = match stack.part(kind) {
                // Where it is configured otherwise, that is said already.
                Some(part) if self.maker == Maker::Ourselves && part.fingerprint() == fingerprint => {
                    self.drift(stack, part, &container).await?
                }
                _ => Vec::new(),
            };
            if container.status.state == Doing::Created {
                // A run that was killed between the two leaves it without its files, or without the right to its data.
                drift = vec!["it was made and never started".to_owned()];
            }
            seen.push(Seen {
                kind,
                state: match container.status.state {
                    Doing::Running => State::Running,
                    Doing::Restarting => State::Restarting,
                    Doing::Paused => State::Paused,
                    Doing::Created | Doing::Removing | Doing::Exited | Doing::Dead => State::Stopped,
                },
                id: container.id.chars().take(12).collect(),
                fingerprint,
                drift,
                started_at: container.status.started.parse().ok(),
                restarts: u32::try_from(container.status.restarts).unwrap_or_default(),
            });
        }
        Ok(seen)
    }

    async fn foresee(&self, stack: &Stack, plan: &Plan) -> Result<(), Failure> {
        self.expect_reach(stack)?;
        let ours = self.containers(stack).await?;
        for change in plan.changes.iter().filter(|change| change.deed != Deed::Remove) {
            let Some(part) = stack.part(change.service) else { continue };
            // Pulled before anything is changed, so that a stack that runs is not broken for want of an image.
            self.engine.ensure_image(&part.image, &mut |_| ()).await.map_err(failure)?;
            if let Some(holder) = self.engine.port_holder(SocketAddr::new(stack.bind, part.port.number())).await {
                let holder = holder.to_string();
                let is_ours = ours.iter().any(|(_, container)| holder == format!("container {}", container.name));
                if !is_ours && !holder.contains("docker-proxy") {
                    let message = format!("port {} of {} is taken by {holder}", part.port, part.kind);
                    return Err(Failure::new(Reason::PortTaken, message)
                        .hint(format!("end that, or `observatory config set services.{}.port PORT`", part.kind)));
                }
            }
        }
        Ok(())
    }

    async fn apply(&self, stack: &Stack, change: &Change, progress: Progress<'_>) -> Result<(), Failure> {
        progress(&change.to_string());
        match (change.deed, stack.part(change.service)) {
            (Deed::Remove, _) | (_, None) => self.remove(stack, change.service).await,
            (Deed::Start, Some(part)) => {
                let name = specs::name(stack, part.kind);
                let is_paused = self.engine.container(&name).await.map_err(failure)?.status.state == Doing::Paused;
                let asked = if is_paused { self.engine.unpause(&name).await } else { self.engine.start(&name).await };
                asked.map_err(failure)
            }
            (Deed::Create | Deed::Replace, Some(part)) => {
                self.remove(stack, part.kind).await?;
                self.start(stack, part, progress).await
            }
        }
    }

    async fn clear(&self, stack: &Stack, volumes: Volumes) -> Result<Vec<String>, Failure> {
        let mut removed = Vec::new();
        let network = specs::network(stack);
        match self.engine.remove_network(&network).await {
            Ok(()) => removed.push(network),
            Err(ContainersError::NotFound { .. }) => {}
            Err(error) => return Err(failure(error)),
        }
        if volumes == Volumes::Remove {
            let all = self.engine.volumes().await.map_err(failure)?;
            let is_ours = |labels: &BTreeMap<String, String>| {
                labels.get(labels::PROJECT).is_some_and(|project| project == stack.project.as_str())
            };
            for volume in all.into_iter().filter(|volume| is_ours(&volume.spec.labels)) {
                done(self.engine.remove_volume(&volume.spec.name).await)?;
                removed.push(volume.spec.name);
            }
            crate::files::remove(&self.folder.join("secrets"))?;
        }
        Ok(removed)
    }

    async fn logs(&self, stack: &Stack, wish: &LogWish) -> Result<Vec<LogLine>, Failure> {
        let there = self.containers(stack).await?;
        let wanted: Vec<&(Kind, Container)> = there.iter().filter(|(kind, _)| wish.services.contains(kind)).collect();
        let names: Vec<&str> = wanted.iter().map(|(_, container)| container.name.as_str()).collect();
        let options = LogOptions { since: wish.since, last_lines: u32::try_from(wish.tail).ok() };
        let lines = self.engine.logs_until_now(&names, &options).await.map_err(failure)?;
        let line = |line: engine_containers::LogLine| {
            let (service, _) = wanted.iter().find(|(_, container)| container.name == line.container)?;
            let at: Timestamp = line.at.parse().ok()?;
            wish.since.is_none_or(|since| at > since).then_some(LogLine { at, service: *service, text: line.text })
        };
        Ok(lines.into_iter().filter_map(line).collect())
    }

    async fn trouble(&self, stack: &Stack, kind: Kind) -> Result<Option<String>, Failure> {
        let name = specs::name(stack, kind);
        let container = self.engine.container(&name).await.map_err(failure)?;
        let was_lifted = container.status.restarts > 0 && !is_steady(container.status.started.parse().ok());
        if container.status.state == Doing::Running && !was_lifted {
            return Ok(None);
        }
        let options = LogOptions { since: None, last_lines: Some(LAST_LINES) };
        let last = self.engine.logs_until_now(&[&name], &options).await.map_err(failure)?;
        let last: Vec<String> = last.into_iter().map(|line| line.text).collect();
        // A program that dies of a full disk says much more after that.
        let words = match last.iter().find(|line| line.contains(NO_SPACE)) {
            Some(full) => vec![full.clone()],
            None => last.into_iter().rev().take(LAST_WORDS).rev().collect(),
        };
        Ok(Some(format!("it ended with exit code {}: {}", container.status.exit_code, words.join(" / "))))
    }

    async fn halt(&self, stack: &Stack, kind: Kind) -> Result<(), Failure> {
        done(self.engine.stop_container(&specs::name(stack, kind), None).await)
    }

    async fn fetch(
        &self,
        stack: &Stack,
        part: &Part,
        shelf: Shelf,
        below: &str,
        staging: &Path,
    ) -> Result<Option<PathBuf>, Failure> {
        self.copy(stack, part, shelf, below, staging).await
    }

    async fn discard(&self, stack: &Stack, part: &Part, below: &str) -> Result<(), Failure> {
        self.empty(stack, part, below).await
    }

    async fn refill(
        &self,
        stack: &Stack,
        part: &Part,
        data: &Path,
        config: Option<&Path>,
        staging: &Path,
    ) -> Result<(), Failure> {
        self.fill(stack, part, data, config, staging).await
    }
}
