//! The door of our own broker: who is let in as whom, and which topics are whose.
//!
//! Nodes are let in from the beginning, by passwords that derive from the node's; everybody else once the database is there.

use std::sync::{Arc, OnceLock};

use bus::Credentials;
use catalog::{Owner, Party};
use engine::Boxed;
use engine_accounts::{Accounts, AuthError, Login, Peer, SecretString};
use engine_broker::{Admission, Asker, Gate, Refused, StillProven};
use engine_tls::peer_identity;
use engine_tokens::Kind;
use vocabulary::ids::{AccountName, ApiKeyId};

use super::{Security, topics::Topics};

/// How many digits of an authenticator follow a password.
const CODE_DIGITS: usize = 6;

/// The door.
pub(crate) struct Door {
    /// The node's login, from which those of the roles derive.
    node: Credentials,
    /// As whom everybody without a login is let in, where everybody is.
    open: Option<AccountName>,
    topics: Topics,
    inside: OnceLock<Inside>,
}

/// What the door asks once there is a database.
struct Inside {
    security: Security,
    accounts: Accounts,
}

type Answer = Result<Admission, Refused>;

impl Door {
    pub(crate) fn new(node: Credentials, open: Option<AccountName>) -> Self {
        Self { topics: Topics::new(open.clone()), node, open, inside: OnceLock::new() }
    }

    /// Lets others in than nodes, from now on.
    pub(crate) fn open_to_all(&self, security: Security, accounts: Accounts) {
        if self.inside.set(Inside { security, accounts }).is_err() {
            tracing::debug!("door was open to all already");
        }
    }

    async fn admit(&self, given: &engine_broker::Credentials) -> Answer {
        let password =
            given.password.as_deref().map(|bytes| std::str::from_utf8(bytes).map_err(|_| Refused::Credentials));
        let password = password.transpose()?;
        let name = given.username.as_deref().filter(|name| !name.is_empty());
        if let (Some(password), Some(name)) = (password, name) {
            let account: AccountName = name.parse().map_err(|_| Refused::Credentials)?;
            let admission = self.by_password(&account, password, given).await?;
            // Who shows a certificate besides shows it of the same account.
            if !given.certificate.is_empty() {
                self.by_certificate(Some(admission.account.as_str()), given)?;
            }
            return Ok(admission);
        }
        if !given.certificate.is_empty() {
            return self.by_certificate(name, given);
        }
        // A name alone proves nothing, and neither does a password without a name.
        let is_nameless = name.is_none() && password.is_none();
        self.open.clone().filter(|_| is_nameless).map(Admission::from).ok_or(Refused::Credentials)
    }

    async fn by_password(&self, account: &AccountName, password: &str, given: &engine_broker::Credentials) -> Answer {
        let party = Party::of(account);
        if matches!(party, Party::Coordinator(_) | Party::Face(_) | Party::Node) {
            let wanted = self.node.for_role(account).map_err(|_| Refused::Credentials)?;
            return if is_same(wanted.password.as_bytes(), password.as_bytes()) {
                Ok(account.clone().into())
            } else {
                Err(Refused::Credentials)
            };
        }
        let inside = self.inside.get().ok_or(Refused::Busy)?;
        let peer = Peer::address(given.peer.ip());
        match party {
            Party::Lobby(user) => inside.to_the_lobby(account, &user, password, &peer).await,
            Party::Key(_) => inside.by_token(account, password),
            Party::Plugin(_) | Party::User(_) if is_token(password) => inside.by_token(account, password),
            Party::Plugin(_) | Party::User(_) => inside.by_login(account, password, &peer).await,
            Party::Coordinator(_) | Party::Face(_) | Party::Node => Err(Refused::Credentials),
        }
    }

