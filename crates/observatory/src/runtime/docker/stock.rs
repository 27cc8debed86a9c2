//! What containers keep: copied through the engine, which may stand elsewhere, to and from folders of this machine.

use std::{
    fs::File,
    io::BufWriter,
    path::{Component, Path, PathBuf},
};

use engine_containers::{Container, ContainersError, FileEntry};

use super::{Docker, done, faults::failure, specs};
use crate::{
    backup::Shelf,
    failure::{Failure, Reason},
    files::{self, aside},
    stack::{Part, Stack},
};

impl Docker {
    /// The container of a part, where it is there.
    async fn one(&self, stack: &Stack, part: &Part) -> Result<Option<Container>, Failure> {
        let there = self.containers(stack).await?;
        Ok(there.into_iter().find(|(kind, _)| *kind == part.kind).map(|(_, container)| container))
    }

    pub(super) async fn copy(
        &self,
        stack: &Stack,
        part: &Part,
        shelf: Shelf,
        below: &str,
        staging: &Path,
    ) -> Result<Option<PathBuf>, Failure> {
        let Some(path) = inside(part, shelf, below) else { return Ok(None) };
        let Some(container) = self.one(stack, part).await? else { return Ok(None) };
        let target = staging.join(shelf.of(part.kind));
        files::remove(&target)?;
        files::make_folder(&target)?;
        let archive = target.with_extension("tar");
        let unwritable = |error| Failure::of_path("write", &archive, &error);
        let mut file = tokio::fs::File::create(&archive).await.map_err(unwritable)?;
        match self.engine.take_archive(&container.id, &path, &mut file).await {
            Ok(_) => {}
            Err(ContainersError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failure(error)),
        }
        drop(file);
        aside(move || unpack(&archive, &target).map(|()| Some(target))).await
    }

    /// The engine has no call that removes files. What it unpacks over a folder takes the folder's place, though: a file of no length is
    /// all that is left.
    pub(super) async fn empty(&self, stack: &Stack, part: &Part, below: &str) -> Result<(), Failure> {
        let Some(path) = inside(part, Shelf::Data, below) else { return Ok(()) };
        let Some(container) = self.one(stack, part).await? else { return Ok(()) };
        let (above, name) = path.rsplit_once('/').unwrap_or(("/", &path));
        let nothing = FileEntry::file(name, Vec::new());
        self.engine.put_files(&container.id, above, &[nothing]).await.map_err(failure)
    }

    /// A volume can't be emptied either, so it and the container around it are made anew.
    pub(super) async fn fill(
        &self,
        stack: &Stack,
        part: &Part,
        data: &Path,
        config: Option<&Path>,
        staging: &Path,
    ) -> Result<(), Failure> {
        let Some(folder) = inside(part, Shelf::Data, "") else { return Ok(()) };
        self.remove(stack, part.kind).await?;
        for (name, within) in specs::volumes(stack, part) {
            if part.data.as_ref().is_some_and(|(volume, _)| volume.as_str() == within) {
                done(self.engine.remove_volume(&name).await)?;
            }
        }
        let id = self.make(stack, part, &|_| ()).await?;
        self.put_folder(&id, &folder, data, part.user_id, staging, |_| true).await?;
        if let Some(config) = config {
            let rendered: Vec<PathBuf> = part.files.keys().map(PathBuf::from).collect();
            let is_its_own = move |path: &Path| !rendered.iter().any(|other| other == path);
            self.put_folder(&id, &part.config, config, part.user_id, staging, is_its_own).await?;
        }
        Ok(())
    }

