//! Devices: found, registered, given a role, connected and kept connected.

use std::time::Duration;

use catalog::{
    Done, Event, Qos,
    datastore::BackupEnded,
    telescope::{
        AssignDevice, Connect, Device, DeviceConnected, Devices, Disconnect, Discover, Discovered, ListDevices,
        OneDevice, RegisterDevice, UnassignDevice, UnregisterDevice,
    },
    topic,
};
use coordinator::Cx;
use engine_alpaca::{AlpacaError, DeviceType, Endpoint, Link, Reach, Search};
use store::{
    page::{Cursor, Slice},
    telescopes::{configurations, devices, roles},
};
use vocabulary::{Fault, ids::DeviceId};

use crate::{Telescope, faults::of_alpaca, rows, settings};

/// How often devices that should be connected and are not are tried again.
const RETRY: Duration = Duration::from_secs(5);

impl Telescope {
    /// Takes everything from the store: devices, telescopes, mounts.
    pub(crate) async fn reload(&self) -> Result<(), Fault> {
        let mut known = Vec::new();
        let mut slice = Slice::first(1000);
        loop {
            let page = devices::list(&self.store, None, &slice).await?;
            known.extend(page.items);
            match page.next {
                Some(next) => slice.cursor = Some(next),
                None => break,
            }
        }
        let mut telescopes = Vec::new();
        let mut slice = Slice::first(1000);
        loop {
            let page = configurations::list(&self.store, &configurations::Filter::default(), &slice).await?;
            for row in page.items {
                let mount = roles::of_telescope(&self.store, &row.id).await?;
                let mount = mount.into_iter().find(|assignment| assignment.role == store::telescopes::Role::Telescope);
                telescopes.push((row.id, mount.map(|assignment| assignment.device), row.enabled));
            }
            match page.next {
                Some(next) => slice.cursor = Some(next),
                None => break,
            }
        }
        for device in &known {
            self.make_known(device);
        }
        for link in self.engine.links() {
            if known.iter().all(|device| device.id != link.device) {
                let _ = self.engine.unregister(&link.device);
                self.bus.clear::<Device>(link.device.as_str()).await?;
            }
        }
        self.roster.replace(known.clone(), telescopes);
        for device in known {
            self.show(device).await?;
        }
        Ok(())
    }

    /// Tells the engine where a device is.
    fn make_known(&self, device: &devices::Device) {
        let Some(endpoint) = rows::endpoint(device) else { return };
        if let Err(error) = self.engine.register(device.id.clone(), endpoint) {
            tracing::warn!(device = %device.id, %error, "device can't be registered");
        }
    }

    /// Publishes a device as it stands.
    pub(crate) async fn show(&self, device: devices::Device) -> Result<(), Fault> {
        let shown = rows::device(device, &self.engine);
        self.bus.retain::<Device>(shown.device_id.as_str(), &shown).await
    }

    /// Keeps and shows devices that were found; the rows are committed.
    async fn take_in(&self, found: Vec<devices::Device>) -> Result<Vec<Device>, Fault> {
        let mut shown = Vec::with_capacity(found.len());
        for device in found {
            self.make_known(&device);
            self.roster.keep(device.clone());
            self.show(device.clone()).await?;
            shown.push(rows::device(device, &self.engine));
        }
        Ok(shown)
    }
}

pub(crate) async fn discover(cx: Cx<Telescope>, discover: Discover) -> Result<Discovered, Fault> {
    let settings = cx.settings();
    let wait = discover.wait_seconds.unwrap_or(settings.discovery_wait_seconds);
    if !(0.1..=20.0).contains(&wait) {
        return Err(Fault::invalid(format!("wait_seconds {wait} is not between 0.1 and 20")));
    }
    let port = discover.port.unwrap_or(settings.discovery_port);
    if port == 0 {
        return Err(Fault::invalid("port 0 can't be asked").hint("Alpaca's own is 32227"));
    }
    if discover.hosts.len() > 64 {
        return Err(Fault::invalid(format!("{} hosts are too many", discover.hosts.len())).hint("name at most 64"));
    }
    let reach = match settings.discovery_reach {
        settings::Reach::Networks => Reach::Networks,
        settings::Reach::Loopback => Reach::Loopback,
    };
    let search = Search { port, reach, targets: discover.hosts, wait: Duration::from_secs_f64(wait) };
    let discovery = cx.engine.discover(&search).await.map_err(|e| of_alpaca(&e))?;
    let now = cx.now();
    let mut tx = cx.begin().await?;
    let mut rows = Vec::with_capacity(discovery.devices.len());
    for device in &discovery.devices {
        rows.push(devices::found(&mut tx, &rows::found(device), now).await?);
    }
    let failures = discovery.troubles.iter().map(|t| format!("{}: {}", t.server_url.as_str(), t.reason)).collect();
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let shown = rows.iter().cloned().map(|row| rows::device(row, &cx.engine)).collect();
    let reply = cx.commit(tx, Discovered { devices: shown, count, failures }).await?;
    cx.take_in(rows).await?;
    Ok(reply)
}

pub(crate) async fn list(cx: Cx<Telescope>, list: ListDevices) -> Result<Devices, Fault> {
    let slice = Slice { limit: list.limit, cursor: list.cursor.map(Cursor) };
    let page = devices::list(cx.store(), list.device_type.map(|t| t.to_lowercase()).as_deref(), &slice).await?;
    let devices = page.items.into_iter().map(|row| rows::device(row, &cx.engine)).collect();
    Ok(Devices { devices, next: page.next.map(|cursor| cursor.0) })
}

