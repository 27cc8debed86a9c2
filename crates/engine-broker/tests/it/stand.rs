//! A broker on ports of its own, and a gate that reads a table.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use engine::Boxed;
use engine_broker::{Admission, Asker, Broker, Credentials, Gate, Limits, Options, Refused, StillProven};
use vocabulary::{Clock, Timestamp, ids::AccountName};

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What one account may: the prefixes of topics, `retain:` before those that are for retained messages too, and of filters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    pub(crate) publish: Vec<&'static str>,
    pub(crate) subscribe: Vec<&'static str>,
}

/// Accounts whose password is their name.
pub(crate) struct TableGate {
    rows: RwLock<BTreeMap<&'static str, Rights>>,
    /// The accounts of those who show a certificate instead of a password.
    certificates: RwLock<BTreeMap<Vec<u8>, &'static str>>,
    /// How accounts are admitted that are not admitted for good.
    admissions: RwLock<BTreeMap<&'static str, Admission>>,
    /// The last client id and address that came with a question.
    asked: Mutex<Option<(String, SocketAddr)>>,
}

impl TableGate {
    pub(crate) fn new() -> Arc<Self> {
        let all = || Rights { publish: vec!["retain:"], subscribe: vec![""] };
        let open = Rights { publish: vec!["open/", "retain:kept/"], subscribe: vec!["open/", "kept/"] };
        let rows = BTreeMap::from([("root", all()), ("alice", open.clone()), ("bob", open)]);
        let (certificates, admissions, asked) = <_>::default();
        Arc::new(Self { rows: RwLock::new(rows), certificates, admissions, asked })
    }

    /// From now on `name` is admitted so.
    pub(crate) fn admit(&self, name: &'static str, until: Option<Timestamp>, proof: Option<StillProven>) {
        self.admissions.write().unwrap().insert(name, Admission { account: account(name), until, proof });
    }

    /// Who shows this certificate is `name`.
    pub(crate) fn know(&self, certificate: &[u8], name: &'static str) {
        self.certificates.write().unwrap().insert(certificate.to_vec(), name);
    }

    /// Whom the last question was about.
    pub(crate) fn last_asker(&self) -> Option<(String, SocketAddr)> {
        self.asked.lock().unwrap().take()
    }

    fn admission(&self, name: &str) -> Admission {
        self.admissions.read().unwrap().get(name).cloned().unwrap_or_else(|| account(name).into())
    }

    fn note(&self, asker: &Asker<'_>) {
        *self.asked.lock().unwrap() = Some((asker.client_id.to_owned(), asker.peer));
    }

    pub(crate) fn set(&self, name: &'static str, rights: Rights) {
        self.rows.write().unwrap().insert(name, rights);
    }
}

impl Gate for TableGate {
    fn connect<'a>(&'a self, credentials: &'a Credentials) -> Boxed<'a, Result<Admission, Refused>> {
        Box::pin(async move {
            if let Some(certificate) = credentials.certificate.first() {
                let name = self.certificates.read().unwrap().get(certificate.as_ref()).copied();
                return name.map(|name| self.admission(name)).ok_or(Refused::Credentials);
            }
            let name = credentials.username.as_deref().ok_or(Refused::Credentials)?;
            match name {
                "stuck" => std::future::pending().await,
                "busy" => Err(Refused::Busy),
                "banned" => Err(Refused::NotAllowed),
                name => {
                    let known = self.rows.read().unwrap().contains_key(name);
                    let proven = credentials.password.as_deref() == Some(name.as_bytes());
                    if known && proven { Ok(self.admission(name)) } else { Err(Refused::Credentials) }
                }
            }
        })
    }

    fn publish(&self, asker: &Asker<'_>, topic: &str, retain: bool) -> bool {
        self.note(asker);
        self.rows.read().unwrap()[asker.account.as_str()].publish.iter().any(|row| match row.strip_prefix("retain:") {
            Some(prefix) => topic.starts_with(prefix),
            None => !retain && topic.starts_with(row),
        })
    }

    fn subscribe(&self, asker: &Asker<'_>, filter: &str) -> bool {
        self.note(asker);
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
