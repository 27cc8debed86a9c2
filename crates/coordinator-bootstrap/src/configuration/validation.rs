//! Whether a configuration and a `.pgpass` file can stand, without starting or asking anything: every complaint at once.

use std::{collections::BTreeSet, fmt, path::Path};

use settings::Complaints;
use store::SslMode;

use super::{CLIENT_ID, Configuration, ConfigurationError};

/// What validation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What cannot stand, by key.
    pub complaints: Complaints,
    /// What stands and may surprise.
    pub notes: Vec<String>,
    /// The database that would be used, without its password.
    pub database: Option<String>,
    /// The broker that would be used.
    pub broker: Option<String>,
    /// The operator's own files that would be run, in order.
    pub migrations: Vec<String>,
}

impl Report {
    /// Whether all can stand.
    pub const fn is_good(&self) -> bool {
        self.complaints.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [("database", &self.database), ("broker", &self.broker)];
        for (what, value) in lines.into_iter().filter_map(|(what, value)| value.as_ref().map(|value| (what, value))) {
            writeln!(f, "{what}: {value}")?;
        }
        for migration in &self.migrations {
            writeln!(f, "migration: {migration}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for (key, what) in self.complaints.iter() {
            writeln!(f, "wrong: {key}: {what}")?;
        }
        f.write_str(if self.is_good() { "configuration and credentials are good" } else { "nothing was started" })
    }
}

/// Checks a configuration and the `.pgpass` file at `pgpass`.
pub fn validate(configuration: &Configuration, pgpass: &Path) -> Report {
    let mut report = Report::default();
    database(configuration, pgpass, &mut report);
    mqtt(configuration, &mut report);
    migrations(configuration, &mut report);
    report
}

fn database(configuration: &Configuration, pgpass: &Path, report: &mut Report) {
    let (database, complaints) = (&configuration.database, &mut report.complaints);
    for (key, text) in [
        ("database.host", &database.host),
        ("database.database", &database.database),
        ("database.user", &database.user),
    ] {
        if text.trim().is_empty() {
            complaints.add(key, "is empty");
        }
    }
    complaints.range("database.port", database.port, 1, u16::MAX);
    complaints.range("database.max_connections", database.max_connections, 1, 10_000);
    if matches!(database.sslmode, SslMode::VerifyCa | SslMode::VerifyFull) && database.sslrootcert.is_none() {
        report.notes.push("database.sslrootcert is not given: the public authorities are trusted".to_owned());
    }
    if let Some(path) = &database.sslrootcert
        && let Err(e) = std::fs::read(path)
    {
        complaints.add("database.sslrootcert", format!("{} can't be read: {e}", path.display()));
    }
    if !pgpass.is_absolute() {
        complaints.add("pgpass", format!("path {} is not absolute; others open it by this path", pgpass.display()));
    }
    match configuration.facts().read(pgpass) {
        Ok(endpoint) => report.database = Some(endpoint.to_string()),
        Err(e) => complaints.add("pgpass", e.to_string()),
    }
}

fn mqtt(configuration: &Configuration, report: &mut Report) {
    let (mqtt, complaints) = (&configuration.mqtt, &mut report.complaints);
    complaints.range("mqtt.broker_port", mqtt.broker_port, 1, u16::MAX);
    complaints.range("mqtt.max_reconnect_attempts", mqtt.max_reconnect_attempts, 1, 100_000);
    match configuration.broker() {
        Ok(address) => report.broker = Some(address.to_string()),
        Err(ConfigurationError::Value { key, reason }) => complaints.add(&key, reason),
        Err(e) => complaints.add("mqtt.broker_url", e.to_string()),
    }
    if mqtt.client_id != CLIENT_ID {
        let note = format!("mqtt.client_id {:?} is not used: the coordinator connects as {CLIENT_ID}", mqtt.client_id);
        report.notes.push(note);
    }
}

fn migrations(configuration: &Configuration, report: &mut Report) {
    let mut names = BTreeSet::new();
    for migration in &configuration.migrations {
        let key = format!("migrations.migrations {}", migration.name);
        if migration.name.trim().is_empty() || migration.version.trim().is_empty() {
            report.complaints.add(&key, "lacks a name or a version");
        }
        if !names.insert(&migration.name) {
            report.complaints.add(&key, "stands there twice");
        }
        if migration.is_built_in() {
            report.notes.push(format!("migration {} is not run: its tables are built in", migration.name));
            continue;
        }
        match std::fs::read_to_string(&migration.file) {
            Ok(sql) if sql.trim().is_empty() => {
                report.complaints.add(&key, format!("{} is empty", migration.file.display()));
            }
            Ok(_) => report.migrations.push(format!("{} {}", migration.name, migration.version)),
            Err(e) => report.complaints.add(&key, format!("{} can't be read: {e}", migration.file.display())),
        }
    }
}
