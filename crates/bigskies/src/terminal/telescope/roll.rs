//! Who is there: the telescopes and devices of an observatory, and which of them a person means by a name.

use catalog::{
    Paging,
    telescope::{Config, Device, ListConfigs, ListDevices, Role},
};
use vocabulary::{
    Fault,
    ids::{DeviceId, TelescopeId},
};

use crate::terminal::{client::Client, pages, table::marked};

/// How many candidates a fault lists.
const CANDIDATES_SHOWN: usize = 8;

/// The telescopes and devices of an observatory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roll {
    /// Telescope configurations.
    pub(crate) telescopes: Vec<Config>,
    /// Devices of every type.
    pub(crate) devices: Vec<Device>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Named {
    /// A telescope; for motion, its mount.
    Telescope(Config),
    /// A device.
    Device(Device),
}

/// Which devices a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Those that point at the sky.
    Mounts,
    /// All.
    Devices,
}

impl Named {
    /// The field `device_id` of a message.
    pub(crate) fn device_id(&self) -> Option<DeviceId> {
        match self {
            Self::Device(device) => Some(device.device_id.clone()),
            Self::Telescope(_) => None,
        }
    }

    /// The field `telescope_id` of a message.
    pub(crate) fn telescope_id(&self) -> Option<TelescopeId> {
        match self {
            Self::Telescope(telescope) => Some(telescope.id.clone()),
            Self::Device(_) => None,
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Telescope(telescope) => &telescope.name,
            Self::Device(device) => &device.name,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Telescope(telescope) => telescope.id.as_str(),
            Self::Device(device) => device.device_id.as_str(),
        }
    }
}

impl Roll {
    /// Asks who is there.
    ///
    /// # Errors
    /// What the telescope coordinator says.
    pub(crate) async fn call(client: &Client) -> Result<Self, Fault> {
        Ok(Self { telescopes: telescopes(client).await?, devices: devices(client, None).await? })
    }

    /// The telescope or device that `name` stands for: by its id, its name or the beginning of either, whatever the case. Without a
    /// name, the only one there is.
    ///
    /// # Errors
    /// `not-found` where there is none, `invalid` where there are several; the hint lists them.
    pub(crate) fn target(&self, name: Option<&str>, among: Among) -> Result<Named, Fault> {
        let Some(name) = name else { return self.only(among) };
        let everybody: Vec<Named> = self.everybody(among);
        let mut found = matching(name, &everybody);
        // A telescope stands for its mount, so both under one name are one.
        if let Some(telescope) = only_telescope(&found) {
            let mount = telescope.devices.get(&Role::Telescope).cloned();
            found.retain(|named| named.device_id().is_none() || named.device_id() != mount);
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                Err(Fault::not_found(format!("no telescope or device is called {name:?}")).hint(self.known(&everybody)))
            }
            several => {
                Err(Fault::invalid(format!("{name:?} may be any of {}", several.len())).hint(self.candidates(several)))
            }
        }
    }

    /// The telescope that `name` stands for.
    ///
    /// # Errors
    /// As [`Self::target`].
    pub(crate) fn telescope(&self, name: &str) -> Result<&Config, Fault> {
        let everybody: Vec<Named> = self.telescopes.iter().cloned().map(Named::Telescope).collect();
        let found = matching(name, &everybody);
        let Some(id) = found.first().and_then(|named| named.telescope_id()) else {
            return Err(Fault::not_found(format!("no telescope is called {name:?}")).hint(self.known(&everybody)));
        };
        if found.len() > 1 {
            return Err(Fault::invalid(format!("{name:?} may be any of {}", found.len())).hint(self.candidates(&found)));
        }
        self.telescopes
            .iter()
            .find(|telescope| telescope.id == id)
            .ok_or_else(|| Fault::internal(format!("telescope {id} vanished")))
    }

    /// The mount that `name` stands for.
    ///
    /// # Errors
    /// As [`Self::target`].
    pub(crate) fn mount(&self, name: &str) -> Result<DeviceId, Fault> {
        let roll = Self { telescopes: Vec::new(), devices: self.devices.clone() };
        let named = roll.target(Some(name), Among::Mounts)?;
        named.device_id().ok_or_else(|| Fault::internal("a telescope is no device"))
    }

    /// Everything that points at the sky, each mount once: telescopes, and mounts that are in none.
    pub(crate) fn pointing(&self) -> Vec<Named> {
        let taken = |device: &Device| {
            self.telescopes.iter().any(|telescope| telescope.devices.get(&Role::Telescope) == Some(&device.device_id))
        };
        let free = self.devices.iter().filter(|device| is_mount(device) && !taken(device)).cloned();
        self.telescopes.iter().cloned().map(Named::Telescope).chain(free.map(Named::Device)).collect()
    }

    /// The device behind a name: of a telescope its mount.
    pub(crate) fn device_of(&self, named: &Named) -> Option<&Device> {
        let id = match named {
            Named::Device(device) => &device.device_id,
            Named::Telescope(telescope) => telescope.devices.get(&Role::Telescope)?,
        };
        self.devices.iter().find(|device| device.device_id == *id)
    }

    /// What to call it before a person, marked where it is simulated.
    pub(crate) fn label(&self, named: &Named) -> String {
        marked(named.name(), self.device_of(named).is_some_and(|device| device.simulated))
    }

    fn only(&self, among: Among) -> Result<Named, Fault> {
        let mut all = self.pointing();
        if among == Among::Devices && all.is_empty() {
            all = self.everybody(Among::Devices);
        }
        match all.as_slice() {
            [one] => Ok(one.clone()),
            [] => {
                Err(Fault::not_found("no telescope is known").hint("`bigskies telescope discover` looks for devices"))
            }
            several => {
                let several: Vec<&Named> = several.iter().collect();
                Err(Fault::invalid(format!("no name is given, and there are {}", several.len()))
                    .hint(self.candidates(&several)))
            }
        }
    }

    fn everybody(&self, among: Among) -> Vec<Named> {
        let fits = |device: &&Device| among == Among::Devices || is_mount(device);
        let devices = self.devices.iter().filter(fits).cloned().map(Named::Device);
        self.telescopes.iter().cloned().map(Named::Telescope).chain(devices).collect()
    }

    fn known(&self, everybody: &[Named]) -> String {
        if everybody.is_empty() {
            return "none is known; `bigskies telescope discover` looks for devices".to_owned();
        }
        let everybody: Vec<&Named> = everybody.iter().collect();
        format!("known are {}", self.listed(&everybody))
    }

    fn candidates(&self, candidates: &[&Named]) -> String {
        format!("name one of {}", self.listed(candidates))
    }

    fn listed(&self, all: &[&Named]) -> String {
        let is_shared = |named: &Named| all.iter().filter(|other| is_same(other.name(), named.name())).count() > 1;
        let mut words: Vec<String> =
            all.iter()
                .take(CANDIDATES_SHOWN)
                .map(|named| {
                    if is_shared(named) { format!("{} [{}]", self.label(named), named.id()) } else { self.label(named) }
                })
                .collect();
        if all.len() > CANDIDATES_SHOWN {
            words.push(format!("{} more (`bigskies telescope list`)", all.len() - CANDIDATES_SHOWN));
        }
        words.join(", ")
    }
}

