//! `bigskies run ROLE…`: some roles of an observatory, against a broker and a database that others run.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bus::{BrokerKind, Bus, Credentials};
use catalog::{Face, Owner, Party, frame::Setting};
use clap::{Args, ValueEnum};
use coordinator::Frame;
use coordinator_bootstrap::{Configuration, await_credentials, configuration, follow_credentials};
use engine::Engine as _;
use service_gateway::Gateway;
use service_orbital::Orbital;
use simulator::AlpacaSimulator;
use store::{Endpoint, MasterKey, PoolSettings, PrivateCluster, Store, endpoint::pgpass};
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault, ids::AccountName};

use crate::{
    data_folder::credentials_file,
    house::{
        Reach,
        broker::{self, Embedded},
        coordinators::{Coordinators, Handed},
        database, folder,
        folder::{Folder, Use},
        gateway, node, orbital,
        security::{Security, Watch, authority::Rule, master_key},
        serve::ServeOptions,
        signals,
        tls::TlsOptions,
    },
    terminal::ClientOptions,
};

/// How long a role waits for the broker, and then for the database to be handed out; after that a supervisor should try again.
const WAIT: Duration = Duration::from_secs(30);

/// The pause before a broker that runs apart tries to reach the database again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a process can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// The embedded broker, with its accounts in the data folder.
    Broker,
    /// The private database server, in the data folder.
    Database,
    /// A simulated telescope.
    Simulator,
    /// The HTTP face.
    Gateway,
    /// Tells over gRPC where satellites are, when they pass, and who comes close to whom.
    Orbital,
    /// Hands out the database.
    Bootstrap,
    /// Watches the database.
    Datastore,
    /// Knows who somebody is and what they may do.
    Security,
    /// Watches the bus.
    Message,
    /// Keeps the registry of services.
    Application,
    /// Moves telescopes.
    Telescope,
}

impl Role {
    /// The coordinator, if the role is one.
    pub(crate) const fn owner(self) -> Option<Owner> {
        match self {
            Self::Bootstrap => Some(Owner::Bootstrap),
            Self::Datastore => Some(Owner::Datastore),
            Self::Security => Some(Owner::Security),
            Self::Message => Some(Owner::Message),
            Self::Application => Some(Owner::Application),
            Self::Telescope => Some(Owner::Telescope),
            Self::Broker | Self::Database | Self::Simulator | Self::Gateway | Self::Orbital => None,
        }
    }

    /// The part of the data folder that the role uses alone.
    const fn part(self) -> Option<&'static str> {
        match self {
            Self::Broker => Some("broker"),
            Self::Database => Some("database"),
            _ => None,
        }
    }
}

/// What `run` can be told.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The roles, in any order.
    #[arg(required = true, value_enum, value_name = "ROLE")]
    roles: Vec<Role>,
    #[command(flatten)]
    serve: ServeOptions,
    #[command(flatten)]
    bootstrap: BootstrapFlags,
}

/// The flags of the role bootstrap.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of the role bootstrap")]
struct BootstrapFlags {
    /// The boot file; configs/bootstrap.yaml is read where nothing is said, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file with the database's password; /shared/secrets/.pgpass where nothing is said.
    #[arg(long, value_name = "FILE")]
    pgpass: Option<PathBuf>,
    /// Look at configuration and credentials, say what is wrong, and end.
    #[arg(long)]
    validate: bool,
    /// Leave the tables as they are.
    #[arg(long)]
    skip_migrations: bool,
    /// Only hand out; the tables are left as they are.
    #[arg(long)]
    publish_only: bool,
}

/// Runs the roles until the process is told to end.
pub(crate) async fn run(options: RunOptions, client: &ClientOptions) -> Result<(), Fault> {
    options.serve.observe()?;
    let boot_file = options.boot_file()?;
    if options.bootstrap.validate {
        return options.validate(&boot_file);
    }
    let stop = signals::until_told()?;
    let mut process = Process::default();
    let outcome = tokio::select! {
        started = process.start(&options, &boot_file, client) => started,
        () = stop.cancelled() => Ok(()),
    };
    let outcome = match outcome {
        Ok(()) => process.until(&stop).await,
        Err(fault) => Err(fault),
    };
    process.end().await;
    outcome
}

