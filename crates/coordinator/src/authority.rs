//! Who is asking, and whether they may.

use bus::{BrokerKind, Delivery};
use catalog::{Entry, Needs, envelope::Header};
use vocabulary::{
    Fault, Permission, Scopes,
    ids::{AccountName, UserId},
};

/// Who asks, as far as it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account. Where a message needs no caller and brings no proof, that of the connection, or `nobody`.
    pub account: AccountName,
    /// The user behind it, where it is one's.
    pub user: Option<UserId>,
    /// Whether it may act for others.
    pub administrator: bool,
    /// What its token or key leaves of its rights; nothing where that is all.
    pub scopes: Option<Scopes>,
    /// The account of the connection that brought the message, where that is another: a face's, an API key's.
    pub over: Option<AccountName>,
    /// From where, as far as it is known: the client id that our own broker stamps.
    pub origin: String,
}

impl Caller {
    /// An account with nothing known besides.
    pub fn of(account: AccountName) -> Self {
        Self { account, user: None, administrator: false, scopes: None, over: None, origin: String::new() }
    }

    /// Somebody who is not known, over a connection that is perhaps.
    pub fn stranger(delivery: &Delivery) -> Self {
        let account = delivery.sender_stamp.clone().unwrap_or_else(nobody);
        Self { origin: delivery.sender_client.clone().unwrap_or_default(), ..Self::of(account) }
    }

    /// Nobody who is known.
    pub fn is_nobody(&self) -> bool {
        self.account == nobody()
    }

    /// Whether answers to this account's reply topics come to who asks.
    pub fn may_reply_to(&self, account: &str) -> bool {
        self.account.as_str() == account || self.over.as_ref().is_some_and(|over| over.as_str() == account)
    }

    /// Whether the token leaves this right in.
    pub fn leaves_in(&self, permission: Permission) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.permit(permission.resource, permission.action))
    }
}

/// The account of who has none.
#[expect(clippy::expect_used, reason = "a constant that is a name")]
fn nobody() -> AccountName {
    "nobody".parse().expect("a name")
}

/// Finds the caller of a message and decides whether it may be executed. No handler does either.
pub trait Authority: Send + Sync + 'static {
    /// The caller of a message of this row.
    ///
    /// # Errors
    /// `unauthenticated` where nothing proves one; `forbidden` where a proof is not the connection's own.
    fn caller(&self, entry: &Entry, delivery: &Delivery, header: &Header) -> Result<Caller, Fault>;

    /// Whom the trail names where no caller was found: whose connection it is, as far as the broker is to be believed.
    fn stranger(&self, delivery: &Delivery) -> Caller;

    /// Whether the caller has the right, everywhere or in one of these scopes (`telescope:t1`).
    ///
    /// # Errors
    /// `forbidden` where not.
    fn permits(&self, caller: &Caller, needs: Needs, scopes: &[&str]) -> Result<(), Fault>;
}

/// The table where everybody who reaches the broker is trusted: on our own broker the stamp names the caller, elsewhere and where
/// everybody is let in it is the operator; each may do everything. For `--open` on loopback, and for tests of one coordinator.
#[derive(Debug, Clone)]
pub struct Trust {
    broker: BrokerKind,
    accounts: Vec<AccountName>,
    operator: AccountName,
    open: bool,
}

impl Trust {
    /// Trusts the stamps of our own broker for `accounts`, or takes everybody on another broker for `operator`.
    pub fn new(broker: BrokerKind, operator: AccountName, others: Vec<AccountName>) -> Self {
        let accounts = others.into_iter().chain([operator.clone()]).collect();
        Self { broker, accounts, operator, open: false }
    }

    /// The same where everybody is let in: who has no account is the operator.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }
}

impl Authority for Trust {
    fn caller(&self, _: &Entry, delivery: &Delivery, _: &Header) -> Result<Caller, Fault> {
        let trusted = |account: &AccountName| Caller { administrator: true, ..Caller::of(account.clone()) };
        if self.broker == BrokerKind::External {
            return Ok(trusted(&self.operator));
        }
        match &delivery.sender_stamp {
            Some(account) if self.accounts.contains(account) => Ok(trusted(account)),
            _ if self.open => Ok(trusted(&self.operator)),
            Some(account) => Err(Fault::unauthenticated(format!("account {account} is not known"))
                .hint("connect with an account of this observatory")),
            None => Err(Fault::unauthenticated("caller has no account").hint("connect with user and password")),
        }
    }

    fn stranger(&self, delivery: &Delivery) -> Caller {
        Caller::stranger(delivery)
    }

    fn permits(&self, caller: &Caller, needs: Needs, _: &[&str]) -> Result<(), Fault> {
        match needs {
            Needs::Nobody | Needs::Anybody | Needs::Node => Ok(()),
            Needs::Right(_) if caller.administrator => Ok(()),
            Needs::Right(permission) => Err(Fault::forbidden(format!("{} lacks {permission}", caller.account))
                .hint("ask an administrator for the right")),
            Needs::Addressee => Err(Fault::forbidden("what is sent to one reader alone can't be asked for")),
        }
    }
}
