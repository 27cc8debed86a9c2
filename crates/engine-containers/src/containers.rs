//! Containers from their making to their removal.

use std::{collections::BTreeMap, time::Duration};

use bollard::{
    models::ContainerUpdateBody,
    query_parameters::{
        KillContainerOptions, ListContainersOptions, RemoveContainerOptions, RenameContainerOptions,
        RestartContainerOptions, StartContainerOptions, StopContainerOptions, WaitContainerOptions,
    },
};
use futures::StreamExt as _;
use serde_json::Value;

use crate::{
    Container, ContainerEngine, ContainerSpec, ContainersError, Limits, Object, Port, PublishedPort, Restart, State,
    inspection, names, networks::sorted, refusal::Doing, rendering,
};

/// How much longer than its grace a stop may take: the kill after it, and the engine's own work.
const AFTER_GRACE: Duration = Duration::from_secs(30);
/// What an engine gives a container that says nothing of its own.
const GRACE_DEFAULT: Duration = Duration::from_secs(10);

/// Which containers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Listing {
    /// Those that run.
    #[default]
    Running,
    /// All.
    All,
    /// All that have each of these labels with this value.
    Labelled(BTreeMap<String, String>),
}

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image as it was asked for.
    pub image: String,
    /// What it is doing.
    pub state: State,
    /// The same for a person: `Up 3 minutes (healthy)`.
    pub status: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Ports of the host that lead into it.
    pub ports: Vec<PublishedPort>,
}

/// What happens to volumes that were made for a container alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithVolumes {
    /// They stay.
    Keep,
    /// They go with it. Volumes with a name always stay.
    Remove,
}

impl ContainerEngine {
    /// Containers, by name.
    pub async fn containers(&self, listing: &Listing) -> Result<Vec<Listed>, ContainersError> {
        let labels: Option<Vec<String>> = match listing {
            Listing::Running | Listing::All => None,
            Listing::Labelled(labels) => Some(labels.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        };
        let options = ListContainersOptions {
            all: *listing != Listing::Running,
            filters: labels.map(|labels| [("label".to_owned(), labels)].into()),
            ..ListContainersOptions::default()
        };
        let asked = self.docker().list_containers(Some(options));
        let found = self.call(Doing::new("listing", Object::Container, ""), asked).await?;
        let mut listed: Vec<Listed> = found.into_iter().map(listed).collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// One container, by name or id.
    pub async fn container(&self, name: &str) -> Result<Container, ContainersError> {
        let name = names::check(Object::Container, name)?;
        let doing = Doing::new("looking at", Object::Container, name);
        let found = self.call(doing, self.inner.transport.get(&format!("/containers/{name}/json"))).await?;
        inspection::read(found).map_err(|error| ContainersError::Failed {
            doing: doing.to_string(),
            reason: format!("its answer is not understood: {error}"),
        })
    }

    /// Makes a container without starting it: its id. It stands on all its networks afterwards, or is not there.
    pub async fn create(&self, spec: &ContainerSpec) -> Result<String, ContainersError> {
        let name = names::check(Object::Container, &spec.name)?;
        names::check_image(&spec.image)?;
        let doing = Doing::new("creating", Object::Container, name);
        let (path, request) = (format!("/containers/create?name={name}"), rendering::request(spec));
        let made = self.call(doing, self.inner.transport.post(&path, &request)).await?;
        let id = made.get("Id").and_then(Value::as_str).unwrap_or(name).to_owned();
        for warning in made.get("Warnings").and_then(Value::as_array).into_iter().flatten() {
            tracing::warn!(container = name, %warning, "engine warns of a container");
        }
        for (network, attachment) in rendering::others(spec) {
            if let Err(error) = self.attach(network, &id, attachment).await {
                let _the_first_error_counts = self.remove(&id, WithVolumes::Remove).await;
                return Err(error);
            }
        }
        Ok(id)
    }

    /// Starts a container. One that runs already is left alone.
    pub async fn start(&self, name: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let asked = self.docker().start_container(name, None::<StartContainerOptions>);
        match self.call(Doing::new("starting", Object::Container, name), asked).await {
            Err(ContainersError::PortTaken { address, holder: None }) => {
                let holder = self.holder_of(&address).await;
                Err(ContainersError::PortTaken { address, holder })
            }
            ended => ended,
        }
    }

    /// Asks a container to end, and kills it after `grace`, or after its own where none is given. One that has ended is left alone.
    pub async fn stop_container(&self, name: &str, grace: Option<Duration>) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = StopContainerOptions { signal: None, t: grace.map(whole_seconds) };
        let limit = self.grace_of(name, grace).await? + AFTER_GRACE;
        let asked = self.docker().stop_container(name, Some(options));
        self.call_within(Doing::new("stopping", Object::Container, name), limit, asked).await
    }

    /// Stops it as [`Self::stop_container`] does, and starts it again.
    pub async fn restart(&self, name: &str, grace: Option<Duration>) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = RestartContainerOptions { signal: None, t: grace.map(whole_seconds) };
        let limit = self.grace_of(name, grace).await? + AFTER_GRACE;
        let asked = self.docker().restart_container(name, Some(options));
        self.call_within(Doing::new("restarting", Object::Container, name), limit, asked).await
    }

