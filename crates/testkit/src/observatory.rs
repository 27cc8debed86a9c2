//! An observatory: which processes it is made of, how they find each other, and how one waits for them.

mod recipes;
mod secrets;

pub use secrets::{SigningKey, StolenAuthority};

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bus::{Address, Ask, BrokerKind, Bus, BusOptions, Credentials};
use catalog::{Command as _, Needs, Owner, Qos, frame::GetHealth, topic};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use store::{
    Endpoint, PoolSettings, Store, StoreError,
    setting_rows::{self, SettingRow},
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use vocabulary::{Clock, Timestamp, ids::fresh_uuid};

use crate::{
    binary::Binary,
    clients::{Clients, Version},
    folder::{Folder, Ports},
    heard::{Heard, Message},
    http,
    mosquitto::Mosquitto,
    plan::{Arrangement, Broker, Database, Plan, Simulator},
    postgres::{GivenServer, Postmaster},
    process::Process,
    simulated::SimulatedTelescope,
    wait::until,
};

/// How long a process may take to be ready; a fresh database on a busy machine is the slowest.
const READY_LIMIT: Duration = Duration::from_secs(90);
/// How long connecting to the broker may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// How long a coordinator may take to say how it is, before it is asked again.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long a command of the terminal may take.
const TERMINAL_LIMIT: Duration = Duration::from_secs(90);
/// What the administrator is called, and logs in with.
const ADMINISTRATOR: &str = "operator";
const PASSWORD: &str = "a night without clouds";
/// What processes of ours are called before they are anything.
const NODE: &str = "node";
/// How often other ports are tried when somebody was quicker.
const ATTEMPTS: usize = 5;

impl Plan {
    /// Starts it; when this returns all of it is ready.
    ///
    /// # Panics
    /// Where it does not become so; the log of what failed is shown.
    pub async fn start(self) -> Observatory {
        for _ in 0..ATTEMPTS {
            let mut observatory = Observatory::prepare(self.clone());
            if observatory.start_all().await {
                return observatory;
            }
        }
        panic!("others were quicker to take the ports, {ATTEMPTS} times")
    }
}

/// Where everything is.
#[derive(Debug, Clone, Copy)]
struct Places {
    mqtt: SocketAddr,
    mqtts: SocketAddr,
    websocket: SocketAddr,
    http: SocketAddr,
    simulator: SocketAddr,
    discovery_port: u16,
}

impl Places {
    fn find(ports: &mut Ports) -> Self {
        let mut free = || SocketAddr::from((Ipv4Addr::LOCALHOST, ports.free()));
        let (mqtt, mqtts, websocket, http, simulator) = (free(), free(), free(), free(), free());
        Self { mqtt, mqtts, websocket, http, simulator, discovery_port: free().port() }
    }
}

/// What a command of the terminal came to.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Terminal {
    /// The lines that it printed, read as JSON.
    ///
    /// # Panics
    /// Where a line is none, or the command failed.
    pub fn json(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        let lines = self.stdout.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line} is not JSON: {e}"))).collect()
    }
}

/// A running observatory. Dropped, it ends with everything that belongs to it.
#[derive(Debug)]
pub struct Observatory {
    plan: Plan,
    places: Places,
    binary: Binary,
    mosquitto: Option<Mosquitto>,
    given: Option<GivenServer>,
    /// In the order of their start.
    processes: Vec<Process>,
    folder: Folder,
}

impl Observatory {
    /// A plan with this broker and this database.
    pub fn with(broker: Broker, database: Database) -> Plan {
        Plan {
            broker,
            database,
            arrangement: Arrangement::OneProcess,
            simulator: Simulator::Within,
            slew_degrees_per_second: 60.0,
            log_level: "info".to_owned(),
            arguments: Vec::new(),
            tls: false,
        }
    }

