//! PostgreSQL: a private cluster or a given database; the only room with SQL.
#![cfg_attr(not(feature = "queries"), expect(dead_code, reason = "what only the modules with checked statements use"))]

pub mod backup;
pub mod changes;
pub mod cluster;
pub mod endpoint;
pub mod error;
pub mod locks;
pub mod migrations;
pub mod page;
pub mod pool;
pub mod tx;
pub mod vault;

#[cfg(feature = "queries")]
pub mod accounts;
#[cfg(feature = "queries")]
pub mod audit;
#[cfg(feature = "queries")]
pub mod certificates;
#[cfg(feature = "queries")]
pub mod dead_letters;
#[cfg(feature = "queries")]
pub mod health_history;
#[cfg(feature = "queries")]
pub mod inbox;
#[cfg(feature = "queries")]
pub mod orbital;
#[cfg(feature = "queries")]
pub mod services;
#[cfg(feature = "queries")]
pub mod setting_rows;
#[cfg(feature = "queries")]
pub mod telescopes;
#[cfg(feature = "queries")]
pub mod tokens;

pub use changes::{Changed, Changes};
pub use cluster::{ClusterError, ClusterOptions, PrivateCluster};
pub use endpoint::{Endpoint, EndpointError, Password, Place, SslMode, Tls};
pub use error::StoreError;
pub use locks::Leadership;
pub use page::{Cursor, Page, Slice};
pub use pool::{PoolSettings, Statistics, Store};
pub use tx::Tx;
pub use vault::{MasterKey, Vault, VaultError};
