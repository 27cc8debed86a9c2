//! API keys of users: shown once, kept as hashes, good within scopes until they end or are taken back.

use std::{fmt, time::Duration};

use store::{
    Page, Slice, Tx,
    tokens::{
        ApiKey,
        api_keys::{self, Added},
    },
};
use vocabulary::ids::{AccountName, ApiKeyId, UserId};

use crate::{Scopes, Tokens, TokensError, secrets};

/// How many characters a key's name may have.
const NAME_CHARACTERS_MAX: usize = 100;
/// How often another prefix is tried. Among a million keys one in four thousand is taken.
const TRIES: usize = 8;

/// A key that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Whose it will be.
    pub user_id: UserId,
    /// What the user is called.
    pub account: AccountName,
    /// What the user calls it.
    pub name: String,
    /// What it will be good for; all that the user may where nothing is said.
    pub scopes: Option<Scopes>,
    /// How long it will be good; as the settings have it where nothing is said.
    pub lifetime: Option<Duration>,
}

/// A key that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedApiKey {
    /// The key itself, which is nowhere else.
    pub key: String,
    /// What is kept of it.
    pub row: ApiKey,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey").field("key", &"***").field("row", &self.row).finish()
    }
}

impl Tokens {
    /// Makes a key.
    ///
    /// # Errors
    /// Its name or lifetime can't be, its user has as many as there may be, or the database does not answer.
    pub async fn create_api_key(&self, wanted: &NewApiKey) -> Result<CreatedApiKey, TokensError> {
        let mut tx = self.inner.store.begin().await?;
        let created = self.create_api_key_in(&mut tx, wanted).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(created)
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// Its name or lifetime can't be, its user has as many as there may be, or the database does not answer.
    pub async fn create_api_key_in(&self, tx: &mut Tx, wanted: &NewApiKey) -> Result<CreatedApiKey, TokensError> {
        let settings = self.inner.settings.load_full();
        check_name(&wanted.name)?;
        let longest = Duration::from_secs(settings.api_key_lifetime_seconds_max.into());
        let lifetime = wanted.lifetime.unwrap_or_else(|| Duration::from_secs(settings.api_key_lifetime_seconds.into()));
        if lifetime.is_zero() || lifetime > longest {
            let (asked, most) = (lifetime.as_secs(), longest.as_secs());
            return Err(TokensError::Invalid {
                what: format!(
                    "API key can't be good for {asked} s: 1 to {most} are allowed by api_key_lifetime_seconds_max"
                ),
            });
        }
        let now = self.inner.clock.now();
        for _ in 0..TRIES {
            let (key, prefix) = secrets::api_key()?;
            let row = ApiKey {
                id: ApiKeyId::fresh(),
                prefix,
                sha256: secrets::hash(&key),
                user_id: wanted.user_id.clone(),
                account: wanted.account.clone(),
                name: wanted.name.clone(),
                scopes: wanted.scopes.as_ref().map(Scopes::to_vec),
                created_at: now,
                expires_at: Some(now.plus(lifetime)),
                last_used_at: None,
                revoked_at: None,
            };
            match api_keys::add(tx, &row, settings.api_keys_per_user_max.into()).await? {
                Added::Yes => return Ok(CreatedApiKey { key, row }),
                Added::PrefixTaken => {}
                Added::Full => {
                    let (user, max) = (wanted.account.to_string(), settings.api_keys_per_user_max);
                    return Err(TokensError::TooManyApiKeys { user, max });
                }
            }
        }
        Err(TokensError::NoRandomness)
    }

    /// One key, good or not.
    ///
    /// # Errors
    /// There is none such, or the database does not answer.
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<ApiKey, TokensError> {
        Ok(api_keys::get(&self.inner.store, id).await?)
    }

    /// The keys of one user or of all, good or not.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer.
    pub async fn api_keys(&self, user: Option<&UserId>, slice: &Slice) -> Result<Page<ApiKey>, TokensError> {
        Ok(api_keys::list(&self.inner.store, user, slice).await?)
    }

    /// Takes a key back.
    ///
    /// # Errors
    /// There is none such, or the database does not answer.
    pub async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<(), TokensError> {
        let mut tx = self.inner.store.begin().await?;
        self.revoke_api_key_in(&mut tx, id).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(())
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// There is none such, or the database does not answer.
    pub async fn revoke_api_key_in(&self, tx: &mut Tx, id: &ApiKeyId) -> Result<(), TokensError> {
        Ok(api_keys::revoke(tx, id, self.inner.clock.now()).await?)
    }

    /// Takes all keys of a user back, in a transaction of the caller's. Says how many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_api_keys_of_in(&self, tx: &mut Tx, user: &UserId) -> Result<u64, TokensError> {
        Ok(api_keys::revoke_of(tx, user, self.inner.clock.now()).await?)
    }
}

fn check_name(name: &str) -> Result<(), TokensError> {
    let characters = name.chars().count();
    if name.trim().is_empty() || characters > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        let what =
            format!("API key's name is not one: 1 to {NAME_CHARACTERS_MAX} characters that can be seen are allowed");
        return Err(TokensError::Invalid { what });
    }
    Ok(())
}