    fn prepare(plan: Plan) -> Self {
        let folder = Folder::make();
        let mut ports = Ports::default();
        let places = Places::find(&mut ports);
        let mosquitto = match plan.broker {
            Broker::Embedded | Broker::EmbeddedOpen => None,
            Broker::Mosquitto => Some(Mosquitto::make(folder.path(), places.mqtt)),
        };
        let given = (plan.database == Database::Given).then(|| GivenServer::make(folder.path(), ports.free()));
        let observatory =
            Self { plan, places, binary: Binary::find(), mosquitto, given, processes: Vec::new(), folder };
        observatory.write_files();
        observatory
    }

    /// Starts everything in its order; false where a port was taken meanwhile.
    async fn start_all(&mut self) -> bool {
        for group in self.recipes() {
            let names: Vec<String> = group.iter().map(|recipe| recipe.name.clone()).collect();
            let since = Clock::system().now();
            self.processes.extend(group.iter().map(crate::process::Recipe::start));
            for name in names {
                if !self.ready(&name, since).await {
                    return false;
                }
                if name == Mosquitto::NAME {
                    self.set_mosquitto_up().await;
                }
            }
        }
        self.make_administrator().await;
        true
    }

    /// Waits until a process is ready; false where a port that it wants is taken.
    async fn ready(&self, name: &str, since: Timestamp) -> bool {
        let process = self.process(name);
        let said = async |text: &str| process.says(text, READY_LIMIT).await;
        let stands = match name {
            "up" => said("BIG SKIES is ready").await,
            "broker" | "database" | "simulator" => said("roles are ready").await,
            "gateway" => self.comes(process, async || self.is_live().await).await,
            Mosquitto::NAME => {
                self.comes(process, async || tokio::net::TcpStream::connect(self.places.mqtt).await.is_ok()).await
            }
            GivenServer::NAME => self.comes(process, async || self.postmaster().is_ready()).await,
            _ => match Owner::of_name(name) {
                Some(owner) => {
                    let heard = self.health().await;
                    self.comes(process, async || well_since(&heard, owner, since)).await
                }
                None => panic!("there is no process {name}"),
            },
        };
        if stands {
            return true;
        }
        let said = process.last_words();
        let taken = ["is taken by another", "Address already in use", "Address in use", "can't listen on"];
        assert!(taken.iter().any(|text| said.contains(text)), "{name} ended instead of starting\n{said}");
        false
    }

    /// Waits until something holds; false where the process ended before.
    async fn comes(&self, process: &Process, mut holds: impl AsyncFnMut() -> bool) -> bool {
        let mut held = false;
        let waiting = until(process.name(), READY_LIMIT * 2, async || {
            held = holds().await;
            held || !process.runs()
        });
        if tokio::time::timeout(READY_LIMIT, waiting).await.is_err() {
            panic!("{} is not ready within {READY_LIMIT:?}\n{}", process.name(), process.last_words());
        }
        held
    }

    async fn is_live(&self) -> bool {
        http::get(self.places.http, "/health/live").await.is_ok_and(|response| response.status == 200)
    }

    /// The health of all coordinators, as it is heard from now on.
    async fn health(&self) -> Heard {
        let bus = self.client(NODE).await;
        Heard::over(&bus, &[topic::EVERY_HEALTH]).await
    }

    /// Ends it in good order, as Ctrl-C does, each process after those that need it; exit codes by name.
    ///
    /// # Panics
    /// Where a process does not end.
    pub async fn stop(&mut self) -> Vec<(String, Option<i32>)> {
        let mut codes = Vec::new();
        while let Some(process) = self.processes.pop() {
            codes.push((process.name().to_owned(), process.interrupt().await));
        }
        codes
    }

    /// Ends it in good order and starts it again in the same folder and on the same ports.
    ///
    /// # Panics
    /// Where it does not end or start.
    pub async fn restart(&mut self) {
        for (name, code) in self.stop().await {
            let of_ours = name != Mosquitto::NAME && name != GivenServer::NAME;
            assert!(!of_ours || code == Some(0), "{name} ended with {code:?}");
        }
        assert!(self.start_all().await, "somebody took a port between two starts");
    }

