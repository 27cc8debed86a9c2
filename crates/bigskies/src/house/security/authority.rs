//! Finds the caller of a message by the connection's stamp and the token that it brings, and looks at their rights.
//!
//! On our own broker the stamp is proof; a token must be the login's own, unless a face brings it for a user. On another broker the
//! stamp is worth nothing and the token is all.

use std::sync::Arc;

use bus::{BrokerKind, Delivery};
use catalog::{Entry, Face, Needs, Owner, Party, envelope::Header, topic};
use coordinator::{Authority, Caller};
use engine_accounts::{Reason, Right};
use engine_tokens::{Claims, Kind};
use vocabulary::{
    Fault, Permission,
    ids::{AccountName, ApiKeyId},
};

use super::Security;

/// The rule of one process: over one kind of broker.
pub(crate) struct Rule {
    security: Security,
    broker: BrokerKind,
    /// Who may do everything without a login, where everybody is let in.
    open: Option<AccountName>,
}

impl Rule {
    pub(crate) fn new(security: Security, broker: BrokerKind, open: Option<AccountName>) -> Self {
        Self { security, broker, open }
    }

    /// The caller on our own broker.
    fn stamped(&self, over: &AccountName, token: Option<&str>) -> Result<Caller, Fault> {
        let claims = token.map(|token| self.claims(token)).transpose()?;
        match (Party::of(over), claims) {
            (Party::Face(_), Some(claims)) => self.of_claims(&claims, Some(over)),
            // A face without a user's token asks for itself: how the others are.
            (Party::Coordinator(_) | Party::Face(_) | Party::Node, None) => Ok(Caller::of(over.clone())),
            (Party::Lobby(user), Some(claims)) if is_users(claims.kind) && claims.account == user => {
                self.of_claims(&claims, Some(over))
            }
            (Party::Lobby(_), None) => Err(Fault::unauthenticated(format!("{over} is not logged in"))
                .hint("log in with security/auth/login and send the token that it answers")),
            (Party::Key(id), None) => {
                let claims = self.security.verifier.standing_key(&id, self.security.clock.now()).map_err(untrusted)?;
                self.of_claims(&claims, Some(over))
            }
            (Party::Key(id), Some(claims)) if self.is_users_own(&id, &claims) => self.of_claims(&claims, Some(over)),
            (Party::Plugin(_) | Party::User(_), None) => self.of_account(over),
            (Party::User(user), Some(claims)) if is_users(claims.kind) && claims.account == user => {
                self.of_claims(&claims, None)
            }
            (Party::Plugin(id), Some(claims))
                if claims.kind == Kind::Plugin && claims.account.as_str() == id.as_str() =>
            {
                self.of_account(over)
            }
            (Party::Coordinator(_) | Party::Node, Some(claims))
                if claims.kind == Kind::Node && claims.account == *over =>
            {
                Ok(Caller::of(over.clone()))
            }
            (_, Some(claims)) => Err(Fault::forbidden(format!("token of {} is not {over}'s own", claims.account))
                .hint("connect as the account whose token it is")),
        }
    }

    fn is_users_own(&self, id: &ApiKeyId, claims: &Claims) -> bool {
        let key = self.security.verifier.standing_key(id, self.security.clock.now());
        key.is_ok_and(|key| key.user_id.is_some() && key.user_id == claims.user_id)
    }

    /// The caller on another broker.
    fn brought(&self, token: Option<&str>, reply_account: Option<&str>) -> Result<Caller, Fault> {
        let token = token.ok_or_else(|| {
            Fault::unauthenticated("message brings no token")
                .hint("log in with security/auth/login, or send an API key: as token in the envelope or as MQTT 5 user property")
        })?;
        let claims = self.claims(token)?;
        // Only its own account's clients, and faces that bring it, are sent the answer.
        let over = reply_account.and_then(|account| account.parse::<AccountName>().ok()).filter(|account| {
            match Party::of(account) {
                Party::Face(_) => true,
                Party::Lobby(user) => is_users(claims.kind) && user == claims.account,
                Party::Key(id) => claims.kind == Kind::Key && claims.jti.as_str() == id.as_str(),
                Party::Coordinator(_) | Party::Node | Party::Plugin(_) | Party::User(_) => false,
            }
        });
        self.of_claims(&claims, over.as_ref())
    }

    /// Whether who brings this token, and nothing else, has a right.
    pub(crate) fn bearer(&self, token: Option<&str>, permission: Permission) -> Result<(), Fault> {
        let token = token.ok_or_else(|| {
            Fault::unauthenticated("call brings no token").hint(
                "log in with security/auth/login and send the token, or an API key, as `authorization: Bearer TOKEN`",
            )
        })?;
        let claims = self.claims(token)?;
        let caller = self.of_claims(&claims, None)?;
        self.permits(&caller, Needs::Right(permission), &[])
    }

    fn claims(&self, token: &str) -> Result<Arc<Claims>, Fault> {
        self.security.verifier.verify(token, self.security.clock.now()).map_err(untrusted)
    }

    fn of_claims(&self, claims: &Claims, over: Option<&AccountName>) -> Result<Caller, Fault> {
        let found = match claims.kind {
            Kind::User | Kind::Key => self.of_account(&claims.account)?,
            Kind::Plugin => {
                let id = claims.account.as_str().parse().map_err(|_| unknown(&claims.account))?;
                self.of_account(&Party::Plugin(id).account().map_err(|_| unknown(&claims.account))?)?
            }
            Kind::Node => match Party::of(&claims.account) {
                Party::Coordinator(_) | Party::Face(_) | Party::Node => Caller::of(claims.account.clone()),
                _ => return Err(unknown(&claims.account)),
            },
        };
        let scopes = claims.scopes.clone();
        // Who acts for others does so with all that it may.
        let administrator = found.administrator && scopes.is_none();
        let over = over.filter(|over| **over != found.account).cloned();
        Ok(Caller { administrator, scopes, over, ..found })
    }

