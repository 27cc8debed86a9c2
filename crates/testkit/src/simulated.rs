//! The simulated telescope of an observatory, asked over its own door: what it did, and how it shall fail.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use simulator::alpaca::ScriptedFault;

use crate::http;

/// One thing that happened to the simulated device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Effect {
    /// Counts from 1 and never skips.
    pub number: u64,
    /// When, by the simulator's clock (RFC 3339).
    pub at: String,
    /// What: `connect`, `slew`, `slew-horizontal`, `abort`, `park`, `unpark`, `track`, …
    pub what: String,
    /// Where to, and how.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// The door to a simulated telescope.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedTelescope {
    address: SocketAddr,
    discovery_port: u16,
}

impl SimulatedTelescope {
    pub(crate) const fn new(address: SocketAddr, discovery_port: u16) -> Self {
        Self { address, discovery_port }
    }

    /// Where it serves Alpaca.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The UDP port on which it answers discovery.
    pub const fn discovery_port(&self) -> u16 {
        self.discovery_port
    }

    /// What it has done since its start, in order.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn effects(&self) -> Vec<Effect> {
        let answer = self.answer(http::get(self.address, "/simulator/v1/effects").await).await;
        let effects = answer.get("effects").cloned().unwrap_or_default();
        serde_json::from_value(effects).unwrap_or_else(|e| panic!("effects can't be read: {e}"))
    }

    /// Those of its effects that are of this kind.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn effects_of(&self, what: &str) -> Vec<Effect> {
        self.effects().await.into_iter().filter(|effect| effect.what == what).collect()
    }

    /// Replaces the faults in force.
    ///
    /// # Panics
    /// Where it does not take them.
    pub async fn set_faults(&self, faults: &[ScriptedFault]) {
        self.answer(http::put(self.address, "/simulator/v1/faults", &json!({ "faults": faults })).await).await;
    }

    /// Ends all faults; calls that hang already go on hanging.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn clear_faults(&self) {
        self.set_faults(&[]).await;
    }

    /// How many calls the faults have struck since its start.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn struck(&self) -> u64 {
        let answer = self.answer(http::get(self.address, "/simulator/v1/faults").await).await;
        answer.get("struck").and_then(Value::as_u64).unwrap_or_default()
    }

    async fn answer(&self, response: std::io::Result<http::Response>) -> Value {
        match response {
            Ok(response) if response.status == 200 => response.json(),
            other => panic!("simulated telescope at {} said {other:?}", self.address),
        }
    }
}