impl RunOptions {
    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether none of the roles has anything to ask or to tell: the orbital service computes by itself, unless it must know accounts.
    fn does_without_bus(&self) -> bool {
        let ServeOptions { grpc, tls, open, database, .. } = &self.serve;
        let registers = (database.is_some() || grpc.needs_security(tls)) && !open;
        self.roles.iter().all(|role| match role {
            Role::Database | Role::Simulator => true,
            Role::Orbital => !registers,
            _ => false,
        })
    }

    /// The account of the one role that a certificate is for.
    fn shown_account(&self) -> Result<AccountName, Fault> {
        let one = match self.roles.as_slice() {
            [role] => {
                role.owner().map(Party::Coordinator).or((*role == Role::Gateway).then_some(Party::Face(Face::Gateway)))
            }
            _ => None,
        };
        let party = one.ok_or_else(|| {
            Fault::invalid(format!("roles {:?} can't log in with one certificate", self.roles))
                .hint("run each coordinator, and the gateway, in a process of its own, or name --credentials")
        })?;
        party.account().map_err(|e| Fault::internal(e.to_string()))
    }

    /// The master key; made where there is none by those roles that can't do without.
    fn master_key(&self, data: &Path) -> Result<Option<MasterKey>, Fault> {
        let named = self.serve.master_key.as_ref();
        if self.has(Role::Security) || self.has(Role::Broker) {
            folder::made(&data.join("credentials"))?;
            return master_key::find_or_make(named, data).map(Some);
        }
        master_key::find(named, data)
    }

    fn boot_file(&self) -> Result<Configuration, Fault> {
        let read = Configuration::read(self.bootstrap.config.as_deref(), |name| std::env::var(name).ok());
        read.map_err(|e| Fault::invalid(e.to_string()).hint("correct the boot file, or name another one with --config"))
    }

    fn pgpass(&self) -> Result<PathBuf, Fault> {
        configuration::pgpass_path(self.bootstrap.pgpass.as_deref(), |name| std::env::var(name).ok())
            .map_err(|e| Fault::invalid(e.to_string()))
    }

    /// Says what the configuration comes to, and what is wrong with it.
    fn validate(&self, boot_file: &Configuration) -> Result<(), Fault> {
        let report = configuration::validate(boot_file, &self.pgpass()?);
        let mut out = std::io::stdout().lock();
        for (name, text) in [("database", &report.database), ("broker", &report.broker)] {
            if let Some(text) = text {
                let _ = writeln!(out, "{name}: {text}");
            }
        }
        for migration in &report.migrations {
            let _ = writeln!(out, "migration: {migration}");
        }
        for note in &report.notes {
            let _ = writeln!(out, "note: {note}");
        }
        if report.is_good() {
            let _ = writeln!(out, "configuration and credentials are good");
            return Ok(());
        }
        Err(Fault::invalid(format!("configuration is wrong: {}", report.complaints))
            .hint("correct what is named and validate again"))
    }
}

/// What runs in this process.
#[derive(Default)]
struct Process {
    folder: Option<Folder>,
    embedded: Option<Embedded>,
    watch: Watch,
    security: Option<Security>,
    cluster: Option<PrivateCluster>,
    simulator: Option<AlpacaSimulator>,
    store: Option<Store>,
    bus: Option<Bus>,
    coordinators: Option<Coordinators>,
    gateway: Option<Gateway>,
    orbital: Option<Orbital>,
    follower: Option<tokio::task::JoinHandle<Result<(), Fault>>>,
}

