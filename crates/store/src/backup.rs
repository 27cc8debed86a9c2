//! All rows of the application in one file, and back: one snapshot, streamed, checked before anything is touched.
//!
//! By COPY and not by `pg_dump`, which the unpacked bundle does not have and which would have to be as new as the server.

mod file;
mod proofs;
mod tables;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use vocabulary::Timestamp;

use self::{
    file::{Reader, Writer},
    tables::Table,
};
use crate::{Endpoint, StoreError, tx::bounded};

/// How long one step may take: a connection, a piece of a table, the last commit.
const STEP_BOUND: Duration = Duration::from_secs(120);
/// How long one table may take.
const TABLE_BOUND: Duration = Duration::from_secs(3600);

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// When it was made.
    pub created_at: Timestamp,
    /// The tables, in the order in which they are restored.
    pub tables: Vec<TableSummary>,
}

/// What a backup holds of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    /// Its name.
    pub name: String,
    /// Its length in the file.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

impl TableSummary {
    const fn begin(name: String) -> Self {
        Self { name, bytes: 0, rows: 0 }
    }

    /// Counts a piece; in COPY's text form only the end of a row is a bare newline.
    fn count(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.rows += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The table that is begun now.
    pub table: &'a str,
    /// Tables that are done.
    pub done: u32,
    /// Tables in all.
    pub total: u32,
}

/// Hears of each step when it begins.
pub type Steps<'a> = &'a (dyn Fn(Step<'_>) + Send + Sync);

/// Why there is no backup, or no restoration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be read or written.
    #[error("backup {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not as it was written; nothing was restored.
    #[error("backup {} is damaged: {reason}; nothing was restored, take another one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The file was made from other tables; nothing was restored.
    #[error("backup {} was made by another version ({reason}); restore it with that version, then start this one", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The first difference.
        reason: String,
    },
}

impl From<BackupError> for vocabulary::Fault {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::File { .. } => {
                Self::unavailable(message).hint("check the path, its rights and the space left")
            }
            BackupError::Damaged { .. } | BackupError::Schema { .. } => Self::invalid(message),
        }
    }
}

/// The beginning of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    created_at: Timestamp,
    server_version: String,
    migrations: Vec<tables::Migration>,
    tables: Vec<Table>,
}

/// Writes all tables into `path`, with mode 0600; the file is there when it is whole. Work goes on meanwhile.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup(endpoint: &Endpoint, path: &Path, now: Timestamp) -> Result<Summary, BackupError> {
    backup_in_steps(endpoint, path, now, &|_| {}).await
}

/// The same, telling of each step.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup_in_steps(
    endpoint: &Endpoint,
    path: &Path,
    now: Timestamp,
    steps: Steps<'_>,
) -> Result<Summary, BackupError> {
    let mut connection = connect(endpoint).await?;
    let snapshot = sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    bounded("backup snapshot", STEP_BOUND, snapshot.execute(&mut connection)).await?;
    let header = Header {
        created_at: now,
        server_version: tables::server_version(&mut connection).await?,
        migrations: tables::migrations(&mut connection).await?,
        tables: tables::all(&mut connection).await?,
    };
    let mut writer = Writer::create(path).await?;
    writer.json(&header).await?;
    let mut summaries = Vec::new();
    for (done, table) in header.tables.iter().enumerate() {
        tell(steps, &header.tables, done);
        summaries.push(copy_out(&mut connection, table, &mut writer).await?);
    }
    let summary = Summary { created_at: now, tables: summaries };
    writer.json(&summary).await?;
    writer.finish().await?;
    let _ = tokio::time::timeout(STEP_BOUND, connection.close()).await;
    tracing::info!(path = %path.display(), tables = summary.tables.len(), "backup was written");
    Ok(summary)
}