    /// An account with a row, a user's or a plugin's.
    fn of_account(&self, account: &AccountName) -> Result<Caller, Fault> {
        let rights = self.security.rights.snapshot();
        let found = rights.account(account).filter(|found| found.enabled).ok_or_else(|| unknown(account))?;
        Ok(Caller { user: Some(found.id.clone()), administrator: found.administrator, ..Caller::of(account.clone()) })
    }
}

impl Authority for Rule {
    fn caller(&self, entry: &Entry, delivery: &Delivery, header: &Header) -> Result<Caller, Fault> {
        let token = header.token.as_deref().or(delivery.token.as_deref());
        let own_broker = self.broker == BrokerKind::Embedded;
        let stamp = delivery.sender_stamp.as_ref().filter(|_| own_broker);
        let origin = delivery.sender_client.clone().filter(|_| own_broker).unwrap_or_default();
        if let (Some(operator), true) = (&self.open, stamp.is_none_or(|stamp| Some(stamp) == self.open.as_ref())) {
            return Ok(Caller { administrator: true, origin, ..Caller::of(operator.clone()) });
        }
        let found = match stamp {
            Some(over) => self.stamped(over, token),
            None if own_broker => Err(Fault::unauthenticated("caller has no account")
                .hint("connect with user and password, an API key, or a certificate")),
            None => {
                let reply_to = delivery.response_topic.as_deref().or(header.reply_to.as_deref());
                self.brought(token, reply_to.and_then(topic::account_of_reply))
            }
        };
        match found {
            Ok(caller) => Ok(Caller { origin, ..caller }),
            // Its fields prove who asks; what else it brings does not matter.
            Err(_) if matches!(entry.needs, Needs::Nobody | Needs::Node) => Ok(self.stranger(delivery)),
            Err(fault) => Err(fault),
        }
    }

    /// Anybody can write a stamp where another's broker neither sets nor replaces it.
    fn stranger(&self, delivery: &Delivery) -> Caller {
        Caller::stranger(&own(delivery, self.broker == BrokerKind::Embedded))
    }

    fn permits(&self, caller: &Caller, needs: Needs, scopes: &[&str]) -> Result<(), Fault> {
        let permission = match needs {
            Needs::Nobody => return Ok(()),
            Needs::Anybody if caller.is_nobody() => return Err(Fault::unauthenticated("caller is not known")),
            Needs::Anybody => return Ok(()),
            Needs::Node if self.broker == BrokerKind::External || is_ours(caller) => return Ok(()),
            Needs::Node => return Err(Fault::forbidden(format!("{} is no process of ours", caller.account))),
            Needs::Addressee => return Err(Fault::forbidden("what is sent to one reader alone can't be asked for")),
            Needs::Right(permission) => permission,
        };
        if self.open.as_ref() == Some(&caller.account) && caller.user.is_none() {
            return Ok(());
        }
        if !caller.leaves_in(permission) {
            return Err(Fault::forbidden(format!("token of {} leaves {permission} out", caller.account))
                .hint("use a token or an API key with that scope"));
        }
        if may_as_itself(caller, permission) {
            return Ok(());
        }
        let decision = self.security.rights.check_within(&caller.account, permission, scopes);
        match decision.reason {
            Reason::Granted => Ok(()),
            Reason::Disabled | Reason::UnknownAccount => Err(forbidden(caller, Right::from(permission))),
            Reason::Denied => Err(Fault::forbidden(format!("{} is denied {permission}", caller.account))
                .hint("a role or group of yours denies it; ask an administrator")),
            Reason::NotGranted => Err(forbidden(caller, Right::from(permission))),
        }
    }
}

/// Processes of ours ask each other what they must, and no more: how they are, and what runs where.
fn may_as_itself(caller: &Caller, permission: Permission) -> bool {
    let is_owners = Owner::of_word(permission.resource).is_some();
    is_ours(caller) && ((is_owners && permission.action == "read") || permission.resource == "service")
}

fn is_ours(caller: &Caller) -> bool {
    matches!(Party::of(&caller.account), Party::Coordinator(_) | Party::Node | Party::Face(Face::Gateway))
}

fn forbidden(caller: &Caller, right: Right<'_>) -> Fault {
    Fault::forbidden(format!("{} lacks {right}", caller.account)).hint("ask an administrator for the right")
}

/// A delivery without what another broker's stamps say.
fn own(delivery: &Delivery, own_broker: bool) -> Delivery {
    if own_broker {
        return delivery.clone();
    }
    Delivery { sender_stamp: None, sender_client: None, ..delivery.clone() }
}

const fn is_users(kind: Kind) -> bool {
    matches!(kind, Kind::User | Kind::Key)
}

fn unknown(account: &AccountName) -> Fault {
    Fault::unauthenticated(format!("account {account} is not known, or is disabled"))
        .hint("log in again; an administrator can enable the account")
}

/// What is wrong with a token is for the log; who sent it learns that it is not good.
fn untrusted(error: engine_tokens::TokenError) -> Fault {
    tracing::debug!(reason = error.reason(), "token refused");
    error.into()
}