    /// The names of its processes, in the order of their start: `up`, or the roles; `mosquitto` and `postgres` where these are given.
    pub fn process_names(&self) -> Vec<&str> {
        self.processes.iter().map(Process::name).collect()
    }

    /// One of its processes.
    ///
    /// # Panics
    /// Where there is none of this name.
    pub fn process(&self, name: &str) -> &Process {
        let found = self.processes.iter().find(|process| process.name() == name);
        found.unwrap_or_else(|| panic!("there is no process {name}, only {:?}", self.process_names()))
    }

    /// Kills a process, as `kill -9` does.
    ///
    /// # Panics
    /// Where there is none of this name.
    pub async fn kill(&self, name: &str) {
        self.process(name).kill().await;
    }

    /// Interrupts a process, as Ctrl-C does, and waits for its end: its exit code.
    ///
    /// # Panics
    /// Where there is none of this name, or it does not end.
    pub async fn interrupt(&self, name: &str) -> Option<i32> {
        self.process(name).interrupt().await
    }

    /// Stops a process in the middle of whatever it does; see [`Postmaster::freeze`] for the database.
    ///
    /// # Panics
    /// Where there is none of this name.
    pub fn freeze(&self, name: &str) {
        self.process(name).signal(Signal::SIGSTOP);
    }

    /// Lets a frozen process go on.
    ///
    /// # Panics
    /// Where there is none of this name.
    pub fn thaw(&self, name: &str) {
        self.process(name).signal(Signal::SIGCONT);
    }

    /// Starts a process that was ended again, and waits until it is ready.
    ///
    /// # Panics
    /// Where there is none of this name, or it does not become ready.
    pub async fn start_again(&mut self, name: &str) {
        self.start_again_unready(name);
        let since = Clock::system().now();
        assert!(self.ready(name, since).await, "somebody took a port of {name} between two starts");
    }

    /// Starts a process that was ended again, without waiting for it.
    ///
    /// # Panics
    /// Where there is none of this name, or it still runs.
    pub fn start_again_unready(&mut self, name: &str) {
        let Some(place) = self.processes.iter_mut().find(|process| process.name() == name) else {
            panic!("there is no process {name}")
        };
        assert!(!place.runs(), "{name} still runs");
        *place = place.recipe().start();
    }

    /// What a site does that gives the account of a given database another password: server and `.pgpass` file, no process of ours.
    ///
    /// # Panics
    /// Where the database is not a given one.
    pub async fn change_database_password(&mut self, password: &str) {
        self.interrupt(GivenServer::NAME).await;
        let pgpass = self.data().join("pgpass");
        let Some(given) = &mut self.given else { panic!("the database is not a given one") };
        given.set_password(password, &pgpass);
        self.start_again(GivenServer::NAME).await;
    }

    /// Waits until every coordinator answers that it is well. One that has not yet noticed what happened to it says so as well.
    ///
    /// # Panics
    /// Where one does not within `limit`.
    pub async fn healthy_again(&self, limit: Duration) {
        let bus = self.client("operator").await;
        for owner in Owner::ALL {
            let asks = async || {
                let ask = Ask { limit: Some(ANSWER_LIMIT), ..Ask::default() };
                let name = topic::inbound(&format!("{}/{}", owner.word(), GetHealth::NAME));
                let answer = bus.ask_topic(&name, json!({}), Qos::AtLeastOnce, ask).await;
                answer.is_ok_and(|answer| answer.get("status").is_some_and(is_well))
            };
            until(&format!("{owner} well again"), limit, asks).await;
        }
        bus.close().await;
    }

    /// The server of its database.
    pub fn postmaster(&self) -> Postmaster {
        match &self.given {
            Some(given) => given.postmaster.clone(),
            None => Postmaster::in_folder(&self.data().join("database/data")),
        }
    }

    /// The URL of its database, where one is given.
    pub fn database_url(&self) -> Option<String> {
        self.given.as_ref().map(GivenServer::url)
    }

