//! The beginning: whether there is an administrator, the first one, and one-time secrets with which somebody chooses a password.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use store::{
    Tx,
    accounts::{
        ADMINISTRATOR, roles,
        setups::{self, Purpose},
        users::{self, MustChange, User},
    },
};
use vocabulary::ids::{AccountName, RoleId, UserId};

use crate::{
    Accounts, AccountsError, NewUser,
    secrets::{digest, random},
};

/// What a one-time secret begins with, so that people and scanners know it.
const PREFIX: &str = "bss_";

/// The id of the administrator's role.
fn administrator() -> Result<RoleId, AccountsError> {
    ADMINISTRATOR.parse().map_err(|e: vocabulary::ids::NotAnId| AccountsError::Defect(e.to_string()))
}

impl Accounts {
    /// Whether anybody can administrate.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn has_administrator(&self) -> Result<bool, AccountsError> {
        Ok(users::has_administrator(self.store()).await?)
    }

    /// Makes the first administrator; of two at once one is it.
    ///
    /// # Errors
    /// There is one, the name is taken, or the database does not answer within the bounds.
    pub async fn create_first_administrator(&self, tx: &mut Tx, new: &NewUser) -> Result<User, AccountsError> {
        if users::count_administrators(tx).await? > 0 {
            return Err(AccountsError::AdministratorExists);
        }
        let user = self.create_user(tx, new).await?;
        roles::assign(tx, &administrator()?, &user.id, self.now()).await?;
        setups::clear(tx, &Purpose::FirstAdministrator).await?;
        Ok(user)
    }

    /// A one-time secret with which the first administrator is made; an earlier one ends.
    ///
    /// # Errors
    /// There is an administrator, or the database does not answer within the bounds.
    pub async fn issue_first_secret(&self, tx: &mut Tx) -> Result<SecretString, AccountsError> {
        if users::count_administrators(tx).await? > 0 {
            return Err(AccountsError::AdministratorExists);
        }
        self.issue_setup_secret(tx, &Purpose::FirstAdministrator).await
    }

    /// Makes the first administrator for who brings the secret of [`Accounts::issue_first_secret`].
    ///
    /// # Errors
    /// The secret is unknown, used or expired, there is an administrator, the name is taken, or the database does not answer within the
    /// bounds.
    pub async fn redeem_first(&self, tx: &mut Tx, secret: &SecretString, new: &NewUser) -> Result<User, AccountsError> {
        match self.take(tx, secret).await? {
            Purpose::FirstAdministrator => self.create_first_administrator(tx, new).await,
            Purpose::Password(_) => Err(AccountsError::SetupSecret),
        }
    }

    /// Sets the password that somebody chose who brings the secret of [`Accounts::reset_password`]. Tells whose it is.
    ///
    /// # Errors
    /// The secret is unknown, used or expired, the policy does not let the password through, or the database does not answer within the
    /// bounds. Where the transaction is not committed, the secret stays good.
    pub async fn redeem_password(
        &self,
        tx: &mut Tx,
        secret: &SecretString,
        password: &SecretString,
    ) -> Result<User, AccountsError> {
        let Purpose::Password(id) = self.take(tx, secret).await? else { return Err(AccountsError::SetupSecret) };
        let (user, _) = users::lock(tx, &id).await?;
        if !user.enabled {
            return Err(AccountsError::SetupSecret);
        }
        let password = self.prepare_password(&user.username, password).await?;
        self.set_password(tx, &id, &password, MustChange::No).await?;
        Ok(users::lock(tx, &id).await?.0)
    }

    /// A one-time secret with which the owner of an account chooses a password; the one that it has stays good until then.
    ///
    /// # Errors
    /// The account does not exist, or the database does not answer within the bounds.
    pub async fn issue_password_secret(&self, tx: &mut Tx, id: &UserId) -> Result<SecretString, AccountsError> {
        self.issue_setup_secret(tx, &Purpose::Password(id.clone())).await
    }

    /// Whether a secret would let this account choose its password now. It is not used up.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn is_setup_secret(&self, name: &AccountName, secret: &SecretString) -> Result<bool, AccountsError> {
        let secret = secret.expose_secret().trim();
        if !secret.starts_with(PREFIX) {
            return Ok(false);
        }
        Ok(setups::is_good_for(self.store(), &digest(secret), name, self.now()).await?)
    }

    pub(crate) async fn issue_setup_secret(
        &self,
        tx: &mut Tx,
        purpose: &Purpose,
    ) -> Result<SecretString, AccountsError> {
        let bytes = random::<32>().map_err(AccountsError::Defect)?;
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let now = self.now();
        let expires_at = now.plus(self.settings().setup_secret_age_max());
        setups::put(tx, &digest(&secret), purpose, expires_at, now).await?;
        Ok(secret.into())
    }

    async fn take(&self, tx: &mut Tx, secret: &SecretString) -> Result<Purpose, AccountsError> {
        let purpose = setups::take(tx, &digest(secret.expose_secret().trim()), self.now()).await?;
        purpose.ok_or(AccountsError::SetupSecret)
    }
}
