//! The bootstrap coordinator's messages: where the database is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Entry,
    kinds::{Done, Needs, Notice, Shape, State},
};

/// Its rows.
pub const MESSAGES: &[Entry] = &[Entry::state::<Credentials>().bare(), Entry::notice::<RequestCredentials>()];

/// Where the `.pgpass` file with the database's credentials lies. The file is on a volume that coordinators share; its content never
/// travels. Published at start, every 30 s and on request, as the spec's bare object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Credentials {
    /// The path of the file, in base64 (RFC 4648).
    pub pgpass_path: String,
    /// The version of this object.
    pub version: String,
    /// Host name of the database, or the folder of its Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its TCP port, or the number in its socket's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The database's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The role to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `disable` to `verify-full`, as libpq has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslmode: Option<String>,
    /// The file of the certificate that signed the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslrootcert: Option<String>,
}

impl Shape for Credentials {
    fn example() -> Self {
        Self {
            pgpass_path: "L3NoYXJlZC9zZWNyZXRzLy5wZ3Bhc3M=".to_owned(),
            version: "1.0".to_owned(),
            host: Some("postgres".to_owned()),
            port: Some(5432),
            database: Some("bigskies".to_owned()),
            user: Some("bigskies".to_owned()),
            sslmode: Some("disable".to_owned()),
            sslrootcert: None,
        }
    }
}

impl State for Credentials {
    const NAME: &'static str = "bootstrap/credentials";
    const NEEDS: Needs = Needs::Node;
    const KEY: &'static str = "";
}

/// Asks for the credentials again. The payload may be empty or the name of who asks, as plain text.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RequestCredentials {
    /// Who asks.
    pub coordinator: Option<String>,
}

impl Shape for RequestCredentials {
    fn example() -> Self {
        Self { coordinator: Some("telescope".to_owned()) }
    }
}

impl Notice for RequestCredentials {
    const NAME: &'static str = "bootstrap/request";
    const NEEDS: Needs = Needs::Node;
    type Reply = Done;
}
