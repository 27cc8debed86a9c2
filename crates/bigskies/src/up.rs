//! `bigskies up`: a whole observatory in one process, on the embedded broker and a private database, with a simulated telescope.

use std::{io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use bus::{BrokerKind, Bus, Credentials};
use catalog::{Face, Owner};
use clap::Args;
use coordinator::Frame;
use engine::Engine as _;
use service_gateway::Gateway;
use service_orbital::Orbital;
use simulator::AlpacaSimulator;
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault};

use crate::{
    house::{
        Reach,
        boot::Boot,
        broker::{self, Embedded},
        coordinators::{Coordinators, Handed},
        database::Database,
        folder::{Folder, Use},
        gateway, node, orbital, ready,
        security::{Security, Watch, authority::Rule, master_key},
        serve::ServeOptions,
        signals,
    },
    terminal::ClientOptions,
};

/// How long everything may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// The order of the start: each group waits until the one before it is ready.
const ORDER: [&[Owner]; 3] = [
    &[Owner::Bootstrap, Owner::Datastore],
    &[Owner::Security, Owner::Message],
    &[Owner::Application, Owner::Telescope],
];

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
        embedded.broker.stop().await;
    }
    outcome
}

/// The broker that is used: our own in this process, or another.
struct Used {
    reach: Reach,
    embedded: Option<Embedded>,
}

impl Used {
    async fn start(options: &ServeOptions, client: &ClientOptions, folder: &Folder) -> Result<Self, Fault> {
        if client.broker.is_some() {
            let credentials = client.credentials.as_deref().map(Credentials::read).transpose()?;
            let (address, tls) = (client.address()?, client.tls()?);
            tracing::info!(%address, "the broker of --broker or BIGSKIES_BROKER is used; none is started here");
            let reach = Reach { address, tls, account: node::operator(), credentials, kind: BrokerKind::External };
            folder.inner("credentials")?;
            return Ok(Self { reach, embedded: None });
        }
        folder.inner("credentials")?;
        let node = node::read_or_make(folder.path())?;
        let embedded = broker::start(&options.listen(), node.clone(), folder.inner("broker")?).await?;
        let address = broker::address_of(&embedded.broker)?;
        let reach =
            Reach { address, tls: None, account: node::node(), credentials: Some(node), kind: BrokerKind::Embedded };
        Ok(Self { reach, embedded: Some(embedded) })
    }
}

