//! Who is asking, and whether they may.

use bus::{BrokerKind, Delivery};
use catalog::{Needs, envelope::Header};
use vocabulary::{Fault, ids::AccountName};

/// Who asks, as far as it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountName,
    /// Whether it may act for others.
    pub administrator: bool,
}

/// Finds the caller of a message and decides whether it may be executed. No handler does either.
pub trait Authority: Send + Sync + 'static {
    /// The caller.
    ///
    /// # Errors
    /// `unauthenticated` where nothing proves one; `forbidden` where a proof is not the connection's own.
    fn caller(&self, delivery: &Delivery, header: &Header) -> Result<Caller, Fault>;

    /// Whether the caller has the right.
    ///
    /// # Errors
    /// `forbidden` where not.
    fn permits(&self, caller: &Caller, needs: Needs) -> Result<(), Fault>;
}

/// The table that holds until there are accounts: on our own broker the stamp names the caller, who is one of the given accounts and may do
/// everything; on another broker, and where everybody is let in, every publisher counts as the operator.
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
    fn caller(&self, delivery: &Delivery, _: &Header) -> Result<Caller, Fault> {
        let everybody = Caller { account: self.operator.clone(), administrator: true };
        if self.broker == BrokerKind::External {
            return Ok(everybody);
        }
        match &delivery.sender_stamp {
            Some(account) if self.accounts.contains(account) => {
                Ok(Caller { account: account.clone(), administrator: true })
            }
            _ if self.open => Ok(everybody),
            Some(account) => Err(Fault::unauthenticated(format!("account {account} is not known"))
                .hint("connect with an account of this observatory")),
            None => Err(Fault::unauthenticated("caller has no account")
                .hint("connect with user and password; `bigskies up` prints them")),
        }
    }

    fn permits(&self, caller: &Caller, needs: Needs) -> Result<(), Fault> {
        match needs {
            Needs::Nobody | Needs::Anybody => Ok(()),
            Needs::Addressee => Err(Fault::forbidden(format!("{} is not the one it is for", caller.account))
                .hint("only who stands in the topic receives it")),
            Needs::Right(_) if caller.administrator => Ok(()),
            Needs::Right(permission) => Err(Fault::forbidden(format!("{} lacks {permission}", caller.account))
                .hint("ask an administrator for the right")),
        }
    }
}
