//! Telescopes and devices as tables.

use catalog::telescope::{Device, DeviceState};

use crate::terminal::{
    output::{Paint, harmless},
    table::{Shown, marked, table},
    telescope::roll::{Named, Roll},
};

/// Devices, one a row; nothing where there are none.
pub(crate) fn devices(paint: Paint, devices: &[Device]) -> String {
    if devices.is_empty() {
        return String::new();
    }
    let rows = devices.iter().map(|device| {
        vec![
            marked(&device.name, device.simulated).into(),
            harmless(&device.device_type).into(),
            state(device.state),
            format!("{}#{}", harmless(&device.server_url), device.device_number).into(),
            device.device_id.to_string().into(),
        ]
    });
    table(paint, &["device", "type", "state", "server", "id"], rows)
}

/// Telescopes, one a row; nothing where there are none.
pub(crate) fn telescopes(paint: Paint, roll: &Roll) -> String {
    if roll.telescopes.is_empty() {
        return String::new();
    }
    let rows = roll.telescopes.iter().map(|telescope| {
        let named = Named::Telescope(telescope.clone());
        let mount =
            roll.device_of(&named).map_or_else(|| "-".to_owned(), |device| marked(&device.name, device.simulated));
        let may = if telescope.enabled { Shown::good("enabled") } else { Shown::doubtful("disabled") };
        vec![
            roll.label(&named).into(),
            mount.into(),
            may,
            harmless(&telescope.owner_id).into(),
            telescope.id.to_string().into(),
        ]
    });
    table(paint, &["telescope", "mount", "state", "owner", "id"], rows)
}

fn state(state: DeviceState) -> Shown {
    match state {
        DeviceState::Connected => Shown::good("connected"),
        DeviceState::Disconnected => Shown::doubtful("disconnected"),
        DeviceState::Lost => Shown::bad("lost"),
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Shape as _, telescope::Config};

    use super::*;

    #[test]
    fn rows() {
        let roll = Roll { telescopes: vec![Config::example()], devices: vec![Device::example()] };
        assert_eq!(
            devices(Paint::Plain, &roll.devices),
            "DEVICE                           TYPE       STATE      SERVER                    ID\n\
             Simulated telescope (simulated)  telescope  connected  http://127.0.0.1:32323#0  \
             0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a11"
        );
        assert_eq!(
            telescopes(Paint::Plain, &roll),
            "TELESCOPE               MOUNT                            STATE    OWNER     ID\n\
             North dome (simulated)  Simulated telescope (simulated)  enabled  operator  \
             0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a12"
        );
    }

    #[test]
    fn nothing_is_no_table() {
        assert_eq!(devices(Paint::Plain, &[]), "");
        assert_eq!(telescopes(Paint::Plain, &Roll::default()), "");
    }
}
