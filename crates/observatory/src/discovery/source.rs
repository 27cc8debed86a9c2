//! Where a discovery is gathered: an engine that answers, or what a script wrote down on its host.

use async_trait::async_trait;
use engine_containers::{
    Change, Container, ContainerEngine, ContainersError, FileEntry, Image, Listing, Network, Volume,
};

use super::Host;
use crate::{failure::Failure, runtime::docker::failure};

/// What was found at a path of a container.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// Nothing is there.
    Nothing,
    /// More than was asked for.
    TooLarge,
    /// Something that can't be read, and why.
    Unreadable(String),
    /// These, with paths that begin with the last name of the path that was asked for.
    Entries(Vec<FileEntry>),
}

/// Something that knows all about a host's containers.
#[async_trait]
pub trait Source: Send + Sync {
    /// Who answers.
    fn host(&self) -> Host;

    /// All containers, by name.
    ///
    /// # Errors
    /// Where they can't be listed.
    async fn containers(&self) -> Result<Vec<Container>, Failure>;

    /// The image of a container, by id; nothing where it is gone.
    ///
    /// # Errors
    /// Where it can't be found out.
    async fn image(&self, id: &str) -> Result<Option<Image>, Failure>;

    /// All networks.
    ///
    /// # Errors
    /// Where they can't be listed.
    async fn networks(&self) -> Result<Vec<Network>, Failure>;

    /// All volumes.
    ///
    /// # Errors
    /// Where they can't be listed.
    async fn volumes(&self) -> Result<Vec<Volume>, Failure>;

    /// What was changed in a container's own file system.
    ///
    /// # Errors
    /// Where it can't be found out.
    async fn changes(&self, container: &str) -> Result<Vec<Change>, Failure>;

    /// Files of a container, not more than so many bytes.
    ///
    /// # Errors
    /// Where nobody answers any more.
    async fn take(&self, container: &str, path: &str, bytes_max: usize) -> Result<Taken, Failure>;
}

/// An engine that answers.
#[derive(Debug)]
pub struct Live(pub ContainerEngine);

#[async_trait]
impl Source for Live {
    fn host(&self) -> Host {
        let version = self.0.version();
        Host {
            address: self.0.address().to_owned(),
            engine: format!(
                "{:?} {} (API {}, {}/{})",
                version.flavour, version.version, version.api, version.system, version.architecture
            ),
            orphaned_volumes: Vec::new(),
        }
    }

    async fn containers(&self) -> Result<Vec<Container>, Failure> {
        let mut containers = Vec::new();
        for listed in self.0.containers(&Listing::All).await.map_err(failure)? {
            match self.0.container(&listed.id).await {
                Ok(container) => containers.push(container),
                // It went away meanwhile.
                Err(ContainersError::NotFound { .. }) => {}
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(containers)
    }

    async fn image(&self, id: &str) -> Result<Option<Image>, Failure> {
        match self.0.image(id).await {
            Ok(image) => Ok(Some(image)),
            Err(ContainersError::ImageMissing { .. } | ContainersError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    async fn networks(&self) -> Result<Vec<Network>, Failure> {
        self.0.networks().await.map_err(failure)
    }

    async fn volumes(&self) -> Result<Vec<Volume>, Failure> {
        self.0.volumes().await.map_err(failure)
    }

    async fn changes(&self, container: &str) -> Result<Vec<Change>, Failure> {
        self.0.changes(container).await.map_err(failure)
    }

    async fn take(&self, container: &str, path: &str, bytes_max: usize) -> Result<Taken, Failure> {
        match self.0.take_files(container, path, bytes_max).await {
            Ok(entries) => Ok(Taken::Entries(entries)),
            Err(ContainersError::NotFound { .. }) => Ok(Taken::Nothing),
            Err(ContainersError::Refused { reason, .. }) if reason.contains("is larger than") => Ok(Taken::TooLarge),
            Err(ContainersError::Refused { reason, .. } | ContainersError::Failed { reason, .. }) => {
                Ok(Taken::Unreadable(reason))
            }
            Err(error) => Err(failure(error)),
        }
    }
}
