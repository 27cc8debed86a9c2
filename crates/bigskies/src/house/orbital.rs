//! The orbital service of this process: where gRPC is served, who may call, and what it knows from the beginning.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use bus::BrokerKind;
use clap::{Args, ValueEnum};
use engine_orbital::{Elements, catalogue};
use orbital_client::proto::GroundStation;
use serde::Deserialize;
use service_orbital::{Guard, Orbital, OrbitalOptions, READ, Rows};
use vocabulary::Fault;

use crate::house::{
    security::{Security, authority::Rule},
    serve::AddressOrOff,
    tls::TlsOptions,
};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Where gRPC is served and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Orbital service")]
pub(crate) struct GrpcOptions {
    /// Where gRPC is served without TLS.
    #[arg(
        long,
        value_name = "ADDR|off",
        default_value = "127.0.0.1:50051",
        env = "BIGSKIES_GRPC",
        hide_env_values = true
    )]
    pub(crate) grpc: AddressOrOff,
    /// What callers of gRPC need; where nothing is said, reading is free as long as it is served on loopback alone.
    #[arg(long, value_enum, value_name = "WHAT", env = "BIGSKIES_GRPC_ACCESS", hide_env_values = true)]
    pub(crate) grpc_access: Option<Access>,
    /// Where the role orbital serves /metrics and /health over HTTP, if no gateway in its process does; nowhere where nothing is said.
    #[arg(long, value_name = "ADDR", env = "BIGSKIES_ORBITAL_METRICS", hide_env_values = true)]
    pub(crate) orbital_metrics: Option<SocketAddr>,
    /// The satellites that are known by their catalogue numbers: a file of TLE or OMM, given as often as wanted. A catalogue of 2021 where
    /// nothing is said.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalogue: Vec<PathBuf>,
    /// The ground stations that are known from the beginning: a JSON array of objects with id, name, latitude_deg, longitude_deg, altitude_m,
    /// min_elevation_deg.
    #[arg(long, value_name = "FILE")]
    pub(crate) ground_stations: Option<PathBuf>,
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Access {
    /// Everybody may ask; who registers something needs a token with the right to.
    Reading,
    /// Each call needs a token with the right to.
    Token,
}

impl GrpcOptions {
    /// Whether there is anything to serve.
    pub(crate) fn is_on(&self, tls: &TlsOptions) -> bool {
        self.grpc.address().is_some() || tls.grpcs.is_some()
    }

    /// What callers need here.
    pub(crate) fn access(&self, tls: &TlsOptions) -> Access {
        let mut served = self.grpc.address().into_iter().chain(tls.grpcs);
        let own = if served.all(|address| address.ip().is_loopback()) { Access::Reading } else { Access::Token };
        self.grpc_access.unwrap_or(own)
    }

    /// Whether it can't be done without accounts or certificates.
    pub(crate) fn needs_security(&self, tls: &TlsOptions) -> bool {
        tls.grpcs.is_some() || self.access(tls) == Access::Token
    }
}

/// Starts the service, if it shall be served.
///
/// # Errors
/// An address can't be listened on, a file can't be read, or accounts are needed that the process does not know.
pub(crate) async fn start(
    options: &GrpcOptions,
    tls: &TlsOptions,
    open: bool,
    security: Option<&Security>,
) -> Result<Option<Orbital>, Fault> {
    if !options.is_on(tls) {
        return Ok(None);
    }
    let guard = guard(options.access(tls), open, security)?;
    let secured = match (tls.grpcs, security) {
        (None, _) => None,
        (Some(_), Some(security)) => tls.grpcs(security)?,
        (Some(_), None) => return Err(no_accounts("gRPC over TLS")),
    };
    let wanted = OrbitalOptions {
        address: options.grpc.address(),
        tls: secured,
        pages: options.orbital_metrics,
        catalogue: satellites(&options.catalogue)?,
        stations: stations(options.ground_stations.as_deref())?,
        registrations: security.and_then(registrations),
        ..OrbitalOptions::new(guard)
    };
    let service = Orbital::start(wanted).await.map_err(|e| {
        let fault = Fault::from(e);
        Fault::new(fault.code, fault.message).hint(
            "stop the program that listens there, choose another address with --grpc, --grpcs or --orbital-metrics, or --grpc off",
        )
    })?;
    Ok(Some(service))
}

/// Rows that every process with the same database shares.
fn registrations(security: &Security) -> Option<Rows> {
    Some(Rows { store: security.store.clone(), changed: security.changes.on(store::orbital::CHANNEL)? })
}

fn guard(access: Access, open: bool, security: Option<&Security>) -> Result<Guard, Fault> {
    if open {
        return Ok(Guard::open());
    }
    // A token is all that a caller brings, as on a broker whose stamps are worth nothing.
    let rule = security.map(|security| Rule::new(security.clone(), BrokerKind::External, None));
    if rule.is_none() && access == Access::Token {
        return Err(no_accounts("gRPC for tokens"));
    }
    Ok(Guard::new(move |token, permission| {
        if access == Access::Reading && permission == READ {
            return Ok(());
        }
        match &rule {
            Some(rule) => rule.bearer(token, permission),
            None => Err(Fault::forbidden("this process knows no accounts, so that nobody may register anything")
                .hint("run the role orbital with --database and the master key, or name files with --catalogue and --ground-stations")),
        }
    }))
}

fn no_accounts(what: &str) -> Fault {
    Fault::invalid(format!("{what} needs accounts and certificates, which this process does not know"))
        .hint("name --database, or let the role reach the broker where the database is handed out")
}

/// The catalogue: that of the files, else the one that comes with the engine.
fn satellites(files: &[PathBuf]) -> Result<Vec<Elements>, Fault> {
    if files.is_empty() {
        return Elements::read(catalogue::ACTIVE)
            .map_err(|e| Fault::internal(format!("own catalogue can't be read: {e}")));
    }
    let mut all = Vec::new();
    for file in files {
        all.extend(Elements::read(&read(file)?).map_err(|e| wrong(file, &e))?);
    }
    Ok(all)
}

/// A ground station in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    id: String,
    #[serde(default)]
    name: String,
    latitude_deg: f64,
    longitude_deg: f64,
    #[serde(default)]
    altitude_m: f64,
    #[serde(default)]
    min_elevation_deg: f64,
}

impl From<Listed> for GroundStation {
    fn from(listed: Listed) -> Self {
        let Listed { id, name, latitude_deg, longitude_deg, altitude_m, min_elevation_deg } = listed;
        Self { id, name, latitude_deg, longitude_deg, altitude_m, min_elevation_deg }
    }
}

fn stations(file: Option<&Path>) -> Result<Vec<GroundStation>, Fault> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let listed: Vec<Listed> = serde_json::from_str(&read(file)?).map_err(|e| wrong(file, &e))?;
    Ok(listed.into_iter().map(GroundStation::from).collect())
}

fn read(file: &Path) -> Result<String, Fault> {
    let size = std::fs::metadata(file).map_err(|e| wrong(file, &e))?.len();
    if size > FILE_BYTES_MAX {
        return Err(wrong(file, &format!("it has {size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    std::fs::read_to_string(file).map_err(|e| wrong(file, &e))
}

fn wrong(file: &Path, why: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!("{} can't be used: {why}", file.display()))
        .hint("name a file of TLE or OMM with --catalogue, and a JSON array of stations with --ground-stations")
}