    /// Sends a container a signal, for example `SIGHUP`.
    pub async fn signal(&self, name: &str, signal: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = KillContainerOptions { signal: signal.to_owned() };
        let asked = self.docker().kill_container(name, Some(options));
        self.call(Doing::new("signalling", Object::Container, name), asked).await
    }

    /// Freezes a container.
    pub async fn pause(&self, name: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        self.call(Doing::new("pausing", Object::Container, name), self.docker().pause_container(name)).await
    }

    /// Thaws a container.
    pub async fn unpause(&self, name: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        self.call(Doing::new("unpausing", Object::Container, name), self.docker().unpause_container(name)).await
    }

    /// Gives a container another name.
    pub async fn rename(&self, name: &str, new: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = RenameContainerOptions { name: names::check(Object::Container, new)?.to_owned() };
        let asked = self.docker().rename_container(name, options);
        self.call(Doing::new("renaming", Object::Container, name), asked).await
    }

    /// Gives a container other limits while it runs. Those that say nothing stay; `shared_memory_bytes` and `ulimits` can't be changed.
    pub async fn change_limits(
        &self,
        name: &str,
        limits: &Limits,
        restart: Option<Restart>,
    ) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let words =
            rendering::limits(&Limits { shared_memory_bytes: None, ulimits: BTreeMap::new(), ..limits.clone() });
        let figure = |key: &str| words.get(key).and_then(Value::as_i64);
        let body = ContainerUpdateBody {
            memory: figure("Memory"),
            memory_reservation: figure("MemoryReservation"),
            memory_swap: figure("MemorySwap"),
            nano_cpus: figure("NanoCpus"),
            cpu_shares: figure("CpuShares"),
            cpuset_cpus: limits.cpu_set.clone(),
            pids_limit: figure("PidsLimit"),
            restart_policy: restart.map(rendering::changed_restart),
            ..ContainerUpdateBody::default()
        };
        let asked = self.docker().update_container(name, body);
        self.call(Doing::new("changing the limits of", Object::Container, name), asked).await
    }

    /// Waits until a container has ended: its exit code.
    pub async fn ended(&self, name: &str, limit: Duration) -> Result<i64, ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let mut waited = Box::pin(self.docker().wait_container(name, Some(options)));
        let answer = async {
            match waited.next().await {
                Some(Ok(end)) => Ok(end.status_code),
                // The library takes an exit code other than 0 for an error of its own.
                Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
                Some(Err(error)) => Err(error),
                None => Err(bollard::errors::Error::RequestTimeoutError),
            }
        };
        self.call_within(Doing::new("waiting for the end of", Object::Container, name), limit, answer).await
    }

    /// Removes a container, also one that runs. One that is not there is no error.
    pub async fn remove(&self, name: &str, volumes: WithVolumes) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, name)?;
        let options = RemoveContainerOptions { v: volumes == WithVolumes::Remove, force: true, link: false };
        let asked = self.docker().remove_container(name, Some(options));
        match self.call(Doing::new("removing", Object::Container, name), asked).await {
            Err(ContainersError::NotFound { .. }) => Ok(()),
            Err(ContainersError::Conflict { reason, .. }) if reason.contains("already in progress") => Ok(()),
            ended => ended,
        }
    }

    /// How long a stop may wait: as asked, else as the container says, else as engines do.
    async fn grace_of(&self, name: &str, asked: Option<Duration>) -> Result<Duration, ContainersError> {
        if let Some(grace) = asked {
            return Ok(grace);
        }
        let own = self.container(name).await?.raw.pointer("/Config/StopTimeout").and_then(Value::as_u64);
        Ok(own.map_or(GRACE_DEFAULT, Duration::from_secs))
    }
}

fn whole_seconds(grace: Duration) -> i32 {
    i32::try_from(grace.as_secs()).unwrap_or(i32::MAX)
}

fn listed(found: bollard::models::ContainerSummary) -> Listed {
    let mut ports: Vec<PublishedPort> = found
        .ports
        .unwrap_or_default()
        .into_iter()
        .filter_map(|port| {
            let protocol = port.typ.map(|kind| kind.to_string()).unwrap_or_default();
            Some(PublishedPort {
                container: format!("{}/{protocol}", port.private_port).parse::<Port>().ok()?,
                host_address: port.ip.unwrap_or_default(),
                host_port: port.public_port?,
            })
        })
        .collect();
    ports.sort();
    // A name with a second slash is that of a link to it.
    let names = found.names.unwrap_or_default();
    let own = names.iter().map(|name| name.trim_start_matches('/')).find(|name| !name.contains('/'));
    Listed {
        id: found.id.unwrap_or_default(),
        name: own.unwrap_or_default().to_owned(),
        image: found.image.unwrap_or_default(),
        state: State::of(&found.state.map(|state| state.to_string()).unwrap_or_default()),
        status: found.status.unwrap_or_default(),
        labels: sorted(found.labels.unwrap_or_default()),
        ports,
    }
}
