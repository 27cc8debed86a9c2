//! What a process of the observatory can be told on its command line, whatever it runs.

use std::{fmt, net::SocketAddr, str::FromStr};

use clap::Args;
use simulator::AlpacaSimulator;
use vocabulary::Fault;

use crate::house::{broker::Listen, orbital::GrpcOptions, security::master_key::Source, tls::TlsOptions};

/// An address, or that there shall be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressOrOff {
    /// The address.
    At(SocketAddr),
    /// None.
    Off,
}

impl FromStr for AddressOrOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| format!("{text:?} is neither an address such as 127.0.0.1:9001 nor off"))
    }
}

impl fmt::Display for AddressOrOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

impl AddressOrOff {
    pub(crate) const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

/// Where things are served, and how much is logged.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeOptions {
    /// Where MQTT is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883", env = "BIGSKIES_MQTT", hide_env_values = true)]
    pub(crate) mqtt: SocketAddr,
    /// Where MQTT over WebSocket is served.
    #[arg(
        long,
        value_name = "ADDR|off",
        default_value = "127.0.0.1:9001",
        env = "BIGSKIES_MQTT_WS",
        hide_env_values = true
    )]
    pub(crate) mqtt_ws: AddressOrOff,
    /// Let everybody in without a password; only on addresses that nobody else can reach.
    #[arg(long)]
    pub(crate) open: bool,
    /// Where HTTP is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "BIGSKIES_HTTP", hide_env_values = true)]
    pub(crate) http: SocketAddr,
    /// Where the simulated telescope is served.
    #[arg(
        long,
        value_name = "ADDR|off",
        default_value = "127.0.0.1:32323",
        env = "BIGSKIES_SIMULATOR",
        hide_env_values = true
    )]
    pub(crate) simulator: AddressOrOff,
    /// The UDP port on which the simulated telescope answers discovery.
    #[arg(long, value_name = "PORT", default_value_t = 32227)]
    pub(crate) simulator_discovery: u16,
    /// How fast the simulated telescope slews, in degrees a second.
    #[arg(long, value_name = "DEGREES", default_value_t = 6.0)]
    pub(crate) simulator_speed: f64,
    /// A database of yours, as postgres://user:password@host:port/name.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Where the master key is, which seals secrets in the database: a file, env:NAME, or keyring. Where nothing is said it is
    /// BIGSKIES_MASTER_KEY, else the service manager's credential bigskies-master-key, else a file in the data folder.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) master_key: Option<Source>,
    /// How much is logged: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "BIGSKIES_LOG", hide_env_values = true)]
    pub(crate) log_level: String,
    #[command(flatten)]
    pub(crate) tls: TlsOptions,
    #[command(flatten)]
    pub(crate) grpc: GrpcOptions,
}

impl ServeOptions {
    /// Starts logs and metrics. What libraries say in passing is left out, unless everything is wanted.
    pub(crate) fn observe(&self) -> Result<(), Fault> {
        let quiet = match self.log_level.as_str() {
            "error" | "warn" | "info" => ",mqtt5=error,ascom_alpaca=off,sqlx=warn",
            _ => "",
        };
        observability::logs::start(&format!("{}{quiet}", self.log_level)).map_err(Fault::invalid)?;
        observability::metrics::start();
        Ok(())
    }

    /// Where the broker listens.
    pub(crate) const fn listen(&self) -> Listen {
        Listen { mqtt: self.mqtt, websocket: self.mqtt_ws.address(), open: self.open }
    }

    /// Starts the simulated telescope, if there shall be one.
    pub(crate) async fn simulate(&self) -> Result<Option<AlpacaSimulator>, Fault> {
        let Some(http) = self.simulator.address() else { return Ok(None) };
        let simulated = simulator::Options {
            http,
            discovery: Some(SocketAddr::new(http.ip(), self.simulator_discovery)),
            slew_degrees_per_second: self.simulator_speed,
            ..simulator::Options::default()
        };
        AlpacaSimulator::start(simulated).await.map(Some).map_err(|e| {
            Fault::conflict(format!("simulated telescope can't be started: {e}")).hint(
                "choose another address with --simulator or --simulator-discovery, or switch it off with --simulator off",
            )
        })
    }
}
