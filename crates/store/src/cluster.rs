//! A PostgreSQL server of our own: made on first use, reached over a Unix socket only, watched, restarted, adopted when
//! it survived us, and stopped cleanly. Who may use the folder at all is the caller's to decide (one owner per folder).

mod folder;
mod installation;
mod server;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use health::{Cell, Report, Status};
use serde_json::Map;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use vocabulary::Clock;

pub use self::installation::{Installation, VERSION_MIN};
use self::{folder::Folder, server::Server};
use crate::{Endpoint, StoreError};

/// The account that sets the cluster up; the application never uses it.
pub(crate) const SETUP_USER: &str = "postgres_owner";
/// Pauses between restarts double from the first to the second.
const RESTART_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// A server that stood this long counts as well: the next pause is the short one again.
const STEADY: Duration = Duration::from_secs(60);

/// What a private cluster needs to know.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Where the time of health reports comes from.
    pub clock: Clock,
    /// Where binaries are, and nowhere else; `BIGSKIES_POSTGRES_BIN` for the program.
    pub binaries: Option<PathBuf>,
    /// Folders with unpacked binaries, for a machine that has none of its own.
    pub bundles: Vec<PathBuf>,
    /// Where a short socket path can be made when the folder's own is too long for the kernel.
    pub runtime_folder: PathBuf,
    /// Settings of the server besides ours, by name; they win.
    pub server_settings: BTreeMap<String, String>,
    /// How long a server may take to be ready, its recovery after a crash included.
    pub start_timeout: Duration,
    /// How long it may take to stop before it is told again, harder.
    pub stop_timeout: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            binaries: std::env::var_os("BIGSKIES_POSTGRES_BIN").filter(|v| !v.is_empty()).map(PathBuf::from),
            bundles: Vec::new(),
            runtime_folder: std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            server_settings: BTreeMap::new(),
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// Why there is no private cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No PostgreSQL is installed.
    #[error(
        "PostgreSQL {VERSION_MIN} or newer was not found (looked in {looked}); install it (Debian: apt-get install postgresql), or name a database with --database"
    )]
    NoBinaries {
        /// The places.
        looked: String,
    },
    /// The cluster belongs to another major version.
    #[error("database in {} was made by PostgreSQL {data}, and only {found} is here; install PostgreSQL {data}, or move the data with pg_upgrade", folder.display())]
    Version {
        /// The data folder.
        folder: PathBuf,
        /// The version that made it.
        data: String,
        /// The versions that are here.
        found: String,
    },
    /// The disk is full.
    #[error("disk is full under {}; free some space and start again{log}", folder.display())]
    DiskFull {
        /// The data folder.
        folder: PathBuf,
        /// The end of the server's log.
        log: Log,
    },
    /// A folder can't be used.
    #[error("folder {}: {reason}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// `initdb` failed.
    #[error("database in {} can't be made{log}", folder.display())]
    Initdb {
        /// The data folder.
        folder: PathBuf,
        /// What it said.
        log: Log,
    },
    /// The server ended instead of starting.
    #[error("PostgreSQL ended while starting in {}{log}", folder.display())]
    Ended {
        /// The data folder.
        folder: PathBuf,
        /// The end of its log.
        log: Log,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL in {} was not ready within {} s{log}", folder.display(), bound.as_secs())]
    NotReady {
        /// The data folder.
        folder: PathBuf,
        /// How long it was waited for.
        bound: Duration,
        /// The end of its log.
        log: Log,
    },
    /// The server did not stop.
    #[error(
        "PostgreSQL (process {pid}) did not stop when it was told to, nor when it was killed; its state is {state}: look at its disk"
    )]
    NotStopped {
        /// What the process does, as the system says it.
        state: String,
        /// Its process.
        pid: i32,
    },
    /// The accounts or the database could not be made.
    #[error("database can't be set up: {0}")]
    Setup(#[from] StoreError),
}

/// The last lines that a server said, as they follow an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log(pub String);

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; it said:\n{}", self.0) }
    }
}

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterState {
    /// It takes connections.
    Running {
        /// Its process.
        pid: i32,
        /// Whether it was running before us.
        adopted: bool,
    },
    /// It ended by itself and is started again.
    Restarting {
        /// How often that was tried since it last ran.
        attempts: u32,
        /// Why the last try failed.
        error: Option<ClusterError>,
    },
    /// It was stopped on purpose.
    Stopped,
}

