//! Plugins that are let in: an account each, with the topics of its manifest and a role of its own with what it may do.
//!
//! Whose topics they are is not known here: whoever lets a plugin in has looked at that.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use store::{
    Page, Slice, StoreError, Tx,
    accounts::{
        permissions::{Holder, Rule},
        plugins::{self, Manifest, Plugin},
        roles::{self, Role},
        users::{self, MustChange, User},
    },
};
use vocabulary::{
    Timestamp,
    ids::{AccountName, NotAnId, PluginId, RoleId, UserId},
};

use crate::{Accounts, AccountsError, HashedPassword, NewUser, secrets::random};

/// What comes before a plugin's id in the name of its account and of its own role.
const PREFIX: &str = "plugin.";
/// The role that every plugin has.
const EVERY_PLUGIN: &str = "plugin";
/// How many permissions of its own a plugin may have.
const PERMISSIONS_MAX: usize = 100;

/// A plugin that is to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginAdmission {
    /// Its id.
    pub id: PluginId,
    /// The topics on which it publishes beside its own, without wildcards.
    pub publishes: Vec<String>,
    /// The filters that it reads beside its own.
    pub reads: Vec<String>,
    /// What it may do beside what every plugin may.
    pub permissions: Vec<Rule>,
}

/// A plugin that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// Its account.
    pub user: User,
    /// The password of the account: 256 random bits. It is shown now and never again.
    pub password: SecretString,
}

/// The names that go with a plugin's id.
struct Names {
    account: AccountName,
    role: RoleId,
}

impl Names {
    fn of(id: &PluginId) -> Result<Self, AccountsError> {
        let name = format!("{PREFIX}{id}");
        let too_long = |_: NotAnId| StoreError::Invalid {
            what: format!("plugin {id} can't have an account: its id has more than {} characters", 64 - PREFIX.len()),
        };
        Ok(Self { account: name.parse().map_err(too_long)?, role: name.parse().map_err(too_long)? })
    }
}

impl Accounts {
    /// Lets a plugin in. One that was let in before has a new password, and the new manifest and permissions in place of the old ones; its
    /// tokens are void.
    ///
    /// # Errors
    /// Its id is too long for an account, its account is a person's, a topic or permission is none or there are too many, what is denied
    /// would leave no administrator, too many passwords are hashed at once, or the database does not answer within the bounds.
    pub async fn admit_plugin(&self, tx: &mut Tx, admission: &PluginAdmission) -> Result<Admitted, AccountsError> {
        let Names { account, role } = Names::of(&admission.id)?;
        if admission.permissions.len() > PERMISSIONS_MAX {
            let what = format!("plugin {} can't have more than {PERMISSIONS_MAX} permissions", admission.id);
            return Err(StoreError::Invalid { what }.into());
        }
        let bytes = random::<32>().map_err(AccountsError::Defect)?;
        let password = SecretString::from(URL_SAFE_NO_PAD.encode(bytes));
        let hashed = self.hasher().hash(password.clone(), &self.settings()).await?;

        // Whoever else lets the same one in or out waits for its role.
        let before = users::count_administrators(tx).await?;
        roles::put(tx, &own_role(&role, &account, &admission.id, self.now())).await?;
        let user = self.plugin_account(tx, &account, &hashed).await?;
        let every: RoleId = EVERY_PLUGIN.parse().map_err(|e: NotAnId| AccountsError::Defect(e.to_string()))?;
        plugins::strip(tx, &user, &role, &[every.clone(), role.clone()]).await?;
        for kept in [&every, &role] {
            roles::assign(tx, kept, &user, self.now()).await?;
        }
        let manifest = Manifest { publishes: admission.publishes.clone(), reads: admission.reads.clone() };
        plugins::put(tx, &user, &account, &manifest, self.now()).await?;
        let holder = Holder::Role(role);
        for rule in &admission.permissions {
            self.grant(tx, &holder, rule).await?;
        }
        self.somebody_is_left(tx, before).await?;
        Ok(Admitted { user: users::lock(tx, &user).await?.0, password })
    }

    /// Lets a plugin in no more: its account is disabled and has no password, and its manifest, its own role and its tokens are gone.
    ///
    /// # Errors
    /// It is not let in, or the database does not answer within the bounds.
    pub async fn dismiss_plugin(&self, tx: &mut Tx, id: &PluginId) -> Result<User, AccountsError> {
        let Names { account, role } = Names::of(id)?;
        let absent = || StoreError::NotFound { what: format!("plugin {id} is not let in") };
        roles::lock(tx, &role).await.map_err(|error| match error {
            StoreError::NotFound { .. } => absent(),
            other => other,
        })?;
        let (user, _) = plugins::lock_account(tx, &account).await?.ok_or_else(absent)?;
        if !plugins::remove(tx, &user).await? {
            return Err(absent().into());
        }
        roles::remove(tx, &role).await?;
        users::set_password(tx, &user, None, MustChange::No, self.now()).await?;
        self.disable_user(tx, &user).await
    }

    /// The plugin with this id.
    ///
    /// # Errors
    /// It is not let in, or the database does not answer within the bounds.
    pub async fn plugin(&self, id: &PluginId) -> Result<Plugin, AccountsError> {
        Ok(plugins::get(self.store(), &Names::of(id)?.account).await?)
    }

    /// The plugins that are let in, by id.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn plugins(&self, slice: &Slice) -> Result<Page<Plugin>, AccountsError> {
        Ok(plugins::list(self.store(), slice).await?)
    }

    /// The plugin's account, made where there is none, with this password and nothing else that proves it.
    async fn plugin_account(
        &self,
        tx: &mut Tx,
        account: &AccountName,
        password: &HashedPassword,
    ) -> Result<UserId, AccountsError> {
        match plugins::lock_account(tx, account).await? {
            None => {
                let password = Some(password.clone());
                let new = NewUser { password, is_service: true, ..NewUser::person(account.clone()) };
                Ok(self.create_user(tx, &new).await?.id)
            }
            Some((_, false)) => {
                let what = format!("account {account} is a person's; give the plugin another id");
                Err(StoreError::Conflict { what }.into())
            }
            Some((user, true)) => {
                self.enable_user(tx, &user).await?;
                self.remove_second_factor(tx, &user).await?;
                self.set_password(tx, &user, password, MustChange::No).await?;
                Ok(user)
            }
        }
    }
}

/// The role of a plugin's own. Its id is its name, as no role that somebody makes has it.
fn own_role(id: &RoleId, name: &AccountName, plugin: &PluginId, now: Timestamp) -> Role {
    Role {
        id: id.clone(),
        name: name.to_string(),
        description: format!("What the plugin {plugin} may do beside what every plugin may."),
        builtin: false,
        created_at: now,
        updated_at: now,
    }
}
