//! The labels by which `docker compose` knows what belongs to a project: they are all that it goes by in `ps`, `logs`, `ls` and `down`.

use std::collections::BTreeMap;

/// The project.
pub const PROJECT: &str = "com.docker.compose.project";
/// The service that a container belongs to.
pub const SERVICE: &str = "com.docker.compose.service";
/// Which of the service's containers it is, from 1.
pub const CONTAINER_NUMBER: &str = "com.docker.compose.container-number";
/// `True` for a container that ran a single command.
pub const ONE_OFF: &str = "com.docker.compose.oneoff";
/// A digest of the service's configuration.
pub const CONFIGURATION_HASH: &str = "com.docker.compose.config-hash";
/// The project's files, with commas between them.
pub const CONFIGURATION_FILES: &str = "com.docker.compose.project.config_files";
/// The project's folder.
pub const WORKING_FOLDER: &str = "com.docker.compose.project.working_dir";
/// What the service depends on: `NAME:CONDITION:RESTART`, with commas between them.
pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// The id of the image that the container was made from.
pub const IMAGE: &str = "com.docker.compose.image";
/// The network's name within the project.
pub const NETWORK: &str = "com.docker.compose.network";
/// The volume's name within the project.
pub const VOLUME: &str = "com.docker.compose.volume";
/// The version of Compose whose labels these are.
pub const VERSION: &str = "com.docker.compose.version";

/// What the labels of ours claim to be, so that Compose takes the containers for its own.
const VERSION_CLAIMED: &str = "2.20.0";

/// The labels of a service's first container. `configuration_hash` is a digest of whatever makes it another container when it changes.
pub fn of_service(project: &str, service: &str, configuration_hash: &str) -> BTreeMap<String, String> {
    of(&[
        (PROJECT, project),
        (SERVICE, service),
        (CONTAINER_NUMBER, "1"),
        (ONE_OFF, "False"),
        (CONFIGURATION_HASH, configuration_hash),
        (VERSION, VERSION_CLAIMED),
    ])
}

/// The labels of a network with its name within the project.
pub fn of_network(project: &str, network: &str) -> BTreeMap<String, String> {
    of(&[(PROJECT, project), (NETWORK, network), (VERSION, VERSION_CLAIMED)])
}

/// The labels of a volume with its name within the project.
pub fn of_volume(project: &str, volume: &str) -> BTreeMap<String, String> {
    of(&[(PROJECT, project), (VOLUME, volume), (VERSION, VERSION_CLAIMED)])
}

fn of(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