    async fn put_folder(
        &self,
        id: &str,
        target: &str,
        folder: &Path,
        user_id: u32,
        staging: &Path,
        wanted: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Result<(), Failure> {
        let archive = staging.join("put.tar");
        let (path, folder) = (archive.clone(), folder.to_owned());
        aside(move || pack(&path, &folder, user_id, wanted)).await?;
        let file = tokio::fs::File::open(&archive).await.map_err(|error| Failure::of_path("read", &archive, &error))?;
        self.engine.put_archive_from(id, target, file).await.map_err(failure)
    }
}

/// Where a shelf stands in the container of a part.
fn inside(part: &Part, shelf: Shelf, below: &str) -> Option<String> {
    let folder = match shelf {
        Shelf::Data => part.data.as_ref()?.1.clone(),
        Shelf::Config if part.files.is_empty() => return None,
        Shelf::Config => part.config.clone(),
    };
    Some(if below.is_empty() { folder } else { format!("{folder}/{below}") })
}

/// The engine's archive of a folder begins with the folder's own name, which is left out.
fn unpack(archive: &Path, target: &Path) -> Result<(), Failure> {
    let unreadable = |error| Failure::of_path("read", archive, &error);
    let file = File::open(archive).map_err(unreadable)?;
    for entry in tar::Archive::new(std::io::BufReader::new(file)).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = entry.path().map_err(unreadable)?.into_owned();
        let parts: Vec<Component<'_>> = path.components().filter(|part| *part != Component::CurDir).collect();
        if !parts.iter().all(|part| matches!(part, Component::Normal(_))) {
            let message = format!("the engine's archive names {}", path.display());
            return Err(Failure::new(Reason::Unavailable, message).hint("look at what stands in that container"));
        }
        let below: PathBuf = parts.into_iter().skip(1).collect();
        if entry.header().entry_type().is_file() && below.file_name().is_some() {
            let path = target.join(below);
            if let Some(folder) = path.parent() {
                files::make_folder(folder)?;
            }
            entry.unpack(&path).map_err(|error| Failure::of_path("write", &path, &error))?;
        }
    }
    files::remove(archive).map(drop)
}

/// An archive of every file of a folder that is wanted, and of the folders above it, all of one user.
fn pack(archive: &Path, folder: &Path, user_id: u32, wanted: impl Fn(&Path) -> bool) -> Result<(), Failure> {
    let unwritable = |error| Failure::of_path("write", archive, &error);
    let mut builder = tar::Builder::new(BufWriter::new(File::create(archive).map_err(unwritable)?));
    let mut made = std::collections::BTreeSet::new();
    for path in files::all_below(folder)? {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        if !wanted(relative) {
            continue;
        }
        let above: Vec<&Path> = relative.ancestors().skip(1).filter(|above| above.file_name().is_some()).collect();
        for above in above.into_iter().rev().filter(|above| made.insert(above.to_path_buf())) {
            let mut header = header(user_id, 0o755, 0);
            header.set_entry_type(tar::EntryType::Directory);
            builder.append_data(&mut header, above, std::io::empty()).map_err(unwritable)?;
        }
        let unreadable = |error| Failure::of_path("read", &path, &error);
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        builder.append_data(&mut header(user_id, mode, metadata.len()), relative, file).map_err(unwritable)?;
    }
    let mut buffered = builder.into_inner().map_err(unwritable)?;
    std::io::Write::flush(&mut buffered).map_err(unwritable)
}

fn header(user_id: u32, mode: u32, bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_uid(u64::from(user_id));
    header.set_gid(u64::from(user_id));
    header.set_size(bytes);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_without_the_folder_above() {
        let site = tempfile::tempdir().unwrap();
        let below = site.path().join("in");
        files::write(&below.join("top/b/a"), "samples", files::Readers::All).unwrap();
        files::write(&below.join("top/left"), "", files::Readers::All).unwrap();
        let archive = site.path().join("a.tar");
        pack(&archive, &below, 472, |path| path != Path::new("top/left")).unwrap();
        let owners: Vec<(String, u64)> = tar::Archive::new(File::open(&archive).unwrap())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path().unwrap().display().to_string(), entry.header().uid().unwrap()))
            .collect();
        assert_eq!(owners, [("top".to_owned(), 472), ("top/b".to_owned(), 472), ("top/b/a".to_owned(), 472)]);
        unpack(&archive, &site.path().join("out")).unwrap();
        assert_eq!(files::read(&site.path().join("out/b/a")).unwrap().as_deref(), Some("samples"));
        assert!(!archive.exists());
    }
}
