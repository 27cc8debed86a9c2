//! Live positions: each connected mount is read in a task of its own, at a set rate, so that one that hangs holds up no other.

use std::{collections::HashMap, sync::Arc, time::Duration};

use catalog::telescope::{ConnectionChanged, DeviceState, Position, SlewOutcome};
use engine_alpaca::{DeviceLink, Link};
use tokio::{sync::broadcast::error::RecvError, task::JoinHandle};
use vocabulary::{Fault, ids::DeviceId};

use crate::{
    Telescope,
    control::tell_end,
    roster::{Motion, UnderWay},
    rows::state_of,
    status,
};

/// How often it is looked which mounts are connected.
const LOOK: Duration = Duration::from_millis(250);
/// How often a mount must be seen at rest before its motion counts as over: some begin to move a moment after they said so.
const AT_REST: u32 = 2;

/// Publishes the positions of all connected mounts, until it is dropped.
pub(crate) async fn publish(telescope: &Arc<Telescope>) -> Result<(), Fault> {
    let mut readers = Readers::default();
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        readers.0.retain(|_, reader| !reader.is_finished());
        for link in telescope.engine.links().into_iter().filter(|link| link.link == Link::Connected) {
            let is_mount = telescope.roster.known(&link.device).is_some_and(|device| device.device_type == "telescope");
            if is_mount && !readers.0.contains_key(&link.device) {
                let reader = tokio::spawn(read_while_connected(Arc::clone(telescope), link.device.clone()));
                readers.0.insert(link.device, reader);
            }
        }
    }
}

/// The readers; dropped, they end.
#[derive(Default)]
struct Readers(HashMap<DeviceId, JoinHandle<()>>);

impl Drop for Readers {
    fn drop(&mut self) {
        for reader in self.0.values() {
            reader.abort();
        }
    }
}

async fn read_while_connected(telescope: Arc<Telescope>, id: DeviceId) {
    while telescope.engine.link(&id).is_ok_and(|link| link.link == Link::Connected) {
        let Some(device) = telescope.roster.known(&id) else { return };
        let mut moves = telescope.roster.motion(&id).is_some();
        match status::read(&telescope, &device).await {
            Ok(position) => {
                moves |= position.slewing;
                if let Err(fault) = telescope.bus.retain::<Position>(id.as_str(), &position).await {
                    tracing::warn!(%fault, "position was not published");
                }
                watch_motion(&telescope, &device, &position).await;
            }
            // Its link is the engine's matter: three failed probes and it is lost.
            Err(fault) => tracing::debug!(device = %id, %fault, "position could not be read"),
        }
        let settings = telescope.settings();
        let rate = if moves { settings.slewing_rate_hertz } else { settings.position_rate_hertz };
        // Whoever sends a mount off wants to see it move at once.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(1.0 / rate.max(0.01))) => {}
            () = telescope.roster.motion_begun() => {}
        }
    }
}

/// Tells the end of a motion once the mount is seen at rest.
async fn watch_motion(telescope: &Telescope, device: &store::telescopes::devices::Device, position: &Position) {
    let Some(UnderWay { operation_id, motion, .. }) = telescope.roster.motion(&device.id) else { return };
    // A reading from before the motion began says nothing of it.
    if position.operation_id.as_ref() != Some(&operation_id) || position.slewing {
        return;
    }
    let over = match motion {
        Motion::Slew => telescope.roster.at_rest(&device.id) >= AT_REST,
        Motion::Park => position.at_park,
    };
    if !over || telescope.roster.end(&device.id, Some(&operation_id)).is_none() {
        return;
    }
    let outcome = match motion {
        Motion::Slew => SlewOutcome::Arrived,
        Motion::Park => SlewOutcome::Parked,
    };
    tell_end(telescope, device, operation_id, outcome, None).await;
}

/// Tells every change of a device's link, and shows the device anew.
pub(crate) async fn follow_links(telescope: &Arc<Telescope>) -> Result<(), Fault> {
    let mut changes = telescope.engine.changes();
    let mut known: HashMap<DeviceId, DeviceState> = HashMap::new();
    loop {
        match changes.recv().await {
            Ok(change) => follow(telescope, &mut known, change).await?,
            Err(RecvError::Lagged(_)) => {
                for link in telescope.engine.links() {
                    follow(telescope, &mut known, link).await?;
                }
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn follow(
    telescope: &Telescope,
    known: &mut HashMap<DeviceId, DeviceState>,
    change: DeviceLink,
) -> Result<(), Fault> {
    let to = state_of(change.link);
    let from = known.insert(change.device.clone(), to).unwrap_or(DeviceState::Disconnected);
    let Some(device) = telescope.roster.known(&change.device) else { return Ok(()) };
    if from == to {
        return Ok(());
    }
    telescope.show(device.clone()).await?;
    if to != DeviceState::Connected {
        telescope.roster.set_site(&device.id, None);
        telescope.bus.clear::<Position>(device.id.as_str()).await?;
        if let Some(UnderWay { operation_id, .. }) = telescope.roster.end(&device.id, None) {
            let failure =
                Fault::unavailable(format!("device {} was lost while it moved: {}", device.id, change.reason))
                    .hint("see that it is on, and ask for its status");
            tell_end(telescope, &device, operation_id, SlewOutcome::Failed, Some(failure)).await;
        }
    }
    let event = ConnectionChanged {
        device_id: device.id,
        name: device.name,
        from,
        to,
        reason: change.reason,
        simulated: device.simulated,
    };
    telescope.bus.emit(&event).await
}