/// Whether a device points at the sky.
pub(crate) fn is_mount(device: &Device) -> bool {
    device.device_type.eq_ignore_ascii_case("telescope")
}

/// Those that `name` fits best: by id, else by name, else by the beginning of name or id.
fn matching<'a>(name: &str, everybody: &'a [Named]) -> Vec<&'a Named> {
    let begins = |text: &str| text.to_lowercase().starts_with(&name.to_lowercase());
    let by_id = |named: &&Named| is_same(named.id(), name);
    let by_name = |named: &&Named| is_same(named.name(), name);
    let by_beginning = |named: &&Named| !name.is_empty() && (begins(named.name()) || begins(named.id()));
    let tries: [&dyn Fn(&&Named) -> bool; 3] = [&by_id, &by_name, &by_beginning];
    tries
        .into_iter()
        .map(|fits| everybody.iter().filter(fits).collect::<Vec<_>>())
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn only_telescope(found: &[&Named]) -> Option<Config> {
    let mut telescopes = found.iter().filter_map(|named| match named {
        Named::Telescope(telescope) => Some(telescope.clone()),
        Named::Device(_) => None,
    });
    let first = telescopes.next();
    if telescopes.next().is_some() { None } else { first }
}

/// All telescopes.
///
/// # Errors
/// What the telescope coordinator says.
pub(crate) async fn telescopes(client: &Client) -> Result<Vec<Config>, Fault> {
    let question = |Paging { limit, cursor }| ListConfigs { limit, cursor, ..ListConfigs::default() };
    pages::all(client, question, |page| (page.configs, page.next)).await
}

