//! What tests of faults stand on: a telescope that is connected, chance that can be had again, and how much of it is asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use catalog::{Qos, topic};
use serde_json::{Map, Value, json};
use testkit::{Ask, Bus, Effect, Fault, Observatory, Timestamp, until_some};

/// How long making a telescope ready may take.
const READY: Duration = Duration::from_secs(30);

/// Whether all is to be shown and the limits are the promised ones (`cargo xtask soak`), or a sample on whatever machine this is.
pub(crate) fn is_soak() -> bool {
    std::env::var_os("BIGSKIES_SOAK").is_some()
}

/// The promised limit in a soak; for a sample, which shares its machine with the other tests, a generous one.
pub(crate) fn limit(promised: Duration, generous: Duration) -> Duration {
    if is_soak() { promised } else { generous }
}

/// Numbers by chance (SplitMix64: Steele, Lea and Flood 2014), the same again for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    /// From `BIGSKIES_SEED`, else another one each time; the seed is printed.
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("BIGSKIES_SEED").ok().and_then(|seed| seed.parse().ok());
        let by_time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        let seed = given.unwrap_or_else(by_time);
        println!("BIGSKIES_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// Asks by the name of a command.
pub(crate) async fn ask(bus: &Bus, name: &str, payload: Value, ask: Ask) -> Result<Map<String, Value>, Fault> {
    bus.ask_topic(&topic::inbound(name), payload, Qos::AtLeastOnce, ask).await
}

/// The same for what must work.
pub(crate) async fn good(bus: &Bus, name: &str, payload: Value) -> Map<String, Value> {
    let answer = ask(bus, name, payload, Ask::default()).await;
    answer.unwrap_or_else(|fault| panic!("{name} was refused: {fault:?}"))
}

/// Finds the simulated telescope and connects it: its device.
pub(crate) async fn connected(observatory: &Observatory, bus: &Bus) -> Value {
    let port = observatory.simulator().discovery_port();
    let device = until_some("a telescope on the network", READY, async || {
        let found = good(bus, "telescope/device/discover", json!({ "port": port, "wait_seconds": 0.5 })).await;
        found["devices"].get(0).map(|device| device["device_id"].clone())
    })
    .await;
    good(bus, "telescope/device/connect", json!({ "device_id": device })).await;
    device
}

/// A slew to coordinates as the mount counts them, so that its record has the same numbers. These are above every horizon of its site.
pub(crate) fn slew_to(device: &Value, declination: f64) -> Value {
    json!({ "device_id": device, "right_ascension": 3.0, "declination": declination, "equinox": "mount" })
}

/// The declination of a slew in the record.
pub(crate) fn declination(effect: &Effect) -> f64 {
    effect.fields.get("declination").and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// When something happened to the simulated telescope.
pub(crate) fn happened_at(effect: &Effect) -> Timestamp {
    effect.at.parse().unwrap_or_else(|e| panic!("{effect:?} has no time: {e:?}"))
}

/// The middle and the second longest of a hundred.
pub(crate) fn percentiles(mut durations: Vec<Duration>) -> (Duration, Duration) {
    durations.sort();
    let at = |part: usize| durations[(durations.len() * part).div_ceil(100).clamp(1, durations.len()) - 1];
    (at(50), at(99))
}
