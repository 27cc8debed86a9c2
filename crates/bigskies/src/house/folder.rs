//! The data folder: made with mode 0700, and locked, so that two observatories never share one.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use vocabulary::Fault;

/// A data folder that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Folder {
    /// Makes the folder if it is not there, and locks it.
    ///
    /// # Errors
    /// `conflict` where another process holds it; `unavailable` where it can't be made or written.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let unusable = |e: std::io::Error| {
            Fault::unavailable(format!("data folder {} can't be used: {e}", path.display()))
                .hint("choose another one with --data-dir, or see to its rights and to the room on its disk")
        };
        // Others may pass through but not look: the database's server runs as another user where we are root.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unusable)?;
        let mut lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, _)| {
            let owner = std::fs::read_to_string(path.join("lock")).unwrap_or_default();
            Fault::conflict(format!("data folder {} is in use by process {}", path.display(), owner.trim()))
                .hint("stop that one, or choose another folder with --data-dir")
        })?;
        lock.set_len(0).and_then(|()| writeln!(*lock, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, made if it is not there.
    pub(crate) fn inner(&self, name: &str) -> Result<PathBuf, Fault> {
        let inner = self.path.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&inner).map_err(|e| {
            Fault::unavailable(format!("folder {} can't be made: {e}", inner.display()))
                .hint("see to the rights of the data folder and to the room on its disk")
        })?;
        Ok(inner)
    }
}
