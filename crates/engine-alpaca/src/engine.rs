//! The engine: its options, its registry of devices, connecting and disconnecting, its health.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::engine::{Boxed, Engine};
use tokio::{
    sync::{Notify, broadcast, watch},
    task::JoinHandle,
};
use vocabulary::{Clock, ids::DeviceId};

use crate::{
    AlpacaError, DeviceLink, Endpoint, Link,
    registry::{Device, Registry},
    watch::{establish, release, report_health, watch_over},
    wire::Wire,
};

/// The engine's name in health reports.
pub(crate) const NAME: &str = "alpaca";
/// Changes of links that wait for a slow listener; one that falls behind asks for [`AlpacaEngine::links`].
const CHANGES_KEPT: usize = 256;

/// Bounds and intervals. The defaults suit devices on a local network.
#[derive(Debug, Clone)]
pub struct Options {
    /// The clock of reports and events.
    pub clock: Clock,
    /// The longest time to make a connection to a server.
    pub connect_timeout: Duration,
    /// The longest time for one ordinary call.
    pub call_timeout: Duration,
    /// The longest time for an abort or a park.
    pub urgent_timeout: Duration,
    /// The longest time until a device has connected, mount and all.
    pub device_connect_timeout: Duration,
    /// The time between two probes of a connected device.
    pub probe_interval: Duration,
    /// The longest time for one probe.
    pub probe_timeout: Duration,
    /// The pause before the first attempt to reconnect; each further pause is twice as long.
    pub reconnect_pause_min: Duration,
    /// The longest pause between attempts to reconnect.
    pub reconnect_pause_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            connect_timeout: Duration::from_secs(2),
            call_timeout: Duration::from_secs(10),
            urgent_timeout: Duration::from_secs(5),
            device_connect_timeout: Duration::from_secs(30),
            probe_interval: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(5),
            reconnect_pause_min: Duration::from_secs(1),
            reconnect_pause_max: Duration::from_secs(60),
        }
    }
}

/// Every Alpaca device that the framework knows.
pub struct AlpacaEngine {
    pub(crate) inner: Arc<Inner>,
    reporter: JoinHandle<()>,
}

/// What the engine's tasks share.
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) wire: Wire,
    pub(crate) registry: Registry,
    pub(crate) probe_interval: watch::Sender<Duration>,
    pub(crate) health: health::Cell,
    /// Wakes the reporter.
    pub(crate) changed: Notify,
    changes: broadcast::Sender<DeviceLink>,
    stopped: AtomicBool,
}

impl fmt::Debug for AlpacaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlpacaEngine").field("devices", &self.inner.registry.all().len()).finish_non_exhaustive()
    }
}

