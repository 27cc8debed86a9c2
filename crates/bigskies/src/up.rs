//! `bigskies up`: a whole observatory in one process, on the embedded broker and a private database, with a simulated telescope.

use std::{io::IsTerminal as _, io::Write as _, time::Duration};

use bus::{Address, BrokerKind, Bus, Credentials};
use catalog::Owner;
use clap::Args;
use coordinator::Frame;
use engine::Engine as _;
use engine_broker::Broker;
use service_gateway::Gateway;
use simulator::AlpacaSimulator;
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault};

use crate::{
    house::{
        self,
        accounts::{self, Accounts},
        boot::Boot,
        broker,
        coordinators::{Coordinators, Handed},
        database::Database,
        folder::{Folder, Use},
        gateway, ready,
        serve::ServeOptions,
        signals,
    },
    terminal::ClientOptions,
};

/// How long everything may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// The order of the start: each group waits until the one before it is ready.
const ORDER: [&[Owner]; 2] =
    [&[Owner::Bootstrap, Owner::Datastore], &[Owner::Message, Owner::Application, Owner::Telescope]];

/// What `up` can be told. With --broker it uses another broker than its own.
#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    #[command(flatten)]
    serve: ServeOptions,
}

/// Runs an observatory until it is told to end.
pub(crate) async fn run(options: UpOptions, client: &ClientOptions) -> Result<(), Fault> {
    let options = options.serve;
    options.observe()?;
    let stop = signals::until_told()?;
    let folder = Folder::open(&client.data_folder(), Use::Whole)?;
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
    async fn start(options: &ServeOptions, client: &ClientOptions, folder: &Folder) -> Result<Self, Fault> {
        if client.broker.is_some() {
            let node = client.credentials.as_deref().map(Credentials::read).transpose()?;
            let address = client.address()?;
            return Ok(Self { address, kind: BrokerKind::External, embedded: None, node, operator: None });
        }
        folder.inner("credentials")?;
        let accounts = Accounts::read_or_make(folder.path())?;
        let broker = broker::start(&options.listen(), accounts.clone(), folder.inner("broker")?).await?;
        Ok(Self {
            address: broker::address_of(&broker)?,
            kind: BrokerKind::Embedded,
            embedded: Some(broker),
            node: Some(accounts.node),
            operator: Some(accounts.operator),
        })
    }
}

async fn with_database(
    options: &ServeOptions,
    folder: &Folder,
    broker: &Used,
    database: &Database,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let simulator = options.simulate().await?;
    let frame = Frame {
        address: broker.address.clone(),
        credentials: broker.node.clone(),
        account: accounts::reply_account(broker.node.as_ref()),
        authority: accounts::authority(broker.kind, options.open),
        store: database.store.clone(),
        clock: Clock::system(),
        boot: boot(options, folder, broker).settings(),
    };
    let handed = Handed {
        bootstrap: Some(database.handed_out(folder.path())?),
        broker: broker.embedded.clone(),
        kind: broker.kind,
        backups: folder.inner("backups")?,
    };
    let own = house::own_bus(&frame);
    let coordinators = Coordinators::new(frame, handed);
    let started = tokio::select! {
        started = start_in_order(options, &coordinators, &own) => started.map(Some),
        () = stop.cancelled() => Ok(None),
    };
    if let Ok(Some(_)) = &started {
        welcome(options, broker, simulator.as_ref());
        stop.cancelled().await;
    }
    let outcome = match started {
        Ok(Some(gateway)) => {
            gateway.stop().await;
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    coordinators.stop().await;
    own.close().await;
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    outcome
}

async fn start_in_order(options: &ServeOptions, coordinators: &Coordinators, own: &Bus) -> Result<Gateway, Fault> {
    own.ready(READY_LIMIT).await?;
    let gateway = gateway::start(options.http, own.clone()).await?;
    for group in ORDER {
        for owner in group {
            coordinators.start(*owner);
        }
        ready::wait_for(own, group, READY_LIMIT).await?;
    }
    Ok(gateway)
}

fn boot(options: &ServeOptions, folder: &Folder, broker: &Used) -> Boot {
    let database = match &options.database {
        Some(_) => "--database or DATABASE_URL",
        None => "private, in the data folder",
    };
    Boot::default()
        .with("data_dir", folder.path().display().to_string(), "--data-dir or default", "Where everything is kept.")
        .with("broker", broker.address.to_string(), broker.kind.as_str(), "Where the broker is.")
        .with("mqtt", options.mqtt.to_string(), "--mqtt or default", "Where MQTT is served.")
        .with("http", options.http.to_string(), "--http or default", "Where HTTP is served.")
        .with_secret("database_url", database, "The database.")
}

/// Tells what runs where. The operator's password is shown on a terminal only, never in a log.
fn welcome(options: &ServeOptions, broker: &Used, simulator: Option<&AlpacaSimulator>) {
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
