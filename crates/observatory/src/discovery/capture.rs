//! From what a host says to a discovery, with all its secrets still in it.

use std::collections::{BTreeMap, BTreeSet};

use engine_containers::{Container, ContainerSpec, FileEntry, Mount, State, labels};
use serde_json::Value;

use super::{
    CapturedFile, Contents, Discovery, FORMAT, Found, Holds, Origin, Place, Project, Source, Standing, Start, Taken,
    Unexpressed, candidates, dependencies::dependencies,
};
use crate::failure::Failure;

/// The most that is read of one place; more is data and no configuration.
const PLACE_BYTES_MAX: usize = 1 << 20;
/// A larger file is none that somebody wrote.
const FILE_BYTES_MAX: usize = 256 << 10;
/// Networks that every engine has.
const OF_ENGINE: [&str; 3] = ["bridge", "host", "none"];
/// The length of the name that an engine gives to a volume that got none.
const NAMELESS: usize = 64;

/// Everything that a host says.
///
/// # Errors
/// Where it can't be asked.
pub async fn capture(source: &dyn Source) -> Result<Discovery, Failure> {
    let containers = source.containers().await?;
    let names: BTreeMap<&str, &str> = containers.iter().map(|one| (one.id.as_str(), one.name.as_str())).collect();
    let mut unexpressed = Vec::new();
    let mut found = Vec::new();
    for container in &containers {
        found.push(one(source, container, &names, &mut unexpressed).await?);
    }
    found.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    let mut networks: Vec<engine_containers::NetworkSpec> = Vec::new();
    for network in source.networks().await? {
        let mut spec = network.spec;
        if OF_ENGINE.contains(&spec.name.as_str()) {
            continue;
        }
        if networks.iter().any(|other| other.name == spec.name) {
            unexpressed.push(Unexpressed::new(&spec.name, "a second network of this name", "left out"));
            continue;
        }
        unexpressed.extend(left_of_network(&spec.name, &network.raw));
        spec.driver = spec.driver.filter(|driver| driver != "bridge");
        networks.push(spec);
    }
    let (volumes, orphaned) = volumes(source, &found).await?;
    let mut observed = source.host();
    observed.orphaned_volumes = orphaned;
    unexpressed.sort();
    unexpressed.dedup();
    Ok(Discovery {
        format: FORMAT,
        projects: projects(&found),
        dependencies: dependencies(&found),
        containers: found,
        networks,
        volumes,
        unexpressed,
        differences: Vec::new(),
        secrets: Vec::new(),
        observed,
    })
}

/// Volumes with a name, and those without that nobody uses.
async fn volumes(
    source: &dyn Source,
    containers: &[Found],
) -> Result<(Vec<engine_containers::VolumeSpec>, Vec<String>), Failure> {
    let asked: BTreeSet<&str> = containers.iter().flat_map(|found| &found.spec.mounts).filter_map(volume_of).collect();
    let used: BTreeSet<&str> =
        containers.iter().flat_map(|found| &found.places).filter_map(|place| place.source.as_deref()).collect();
    let (mut named, mut orphaned) = (Vec::new(), Vec::new());
    for volume in source.volumes().await? {
        let mut spec = volume.spec;
        if is_nameless(&spec.name) && !asked.contains(spec.name.as_str()) {
            if !used.contains(volume.folder.as_str()) {
                orphaned.push(spec.name);
            }
            continue;
        }
        spec.driver = spec.driver.filter(|driver| driver != "local");
        named.push(spec);
    }
    Ok((named, orphaned))
}

fn volume_of(mount: &Mount) -> Option<&str> {
    match mount {
        Mount::Volume { name, .. } => name.as_deref(),
        Mount::Bind { .. } | Mount::Tmpfs { .. } => None,
    }
}

fn is_nameless(volume: &str) -> bool {
    volume.len() == NAMELESS && volume.chars().all(|letter| letter.is_ascii_hexdigit())
}

/// What no field of ours holds of a network.
fn left_of_network(name: &str, raw: &Value) -> Vec<Unexpressed> {
    let is_said = |value: &&Value| match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::String(text) => !text.is_empty(),
        Value::Object(keys) => !keys.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Number(_) => true,
    };
    let mut left = Vec::new();
    let mut add = |what: &str| left.push(Unexpressed::new(name, what, "left out; the engine's default counts"));
    if raw.get("EnableIPv4") == Some(&Value::Bool(false)) {
        add("EnableIPv4");
    }
    if raw.get("Scope").and_then(Value::as_str).is_some_and(|scope| !matches!(scope, "" | "local")) {
        add("Scope");
    }
    if raw.pointer("/IPAM/Driver").and_then(Value::as_str).is_some_and(|driver| driver != "default") {
        add("IPAM.Driver");
    }
    for key in ["/IPAM/Options", "/ConfigFrom/Network", "/ConfigOnly", "/Ingress", "/Peers"] {
        if raw.pointer(key).filter(is_said).is_some() {
            add(key.trim_start_matches('/').replace('/', ".").as_str());
        }
    }
    for range in raw.pointer("/IPAM/Config").and_then(Value::as_array).into_iter().flatten() {
        if range.get("AuxiliaryAddresses").filter(is_said).is_some() {
            add("IPAM.Config.AuxiliaryAddresses");
        }
    }
    left
}

