//! What an engine said earlier, as `docker inspect` printed it, read where there is no engine.

use bollard::models::{ImageInspect, Volume as EngineVolume};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    Container, ContainersError, FileEntry, Image, Network, Volume, files, images, inspection, networks, volumes,
};

/// What is not understood, and why.
fn not_understood(what: &str, error: &dyn std::fmt::Display) -> ContainersError {
    ContainersError::Failed { doing: format!("reading {what}"), reason: format!("it is not understood: {error}") }
}

impl Container {
    /// Reads one object of `docker inspect`.
    pub fn of_transcript(said: Value) -> Result<Self, ContainersError> {
        inspection::read(said).map_err(|error| not_understood("a container", &error))
    }
}

impl Image {
    /// Reads one object of `docker image inspect`.
    pub fn of_transcript(said: Value) -> Result<Self, ContainersError> {
        let found: ImageInspect = serde_json::from_value(said).map_err(|error| not_understood("an image", &error))?;
        Ok(images::read(found))
    }
}

impl Network {
    /// Reads one object of `docker network inspect`; what it does not say is left empty.
    pub fn of_transcript(said: Value) -> Self {
        networks::read(said)
    }
}

impl Volume {
    /// Reads one object of `docker volume inspect`.
    pub fn of_transcript(mut said: Value) -> Result<Self, ContainersError> {
        // Engines say null where they have none.
        for key in ["Labels", "Options"] {
            if let Some(found) = said.get_mut(key).filter(|found| found.is_null()) {
                *found = Value::Object(serde_json::Map::new());
            }
        }
        let found: EngineVolume = serde_json::from_value(said).map_err(|error| not_understood("a volume", &error))?;
        Ok(volumes::read(found))
    }
}

/// The files of a tar archive, as `docker cp CONTAINER:PATH -` writes it. Devices and sockets are left out; a hard link comes as a link.
pub fn unpack(archive: Bytes) -> Result<Vec<FileEntry>, ContainersError> {
    files::entries(archive.into()).map_err(|error| not_understood("an archive", &error))
}
