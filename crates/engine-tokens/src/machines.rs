//! Tokens of plugins and of the platform's own nodes: short-lived, renewed by us, and taken back all at once by raising an epoch.

use std::{fmt, time::Duration};

use store::{
    Tx,
    tokens::{EpochKind, revoked},
};
use vocabulary::{
    Timestamp,
    ids::{AccountName, PluginId, TokenId},
};

use crate::{AUDIENCE, Claims, Kind, Tokens, TokensError, jwt};

/// The token of a plugin or node.
#[derive(Clone, PartialEq, Eq)]
pub struct MachineToken {
    /// The token.
    pub token: String,
    /// Its id.
    pub jti: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When another should be there.
    pub renew_at: Timestamp,
}

impl fmt::Debug for MachineToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineToken")
            .field("token", &"***")
            .field("jti", &self.jti)
            .field("expires_at", &self.expires_at)
            .field("renew_at", &self.renew_at)
            .finish()
    }
}

impl Tokens {
    /// A token for a plugin. Those that it has stay good until they end.
    ///
    /// # Errors
    /// The id can't be an account's, no key signs, or the database does not answer.
    pub async fn issue_plugin(&self, plugin: &PluginId) -> Result<MachineToken, TokensError> {
        let settings = self.inner.settings.load_full();
        let (lasts, renewed) = (settings.plugin_token_duration, settings.plugin_token_renew_seconds);
        self.issue_machine(Kind::Plugin, account_of(plugin)?, lasts, renewed).await
    }

    /// A token for a node: a coordinator or a face. Its account says what it is.
    ///
    /// # Errors
    /// No key signs, or the database does not answer.
    pub async fn issue_node(&self, node: &AccountName) -> Result<MachineToken, TokensError> {
        let lasts = self.inner.settings.load().node_token_duration;
        self.issue_machine(Kind::Node, node.clone(), lasts, lasts / 4).await
    }

    /// Takes all tokens of a plugin back, for example when it is removed.
    ///
    /// # Errors
    /// The id can't be an account's, or the database does not answer.
    pub async fn revoke_plugin(&self, plugin: &PluginId) -> Result<(), TokensError> {
        let mut tx = self.inner.store.begin().await?;
        self.revoke_plugin_in(&mut tx, plugin).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(())
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// The id can't be an account's, or the database does not answer.
    pub async fn revoke_plugin_in(&self, tx: &mut Tx, plugin: &PluginId) -> Result<(), TokensError> {
        let now = self.inner.clock.now();
        revoked::raise_epoch(tx, EpochKind::Plugin, &account_of(plugin)?, now).await?;
        Ok(())
    }

    /// Takes all tokens of a node back.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_node(&self, node: &AccountName) -> Result<(), TokensError> {
        let mut tx = self.inner.store.begin().await?;
        revoked::raise_epoch(&mut tx, EpochKind::Node, node, self.inner.clock.now()).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(())
    }

    async fn issue_machine(
        &self,
        kind: Kind,
        account: AccountName,
        lasts_seconds: u32,
        renewed_before_seconds: u32,
    ) -> Result<MachineToken, TokensError> {
        let of_kind = if kind == Kind::Plugin { EpochKind::Plugin } else { EpochKind::Node };
        // From the store, not from what is known in memory: a token that is born outdated would help nobody.
        let epoch = revoked::epoch(&self.inner.store, of_kind, &account).await?;
        let now = self.inner.clock.now();
        let expires_at = jwt::whole_second(now.plus(Duration::from_secs(lasts_seconds.into())));
        let claims = Claims {
            kind,
            account,
            user_id: None,
            email: None,
            jti: TokenId::fresh(),
            session: None,
            audience: Some(AUDIENCE.to_owned()),
            issued_at: now,
            not_before: now,
            expires_at: Some(expires_at),
            epoch: Some(epoch),
            scopes: None,
            kid: None,
        };
        let token = self.inner.sign(&claims)?;
        let renew_at = expires_at.minus(Duration::from_secs(renewed_before_seconds.into()));
        Ok(MachineToken { token, jti: claims.jti, expires_at, renew_at })
    }
}

fn account_of(plugin: &PluginId) -> Result<AccountName, TokensError> {
    let account = plugin.as_str().parse();
    account.map_err(|error: vocabulary::ids::NotAnId| TokensError::Invalid { what: error.to_string() })
}