    /// TLS has proven that the certificate is of our own authority and the client's.
    fn by_certificate(&self, name: Option<&str>, given: &engine_broker::Credentials) -> Answer {
        let inside = self.inside.get().ok_or(Refused::Busy)?;
        let (account, is_nodes): (AccountName, bool) =
            match peer_identity(&given.certificate).ok_or(Refused::Credentials)? {
                engine_tls::Peer::Node { role, .. } => (account_of(role.as_str())?, true),
                engine_tls::Peer::Account(account) => (account, false),
            };
        if name.is_some_and(|name| name != account.as_str()) {
            return Err(Refused::Credentials);
        }
        // A node's certificate lets nobody in as a user, nor a user's as a node.
        match (Party::of(&account), is_nodes) {
            (Party::Coordinator(_) | Party::Face(_) | Party::Node, true) => {}
            (Party::User(_) | Party::Plugin(_), false) => inside.is_enabled(&account)?,
            _ => return Err(Refused::NotAllowed),
        }
        let keyring =
            inside.security.sealed.as_ref().map(|sealed| sealed.keyring.clone()).ok_or(Refused::NotAllowed)?;
        let (rights, chain, whose) = (inside.security.rights.clone(), given.certificate.clone(), account.clone());
        let proof: StillProven =
            Arc::new(move || !keyring.is_revoked(&chain) && (is_nodes || rights.token_epoch(&whose).is_some()));
        if !proof() {
            return Err(Refused::Credentials);
        }
        Ok(Admission { account, until: None, proof: Some(proof) })
    }
}

impl Inside {
    fn is_enabled(&self, account: &AccountName) -> Result<(), Refused> {
        self.security.rights.token_epoch(account).map(drop).ok_or(Refused::Credentials)
    }

    /// A JSON Web Token or an API key in place of a password.
    fn by_token(&self, account: &AccountName, token: &str) -> Answer {
        let verifier = self.security.verifier.clone();
        let claims = verifier.verify(token, self.security.clock.now()).map_err(|error| {
            tracing::debug!(reason = error.reason(), %account, "token refused at the door");
            Refused::Credentials
        })?;
        let clock = self.security.clock.clone();
        if claims.kind == Kind::Key {
            let id: ApiKeyId = claims.jti.as_str().parse().map_err(|_| Refused::Credentials)?;
            let own = Party::Key(id.clone()).account().map_err(|_| Refused::Credentials)?;
            if *account != own && *account != claims.account {
                return Err(Refused::Credentials);
            }
            let proof: StillProven = Arc::new(move || verifier.standing_key(&id, clock.now()).is_ok());
            return Ok(Admission { account: own, until: claims.expires_at, proof: Some(proof) });
        }
        let is_own = match (Party::of(account), claims.kind) {
            (Party::User(user), Kind::User) => user == claims.account,
            (Party::Plugin(id), Kind::Plugin) => id.as_str() == claims.account.as_str(),
            _ => false,
        };
        if !is_own {
            return Err(Refused::Credentials);
        }
        // The connection has all rights of its account, so the token must too.
        if claims.scopes.is_some() {
            return Err(Refused::NotAllowed);
        }
        self.is_enabled(account)?;
        let token = token.to_owned();
        let proof: StillProven = Arc::new(move || verifier.verify(&token, clock.now()).is_ok());
        Ok(Admission { account: account.clone(), until: claims.expires_at, proof: Some(proof) })
    }

    /// A user's or a plugin's password, followed by the six digits where there is a second factor.
    async fn by_login(&self, account: &AccountName, password: &str, peer: &Peer) -> Answer {
        let (password, code) = self.split(account, password).await;
        let password = SecretString::from(password);
        let login = Login { username: account.as_str(), password: &password, code: code.as_deref(), peer };
        let authenticated = self.accounts.authenticate(&login).await.map_err(|error| refusal(&error))?;
        if authenticated.must_change_password {
            return Err(Refused::NotAllowed);
        }
        Ok(self.standing(account, authenticated.user.token_epoch))
    }