/// A running server and the task that watches it. Dropped without [`PrivateCluster::stop`] the server lives on, to be
/// adopted by the next one who starts in the same folder.
#[derive(Debug)]
pub struct PrivateCluster {
    folder: Folder,
    installation: Installation,
    health: Cell,
    state: watch::Receiver<ClusterState>,
    stop: mpsc::Sender<oneshot::Sender<Result<(), ClusterError>>>,
    watcher: JoinHandle<()>,
}

impl PrivateCluster {
    /// Makes sure that a server runs in `folder` and that our database is in it.
    ///
    /// # Errors
    /// See [`ClusterError`]; each says what can be done.
    pub async fn start(folder: &Path, options: ClusterOptions) -> Result<Self, ClusterError> {
        let started = Instant::now();
        let folder = Folder::prepare(folder, &options)?;
        let installation = installation::choose(&folder, &options).await?;
        let fresh = folder.initialise(&installation).await?;
        folder.configure(&options.server_settings)?;
        let server = Server::start(&folder, &installation, options.start_timeout).await?;
        set_up(&folder).await?;
        let (pid, adopted) = (server.pid(), server.is_adopted());
        tracing::info!(
            folder = %folder.root().display(), version = installation.major, pid, adopted, fresh,
            milliseconds = started.elapsed().as_millis(), "database server is ready"
        );
        let health = Cell::new("database-server", options.clock.clone());
        say_running(&health, pid, adopted);
        let (report, state) = watch::channel(ClusterState::Running { pid, adopted });
        let (stop, orders) = mpsc::channel(1);
        let watch = Watch {
            folder: folder.clone(),
            installation: installation.clone(),
            options,
            health: health.clone(),
            report,
        };
        let watcher = tokio::spawn(watch.run(server, orders));
        Ok(Self { folder, installation, health, state, stop, watcher })
    }

    /// The database of the application, under the account of the application.
    pub fn endpoint(&self) -> Endpoint {
        self.folder.endpoint()
    }

    /// Makes another database that the application's account owns; an existing one stays as it is.
    ///
    /// # Errors
    /// The server does not answer, or the name can't be one of a database.
    pub async fn create_database(&self, name: &str) -> Result<Endpoint, ClusterError> {
        create_database(&self.folder, name).await?;
        Ok(self.endpoint().with_database(name))
    }

    /// How the server is, now and whenever it changes.
    pub fn state(&self) -> watch::Receiver<ClusterState> {
        self.state.clone()
    }

    /// The last health report, at once.
    pub fn health(&self) -> Report {
        self.health.get()
    }

    /// Where the binaries are that run.
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The server's own log.
    pub fn log_path(&self) -> PathBuf {
        self.folder.log_path()
    }

    /// Ends the server: connections are closed, everything is on disk.
    ///
    /// # Errors
    /// It did not stop, even when told to drop everything.
    pub async fn stop(self) -> Result<(), ClusterError> {
        let (answer, answered) = oneshot::channel();
        if self.stop.send(answer).await.is_err() {
            return Ok(());
        }
        let outcome = answered.await.unwrap_or(Ok(()));
        let _ = self.watcher.await;
        outcome
    }
}

/// The task that watches one server.
struct Watch {
    folder: Folder,
    installation: Installation,
    options: ClusterOptions,
    health: Cell,
    report: watch::Sender<ClusterState>,
}

type Order = oneshot::Sender<Result<(), ClusterError>>;

impl Watch {
    async fn run(self, mut server: Server, mut orders: mpsc::Receiver<Order>) {
        let mut pause = RESTART_PAUSES.0;
        loop {
            let since = Instant::now();
            tokio::select! {
                order = orders.recv() => return self.end(Some(server), order).await,
                () = server.ended() => {}
            }
            if since.elapsed() > STEADY {
                pause = RESTART_PAUSES.0;
            }
            tracing::error!(pid = server.pid(), "database server ended by itself; it is started again");
            match self.restart(&mut pause, &mut orders).await {
                Ok(fresh) => server = fresh,
                Err(order) => return self.end(None, order).await,
            }
        }
    }

