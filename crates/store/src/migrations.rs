//! The tables' own history: files that run once, in order, under a lock, and are refused when they were edited later.

use std::{
    fmt::Write as _,
    future::Future,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::{Endpoint, StoreError};

/// Our own migrations, oldest first.
const OURS: &[(&str, &str)] = &[
    ("settings", include_str!("../migrations/0001_settings.sql")),
    ("inbox", include_str!("../migrations/0002_inbox.sql")),
    ("health_history", include_str!("../migrations/0003_health_history.sql")),
    ("dead_letters", include_str!("../migrations/0004_dead_letters.sql")),
    ("services", include_str!("../migrations/0005_services.sql")),
    ("telescopes", include_str!("../migrations/0006_telescopes.sql")),
    ("accounts", include_str!("../migrations/0007_accounts.sql")),
    ("tokens", include_str!("../migrations/0008_tokens.sql")),
    ("certificates", include_str!("../migrations/0009_certificates.sql")),
    ("audit", include_str!("../migrations/0010_audit.sql")),
    ("plugins", include_str!("../migrations/0011_plugins.sql")),
    ("orbital", include_str!("../migrations/0012_orbital.sql")),
    ("challenge_readers", include_str!("../migrations/0013_challenge_readers.sql")),
    ("bcrypt_hashes", include_str!("../migrations/0014_bcrypt_hashes.sql")),
];

/// The key of the advisory lock under which migrations run; the same in every version of this program.
const LOCK: i64 = 0x1f3a_77c0_52d9_4be1;
/// How long one migration may take, and how long another process's migrations are waited for.
const BOUND: Duration = Duration::from_secs(300);
/// How long a connection may take to come about.
const CONNECT_BOUND: Duration = Duration::from_secs(15);

/// A file of the operator's own, run after ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraMigration {
    /// Its place among the operator's files.
    pub version: i32,
    /// What it is called.
    pub name: String,
    /// Its statements.
    pub sql: String,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Migrations that ran now, by name, in order.
    pub applied: Vec<String>,
    /// Migrations that had run before.
    pub skipped: Vec<String>,
}

/// One migration and whether it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Ours, or the operator's.
    pub origin: Origin,
    /// Its place among those of its origin.
    pub version: i32,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its statements, in hex.
    pub checksum: String,
    /// What became of it.
    pub state: State,
}

/// Who wrote a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is part of this program.
    BuiltIn,
    /// It came with the operator's configuration.
    Extra,
}

/// What became of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has not run yet.
    Pending,
    /// It ran as it stands.
    Applied,
    /// It ran, and its statements were changed afterwards.
    Edited,
    /// It ran, and nobody knows it here: a newer program was at work.
    Unknown,
}

/// Why the tables are not as this program needs them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A migration was changed after it ran.
    #[error(
        "migration {name} was edited after it ran (checksum {found}, ran as {recorded}); restore the file, and put the change into a new one"
    )]
    Edited {
        /// The migration.
        name: String,
        /// The checksum of the file.
        found: String,
        /// The checksum that ran.
        recorded: String,
    },
    /// A newer program migrated this database.
    #[error(
        "database was migrated by a newer program (migration {name} is unknown here); start that one, or restore a backup"
    )]
    Newer {
        /// The first unknown migration.
        name: String,
    },
    /// A migration's own statements fail; nothing of it stays.
    #[error("migration {name} failed and left nothing behind: {reason}")]
    Failed {
        /// The migration.
        name: String,
        /// What the server said.
        reason: String,
    },
    /// Two files of the operator's have one version or name.
    #[error("migration {name} has a version or a name that another has too; give it its own")]
    Twice {
        /// The second one.
        name: String,
    },
}

/// Runs what has not run yet. Two processes at once are one after the other.
///
/// # Errors
/// See [`MigrationError`].
pub async fn run(endpoint: &Endpoint, extra: &[ExtraMigration]) -> Result<Report, MigrationError> {
    distinct(extra)?;
    let mut connection = connect(endpoint).await?;
    let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK);
    within("migration lock", lock.execute(&mut connection)).await?;
    let outcome = run_locked(&mut connection, extra).await;
    // The lock ends with its session, so a failed goodbye leaves nothing behind.
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.close()).await;
    outcome
}

/// Every migration that is known here or to the database.
///
/// # Errors
/// The database could not be asked.
pub async fn status(endpoint: &Endpoint, extra: &[ExtraMigration]) -> Result<Vec<Status>, MigrationError> {
    let mut connection = connect(endpoint).await?;
    let mut all = Vec::new();
    for (origin, files) in [(Origin::BuiltIn, ours()), (Origin::Extra, given(extra))] {
        let recorded = recorded(&mut connection, origin).await?;
        all.extend(compare(origin, &files, &recorded));
    }
    Ok(all)
}

/// A migration as it stands in a file.
struct File<'a> {
    version: i32,
    name: &'a str,
    sql: &'a str,
    checksum: String,
}

/// A migration as it ran.
struct Recorded {
    version: i32,
    name: String,
    checksum: String,
}

fn ours() -> Vec<File<'static>> {
    let file = |(index, &(name, sql)): (usize, &(&'static str, &'static str))| File {
        version: i32::try_from(index + 1).unwrap_or(i32::MAX),
        name,
        sql,
        checksum: checksum(sql),
    };
    OURS.iter().enumerate().map(file).collect()
}

fn given(extra: &[ExtraMigration]) -> Vec<File<'_>> {
    let mut files: Vec<File<'_>> = extra
        .iter()
        .map(|m| File { version: m.version, name: &m.name, sql: &m.sql, checksum: checksum(&m.sql) })
        .collect();
    files.sort_by_key(|file| file.version);
    files
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn distinct(extra: &[ExtraMigration]) -> Result<(), MigrationError> {
    for (index, file) in extra.iter().enumerate() {
        let twice = |before: &ExtraMigration| before.version == file.version || before.name == file.name;
        if extra.iter().take(index).any(twice) {
            return Err(MigrationError::Twice { name: file.name.clone() });
        }
    }
    Ok(())
}

