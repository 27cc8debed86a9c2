//! Roles: named sets of permissions, and who has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Fault, Timestamp,
    ids::{RoleId, UserId},
};

use super::{exactly_one, example_role, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Shape, UserField},
};

const READ: Needs = Needs::right("role", "read");
const WRITE: Needs = Needs::right("role", "write");
/// What bears on what accounts may do: who has it can become whatever a role allows.
pub(super) const CONFIGURE: Needs = Needs::right("role", "configure");

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Its id; that of one which came with the program is its name.
    pub id: RoleId,
    /// What it is called, in the characters of an id.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it came with the program and stays.
    pub builtin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Shape for Role {
    fn example() -> Self {
        Self {
            id: example_role(),
            name: "operator".to_owned(),
            description: "Observes.".to_owned(),
            builtin: true,
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// Which role a message is about: by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichRole {
    /// By its id.
    Id(RoleId),
    /// By its name.
    Name(String),
}

impl WhichRole {
    /// From the two fields of a message.
    ///
    /// # Errors
    /// `invalid` unless exactly one is given.
    pub fn of(role_id: Option<RoleId>, role: Option<String>) -> Result<Self, Fault> {
        let hint = "name one of them; security/role/list shows the roles";
        exactly_one(role_id.map(Self::Id), role.map(Self::Name), ["role_id", "role"], hint)
    }
}

/// Makes a role, without permissions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// What it is to be called, 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

impl Shape for CreateRole {
    fn example() -> Self {
        Self { name: "photographer".to_owned(), description: "Takes images with the north dome.".to_owned() }
    }
}

impl Command for CreateRole {
    const NAME: &'static str = "security/role/create";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneRole;
}

/// One role.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneRole {
    /// The role.
    pub role: Role,
}

impl Shape for OneRole {
    fn example() -> Self {
        Self { role: Role::example() }
    }
}

/// Changes a role; what is not named stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRole {
    /// Which one.
    pub role_id: RoleId,
    /// What it is to be called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

impl Shape for UpdateRole {
    fn example() -> Self {
        Self { role_id: example_role(), name: None, description: Some("Observes at night.".to_owned()) }
    }
}

impl Command for UpdateRole {
    const NAME: &'static str = "security/role/update";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneRole;

    fn scope(&self) -> Option<String> {
        Some(self.role_id.to_string())
    }
}

/// Deletes a role; who had it loses what it allowed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRole {
    /// Which one.
    pub role_id: RoleId,
}

impl Shape for DeleteRole {
    fn example() -> Self {
        Self { role_id: example_role() }
    }
}

impl Command for DeleteRole {
    const NAME: &'static str = "security/role/delete";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.role_id.to_string())
    }
}

/// Asks for one role.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRole {
    /// By its id.
    pub role_id: Option<RoleId>,
    /// Or by its name.
    pub role: Option<String>,
}

impl Shape for GetRole {
    fn example() -> Self {
        Self { role_id: Some(example_role()), role: None }
    }
}

impl Command for GetRole {
    const NAME: &'static str = "security/role/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneRole;
}

/// Asks for roles; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRoles {
    /// Only those of this account.
    pub user_id: Option<UserId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListRoles {
    fn example() -> Self {
        Self { limit: Some(10), ..Self::default() }
    }
}

impl Command for ListRoles {
    const NAME: &'static str = "security/role/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const USER: UserField = UserField::Object;
    type Reply = Roles;
}

/// A page of roles.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Roles {
    /// By name.
    pub roles: Vec<Role>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Roles {
    fn example() -> Self {
        Self { roles: vec![Role::example()], next: None }
    }
}

/// Gives a role to an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRole {
    /// To whom.
    pub user_id: UserId,
    /// Which role.
    pub role_id: Option<RoleId>,
    /// Or its name.
    pub role: Option<String>,
}

impl Shape for AssignRole {
    fn example() -> Self {
        Self { user_id: example_user(), role_id: Some(example_role()), role: None }
    }
}

impl Command for AssignRole {
    const NAME: &'static str = "security/role/assign";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Takes a role from an account. Its tokens end with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveRole {
    /// From whom.
    pub user_id: UserId,
    /// Which role.
    pub role_id: Option<RoleId>,
    /// Or its name.
    pub role: Option<String>,
}

impl Shape for RemoveRole {
    fn example() -> Self {
        Self { user_id: example_user(), role_id: Some(example_role()), role: None }
    }
}

impl Command for RemoveRole {
    const NAME: &'static str = "security/role/remove";
    const ALIASES: &'static [&'static str] = &["security/role/unassign"];
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}