pub(crate) async fn register(cx: Cx<Telescope>, register: RegisterDevice) -> Result<OneDevice, Fault> {
    let server_url = register.server_url.parse().map_err(|e: AlpacaError| of_alpaca(&e))?;
    let device_type: DeviceType = register.device_type.parse().map_err(|e: AlpacaError| of_alpaca(&e))?;
    let endpoint = Endpoint { server_url, device_type, device_number: register.device_number };
    // A server that can be asked describes the device; one that can't is taken at the word of who registers it.
    let surveyed = cx.engine.survey(&endpoint.server_url).await.unwrap_or_default();
    let described = surveyed.iter().find(|found| found.endpoint() == endpoint).map(rows::found);
    let mut found = described.unwrap_or_else(|| devices::Found {
        device_type: device_type.to_string().to_lowercase(),
        device_number: register.device_number,
        name: format!("{} {}", device_type, register.device_number),
        description: String::new(),
        driver_info: String::new(),
        driver_version: String::new(),
        server_url: endpoint.server_url.as_str().to_owned(),
        uuid: None,
        protocol: "alpaca".to_owned(),
        simulated: false,
    });
    if let Some(name) = register.name {
        found.name = name;
    }
    let mut tx = cx.begin().await?;
    let row = devices::found(&mut tx, &found, cx.now()).await?;
    let reply = cx.commit(tx, OneDevice { device: rows::device(row.clone(), &cx.engine) }).await?;
    cx.take_in(vec![row]).await?;
    Ok(reply)
}

pub(crate) async fn unregister(cx: Cx<Telescope>, unregister: UnregisterDevice) -> Result<Done, Fault> {
    let id = unregister.device_id;
    let mut tx = cx.begin().await?;
    devices::remove(&mut tx, &id).await?;
    let reply = cx.commit(tx, Done {}).await?;
    let _ = cx.engine.unregister(&id);
    cx.roster.forget(&id);
    cx.bus().clear::<Device>(id.as_str()).await?;
    cx.bus().clear::<catalog::telescope::Position>(id.as_str()).await?;
    Ok(reply)
}

pub(crate) async fn assign(cx: Cx<Telescope>, assign: AssignDevice) -> Result<Done, Fault> {
    let mut tx = cx.begin().await?;
    roles::assign(&mut tx, &assign.telescope_id, rows::role_row(assign.role)?, &assign.device_id, cx.now()).await?;
    let reply = cx.commit(tx, Done {}).await?;
    cx.roster.assign(&assign.telescope_id, assign.role, Some(assign.device_id));
    Ok(reply)
}

pub(crate) async fn unassign(cx: Cx<Telescope>, unassign: UnassignDevice) -> Result<Done, Fault> {
    let mut tx = cx.begin().await?;
    if !roles::unassign(&mut tx, &unassign.telescope_id, rows::role_row(unassign.role)?).await? {
        return Err(Fault::not_found(format!("telescope {} has nothing in that role", unassign.telescope_id)));
    }
    let reply = cx.commit(tx, Done {}).await?;
    cx.roster.assign(&unassign.telescope_id, unassign.role, None);
    Ok(reply)
}

pub(crate) async fn connect(cx: Cx<Telescope>, connect: Connect) -> Result<DeviceConnected, Fault> {
    let device = cx.roster.device(connect.device_id.as_ref(), connect.telescope_id.as_ref())?;
    cx.engine.connect(&device.id).await.map_err(|e| of_alpaca(&e))?;
    cx.roster.set_site(&device.id, None);
    let mut tx = cx.begin().await?;
    devices::set_connected_wanted(&mut tx, &device.id, true, cx.now()).await?;
    roles::connected(&mut tx, &device.id, cx.now()).await?;
    let reply = cx.commit(tx, DeviceConnected { device_id: device.id.clone() }).await?;
    cx.roster.keep(devices::Device { connected_wanted: true, ..device });
    Ok(reply)
}

pub(crate) async fn disconnect(cx: Cx<Telescope>, disconnect: Disconnect) -> Result<Done, Fault> {
    let device = cx.roster.device(disconnect.device_id.as_ref(), disconnect.telescope_id.as_ref())?;
    let mut tx = cx.begin().await?;
    devices::set_connected_wanted(&mut tx, &device.id, false, cx.now()).await?;
    let told = cx.engine.disconnect(&device.id).await;
    let reply = cx.commit(tx, Done {}).await?;
    if let Err(error) = told {
        tracing::warn!(device = %device.id, %error, "device was not told that it is disconnected");
    }
    cx.roster.keep(devices::Device { connected_wanted: false, ..device });
    Ok(reply)
}

/// Connects what should be connected, at the start and when a device that was away comes back.
pub(crate) async fn keep_connected(telescope: &Telescope) -> Result<(), Fault> {
    let mut retry = tokio::time::interval(RETRY);
    retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        retry.tick().await;
        let wanted: Vec<DeviceId> = telescope
            .roster
            .devices()
            .into_iter()
            .filter(|device| device.connected_wanted)
            .filter(|device| telescope.engine.link(&device.id).is_ok_and(|link| link.link == Link::Disconnected))
            .map(|device| device.id)
            .collect();
        let attempts = wanted.iter().map(|id| async move {
            if let Err(error) = telescope.engine.connect(id).await {
                tracing::debug!(device = %id, %error, "device that should be connected is not yet");
            }
        });
        futures::future::join_all(attempts).await;
    }
}

/// After a restore the rows are others.
pub(crate) async fn reload_after_restore(telescope: &Telescope) -> Result<(), Fault> {
    let filter = (topic::event(BackupEnded::NAME), Qos::AtLeastOnce);
    let mut ended = telescope.bus.watch(&[filter], 16).await?;
    while ended.next().await.is_some() {
        telescope.reload().await?;
    }
    Ok(())
}