async fn one(
    source: &dyn Source,
    container: &Container,
    names: &BTreeMap<&str, &str>,
    unexpressed: &mut Vec<Unexpressed>,
) -> Result<Found, Failure> {
    let image = source.image(&container.image_id).await?;
    let spec = spec_of(container, image.as_ref(), names);
    let name = spec.name.clone();
    if image.is_none() {
        let instead = "all that it says is taken for the container's own";
        unexpressed.push(Unexpressed::new(&name, format!("image {}, which is gone", spec.image), instead));
    }
    let digests = image.map(|image| image.digests).unwrap_or_default();
    if digests.is_empty() {
        let instead = "`docker save` and `docker load` carry it to another host";
        unexpressed.push(Unexpressed::new(
            &name,
            format!("image {}, which came from no registry", spec.image),
            instead,
        ));
    }
    if is_detached(container) {
        unexpressed.push(Unexpressed::new(&name, "taken from all networks", "it stands on its network again"));
    }
    let changes = source.changes(&container.id).await?;
    let mut places: Vec<Place> = container.mounts.iter().map(|mount| place(mount, &spec)).collect();
    places.sort_by(|a, b| a.target.cmp(&b.target));
    let mounted: Vec<String> = container.mounts.iter().map(|mount| mount.target.clone()).collect();
    let (settings, others) = candidates::changed(&changes, &mounted);
    for path in others.iter().chain(&candidates::removed(&changes)) {
        unexpressed.push(Unexpressed::new(&name, format!("change of {path} in its own file system"), "left out"));
    }
    let look = Look { source, container, changed: &settings };
    let files = look.files(&mut places, unexpressed).await?;
    for place in places.iter().filter(|place| place.holds == Holds::Data) {
        let what = format!("data in {}", place.target);
        unexpressed.push(Unexpressed::new(&name, what, "left out; data is no configuration"));
    }
    Ok(Found {
        runs: matches!(container.status.state, State::Running | State::Restarting | State::Paused),
        start: start(container),
        places,
        files,
        observed: standing(container, digests),
        spec,
    })
}

/// Whether it stands on no network though it was asked to.
fn is_detached(container: &Container) -> bool {
    let mode = container.raw.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default();
    let stands_alone = matches!(mode, "" | "host" | "none" | "slirp4netns" | "pasta" | "private")
        || mode.starts_with("container:")
        || mode.starts_with("ns:");
    container.networks.is_empty() && !stands_alone
}

/// What a container was asked to be, in one form. `names` has those of all containers by id.
pub fn spec_of(
    container: &Container,
    image: Option<&engine_containers::Image>,
    names: &BTreeMap<&str, &str>,
) -> ContainerSpec {
    let mut spec = container.spec(image);
    by_name(&mut spec, names);
    crate::import::canonical(&mut spec);
    spec
}

/// Other containers are named by their names, not by ids that no other host knows.
fn by_name(spec: &mut ContainerSpec, names: &BTreeMap<&str, &str>) {
    let named = |mode: &str| Some(format!("container:{}", name_of(mode.strip_prefix("container:")?, names)?));
    for attachment in spec.networks.values_mut() {
        for link in &mut attachment.links {
            let (other, alias) = link.split_once(':').unwrap_or((link, link));
            if let Some(name) = name_of(other, names) {
                *link = format!("{name}:{alias}");
            }
        }
    }
    if let Some(mode) = spec.network_mode.as_deref().and_then(named) {
        spec.network_mode = Some(mode);
    }
    let Some(host) = spec.more.get_mut("HostConfig") else { return };
    for key in ["PidMode", "IpcMode"] {
        if let Some(mode) = host.get(key).and_then(Value::as_str).and_then(named)
            && let Some(host) = host.as_object_mut()
        {
            host.insert(key.to_owned(), mode.into());
        }
    }
    for from in host.get_mut("VolumesFrom").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some((id, mode)) = from.as_str().map(|from| from.split_once(':').unwrap_or((from, ""))) else { continue };
        if let Some(name) = name_of(id, names) {
            *from = if mode.is_empty() { name.into() } else { format!("{name}:{mode}").into() };
        }
    }
}

