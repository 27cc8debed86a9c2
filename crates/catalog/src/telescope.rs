//! The telescope coordinator's messages: configurations, devices, motion, status.

mod config;
mod control;
mod device;
mod status;

pub use config::{
    Config, ConfigCreated, Configs, CreateConfig, DeleteConfig, GetConfig, ListConfigs, MountType, OneConfig,
    OwnerType, UpdateConfig,
};
pub use control::{Abort, Aborted, MotionStarted, Park, Slew, SlewEnded, SlewOutcome, SlewToHorizon, Track, Unpark};
pub use device::{
    AssignDevice, Connect, ConnectionChanged, Device, DeviceConnected, DeviceState, Devices, Disconnect, Discover,
    Discovered, ListDevices, OneDevice, RegisterDevice, Role, UnassignDevice, UnregisterDevice,
};
pub use status::{GetStatus, Position, TelescopeStatus};

use crate::{Entry, kinds::Needs};

/// Its rows.
pub const MESSAGES: &[Entry] = &[
    Entry::command::<CreateConfig>(),
    Entry::command::<UpdateConfig>(),
    Entry::command::<DeleteConfig>(),
    Entry::command::<GetConfig>(),
    Entry::command::<ListConfigs>(),
    Entry::command::<Discover>(),
    Entry::command::<ListDevices>(),
    Entry::command::<RegisterDevice>(),
    Entry::command::<UnregisterDevice>(),
    Entry::command::<AssignDevice>(),
    Entry::command::<UnassignDevice>(),
    Entry::command::<Connect>(),
    Entry::command::<Disconnect>(),
    Entry::command::<Slew>(),
    Entry::command::<SlewToHorizon>(),
    Entry::command::<Abort>(),
    Entry::command::<Park>(),
    Entry::command::<Unpark>(),
    Entry::command::<Track>(),
    Entry::command::<GetStatus>(),
    Entry::event::<SlewEnded>(),
    Entry::event::<ConnectionChanged>(),
    Entry::state::<Position>(),
    Entry::state::<Device>(),
];

const READ: Needs = Needs::right("telescope", "read");
const WRITE: Needs = Needs::right("telescope", "write");
const CONTROL: Needs = Needs::right("telescope", "control");
const CONFIGURE: Needs = Needs::right("telescope", "configure");

/// Which device a message is about: a device by its id, or the mount of a telescope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A device.
    Device(vocabulary::ids::DeviceId),
    /// The device with the role `telescope` of a configuration.
    Telescope(vocabulary::ids::TelescopeId),
}

impl Target {
    /// From the two fields of a message.
    ///
    /// # Errors
    /// `invalid` unless exactly one is given.
    pub fn of(
        device: Option<&vocabulary::ids::DeviceId>,
        telescope: Option<&vocabulary::ids::TelescopeId>,
    ) -> Result<Self, vocabulary::Fault> {
        match (device, telescope) {
            (Some(device), None) => Ok(Self::Device(device.clone())),
            (None, Some(telescope)) => Ok(Self::Telescope(telescope.clone())),
            (None, None) => Err(vocabulary::Fault::invalid("neither device_id nor telescope_id is given")
                .hint("name one of them; telescope/device/list shows the devices")),
            (Some(_), Some(_)) => {
                Err(vocabulary::Fault::invalid("both device_id and telescope_id are given")
                    .hint("name only one of them"))
            }
        }
    }
}

/// The scope of a message with the two fields: what moves the same thing runs one after the other.
fn scope_of(
    device: Option<&vocabulary::ids::DeviceId>,
    telescope: Option<&vocabulary::ids::TelescopeId>,
) -> Option<String> {
    device.map(ToString::to_string).or_else(|| telescope.map(ToString::to_string))
}

#[expect(clippy::expect_used, reason = "a constant that the tests read")]
fn example_device() -> vocabulary::ids::DeviceId {
    "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a11".parse().expect("an id")
}

#[expect(clippy::expect_used, reason = "a constant that the tests read")]
fn example_telescope() -> vocabulary::ids::TelescopeId {
    "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a12".parse().expect("an id")
}
