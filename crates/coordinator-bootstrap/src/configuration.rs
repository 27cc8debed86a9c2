//! What the bootstrap coordinator is started with: the file `configs/bootstrap.yaml`, variables of the environment over it, defaults under it.
//!
//! | key of the file | variable | default |
//! |---|---|---|
//! | `database.host` | `DB_HOST` | what the `.pgpass` file says, `postgres` where it says `*` |
//! | `database.port` | `DB_PORT` | the same, 5432 |
//! | `database.database` | `DB_NAME` | the same, `bigskies` |
//! | `database.user` | `DB_USER` | the same, `bigskies` |
//! | `database.sslmode` | `DB_SSLMODE` | `prefer`: TLS where the server has it |
//! | `database.sslrootcert` | `DB_SSLROOTCERT` | none |
//! | `database.max_connections` | – | 20 |
//! | `database.connection_timeout` | – | `5s` |
//! | `mqtt.broker_url` | `MQTT_HOST` | `tcp://mqtt-broker` |
//! | `mqtt.broker_port` | `MQTT_PORT` | 1883 |
//! | `mqtt.client_id` | – | `bootstrap-coordinator`, and nothing else |
//! | `mqtt.reconnect_interval` | – | `5s` |
//! | `mqtt.max_reconnect_attempts` | – | 10; times the interval it is how long the start waits for the broker |
//! | `migrations.directory` | – | `configs/sql` |
//! | `migrations.migrations` | – | none; each with `name`, `file` and `version` |
//!
//! An empty variable counts as none. `PGPASSFILE` names the `.pgpass` file where no flag does ([`pgpass_path`]). Durations are written as
//! `10s`, `500ms` or `1m30s`; a number alone is seconds.

mod duration;
mod extra;
mod file;
mod validation;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bus::Address;
use catalog::frame::Setting;
use serde_json::{Value, json};
use settings::Kind;
use store::{Place, PoolSettings, SslMode, Tls, endpoint::pgpass::Wanted};

use self::file::File;
pub use self::{
    extra::MigrationFile,
    validation::{Report, validate},
};
use crate::Facts;

/// Where the file is looked for unless told otherwise.
pub const DEFAULT_PATH: &str = "configs/bootstrap.yaml";
/// Where the `.pgpass` file is looked for unless told otherwise.
pub const DEFAULT_PGPASS: &str = "/shared/secrets/.pgpass";
/// The client id of the bootstrap coordinator.
const CLIENT_ID: &str = "bootstrap-coordinator";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A file can't be read.
    #[error("configuration file {} can't be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The file says what it should not.
    #[error("configuration file {}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What, with the line where that is known.
        reason: String,
    },
    /// A variable says what it should not.
    #[error("variable {name}: {reason}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What.
        reason: String,
    },
    /// A value can't stand.
    #[error("{key}: {reason}")]
    Value {
        /// The key, as in the file.
        key: String,
        /// Why.
        reason: String,
    },
}

impl From<ConfigurationError> for vocabulary::Fault {
    fn from(error: ConfigurationError) -> Self {
        Self::invalid(error.to_string())
            .hint("correct it; `run bootstrap --validate` checks it without starting anything")
    }
}

/// The database's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Host name, or folder of the Unix socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// The account.
    pub user: String,
    /// How the connection is protected.
    pub sslmode: SslMode,
    /// The certificates that are trusted (PEM).
    pub sslrootcert: Option<PathBuf>,
    /// Connections of this process at most.
    pub max_connections: u32,
    /// How long a connection is waited for.
    pub connection_timeout: Duration,
}

/// The broker's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// Host, with or without `tcp://` or `mqtt://`.
    pub broker_url: String,
    /// Port.
    pub broker_port: u16,
    /// The client id.
    pub client_id: String,
    /// The pause between two attempts to connect at the start.
    pub reconnect_interval: Duration,
    /// How many of these pauses the start takes; later the connection is made again for as long as it takes.
    pub max_reconnect_attempts: u32,
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The database.
    pub database: Database,
    /// The broker.
    pub mqtt: Mqtt,
    /// Further SQL files, run after the built-in ones in this order.
    pub migrations: Vec<MigrationFile>,
    /// Where each value comes from that is not a default.
    origins: BTreeMap<&'static str, String>,
}