    /// Writes a row of settings as a person with `psql` does: behind the backs of the coordinators, under their names in the table.
    ///
    /// # Panics
    /// Where the database does not take it.
    pub async fn write_setting_by_hand(&self, coordinator: &str, key: &str, kind: &str, value: &Value) {
        let written = async {
            let store = Store::connect(self.endpoint(), PoolSettings::default()).await?;
            let mut tx = store.begin().await?;
            setting_rows::put(&mut tx, &SettingRow { coordinator, key, value, kind, secret: false }, "psql").await?;
            tx.commit().await?;
            store.close().await;
            Ok::<_, StoreError>(())
        };
        written.await.unwrap_or_else(|e| panic!("row {key} of {coordinator} can't be written: {e}"));
    }

    /// Its database, as itself sees it.
    pub fn endpoint(&self) -> Endpoint {
        match &self.given {
            Some(given) => given.endpoint.clone(),
            None => Endpoint::socket(self.data().join("database/sock")),
        }
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.file("data")
    }

    /// Where MQTT is served.
    pub const fn mqtt(&self) -> SocketAddr {
        self.places.mqtt
    }

    /// Where MQTT over TLS is served, where that is planned.
    pub const fn mqtts(&self) -> SocketAddr {
        self.places.mqtts
    }

    /// Where MQTT over WebSocket is served, by a broker of ours.
    pub const fn websocket(&self) -> SocketAddr {
        self.places.websocket
    }

    /// Where HTTP is served.
    pub const fn http(&self) -> SocketAddr {
        self.places.http
    }

    /// The simulated telescope.
    pub const fn simulator(&self) -> SimulatedTelescope {
        SimulatedTelescope::new(self.places.simulator, self.places.discovery_port)
    }

    /// How an account logs in: `node` by its file, every other by its password; on an open broker there is none.
    ///
    /// # Panics
    /// Where the observatory has no such account.
    pub fn login(&self, account: &str) -> Option<Credentials> {
        if self.plan.broker == Broker::EmbeddedOpen {
            return None;
        }
        if account == NODE {
            let file = self.data().join("credentials").join("node.json");
            return Some(Credentials::read(&file).unwrap_or_else(|e| panic!("{account} has no credentials: {e}")));
        }
        let broker = if self.plan.broker.is_embedded() { BrokerKind::Embedded } else { BrokerKind::External };
        let account = account.parse().unwrap_or_else(|_| panic!("{account:?} is no account"));
        Some(Credentials { account, password: PASSWORD.to_owned(), broker })
    }

    /// What is brought with each message of the administrator, on a broker that does not tell from whom it is.
    ///
    /// # Panics
    /// Where nobody is logged in.
    pub fn token(&self) -> Option<String> {
        (self.plan.broker == Broker::Mosquitto).then(|| self.key().password)
    }

