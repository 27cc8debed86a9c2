//! Accounts: making, finding, changing, disabling them, and asking for one's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Fault, Timestamp,
    ids::{AccountName, GroupId, OrganisationId, RoleId, UserId},
};

use super::{Rule, exactly_one, example_group, example_id, example_role, example_user, group, role};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Needs, Privacy, Shape, UserField},
    secret::Secret,
};

const READ: Needs = Needs::right("user", "read");
const WRITE: Needs = Needs::right("user", "write");
/// What bears on how somebody proves who they are.
pub(super) const CONFIGURE: Needs = Needs::right("user", "configure");

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What it is called: the name to log in with. No two differ by case alone.
    pub username: AccountName,
    /// Where its owner is reached.
    pub email: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
    /// Whether it is a plugin's or a node's and no person's.
    pub is_service: bool,
    /// Whether it has a second factor.
    pub has_totp: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Shape for User {
    fn example() -> Self {
        Self {
            id: example_user(),
            username: example_id("ann"),
            email: Some("ann@example.org".to_owned()),
            enabled: true,
            organisation_id: None,
            is_service: false,
            has_totp: false,
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// Which account a message is about: by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichUser {
    /// By its id.
    Id(UserId),
    /// By its name.
    Name(AccountName),
}

impl WhichUser {
    /// From the two fields of a message.
    ///
    /// # Errors
    /// `invalid` unless exactly one is given.
    pub fn of(user_id: Option<UserId>, username: Option<AccountName>) -> Result<Self, Fault> {
        let hint = "name one of them; security/user/list shows the accounts";
        exactly_one(user_id.map(Self::Id), username.map(Self::Name), ["user_id", "username"], hint)
    }
}

/// Makes an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// What it is to be called. A name is never given to another account later.
    pub username: AccountName,
    /// Where its owner is reached.
    pub email: Option<String>,
    /// Its password, 8 to 1024 bytes; without one the answer brings a one-time secret to choose it with.
    pub password: Option<Secret>,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
    /// The ids or names of its roles. Giving roles needs `role:configure` as well.
    #[serde(default)]
    pub roles: Vec<RoleId>,
    /// The ids or names of the groups that it is in. Adding to groups needs `group:configure` as well.
    #[serde(default)]
    pub groups: Vec<GroupId>,
    /// Whether it may be used; true where nothing is said.
    pub enabled: Option<bool>,
}

impl Shape for CreateUser {
    fn example() -> Self {
        Self {
            username: example_id("ann"),
            email: Some("ann@example.org".to_owned()),
            password: Some(Secret::new("a long walk under Orion")),
            organisation_id: None,
            roles: vec![example_role()],
            groups: Vec::new(),
            enabled: None,
        }
    }
}

impl Command for CreateUser {
    const NAME: &'static str = "security/user/create";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = NewUser;

    // Who may make accounts of one organisation names it.
    fn scope(&self) -> Option<String> {
        self.organisation_id.as_ref().map(ToString::to_string)
    }

    // Who may make accounts could otherwise make one that may do more than they.
    fn also_needs(&self) -> Vec<Needs> {
        let roles = (!self.roles.is_empty()).then_some(role::CONFIGURE);
        let groups = (!self.groups.is_empty()).then_some(group::CONFIGURE);
        roles.into_iter().chain(groups).collect()
    }
}

/// The account was made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// What lets its owner choose the password, once, with `security/user/setup`; null if it has one.
    pub setup_secret: Option<Secret>,
    /// When that ends.
    pub setup_expires_at: Option<Timestamp>,
}

impl Shape for NewUser {
    fn example() -> Self {
        Self { user: User::example(), setup_secret: None, setup_expires_at: None }
    }
}

/// Asks for one account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUser {
    /// By its id.
    #[serde(alias = "id")]
    pub user_id: Option<UserId>,
    /// Or by its name.
    pub username: Option<AccountName>,
}

impl Shape for GetUser {
    fn example() -> Self {
        Self { user_id: Some(example_user()), username: None }
    }
}

impl Command for GetUser {
    const NAME: &'static str = "security/user/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const USER: UserField = UserField::Object;
    type Reply = OneUser;

    fn scope(&self) -> Option<String> {
        let name = || self.username.as_ref().map(ToString::to_string);
        self.user_id.as_ref().map(ToString::to_string).or_else(name)
    }
}

/// One account, with its roles and groups.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneUser {
    /// The account.
    pub user: User,
    /// The names of its roles.
    pub roles: Vec<String>,
    /// The names of the groups that it is in.
    pub groups: Vec<String>,
    /// Until when no login is let in, since too many failed; null if it is not so.
    pub locked_until: Option<Timestamp>,
}

impl Shape for OneUser {
    fn example() -> Self {
        Self {
            user: User::example(),
            roles: vec!["operator".to_owned()],
            groups: vec!["north-dome".to_owned()],
            locked_until: None,
        }
    }
}

/// Asks for accounts; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Only with this text in the name or the address.
    pub search: Option<String>,
    /// Only those that may be used, or may not.
    pub enabled: Option<bool>,
    /// Only of this organisation.
    pub organisation_id: Option<OrganisationId>,
    /// Only with this role.
    pub role_id: Option<RoleId>,
    /// Only in this group.
    pub group_id: Option<GroupId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListUsers {
    fn example() -> Self {
        Self { group_id: Some(example_group()), limit: Some(10), ..Self::default() }
    }
}

