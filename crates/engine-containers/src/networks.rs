//! Networks of an engine.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use bollard::models::{Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Attachment, ContainerEngine, ContainersError, Object, names, refusal::Doing, rendering};

/// A network as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// What drives it; `bridge` where nothing is said.
    pub driver: Option<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Whether nothing leads out of it.
    pub internal: bool,
    /// Whether containers outside of a swarm may join.
    pub attachable: bool,
    /// Whether it has addresses of the newer kind as well.
    pub ipv6: bool,
    /// Address ranges; the engine chooses where none is said.
    pub subnets: Vec<Subnet>,
}

/// A range of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subnet {
    /// The range, for example `172.28.0.0/16`.
    pub subnet: Option<String>,
    /// The part of it that containers get.
    pub range: Option<String>,
    /// The address of the way out.
    pub gateway: Option<String>,
}

/// A network as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The engine's id.
    pub id: String,
    /// What it was asked to be. Address ranges that the engine chose stand in it as well.
    pub spec: NetworkSpec,
    /// Containers that are attached, by id: only from [`ContainerEngine::network`].
    pub containers: BTreeMap<String, String>,
    /// All that the engine says of it.
    pub raw: Value,
}

impl ContainerEngine {
    /// All networks, by name.
    pub async fn networks(&self) -> Result<Vec<Network>, ContainersError> {
        let asked = self.inner.transport.get("/networks");
        let found = self.call(Doing::new("listing", Object::Network, ""), asked).await?;
        let mut networks: Vec<Network> = found.as_array().into_iter().flatten().cloned().map(read).collect();
        networks.sort_by(|a, b| (&a.spec.name, &a.id).cmp(&(&b.spec.name, &b.id)));
        Ok(networks)
    }

    /// One network, by name or id.
    pub async fn network(&self, name: &str) -> Result<Network, ContainersError> {
        let name = names::check(Object::Network, name)?;
        let path = format!("/networks/{name}");
        let asked = self.inner.transport.get(&path);
        self.call(Doing::new("looking at", Object::Network, name), asked).await.map(read)
    }

    /// Makes a network: its id. A second one of that name is refused.
    pub async fn create_network(&self, spec: &NetworkSpec) -> Result<String, ContainersError> {
        let name = names::check(Object::Network, &spec.name)?;
        let doing = Doing::new("creating", Object::Network, name);
        // Engines before 1.44 make a second network of the same name, since only the id counts.
        if self.networks().await?.iter().any(|found| found.spec.name == name) {
            let reason = "a network of this name exists".to_owned();
            return Err(ContainersError::Conflict { object: Object::Network, name: name.to_owned(), reason });
        }
        let made = self.call(doing, self.docker().create_network(request(spec))).await?;
        Ok(made.id)
    }

    /// Removes a network that no container is attached to.
    pub async fn remove_network(&self, name: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Network, name)?;
        let doing = Doing::new("removing", Object::Network, name);
        match self.call(doing, self.docker().remove_network(name)).await {
            // Docker says "forbidden" where it means that it is in use.
            Err(ContainersError::Refused { reason, .. }) if reason.contains("active endpoints") => {
                Err(ContainersError::Conflict { object: Object::Network, name: name.to_owned(), reason })
            }
            ended => ended,
        }
    }

    /// Attaches a container to a network.
    pub async fn attach(&self, network: &str, container: &str, as_what: &Attachment) -> Result<(), ContainersError> {
        let network = names::check(Object::Network, network)?;
        let container = names::check(Object::Container, container)?;
        let request = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(rendering::endpoint(as_what)),
        };
        let doing = Doing::new("attaching a container to", Object::Network, network);
        self.call(doing, self.docker().connect_network(network, request)).await
    }

    /// Detaches a container from a network.
    pub async fn detach(&self, network: &str, container: &str) -> Result<(), ContainersError> {
        let network = names::check(Object::Network, network)?;
        let container = names::check(Object::Container, container)?;
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        let doing = Doing::new("detaching a container from", Object::Network, network);
        self.call(doing, self.docker().disconnect_network(network, request)).await
    }
}

fn request(spec: &NetworkSpec) -> NetworkCreateRequest {
    let config = spec.subnets.iter().map(|subnet| IpamConfig {
        subnet: subnet.subnet.clone(),
        ip_range: subnet.range.clone(),
        gateway: subnet.gateway.clone(),
        auxiliary_addresses: None,
    });
    NetworkCreateRequest {
        name: spec.name.clone(),
        driver: spec.driver.clone(),
        internal: spec.internal.then_some(true),
        attachable: spec.attachable.then_some(true),
        enable_ipv6: spec.ipv6.then_some(true),
        options: rendering::some_map(&spec.options),
        labels: rendering::some_map(&spec.labels),
        ipam: (!spec.subnets.is_empty()).then(|| Ipam { driver: None, config: Some(config.collect()), options: None }),
        ..NetworkCreateRequest::default()
    }
}

pub(crate) fn read(raw: Value) -> Network {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let flag = |key: &str| raw.get(key).and_then(Value::as_bool).unwrap_or_default();
    let texts = |key: &str| -> BTreeMap<String, String> {
        raw.get(key).cloned().and_then(|map| serde_json::from_value(map).ok()).unwrap_or_default()
    };
    let subnets = raw.pointer("/IPAM/Config").and_then(Value::as_array).into_iter().flatten().map(|one| Subnet {
        subnet: text(one, "Subnet"),
        range: text(one, "IPRange"),
        // Older engines write the length of the range behind the one that they chose.
        gateway: text(one, "Gateway").map(|address| address.split('/').next().unwrap_or_default().to_owned()),
    });
    let attached = raw.get("Containers").and_then(Value::as_object).into_iter().flatten();
    let containers = attached.map(|(id, of)| (id.clone(), text(of, "Name").unwrap_or_default())).collect();
    let spec = NetworkSpec {
        name: text(&raw, "Name").unwrap_or_default(),
        driver: text(&raw, "Driver"),
        options: texts("Options"),
        labels: texts("Labels"),
        internal: flag("Internal"),
        attachable: flag("Attachable"),
        ipv6: flag("EnableIPv6"),
        subnets: subnets.collect(),
    };
    Network { id: text(&raw, "Id").unwrap_or_default(), spec, containers, raw }
}

/// Sorted, so that two reports of the same thing are the same.
pub(crate) fn sorted<S: BuildHasher>(map: HashMap<String, String, S>) -> BTreeMap<String, String> {
    map.into_iter().collect()
}
