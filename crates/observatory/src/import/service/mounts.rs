//! What a service mounts: volumes, folders of the host, memory, and files that its project gives it.

use std::path::{Component, Path, PathBuf};

use engine_containers::{ContainerSpec, Mount};
use serde_json::{Map, Value};

use super::{Field, Project};
use crate::{discovery::CapturedFile, failure::Failure, import::upload};

/// What is mounted; and the files of the project that are, for an engine that does not have them.
pub(super) fn mounts(
    project: &Project<'_>,
    field: &Field<'_>,
    spec: &mut ContainerSpec,
    host: &mut Map<String, Value>,
) -> Result<Vec<CapturedFile>, Failure> {
    let mut special = Vec::new();
    let mut files = Vec::new();
    for entry in field.get("volumes").list()? {
        let mount = if entry.value.is_object() { long(project, &entry)? } else { short(project, &entry)? };
        match mount {
            Asked::Plainly(mount) => spec.mounts.push(mount),
            Asked::With(place) => special.push(place),
        }
    }
    let plain = spec.mounts.iter_mut().filter_map(|mount| match mount {
        Mount::Bind { source, target, .. } => Some((source, &*target)),
        Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
    });
    for (source, target) in plain.chain(special.iter_mut().map(|place| (&mut place.source, &place.target))) {
        let path = Path::new(source.as_str());
        let is_relative = source.starts_with('.') || source.starts_with('~');
        if is_relative && !source.starts_with('~') {
            let local = flat(&project.local.join(path));
            let there = flat(&project.folder.join(path));
            let there = there.display().to_string();
            if project.local != project.folder {
                files.extend(upload::of_folder(&local, &there, target)?);
            }
            *source = there;
        } else if let Some(rest) = source.strip_prefix('~') {
            let home = project.values.get("HOME").cloned().unwrap_or_default();
            *source = format!("{home}{rest}");
        }
    }
    if !special.is_empty() {
        // The older form holds all folders of the host that are asked for in it.
        let plain = spec.mounts.iter().filter_map(|mount| match mount {
            Mount::Bind { source, target, read_only, make_source: true } => {
                Some(format!("{source}:{target}{}", if *read_only { ":ro" } else { "" }))
            }
            Mount::Bind { .. } | Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
        });
        let special = special.iter().map(|Place { source, target, mode }| format!("{source}:{target}:{mode}"));
        host.insert("Binds".to_owned(), special.chain(plain).collect::<Vec<_>>().into());
    }
    Ok(files)
}

/// What a line of `volumes` asks for.
enum Asked {
    /// What a field of ours says.
    Plainly(Mount),
    /// With options that only the engine's older form has.
    With(Place),
}

/// A folder or volume in the engine's older form.
struct Place {
    source: String,
    target: String,
    mode: String,
}

fn long(project: &Project<'_>, entry: &Field<'_>) -> Result<Asked, Failure> {
    entry.allow(&["type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"])?;
    let target = entry.get("target").text()?.ok_or_else(|| entry.wrong("a `target`"))?;
    let source = entry.get("source").text()?;
    let read_only = entry.get("read_only").flag()?.unwrap_or_default();
    let (bind, of_volume) = (entry.get("bind"), entry.get("volume"));
    bind.allow(&["create_host_path", "propagation", "selinux"])?;
    of_volume.allow(&["nocopy"])?;
    entry.get("tmpfs").allow(&["size", "mode"])?;
    let options = [
        bind.get("selinux").text()?,
        bind.get("propagation").text()?,
        of_volume.get("nocopy").flag()?.filter(|is_so| *is_so).map(|_so| "nocopy".to_owned()),
    ];
    let options: Vec<String> = options.into_iter().flatten().filter(|option| !option.is_empty()).collect();
    let is_volume = entry.get("type").text()?.is_none_or(|kind| kind == "volume");
    if let (false, Some(source)) = (options.is_empty(), &source) {
        let source = if is_volume { volume(project, source) } else { source.clone() };
        let access = if read_only { "ro" } else { "rw" };
        return Ok(Asked::With(Place { source, target, mode: format!("{access},{}", options.join(",")) }));
    }
    Ok(Asked::Plainly(match entry.get("type").text()?.as_deref() {
        Some("bind") => Mount::Bind {
            source: source.ok_or_else(|| entry.wrong("a `source`"))?,
            target,
            read_only,
            make_source: entry.get("bind").get("create_host_path").flag()?.unwrap_or(true),
        },
        Some("tmpfs") => {
            let tmpfs = entry.get("tmpfs");
            Mount::Tmpfs { target, size_bytes: tmpfs.get("size").bytes()?, mode: tmpfs.get("mode").number()? }
        }
        Some("volume") | None => Mount::Volume { name: source.map(|key| volume(project, &key)), target, read_only },
        Some(_) => return Err(entry.get("type").wrong("bind, volume or tmpfs")),
    }))
}

fn volume(project: &Project<'_>, key: &str) -> String {
    project.volumes.get(key).cloned().unwrap_or_else(|| key.to_owned())
}

fn short(project: &Project<'_>, entry: &Field<'_>) -> Result<Asked, Failure> {
    let text = entry.text()?.unwrap_or_default();
    let parts: Vec<&str> = text.split(':').collect();
    let is_path = |source: &str| source.starts_with(['/', '.', '~']);
    let (source, target, mode) = match parts.as_slice() {
        [target] => {
            return Ok(Asked::Plainly(Mount::Volume { name: None, target: (*target).to_owned(), read_only: false }));
        }
        [source, target] => (*source, *target, ""),
        [source, target, mode] => (*source, *target, *mode),
        _ => return Err(entry.wrong("[SOURCE:]TARGET[:MODE]")),
    };
    let read_only = match mode {
        "" | "rw" => false,
        "ro" => true,
        _ => {
            let source = if is_path(source) { source.to_owned() } else { volume(project, source) };
            return Ok(Asked::With(Place { source, target: target.to_owned(), mode: mode.to_owned() }));
        }
    };
    let target = target.to_owned();
    Ok(Asked::Plainly(if is_path(source) {
        Mount::Bind { source: source.to_owned(), target, read_only, make_source: true }
    } else {
        Mount::Volume { name: Some(volume(project, source)), target, read_only }
    }))
}

/// A path without `.` and `..`.
fn flat(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = flat.pop(),
            other => flat.push(other),
        }
    }
    flat
}

/// `configs` and `secrets`: files of the project, put into the container itself.
pub(super) fn given_files(
    project: &Project<'_>,
    field: &Field<'_>,
    spec: &mut ContainerSpec,
) -> Result<Vec<CapturedFile>, Failure> {
    let mut files = Vec::new();
    for (kind, default) in [("configs", "/"), ("secrets", "/run/secrets/")] {
        for entry in field.get(kind).list()? {
            let name = if entry.value.is_object() { entry.get("source").text()? } else { entry.text()? };
            let name = name.unwrap_or_default();
            let said = entry.get("target").text()?;
            let target = match said {
                Some(target) if target.starts_with('/') => target,
                Some(target) => format!("{default}{target}"),
                None => format!("{default}{name}"),
            };
            let source = project.sources.get(&(kind.to_owned(), name.clone()));
            let source = source.ok_or_else(|| entry.wrong("the name of one with a `file`"))?;
            let there = flat(&project.folder.join(source)).display().to_string();
            if project.local != project.folder {
                files.extend(upload::of_folder(&flat(&project.local.join(source)), &there, &target)?);
            }
            spec.mounts.push(Mount::Bind { source: there, target, read_only: true, make_source: false });
        }
    }
    Ok(files)
}
