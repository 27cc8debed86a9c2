//! `bigskies telescope`: telescopes and devices by their names, positions as people write them.

mod arguments;
mod goal;
mod motion;
mod position;
mod roll;
mod tables;

use catalog::telescope::{
    Abort, Connect, CreateConfig, DeleteConfig, Disconnect, Discover, GetStatus, Park, Role, Slew, SlewToHorizon,
    Track, Unpark,
};
use clap::Subcommand;
use serde_json::json;

pub(crate) use roll::devices;

use crate::terminal::{
    client::Client,
    output::{Ending, Output, remark},
    telescope::{
        arguments::{
            CreateArgs, DeviceArgs, DiscoverArgs, ListArgs, MotionArgs, SlewArgs, TelescopeArgs, TrackArgs, WatchArgs,
        },
        goal::Goal,
        motion::Motion,
        roll::{Among, Named, Roll},
    },
};

/// What to do with telescopes.
#[derive(Debug, Subcommand)]
pub(crate) enum Telescope {
    /// Look for devices on the network; what is found is registered.
    Discover(DiscoverArgs),
    /// Show telescopes and devices.
    List(ListArgs),
    /// Connect a device, or the mount of a telescope, and keep it connected.
    Connect(DeviceArgs),
    /// Disconnect a device, or the mount of a telescope.
    Disconnect(DeviceArgs),
    /// Point a telescope at a place in the sky.
    Slew(SlewArgs),
    /// Let a telescope follow the sky, or stand still.
    Track(TrackArgs),
    /// Stop a telescope, at once.
    Abort(TelescopeArgs),
    /// Send a telescope to its parking position.
    Park(MotionArgs),
    /// Let a parked telescope move again.
    Unpark(TelescopeArgs),
    /// Show where a telescope points and what it does; all of them where none is named.
    Status(TelescopeArgs),
    /// Show where a telescope points, as it moves.
    Watch(WatchArgs),
    /// Make a telescope out of devices.
    Create(CreateArgs),
    /// Delete a telescope; its devices stay.
    Delete {
        /// The telescope, by its name or id.
        telescope: String,
    },
}

/// Does it.
pub(crate) async fn run(command: Telescope, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match command {
        Telescope::Discover(arguments) => discover(arguments, client, out).await,
        Telescope::List(arguments) => list(arguments, client, out).await,
        Telescope::Connect(arguments) => connect(arguments, client, out).await,
        Telescope::Disconnect(arguments) => disconnect(arguments, client, out).await,
        Telescope::Slew(arguments) => slew(arguments, client, out).await,
        Telescope::Track(arguments) => track(arguments, client, out).await,
        Telescope::Abort(arguments) => abort(arguments, client, out).await,
        Telescope::Park(arguments) => park(arguments, client, out).await,
        Telescope::Unpark(arguments) => unpark(arguments, client, out).await,
        Telescope::Status(arguments) => status(arguments, client, out).await,
        Telescope::Watch(arguments) => position::watch(arguments, client, out).await,
        Telescope::Create(arguments) => create(arguments, client, out).await,
        Telescope::Delete { telescope } => delete(&telescope, client, out).await,
    }
}

async fn discover(arguments: DiscoverArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let DiscoverArgs { port, wait, hosts } = arguments;
    let discover = Discover { port, wait_seconds: wait.map(|wait| wait.as_secs_f64()), hosts };
    let found = client.ask(&discover).await?;
    for failure in &found.failures {
        remark(&format!("warning: {failure}"));
    }
    out.show(&found, |paint| match found.devices.as_slice() {
        [] => "no device answered".to_owned(),
        devices => tables::devices(paint, devices),
    })
}

