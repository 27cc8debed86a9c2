//! Plugins: let in, and sent their tokens: each to a plugin alone, when it shows itself first and before its last token ends.
//!
//! On our own broker the stamp proves whose a sign of life is. On another one the broker's rights do, and a forged sign brings nothing:
//! the token goes where only that plugin reads.

mod admission;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bus::{BrokerKind, Delivery, Outgoing};
use bytes::Bytes;
use catalog::{Party, Qos, Secret, envelope, security::PluginToken, topic};
use coordinator::Routes;
use serde_json::Value;
use tokio::time::interval;
use vocabulary::{Fault, Timestamp, ids::PluginId};

use crate::Security;

/// Room for signs of life that were not looked at yet.
const DELIVERIES: usize = 1024;
/// How many plugins are looked after.
const PLUGINS_MAX: usize = 1024;
/// How often it is looked whose token is to be renewed.
const INTERVAL: Duration = Duration::from_secs(30);
/// A plugin that was silent for longer gets its next token when it shows itself again.
const SILENCE: Duration = Duration::from_secs(300);

/// A plugin that has a token.
#[derive(Debug, Clone, Copy)]
struct Known {
    heard_at: Timestamp,
    renew_at: Timestamp,
    /// As it was when the token was made: that of one that was let in again meanwhile is void.
    epoch: u64,
}

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes.on(admission::admit).on(admission::dismiss).on(admission::list)
}

/// Sends plugins their tokens.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    let filters =
        [topic::EVERY_PLUGIN_HEALTH, topic::EVERY_PLUGIN_STATUS].map(|one| (one.to_owned(), Qos::AtLeastOnce));
    let mut signs = security.bus.watch(&filters, DELIVERIES).await?;
    let mut known: HashMap<PluginId, Known> = HashMap::new();
    let mut rounds = interval(INTERVAL);
    loop {
        tokio::select! {
            sign = signs.next() => {
                let Some(sign) = sign else { return std::future::pending().await };
                match security.plugin_of(&sign) {
                    Some(plugin) if is_alive(&sign) => hear(security, &mut known, plugin).await,
                    // What starts anew has lost its token.
                    Some(plugin) => drop(known.remove(&plugin)),
                    None => {}
                }
            }
            _ = rounds.tick() => renew(security, &mut known).await,
        }
    }
}

/// Whether a plugin says that it works, in an envelope or bare; what it says is not looked at any closer.
fn is_alive(sign: &Delivery) -> bool {
    let payload = envelope::read(&sign.payload, &BTreeSet::new()).payload.unwrap_or_default();
    payload.get("status").and_then(Value::as_str).is_none_or(|status| matches!(status, "healthy" | "degraded"))
}

impl Security {
    /// Whose sign of life this is, if it is one of now and that is proven.
    fn plugin_of(&self, sign: &Delivery) -> Option<PluginId> {
        let plugin = topic::plugin_of(&sign.topic).filter(|_| !sign.retained)?;
        let is_proven = match self.given.broker {
            BrokerKind::Embedded => {
                sign.sender_stamp.as_ref().is_some_and(|account| Party::of(account) == Party::Plugin(plugin.clone()))
            }
            BrokerKind::External => true,
        };
        is_proven.then_some(plugin)
    }

    async fn send_plugin_token(&self, plugin: &PluginId) -> Result<Timestamp, Fault> {
        let made = self.tokens.issue_plugin(plugin).await?;
        let (token, expires_at) = (Secret::new(made.token), made.expires_at);
        let payload = serde_json::to_vec(&PluginToken { plugin_id: plugin.clone(), token, expires_at })
            .map_err(|error| Fault::internal(error.to_string()))?;
        let (topic, payload) = (PluginToken::topic(plugin), Bytes::from(payload));
        self.bus.publish(Outgoing { topic, payload, qos: Qos::AtLeastOnce, ..Outgoing::default() }).await?;
        Ok(made.renew_at)
    }
}

async fn hear(security: &Security, known: &mut HashMap<PluginId, Known>, plugin: PluginId) {
    let now = security.clock.now();
    let Some(epoch) = security.epoch_of_plugin(&plugin) else {
        known.remove(&plugin);
        return;
    };
    let is_full = known.len() >= PLUGINS_MAX;
    let is_due = match known.get_mut(&plugin) {
        Some(one) => {
            one.heard_at = now;
            one.renew_at <= now || one.epoch != epoch
        }
        None if is_full => {
            tracing::warn!(%plugin, "plugin gets no token: too many are looked after");
            false
        }
        None => true,
    };
    if is_due {
        send(security, known, plugin, epoch).await;
    }
}

async fn send(security: &Security, known: &mut HashMap<PluginId, Known>, plugin: PluginId, epoch: u64) {
    match security.send_plugin_token(&plugin).await {
        Ok(renew_at) => {
            known.insert(plugin, Known { heard_at: security.clock.now(), renew_at, epoch });
        }
        // Its next sign of life is another occasion.
        Err(fault) => tracing::warn!(%plugin, %fault, "token was not sent to a plugin"),
    }
}

/// Sends the next token to those that live and whose last one comes to its end.
async fn renew(security: &Security, known: &mut HashMap<PluginId, Known>) {
    let now = security.clock.now();
    known.retain(|_, one| now.since(one.heard_at) <= SILENCE);
    let due: Vec<PluginId> =
        known.iter().filter(|(_, one)| one.renew_at <= now).map(|(plugin, _)| plugin.clone()).collect();
    for plugin in due {
        let Some(epoch) = security.epoch_of_plugin(&plugin) else {
            known.remove(&plugin);
            continue;
        };
        let heard_at = known.get(&plugin).map(|one| one.heard_at);
        send(security, known, plugin.clone(), epoch).await;
        // To be renewed is no sign of life.
        if let (Some(one), Some(heard_at)) = (known.get_mut(&plugin), heard_at) {
            one.heard_at = heard_at;
        }
    }
}