impl Process {
    async fn start(
        &mut self,
        options: &RunOptions,
        boot_file: &Configuration,
        client: &ClientOptions,
    ) -> Result<(), Fault> {
        let data = client.data_folder();
        let parts: Vec<&str> = options.roles.iter().filter_map(|role| role.part()).collect();
        if !parts.is_empty() {
            self.folder = Some(Folder::open(&data, Use::Parts(&parts))?);
        }
        let reach = self.reach(options, boot_file, client).await?;
        if options.has(Role::Simulator) {
            self.simulator = options.serve.simulate().await?;
        }
        if options.has(Role::Database) {
            let cluster = database::private(&data).await?;
            pgpass::write(&data.join("pgpass"), &cluster.endpoint()).map_err(|e| Fault::unavailable(e.to_string()))?;
            self.cluster = Some(cluster);
        }
        let owners: Vec<Owner> = options.roles.iter().filter_map(|role| role.owner()).collect();
        if options.does_without_bus() {
            self.serve_orbital(options).await?;
            tracing::info!(roles = ?options.roles, "roles are ready");
            return Ok(());
        }
        let bus = reach.own_bus();
        self.bus = Some(bus.clone());
        // Who has a database of its own, and computes by itself, has nothing to wait for.
        if options.roles != [Role::Orbital] || options.serve.database.is_none() {
            bus.ready(boot_file.patience().max(WAIT)).await?;
        }
        if let Some(embedded) = self.embedded.clone().filter(|_| owners.is_empty()) {
            self.open_door_later(options, client, &embedded)?;
        }
        if !owners.is_empty() {
            self.coordinate(options, boot_file, client, &reach, &owners).await?;
        }
        if options.has(Role::Gateway) {
            // HTTP alone needs no certificates, and so no database.
            if options.serve.tls.https.is_some() && self.security.is_none() {
                let store = self.given_store(options, &bus).await?;
                self.secure(options, client, store).await?;
            }
            let (face, tls) = (reach.face_bus(Face::Gateway, &self.watch.stop)?, &options.serve.tls);
            self.gateway = Some(gateway::start(options.serve.http, tls, face, self.security.as_ref()).await?);
        }
        if options.has(Role::Orbital) {
            let grpc = &options.serve.grpc;
            let must = grpc.needs_security(&options.serve.tls) || options.serve.database.is_some();
            if must && !options.serve.open && self.security.is_none() {
                let store = self.given_store(options, &bus).await?;
                self.secure(options, client, store).await?;
            }
            self.serve_orbital(options).await?;
        }
        if owners.is_empty() && !options.has(Role::Gateway) {
            tracing::info!(roles = ?options.roles, "roles are ready");
        } else {
            tracing::info!(roles = ?options.roles, "roles are started");
        }
        Ok(())
    }

    /// Starts the orbital service, if it is among the roles.
    async fn serve_orbital(&mut self, options: &RunOptions) -> Result<(), Fault> {
        if options.has(Role::Orbital) {
            let ServeOptions { grpc, tls, open, .. } = &options.serve;
            self.orbital = orbital::start(grpc, tls, *open, self.security.as_ref()).await?;
        }
        Ok(())
    }

    /// Our own broker where it is among the roles, else that of `--broker` or the boot file.
    async fn reach(
        &mut self,
        options: &RunOptions,
        boot_file: &Configuration,
        client: &ClientOptions,
    ) -> Result<Reach, Fault> {
        if options.has(Role::Broker) {
            let folder = self.folder.as_ref().ok_or_else(|| Fault::internal("role broker has no data folder"))?;
            folder.inner("credentials")?;
            let node = node::read_or_make(folder.path())?;
            let embedded = broker::start(&options.serve.listen(), node.clone(), folder.inner("broker")?).await?;
            let address = broker::address_of(&embedded.broker)?;
            self.embedded = Some(embedded);
            return Ok(Reach {
                address,
                tls: None,
                account: node::node(),
                credentials: Some(node),
                kind: BrokerKind::Embedded,
            });
        }
        let address = match &client.broker {
            Some(address) => address.clone(),
            None => boot_file.broker().map_err(|e| Fault::invalid(e.to_string()))?,
        };
        let in_folder = credentials_file(&client.data_folder(), node::node().as_str());
        let credentials = match &client.credentials {
            Some(named) => Some(Credentials::read(named)?),
            None if in_folder.exists() => Some(Credentials::read(&in_folder)?),
            None => None,
        };
        // Certificates of our authority are spoken by our own broker alone.
        let shown = client.trust.tls_cert.is_some() && credentials.is_none();
        let unnamed = if shown { BrokerKind::Embedded } else { BrokerKind::External };
        let kind = credentials.as_ref().map_or(unnamed, |credentials| credentials.broker);
        let account = if shown { options.shown_account()? } else { node::operator() };
        let tls = client.tls_for(&address)?;
        Ok(Reach { address, tls, account, credentials, kind })
    }