async fn with_database(
    options: &ServeOptions,
    folder: &Folder,
    broker: &Used,
    database: &Database,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let key = master_key::find_or_make(options.master_key.as_ref(), folder.path())?;
    let security = Security::start(database.store.clone(), Clock::system(), Some(&key)).await?;
    let watch = Watch::default();
    if let Some(embedded) = &broker.embedded {
        security.open_door(embedded, &watch).await?;
        options.tls.secure_broker(&embedded.broker, &security).await?;
    }
    let simulator = options.simulate().await?;
    let reach = &broker.reach;
    let frame = Frame {
        address: reach.address.clone(),
        tls: reach.tls.clone(),
        credentials: reach.credentials.clone(),
        account: reach.account.clone(),
        authority: Arc::new(Rule::new(security.clone(), reach.kind, options.open.then(node::operator))),
        trail: security.trail.clone(),
        vault: security.sealed.as_ref().map(|sealed| sealed.vault.clone()),
        store: database.store.clone(),
        clock: Clock::system(),
        boot: boot(options, folder, broker).settings(),
    };
    let handed = Handed {
        bootstrap: Some(database.handed_out(folder.path())?),
        broker: broker.embedded.as_ref().map(|embedded| embedded.broker.clone()),
        reach: reach.clone(),
        backups: folder.inner("backups")?,
        first_secret: Some(first_secret(folder)),
        security: security.clone(),
        tls_name: options.tls.name(),
    };
    let own = reach.own_bus();
    let coordinators = Coordinators::new(frame, handed);
    let started = tokio::select! {
        started = start_in_order(options, &coordinators, &own, reach, &security, &watch.stop) => started.map(Some),
        () = stop.cancelled() => Ok(None),
    };
    if let Ok(Some(faces)) = &started {
        welcome(options, folder, broker, simulator.as_ref(), faces);
        stop.cancelled().await;
    }
    let outcome = match started {
        Ok(Some(faces)) => {
            if let Some(orbital) = faces.orbital {
                orbital.stop().await;
            }
            faces.gateway.stop().await;
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    coordinators.stop().await;
    own.close().await;
    watch.end().await;
    security.trail.settle().await;
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    outcome
}

async fn start_in_order(
    options: &ServeOptions,
    coordinators: &Coordinators,
    own: &Bus,
    reach: &Reach,
    security: &Security,
    stop: &CancellationToken,
) -> Result<Faces, Fault> {
    own.ready(READY_LIMIT).await?;
    let gateway =
        gateway::start(options.http, &options.tls, reach.face_bus(Face::Gateway, stop)?, Some(security)).await?;
    for group in ORDER {
        for owner in group {
            coordinators.start(*owner)?;
        }
        ready::wait_for(own, group, READY_LIMIT).await?;
    }
    let orbital = orbital::start(&options.grpc, &options.tls, options.open, Some(security)).await?;
    Ok(Faces { gateway, orbital })
}

/// What is seen from outside besides the broker.
struct Faces {
    gateway: Gateway,
    orbital: Option<Orbital>,
}

fn boot(options: &ServeOptions, folder: &Folder, broker: &Used) -> Boot {
    let database = match &options.database {
        Some(_) => "--database or DATABASE_URL",
        None => "private, in the data folder",
    };
    Boot::default()
        .with("data_dir", folder.path().display().to_string(), "--data-dir or default", "Where everything is kept.")
        .with("broker", broker.reach.address.to_string(), broker.reach.kind.as_str(), "Where the broker is.")
        .with("mqtt", options.mqtt.to_string(), "--mqtt or default", "Where MQTT is served.")
        .with("http", options.http.to_string(), "--http or default", "Where HTTP is served.")
        .with("grpc", options.grpc.grpc.to_string(), "--grpc or default", "Where gRPC is served.")
        .with_secret("database_url", database, "The database.")
}

/// Where the one-time secret of the first administrator lies while there is none.
fn first_secret(folder: &Folder) -> PathBuf {
    folder.path().join("credentials").join("first-administrator")
}

/// Tells what runs where, and how to begin.
fn welcome(options: &ServeOptions, folder: &Folder, broker: &Used, simulator: Option<&AlpacaSimulator>, faces: &Faces) {
    tracing::info!(mqtt = %broker.reach.address, http = %options.http, "observatory is ready");
    let out = std::io::stdout();
    let mut out = out.lock();
    let _ = writeln!(out, "BIG SKIES is ready.");
    let _ = writeln!(out, "  MQTT       {}", broker.reach.address);
    for address in broker.embedded.iter().flat_map(|embedded| embedded.broker.websocket_addresses()) {
        let _ = writeln!(out, "  WebSocket  {address}");
    }
    let _ = writeln!(out, "  HTTP       http://{}/health", options.http);
    for (scheme, address) in
        faces.orbital.iter().flat_map(|orbital| [("http", orbital.address()), ("https", orbital.tls_address())])
    {
        if let Some(address) = address {
            let _ = writeln!(out, "  gRPC       {scheme}://{address}");
        }
    }
    if let Some(simulator) = simulator {
        let _ = writeln!(out, "  telescope  {} (simulated)", simulator.url());
    }
    let _ = writeln!(out, "In a second terminal:");
    if first_secret(folder).exists() {
        let _ = writeln!(out, "  bigskies admin create NAME       makes the first administrator");
    } else if !options.open {
        let _ = writeln!(out, "  bigskies login NAME");
    }
    let _ = writeln!(out, "  bigskies telescope discover");
    let _ = writeln!(out, "Ctrl-C stops it.");
    let _ = out.flush();
}
