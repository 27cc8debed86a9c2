//! Between the rows of the store and the shapes on the wire.

use std::collections::BTreeMap;

use catalog::telescope::{Config, Device, DeviceState, MountType, OwnerType, Role};
use engine_alpaca::{AlpacaEngine, Endpoint, FoundDevice, Link};
use serde::{Serialize, de::DeserializeOwned};
use store::telescopes::{configurations::Configuration, devices, roles::Assignment};
use vocabulary::{Fault, ids::DeviceId};

/// A word of the wire as the word of a table, which is the same.
fn word<A: Serialize, B: DeserializeOwned>(word: A) -> Result<B, Fault> {
    serde_json::to_value(word)
        .and_then(serde_json::from_value)
        .map_err(|e| Fault::internal(format!("word of a table is unknown: {e}")))
}

pub(crate) fn role_row(role: Role) -> Result<store::telescopes::Role, Fault> {
    word(role)
}

pub(crate) fn mount_row(mount: MountType) -> Result<store::telescopes::MountType, Fault> {
    word(mount)
}

pub(crate) fn owner_row(owner: OwnerType) -> Result<store::telescopes::OwnerType, Fault> {
    word(owner)
}

/// A configuration with its devices.
pub(crate) fn config(row: Configuration, assignments: Vec<Assignment>) -> Result<Config, Fault> {
    let devices: Result<BTreeMap<Role, DeviceId>, Fault> =
        assignments.into_iter().map(|assignment| Ok((word(assignment.role)?, assignment.device))).collect();
    Ok(Config {
        id: row.id,
        name: row.name,
        description: row.description,
        owner_id: row.owner.to_string(),
        owner_type: word(row.owner_type)?,
        site_id: row.site,
        mount_type: word(row.mount_type)?,
        enabled: row.enabled,
        devices: devices?,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// What was found, as the store keeps it.
pub(crate) fn found(found: &FoundDevice) -> devices::Found {
    devices::Found {
        device_type: found.device_type.to_string().to_lowercase(),
        device_number: found.device_number,
        name: found.name.clone(),
        description: found.description.clone(),
        driver_info: found.driver_info.clone(),
        driver_version: found.driver_version.clone(),
        server_url: found.server_url.as_str().to_owned(),
        uuid: Some(found.uuid.clone()).filter(|uuid| !uuid.is_empty()),
        protocol: "alpaca".to_owned(),
        simulated: found.simulated,
    }
}

/// Where the engine finds a device; nothing if its server is not known any more.
pub(crate) fn endpoint(row: &devices::Device) -> Option<Endpoint> {
    Some(Endpoint {
        server_url: row.server_url.as_ref()?.parse().ok()?,
        device_type: row.device_type.parse().ok()?,
        device_number: row.device_number,
    })
}

/// A device as it is shown, with how its link stands.
pub(crate) fn device(row: devices::Device, engine: &AlpacaEngine) -> Device {
    let state = engine.link(&row.id).map_or(DeviceState::Disconnected, |link| state_of(link.link));
    Device {
        device_id: row.id,
        device_type: row.device_type,
        device_number: row.device_number,
        name: row.name,
        description: row.description,
        driver_info: row.driver_info,
        driver_version: row.driver_version,
        server_url: row.server_url.unwrap_or_default(),
        uuid: row.uuid.unwrap_or_default(),
        simulated: row.simulated,
        connected: state == DeviceState::Connected,
        state,
        last_seen: row.last_seen,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// How a link stands, in the words of the wire.
pub(crate) const fn state_of(link: Link) -> DeviceState {
    match link {
        Link::Connected => DeviceState::Connected,
        Link::Disconnected | Link::Connecting => DeviceState::Disconnected,
        Link::Lost => DeviceState::Lost,
    }
}