    /// Starts the coordinators among the roles, once there is a database for them.
    async fn coordinate(
        &mut self,
        options: &RunOptions,
        boot_file: &Configuration,
        client: &ClientOptions,
        reach: &Reach,
        owners: &[Owner],
    ) -> Result<(), Fault> {
        let bus = self.bus.clone().ok_or_else(|| Fault::internal("no bus for coordinators"))?;
        let mut handed_out = None;
        let mut boot = Vec::new();
        let store = if owners.contains(&Owner::Bootstrap) {
            let given = self.given(options, boot_file, client)?;
            let endpoint = given.facts.read(&given.pgpass_path).map_err(|e| {
                Fault::unavailable(e.to_string()).hint("name the file with --pgpass, or let `run database` make it")
            })?;
            self.migrate(options, boot_file, &endpoint).await?;
            boot = boot_file.boot_settings();
            handed_out = Some(given);
            let store = Store::connect(endpoint, boot_file.pool()).await?;
            self.store = Some(store.clone());
            store
        } else {
            self.given_store(options, &bus).await?
        };
        let security = self.secure(options, client, store.clone()).await?;
        let open = options.serve.open.then(node::operator);
        let frame = Frame {
            address: reach.address.clone(),
            tls: reach.tls.clone(),
            credentials: reach.credentials.clone(),
            account: reach.account.clone(),
            authority: Arc::new(Rule::new(security.clone(), reach.kind, open)),
            trail: security.trail.clone(),
            vault: security.sealed.as_ref().map(|sealed| sealed.vault.clone()),
            store,
            clock: Clock::system(),
            boot: boot.into_iter().chain(broker_settings(reach)).collect(),
        };
        let backups = folder::made(&client.data_folder().join("backups"))?;
        let handed = Handed {
            bootstrap: handed_out,
            broker: self.embedded.as_ref().map(|embedded| embedded.broker.clone()),
            reach: reach.clone(),
            backups,
            first_secret: Some(folder::made(&client.data_folder().join("credentials"))?.join("first-administrator")),
            security,
            tls_name: options.serve.tls.name(),
        };
        let coordinators = Coordinators::new(frame, handed);
        for owner in owners {
            coordinators.start(*owner)?;
        }
        self.coordinators = Some(coordinators);
        Ok(())
    }

    /// The database that is given by a URL, else the one that is handed out.
    async fn given_store(&mut self, options: &RunOptions, bus: &Bus) -> Result<Store, Fault> {
        let endpoint = match &options.serve.database {
            Some(url) => database::endpoint_of(url)?,
            None => await_credentials(bus, WAIT).await?,
        };
        let store = Store::connect(endpoint, PoolSettings::default()).await?;
        if options.serve.database.is_none() {
            self.follower = Some(tokio::spawn(follow_credentials(bus.clone(), store.clone())));
        }
        self.store = Some(store.clone());
        Ok(store)
    }

    /// What the process knows of security, with the door of its broker opened to all.
    async fn secure(&mut self, options: &RunOptions, client: &ClientOptions, store: Store) -> Result<Security, Fault> {
        let key = options.master_key(&client.data_folder())?;
        let security = Security::start(store, Clock::system(), key.as_ref()).await?;
        if let Some(embedded) = &self.embedded {
            security.open_door(embedded, &self.watch).await?;
            options.serve.tls.secure_broker(&embedded.broker, &security).await?;
        }
        self.security = Some(security.clone());
        Ok(security)
    }