impl Command for ListUsers {
    const NAME: &'static str = "security/user/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Users;

    fn scope(&self) -> Option<String> {
        self.organisation_id.as_ref().map(ToString::to_string)
    }
}

/// A page of accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Users {
    /// By name.
    pub users: Vec<User>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Users {
    fn example() -> Self {
        Self { users: vec![User::example()], next: None }
    }
}

/// Changes an account; what is not named stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// Which one; `id` is understood as well.
    #[serde(alias = "id")]
    pub user_id: UserId,
    /// What it is to be called.
    pub username: Option<AccountName>,
    /// Where its owner is reached; empty for nowhere.
    pub email: Option<String>,
    /// Whether it may be used. Its tokens end with it.
    pub enabled: Option<bool>,
    /// The organisation that it is to belong to.
    pub organisation_id: Option<OrganisationId>,
    /// Whether it is to belong to none any more.
    #[serde(default)]
    pub leave_organisation: bool,
}

impl Shape for UpdateUser {
    fn example() -> Self {
        Self {
            user_id: example_user(),
            username: None,
            email: Some("ann@example.net".to_owned()),
            enabled: None,
            organisation_id: None,
            leave_organisation: false,
        }
    }
}

impl Command for UpdateUser {
    const NAME: &'static str = "security/user/update";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = OneUser;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Disables an account: it stays, with its name and its traces, and can't be used. Its tokens and keys end with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteUser {
    /// Which one.
    #[serde(alias = "id")]
    pub user_id: UserId,
}

impl Shape for DeleteUser {
    fn example() -> Self {
        Self { user_id: example_user() }
    }
}

impl Command for DeleteUser {
    const NAME: &'static str = "security/user/delete";
    const ALIASES: &'static [&'static str] = &["security/user/disable"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Lets a disabled account be used again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableUser {
    /// Which one.
    #[serde(alias = "id")]
    pub user_id: UserId,
}

impl Shape for EnableUser {
    fn example() -> Self {
        Self { user_id: example_user() }
    }
}

impl Command for EnableUser {
    const NAME: &'static str = "security/user/enable";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Forgets the failed logins of an account, so that the next one is looked at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockUser {
    /// Which one.
    #[serde(alias = "id")]
    pub user_id: UserId,
}

impl Shape for UnlockUser {
    fn example() -> Self {
        Self { user_id: example_user() }
    }
}

impl Command for UnlockUser {
    const NAME: &'static str = "security/user/unlock";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const USER: UserField = UserField::Object;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// Asks who is asking, and what they may do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Me {}

impl Shape for Me {
    fn example() -> Self {
        Self {}
    }
}

impl Command for Me {
    const NAME: &'static str = "security/user/me";
    const ALIASES: &'static [&'static str] = &["security/user/whoami"];
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Reads;
    type Reply = WhoAmI;
}

/// Who is asking, and what they may do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// What the account is called.
    pub username: AccountName,
    /// The account; null for one without a row: a plugin's, a node's, or the operator's where everybody is let in.
    pub user: Option<User>,
    /// The names of its roles.
    pub roles: Vec<String>,
    /// The names of the groups that it is in.
    pub groups: Vec<String>,
    /// What these allow and deny. A denial overrides whatever else is allowed.
    pub permissions: Vec<Rule>,
    /// Whether it may do everything.
    pub is_administrator: bool,
}

impl Shape for WhoAmI {
    fn example() -> Self {
        let OneUser { user, roles, groups, .. } = OneUser::example();
        Self {
            username: user.username.clone(),
            user: Some(user),
            roles,
            groups,
            permissions: vec![Rule::example()],
            is_administrator: false,
        }
    }
}

/// An account was made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UserCreated {
    /// The account.
    pub user: User,
    /// Who made it; null for the first one.
    pub changed_by: Option<AccountName>,
}

impl Shape for UserCreated {
    fn example() -> Self {
        Self { user: User::example(), changed_by: Some(example_id("operator")) }
    }
}

impl Event for UserCreated {
    const NAME: &'static str = "security/user-created";
    const NEEDS: Needs = READ;
}

/// An account changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UserChanged {
    /// The account as it is.
    pub user: User,
    /// What changed.
    pub change: UserChange,
    /// Who changed it.
    pub changed_by: Option<AccountName>,
}

impl Shape for UserChanged {
    fn example() -> Self {
        let UserCreated { user, changed_by } = UserCreated::example();
        Self { user, change: UserChange::Updated, changed_by }
    }
}

impl Event for UserChanged {
    const NAME: &'static str = "security/user-changed";
    const NEEDS: Needs = READ;
}

/// What can change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserChange {
    /// Its name, address or organisation.
    Updated,
    /// It may be used again.
    Enabled,
    /// It can't be used any more.
    Disabled,
    /// Its failed logins are forgotten.
    Unlocked,
    /// Its owner chose another password.
    PasswordChanged,
    /// Its password was taken away.
    PasswordReset,
    /// It has a second factor.
    TotpConfirmed,
    /// It has no second factor any more.
    TotpRemoved,
}
