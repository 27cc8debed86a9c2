//! A broker on ports of its own, and a gate that reads a table.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, RwLock},
    time::Duration,
};

use engine::Boxed;
use engine_broker::{Admission, Asker, Broker, Credentials, Gate, Limits, Options, Refused};
use vocabulary::{Clock, ids::AccountName};

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What one account may: the prefixes of topics, `retain:` before those that are for retained messages too, and of filters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    pub(crate) publish: Vec<&'static str>,
    pub(crate) subscribe: Vec<&'static str>,
}

/// Accounts whose password is their name.
#[derive(Debug)]
pub(crate) struct TableGate {
    rows: RwLock<BTreeMap<&'static str, Rights>>,
}

impl TableGate {
    pub(crate) fn new() -> Arc<Self> {
        let all = || Rights { publish: vec!["retain:"], subscribe: vec![""] };
        let open = Rights { publish: vec!["open/", "retain:kept/"], subscribe: vec!["open/", "kept/"] };
        let rows = BTreeMap::from([("root", all()), ("alice", open.clone()), ("bob", open)]);
        Arc::new(Self { rows: RwLock::new(rows) })
    }

    pub(crate) fn set(&self, name: &'static str, rights: Rights) {
        self.rows.write().unwrap().insert(name, rights);
    }
}

impl Gate for TableGate {
    fn connect<'a>(&'a self, credentials: &'a Credentials) -> Boxed<'a, Result<Admission, Refused>> {
        Box::pin(async move {
            let name = credentials.username.as_deref().ok_or(Refused::Credentials)?;
            match name {
                "stuck" => std::future::pending().await,
                "busy" => Err(Refused::Busy),
                "banned" => Err(Refused::NotAllowed),
                name => {
                    let known = self.rows.read().unwrap().contains_key(name);
                    let proven = credentials.password.as_deref() == Some(name.as_bytes());
                    if known && proven { Ok(account(name).into()) } else { Err(Refused::Credentials) }
                }
            }
        })
    }

    fn publish(&self, asker: &Asker<'_>, topic: &str, retain: bool) -> bool {
        self.rows.read().unwrap()[asker.account.as_str()].publish.iter().any(|row| match row.strip_prefix("retain:") {
            Some(prefix) => topic.starts_with(prefix),
            None => !retain && topic.starts_with(row),
        })
    }

    fn subscribe(&self, asker: &Asker<'_>, filter: &str) -> bool {
        self.rows.read().unwrap()[asker.account.as_str()].subscribe.iter().any(|row| filter.starts_with(row))
    }
}

pub(crate) fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

pub(crate) fn any_port() -> Vec<SocketAddr> {
    vec!["127.0.0.1:0".parse().unwrap()]
}

pub(crate) fn options(gate: &Arc<TableGate>) -> Options {
    let gate: Arc<dyn Gate> = Arc::clone(gate) as _;
    let limits = Limits { handshake_deadline: Duration::from_secs(2), ..Limits::default() };
    Options { tcp: any_port(), websocket: any_port(), limits, ..Options::new(gate, Clock::system()) }
}

/// A broker in memory.
pub(crate) async fn broker() -> (Broker, SocketAddr, Arc<TableGate>) {
    let gate = TableGate::new();
    let broker = Broker::start(options(&gate)).await.unwrap();
    let tcp = broker.tcp_addresses()[0];
    (broker, tcp, gate)
}

/// Waits until `met` says so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut met: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let waiting = async {
        while !met().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "still waiting until {what}");
}
