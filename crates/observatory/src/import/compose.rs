//! A folder with a compose file: an export of ours, or somebody's project.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use engine_containers::{NetworkSpec, Subnet, VolumeSpec, labels};
use serde_json::Value;

use super::{
    Site, Wanted,
    fields::Field,
    in_order,
    interpolation::interpolate,
    service::{self, Project},
};
use crate::{
    discovery::{CapturedFile, Contents, Origin},
    export::{COMPOSE, HOST_ROOT, VARIABLES, compose::EXTENSION, variables},
    failure::{Failure, Reason},
    files,
    redaction::Secrets,
};

/// Names that a compose file may have, the first that is there counts.
const NAMES: [&str; 4] = [COMPOSE, "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// What a whole file may say.
const KEYS: [&str; 6] = ["name", "version", "services", "networks", "volumes", "configs"];

/// What the folder describes. `values` count before those of its `.env`; `there` is where its files are put for an engine of another host.
///
/// # Errors
/// Where it is not understood: the field.
pub fn read(folder: &Path, values: &BTreeMap<String, String>, there: Option<&Path>) -> Result<Site, Failure> {
    let found = NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let path = found.ok_or_else(|| {
        Failure::new(Reason::NotFound, format!("{} has no compose file", folder.display()))
            .hint("name the folder of an export or of a compose project, or a file with --from")
    })?;
    let text = files::read(&path)?.unwrap_or_default();
    let document: serde_norway::Value = serde_norway::from_str(&text).map_err(|error| {
        Failure::new(Reason::Configuration, format!("{}: {error}", path.display())).hint("mend the file")
    })?;
    let is_export = document.get(EXTENSION).is_some();
    let mut document = json(document, &path, is_export)?;
    let mut known = BTreeMap::from([(HOST_ROOT.to_owned(), String::new())]);
    if let Some(text) = files::read(&folder.join(VARIABLES))? {
        known.extend(variables::read(VARIABLES, &text)?);
    }
    known.extend(values.clone());
    interpolate(&mut document, &known)?;
    let whole = Field::new(path.file_name().unwrap_or_default().to_string_lossy(), &document);
    whole.allow(&[KEYS.as_slice(), &["secrets"]].concat())?;
    let local = std::path::absolute(folder).map_err(|error| Failure::of_path("find", folder, &error))?;
    let name = match whole.get("name").text()? {
        Some(name) => name,
        None => local.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default(),
    };
    let place = there.map_or_else(|| local.clone(), |there| there.join(&name));
    let (networks, network_names) = networks(&whole, &name, is_export)?;
    let (volumes, volume_names) = volumes(&whole, &name, is_export)?;
    let services = whole.get("services").entries()?;
    let mut containers = BTreeMap::new();
    for (service, field) in &services {
        let container = field.get("container_name").text()?.unwrap_or_else(|| format!("{name}-{service}-1"));
        containers.insert(service.clone(), container);
    }
    let project = Project {
        name: &name,
        is_export,
        folder: &place,
        local: &local,
        containers,
        networks: network_names,
        volumes: volume_names,
        sources: sources(&whole)?,
        values: &known,
    };
    let mut wanted = Vec::new();
    for (service, field) in &services {
        wanted.push(service::read(&project, service, field)?);
    }
    placed(&whole, folder, &known, &mut wanted)?;
    let is_used = |name: &String| wanted.iter().any(|one| one.spec.networks.contains_key(name));
    let networks = networks.into_iter().filter(|network| is_export || is_used(&network.name)).collect();
    Ok(Site { containers: in_order(wanted), networks, volumes, remarks: Vec::new() })
}

/// YAML as JSON, with its merges done and its keys as texts. An export has no merges, but may have a label that is called like one.
fn json(mut document: serde_norway::Value, path: &Path, is_export: bool) -> Result<Value, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(Reason::Configuration, format!("{}: {error}", path.display())).hint("mend the file")
    };
    if !is_export {
        document.apply_merge().map_err(|error| wrong(&error))?;
    }
    serde_json::to_value(document).map_err(|error| wrong(&error))
}

/// Files of `configs` and `secrets`.
fn sources(whole: &Field<'_>) -> Result<BTreeMap<(String, String), PathBuf>, Failure> {
    let mut sources = BTreeMap::new();
    for kind in ["configs", "secrets"] {
        for (name, field) in whole.get(kind).entries()? {
            if let Some(file) = field.get("file").text()? {
                sources.insert((kind.to_owned(), name), PathBuf::from(file));
            }
        }
    }
    Ok(sources)
}

type Named<T> = (Vec<T>, BTreeMap<String, String>);

