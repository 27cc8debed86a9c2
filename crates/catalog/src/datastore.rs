//! The datastore coordinator's messages: the database's pulse, figures, backup and restore.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Fault, Timestamp, ids::OperationId};

use crate::{
    Entry,
    frame::example_time,
    kinds::{Command, Effect, Event, Lane, Needs, Shape, State},
};

/// Its rows.
pub const MESSAGES: &[Entry] = &[
    Entry::command::<Ping>(),
    Entry::command::<GetStatistics>(),
    Entry::command::<CreateBackup>(),
    Entry::command::<RestoreBackup>(),
    Entry::command::<ListBackups>(),
    Entry::event::<BackupEnded>(),
    Entry::state::<BackupProgress>(),
];

const READ: Needs = Needs::right("datastore", "read");
const CONFIGURE: Needs = Needs::right("datastore", "configure");

/// Asks the database for a sign of life.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

impl Shape for Ping {
    fn example() -> Self {
        Self {}
    }
}

impl Command for Ping {
    const NAME: &'static str = "datastore/ping";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Pong;
}

/// The database answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    /// How long it took, in milliseconds.
    pub round_trip_milliseconds: f64,
}

impl Shape for Pong {
    fn example() -> Self {
        Self { round_trip_milliseconds: 0.3 }
    }
}

/// Asks for the figures of the pool and of the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatistics {}

impl Shape for GetStatistics {
    fn example() -> Self {
        Self {}
    }
}

impl Command for GetStatistics {
    const NAME: &'static str = "datastore/statistics/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Statistics;
}

/// The figures of the pool and of the database.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Statistics {
    /// The server's version.
    pub server_version: String,
    /// Where the database is, without its password.
    pub endpoint: String,
    /// Connections of this pool.
    pub pool_connections: u32,
    /// Connections of this pool that nobody uses now.
    pub pool_idle: u32,
    /// The most connections this pool may have.
    pub pool_max: u32,
    /// Connections to the server from everywhere.
    pub server_connections: u32,
    /// The most connections the server allows.
    pub server_max: u32,
    /// The size of the database, in bytes.
    pub database_bytes: u64,
}

impl Shape for Statistics {
    fn example() -> Self {
        Self {
            server_version: "15.18".to_owned(),
            endpoint: "postgres://bigskies@postgres:5432/bigskies".to_owned(),
            pool_connections: 5,
            pool_idle: 4,
            pool_max: 20,
            server_connections: 9,
            server_max: 50,
            database_bytes: 9_000_000,
        }
    }
}

/// Starts a backup of all tables, in one snapshot, to a file in the backup folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBackup {
    /// The name of the file (`[A-Za-z0-9._-]`); the time where nothing is said.
    pub name: Option<String>,
}

impl Shape for CreateBackup {
    fn example() -> Self {
        Self { name: Some("before-upgrade".to_owned()) }
    }
}

impl Command for CreateBackup {
    const NAME: &'static str = "datastore/backup/create";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    type Reply = BackupStarted;

    fn scope(&self) -> Option<String> {
        Some("backup".to_owned())
    }
}

/// Starts to put a backup back in place of what is in the tables: all of it or nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreBackup {
    /// The name of the file.
    pub name: String,
}

impl Shape for RestoreBackup {
    fn example() -> Self {
        Self { name: "before-upgrade".to_owned() }
    }
}

impl Command for RestoreBackup {
    const NAME: &'static str = "datastore/backup/restore";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    const LIMIT: Duration = Duration::from_secs(60);
    type Reply = BackupStarted;

    fn scope(&self) -> Option<String> {
        Some("backup".to_owned())
    }
}

/// A backup or restore has begun.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BackupStarted {
    /// Names the work in its progress and at its end.
    pub operation_id: OperationId,
    /// The name of the file.
    pub name: String,
}

impl Shape for BackupStarted {
    fn example() -> Self {
        Self { operation_id: example_operation(), name: "before-upgrade".to_owned() }
    }
}

/// Asks which backups there are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListBackups {}

impl Shape for ListBackups {
    fn example() -> Self {
        Self {}
    }
}

impl Command for ListBackups {
    const NAME: &'static str = "datastore/backup/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Backups;
}

/// A file in the backup folder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The files in the backup folder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Backups {
    /// Newest first.
    pub backups: Vec<Backup>,
}

impl Shape for Backups {
    fn example() -> Self {
        let backup = Backup { name: "before-upgrade".to_owned(), size_bytes: 120_000, created_at: example_time() };
        Self { backups: vec![backup] }
    }
}

/// How far a backup or restore is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BackupProgress {
    /// Names the work.
    pub operation_id: OperationId,
    /// The table in work.
    pub table: String,
    /// Tables that are done.
    pub tables_done: u32,
    /// Tables in all.
    pub tables_total: u32,
}

impl Shape for BackupProgress {
    fn example() -> Self {
        Self {
            operation_id: example_operation(),
            table: "telescope_configurations".to_owned(),
            tables_done: 3,
            tables_total: 11,
        }
    }
}

impl State for BackupProgress {
    const NAME: &'static str = "datastore/backup";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "the operation's id; cleared at its end";
}

/// A backup or restore ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BackupEnded {
    /// Names the work.
    pub operation_id: OperationId,
    /// The name of the file.
    pub name: String,
    /// Rows written or read.
    pub rows: u64,
    /// Why it failed; null if it did not.
    pub failure: Option<Fault>,
}

impl Shape for BackupEnded {
    fn example() -> Self {
        Self { operation_id: example_operation(), name: "before-upgrade".to_owned(), rows: 212, failure: None }
    }
}

impl Event for BackupEnded {
    const NAME: &'static str = "datastore/backup-ended";
    const NEEDS: Needs = READ;
}

/// The id that examples use.
#[expect(clippy::expect_used, reason = "a constant that the tests read")]
pub(crate) fn example_operation() -> OperationId {
    "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a10".parse().expect("an id")
}
