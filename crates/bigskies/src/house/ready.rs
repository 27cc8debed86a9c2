//! Waiting until coordinators are there, as their health on the bus tells.

use std::{collections::BTreeMap, time::Duration};

use bus::Bus;
use catalog::{Owner, Qos, topic};
use health::{Report, Status};
use serde_json::Value;
use vocabulary::Fault;

/// Waits until every one of `owners` says that it is healthy or degraded.
///
/// # Errors
/// `unavailable`, naming those that are not there, after `limit`.
pub(crate) async fn wait_for(bus: &Bus, owners: &[Owner], limit: Duration) -> Result<(), Fault> {
    let filters: Vec<(String, Qos)> = owners.iter().map(|owner| (topic::health(*owner), Qos::AtLeastOnce)).collect();
    let mut reports = bus.watch(&filters, 256).await?;
    let mut missing: BTreeMap<String, String> =
        owners.iter().map(|owner| (owner.component(), "has not said anything".to_owned())).collect();
    let all = async {
        while !missing.is_empty() {
            let Some(delivery) = reports.next().await else { return };
            let Some(report) = report_of(&delivery.payload) else { continue };
            if matches!(report.status, Status::Healthy | Status::Degraded) {
                missing.remove(&report.component);
            } else if let Some(what) = missing.get_mut(&report.component) {
                *what = format!("{}: {}", report.status, report.message);
            }
        }
    };
    let in_time = tokio::time::timeout(limit, all).await.is_ok();
    if in_time && missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = missing.into_iter().map(|(name, what)| format!("{name} ({what})")).collect();
    Err(Fault::unavailable(format!("not ready after {} s: {}", limit.as_secs(), missing.join(", ")))
        .hint("the log says why; `bigskies doctor` looks at each part"))
}

fn report_of(payload: &[u8]) -> Option<Report> {
    let mut envelope: Value = serde_json::from_slice(payload).ok()?;
    serde_json::from_value(envelope.get_mut("payload")?.take()).ok()
}
