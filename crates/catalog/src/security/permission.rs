//! Permissions: what roles and groups allow and deny, and whether somebody may do something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Fault, Timestamp,
    ids::{AccountName, GroupId, PermissionId, RoleId, UserId},
};

use super::{exactly_one, example_id, example_role, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Lane, Needs, Shape, UserField},
};

const READ: Needs = Needs::right("permission", "read");
const CONFIGURE: Needs = Needs::right("permission", "configure");

/// Whether something may be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// It may.
    #[default]
    Allow,
    /// It may not, whatever else allows it.
    Deny,
}

/// What a permission says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// The kind of thing, for example `telescope`; `*` for every kind.
    pub resource: String,
    /// What is done to it: `read`, `write`, `control`, `configure`; `*` for everything.
    pub action: String,
    /// Whether it may be done.
    pub effect: Ruling,
    /// The one thing or organisation that it is about, for example `telescope:north`; null for all.
    pub scope: Option<String>,
}

impl Shape for Rule {
    fn example() -> Self {
        Self { resource: "telescope".to_owned(), action: "control".to_owned(), effect: Ruling::Allow, scope: None }
    }
}

/// Who has a permission and hands it on to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A role.
    Role(RoleId),
    /// A group.
    Group(GroupId),
}

impl Holder {
    /// From the two fields of a message.
    ///
    /// # Errors
    /// `invalid` unless exactly one is given.
    pub fn of(role_id: Option<RoleId>, group_id: Option<GroupId>) -> Result<Self, Fault> {
        let hint = "name one of them; security/role/list and security/group/list show them";
        exactly_one(role_id.map(Self::Role), group_id.map(Self::Group), ["role_id", "group_id"], hint)
    }
}

/// Asks whether somebody may do something. Answered from memory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckPermission {
    /// Who, by id or name; the caller's own account unless an administrator asks.
    pub user_id: Option<UserId>,
    /// The kind of thing.
    pub resource: String,
    /// What is done to it.
    pub action: String,
    /// The one thing or organisation, for example `telescope:north`.
    pub scope: Option<String>,
}

impl Shape for CheckPermission {
    fn example() -> Self {
        let Rule { resource, action, scope, .. } = Rule::example();
        Self { user_id: None, resource, action, scope }
    }
}

impl Command for CheckPermission {
    const NAME: &'static str = "security/permission/check";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Reads;
    const LANE: Lane = Lane::Instant;
    type Reply = Decision;
}

/// Whether somebody may do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Whether they may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
}

impl Shape for Decision {
    fn example() -> Self {
        Self { allowed: true, reason: "telescope:control is allowed".to_owned() }
    }
}

/// Asks which permissions are granted; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPermissions {
    /// Only those of this role.
    pub role_id: Option<RoleId>,
    /// Only those of this group.
    pub group_id: Option<GroupId>,
    /// Only those that this account has through its roles and groups.
    pub user_id: Option<UserId>,
    /// Only on this kind of thing.
    pub resource: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListPermissions {
    fn example() -> Self {
        Self { role_id: Some(example_role()), limit: Some(10), ..Self::default() }
    }
}

impl Command for ListPermissions {
    const NAME: &'static str = "security/permission/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const USER: UserField = UserField::Object;
    type Reply = Permissions;
}

/// A permission as it is granted to one role or group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Permission {
    /// Its id, which others with the same rule share.
    pub id: PermissionId,
    /// What it says.
    pub rule: Rule,
    /// The role that has it; null for a group's.
    pub role_id: Option<RoleId>,
    /// The group that has it; null for a role's.
    pub group_id: Option<GroupId>,
    /// Since when.
    pub granted_at: Timestamp,
}

/// A page of granted permissions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Permissions {
    /// By resource, action, and who has them.
    pub permissions: Vec<Permission>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Permissions {
    fn example() -> Self {
        let permission = Permission {
            id: example_id("telescope.control"),
            rule: Rule::example(),
            role_id: Some(example_role()),
            group_id: None,
            granted_at: example_time(),
        };
        Self { permissions: vec![permission], next: None }
    }
}

