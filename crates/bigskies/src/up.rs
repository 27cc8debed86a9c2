//! `bigskies up`: a whole observatory in one process, on the embedded broker and a private database, with a simulated telescope.

use std::{io::IsTerminal as _, io::Write as _, net::SocketAddr, str::FromStr, time::Duration};

use bus::{Address, BrokerKind, Bus, Credentials};
use catalog::Owner;
use clap::Args;
use coordinator::Frame;
use engine::Engine as _;
use engine_broker::Broker;
use simulator::AlpacaSimulator;
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault};

use crate::{
    house::{
        self,
        accounts::{self, Accounts},
        boot::Boot,
        broker::{self, Listen},
        coordinators::Coordinators,
        database::Database,
        folder::Folder,
        ready, signals,
    },
    terminal::ClientOptions,
};

/// How long everything may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// An address, or that there shall be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressOrOff {
    /// The address.
    At(SocketAddr),
    /// None.
    Off,
}

impl FromStr for AddressOrOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| format!("{text:?} is neither an address such as 127.0.0.1:9001 nor off"))
    }
}

impl AddressOrOff {
    const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

/// What `up` can be told.
#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// Where MQTT is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883", env = "BIGSKIES_MQTT")]
    mqtt: SocketAddr,
    /// Where MQTT over WebSocket is served.
    #[arg(long, value_name = "ADDR|off", default_value = "127.0.0.1:9001", env = "BIGSKIES_MQTT_WS")]
    mqtt_ws: AddressOrOff,
    /// Where HTTP is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "BIGSKIES_HTTP")]
    http: SocketAddr,
    /// Where the simulated telescope is served; it answers discovery on UDP port 32227 of the same address.
    #[arg(long, value_name = "ADDR|off", default_value = "127.0.0.1:32323", env = "BIGSKIES_SIMULATOR")]
    simulator: AddressOrOff,
    /// The UDP port on which the simulated telescope answers discovery.
    #[arg(long, value_name = "PORT", default_value_t = 32227)]
    simulator_discovery: u16,
    /// A database of yours, as postgres://user:password@host:port/name; a private one where nothing is said.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
    /// Let everybody in without a password. Only for addresses that nobody else can reach.
    #[arg(long)]
    open: bool,
    /// How much is logged: error, warn, info, debug, trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "BIGSKIES_LOG")]
    log_level: String,
}

/// Runs an observatory until it is told to end.
pub(crate) async fn run(options: UpOptions, client: &ClientOptions) -> Result<(), Fault> {
    observability::logs::start(&options.log_level).map_err(Fault::invalid)?;
    observability::metrics::start();
    let stop = signals::until_told()?;
    let folder = Folder::open(&client.data_folder())?;
    let broker = Used::start(&options, client, &folder).await?;
    let database = tokio::select! {
        database = Database::open(options.database.as_deref(), folder.path()) => database,
        () = stop.cancelled() => Err(Fault::unavailable("stopped while the database was started")),
    };
    let outcome = match database {
        Ok(database) => {
            let outcome = with_database(&options, &folder, &broker, &database, &stop).await;
            database.close().await;
            outcome
        }
        Err(fault) => Err(fault),
    };
    if let Some(embedded) = &broker.embedded {
        embedded.stop().await;
    }
    outcome
}

/// The broker that is used: our own in this process, or another.
struct Used {
    address: Address,
    kind: BrokerKind,
    embedded: Option<Broker>,
    /// The node's login.
    node: Option<Credentials>,
    /// The operator's login; unknown on another's broker.
    operator: Option<Credentials>,
}

impl Used {
    async fn start(options: &UpOptions, client: &ClientOptions, folder: &Folder) -> Result<Self, Fault> {
        if client.broker.is_some() {
            let node = client.login()?.filter(|_| client.credentials.is_some());
            let address = client.address()?;
            return Ok(Self { address, kind: BrokerKind::External, embedded: None, node, operator: None });
        }
        folder.inner("credentials")?;
        let Accounts { node, operator } = Accounts::read_or_make(folder.path())?;
        let accounts = Accounts { node: node.clone(), operator: operator.clone() };
        let listen = Listen { mqtt: options.mqtt, websocket: options.mqtt_ws.address(), open: options.open };
        let broker = broker::start(&listen, accounts, folder.inner("broker")?).await?;
        Ok(Self {
            address: broker::address_of(&broker)?,
            kind: BrokerKind::Embedded,
            embedded: Some(broker),
            node: Some(node),
            operator: Some(operator),
        })
    }
}

