//! Motion: slew, abort, park, track. Abort and park travel in the safety lane.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Altitude, Azimuth, Declination, Equinox, Fault, RightAscension,
    ids::{DeviceId, OperationId, TelescopeId},
};

use super::{CONTROL, READ, example_device, scope_of};
use crate::{
    datastore::example_operation,
    kinds::{Command, Done, Effect, Event, Lane, Needs, Shape},
};

/// Slews a mount to a right ascension and declination. Answered when the motion has begun.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slew {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
    /// Hours, 0 up to but not including 24.
    pub right_ascension: RightAscension,
    /// Degrees, -90 to 90.
    pub declination: Declination,
    /// What the two refer to. The mount is asked which equinox it speaks, and they are converted.
    #[serde(default)]
    pub equinox: Equinox,
    /// What is there; informative.
    pub target_name: Option<String>,
}

impl Shape for Slew {
    #[expect(clippy::expect_used, reason = "constants in range")]
    fn example() -> Self {
        Self {
            device_id: Some(example_device()),
            telescope_id: None,
            right_ascension: RightAscension::hours(5.588).expect("hours"),
            declination: Declination::degrees(-5.391).expect("degrees"),
            equinox: Equinox::J2000,
            target_name: Some("M 42".to_owned()),
        }
    }
}

impl Command for Slew {
    const NAME: &'static str = "telescope/control/slew";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    type Reply = MotionStarted;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// Slews a mount to an altitude and azimuth. Answered when the motion has begun.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlewToHorizon {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
    /// Degrees above the horizon.
    pub altitude: Altitude,
    /// Degrees from north through east.
    pub azimuth: Azimuth,
}

impl Shape for SlewToHorizon {
    #[expect(clippy::expect_used, reason = "constants in range")]
    fn example() -> Self {
        Self {
            device_id: Some(example_device()),
            telescope_id: None,
            altitude: Altitude::degrees(60.0).expect("degrees"),
            azimuth: Azimuth::degrees(180.0).expect("degrees"),
        }
    }
}

impl Command for SlewToHorizon {
    const NAME: &'static str = "telescope/control/slew-altaz";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    type Reply = MotionStarted;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// The mount has begun to move; `telescope/event/slew-ended` tells the end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MotionStarted {
    /// Names the motion.
    pub operation_id: OperationId,
    /// Which mount.
    pub device_id: DeviceId,
}

impl Shape for MotionStarted {
    fn example() -> Self {
        Self { operation_id: example_operation(), device_id: example_device() }
    }
}

/// Stops a mount, at once; whatever waits for it is dropped.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for Abort {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for Abort {
    const NAME: &'static str = "telescope/control/abort";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    const LANE: Lane = Lane::Safety;
    type Reply = Aborted;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// The mount was told to stop and accepted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Aborted {
    /// Which mount.
    pub device_id: DeviceId,
}

impl Shape for Aborted {
    fn example() -> Self {
        Self { device_id: example_device() }
    }
}

/// Sends a mount to its parking position. Answered when the motion has begun; whatever waits for the mount is dropped.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Park {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for Park {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for Park {
    const NAME: &'static str = "telescope/control/park";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    const LANE: Lane = Lane::Safety;
    type Reply = MotionStarted;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// Lets a parked mount move again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unpark {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for Unpark {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for Unpark {
    const NAME: &'static str = "telescope/control/unpark";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    const LIMIT: Duration = Duration::from_secs(60);
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// Lets a mount follow the sky, or stand still. One of `enabled` and `tracking` says which.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
    /// Whether it follows the sky.
    #[serde(alias = "tracking")]
    pub enabled: bool,
}

impl Shape for Track {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None, enabled: true }
    }
}

impl Command for Track {
    const NAME: &'static str = "telescope/control/track";
    const NEEDS: Needs = CONTROL;
    const EFFECT: Effect = Effect::Moves;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        scope_of(self.device_id.as_ref(), self.telescope_id.as_ref())
    }
}

/// How a motion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SlewOutcome {
    /// The mount is where it was sent.
    Arrived,
    /// The mount is in its parking position.
    Parked,
    /// It was stopped, or sent elsewhere.
    Aborted,
    /// The device failed, or fell silent.
    Failed,
}

/// A motion of a mount ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SlewEnded {
    /// Names the motion.
    pub operation_id: OperationId,
    /// Which mount.
    pub device_id: DeviceId,
    /// How it ended.
    pub outcome: SlewOutcome,
    /// Why it failed; null if it did not.
    pub failure: Option<Fault>,
    /// Whether the device is simulated.
    pub simulated: bool,
}

impl Shape for SlewEnded {
    fn example() -> Self {
        Self {
            operation_id: example_operation(),
            device_id: example_device(),
            outcome: SlewOutcome::Arrived,
            failure: None,
            simulated: true,
        }
    }
}

impl Event for SlewEnded {
    const NAME: &'static str = "telescope/slew-ended";
    const NEEDS: Needs = READ;
}