impl AlpacaEngine {
    /// An engine without devices. Must be called within a tokio runtime.
    pub fn new(options: Options) -> Result<Self, AlpacaError> {
        let inner = Arc::new(Inner {
            wire: Wire::new(options.connect_timeout)?,
            registry: Registry::new(options.clock.clone()),
            probe_interval: watch::Sender::new(options.probe_interval),
            health: health::Cell::new(NAME, options.clock.clone()),
            changed: Notify::new(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            stopped: AtomicBool::new(false),
            options,
        });
        let reporter = tokio::spawn(report_health(Arc::clone(&inner)));
        Ok(Self { inner, reporter })
    }

    /// Makes a device known under an id of ours. The same device again is no error; one that has moved is replaced, not connected.
    pub fn register(&self, id: DeviceId, endpoint: Endpoint) -> Result<(), AlpacaError> {
        self.inner.registry.add(id, endpoint)?;
        self.inner.changed.notify_one();
        Ok(())
    }

    /// Forgets a device and ends the watch over it. The device itself is told nothing.
    pub fn unregister(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        self.inner.registry.remove(id)?.unwatch();
        self.inner.changed.notify_one();
        Ok(())
    }

    /// The endpoint under which a device is registered.
    pub fn endpoint(&self, id: &DeviceId) -> Result<Endpoint, AlpacaError> {
        Ok(self.inner.registry.get(id)?.endpoint.clone())
    }

    /// How the link of one device stands.
    pub fn link(&self, id: &DeviceId) -> Result<DeviceLink, AlpacaError> {
        Ok(self.inner.registry.get(id)?.snapshot())
    }

    /// How the links of all devices stand.
    pub fn links(&self) -> Vec<DeviceLink> {
        self.inner.registry.all().iter().map(|device| device.snapshot()).collect()
    }

    /// Every change of a link from now on. A listener that lags by more than 256 changes loses the oldest and is told so.
    pub fn changes(&self) -> broadcast::Receiver<DeviceLink> {
        self.inner.changes.subscribe()
    }

    /// Changes the time between probes, at once and for all devices.
    pub fn set_probe_interval(&self, interval: Duration) {
        // An interval of nothing would spin.
        self.inner.probe_interval.send_replace(interval.max(Duration::from_millis(10)));
    }

    /// Connects a device and watches over it from then on. One that is connected already is asked and left alone.
    pub async fn connect(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        let device = self.inner.registry.get(id)?;
        if device.link() == Link::Connected && device.is_watched() && self.inner.probe(&device).await.is_ok() {
            return Ok(());
        }
        device.unwatched().await;
        let attempt = Attempt::begin(&self.inner, &device);
        establish(&self.inner, &device).await.inspect_err(|error| attempt.failed(&error.to_string()))?;
        attempt.succeeded();
        Ok(())
    }

    /// Ends the watch over a device and tells it to disconnect. Our side is disconnected whatever the device answers.
    pub async fn disconnect(&self, id: &DeviceId) -> Result<(), AlpacaError> {
        let device = self.inner.registry.get(id)?;
        device.unwatched().await;
        self.inner.note(&device, Link::Disconnected, "");
        release(&self.inner, &device).await
    }
}

impl Drop for AlpacaEngine {
    fn drop(&mut self) {
        self.end();
    }
}

impl AlpacaEngine {
    fn end(&self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        self.reporter.abort();
        for device in self.inner.registry.all() {
            device.unwatch();
        }
    }
}

impl Engine for AlpacaEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> health::Report {
        self.inner.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.end();
            for device in self.inner.registry.all() {
                device.unwatched().await;
            }
        })
    }
}

impl Inner {
    /// Keeps a device's link and tells whoever listens.
    pub(crate) fn note(&self, device: &Device, link: Link, reason: &str) {
        device.set_link(link, reason, self.options.clock.now());
        self.tell(device);
    }

    pub(crate) fn tell(&self, device: &Device) {
        // No listener is no error.
        let _ = self.changes.send(device.snapshot());
        self.changed.notify_one();
    }
}

/// A connection being made. Failed, or dropped in the middle (its caller gave up), it leaves the device as it was before: lost and being
/// tried again, or disconnected; never connecting for ever.
struct Attempt<'a> {
    inner: &'a Arc<Inner>,
    device: &'a Arc<Device>,
    before: Link,
}

impl<'a> Attempt<'a> {
    fn begin(inner: &'a Arc<Inner>, device: &'a Arc<Device>) -> Self {
        let before = device.link();
        inner.note(device, Link::Connecting, "");
        Self { inner, device, before }
    }

    fn failed(&self, reason: &str) {
        if self.before == Link::Lost {
            self.inner.note(self.device, Link::Lost, reason);
            self.watch();
        } else {
            self.inner.note(self.device, Link::Disconnected, reason);
        }
    }

    fn succeeded(self) {
        self.inner.note(self.device, Link::Connected, "");
        self.watch();
    }

    fn watch(&self) {
        if !self.inner.stopped.load(Ordering::SeqCst) {
            self.device.watched_by(tokio::spawn(watch_over(Arc::clone(self.inner), Arc::clone(self.device))));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.device.link() == Link::Connecting {
            self.failed("the attempt to connect was given up");
        }
    }
}