fn networks(whole: &Field<'_>, project: &str, is_export: bool) -> Result<Named<NetworkSpec>, Failure> {
    let mut specs = Vec::new();
    let mut names = BTreeMap::new();
    let mut entries = whole.get("networks").entries()?;
    if !is_export && !entries.iter().any(|(key, _)| key == "default") {
        entries.push(("default".to_owned(), Field::new("networks.default", &Value::Null)));
    }
    for (key, field) in entries {
        field.allow(&[
            "name",
            "driver",
            "driver_opts",
            "internal",
            "attachable",
            "enable_ipv6",
            "ipam",
            "labels",
            "external",
        ])?;
        let is_external = field.get("external").flag()?.unwrap_or_default();
        let own = if is_external { key.clone() } else { format!("{project}_{key}") };
        let name = field.get("name").text()?.unwrap_or(own);
        names.insert(key.clone(), name.clone());
        if is_external {
            continue;
        }
        let mut subnets = Vec::new();
        for range in field.get("ipam").get("config").list()? {
            range.allow(&["subnet", "ip_range", "gateway"])?;
            subnets.push(Subnet {
                subnet: range.get("subnet").text()?,
                range: range.get("ip_range").text()?,
                gateway: range.get("gateway").text()?,
            });
        }
        let flag = |key: &str| -> Result<bool, Failure> { Ok(field.get(key).flag()?.unwrap_or_default()) };
        let mut spec = NetworkSpec {
            name,
            driver: field.get("driver").text()?.filter(|driver| driver != "bridge"),
            options: field.get("driver_opts").pairs(|_| None)?,
            labels: said_labels(&field)?,
            internal: flag("internal")?,
            attachable: flag("attachable")?,
            ipv6: flag("enable_ipv6")?,
            subnets,
        };
        if !is_export {
            spec.labels.extend(labels::of_network(project, &key));
        }
        specs.push(spec);
    }
    Ok((specs, names))
}

fn volumes(whole: &Field<'_>, project: &str, is_export: bool) -> Result<Named<VolumeSpec>, Failure> {
    let mut specs = Vec::new();
    let mut names = BTreeMap::new();
    for (key, field) in whole.get("volumes").entries()? {
        field.allow(&["name", "driver", "driver_opts", "labels", "external"])?;
        let is_external = field.get("external").flag()?.unwrap_or_default();
        let own = if is_external { key.clone() } else { format!("{project}_{key}") };
        let name = field.get("name").text()?.unwrap_or(own);
        names.insert(key.clone(), name.clone());
        if is_external {
            continue;
        }
        let mut spec = VolumeSpec {
            name,
            driver: field.get("driver").text()?.filter(|driver| driver != "local"),
            options: field.get("driver_opts").pairs(|_| None)?,
            labels: said_labels(&field)?,
        };
        if !is_export {
            spec.labels.extend(labels::of_volume(project, &key));
        }
        specs.push(spec);
    }
    Ok((specs, names))
}

fn said_labels(field: &Field<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = field.get("labels").pairs(|_| Some(String::new()))?;
    all.extend(field.get(EXTENSION).get("labels").pairs(|_| None)?);
    Ok(all)
}

/// The files that an export lists, with their secrets put back.
fn placed(
    whole: &Field<'_>,
    folder: &Path,
    values: &BTreeMap<String, String>,
    wanted: &mut [Wanted],
) -> Result<(), Failure> {
    for entry in whole.get(EXTENSION).get("files").list()? {
        let needed = |key: &str| entry.get(key).text()?.ok_or_else(|| entry.get(key).wrong("a text"));
        let container = needed("container")?;
        let owner = needed("owner")?;
        let owner = owner.split_once(':').and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
        let mode =
            u32::from_str_radix(&needed("mode")?, 8).map_err(|_wrong| entry.get("mode").wrong("0644 or like it"))?;
        let inner = entry.get("in");
        let origin = match (inner.get("volume").text()?, inner.get("folder").text()?) {
            (Some(volume), _) => Origin::Volume { volume, path: inner.get("path").text()?.unwrap_or_default() },
            (None, Some(folder)) => Origin::Host { folder, path: inner.get("path").text()?.unwrap_or_default() },
            (None, None) => Origin::Container,
        };
        let contents = match entry.get("file").text()? {
            Some(path) => {
                let local = folder.join(&path);
                if path.starts_with('/') || path.split('/').any(|part| part == "..") {
                    return Err(entry.get("file").wrong("a path within the export"));
                }
                let text = files::read(&local)?.ok_or_else(|| entry.get("file").wrong("a file that exists"))?;
                Contents::Text(Secrets::restore(values, &text)?)
            }
            None if !entry.get("link").is_absent() => Contents::Link(needed("to")?),
            None => Contents::Folder,
        };
        let file = CapturedFile {
            path: needed("target")?,
            origin,
            mode,
            owner: owner.ok_or_else(|| entry.get("owner").wrong("USER:GROUP as numbers"))?,
            contents,
        };
        let one = wanted.iter_mut().find(|one| one.spec.name == container);
        one.ok_or_else(|| entry.get("container").wrong("a container of this file"))?.files.push(file);
    }
    Ok(())
}
