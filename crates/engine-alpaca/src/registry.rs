//! The devices that the engine knows, and how each one's link stands. No lock here is held over a call.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use serde::Serialize;
use tokio::task::JoinHandle;
use vocabulary::{Clock, Timestamp, ids::DeviceId};

use crate::{AlpacaError, DeviceType, Endpoint, telescope::EquatorialSystem};

/// Devices that one engine takes.
const DEVICES_MAX: usize = 1024;

/// How the link to a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Nobody has asked for it, or it was ended.
    Disconnected,
    /// It is being made.
    Connecting,
    /// It stands.
    Connected,
    /// It broke: three probes in a row failed. The engine goes on trying to make it again.
    Lost,
}

/// A device's link at one moment; sent whenever it changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceLink {
    /// Which device.
    pub device: DeviceId,
    /// How its link stands.
    pub link: Link,
    /// Probes that failed in a row.
    pub failures: u32,
    /// What the last failure was; empty where all is well.
    pub reason: String,
    /// Since when it stands so.
    pub since: Timestamp,
}

/// A registered device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) endpoint: Endpoint,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    link: Link,
    failures: u32,
    reason: String,
    since: Timestamp,
    equatorial_system: Option<EquatorialSystem>,
    lacking: HashSet<&'static str>,
    watch: Option<JoinHandle<()>>,
}

impl Device {
    fn new(id: DeviceId, endpoint: Endpoint, now: Timestamp) -> Self {
        let state = State {
            link: Link::Disconnected,
            failures: 0,
            reason: String::new(),
            since: now,
            equatorial_system: None,
            lacking: HashSet::new(),
            watch: None,
        };
        Self { id, endpoint, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn link(&self) -> Link {
        self.state().link
    }

    pub(crate) fn failures(&self) -> u32 {
        self.state().failures
    }

    pub(crate) fn snapshot(&self) -> DeviceLink {
        let state = self.state();
        DeviceLink {
            device: self.id.clone(),
            link: state.link,
            failures: state.failures,
            reason: state.reason.clone(),
            since: state.since,
        }
    }

    /// Notes how the link stands now. What was learnt of the device is forgotten with a new connection, since it may be another device.
    pub(crate) fn set_link(&self, link: Link, reason: &str, now: Timestamp) {
        let mut state = self.state();
        if state.link != link {
            state.since = now;
        }
        state.link = link;
        reason.clone_into(&mut state.reason);
        if link == Link::Connected {
            state.failures = 0;
            state.equatorial_system = None;
            state.lacking.clear();
        }
    }

    /// Notes a good probe and returns whether the one before had failed.
    pub(crate) fn probed_well(&self) -> bool {
        let mut state = self.state();
        state.reason.clear();
        std::mem::take(&mut state.failures) > 0
    }

    /// Notes a failed probe and returns how many failed in a row.
    pub(crate) fn probed_ill(&self, reason: &str) -> u32 {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        reason.clone_into(&mut state.reason);
        state.failures
    }

    pub(crate) fn equatorial_system(&self) -> Option<EquatorialSystem> {
        self.state().equatorial_system
    }

    pub(crate) fn learn_equatorial_system(&self, system: EquatorialSystem) {
        self.state().equatorial_system = Some(system);
    }

    /// Whether the device has said that it has no such property.
    pub(crate) fn lacks(&self, method: &'static str) -> bool {
        self.state().lacking.contains(method)
    }

    pub(crate) fn learn_lack(&self, method: &'static str) {
        self.state().lacking.insert(method);
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.state().watch.as_ref().is_some_and(|watch| !watch.is_finished())
    }

    /// Hands over the task that watches this device; an older one ends.
    pub(crate) fn watched_by(&self, watch: JoinHandle<()>) {
        if let Some(older) = self.state().watch.replace(watch) {
            older.abort();
        }
    }

    /// Ends the watch at once.
    pub(crate) fn unwatch(&self) {
        if let Some(watch) = self.state().watch.take() {
            watch.abort();
        }
    }

    /// Ends the watch and returns when it has ended, so that no reconnection of it comes after.
    pub(crate) async fn unwatched(&self) {
        let watch = self.state().watch.take();
        if let Some(watch) = watch {
            watch.abort();
            let _ = watch.await;
        }
    }

    pub(crate) fn is_telescope(&self) -> Result<(), AlpacaError> {
        match self.endpoint.device_type {
            DeviceType::Telescope => Ok(()),
            is => Err(AlpacaError::NotATelescope { device: self.id.clone(), is }),
        }
    }
}

/// All devices, by our ids.
#[derive(Debug)]
pub(crate) struct Registry {
    devices: RwLock<HashMap<DeviceId, Arc<Device>>>,
    clock: Clock,
}

impl Registry {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { devices: RwLock::default(), clock }
    }

    /// Adds a device, or returns the one that stands already at the same endpoint. A device that moved is replaced and not connected.
    pub(crate) fn add(&self, id: DeviceId, endpoint: Endpoint) -> Result<Arc<Device>, AlpacaError> {
        let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        match devices.get(&id) {
            Some(known) if known.endpoint == endpoint => return Ok(Arc::clone(known)),
            Some(moved) => moved.unwatch(),
            None if devices.len() >= DEVICES_MAX => return Err(AlpacaError::TooMany { limit: DEVICES_MAX }),
            None => {}
        }
        let device = Arc::new(Device::new(id.clone(), endpoint, self.clock.now()));
        devices.insert(id, Arc::clone(&device));
        Ok(device)
    }

    pub(crate) fn remove(&self, id: &DeviceId) -> Result<Arc<Device>, AlpacaError> {
        let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
        devices.remove(id).ok_or_else(|| AlpacaError::NotRegistered { device: id.clone() })
    }

    pub(crate) fn get(&self, id: &DeviceId) -> Result<Arc<Device>, AlpacaError> {
        let devices = self.devices.read().unwrap_or_else(PoisonError::into_inner);
        devices.get(id).cloned().ok_or_else(|| AlpacaError::NotRegistered { device: id.clone() })
    }

    pub(crate) fn all(&self) -> Vec<Arc<Device>> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