    /// Tries until a server runs, or until an order to stop comes.
    async fn restart(&self, pause: &mut Duration, orders: &mut mpsc::Receiver<Order>) -> Result<Server, Option<Order>> {
        let (mut attempts, mut last) = (0, None);
        loop {
            let message = last.as_ref().map_or_else(|| "ended by itself".to_owned(), ClusterError::to_string);
            self.health.set(Status::Unhealthy, message, Map::new());
            self.report.send_replace(ClusterState::Restarting { attempts, error: last });
            tokio::select! {
                order = orders.recv() => return Err(order),
                () = tokio::time::sleep(*pause) => *pause = (*pause * 2).min(RESTART_PAUSES.1),
            }
            attempts += 1;
            let started = tokio::select! {
                order = orders.recv() => return Err(order),
                started = Server::start(&self.folder, &self.installation, self.options.start_timeout) => started,
            };
            match started {
                Ok(server) => {
                    let (pid, adopted) = (server.pid(), server.is_adopted());
                    tracing::info!(pid, attempts, "database server runs again");
                    say_running(&self.health, pid, adopted);
                    self.report.send_replace(ClusterState::Running { pid, adopted });
                    return Ok(server);
                }
                Err(error) => {
                    tracing::error!(attempts, %error, "database server can't be started again yet");
                    last = Some(error);
                }
            }
        }
    }

    /// Without an order the cluster's handle was dropped: then the server is left to whoever adopts it.
    async fn end(self, server: Option<Server>, order: Option<Order>) {
        let Some(answer) = order else { return };
        let outcome = match server {
            Some(server) => server.stop(self.options.stop_timeout).await,
            None => Server::stop_remains(&self.folder, self.options.stop_timeout).await,
        };
        self.health.set(Status::Unhealthy, "stopped", Map::new());
        self.report.send_replace(ClusterState::Stopped);
        let _ = answer.send(outcome);
    }
}

fn say_running(health: &Cell, pid: i32, adopted: bool) {
    let details = [("pid".to_owned(), pid.into()), ("adopted".to_owned(), adopted.into())];
    health.set(Status::Healthy, "running", details.into_iter().collect());
}

/// Makes the application's account, which has no rights beyond its own databases, and its database.
async fn set_up(folder: &Folder) -> Result<(), StoreError> {
    use sqlx::{Connection, PgConnection};
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", crate::endpoint::DEFAULT_NAME);
    let maintenance = folder.endpoint().with_user(SETUP_USER).with_database("postgres");
    let bound = Duration::from_secs(30);
    let options = maintenance.options(bound);
    let mut connection = crate::tx::bounded("set-up", bound, PgConnection::connect_with(&options)).await?;
    let question = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(there));
    let count = crate::tx::bounded("set-up", bound, question.fetch_one(&mut connection)).await?;
    if count == 0 {
        let role = "DO $$ BEGIN CREATE ROLE bigskies LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; \
                    EXCEPTION WHEN duplicate_object THEN NULL; END $$";
        crate::tx::bounded("set-up", bound, sqlx::raw_sql(role).execute(&mut connection)).await?;
        create_database(folder, crate::endpoint::DEFAULT_NAME).await?;
    }
    let _ = tokio::time::timeout(bound, connection.close()).await;
    Ok(())
}

async fn create_database(folder: &Folder, name: &str) -> Result<(), StoreError> {
    use sqlx::{AssertSqlSafe, Connection, PgConnection};
    let named = !name.is_empty() && name.len() < 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !named {
        return Err(StoreError::invalid(format!("database name {name:?} is not 1 to 63 letters, digits or _")));
    }
    let bound = Duration::from_secs(30);
    let maintenance = folder.endpoint().with_user(SETUP_USER).with_database("postgres");
    let options = maintenance.options(bound);
    let mut connection = crate::tx::bounded("create database", bound, PgConnection::connect_with(&options)).await?;
    let make = AssertSqlSafe(format!("CREATE DATABASE \"{name}\" OWNER bigskies TEMPLATE template0"));
    let made = crate::tx::bounded("create database", bound, sqlx::raw_sql(make).execute(&mut connection)).await;
    let _ = tokio::time::timeout(bound, connection.close()).await;
    match made {
        Ok(_) => Ok(()),
        Err(StoreError::Defect { reason, .. }) if reason.contains("42P04") => Ok(()),
        Err(error) => Err(error),
    }
}
