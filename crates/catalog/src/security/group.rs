//! Groups: accounts that share permissions, and telescopes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{GroupId, OrganisationId, UserId},
};

use super::{example_group, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Shape, UserField},
};

const READ: Needs = Needs::right("group", "read");
const WRITE: Needs = Needs::right("group", "write");
/// What bears on what accounts may do: who has it can become whatever a group allows.
pub(super) const CONFIGURE: Needs = Needs::right("group", "configure");

/// A group of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What it is called, in the characters of an id.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
    /// Whether it came with the program and stays.
    pub builtin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Shape for Group {
    fn example() -> Self {
        Self {
            id: example_group(),
            name: "north-dome".to_owned(),
            description: "Those who observe with the north dome.".to_owned(),
            organisation_id: None,
            builtin: false,
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// Makes a group, without members and permissions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// What it is to be called, 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
}

impl Shape for CreateGroup {
    fn example() -> Self {
        let Group { name, description, organisation_id, .. } = Group::example();
        Self { name, description, organisation_id }
    }
}

impl Command for CreateGroup {
    const NAME: &'static str = "security/group/create";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneGroup;

    // Who may make groups of one organisation names it.
    fn scope(&self) -> Option<String> {
        self.organisation_id.as_ref().map(ToString::to_string)
    }
}

/// One group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneGroup {
    /// The group.
    pub group: Group,
}

impl Shape for OneGroup {
    fn example() -> Self {
        Self { group: Group::example() }
    }
}

/// Changes a group; what is not named stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateGroup {
    /// Which one.
    pub group_id: GroupId,
    /// What it is to be called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The organisation that it is to belong to.
    pub organisation_id: Option<OrganisationId>,
    /// Whether it is to belong to none any more.
    #[serde(default)]
    pub leave_organisation: bool,
}

impl Shape for UpdateGroup {
    fn example() -> Self {
        Self {
            group_id: example_group(),
            name: Some("north-dome-2027".to_owned()),
            description: None,
            organisation_id: None,
            leave_organisation: false,
        }
    }
}

impl Command for UpdateGroup {
    const NAME: &'static str = "security/group/update";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneGroup;

    fn scope(&self) -> Option<String> {
        Some(self.group_id.to_string())
    }
}

/// Deletes a group; its members stay and lose what it allowed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteGroup {
    /// Which one.
    pub group_id: GroupId,
}

impl Shape for DeleteGroup {
    fn example() -> Self {
        Self { group_id: example_group() }
    }
}

impl Command for DeleteGroup {
    const NAME: &'static str = "security/group/delete";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.group_id.to_string())
    }
}

/// Asks for one group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetGroup {
    /// Which one.
    pub group_id: GroupId,
}

impl Shape for GetGroup {
    fn example() -> Self {
        Self { group_id: example_group() }
    }
}

impl Command for GetGroup {
    const NAME: &'static str = "security/group/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneGroup;

    fn scope(&self) -> Option<String> {
        Some(self.group_id.to_string())
    }
}

/// Asks for groups; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListGroups {
    /// Only those that this account is in.
    pub user_id: Option<UserId>,
    /// Only of this organisation.
    pub organisation_id: Option<OrganisationId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListGroups {
    fn example() -> Self {
        Self { user_id: Some(example_user()), ..Self::default() }
    }
}

impl Command for ListGroups {
    const NAME: &'static str = "security/group/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const USER: UserField = UserField::Object;
    type Reply = Groups;

    fn scope(&self) -> Option<String> {
        self.organisation_id.as_ref().map(ToString::to_string)
    }
}

/// A page of groups.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Groups {
    /// By name.
    pub groups: Vec<Group>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Groups {
    fn example() -> Self {
        Self { groups: vec![Group::example()], next: None }
    }
}

/// Adds an account to a group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// To which group.
    pub group_id: GroupId,
    /// Whom.
    pub user_id: UserId,
}

impl Shape for AddMember {
    fn example() -> Self {
        Self { group_id: example_group(), user_id: example_user() }
    }
}

impl Command for AddMember {
    const NAME: &'static str = "security/group/add";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Takes an account out of a group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// Out of which group.
    pub group_id: GroupId,
    /// Whom.
    pub user_id: UserId,
}

impl Shape for RemoveMember {
    fn example() -> Self {
        Self { group_id: example_group(), user_id: example_user() }
    }
}

impl Command for RemoveMember {
    const NAME: &'static str = "security/group/remove";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}
