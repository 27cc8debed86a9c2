//! Telescope configurations: a name and an owner for a set of devices.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{DeviceId, SiteId, TelescopeId},
};

use super::{READ, Role, WRITE, example_device, example_telescope};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Shape},
};

/// How the mount turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountType {
    /// About a vertical and a horizontal axis.
    #[serde(alias = "altazimuth")]
    Altaz,
    /// About an axis that points to the pole.
    #[default]
    Equatorial,
    /// Altazimuth, by hand.
    Dobsonian,
}

/// What kind of owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnerType {
    /// One account.
    #[default]
    User,
    /// A group of accounts.
    Group,
}

/// A telescope configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Config {
    /// Its id.
    pub id: TelescopeId,
    /// Its name, unique for its owner.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The account or group that owns it.
    pub owner_id: String,
    /// Which of the two.
    pub owner_type: OwnerType,
    /// Where it stands; null if that is not said.
    pub site_id: Option<SiteId>,
    /// How the mount turns.
    pub mount_type: MountType,
    /// Whether it may be used.
    pub enabled: bool,
    /// Its devices by role.
    pub devices: BTreeMap<Role, DeviceId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Shape for Config {
    fn example() -> Self {
        Self {
            id: example_telescope(),
            name: "North dome".to_owned(),
            description: "The 40 cm in the north dome".to_owned(),
            owner_id: "operator".to_owned(),
            owner_type: OwnerType::User,
            site_id: None,
            mount_type: MountType::Equatorial,
            enabled: true,
            devices: BTreeMap::from([(Role::Telescope, example_device())]),
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// Makes a telescope configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConfig {
    /// Its name, 1 to 255 characters, unique for its owner.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// Who owns it; the caller where nothing is said.
    pub owner_id: Option<String>,
    /// What kind of owner.
    #[serde(default)]
    pub owner_type: OwnerType,
    /// Where it stands.
    pub site_id: Option<SiteId>,
    /// How the mount turns.
    #[serde(default)]
    pub mount_type: MountType,
    /// Its devices by role.
    #[serde(default)]
    pub devices: BTreeMap<Role, DeviceId>,
}

impl Shape for CreateConfig {
    fn example() -> Self {
        let Config { name, description, mount_type, devices, .. } = Config::example();
        Self { name, description, owner_id: None, owner_type: OwnerType::User, site_id: None, mount_type, devices }
    }
}

impl Command for CreateConfig {
    const NAME: &'static str = "telescope/config/create";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = ConfigCreated;
}

/// The configuration was made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ConfigCreated {
    /// Its id.
    pub id: TelescopeId,
}

impl Shape for ConfigCreated {
    fn example() -> Self {
        Self { id: example_telescope() }
    }
}

/// Changes a telescope configuration; what is not named stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    /// Which one.
    pub id: TelescopeId,
    /// Its new name.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Where it stands.
    pub site_id: Option<SiteId>,
    /// How the mount turns.
    pub mount_type: Option<MountType>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
}

impl Shape for UpdateConfig {
    fn example() -> Self {
        Self {
            id: example_telescope(),
            name: Some("North dome, new mirror".to_owned()),
            description: None,
            site_id: None,
            mount_type: None,
            enabled: Some(true),
        }
    }
}

impl Command for UpdateConfig {
    const NAME: &'static str = "telescope/config/update";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneConfig;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// Deletes a telescope configuration; its devices stay.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteConfig {
    /// Which one.
    pub id: TelescopeId,
}

impl Shape for DeleteConfig {
    fn example() -> Self {
        Self { id: example_telescope() }
    }
}

impl Command for DeleteConfig {
    const NAME: &'static str = "telescope/config/delete";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// Asks for one telescope configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetConfig {
    /// Which one.
    pub id: TelescopeId,
}

impl Shape for GetConfig {
    fn example() -> Self {
        Self { id: example_telescope() }
    }
}

impl Command for GetConfig {
    const NAME: &'static str = "telescope/config/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneConfig;
}

/// One telescope configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneConfig {
    /// The configuration.
    pub config: Config,
}

impl Shape for OneConfig {
    fn example() -> Self {
        Self { config: Config::example() }
    }
}

/// Asks for the telescope configurations of an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListConfigs {
    /// Whose; the caller's own unless an administrator asks, who sees all where nothing is said.
    pub user_id: Option<String>,
    /// Only with this name.
    pub name: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListConfigs {
    fn example() -> Self {
        Self { user_id: Some("user-123".to_owned()), ..Self::default() }
    }
}

impl Command for ListConfigs {
    const NAME: &'static str = "telescope/config/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Configs;
}

/// A page of telescope configurations.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Configs {
    /// By name, then id.
    pub configs: Vec<Config>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Configs {
    fn example() -> Self {
        Self { configs: vec![Config::example()], next: None }
    }
}