async fn with_database(
    options: &UpOptions,
    folder: &Folder,
    broker: &Used,
    database: &Database,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let simulator = simulator(options).await?;
    let frame = Frame {
        address: broker.address.clone(),
        credentials: broker.node.clone(),
        account: accounts::reply_account(broker.node.as_ref()),
        authority: accounts::authority(broker.kind, options.open),
        store: database.store.clone(),
        clock: Clock::system(),
        boot: boot(options, folder, broker).settings(),
    };
    let own = house::own_bus(&frame);
    let coordinators = Coordinators::new(frame);
    let started = tokio::select! {
        started = start_in_order(&coordinators, &own) => started,
        () = stop.cancelled() => Ok(()),
    };
    if started.is_ok() && !stop.is_cancelled() {
        welcome(options, broker, simulator.as_ref());
        stop.cancelled().await;
    }
    coordinators.stop().await;
    own.close().await;
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    started
}

async fn start_in_order(coordinators: &Coordinators, own: &Bus) -> Result<(), Fault> {
    own.ready(READY_LIMIT).await?;
    for group in [&[Owner::Telescope][..]] {
        for owner in group {
            coordinators.start(*owner);
        }
        ready::wait_for(own, group, READY_LIMIT).await?;
    }
    Ok(())
}

async fn simulator(options: &UpOptions) -> Result<Option<AlpacaSimulator>, Fault> {
    let Some(http) = options.simulator.address() else { return Ok(None) };
    let discovery = SocketAddr::new(http.ip(), options.simulator_discovery);
    let simulated = simulator::Options { http, discovery: Some(discovery), ..simulator::Options::default() };
    AlpacaSimulator::start(simulated).await.map(Some).map_err(|e| {
        Fault::conflict(format!("simulated telescope can't be started: {e}"))
            .hint("choose another address with --simulator or --simulator-discovery, or switch it off with --simulator off")
    })
}

fn boot(options: &UpOptions, folder: &Folder, broker: &Used) -> Boot {
    let database = match &options.database {
        Some(_) => "given by --database or DATABASE_URL",
        None => "private, in the data folder",
    };
    Boot::default()
        .with("data_dir", folder.path().display().to_string(), "flag or default", "Where everything is kept.")
        .with("broker", broker.address.to_string(), broker.kind.as_str(), "Where the broker is.")
        .with("mqtt", options.mqtt.to_string(), "flag or default", "Where MQTT is served.")
        .with("http", options.http.to_string(), "flag or default", "Where HTTP is served.")
        .with_secret("database_url", database, "The database.")
}

/// Tells what runs where. The operator's password is shown on a terminal only, never in a log.
fn welcome(options: &UpOptions, broker: &Used, simulator: Option<&AlpacaSimulator>) {
    tracing::info!(mqtt = %broker.address, http = %options.http, "observatory is ready");
    let out = std::io::stdout();
    let mut out = out.lock();
    let _ = writeln!(out, "BIG SKIES is ready.");
    let _ = writeln!(out, "  MQTT       {}", broker.address);
    for address in broker.embedded.iter().flat_map(Broker::websocket_addresses) {
        let _ = writeln!(out, "  WebSocket  {address}");
    }
    let _ = writeln!(out, "  HTTP       http://{}/health", options.http);
    if let Some(simulator) = simulator {
        let _ = writeln!(out, "  telescope  {} (simulated)", simulator.url());
    }
    if let (true, Some(operator)) = (std::io::stdout().is_terminal(), &broker.operator) {
        let (user, password) = (&operator.account, &operator.password);
        let login = format!("-h {} -p {} -u {user} -P {password}", broker.address.host, broker.address.port);
        let discover = catalog::topic::inbound("telescope/device/discover");
        let _ = writeln!(out, "Try, in a second terminal:");
        let _ = writeln!(out, "  bigskies telescope discover");
        let _ = writeln!(out, "  mosquitto_pub {login} -t {discover} -m '{{}}'");
    }
    let _ = writeln!(out, "Ctrl-C stops it.");
    let _ = out.flush();
}
