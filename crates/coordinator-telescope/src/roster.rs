//! A mirror in memory of what the store knows of devices and telescopes, and the motions under way: safety must not wait for a database.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use catalog::telescope::{Role, Target};
use engine_alpaca::Site;
use store::telescopes::devices::Device;
use tokio::sync::Notify;
use vocabulary::{
    Clock, Fault,
    ids::{DeviceId, OperationId, TelescopeId},
};

/// What a mount is doing for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motion {
    /// It goes to a target.
    Slew,
    /// It goes to its parking position.
    Park,
}

/// A motion under way.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) operation_id: OperationId,
    pub(crate) motion: Motion,
    /// How often the mount was seen at rest since the motion began.
    pub(crate) seen_at_rest: u32,
}

/// What safety did last to a device: what a motion that came too late is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It was stopped.
    Abort,
    /// It was sent to its parking position.
    Park,
}

/// The mirror.
#[derive(Debug)]
pub(crate) struct Roster {
    clock: Clock,
    begun: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    devices: HashMap<DeviceId, Device>,
    mounts: HashMap<TelescopeId, DeviceId>,
    telescopes: HashMap<TelescopeId, bool>,
    motions: HashMap<DeviceId, UnderWay>,
    stops: HashMap<DeviceId, Stop>,
    sites: HashMap<DeviceId, Site>,
}

impl Roster {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, begun: Notify::new(), inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the store holds in place of everything known; motions under way go on.
    pub(crate) fn replace(&self, devices: Vec<Device>, telescopes: Vec<(TelescopeId, Option<DeviceId>, bool)>) {
        let mut inner = self.lock();
        inner.devices = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
        inner.mounts.clear();
        inner.telescopes.clear();
        for (telescope, mount, enabled) in telescopes {
            inner.telescopes.insert(telescope.clone(), enabled);
            if let Some(mount) = mount {
                inner.mounts.insert(telescope, mount);
            }
        }
    }

    /// Keeps one device.
    pub(crate) fn keep(&self, mut device: Device) {
        device.last_seen = device.last_seen.max(self.clock.now());
        self.lock().devices.insert(device.id.clone(), device);
    }

    /// Forgets one device.
    pub(crate) fn forget(&self, id: &DeviceId) {
        let mut inner = self.lock();
        inner.devices.remove(id);
        inner.mounts.retain(|_, mount| mount != id);
        inner.motions.remove(id);
        inner.sites.remove(id);
    }

    /// Keeps one telescope.
    pub(crate) fn keep_telescope(&self, id: TelescopeId, enabled: bool) {
        self.lock().telescopes.insert(id, enabled);
    }

    /// Forgets one telescope.
    pub(crate) fn forget_telescope(&self, id: &TelescopeId) {
        let mut inner = self.lock();
        inner.telescopes.remove(id);
        inner.mounts.remove(id);
    }

    /// Fills or empties a role; only the mount's matters here.
    pub(crate) fn assign(&self, telescope: &TelescopeId, role: Role, device: Option<DeviceId>) {
        if role != Role::Telescope {
            return;
        }
        let mut inner = self.lock();
        match device {
            Some(device) => inner.mounts.insert(telescope.clone(), device),
            None => inner.mounts.remove(telescope),
        };
    }

    /// The device that a message is about.
    pub(crate) fn device(&self, device: Option<&DeviceId>, telescope: Option<&TelescopeId>) -> Result<Device, Fault> {
        let inner = self.lock();
        let id = match Target::of(device, telescope)? {
            Target::Device(id) => id,
            Target::Telescope(id) => match inner.telescopes.get(&id) {
                None => {
                    return Err(Fault::not_found(format!("telescope {id} does not exist"))
                        .hint("telescope/config/list shows the telescopes"));
                }
                Some(false) => {
                    return Err(Fault::conflict(format!("telescope {id} is disabled"))
                        .hint("enable it with telescope/config/update"));
                }
                Some(true) => inner.mounts.get(&id).cloned().ok_or_else(|| {
                    Fault::conflict(format!("telescope {id} has no mount"))
                        .hint("give a device the role telescope with telescope/device/assign")
                })?,
            },
        };
        inner.devices.get(&id).cloned().ok_or_else(|| {
            Fault::not_found(format!("device {id} does not exist"))
                .hint("telescope/device/list shows the devices that are known")
        })
    }

    /// A device by its id.
    pub(crate) fn known(&self, id: &DeviceId) -> Option<Device> {
        self.lock().devices.get(id).cloned()
    }

    /// Every device.
    pub(crate) fn devices(&self) -> Vec<Device> {
        self.lock().devices.values().cloned().collect()
    }

    /// The one name of what a message names: of a telescope its mount's.
    pub(crate) fn scope(&self, named: String) -> String {
        let mount = named.parse::<TelescopeId>().ok().and_then(|id| self.lock().mounts.get(&id).cloned());
        mount.map_or(named, String::from)
    }

    /// A motion begins; the one before it, if one was under way, is given back.
    pub(crate) fn begin(&self, device: &DeviceId, motion: Motion) -> (OperationId, Option<UnderWay>) {
        let operation_id = OperationId::fresh();
        let under_way = UnderWay { operation_id: operation_id.clone(), motion, seen_at_rest: 0 };
        let before = self.lock().motions.insert(device.clone(), under_way);
        self.begun.notify_waiters();
        (operation_id, before)
    }

    /// Waits until some motion begins.
    pub(crate) async fn motion_begun(&self) {
        self.begun.notified().await;
    }

    /// The motion of a device, if one of ours is under way.
    pub(crate) fn motion(&self, device: &DeviceId) -> Option<UnderWay> {
        self.lock().motions.get(device).cloned()
    }

    /// Notes that a mount that should move was seen at rest, and how often.
    pub(crate) fn at_rest(&self, device: &DeviceId) -> u32 {
        self.lock().motions.get_mut(device).map_or(0, |motion| {
            motion.seen_at_rest += 1;
            motion.seen_at_rest
        })
    }

    /// Ends the motion of a device, if it is the one that is meant.
    pub(crate) fn end(&self, device: &DeviceId, operation: Option<&OperationId>) -> Option<UnderWay> {
        let mut inner = self.lock();
        let is_meant = |motion: &UnderWay| operation.is_none_or(|operation| motion.operation_id == *operation);
        if inner.motions.get(device).is_some_and(is_meant) { inner.motions.remove(device) } else { None }
    }

    /// Notes what safety does to a device.
    pub(crate) fn stopped(&self, device: &DeviceId, stop: Stop) {
        self.lock().stops.insert(device.clone(), stop);
    }

    /// What safety did last to a device.
    pub(crate) fn last_stop(&self, device: &DeviceId) -> Stop {
        self.lock().stops.get(device).copied().unwrap_or(Stop::Abort)
    }

    /// Where a mount believes to stand, as it said after it was connected.
    pub(crate) fn site(&self, device: &DeviceId) -> Option<Site> {
        self.lock().sites.get(device).copied()
    }

    /// Keeps where a mount believes to stand; nothing makes it be asked anew.
    pub(crate) fn set_site(&self, device: &DeviceId, site: Option<Site>) {
        let mut inner = self.lock();
        match site {
            Some(site) => inner.sites.insert(device.clone(), site),
            None => inner.sites.remove(device),
        };
    }
}