impl Configuration {
    /// Reads the file and the environment. Without `path` the file at [`DEFAULT_PATH`] is read if there is one.
    ///
    /// # Errors
    /// A named file is missing; a file or a variable can't be understood.
    pub fn read(path: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigurationError> {
        let read_from = path.unwrap_or(Path::new(DEFAULT_PATH));
        let file = match fs::read_to_string(read_from) {
            Ok(text) => File::parse(&text)
                .map_err(|reason| ConfigurationError::Content { path: read_from.to_owned(), reason })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound && path.is_none() => File::default(),
            Err(reason) => return Err(ConfigurationError::File { path: read_from.to_owned(), reason }),
        };
        Sources { path: read_from, variable, origins: BTreeMap::new() }.merge(file)
    }

    /// Whether a value was given, by its key.
    fn is_given(&self, key: &str) -> bool {
        self.origins.contains_key(key)
    }

    /// What the `.pgpass` file's line must fit, and what is usual.
    pub fn facts(&self) -> Facts {
        let Database { host, port, database, user, sslmode, sslrootcert, .. } = self.database.clone();
        let tls = Tls { mode: sslmode, root_certificate: sslrootcert };
        let given = |key: &str| self.is_given(key);
        Facts {
            said: Wanted {
                place: given("database.host").then(|| Place::new(&host)),
                port: given("database.port").then_some(port),
                database: given("database.database").then(|| database.clone()),
                user: given("database.user").then(|| user.clone()),
                tls,
            },
            usual: Wanted { place: Some(Place::new(&host)), ..Wanted::default() },
        }
    }

    /// Where the broker is.
    ///
    /// # Errors
    /// The URL can't be understood, or has another port in it than `broker_port`.
    pub fn broker(&self) -> Result<Address, ConfigurationError> {
        let Mqtt { broker_url, broker_port, .. } = &self.mqtt;
        let wrong = |reason: String| ConfigurationError::Value { key: "mqtt.broker_url".to_owned(), reason };
        let address: Address = broker_url.parse().map_err(|fault: vocabulary::Fault| wrong(fault.message))?;
        let has_port = address.port != 1883 || broker_url.trim_end_matches('/').ends_with(":1883");
        if has_port && self.is_given("mqtt.broker_port") && address.port != *broker_port {
            return Err(wrong(format!("names port {}, and mqtt.broker_port says {broker_port}", address.port)));
        }
        let port = if has_port { address.port } else { *broker_port };
        Ok(Address { port, ..address })
    }

    /// How long the start waits for the broker.
    pub fn patience(&self) -> Duration {
        self.mqtt.reconnect_interval.saturating_mul(self.mqtt.max_reconnect_attempts)
    }

    /// The bounds of the pool of connections, until the datastore coordinator's settings say otherwise.
    pub fn pool(&self) -> PoolSettings {
        let usual = PoolSettings::default();
        let max = self.database.max_connections;
        let acquire_timeout_seconds = self.database.connection_timeout.as_secs().max(1);
        PoolSettings { max, min: usual.min.min(max), acquire_timeout_seconds, ..usual }
    }

    /// The boot settings, to be shown beside the others.
    pub fn boot_settings(&self) -> Vec<Setting> {
        let Database { host, port, database, user, sslmode, sslrootcert, max_connections, connection_timeout } =
            &self.database;
        let Mqtt { broker_url, broker_port, client_id, reconnect_interval, max_reconnect_attempts } = &self.mqtt;
        let usual = Self::default();
        let (db, broker) = (&usual.database, &usual.mqtt);
        let seconds = |duration: &Duration| json!(duration.as_secs_f64());
        let names: Vec<&str> = self.migrations.iter().map(|migration| migration.name.as_str()).collect();
        [
            ("database.host", json!(host), json!(db.host), Kind::String),
            ("database.port", json!(port), json!(db.port), Kind::Int),
            ("database.database", json!(database), json!(db.database), Kind::String),
            ("database.user", json!(user), json!(db.user), Kind::String),
            ("database.sslmode", json!(sslmode.as_str()), json!(db.sslmode.as_str()), Kind::String),
            ("database.sslrootcert", json!(sslrootcert), Value::Null, Kind::String),
            ("database.max_connections", json!(max_connections), json!(db.max_connections), Kind::Int),
            (
                "database.connection_timeout",
                seconds(connection_timeout),
                seconds(&db.connection_timeout),
                Kind::Duration,
            ),
            ("mqtt.broker_url", json!(broker_url), json!(broker.broker_url), Kind::String),
            ("mqtt.broker_port", json!(broker_port), json!(broker.broker_port), Kind::Int),
            ("mqtt.client_id", json!(client_id), json!(broker.client_id), Kind::String),
            (
                "mqtt.reconnect_interval",
                seconds(reconnect_interval),
                seconds(&broker.reconnect_interval),
                Kind::Duration,
            ),
            (
                "mqtt.max_reconnect_attempts",
                json!(max_reconnect_attempts),
                json!(broker.max_reconnect_attempts),
                Kind::Int,
            ),
            ("migrations.migrations", json!(names), json!([]), Kind::Object),
        ]
        .into_iter()
        .map(|(key, value, default, kind)| Setting {
            key: key.to_owned(),
            value,
            default,
            kind,
            description: "of the file of boot settings".to_owned(),
            secret: false,
            origin: self.origins.get(key).cloned().unwrap_or_else(|| "default".to_owned()),
        })
        .collect()
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            database: Database {
                host: "postgres".to_owned(),
                port: store::endpoint::DEFAULT_PORT,
                database: store::endpoint::DEFAULT_NAME.to_owned(),
                user: store::endpoint::DEFAULT_NAME.to_owned(),
                sslmode: SslMode::Prefer,
                sslrootcert: None,
                max_connections: 20,
                connection_timeout: Duration::from_secs(5),
            },
            mqtt: Mqtt {
                broker_url: "tcp://mqtt-broker".to_owned(),
                broker_port: 1883,
                client_id: CLIENT_ID.to_owned(),
                reconnect_interval: Duration::from_secs(5),
                max_reconnect_attempts: 10,
            },
            migrations: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
}

/// The `.pgpass` file: the flag's, else that of `PGPASSFILE`, else [`DEFAULT_PGPASS`]; absolute, since it is handed out.
///
/// # Errors
/// The working folder, from which a relative path goes, can't be found.
pub fn pgpass_path(
    flag: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<PathBuf, ConfigurationError> {
    let said = flag.map(Path::to_owned);
    let of_variable = || variable("PGPASSFILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = said.or_else(of_variable).unwrap_or_else(|| PathBuf::from(DEFAULT_PGPASS));
    std::path::absolute(&path).map_err(|reason| ConfigurationError::File { path, reason })
}

/// The file and the environment, one value after the other.
struct Sources<'a, F> {
    path: &'a Path,
    variable: F,
    origins: BTreeMap<&'static str, String>,
}

impl<F: Fn(&str) -> Option<String>> Sources<'_, F> {
    fn merge(mut self, file: File) -> Result<Configuration, ConfigurationError> {
        let (usual_database, usual_mqtt) = (Configuration::default().database, Configuration::default().mqtt);
        let (database, mqtt) = (file.database.unwrap_or_default(), file.mqtt.unwrap_or_default());
        let database = Database {
            host: self.either("database.host", "DB_HOST", database.host, usual_database.host)?,
            port: self.either("database.port", "DB_PORT", database.port, usual_database.port)?,
            database: self.either("database.database", "DB_NAME", database.database, usual_database.database)?,
            user: self.either("database.user", "DB_USER", database.user, usual_database.user)?,
            sslmode: self.either(
                "database.sslmode",
                "DB_SSLMODE",
                database.sslmode.map(|mode| mode.0),
                usual_database.sslmode,
            )?,
            sslrootcert: self
                .either("database.sslrootcert", "DB_SSLROOTCERT", database.sslrootcert, PathBuf::new())
                .map(|path| Some(path).filter(|path| !path.as_os_str().is_empty()))?,
            max_connections: self.given(
                "database.max_connections",
                database.max_connections,
                usual_database.max_connections,
            ),
            connection_timeout: self.given(
                "database.connection_timeout",
                database.connection_timeout.map(|span| span.0),
                usual_database.connection_timeout,
            ),
        };
        let mqtt = Mqtt {
            broker_url: self.either("mqtt.broker_url", "MQTT_HOST", mqtt.broker_url, usual_mqtt.broker_url)?,
            broker_port: self.either("mqtt.broker_port", "MQTT_PORT", mqtt.broker_port, usual_mqtt.broker_port)?,
            client_id: self.given("mqtt.client_id", mqtt.client_id, usual_mqtt.client_id),
            reconnect_interval: self.given(
                "mqtt.reconnect_interval",
                mqtt.reconnect_interval.map(|span| span.0),
                usual_mqtt.reconnect_interval,
            ),
            max_reconnect_attempts: self.given(
                "mqtt.max_reconnect_attempts",
                mqtt.max_reconnect_attempts,
                usual_mqtt.max_reconnect_attempts,
            ),
        };
        let migrations = file.migrations.map(extra::files);
        let migrations = self.given("migrations.migrations", migrations, Vec::new());
        Ok(Configuration { database, mqtt, migrations, origins: self.origins })
    }

    /// The file's value or the default.
    fn given<T>(&mut self, key: &'static str, of_file: Option<T>, default: T) -> T {
        if of_file.is_some() {
            self.origins.insert(key, self.path.display().to_string());
        }
        of_file.unwrap_or(default)
    }

    /// The variable's value, else the file's, else the default.
    fn either<T>(
        &mut self,
        key: &'static str,
        name: &'static str,
        of_file: Option<T>,
        default: T,
    ) -> Result<T, ConfigurationError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        match (self.variable)(name).filter(|text| !text.is_empty()) {
            Some(text) => {
                self.origins.insert(key, format!("variable {name}"));
                text.trim().parse().map_err(|e: T::Err| ConfigurationError::Variable {
                    name,
                    reason: format!("{text:?} can't be understood: {e}"),
                })
            }
            None => Ok(self.given(key, of_file, default)),
        }
    }
}
