//! Devices: found, registered, connected, given a role in a telescope.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{DeviceId, TelescopeId},
};

use super::{CONFIGURE, CONTROL, READ, WRITE, example_device, example_telescope, scope_of};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Lane, Needs, Shape, State},
};

/// What a device does in a telescope; each role is filled at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The mount.
    Telescope,
    /// The camera.
    Camera,
    /// The dome or roof.
    Dome,
    /// The focuser.
    Focuser,
    /// The filter wheel.
    FilterWheel,
    /// The field rotator.
    Rotator,
    /// A switch.
    Switch,
    /// The safety monitor.
    Safety,
    /// The weather station.
    ObservingConditions,
    /// The cover or calibrator.
    CoverCalibrator,
}

/// Whether a device can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It was connected and answers.
    Connected,
    /// Nobody connected it.
    Disconnected,
    /// It was connected and does not answer; connecting is tried again and again.
    Lost,
}

/// A device as it was found or registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its id, one of ours.
    pub device_id: DeviceId,
    /// What it is, in the standard's words: `telescope`, `camera`, …
    pub device_type: String,
    /// Its number among the devices of its type at its server.
    pub device_number: u32,
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// What its driver says of itself.
    pub driver_info: String,
    /// The version of its driver.
    pub driver_version: String,
    /// The server it is reached at.
    pub server_url: String,
    /// The unique id that its server gives it.
    pub uuid: String,
    /// Whether it is simulated.
    pub simulated: bool,
    /// Whether it can be used now.
    pub connected: bool,
    /// The same with a reason.
    pub state: DeviceState,
    /// When it was last found or answered.
    pub last_seen: Timestamp,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its entry last changed.
    pub updated_at: Timestamp,
}

impl Shape for Device {
    fn example() -> Self {
        Self {
            device_id: example_device(),
            device_type: "telescope".to_owned(),
            device_number: 0,
            name: "Simulated telescope".to_owned(),
            description: "A simulated equatorial mount".to_owned(),
            driver_info: "BIG SKIES simulator".to_owned(),
            driver_version: "0.1.0".to_owned(),
            server_url: "http://127.0.0.1:32323".to_owned(),
            uuid: "simulated-telescope-0".to_owned(),
            simulated: true,
            connected: true,
            state: DeviceState::Connected,
            last_seen: example_time(),
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

impl State for Device {
    const NAME: &'static str = "telescope/device";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "the device's id";
}

/// Looks for Alpaca devices on the network; what is found is registered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discover {
    /// The UDP port to ask on; the setting `discovery_port` where nothing is said.
    pub port: Option<u16>,
    /// How long to wait for answers, in seconds, 0.1 to 20; the setting `discovery_wait_seconds` where nothing is said.
    pub wait_seconds: Option<f64>,
    /// Hosts to ask besides the networks of this machine, as `host` or `host:port`.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl Shape for Discover {
    fn example() -> Self {
        Self { port: Some(32227), wait_seconds: Some(2.0), hosts: vec![] }
    }
}

impl Command for Discover {
    const NAME: &'static str = "telescope/device/discover";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    type Reply = Discovered;
}

/// The devices that answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Discovered {
    /// The devices, now registered.
    pub devices: Vec<Device>,
    /// How many.
    pub count: u32,
    /// Servers that answered the search but could not be asked for their devices, each with the reason.
    pub failures: Vec<String>,
}

impl Shape for Discovered {
    fn example() -> Self {
        Self { devices: vec![Device::example()], count: 1, failures: vec![] }
    }
}

/// Asks for the registered devices.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDevices {
    /// Only of this type.
    pub device_type: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListDevices {
    fn example() -> Self {
        Self { device_type: Some("telescope".to_owned()), limit: Some(10), cursor: None }
    }
}

impl Command for ListDevices {
    const NAME: &'static str = "telescope/device/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Devices;
}

/// A page of devices.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Devices {
    /// By name, then id.
    pub devices: Vec<Device>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Devices {
    fn example() -> Self {
        Self { devices: vec![Device::example()], next: None }
    }
}

/// Registers a device that discovery does not find.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// The server it is reached at: `http://host:port`.
    pub server_url: String,
    /// What it is, in the standard's words.
    pub device_type: String,
    /// Its number among the devices of its type at its server.
    #[serde(default)]
    pub device_number: u32,
    /// Its name; its own where nothing is said.
    pub name: Option<String>,
}

impl Shape for RegisterDevice {
    fn example() -> Self {
        Self {
            server_url: Device::example().server_url,
            device_type: "telescope".to_owned(),
            device_number: 0,
            name: None,
        }
    }
}

impl Command for RegisterDevice {
    const NAME: &'static str = "telescope/device/register";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    type Reply = OneDevice;
}

/// One device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneDevice {
    /// The device.
    pub device: Device,
}

impl Shape for OneDevice {
    fn example() -> Self {
        Self { device: Device::example() }
    }
}

/// Forgets a device, and takes it out of every telescope.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnregisterDevice {
    /// Which one.
    pub device_id: DeviceId,
}

impl Shape for UnregisterDevice {
    fn example() -> Self {
        Self { device_id: example_device() }
    }
}

impl Command for UnregisterDevice {
    const NAME: &'static str = "telescope/device/unregister";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.device_id.to_string())
    }
}

/// Gives a device a role in a telescope.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignDevice {
    /// The telescope.
    pub telescope_id: TelescopeId,
    /// The role.
    pub role: Role,
    /// The device.
    pub device_id: DeviceId,
}

impl Shape for AssignDevice {
    fn example() -> Self {
        Self { telescope_id: example_telescope(), role: Role::Telescope, device_id: example_device() }
    }
}

impl Command for AssignDevice {
    const NAME: &'static str = "telescope/device/assign";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.telescope_id.to_string())
    }
}

/// Leaves a role in a telescope empty.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnassignDevice {
    /// The telescope.
    pub telescope_id: TelescopeId,
    /// The role.
    pub role: Role,
}

impl Shape for UnassignDevice {
    fn example() -> Self {
        Self { telescope_id: example_telescope(), role: Role::Camera }
    }
}

impl Command for UnassignDevice {
    const NAME: &'static str = "telescope/device/unassign";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.telescope_id.to_string())
    }
}

/// Connects a device, or the mount of a telescope, and keeps it connected from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for Connect {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for Connect {
    const NAME: &'static str = "telescope/device/connect";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    const LIMIT: Duration = Duration::from_secs(60);
    type Reply = DeviceConnected;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// The device is connected.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeviceConnected {
    /// Which one.
    pub device_id: DeviceId,
}

impl Shape for DeviceConnected {
    fn example() -> Self {
        Self { device_id: example_device() }
    }
}

/// Disconnects a device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for Disconnect {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for Disconnect {
    const NAME: &'static str = "telescope/device/disconnect";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// A device was connected, disconnected or lost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionChanged {
    /// Which one.
    pub device_id: DeviceId,
    /// Its name.
    pub name: String,
    /// How it was.
    pub from: DeviceState,
    /// How it is.
    pub to: DeviceState,
    /// Why.
    pub reason: String,
    /// Whether it is simulated.
    pub simulated: bool,
}

impl Shape for ConnectionChanged {
    fn example() -> Self {
        Self {
            device_id: example_device(),
            name: "Simulated telescope".to_owned(),
            from: DeviceState::Connected,
            to: DeviceState::Lost,
            reason: "3 probes in a row failed".to_owned(),
            simulated: true,
        }
    }
}

impl Event for ConnectionChanged {
    const NAME: &'static str = "telescope/connection-changed";
    const NEEDS: Needs = READ;
}