    /// The API key with which the administrator's terminal logs in. Our broker knows it by heart: no database is asked.
    ///
    /// # Panics
    /// Where nobody is logged in.
    fn key(&self) -> Credentials {
        let file = self.folder.file("config/bigskies/login.json");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let stored: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let text = |field: &str| {
            let found = stored.pointer(&format!("/logins/0/{field}")).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("{stored} holds no {field}")).to_owned()
        };
        let broker = if self.plan.broker.is_embedded() { BrokerKind::Embedded } else { BrokerKind::External };
        let account = text("account").parse().unwrap_or_else(|_| panic!("{stored} holds no account"));
        Credentials { account, password: text("key"), broker }
    }

    /// A connected client of the administrator's, by API key.
    ///
    /// # Panics
    /// Where it can't connect.
    pub async fn client_by_key(&self) -> Bus {
        let key = self.key();
        let options =
            BusOptions { account: key.account.clone(), credentials: Some(key), ..self.bus_options(ADMINISTRATOR) };
        let connected = Bus::connect(options, CONNECT_LIMIT).await;
        let bus = connected.unwrap_or_else(|fault| panic!("the key can't connect: {fault:?}"));
        bus.bring(self.token());
        bus
    }

    /// What the administrator may read of what others publish: everything but what is for one reader alone.
    pub fn readable() -> Vec<String> {
        let is_for_all =
            |entry: &catalog::Entry| !entry.kind.is_inbound() && !matches!(entry.needs, Needs::Addressee | Needs::Node);
        let published = catalog::all().into_iter().filter(is_for_all).map(|entry| entry.topic_of("+"));
        let account = ADMINISTRATOR.parse().unwrap_or_else(|_| panic!("{ADMINISTRATOR} is no account"));
        let own = topic::clients_of(&account);
        published.chain([topic::EVERY_RESPONSE.to_owned(), own]).collect()
    }

    /// What a client of this account is to be told.
    ///
    /// # Panics
    /// Where the observatory has no such account.
    pub fn bus_options(&self, account: &str) -> BusOptions {
        // On an open broker everybody is the operator.
        let name = if self.plan.broker == Broker::EmbeddedOpen { ADMINISTRATOR } else { account };
        BusOptions {
            address: Address { host: self.places.mqtt.ip().to_string(), port: self.places.mqtt.port(), tls: false },
            client_id: format!("test-{}", fresh_uuid()),
            credentials: self.login(account),
            account: name.parse().unwrap_or_else(|_| panic!("{name:?} is no account")),
            source: format!("user:{name}"),
            tls: None,
            last_will: None,
            clock: Clock::system(),
        }
    }

    /// Tells Mosquitto's plugin of our nodes.
    async fn set_mosquitto_up(&self) {
        let Some(administrator) = self.mosquitto.as_ref().map(|mosquitto| &mosquitto.administrator) else { return };
        let data = self.data().display().to_string();
        let arguments = [
            "admin",
            "mosquitto",
            "setup",
            "--admin",
            administrator.account.as_str(),
            "--password-stdin",
            "--data-dir",
            &data,
        ];
        self.good_terminal(&arguments, &administrator.password).await;
    }

    /// Makes the first administrator, unless that was done in an earlier life.
    async fn make_administrator(&self) {
        if self.plan.broker == Broker::EmbeddedOpen || self.folder.file("config/bigskies/login.json").exists() {
            return;
        }
        let data = self.data().display().to_string();
        self.good_terminal(&["admin", "create", ADMINISTRATOR, "--password-stdin", "--data-dir", &data], PASSWORD)
            .await;
    }

    /// Runs a command of the terminal that must work, with a line for it to read.
    async fn good_terminal(&self, arguments: &[&str], line: &str) {
        let done = self.terminal_with(arguments, line).await;
        assert_eq!(done.code, Some(0), "bigskies {arguments:?}: {done:?}");
    }

    /// A connected client of this account.
    ///
    /// # Panics
    /// Where it can't connect.
    pub async fn client(&self, account: &str) -> Bus {
        let connected = Bus::connect(self.bus_options(account), CONNECT_LIMIT).await;
        let bus = connected.unwrap_or_else(|fault| panic!("{account} can't connect: {fault:?}"));
        if account == ADMINISTRATOR {
            bus.bring(self.token());
        }
        bus
    }

    /// Debian's clients, logged in as the operator.
    pub fn mosquitto_clients(&self, version: Version) -> Clients {
        Clients::new(self.places.mqtt, self.login(ADMINISTRATOR), self.token(), version)
    }

    /// Debian's clients, logged in as a process of ours: `telescope-coordinator`, `gateway`, `node`.
    ///
    /// # Panics
    /// Where there is no such role.
    pub fn clients_of_role(&self, role: &str, version: Version) -> Clients {
        let login = self.login(NODE).map(|node| {
            let role = role.parse().unwrap_or_else(|_| panic!("{role:?} is no account"));
            node.for_role(&role).unwrap_or_else(|fault| panic!("{role}: {fault:?}"))
        });
        Clients::new(self.places.mqtt, login, None, version)
    }

    /// Runs a command of the terminal as the administrator.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn terminal(&self, arguments: &[&str]) -> Terminal {
        self.terminal_with(arguments, "").await
    }

    /// The same, with lines for it to read.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn terminal_with(&self, arguments: &[&str], lines: &str) -> Terminal {
        self.terminal_of("", arguments, lines).await
    }

    /// The same at the terminal of somebody else, who has logins of their own.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn terminal_of(&self, who: &str, arguments: &[&str], lines: &str) -> Terminal {
        let mut recipe = self.terminal_recipe(arguments);
        if !who.is_empty() {
            let own = self.folder.file(&format!("config-of-{who}")).display().to_string();
            recipe.environment = vec![("XDG_CONFIG_HOME".to_owned(), own)];
        }
        let mut command = tokio::process::Command::from(recipe.command());
        let started =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = started.unwrap_or_else(|e| panic!("bigskies can't be started: {e}"));
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing may end before everything is written.
            let _ = stdin.write_all(format!("{lines}\n").as_bytes()).await;
        }
        let output = tokio::time::timeout(TERMINAL_LIMIT, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("bigskies {arguments:?}: no end within {TERMINAL_LIMIT:?}"));
        let output = output.unwrap_or_else(|e| panic!("bigskies can't be waited for: {e}"));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Terminal { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts a process of ours beside the observatory, which ends when it is dropped.
    pub fn beside(&self, name: &str, arguments: &[&str]) -> Process {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        crate::process::Recipe::new(name, self.binary.path(), arguments, self.folder.path()).start()
    }

    /// Listens with `bigskies watch --json`; when this returns it hears. Filters need one retained message among what they let through.
    ///
    /// # Panics
    /// Where it hears nothing.
    pub async fn watch_in_terminal(&self, filters: &[&str]) -> Heard {
        let arguments: Vec<&str> = ["--json", "watch"].into_iter().chain(filters.iter().copied()).collect();
        let mut command = tokio::process::Command::from(self.terminal_recipe(&arguments).command());
        let started = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = started.unwrap_or_else(|e| panic!("bigskies can't be started: {e}"));
        let Some(stdout) = child.stdout.take() else { panic!("bigskies watch has no output") };
        let mut lines = BufReader::new(stdout).lines();
        let heard = Heard::noting(async move |notes| {
            while let Ok(Some(line)) = lines.next_line().await {
                notes.add_line(&line);
            }
            drop(child);
        });
        heard.wait_for("anything in bigskies watch", CONNECT_LIMIT, |_| true).await;
        heard
    }

    /// The end of all logs, for a person who wonders.
    pub fn last_words(&self) -> String {
        self.processes.iter().map(Process::last_words).collect::<Vec<_>>().join("\n")
    }
}

