//! An observatory in a test: the built program as child processes, on ports and in folders of its own, and doors to all of it.
//!
//! ```no_run
//! # async fn example() {
//! use testkit::{Arrangement, Broker, Database, Observatory};
//!
//! let mut observatory = Observatory::with(Broker::Mosquitto, Database::Given).arrangement(Arrangement::Apart).start().await;
//! let bus = observatory.client("operator").await;
//! observatory.kill("telescope").await;
//! observatory.start_again("telescope").await;
//! # }
//! ```
//!
//! | what | where |
//! |---|---|
//! | start, stop, restart the whole | [`Observatory::with`], [`Plan::start`], [`Observatory::stop`], [`Observatory::restart`] |
//! | end, freeze and start one process | [`Observatory::kill`], [`Observatory::interrupt`], [`Observatory::freeze`], [`Observatory::thaw`], [`Observatory::start_again`] |
//! | PostgreSQL | [`Observatory::postmaster`]: [`Postmaster::kill`], [`Postmaster::ready`], [`Postmaster::freeze`], [`Postmaster::thaw`], [`Observatory::change_database_password`] |
//! | the health of all | [`Observatory::healthy_again`] |
//! | what a thief of the data folder has | [`Observatory::signing_key`], [`Observatory::authority`] |
//! | the database, by hand | [`Observatory::psql`], [`Observatory::psql_as_administrator`] |
//! | rows of settings, by hand | [`Observatory::write_setting_by_hand`] |
//! | the bus, with our client | [`Observatory::client`], [`Heard`] |
//! | the bus, with Debian's clients | [`Observatory::mosquitto_clients`]: [`Clients::publish`], [`Clients::subscribe`] |
//! | the bus, with Paho's client | [`Paho::connect`] |
//! | the terminal's commands | [`Observatory::terminal`], [`Observatory::watch_in_terminal`] |
//! | the simulated telescope | [`Observatory::simulator`]: [`SimulatedTelescope::effects`], [`SimulatedTelescope::set_faults`] |
//! | HTTP | [`http::get`], [`http::put`] |
//! | waiting for a state | [`until`] |
//!
//! Everything here fails by a panic that says what was waited for and how the logs end, since its callers are tests. Children end when
//! their owner is dropped, the database servers included.
#![expect(clippy::panic, reason = "its callers are tests, which end by a panic that says why")]

mod binary;
mod clients;
mod folder;
mod heard;
pub mod http;
mod mosquitto;
mod observatory;
mod paho;
mod plan;
mod postgres;
mod process;
mod simulated;
mod wait;

pub use bus::{Ask, BrokerKind, Bus, BusOptions, Credentials, Delivery, Outgoing, Watch};
pub use simulator::alpaca::{FaultKind, ScriptedFault, Strikes};
pub use store::Endpoint;
pub use vocabulary::{Clock, Code, Fault, Timestamp};

pub use binary::Binary;
pub use clients::{Clients, Version};
pub use heard::{Heard, Message};
pub use mosquitto::Mosquitto;
pub use observatory::{Observatory, SigningKey, StolenAuthority, Terminal};
pub use paho::Paho;
pub use plan::{Arrangement, Broker, Database, Plan, Simulator};
pub use postgres::{GivenServer, Postmaster};
pub use process::{Process, Recipe};
pub use simulated::{Effect, SimulatedTelescope};
pub use wait::{Deadline, until, until_some};
