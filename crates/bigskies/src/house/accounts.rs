//! The accounts of this observatory until there are others: the node's and the operator's, each with a password in a file of its own.

use std::{path::Path, sync::Arc};

use bus::{BrokerKind, Credentials};
use coordinator::{Authority, Trust};
use engine::Boxed;
use engine_broker::{Admission, Asker, Gate, Refused};
use vocabulary::{Fault, ids::AccountName};

use crate::data_folder::credentials_file;

/// What coordinators and faces log in as.
const NODE: &str = "node";
/// What a person logs in as.
const OPERATOR: &str = "operator";

/// The name of the operator's account.
#[expect(clippy::expect_used, reason = "a constant that is an id")]
pub(crate) fn operator() -> AccountName {
    OPERATOR.parse().expect("an id")
}

/// The name of the node's account.
#[expect(clippy::expect_used, reason = "a constant that is an id")]
pub(crate) fn node() -> AccountName {
    NODE.parse().expect("an id")
}

/// The two accounts of an embedded broker.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    pub(crate) node: Credentials,
    pub(crate) operator: Credentials,
}

impl Accounts {
    /// Reads them from the data folder, or makes them there.
    pub(crate) fn read_or_make(data: &Path) -> Result<Self, Fault> {
        let of = |account: AccountName| {
            let file = credentials_file(data, account.as_str());
            Credentials::read_or_make(&file, account, BrokerKind::Embedded)
        };
        Ok(Self { node: of(node())?, operator: of(operator())? })
    }
}

/// Lets the two accounts in, and everybody where the broker is open; who is in may do everything until there are rights.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) accounts: Accounts,
    pub(crate) open: bool,
}

impl Gate for Door {
    fn connect<'a>(&'a self, client: &'a engine_broker::Credentials) -> Boxed<'a, Result<Admission, Refused>> {
        Box::pin(async move {
            let Some(name) = &client.username else {
                return if self.open { Ok(operator().into()) } else { Err(Refused::Credentials) };
            };
            let known = [&self.accounts.node, &self.accounts.operator];
            let password = client.password.as_deref().unwrap_or_default();
            let found = known.into_iter().find(|account| account.account.as_str() == name);
            match found {
                Some(account) if is_same(account.password.as_bytes(), password) => Ok(account.account.clone().into()),
                _ => Err(Refused::Credentials),
            }
        })
    }

    fn publish(&self, _: &Asker<'_>, _: &str, _: bool) -> bool {
        true
    }

    fn subscribe(&self, _: &Asker<'_>, _: &str) -> bool {
        true
    }
}

/// Compares without telling by its time how much is right.
fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    wanted.len() == given.len() && wanted.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Who may do what, for a broker of this kind.
pub(crate) fn authority(broker: BrokerKind, open: bool) -> Arc<dyn Authority> {
    let trust = Trust::new(broker, operator(), vec![node()]);
    if open { Arc::new(trust.open()) } else { Arc::new(trust) }
}

/// The account that answers to us are published for.
pub(crate) fn reply_account(credentials: Option<&Credentials>) -> AccountName {
    match credentials {
        Some(credentials) if credentials.broker == BrokerKind::Embedded => credentials.account.clone(),
        Some(_) | None => operator(),
    }
}