/// Reads a backup through and says what it holds.
///
/// # Errors
/// It can't be read, or is damaged.
pub async fn verify(path: &Path) -> Result<Summary, BackupError> {
    let mut reader = Reader::open(path).await?;
    let header: Header = reader.json().await?;
    let mut lengths = Vec::new();
    for table in &header.tables {
        let mut length = TableSummary::begin(table.name.clone());
        while let Some(chunk) = reader.chunk().await? {
            length.count(&chunk);
        }
        lengths.push(length);
    }
    let summary: Summary = reader.json().await?;
    if summary.tables != lengths {
        return Err(reader.damaged("a table has another length than was written"));
    }
    reader.finish().await?;
    Ok(summary)
}

/// Puts the rows of a backup in place of those that are there, in one transaction, after the file was read through once. What was taken
/// back since then stays so, everybody logs in again, and the audit trail goes on.
///
/// # Errors
/// See [`BackupError`]; then everything is as it was.
pub async fn restore(endpoint: &Endpoint, path: &Path) -> Result<Summary, BackupError> {
    restore_in_steps(endpoint, path, &|_| {}).await
}

/// The same, telling of each step.
///
/// # Errors
/// See [`BackupError`]; then everything is as it was.
pub async fn restore_in_steps(endpoint: &Endpoint, path: &Path, steps: Steps<'_>) -> Result<Summary, BackupError> {
    let checked = verify(path).await?;
    let mut connection = connect(endpoint).await?;
    let mut transaction = bounded("restore", STEP_BOUND, connection.begin()).await?;
    let mut reader = Reader::open(path).await?;
    let header: Header = reader.json().await?;
    let here = tables::migrations(&mut transaction).await?;
    if let Some(reason) = tables::difference(&header.migrations, &here) {
        return Err(BackupError::Schema { path: path.to_owned(), reason });
    }
    proofs::remember(&mut transaction).await?;
    tables::empty(&mut transaction, &header.tables).await?;
    for (done, table) in header.tables.iter().enumerate() {
        tell(steps, &header.tables, done);
        copy_in(&mut transaction, table, &mut reader).await?;
    }
    let summary: Summary = reader.json().await?;
    reader.finish().await?;
    if summary != checked {
        return Err(reader.damaged("it was changed while it was read"));
    }
    proofs::settle(&mut transaction).await?;
    tables::resume(&mut transaction, &header.tables).await?;
    bounded("restore", STEP_BOUND, transaction.commit()).await?;
    let _ = tokio::time::timeout(STEP_BOUND, connection.close()).await;
    tracing::info!(path = %path.display(), tables = summary.tables.len(), "backup was restored");
    Ok(summary)
}

fn tell(steps: Steps<'_>, tables: &[Table], done: usize) {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if let Some(table) = tables.get(done) {
        steps(Step { table: &table.name, done: count(done), total: count(tables.len()) });
    }
}

async fn copy_out(
    connection: &mut PgConnection,
    table: &Table,
    writer: &mut Writer,
) -> Result<TableSummary, BackupError> {
    let statement = table.copy_out();
    let mut chunks = bounded("backup table", STEP_BOUND, connection.copy_out_raw(&statement)).await?;
    let mut summary = TableSummary::begin(table.name.clone());
    while let Some(chunk) = bounded("backup table", STEP_BOUND, chunks.try_next()).await? {
        summary.count(&chunk);
        writer.chunk(&chunk).await?;
    }
    writer.end_of_table().await?;
    Ok(summary)
}

async fn copy_in(connection: &mut PgConnection, table: &Table, reader: &mut Reader) -> Result<(), BackupError> {
    let statement = table.copy_in();
    let mut copy = bounded("restore table", STEP_BOUND, connection.copy_in_raw(&statement)).await?;
    while let Some(chunk) = reader.chunk().await? {
        bounded("restore table", STEP_BOUND, copy.send(chunk)).await?;
    }
    bounded("restore table", TABLE_BOUND, copy.finish()).await?;
    Ok(())
}

async fn connect(endpoint: &Endpoint) -> Result<PgConnection, StoreError> {
    let options = endpoint.options(TABLE_BOUND);
    bounded("backup connect", STEP_BOUND, PgConnection::connect_with(&options)).await
}

/// Runs a statement that was put together from the names of the catalogue.
async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), StoreError> {
    bounded("restore", STEP_BOUND, sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection)).await.map(|_| ())
}
