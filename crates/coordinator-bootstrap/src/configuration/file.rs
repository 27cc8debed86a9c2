//! The file as it is written: every key may be left out, none may be unknown.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use store::SslMode;

use super::duration;

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
    #[serde(deserialize_with = "sslmode")]
    pub(super) sslmode: Option<SslMode>,
    pub(super) sslrootcert: Option<PathBuf>,
    pub(super) max_connections: Option<u32>,
    #[serde(deserialize_with = "duration::optional")]
    pub(super) connection_timeout: Option<Duration>,
}

/// `mqtt`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MqttPart {
    pub(super) broker_url: Option<String>,
    pub(super) broker_port: Option<u16>,
    pub(super) client_id: Option<String>,
    #[serde(deserialize_with = "duration::optional")]
    pub(super) reconnect_interval: Option<Duration>,
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

fn sslmode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SslMode>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let parsed = text.map(|text| text.parse::<SslMode>()).transpose();
    parsed.map_err(|_| {
        serde::de::Error::custom(format!("is not one of {}", SslMode::ALL.map(SslMode::as_str).join(", ")))
    })
}