    /// Who knows the password, or a one-time secret in its place, may log in with the rest.
    async fn to_the_lobby(&self, lobby: &AccountName, user: &AccountName, password: &str, peer: &Peer) -> Answer {
        let password = SecretString::from(password.to_owned());
        let is_secret = self.accounts.is_setup_secret(user, &password).await.map_err(|_| Refused::Busy)?;
        if !is_secret {
            let login = Login { username: user.as_str(), password: &password, code: None, peer };
            match self.accounts.authenticate(&login).await {
                Ok(_) | Err(AuthError::CodeRequired) => {}
                Err(error) => return Err(refusal(&error)),
            }
        }
        // It has no rights, and the answer to a password that is chosen there must still come.
        let (rights, whose) = (self.security.rights.clone(), user.clone());
        let proof: StillProven = Arc::new(move || rights.token_epoch(&whose).is_some());
        Ok(Admission { account: lobby.clone(), until: None, proof: Some(proof) })
    }

    /// A connection that stands as long as the account is not disabled and its password is the one that was looked at, when it had this
    /// epoch: what is known here may be older than that, or newer.
    fn standing(&self, account: &AccountName, epoch: u64) -> Admission {
        let (rights, whose) = (self.security.rights.clone(), account.clone());
        let proof: StillProven = Arc::new(move || rights.stands(&whose, epoch));
        Admission { account: account.clone(), until: None, proof: Some(proof) }
    }

    /// The password and the code behind it, where the account has a second factor.
    async fn split(&self, account: &AccountName, given: &str) -> (String, Option<String>) {
        let digits = given.bytes().rev().take_while(u8::is_ascii_digit).count();
        if digits >= CODE_DIGITS && self.accounts.user_of_name(account).await.is_ok_and(|user| user.has_second_factor) {
            let (password, code) = given.split_at(given.len() - CODE_DIGITS);
            return (password.to_owned(), Some(code.to_owned()));
        }
        (given.to_owned(), None)
    }
}

impl Gate for Door {
    fn connect<'a>(&'a self, credentials: &'a engine_broker::Credentials) -> Boxed<'a, Answer> {
        Box::pin(self.admit(credentials))
    }

    fn publish(&self, asker: &Asker<'_>, topic: &str, retain: bool) -> bool {
        // What stands is for its owner to say: a command that is kept would be done by whoever comes later.
        if retain && matches!(Party::of(asker.account), Party::User(_) | Party::Key(_) | Party::Lobby(_)) {
            return self.open.as_ref() == Some(asker.account);
        }
        let security = self.inside.get().map(|inside| &inside.security);
        self.topics.of(asker.account, security).may_publish(topic)
    }

    fn subscribe(&self, asker: &Asker<'_>, filter: &str) -> bool {
        let security = self.inside.get().map(|inside| &inside.security);
        self.topics.of(asker.account, security).may_read(filter)
    }
}

/// The account of a role by its name: `telescope`, `telescope-coordinator`, `gateway`, `node`.
fn account_of(role: &str) -> Result<AccountName, Refused> {
    let name = Owner::of_name(role).map_or_else(|| role.to_owned(), Owner::component);
    name.parse().map_err(|_| Refused::NotAllowed)
}

/// Whether a password has the form of a token or an API key.
fn is_token(password: &str) -> bool {
    password.starts_with(engine_tokens::API_KEY_PREFIX)
        || (password.starts_with("eyJ") && password.matches('.').count() == 2)
}

fn refusal(error: &AuthError) -> Refused {
    tracing::debug!(reason = error.refusal().map(engine_accounts::Refusal::as_str), "login refused at the door");
    match error {
        AuthError::Refused { .. } | AuthError::CodeRequired => Refused::Credentials,
        AuthError::Locked { .. } => Refused::NotAllowed,
        AuthError::Busy | AuthError::Store(_) | AuthError::Vault(_) | AuthError::Defect(_) => Refused::Busy,
    }
}

/// Compares without telling by its time how much is right.
fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    wanted.len() == given.len() && wanted.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