async fn list(arguments: ListArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let telescopes = roll::telescopes(client).await?;
    let devices = devices(client, None).await?;
    let is_wanted =
        |device_type: &str| arguments.device_type.as_ref().is_none_or(|t| t.eq_ignore_ascii_case(device_type));
    let roll = Roll { telescopes, devices };
    let shown: Vec<_> = roll.devices.iter().filter(|device| is_wanted(&device.device_type)).cloned().collect();
    out.show(&json!({ "telescopes": roll.telescopes, "devices": shown }), |paint| {
        if roll.telescopes.is_empty() && shown.is_empty() {
            return "nothing is known yet; `bigskies telescope discover` looks for devices".to_owned();
        }
        let parts = [tables::telescopes(paint, &roll), tables::devices(paint, &shown)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    })
}

async fn connect(arguments: DeviceArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let roll = Roll::call(client).await?;
    let named = roll.target(arguments.name.as_deref(), Among::Devices)?;
    let reply = client.ask(&Connect { device_id: named.device_id(), telescope_id: named.telescope_id() }).await?;
    out.show(&reply, |_| format!("{} is connected", roll.label(&named)))
}

async fn disconnect(arguments: DeviceArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let roll = Roll::call(client).await?;
    let named = roll.target(arguments.name.as_deref(), Among::Devices)?;
    let reply = client.ask(&Disconnect { device_id: named.device_id(), telescope_id: named.telescope_id() }).await?;
    out.show(&reply, |_| format!("{} is disconnected", roll.label(&named)))
}

async fn slew(arguments: SlewArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    // What is wrong with the angles is said before anything is asked.
    let (name, goal) = arguments.goal()?;
    let roll = Roll::call(client).await?;
    let named = roll.target(name.as_deref(), Among::Mounts)?;
    let (device_id, telescope_id) = (named.device_id(), named.telescope_id());
    let motion = Motion::expect(client, &roll, &named, arguments.waiting.wanted(out.form())).await?;
    let started = match &goal {
        Goal::Equatorial(place) => {
            let slew = Slew {
                device_id,
                telescope_id,
                right_ascension: place.right_ascension,
                declination: place.declination,
                equinox: place.equinox,
                target_name: arguments.target.clone(),
            };
            client.ask(&slew).await?
        }
        Goal::Horizontal(place) => {
            let slew = SlewToHorizon { device_id, telescope_id, altitude: place.altitude, azimuth: place.azimuth };
            client.ask(&slew).await?
        }
        Goal::Parking => client.ask(&Park { device_id, telescope_id }).await?,
    };
    motion.follow(started, &goal, out).await
}

async fn park(arguments: MotionArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let roll = Roll::call(client).await?;
    let named = roll.target(arguments.name.as_deref(), Among::Mounts)?;
    let motion = Motion::expect(client, &roll, &named, arguments.waiting.wanted(out.form())).await?;
    let started = client.ask(&Park { device_id: named.device_id(), telescope_id: named.telescope_id() }).await?;
    motion.follow(started, &Goal::Parking, out).await
}

async fn track(arguments: TrackArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let (name, enabled) = arguments.wish()?;
    let (roll, named) = mount(client, name.as_deref()).await?;
    let track = Track { device_id: named.device_id(), telescope_id: named.telescope_id(), enabled };
    let reply = client.ask(&track).await?;
    let does = if enabled { "follows the sky" } else { "stands still" };
    out.show(&reply, |_| format!("{} {does}", roll.label(&named)))
}

async fn abort(arguments: TelescopeArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let (roll, named) = mount(client, arguments.name.as_deref()).await?;
    let reply = client.ask(&Abort { device_id: named.device_id(), telescope_id: named.telescope_id() }).await?;
    out.show(&reply, |_| format!("{} was told to stop, and accepted", roll.label(&named)))
}

async fn unpark(arguments: TelescopeArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let (roll, named) = mount(client, arguments.name.as_deref()).await?;
    let reply = client.ask(&Unpark { device_id: named.device_id(), telescope_id: named.telescope_id() }).await?;
    out.show(&reply, |_| format!("{} may move", roll.label(&named)))
}

async fn mount(client: &Client, name: Option<&str>) -> Result<(Roll, Named), Ending> {
    let roll = Roll::call(client).await?;
    let named = roll.target(name, Among::Mounts)?;
    Ok((roll, named))
}

async fn status(arguments: TelescopeArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let roll = Roll::call(client).await?;
    let all = roll.pointing();
    if arguments.name.is_none() && all.len() > 1 {
        return statuses(&roll, &all, client, out).await;
    }
    let named = roll.target(arguments.name.as_deref(), Among::Mounts)?;
    let get = GetStatus { device_id: named.device_id(), telescope_id: named.telescope_id() };
    let reply = client.ask(&get).await?;
    out.show(&reply, |paint| position::details(paint, &roll.label(&named), &reply.status))
}

/// Asks all; one that does not answer does not keep the others from being shown.
async fn statuses(roll: &Roll, all: &[Named], client: &Client, out: &mut Output) -> Result<(), Ending> {
    let mut rows = Vec::new();
    for named in all {
        let get = GetStatus { device_id: named.device_id(), telescope_id: named.telescope_id() };
        rows.push((named, client.ask(&get).await));
    }
    let objects: Vec<_> = rows
        .iter()
        .map(|(named, asked)| match asked {
            Ok(reply) => json!({ "name": named.name(), "status": reply.status }),
            Err(fault) => json!({ "name": named.name(), "error": fault }),
        })
        .collect();
    out.show(&json!({ "telescopes": objects }), |paint| {
        let rows = rows.iter().map(|(named, asked)| (roll.label(named), asked.as_ref().map(|reply| &reply.status)));
        position::table(paint, rows)
    })
}

async fn create(arguments: CreateArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let mount = match &arguments.mount {
        Some(mount) => {
            let devices = devices(client, None).await?;
            Some(Roll { telescopes: Vec::new(), devices }.mount(mount)?)
        }
        None => None,
    };
    let create = CreateConfig {
        name: arguments.name.clone(),
        description: arguments.description,
        owner_id: None,
        owner_type: catalog::telescope::OwnerType::User,
        site_id: None,
        mount_type: arguments.mount_type.into(),
        devices: mount.map(|mount| (Role::Telescope, mount)).into_iter().collect(),
    };
    let reply = client.ask(&create).await?;
    out.show(&reply, |_| format!("telescope {} is made; its id is {}", arguments.name, reply.id))
}

async fn delete(name: &str, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let roll = Roll { telescopes: roll::telescopes(client).await?, devices: Vec::new() };
    let telescope = roll.telescope(name)?;
    let reply = client.ask(&DeleteConfig { id: telescope.id.clone() }).await?;
    out.show(&reply, |_| format!("telescope {} is deleted; its devices stay", telescope.name))
}