/// Grants a permission to a role or a group. It holds everywhere at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantPermission {
    /// To this role.
    pub role_id: Option<RoleId>,
    /// Or to this group.
    pub group_id: Option<GroupId>,
    /// The kind of thing; `*` for every kind.
    pub resource: String,
    /// What is done to it; `*` for everything.
    pub action: String,
    /// Whether it may be done.
    #[serde(default)]
    pub effect: Ruling,
    /// The one thing or organisation that it is about, for example `telescope:north`; all where nothing is said.
    pub scope: Option<String>,
}

impl Shape for GrantPermission {
    fn example() -> Self {
        let Rule { resource, action, effect, scope } = Rule::example();
        Self { role_id: Some(example_role()), group_id: None, resource, action, effect, scope }
    }
}

impl Command for GrantPermission {
    const NAME: &'static str = "security/permission/grant";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        scope_of(self.role_id.as_ref(), self.group_id.as_ref())
    }
}

/// Takes a permission from a role or a group. It is gone everywhere at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPermission {
    /// From this role.
    pub role_id: Option<RoleId>,
    /// Or from this group.
    pub group_id: Option<GroupId>,
    /// The kind of thing, as it was granted.
    pub resource: String,
    /// What is done to it, as it was granted.
    pub action: String,
    /// Whether it may be done, as it was granted.
    #[serde(default)]
    pub effect: Ruling,
    /// The one thing or organisation, as it was granted.
    pub scope: Option<String>,
}

impl Shape for WithdrawPermission {
    fn example() -> Self {
        let GrantPermission { role_id, group_id, resource, action, effect, scope } = GrantPermission::example();
        Self { role_id, group_id, resource, action, effect, scope }
    }
}

impl Command for WithdrawPermission {
    const NAME: &'static str = "security/permission/withdraw";
    const ALIASES: &'static [&'static str] = &["security/permission/revoke"];
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        scope_of(self.role_id.as_ref(), self.group_id.as_ref())
    }
}

fn scope_of(role: Option<&RoleId>, group: Option<&GroupId>) -> Option<String> {
    role.map(ToString::to_string).or_else(|| group.map(ToString::to_string))
}

/// What somebody may do changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RightsChanged {
    /// What happened.
    pub change: RightsChange,
    /// The account that it happened to.
    pub user_id: Option<UserId>,
    /// The role that it is about.
    pub role_id: Option<RoleId>,
    /// The group that it is about.
    pub group_id: Option<GroupId>,
    /// The permission that was granted or withdrawn.
    pub rule: Option<Rule>,
    /// Who did it.
    pub changed_by: Option<AccountName>,
}

impl Shape for RightsChanged {
    fn example() -> Self {
        Self {
            change: RightsChange::RoleAssigned,
            user_id: Some(example_user()),
            role_id: Some(example_role()),
            group_id: None,
            rule: None,
            changed_by: Some(example_id("operator")),
        }
    }
}

impl Event for RightsChanged {
    const NAME: &'static str = "security/rights-changed";
    const NEEDS: Needs = READ;
}

/// What can happen to rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RightsChange {
    /// A role was made.
    RoleCreated,
    /// A role has another name or description.
    RoleUpdated,
    /// A role is gone.
    RoleDeleted,
    /// An account has a role.
    RoleAssigned,
    /// An account has a role no more.
    RoleRemoved,
    /// A group was made.
    GroupCreated,
    /// A group has another name, description or organisation.
    GroupUpdated,
    /// A group is gone.
    GroupDeleted,
    /// An account is in a group.
    MemberAdded,
    /// An account is in a group no more.
    MemberRemoved,
    /// A role or group has a permission.
    PermissionGranted,
    /// A role or group has a permission no more.
    PermissionWithdrawn,
}
