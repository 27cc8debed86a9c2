//! For each test a broker that lets everybody in by name, a database, and the coordinator.

mod surroundings;

use std::{
    fs,
    future::Future,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{Ask, BrokerKind, Bus, BusOptions, Credentials, Delivery, Outgoing, Watch};
use catalog::{Command, Event, Needs, Owner, Qos, Shape, envelope, topic};
use coordinator::{Frame, Trail};
use coordinator_security::{Given, Security};
use engine::Engine as _;
use engine_accounts::{Accounts, AccountsSettings, NewUser, Rights};
use engine_broker::{Broker, Options};
use engine_tokens::Verifier;
use health::{Report, Status};
use store::{
    Changes, MasterKey, Store, Vault,
    accounts::{
        RIGHTS_CHANNEL,
        permissions::{Holder, Rule},
    },
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vocabulary::{
    Clock, Code, Fault, Timestamp,
    ids::{AccountName, GroupId, OrganisationId, RoleId, UserId},
};

use surroundings::{Cluster, OpenDoor, Table, cluster};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// The password of accounts that a stand makes.
pub(crate) const PASSWORD: &str = "Deneb, Vega and Altair";

/// All that was published, but for what is for one reader alone.
pub(crate) type Published = Arc<Mutex<Vec<(String, String)>>>;

/// The coordinator and its surroundings.
pub(crate) struct Stand {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) rights: Rights,
    pub(crate) verifier: Verifier,
    pub(crate) node: Credentials,
    pub(crate) folder: TempDir,
    pub(crate) published: Published,
    pub(crate) observer: Bus,
    accounts: Accounts,
    changes: Arc<Changes>,
    broker: Broker,
    running: Option<(JoinHandle<()>, CancellationToken)>,
    clients: AtomicU32,
    collecting: JoinHandle<()>,
    _cluster: Arc<Cluster>,
}

impl Stand {
    /// With an administrator called `root`.
    pub(crate) async fn start() -> Self {
        let mut stand = Self::without_administrator().await;
        stand.user_with("root", &["administrator"]).await;
        stand.run().await;
        stand
    }

    /// Without anybody, and the coordinator does not run yet.
    pub(crate) async fn without_administrator() -> Self {
        let cluster = cluster();
        let store = cluster.store().await;
        let clock = Clock::by_hand("2026-11-21T20:00:00Z".parse::<Timestamp>().unwrap());
        let vault = Vault::new(&MasterKey::fresh().unwrap(), &[]).unwrap();
        let changes = Arc::new(Changes::listen(store.clone(), &[RIGHTS_CHANNEL, store::tokens::CHANNEL]));
        let entries = catalog::all();
        let known = entries.iter().filter_map(|entry| match entry.needs {
            Needs::Right(right) => Some(right),
            _ => None,
        });
        let known = known.collect();
        let rights = Rights::start(store.clone(), changes.on(RIGHTS_CHANNEL).unwrap(), known).await.unwrap();
        let epochs = rights.clone();
        let epoch = Arc::new(move |id: &UserId| epochs.token_epoch_of(id).map(|epoch| i64::try_from(epoch).unwrap()));
        let verifier =
            Verifier::start(store.clone(), Some(vault.clone()), &changes, epoch, clock.clone()).await.unwrap();
        let cheap = AccountsSettings { argon2_memory_kibibytes: 64, argon2_passes: 1, ..AccountsSettings::default() };
        let accounts = Accounts::start(store.clone(), vault.clone(), clock.clone(), cheap).await.unwrap();
        let options =
            Options { tcp: vec![([127, 0, 0, 1], 0).into()], ..Options::new(Arc::new(OpenDoor), clock.clone()) };
        let broker = Broker::start(options).await.unwrap();
        let observer = connect(&broker, "observer", "observer", &clock).await;
        let published = Published::default();
        // On a connection of its own: what two subscriptions of one let through comes twice.
        let collector = connect(&broker, "collector", "collector", &clock).await;
        let collecting = collect(&collector, &published).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.json");
        let node = Credentials::read_or_make(&path, "node".parse().unwrap(), BrokerKind::Embedded).unwrap();
        let (running, clients) = (None, AtomicU32::new(0));
        #[rustfmt::skip]
        let stand = Self {
            store, vault, clock, rights, verifier, node, folder, published, observer, accounts, changes, broker, running,
            clients, collecting, _cluster: cluster,
        };
        stand
    }

    pub(crate) fn first_secret(&self) -> PathBuf {
        self.folder.path().join("first-administrator")
    }

    /// Runs the coordinator and waits until it is ready.
    pub(crate) async fn run(&mut self) {
        let authority =
            Table { rights: self.rights.clone(), verifier: self.verifier.clone(), clock: self.clock.clone() };
        let account: AccountName = "security-coordinator".parse().unwrap();
        let frame = Frame {
            address: self.broker.tcp_addresses()[0].to_string().parse().unwrap(),
            credentials: Some(credentials(account.clone())),
            account,
            authority: Arc::new(authority),
            trail: Trail::start(self.store.clone(), self.clock.clone()),
            vault: None,
            tls: None,
            store: self.store.clone(),
            clock: self.clock.clone(),
            boot: vec![],
        };
        let given = Given {
            vault: self.vault.clone(),
            changes: Arc::clone(&self.changes),
            rights: self.rights.clone(),
            verifier: self.verifier.clone(),
            node: Some(self.node.clone()),
            broker: BrokerKind::Embedded,
            tls_name: None,
            first_secret: Some(self.first_secret()),
        };
        let mut reports = self.watch(&topic::health(Owner::Security)).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(coordinator::run::<Security>(frame, given, stop.clone()));
        self.running = Some((running, stop));
        let is_ready = |report: &Report| matches!(report.status, Status::Healthy | Status::Degraded);
        next_where(&mut reports, |report: &Report| is_ready(report)).await;
    }

    /// Ends the coordinator in good order.
    pub(crate) async fn end(&mut self) {
        let (running, stop) = self.running.take().unwrap();
        stop.cancel();
        tokio::time::timeout(LIMIT, running).await.unwrap().unwrap();
    }

    /// An account with [`PASSWORD`], past the coordinator.
    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.user_with(name, &[]).await
    }

    /// The same with roles.
    pub(crate) async fn user_with(&self, name: &str, roles: &[&str]) -> UserId {
        self.member(name, roles, None).await
    }

    /// The same in an organisation.
    pub(crate) async fn member(&self, name: &str, roles: &[&str], organisation: Option<&OrganisationId>) -> UserId {
        let name: AccountName = name.parse().unwrap();
        let password = Some(self.accounts.prepare_password(&name, &PASSWORD.into()).await.unwrap());
        let new = NewUser { password, organisation: organisation.cloned(), ..NewUser::person(name) };
        let mut tx = self.store.begin().await.unwrap();
        let user = self.accounts.create_user(&mut tx, &new).await.unwrap();
        for role in roles {
            let role = self.accounts.role_named(role).await.unwrap();
            self.accounts.assign_role(&mut tx, &role.id, &user.id).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.rights.refresh().await.unwrap();
        user.id
    }

    /// A role with rules (`resource:action`, `!` before what is denied, `@scope` behind), past the coordinator.
    pub(crate) async fn role(&self, name: &str, rules: &[&str]) -> RoleId {
        let mut tx = self.store.begin().await.unwrap();
        let role = self.accounts.create_role(&mut tx, name, "").await.unwrap();
        for text in rules {
            self.accounts.grant(&mut tx, &Holder::Role(role.id.clone()), &rule(text)).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.rights.refresh().await.unwrap();
        role.id
    }

    /// A group with rules.
    pub(crate) async fn group(&self, name: &str, rules: &[&str], organisation: Option<&OrganisationId>) -> GroupId {
        let mut tx = self.store.begin().await.unwrap();
        let group = self.accounts.create_group(&mut tx, name, "", organisation).await.unwrap();
        for text in rules {
            self.accounts.grant(&mut tx, &Holder::Group(group.id.clone()), &rule(text)).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.rights.refresh().await.unwrap();
        group.id
    }

    pub(crate) async fn organisation(&self, name: &str) -> OrganisationId {
        let mut tx = self.store.begin().await.unwrap();
        let made = self.accounts.create_organisation(&mut tx, name, "").await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    /// A client of this account.
    pub(crate) async fn client(&self, account: &str) -> Client {
        let number = self.clients.fetch_add(1, Ordering::SeqCst);
        Client { bus: connect(&self.broker, account, &format!("{account}-{number}"), &self.clock).await, token: None }
    }

    /// Asks for what is refused since nobody known asks. Who that is isn't known, so the answer is the shared one.
    pub(crate) async fn unauthenticated<C: Command>(&self, client: &Client, command: C) {
        let shared = topic::response(C::NAME);
        let refusals = || {
            let published = self.published.lock().unwrap();
            published.iter().filter(|(topic, text)| *topic == shared && text.contains("unauthenticated")).count()
        };
        let before = refusals();
        let payload = without_nulls(serde_json::to_value(&command).unwrap()).to_string().into();
        let (topic, qos, token) = (topic::inbound(C::NAME), C::QOS, client.token.clone());
        client.bus.publish(Outgoing { topic, payload, qos, token, ..Outgoing::default() }).await.unwrap();
        until("the refusal", || async { refusals() > before }).await;
    }

    /// Watches a filter from now on; retained messages come first.
    pub(crate) async fn watch(&self, filter: &str) -> Watch {
        self.observer.watch(&[(filter.to_owned(), Qos::AtLeastOnce)], 4096).await.unwrap()
    }

    /// Watches an event from now on.
    pub(crate) async fn events<E: Event>(&self) -> Watch {
        self.watch(&topic::event(E::NAME)).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some((_, stop)) = self.running.take() {
            stop.cancel();
        }
        self.collecting.abort();
        let broker = self.broker.clone();
        tokio::spawn(async move { broker.stop().await });
    }
}

/// A rule from its text.
pub(crate) fn rule(text: &str) -> Rule {
    let (denies, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
    let (right, scope) = text.split_once('@').map_or((text, None), |(right, scope)| (right, Some(scope)));
    let (resource, action) = right.split_once(':').unwrap();
    let rule = if denies { Rule::deny(resource, action) } else { Rule::allow(resource, action) };
    Rule { scope: scope.map(str::to_owned), ..rule }
}

fn credentials(account: AccountName) -> Credentials {
    Credentials { account, password: "x".to_owned(), broker: BrokerKind::Embedded }
}

async fn connect(broker: &Broker, account: &str, client_id: &str, clock: &Clock) -> Bus {
    let account: AccountName = account.parse().unwrap();
    let options = BusOptions {
        address: broker.tcp_addresses()[0].to_string().parse().unwrap(),
        client_id: client_id.to_owned(),
        credentials: Some(credentials(account.clone())),
        source: format!("user:{account}"),
        account,
        tls: None,
        last_will: None,
        clock: clock.clone(),
    };
    Bus::connect(options, LIMIT).await.unwrap()
}

async fn collect(collector: &Bus, published: &Published) -> JoinHandle<()> {
    let filters = [topic::EVERY_EVENT, topic::EVERY_STATE, topic::EVERY_HEALTH, topic::EVERY_RESPONSE];
    let filters = filters.map(|filter| (filter.to_owned(), Qos::AtLeastOnce));
    let mut watch = collector.watch(&filters, 65_536).await.unwrap();
    let (published, collector) = (Arc::clone(published), collector.clone());
    tokio::spawn(async move {
        let _collector = collector;
        while let Some(delivery) = watch.next().await {
            let text = String::from_utf8_lossy(&delivery.payload).into_owned();
            published.lock().unwrap().push((delivery.topic, text));
        }
    })
}

/// A client, with or without a token.
pub(crate) struct Client {
    pub(crate) bus: Bus,
    pub(crate) token: Option<String>,
}

impl Client {
    /// The same with a token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { bus: self.bus.clone(), token: Some(token.to_owned()) }
    }

    pub(crate) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, Fault> {
        self.ask_under(None, command).await
    }

    /// The same under an id.
    pub(crate) async fn ask_under<C: Command>(&self, id: Option<&str>, command: C) -> Result<C::Reply, Fault> {
        let payload = without_nulls(serde_json::to_value(&command).unwrap());
        let ask = Ask { id: id.map(str::to_owned), token: self.token.clone(), limit: Some(LIMIT), ..Ask::default() };
        let reply = self.bus.ask_topic(&topic::inbound(C::NAME), payload, C::QOS, ask).await?;
        Ok(serde_json::from_value(reply.into()).unwrap())
    }

    /// Asks for what is to be refused, and says with which code; nothing where it was done.
    pub(crate) async fn code<C: Command>(&self, command: C) -> Option<Code> {
        self.ask(command).await.err().map(|fault| fault.code)
    }
}

fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// The payload of a message; nothing if it has none.
pub(crate) fn payload<M: Shape>(delivery: &Delivery) -> Option<M> {
    let payload = envelope::read(&delivery.payload, &std::collections::BTreeSet::new()).payload.ok()?;
    serde_json::from_value(payload).ok()
}

/// The next message that is as wanted.
pub(crate) async fn next_where<M: Shape>(watch: &mut Watch, mut wanted: impl FnMut(&M) -> bool) -> M {
    let search = async {
        loop {
            let delivery = watch.next().await.unwrap();
            if let Some(message) = payload::<M>(&delivery).filter(|message| wanted(message)) {
                return message;
            }
        }
    };
    let found = tokio::time::timeout(LIMIT, search).await;
    found.unwrap_or_else(|_| panic!("no such {} came", std::any::type_name::<M>()))
}

/// The next message.
pub(crate) async fn next<M: Shape>(watch: &mut Watch) -> M {
    next_where(watch, |_| true).await
}

/// Waits until `condition` holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> Fut) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let come = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, come).await.is_ok(), "{what} did not come true");
}

impl Stand {
    /// Waits until the coordinator knows whose a group is that was made past it.
    pub(crate) async fn until_places_are_known(&self, client: &Client, group: &GroupId) {
        let get = catalog::security::GetGroup { group_id: group.clone() };
        until("whose the group is", || async { client.ask(get.clone()).await.is_ok() }).await;
    }
}

impl Stand {
    /// Changes the second row of the audit trail past everything that keeps it from being changed.
    pub(crate) async fn tamper(&self, account: &str) {
        let psql = fs::read_dir("/usr/lib/postgresql").unwrap().flatten().next().unwrap().path().join("bin/psql");
        let statement = format!(
            "ALTER TABLE audit DISABLE TRIGGER USER; UPDATE audit SET account = '{account}' WHERE sequence = 2;
             ALTER TABLE audit ENABLE TRIGGER USER"
        );
        let mut psql = std::process::Command::new(psql);
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", &statement]);
        let output = psql.arg(self.store.endpoint().to_url_with_password()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until the coordinator's newest health says that all is well.
    pub(crate) async fn until_health_is_well(&self) {
        let health = topic::health(Owner::Security);
        let is_well = || {
            let published = self.published.lock().unwrap();
            let newest = published.iter().rev().find(|(topic, _)| *topic == health);
            newest.is_some_and(|(_, text)| text.contains(r#""status":"healthy""#) && !text.contains("broken"))
        };
        until("health is well", async || is_well()).await;
    }

    /// Waits until the coordinator's health says this.
    pub(crate) async fn until_health_says(&self, words: &str) {
        let health = topic::health(Owner::Security);
        let is_said =
            || self.published.lock().unwrap().iter().any(|(topic, text)| *topic == health && text.contains(words));
        until(words, || async { is_said() }).await;
    }
}