/// Whether a coordinator has said since then that it is well.
fn well_since(heard: &Heard, owner: Owner, since: Timestamp) -> bool {
    let health = topic::health(owner);
    let report = |message: &Message| {
        let at = message.field("observed_at").as_str().and_then(|at| at.parse::<Timestamp>().ok());
        (is_well(message.field("status")), at)
    };
    let last = heard.messages().into_iter().rev().find(|message| message.topic == health).map(|last| report(&last));
    // A report's time is cut to milliseconds.
    let since = since.minus(Duration::from_millis(1));
    last.is_some_and(|(well, at)| well && at.is_some_and(|at| at >= since))
}

fn is_well(status: &Value) -> bool {
    ["healthy", "degraded"].contains(&status.as_str().unwrap_or_default())
}

impl Drop for Observatory {
    fn drop(&mut self) {
        let postmaster = self.postmaster();
        // Nobody can end cleanly on a frozen database.
        postmaster.thaw_if_there();
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
        postmaster.end();
        if std::thread::panicking() {
            keep_logs(self.folder.path());
        }
    }
}

/// Shows the end of every log of a test that failed.
#[expect(clippy::print_stderr, reason = "what a failed test says belongs there")]
fn keep_logs(folder: &Path) {
    let logs = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for log in logs.filter(|path| path.extension().is_some_and(|extension| extension == "log")) {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n");
        eprintln!("--- {} ends:\n{end}\n---", log.display());
    }
}