/// All devices of a type, or of every type.
///
/// # Errors
/// What the telescope coordinator says.
pub(crate) async fn devices(client: &Client, device_type: Option<String>) -> Result<Vec<Device>, Fault> {
    let question = |Paging { limit, cursor }| ListDevices { device_type: device_type.clone(), limit, cursor };
    pages::all(client, question, |page| (page.devices, page.next)).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use catalog::Shape as _;
    use vocabulary::Code;

    use super::*;

    fn device(id: &str, name: &str, device_type: &str) -> Device {
        Device {
            device_id: id.parse().unwrap(),
            name: name.to_owned(),
            device_type: device_type.to_owned(),
            simulated: name.contains("Sim"),
            ..Device::example()
        }
    }

    fn telescope(id: &str, name: &str, mount: Option<&str>) -> Config {
        let devices: BTreeMap<_, _> =
            mount.map(|mount| (Role::Telescope, mount.parse().unwrap())).into_iter().collect();
        Config { id: id.parse().unwrap(), name: name.to_owned(), devices, ..Config::example() }
    }

    fn observatory() -> Roll {
        Roll {
            telescopes: vec![
                telescope("t-1", "North dome", Some("d-1")),
                telescope("t-2", "South dome", Some("d-2")),
                telescope("t-3", "Twin", None),
                telescope("t-4", "twin", None),
            ],
            devices: vec![
                device("d-1", "North dome", "telescope"),
                device("d-2", "Simulated mount", "telescope"),
                device("d-3", "Camera", "camera"),
                device("d-4", "Piggyback", "Telescope"),
            ],
        }
    }

    fn check(roll: &Roll, name: Option<&str>, among: Among, wanted: Result<&str, Code>) {
        let got = roll.target(name, among);
        let got = got.as_ref().map(Named::id).map_err(|fault| fault.code);
        assert_eq!(got, wanted, "{name:?} {among:?}");
    }

    #[test]
    fn names() {
        let roll = observatory();
        for (name, among, wanted) in [
            (Some("North dome"), Among::Mounts, Ok("t-1")),
            (Some("north DOME"), Among::Mounts, Ok("t-1")),
            (Some("nor"), Among::Mounts, Ok("t-1")),
            (Some("d-1"), Among::Mounts, Ok("d-1")),
            (Some("South dome"), Among::Mounts, Ok("t-2")),
            (Some("s"), Among::Mounts, Ok("t-2")),
            (Some("simulated"), Among::Mounts, Ok("d-2")),
            (Some("pig"), Among::Mounts, Ok("d-4")),
            (Some("camera"), Among::Mounts, Err(Code::NotFound)),
            (Some("camera"), Among::Devices, Ok("d-3")),
            (Some("Twin"), Among::Mounts, Err(Code::Invalid)),
            (Some("t-"), Among::Mounts, Err(Code::Invalid)),
            (Some("t-3"), Among::Mounts, Ok("t-3")),
            (Some("West"), Among::Mounts, Err(Code::NotFound)),
            (Some(""), Among::Mounts, Err(Code::NotFound)),
            (None, Among::Mounts, Err(Code::Invalid)),
        ] {
            check(&roll, name, among, wanted);
        }
    }

    #[test]
    fn without_a_name_the_only_one_is_meant() {
        let mount = || device("d-1", "Mount", "telescope");
        let camera = || device("d-2", "Camera", "camera");
        let main = || telescope("t-1", "Main", Some("d-1"));
        for (telescopes, devices, wanted) in [
            (vec![], vec![], Err(Code::NotFound)),
            (vec![], vec![mount(), camera()], Ok("d-1")),
            (vec![main()], vec![mount(), camera()], Ok("t-1")),
            (vec![main()], vec![mount(), device("d-3", "Other", "telescope")], Err(Code::Invalid)),
            (vec![], vec![camera()], Err(Code::NotFound)),
        ] {
            check(&Roll { telescopes, devices }, None, Among::Mounts, wanted);
        }
    }

    #[test]
    fn candidates_are_listed_with_what_tells_them_apart() {
        let roll = observatory();
        let fault = roll.target(Some("twin"), Among::Mounts).unwrap_err();
        assert_eq!(fault.hint, "name one of Twin [t-3], twin [t-4]");
        let fault = roll.mount("West").unwrap_err();
        assert_eq!(fault.hint, "known are North dome, Simulated mount (simulated), Piggyback");
    }

    #[test]
    fn telescopes_and_mounts_by_themselves() {
        let roll = observatory();
        assert_eq!(roll.telescope("South").unwrap().id.as_str(), "t-2");
        assert_eq!(roll.telescope("Camera").unwrap_err().code, Code::NotFound);
        assert_eq!(roll.telescope("twin").unwrap_err().code, Code::Invalid);
        assert_eq!(roll.mount("North").unwrap().as_str(), "d-1");
    }

    #[test]
    fn telescopes_on_simulated_mounts_are_marked() {
        let roll = observatory();
        let named = roll.target(Some("south"), Among::Mounts).unwrap();
        assert_eq!(roll.label(&named), "South dome (simulated)");
    }
}
