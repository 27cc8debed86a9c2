//! Volumes of an engine.

use std::collections::BTreeMap;

use bollard::{
    models::{Volume as EngineVolume, VolumeCreateRequest},
    query_parameters::{ListVolumesOptions, RemoveVolumeOptions},
};
use serde::{Deserialize, Serialize};

use crate::{ContainerEngine, ContainersError, Object, names, networks::sorted, refusal::Doing, rendering};

/// A volume as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeSpec {
    /// Its name.
    pub name: String,
    /// What drives it; `local` where nothing is said.
    pub driver: Option<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What it was asked to be.
    pub spec: VolumeSpec,
    /// Where its data lies on the engine's host.
    pub folder: String,
    /// When it was made, RFC 3339 in the engine's words.
    pub created: String,
}

impl ContainerEngine {
    /// All volumes, by name.
    pub async fn volumes(&self) -> Result<Vec<Volume>, ContainersError> {
        let asked = self.docker().list_volumes(None::<ListVolumesOptions>);
        let found = self.call(Doing::new("listing", Object::Volume, ""), asked).await?;
        let mut volumes: Vec<Volume> = found.volumes.into_iter().flatten().map(read).collect();
        volumes.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        Ok(volumes)
    }

    /// One volume.
    pub async fn volume(&self, name: &str) -> Result<Volume, ContainersError> {
        let name = names::check(Object::Volume, name)?;
        let asked = self.docker().inspect_volume(name);
        self.call(Doing::new("looking at", Object::Volume, name), asked).await.map(read)
    }

    /// Makes a volume. One of that name that is there already is left as it is, and returned: compare its `spec`.
    pub async fn create_volume(&self, spec: &VolumeSpec) -> Result<Volume, ContainersError> {
        let name = names::check(Object::Volume, &spec.name)?;
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            driver: spec.driver.clone(),
            driver_opts: rendering::some_map(&spec.options),
            labels: rendering::some_map(&spec.labels),
            cluster_volume_spec: None,
        };
        let asked = self.docker().create_volume(request);
        self.call(Doing::new("creating", Object::Volume, name), asked).await.map(read)
    }

    /// Removes a volume with its data. One that a container uses is refused.
    pub async fn remove_volume(&self, name: &str) -> Result<(), ContainersError> {
        let name = names::check(Object::Volume, name)?;
        let asked = self.docker().remove_volume(name, None::<RemoveVolumeOptions>);
        self.call(Doing::new("removing", Object::Volume, name), asked).await
    }
}

pub(crate) fn read(found: EngineVolume) -> Volume {
    Volume {
        spec: VolumeSpec {
            name: found.name,
            driver: Some(found.driver),
            options: sorted(found.options),
            labels: sorted(found.labels),
        },
        folder: found.mountpoint,
        created: found.created_at.unwrap_or_default(),
    }
}
