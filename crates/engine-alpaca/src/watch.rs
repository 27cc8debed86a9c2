//! Watching over devices: making and ending connections, probing, the rule of three failures, reconnecting, the engine's own health.

use std::{sync::Arc, time::Duration};

use health::Status;
use serde_json::{Map, Value};

use crate::{
    AlpacaError, Link,
    engine::Inner,
    registry::Device,
    standard::{methods, parameters},
    wire::{Lane, as_truth},
};

/// Probes that fail in a row before a device counts as lost.
const FAILURES_MAX: u32 = 3;
/// The health is reported anew at least this often, so that it never looks stale.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// Between two questions whether a device has connected, at first and at most.
const CONNECTING_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Connects a device, within the bound for it: by the methods of Platform 7, else by the older property.
pub(crate) async fn establish(inner: &Inner, device: &Device) -> Result<(), AlpacaError> {
    let within = inner.options.device_connect_timeout;
    tokio::time::timeout(within, connected(inner, device)).await.unwrap_or_else(|_| {
        Err(AlpacaError::Timeout {
            server: device.endpoint.server_url.to_string(),
            method: methods::CONNECT.to_owned(),
            after: within,
        })
    })
}

async fn connected(inner: &Inner, device: &Device) -> Result<(), AlpacaError> {
    match inner.put(device, methods::CONNECT, &[]).await {
        Ok(()) => settled(inner, device).await?,
        Err(error) if error.is_unknown_method() => {
            inner.put(device, methods::CONNECTED, &[(parameters::CONNECTED, "True".to_owned())]).await?;
        }
        Err(error) => return Err(error),
    }
    let value = inner.get(device, methods::CONNECTED).await?;
    if as_truth(&value) == Some(true) { Ok(()) } else { Err(did_not_connect(device)) }
}

/// Returns when the device no longer says that it is connecting.
async fn settled(inner: &Inner, device: &Device) -> Result<(), AlpacaError> {
    let (mut pause, longest) = CONNECTING_PAUSE;
    loop {
        match inner.get(device, methods::CONNECTING).await {
            Ok(value) if as_truth(&value) == Some(true) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.is_unknown_method() => return Ok(()),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// Tells a device to disconnect.
pub(crate) async fn release(inner: &Inner, device: &Device) -> Result<(), AlpacaError> {
    match inner.put(device, methods::DISCONNECT, &[]).await {
        Err(error) if error.is_unknown_method() => {
            inner.put(device, methods::CONNECTED, &[(parameters::CONNECTED, "False".to_owned())]).await
        }
        outcome => outcome,
    }
}

/// Probes a connected device until its task is aborted, and reconnects it when it is lost.
pub(crate) async fn watch_over(inner: Arc<Inner>, device: Arc<Device>) {
    loop {
        if device.link() == Link::Lost {
            reconnect(&inner, &device).await;
        }
        next_probe(&inner).await;
        let Err(error) = inner.probe(&device).await else {
            if device.probed_well() {
                inner.tell(&device);
            }
            continue;
        };
        let failures = device.probed_ill(&error.to_string());
        tracing::warn!(device = %device.id, failures, %error, "device failed a probe");
        if failures < FAILURES_MAX {
            inner.tell(&device);
        } else {
            inner.note(&device, Link::Lost, &error.to_string());
        }
    }
}

/// Waits for one interval; a change of the interval starts the wait anew.
async fn next_probe(inner: &Inner) {
    let mut interval = inner.probe_interval.subscribe();
    loop {
        let wait = *interval.borrow_and_update();
        tokio::select! {
            () = tokio::time::sleep(wait) => return,
            Ok(()) = interval.changed() => {}
        }
    }
}

/// Tries until the device is connected again, with pauses that double.
async fn reconnect(inner: &Inner, device: &Device) {
    let mut pause = inner.options.reconnect_pause_min;
    loop {
        tokio::time::sleep(pause).await;
        match establish(inner, device).await {
            Ok(()) => {
                tracing::info!(device = %device.id, "device is connected again");
                inner.note(device, Link::Connected, "");
                return;
            }
            Err(error) => {
                tracing::debug!(device = %device.id, %error, "device can't be reconnected yet");
                device.probed_ill(&error.to_string());
                pause = (pause * 2).min(inner.options.reconnect_pause_max);
            }
        }
    }
}

/// Reports the engine's health whenever something changes, and now and then in between, until its task is aborted.
pub(crate) async fn report_health(inner: Arc<Inner>) {
    loop {
        report(&inner);
        // Whether woken or not, there is a report to make.
        let _ = tokio::time::timeout(REPORT_INTERVAL, inner.changed.notified()).await;
    }
}

fn report(inner: &Inner) {
    let devices = inner.registry.all();
    let count = |link: Link| devices.iter().filter(|device| device.link() == link).count();
    let (connected, lost) = (count(Link::Connected), count(Link::Lost));
    let failing = devices.iter().filter(|device| device.link() == Link::Connected && device.failures() > 0).count();
    let (status, message) = match (connected, lost, failing) {
        (_, 0, 0) => (Status::Healthy, format!("{connected} of {} devices connected", devices.len())),
        (0, lost, _) => (Status::Unhealthy, format!("all {lost} connected devices are lost")),
        (_, 0, failing) => (Status::Degraded, format!("{failing} devices fail to answer")),
        (_, lost, _) => (Status::Degraded, format!("{lost} devices are lost")),
    };
    let mut details = Map::new();
    details.insert("devices_registered".to_owned(), Value::from(devices.len()));
    details.insert("devices_connected".to_owned(), Value::from(connected));
    details.insert("devices_failing".to_owned(), Value::from(failing + lost));
    inner.health.set(status, message, details);
}

impl Inner {
    /// Asks a device whether it is connected.
    pub(crate) async fn probe(&self, device: &Device) -> Result<(), AlpacaError> {
        let value = self.wire.get(&device.endpoint, methods::CONNECTED, self.options.probe_timeout).await?;
        if as_truth(&value) == Some(true) { Ok(()) } else { Err(did_not_connect(device)) }
    }

    pub(crate) async fn get(&self, device: &Device, method: &'static str) -> Result<Value, AlpacaError> {
        self.wire.get(&device.endpoint, method, self.options.call_timeout).await
    }

    pub(crate) async fn put(
        &self,
        device: &Device,
        method: &'static str,
        form: &[(&str, String)],
    ) -> Result<(), AlpacaError> {
        self.wire.put(&device.endpoint, method, form, Lane::Ordinary, self.options.call_timeout).await
    }

    pub(crate) async fn put_urgently(&self, device: &Device, method: &'static str) -> Result<(), AlpacaError> {
        self.wire.put(&device.endpoint, method, &[], Lane::Urgent, self.options.urgent_timeout).await
    }
}

fn did_not_connect(device: &Device) -> AlpacaError {
    AlpacaError::DidNotConnect { server: device.endpoint.server_url.to_string() }
}
