//! Accounts themselves: made, changed, disabled, found; their passwords; and that somebody is left who can administrate.

use secrecy::SecretString;
use store::{
    Page, Slice, Tx,
    accounts::{
        attempts, setups,
        users::{self, Filter, MustChange, User},
    },
};
use vocabulary::ids::{AccountName, OrganisationId, UserId};

use crate::{Accounts, AccountsError, HashedPassword, Peer, passwords::check_policy};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What it logs in as, for ever.
    pub username: AccountName,
    /// Where its owner is written to.
    pub email: Option<String>,
    /// Whose member it is.
    pub organisation: Option<OrganisationId>,
    /// Its password; without one it is set with a one-time secret, or it never logs in with one.
    pub password: Option<HashedPassword>,
    /// Whether its owner must choose another one at the first login.
    pub must_change: MustChange,
    /// Whether it belongs to a plugin or a node instead of a person.
    pub is_service: bool,
}

impl NewUser {
    /// An account of a person, without a password.
    pub const fn person(username: AccountName) -> Self {
        Self {
            username,
            email: None,
            organisation: None,
            password: None,
            must_change: MustChange::No,
            is_service: false,
        }
    }
}

/// What is to be changed of an account; what is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another email address, or none.
    pub email: Option<Option<String>>,
    /// Another organisation, or none.
    pub organisation: Option<Option<OrganisationId>>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// Whether its password must be changed at the next login.
    pub must_change_password: Option<bool>,
}

impl Accounts {
    /// Looks at a password that somebody chose, and hashes it. The account need not exist yet.
    ///
    /// # Errors
    /// The policy does not let it through, or too many passwords are hashed at once.
    pub async fn prepare_password(
        &self,
        username: &AccountName,
        password: &SecretString,
    ) -> Result<HashedPassword, AccountsError> {
        let settings = self.settings();
        check_policy(&settings, username, password)?;
        Ok(self.hasher().hash(password.clone(), &settings).await?)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// Its name (in whatever case) or email address is taken, its organisation does not exist, or the database does not answer within
    /// the bounds.
    pub async fn create_user(&self, tx: &mut Tx, new: &NewUser) -> Result<User, AccountsError> {
        let now = self.now();
        let user = User {
            id: UserId::fresh(),
            username: new.username.clone(),
            email: new.email.clone().filter(|email| !email.is_empty()),
            enabled: true,
            organisation: new.organisation.clone(),
            token_epoch: 0,
            must_change_password: new.must_change == MustChange::Yes,
            password_changed_at: new.password.as_ref().map(|_| now),
            has_password: new.password.is_some(),
            has_second_factor: false,
            is_service: new.is_service,
            created_at: now,
            updated_at: now,
        };
        users::create(tx, &user, new.password.as_ref().map(HashedPassword::as_str)).await?;
        Ok(user)
    }

    /// Changes an account.
    ///
    /// # Errors
    /// It does not exist, the email address is taken, the organisation does not exist, it is the last administrator and would be
    /// disabled, or the database does not answer within the bounds.
    pub async fn update_user(&self, tx: &mut Tx, id: &UserId, change: &UserChange) -> Result<User, AccountsError> {
        let before = if change.enabled == Some(false) { users::count_administrators(tx).await? } else { 0 };
        let (mut user, _) = users::lock(tx, id).await?;
        let now = self.now();
        user.updated_at = now;
        if let Some(email) = &change.email {
            user.email = email.clone().filter(|email| !email.is_empty());
        }
        if let Some(organisation) = &change.organisation {
            user.organisation = organisation.clone();
        }
        if let Some(must_change) = change.must_change_password {
            user.must_change_password = must_change;
        }
        users::update(tx, &user).await?;
        if let Some(enabled) = change.enabled {
            users::set_enabled(tx, id, enabled, now).await?;
            self.somebody_is_left(tx, before).await?;
        }
        Ok(users::lock(tx, id).await?.0)
    }

    /// Lets an account not be used any more; its tokens are void. It can be enabled again.
    ///
    /// # Errors
    /// It does not exist, is the last administrator, or the database does not answer within the bounds.
    pub async fn disable_user(&self, tx: &mut Tx, id: &UserId) -> Result<User, AccountsError> {
        self.update_user(tx, id, &UserChange { enabled: Some(false), ..UserChange::default() }).await
    }

    /// Lets an account be used again. Tokens of before stay void.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn enable_user(&self, tx: &mut Tx, id: &UserId) -> Result<User, AccountsError> {
        self.update_user(tx, id, &UserChange { enabled: Some(true), ..UserChange::default() }).await
    }

    /// One account.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn user(&self, id: &UserId) -> Result<User, AccountsError> {
        Ok(users::get(self.store(), id).await?)
    }

    /// The account of this name.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn user_of_name(&self, name: &AccountName) -> Result<User, AccountsError> {
        Ok(users::of_name(self.store(), name).await?)
    }

    /// The accounts that fit, by name.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn users(&self, filter: &Filter, slice: &Slice) -> Result<Page<User>, AccountsError> {
        Ok(users::list(self.store(), filter, slice).await?)
    }

    /// Sets the password of an account, as an administrator does it; its tokens and one-time secrets end.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn set_password(
        &self,
        tx: &mut Tx,
        id: &UserId,
        password: &HashedPassword,
        must_change: MustChange,
    ) -> Result<(), AccountsError> {
        users::set_password(tx, id, Some(password.as_str()), must_change, self.now()).await?;
        setups::clear(tx, &setups::Purpose::Password(id.clone())).await?;
        Ok(())
    }

    /// Takes the password of an account away, and hands out a one-time secret with which its owner chooses a new one
    /// ([`Accounts::redeem_password`]). Its tokens are void.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn reset_password(&self, tx: &mut Tx, id: &UserId) -> Result<SecretString, AccountsError> {
        users::set_password(tx, id, None, MustChange::No, self.now()).await?;
        self.issue_setup_secret(tx, &setups::Purpose::Password(id.clone())).await
    }

    /// Opens what is locked for an account. Tells whether anything was counted.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn unlock_user(&self, tx: &mut Tx, name: &AccountName) -> Result<bool, AccountsError> {
        Ok(attempts::unlock_user(tx, &name.as_str().to_ascii_lowercase()).await?)
    }

    /// Opens what is locked for a place. Tells whether anything was counted.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn unlock_peer(&self, tx: &mut Tx, peer: &Peer) -> Result<bool, AccountsError> {
        Ok(attempts::unlock_peer(tx, peer.as_str()).await?)
    }

    /// Refuses a change after which nobody could administrate, where there was somebody `before`.
    pub(crate) async fn somebody_is_left(&self, tx: &mut Tx, before: u64) -> Result<(), AccountsError> {
        if before > 0 && users::count_administrators(tx).await? == 0 {
            return Err(AccountsError::LastAdministrator);
        }
        Ok(())
    }
}