async fn run_locked(connection: &mut PgConnection, extra: &[ExtraMigration]) -> Result<Report, MigrationError> {
    let mut report = Report::default();
    for (origin, files) in [(Origin::BuiltIn, ours()), (Origin::Extra, given(extra))] {
        if !files.is_empty() && !exists(connection, origin).await? {
            let make = AssertSqlSafe(format!("CREATE TABLE {} {COLUMNS}", table(origin)));
            within("migration table", sqlx::raw_sql(make).execute(&mut *connection)).await?;
        }
        let recorded = recorded(connection, origin).await?;
        refuse(&compare(origin, &files, &recorded), &recorded)?;
        for file in files {
            if recorded.iter().any(|r| r.version == file.version) {
                report.skipped.push(file.name.to_owned());
            } else {
                apply(connection, origin, &file).await?;
                report.applied.push(file.name.to_owned());
            }
        }
    }
    Ok(report)
}

const COLUMNS: &str = "(version integer PRIMARY KEY, name text NOT NULL UNIQUE, checksum varchar(64) NOT NULL, \
     applied_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, execution_time_ms integer NOT NULL, \
     applied_by text NOT NULL DEFAULT session_user)";

const fn table(origin: Origin) -> &'static str {
    match origin {
        Origin::BuiltIn => "schema_migrations",
        Origin::Extra => "schema_migrations_extra",
    }
}

async fn exists(connection: &mut PgConnection, origin: Origin) -> Result<bool, StoreError> {
    let question = sqlx::query_scalar::<_, bool>("SELECT to_regclass($1) IS NOT NULL").bind(table(origin));
    within("migration record", question.fetch_one(connection)).await
}

async fn recorded(connection: &mut PgConnection, origin: Origin) -> Result<Vec<Recorded>, StoreError> {
    if !exists(connection, origin).await? {
        return Ok(Vec::new());
    }
    let statement = AssertSqlSafe(format!("SELECT version, name, checksum FROM {} ORDER BY version", table(origin)));
    let rows = within("migration record", sqlx::query(statement).fetch_all(&mut *connection)).await?;
    rows.iter()
        .map(|row| Ok(Recorded { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? }))
        .collect::<Result<_, sqlx::Error>>()
        .map_err(|e| StoreError::of("migration record", &e))
}

fn compare(origin: Origin, files: &[File<'_>], recorded: &[Recorded]) -> Vec<Status> {
    let known = files.iter().map(|file| Status {
        origin,
        version: file.version,
        name: file.name.to_owned(),
        checksum: file.checksum.clone(),
        state: match recorded.iter().find(|r| r.version == file.version) {
            None => State::Pending,
            Some(r) if r.checksum == file.checksum && r.name == file.name => State::Applied,
            Some(_) => State::Edited,
        },
    });
    let unknown = recorded.iter().filter(|r| files.iter().all(|file| file.version != r.version)).map(|r| Status {
        origin,
        version: r.version,
        name: r.name.clone(),
        checksum: r.checksum.clone(),
        state: State::Unknown,
    });
    known.chain(unknown).collect()
}

fn refuse(compared: &[Status], recorded: &[Recorded]) -> Result<(), MigrationError> {
    for status in compared {
        match (status.state, status.origin) {
            (State::Edited, _) => {
                let before = recorded.iter().find(|r| r.version == status.version);
                return Err(MigrationError::Edited {
                    name: status.name.clone(),
                    found: status.checksum.clone(),
                    recorded: before.map(|r| r.checksum.clone()).unwrap_or_default(),
                });
            }
            (State::Unknown, Origin::BuiltIn) => return Err(MigrationError::Newer { name: status.name.clone() }),
            // An operator may take a file off the list once it ran.
            (State::Unknown, Origin::Extra) | (State::Pending | State::Applied, _) => {}
        }
    }
    Ok(())
}

async fn apply(connection: &mut PgConnection, origin: Origin, file: &File<'_>) -> Result<(), MigrationError> {
    let started = Instant::now();
    let mut transaction = within("migration", connection.begin()).await?;
    let statements = sqlx::raw_sql(AssertSqlSafe(file.sql.to_owned())).execute(&mut *transaction);
    match tokio::time::timeout(BOUND, statements).await {
        Ok(Ok(_)) => {}
        Ok(Err(e)) => return Err(MigrationError::Failed { name: file.name.to_owned(), reason: e.to_string() }),
        Err(_) => return Err(StoreError::Late { operation: "migration", bound: BOUND }.into()),
    }
    let milliseconds = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
    let record = AssertSqlSafe(format!(
        "INSERT INTO {} (version, name, checksum, execution_time_ms) VALUES ($1, $2, $3, $4)",
        table(origin)
    ));
    let record = sqlx::query(record).bind(file.version).bind(file.name).bind(&file.checksum).bind(milliseconds);
    within("migration record", record.execute(&mut *transaction)).await?;
    within("migration", transaction.commit()).await?;
    tracing::info!(migration = file.name, milliseconds, "migration ran");
    Ok(())
}

async fn connect(endpoint: &Endpoint) -> Result<PgConnection, StoreError> {
    let options = endpoint.options(BOUND);
    crate::tx::bounded("connect for migrations", CONNECT_BOUND, PgConnection::connect_with(&options)).await
}

async fn within<T>(
    operation: &'static str,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    crate::tx::bounded(operation, BOUND + Duration::from_secs(5), statement).await
}
