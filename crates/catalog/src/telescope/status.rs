//! Where a mount points and what it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Altitude, Azimuth, Declination, Equinox, RightAscension, Timestamp,
    ids::{DeviceId, OperationId, TelescopeId},
};

use super::{READ, example_device};
use crate::{
    datastore::example_operation,
    frame::example_time,
    kinds::{Command, Effect, Needs, Qos, Shape, State},
};

/// Asks a mount, now, where it points and what it does.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatus {
    /// A device.
    pub device_id: Option<DeviceId>,
    /// Or the mount of a telescope.
    pub telescope_id: Option<TelescopeId>,
}

impl Shape for GetStatus {
    fn example() -> Self {
        Self { device_id: Some(example_device()), telescope_id: None }
    }
}

impl Command for GetStatus {
    const NAME: &'static str = "telescope/status/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = TelescopeStatus;
}

/// The status of a mount.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TelescopeStatus {
    /// The status.
    pub status: Position,
}

impl Shape for TelescopeStatus {
    fn example() -> Self {
        Self { status: Position::example() }
    }
}

/// Where a mount points and what it does. What it does not tell is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Which mount.
    pub device_id: DeviceId,
    /// Its name.
    pub name: String,
    /// Whether it is simulated.
    pub simulated: bool,
    /// Whether it answers.
    pub connected: bool,
    /// Whether it follows the sky.
    pub tracking: bool,
    /// Whether it moves to a target.
    pub slewing: bool,
    /// Whether it is in its parking position.
    pub at_park: bool,
    /// Whether it is in its home position.
    pub at_home: bool,
    /// Hours, J2000.
    pub right_ascension: Option<RightAscension>,
    /// Degrees, J2000.
    pub declination: Option<Declination>,
    /// What the two refer to: always J2000, unless the mount does not say what it speaks, then `mount`.
    pub equinox: Equinox,
    /// Degrees above the horizon.
    pub altitude: Option<Altitude>,
    /// Degrees from north through east.
    pub azimuth: Option<Azimuth>,
    /// Local apparent sidereal time at the mount, in hours.
    pub sidereal_time: Option<f64>,
    /// The mount's own clock.
    pub utc_date: Option<Timestamp>,
    /// The motion under way, if one of ours is.
    pub operation_id: Option<OperationId>,
    /// When this was read.
    pub observed_at: Timestamp,
}

impl Shape for Position {
    #[expect(clippy::expect_used, reason = "constants in range")]
    fn example() -> Self {
        Self {
            device_id: example_device(),
            name: "Simulated telescope".to_owned(),
            simulated: true,
            connected: true,
            tracking: true,
            slewing: true,
            at_park: false,
            at_home: false,
            right_ascension: Some(RightAscension::hours(5.588).expect("hours")),
            declination: Some(Declination::degrees(-5.391).expect("degrees")),
            equinox: Equinox::J2000,
            altitude: Some(Altitude::degrees(42.5).expect("degrees")),
            azimuth: Some(Azimuth::degrees(151.2).expect("degrees")),
            sidereal_time: Some(4.25),
            utc_date: Some(example_time()),
            operation_id: Some(example_operation()),
            observed_at: example_time(),
        }
    }
}

impl State for Position {
    const NAME: &'static str = "telescope/position";
    const NEEDS: Needs = READ;
    const QOS: Qos = Qos::AtMostOnce;
    const KEY: &'static str = "the device's id";
}