/// The name behind an id, or the beginning of one. What is a name already counts as that.
fn name_of<'a>(id: &str, names: &BTreeMap<&str, &'a str>) -> Option<&'a str> {
    let is_name = names.values().any(|name| *name == id);
    let mut begins = names.range(id..).take_while(|(other, _)| other.starts_with(id));
    let (_, name) = begins.next().filter(|_| !is_name && !id.is_empty())?;
    begins.next().is_none().then_some(*name)
}

fn place(mount: &engine_containers::UsedMount, spec: &ContainerSpec) -> Place {
    let holds = match mount.kind.as_str() {
        "tmpfs" => Holds::Memory,
        "bind" if candidates::is_of_host(&mount.source) => Holds::Host,
        _ => Holds::Data,
    };
    let named: BTreeSet<&str> = spec.mounts.iter().filter_map(volume_of).collect();
    let volume = mount.volume.clone().filter(|name| !is_nameless(name) || named.contains(name.as_str()));
    Place {
        kind: mount.kind.clone(),
        volume,
        source: Some(mount.source.clone()).filter(|_| mount.kind == "bind"),
        target: mount.target.clone(),
        read_only: mount.read_only,
        holds,
    }
}

fn start(container: &Container) -> Start {
    let raw = &container.raw;
    let text = |at: &str| raw.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let arguments = raw.get("Args").and_then(Value::as_array).into_iter().flatten();
    let arguments = arguments.filter_map(Value::as_str).map(str::to_owned);
    Start {
        words: text("/Path").into_iter().chain(arguments).collect(),
        working_folder: text("/Config/WorkingDir"),
        user: text("/Config/User"),
    }
}

fn standing(container: &Container, digests: Vec<String>) -> Standing {
    let status = &container.status;
    let health = match status.health {
        engine_containers::HealthState::None => "",
        engine_containers::HealthState::Starting => ", health not known yet",
        engine_containers::HealthState::Healthy => ", healthy",
        engine_containers::HealthState::Unhealthy => ", unhealthy",
    };
    let ports = container.ports.iter();
    Standing {
        id: container.id.clone(),
        image_id: container.image_id.clone(),
        digests,
        created: container.created.clone(),
        state: format!("{}{health}", status.state),
        restarts: status.restarts,
        ports: ports.map(|port| format!("{}:{} -> {}", port.host_address, port.host_port, port.container)).collect(),
        addresses: container.networks.clone(),
    }
}

fn projects(containers: &[Found]) -> Vec<Project> {
    let mut projects: BTreeMap<&str, Project> = BTreeMap::new();
    for found in containers {
        let label = |key: &str| found.spec.labels.get(key);
        let (Some(name), Some(service)) = (label(labels::PROJECT), label(labels::SERVICE)) else { continue };
        let project = projects.entry(name).or_insert_with(|| Project {
            name: name.clone(),
            folder: label(labels::WORKING_FOLDER).cloned(),
            files: label(labels::CONFIGURATION_FILES)
                .map(|files| files.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            services: BTreeMap::new(),
        });
        project.services.entry(service.clone()).or_default().push(found.spec.name.clone());
    }
    projects.into_values().collect()
}

/// Looks for configuration in one container.
struct Look<'a> {
    source: &'a dyn Source,
    container: &'a Container,
    /// Files of its own file system that somebody changed, and look like settings.
    changed: &'a [String],
}