    /// Opens the door of a broker that runs without coordinators, once the database is handed out.
    fn open_door_later(&self, options: &RunOptions, client: &ClientOptions, embedded: &Embedded) -> Result<(), Fault> {
        let bus = self.bus.clone().ok_or_else(|| Fault::internal("no bus for the broker"))?;
        let key = options.master_key(&client.data_folder())?;
        let given = options.serve.database.as_deref().map(database::endpoint_of).transpose()?;
        let (embedded, watch, tls) = (embedded.clone(), self.watch.clone(), options.serve.tls.clone());
        let opening = async move {
            loop {
                match open_door(&bus, given.clone(), key.as_ref(), &embedded, &tls, &watch).await {
                    Ok(()) => return,
                    Err(fault) => tracing::warn!(%fault, "nodes alone are let in, since the database is not there yet"),
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let stop = self.watch.stop.clone();
        self.watch.tasks.spawn(async move {
            tokio::select! {
                () = opening => {}
                () = stop.cancelled() => {}
            }
        });
        Ok(())
    }

    /// What the bootstrap coordinator hands out: of a database by URL, of the private one, or of the boot file.
    fn given(
        &self,
        options: &RunOptions,
        boot_file: &Configuration,
        client: &ClientOptions,
    ) -> Result<coordinator_bootstrap::Given, Fault> {
        let in_folder = client.data_folder().join("pgpass");
        let of_url = options.serve.database.as_deref().map(database::endpoint_of).transpose()?;
        if let Some(endpoint) = of_url.or_else(|| self.cluster.as_ref().map(PrivateCluster::endpoint)) {
            folder::made(&client.data_folder())?;
            pgpass::write(&in_folder, &endpoint).map_err(|e| Fault::unavailable(e.to_string()))?;
            let facts = coordinator_bootstrap::Facts::of(&endpoint);
            return Ok(coordinator_bootstrap::Given { pgpass_path: in_folder, facts });
        }
        Ok(coordinator_bootstrap::Given { pgpass_path: options.pgpass()?, facts: boot_file.facts() })
    }

    async fn migrate(&self, options: &RunOptions, boot_file: &Configuration, endpoint: &Endpoint) -> Result<(), Fault> {
        if options.bootstrap.skip_migrations || options.bootstrap.publish_only {
            tracing::warn!("tables are left as they are");
            return Ok(());
        }
        let extra = boot_file.extra_migrations().map_err(|e| Fault::invalid(e.to_string()))?;
        database::migrate(endpoint, &extra).await
    }

    /// Runs until the process is told to end.
    async fn until(&mut self, stop: &CancellationToken) -> Result<(), Fault> {
        stop.cancelled().await;
        Ok(())
    }

    /// Ends everything, in the reverse order of its start.
    async fn end(self) {
        if let Some(orbital) = self.orbital {
            orbital.stop().await;
        }
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        if let Some(follower) = self.follower {
            follower.abort();
        }
        if let Some(coordinators) = self.coordinators {
            coordinators.stop().await;
        }
        if let Some(bus) = self.bus {
            bus.close().await;
        }
        self.watch.end().await;
        if let Some(security) = &self.security {
            security.trail.settle().await;
        }
        if let Some(store) = self.store {
            store.close().await;
        }
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
        if let Some(cluster) = self.cluster
            && let Err(error) = cluster.stop().await
        {
            tracing::warn!(%error, "database server did not end in good order");
        }
        if let Some(embedded) = self.embedded {
            embedded.broker.stop().await;
        }
    }
}

/// Connects to the database that is given or handed out, and opens the door.
async fn open_door(
    bus: &Bus,
    given: Option<Endpoint>,
    key: Option<&MasterKey>,
    embedded: &Embedded,
    tls: &TlsOptions,
    watch: &Watch,
) -> Result<(), Fault> {
    let (endpoint, is_handed_out) = match given {
        Some(endpoint) => (endpoint, false),
        None => (await_credentials(bus, WAIT).await?, true),
    };
    let store = Store::connect(endpoint, PoolSettings::default()).await?;
    let security = Security::start(store.clone(), Clock::system(), key).await?;
    security.open_door(embedded, watch).await?;
    tls.secure_broker(&embedded.broker, &security).await?;
    if is_handed_out {
        let (bus, stop) = (bus.clone(), watch.stop.clone());
        watch.tasks.spawn(async move {
            tokio::select! {
                _ = follow_credentials(bus, store) => {}
                () = stop.cancelled() => {}
            }
        });
    }
    Ok(())
}

fn broker_settings(reach: &Reach) -> Vec<Setting> {
    let boot = crate::house::boot::Boot::default();
    boot.with("broker", reach.address.to_string(), reach.kind.as_str(), "Where the broker is.").settings()
}
