//! Configuration files on their way to an engine, through its archives: into a container, a volume or a folder of its host, so that the engine
//! may run anywhere. Volumes and folders are reached through a container that is made for it, never started, and removed.

use std::{collections::BTreeMap, path::Path};

use engine_containers::{ContainerEngine, ContainerSpec, ContainersError, FileEntry, Mount, WithVolumes};

use super::{Wanted, bytes};
use crate::{
    discovery::{CapturedFile, Contents, Origin},
    failure::{Failure, Reason},
    runtime::docker::failure,
};

/// The container that volumes and folders are reached through.
const HAND: &str = "observatory-import";
/// Where it has them.
const WITHIN: &str = "/observatory-import";
/// A configuration file is not larger.
const FILE_BYTES_MAX: usize = 4 << 20;

/// The entry of a file, at a path relative to where it is put.
fn entry(path: &str, file: &CapturedFile) -> FileEntry {
    let path = path.trim_start_matches('/').to_owned();
    match &file.contents {
        Contents::Text(text) => {
            FileEntry::File { path, contents: text.clone().into_bytes(), mode: file.mode, owner: file.owner }
        }
        Contents::Link(target) => FileEntry::Link { path, target: target.clone() },
        Contents::Folder => FileEntry::Folder { path, mode: file.mode, owner: file.owner },
    }
}

/// Whether a container has such a file at a path already.
pub(super) async fn is_there(
    engine: &ContainerEngine,
    container: &str,
    path: &str,
    file: &CapturedFile,
) -> Result<bool, Failure> {
    let found = match engine.take_files(container, path, FILE_BYTES_MAX).await {
        Ok(found) => found,
        Err(ContainersError::NotFound { .. } | ContainersError::Refused { .. } | ContainersError::Failed { .. }) => {
            return Ok(false);
        }
        Err(error) => return Err(failure(error)),
    };
    Ok(match (found.first(), &file.contents) {
        (Some(FileEntry::File { contents, mode, owner, .. }), Contents::Text(_)) => {
            contents == bytes(&file.contents) && *mode == file.mode && *owner == file.owner
        }
        (Some(FileEntry::Folder { mode, owner, .. }), Contents::Folder) => *mode == file.mode && *owner == file.owner,
        (Some(FileEntry::Link { target, .. }), Contents::Link(to)) => target == to,
        _ => false,
    })
}

/// Puts the files of containers that are theirs alone: into a container that was made.
pub(super) async fn into_container(engine: &ContainerEngine, id: &str, wanted: &Wanted) -> Result<(), Failure> {
    let own = wanted.files.iter().filter(|file| file.origin == Origin::Container);
    let entries: Vec<FileEntry> = own.map(|file| entry(&file.path, file)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    engine.put_files(id, "/", &entries).await.map_err(failure)
}

/// Puts files of volumes and of the engine's host in their places, those that are another there.
pub(super) async fn into_places(engine: &ContainerEngine, wanted: &[&Wanted]) -> Result<(), Failure> {
    let mut places: BTreeMap<(bool, &str), BTreeMap<&str, &CapturedFile>> = BTreeMap::new();
    for file in wanted.iter().flat_map(|one| &one.files) {
        let (place, path) = match &file.origin {
            Origin::Volume { volume, path } => ((false, volume.as_str()), path),
            Origin::Host { folder, path } => ((true, folder.as_str()), path),
            Origin::Container | Origin::Image => continue,
        };
        places.entry(place).or_default().insert(path, file);
    }
    let Some(image) = wanted.first().map(|one| one.spec.image.clone()).filter(|_| !places.is_empty()) else {
        return Ok(());
    };
    let mut spec = ContainerSpec { command: Some(vec!["true".to_owned()]), ..ContainerSpec::new(HAND, image) };
    let numbered: Vec<_> =
        (0..).zip(places).map(|(number, place): (usize, _)| (format!("{WITHIN}/{number}"), place)).collect();
    for (target, ((is_host, place), _)) in &numbered {
        let (place, target) = ((*place).to_owned(), target.clone());
        spec.mounts.push(if *is_host {
            Mount::Bind { source: place, target, read_only: false, make_source: true }
        } else {
            Mount::Volume { name: Some(place), target, read_only: false }
        });
    }
    // One that a killed run left behind.
    engine.remove(HAND, WithVolumes::Remove).await.map_err(failure)?;
    let id = engine.create(&spec).await.map_err(failure)?;
    let mut done = Ok(());
    for (target, (_, files)) in &numbered {
        done = differing(engine, &id, target, files).await;
        if done.is_err() {
            break;
        }
    }
    engine.remove(&id, WithVolumes::Remove).await.map_err(failure)?;
    done
}

async fn differing(
    engine: &ContainerEngine,
    id: &str,
    target: &str,
    files: &BTreeMap<&str, &CapturedFile>,
) -> Result<(), Failure> {
    let mut entries = Vec::new();
    for (path, file) in files {
        let there = if *path == "." { target.to_owned() } else { format!("{target}/{path}") };
        if !is_there(engine, id, &there, file).await? {
            entries.push(entry(path, file));
        }
    }
    if entries.is_empty() {
        return Ok(());
    }
    engine.put_files(id, target, &entries).await.map_err(failure)
}

/// A file or folder of this machine, to be put at a place of the engine's host.
pub(super) fn of_folder(local: &Path, there: &str, target: &str) -> Result<Vec<CapturedFile>, Failure> {
    let mut files = Vec::new();
    if local.is_dir() {
        gather(local, local, there, target, &mut files)?;
    } else if local.is_file() {
        let (folder, name) = there.rsplit_once('/').unwrap_or(("/", there));
        let origin = Origin::Host { folder: folder.to_owned(), path: name.to_owned() };
        files.push(read(local, origin, target.to_owned())?);
    }
    Ok(files)
}

fn gather(folder: &Path, root: &Path, there: &str, target: &str, files: &mut Vec<CapturedFile>) -> Result<(), Failure> {
    let of = |error: std::io::Error| Failure::of_path("read", folder, &error);
    let mut paths = Vec::new();
    for found in std::fs::read_dir(folder).map_err(of)? {
        paths.push(found.map_err(of)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, root, there, target, files)?;
            continue;
        }
        let inner = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let origin = Origin::Host { folder: there.to_owned(), path: inner.clone() };
        files.push(read(&path, origin, format!("{target}/{inner}"))?);
    }
    Ok(())
}

fn read(local: &Path, origin: Origin, target: String) -> Result<CapturedFile, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let of = |error: std::io::Error| Failure::of_path("read", local, &error);
    let contents = std::fs::read(local).map_err(of)?;
    let mode = std::fs::metadata(local).map_err(of)?.permissions().mode() & 0o7777;
    let text = String::from_utf8(contents).map_err(|_binary| {
        Failure::new(Reason::Configuration, format!("{} is no text, and not carried to another host", local.display()))
            .hint("put it there by hand, and name its absolute path in the compose file")
    })?;
    Ok(CapturedFile { path: target, origin, mode, owner: (0, 0), contents: Contents::Text(text) })
}