impl Look<'_> {
    async fn files(
        &self,
        places: &mut [Place],
        unexpressed: &mut Vec<Unexpressed>,
    ) -> Result<Vec<CapturedFile>, Failure> {
        let mut files: BTreeMap<String, CapturedFile> = BTreeMap::new();
        for place in places.iter_mut().filter(|place| matches!(place.holds, Holds::Data)) {
            let may_be = place.kind == "bind" || candidates::is_folder_of_settings(&place.target);
            if may_be && self.mounted(place, &mut files, unexpressed).await? {
                place.holds = Holds::Configuration;
            }
        }
        let others = self.changed.iter().cloned().chain(candidates::named(self.container));
        for path in others.chain(candidates::WELL_KNOWN.map(str::to_owned)) {
            let is_host = places.iter().any(|place| {
                matches!(place.holds, Holds::Host | Holds::Memory) && candidates::is_below(&path, &place.target)
            });
            if !is_host && !files.contains_key(&path) {
                self.at(&path, &mut files, unexpressed).await?;
            }
        }
        Ok(files.into_values().collect())
    }

    /// Whether what is mounted is configuration, which is then captured.
    async fn mounted(
        &self,
        place: &Place,
        files: &mut BTreeMap<String, CapturedFile>,
        unexpressed: &mut Vec<Unexpressed>,
    ) -> Result<bool, Failure> {
        let entries = match self.source.take(&self.container.id, &place.target, PLACE_BYTES_MAX).await? {
            Taken::Entries(entries) => entries,
            Taken::Nothing | Taken::TooLarge => return Ok(false),
            Taken::Unreadable(reason) => {
                let what = format!("what is mounted at {}, which can't be read: {reason}", place.target);
                unexpressed.push(Unexpressed::new(&self.container.name, what, "left out"));
                return Ok(false);
            }
        };
        let is_file = matches!(entries.as_slice(), [FileEntry::File { .. }]);
        let named = entries.iter().all(|entry| match entry {
            FileEntry::File { path, .. } => candidates::is_named_like_settings(path),
            FileEntry::Folder { .. } | FileEntry::Link { .. } => true,
        });
        let has_files = entries.iter().any(|entry| matches!(entry, FileEntry::File { .. }));
        let is_settings = is_file || candidates::is_folder_of_settings(&place.target) || (has_files && named);
        if is_settings {
            self.keep(&place.target, entries, files, unexpressed);
        }
        Ok(is_settings)
    }

    /// Captures what is at a path, if it is there.
    async fn at(
        &self,
        path: &str,
        files: &mut BTreeMap<String, CapturedFile>,
        unexpressed: &mut Vec<Unexpressed>,
    ) -> Result<(), Failure> {
        match self.source.take(&self.container.id, path, PLACE_BYTES_MAX).await? {
            Taken::Entries(entries) => self.keep(path, entries, files, unexpressed),
            Taken::TooLarge => unexpressed.push(Unexpressed::new(
                &self.container.name,
                format!("{path}, which holds more than {} KiB", PLACE_BYTES_MAX >> 10),
                "left out",
            )),
            Taken::Nothing | Taken::Unreadable(_) => {}
        }
        Ok(())
    }

    fn keep(
        &self,
        path: &str,
        entries: Vec<FileEntry>,
        files: &mut BTreeMap<String, CapturedFile>,
        unexpressed: &mut Vec<Unexpressed>,
    ) {
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
        for entry in entries {
            let path = format!("{parent}/{}", entry.path().trim_start_matches("./").trim_end_matches('/'));
            if files.contains_key(&path) {
                continue;
            }
            let origin = self.origin(&path, &entry);
            let (mode, owner, contents) = match entry {
                FileEntry::Folder { mode, owner, .. } => (mode, owner, Contents::Folder),
                FileEntry::Link { target, .. } => (0o777, (0, 0), Contents::Link(target)),
                FileEntry::File { contents, mode, owner, .. } => match text(contents) {
                    Ok(text) => (mode, owner, Contents::Text(text)),
                    Err(reason) => {
                        if origin != Origin::Image {
                            let what = format!("file {path}, which {reason}");
                            unexpressed.push(Unexpressed::new(&self.container.name, what, "left out"));
                        }
                        continue;
                    }
                },
            };
            // Folders of an image come with it, and only lengthen the report.
            if contents == Contents::Folder && matches!(origin, Origin::Image | Origin::Container) {
                continue;
            }
            files.insert(path.clone(), CapturedFile { path, origin, mode, owner, contents });
        }
    }

    /// Where a file comes from: the innermost place that is mounted above it.
    fn origin(&self, path: &str, entry: &FileEntry) -> Origin {
        let above = self.container.mounts.iter().filter(|mount| candidates::is_below(path, &mount.target));
        let Some(mount) = above.max_by_key(|mount| mount.target.len()) else {
            let is_changed = self.changed.iter().any(|changed| changed == path);
            return if is_changed { Origin::Container } else { Origin::Image };
        };
        let rest = path.strip_prefix(mount.target.as_str()).unwrap_or_default().trim_start_matches('/');
        let inner = if rest.is_empty() { "." } else { rest }.to_owned();
        match (mount.kind.as_str(), &mount.volume) {
            ("volume", Some(volume)) if !is_nameless(volume) => Origin::Volume { volume: volume.clone(), path: inner },
            ("bind", _) => {
                let is_folder = !rest.is_empty() || matches!(entry, FileEntry::Folder { .. });
                let (folder, name) = mount.source.rsplit_once('/').unwrap_or(("", &mount.source));
                if is_folder {
                    Origin::Host { folder: mount.source.clone(), path: inner }
                } else {
                    let folder = if folder.is_empty() { "/" } else { folder };
                    Origin::Host { folder: folder.to_owned(), path: name.to_owned() }
                }
            }
            _ => Origin::Container,
        }
    }
}

/// The text of a file, or why it is none.
fn text(contents: Vec<u8>) -> Result<String, &'static str> {
    if contents.len() > FILE_BYTES_MAX {
        return Err("is too large for a configuration file");
    }
    match String::from_utf8(contents) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err("is no text"),
    }
}
