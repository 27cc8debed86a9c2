//! The file as it is written: every key may be left out, none may be unknown.

use std::{fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use store::SslMode;

use super::duration::Span;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) database: Option<DatabasePart>,
    pub(super) mqtt: Option<MqttPart>,
    pub(super) migrations: Option<MigrationsPart>,
}

/// `database`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DatabasePart {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    pub(super) sslmode: Option<Mode>,
    pub(super) sslrootcert: Option<PathBuf>,
    pub(super) max_connections: Option<u32>,
    pub(super) connection_timeout: Option<Span>,
}

/// `mqtt`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MqttPart {
    pub(super) broker_url: Option<String>,
    pub(super) broker_port: Option<u16>,
    pub(super) client_id: Option<String>,
    pub(super) reconnect_interval: Option<Span>,
    pub(super) max_reconnect_attempts: Option<u32>,
}

/// `migrations`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MigrationsPart {
    pub(super) directory: Option<PathBuf>,
    pub(super) migrations: Option<Vec<MigrationPart>>,
}

/// One of `migrations.migrations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationPart {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) version: String,
}

impl File {
    /// Reads the text; the complaint names the key and the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parsed: Option<Self> = serde_norway::from_str(text).map_err(|e| e.to_string())?;
        Ok(parsed.unwrap_or_default())
    }
}

/// An `sslmode` as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode(pub(super) SslMode);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reader)
    }
}

/// Complains while it reads, since only then the complaint gets the key and the line.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Mode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", SslMode::ALL.map(SslMode::as_str).join(", "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
        text.parse().map(Mode).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}
