//! What somebody has who took the data folder and the database: keys to sign with, and SQL by hand.

use std::process::Stdio;

use store::{
    MasterKey, PoolSettings, Store, Vault,
    certificates::authorities,
    tokens::{self, KeyState},
};
use vocabulary::Clock;

use super::Observatory;
use crate::postgres::GivenServer;

/// The key that tokens are signed with.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Its name in tokens.
    pub kid: String,
    /// Its private half, as PKCS #8 in DER.
    pub private: Vec<u8>,
    /// Its public half.
    pub public: Vec<u8>,
}

/// The authority that issues certificates of nodes and accounts.
#[derive(Debug, Clone)]
pub struct StolenAuthority {
    /// Its certificate, in PEM.
    pub certificate_pem: String,
    /// Its private key, in PEM.
    pub private_key_pem: String,
}

impl Observatory {
    /// The key that signs tokens now.
    ///
    /// # Panics
    /// Where it can't be read.
    pub async fn signing_key(&self) -> SigningKey {
        let (store, vault) = self.vault().await;
        let known = tokens::snapshot(&store, Clock::system().now()).await;
        let known = known.unwrap_or_else(|e| panic!("signing keys can't be read: {e}"));
        store.close().await;
        let active = known.signing_keys.into_iter().find(|key| key.state == KeyState::Active);
        let key = active.unwrap_or_else(|| panic!("no key signs"));
        let private = vault.open(&tokens::SigningKey::place(&key.kid), &key.private_sealed);
        let private = private.unwrap_or_else(|e| panic!("signing key can't be opened: {e}")).to_vec();
        SigningKey { kid: key.kid.to_string(), private, public: key.public_key.unwrap_or_default() }
    }

    /// The authority of this observatory.
    ///
    /// # Panics
    /// Where it can't be read.
    pub async fn authority(&self) -> StolenAuthority {
        let (store, vault) = self.vault().await;
        let all = authorities::all(&store).await.unwrap_or_else(|e| panic!("authorities can't be read: {e}"));
        store.close().await;
        let authority = all.into_iter().next_back().unwrap_or_else(|| panic!("there is no authority"));
        let private = vault.open(&authorities::private_key_place(&authority.id), &authority.private_key_sealed);
        let private = private.unwrap_or_else(|e| panic!("key of the authority can't be opened: {e}"));
        StolenAuthority {
            certificate_pem: authority.certificate_pem,
            private_key_pem: String::from_utf8_lossy(&private).into_owned(),
        }
    }

    async fn vault(&self) -> (Store, Vault) {
        let file = self.data().join("credentials").join("master.key");
        let key = MasterKey::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let vault = Vault::new(&key, &[]).unwrap_or_else(|e| panic!("no vault: {e}"));
        let store = Store::connect(self.endpoint(), PoolSettings::default()).await;
        (store.unwrap_or_else(|e| panic!("database can't be reached: {e}")), vault)
    }

    /// Has `psql` execute a statement as the account of ours: what it printed, or what it complained about.
    ///
    /// # Errors
    /// What the database refuses.
    ///
    /// # Panics
    /// Where the database is not a given one, or `psql` is missing.
    pub async fn psql(&self, statement: &str) -> Result<String, String> {
        let Some(given) = &self.given else { panic!("the database is not a given one") };
        psql(given, &given.url(), statement).await
    }

    /// The same as the administrator of the server.
    ///
    /// # Errors
    /// What the database refuses.
    ///
    /// # Panics
    /// Where the database is not a given one, or `psql` is missing.
    pub async fn psql_as_administrator(&self, statement: &str) -> Result<String, String> {
        let Some(given) = &self.given else { panic!("the database is not a given one") };
        psql(given, &given.administrator_url(), statement).await
    }
}

async fn psql(given: &GivenServer, url: &str, statement: &str) -> Result<String, String> {
    let mut command = tokio::process::Command::new(given.psql());
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement]).stdin(Stdio::null());
    let output = command.output().await.unwrap_or_else(|e| panic!("psql can't be started: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
