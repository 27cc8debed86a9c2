//! The data folder: made with mode 0700, and locked, so that two observatories never share one.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use vocabulary::Fault;

/// A data folder that is ours, or a part of it is, until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _locks: Vec<Flock<File>>,
}

/// How much of a data folder a process uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use<'a> {
    /// All of it.
    Whole,
    /// These parts, beside other processes that use others.
    Parts(&'a [&'a str]),
}

impl Folder {
    /// Makes the folder if it is not there, and locks what is used of it.
    ///
    /// # Errors
    /// `conflict` where another process holds it; `unavailable` where it can't be made or written.
    pub(crate) fn open(path: &Path, usage: Use<'_>) -> Result<Self, Fault> {
        // Others may pass through but not look: the database's server runs as another user where we are root.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|e| unusable(path, &e))?;
        let path = path.canonicalize().map_err(|e| unusable(path, &e))?;
        let locks = match usage {
            Use::Whole => vec![lock(&path, "lock", FlockArg::LockExclusiveNonblock)?],
            Use::Parts(parts) => {
                let whole = lock(&path, "lock", FlockArg::LockSharedNonblock)?;
                let parts =
                    parts.iter().map(|part| lock(&path, &format!("{part}.lock"), FlockArg::LockExclusiveNonblock));
                std::iter::once(Ok(whole)).chain(parts).collect::<Result<_, Fault>>()?
            }
        };
        Ok(Self { path, _locks: locks })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, made if it is not there.
    pub(crate) fn inner(&self, name: &str) -> Result<PathBuf, Fault> {
        made(&self.path.join(name))
    }
}

/// Makes a folder that only we can look into, if it is not there.
pub(crate) fn made(path: &Path) -> Result<PathBuf, Fault> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| {
        Fault::unavailable(format!("folder {} can't be made: {e}", path.display()))
            .hint("see to the rights of the data folder and to the room on its disk")
    })?;
    Ok(path.to_owned())
}

fn unusable(path: &Path, e: &std::io::Error) -> Fault {
    Fault::unavailable(format!("data folder {} can't be used: {e}", path.display()))
        .hint("choose another one with --data-dir, or see to its rights and to the room on its disk")
}

/// Takes a lock; whoever has it wrote its process id into the file.
fn lock(folder: &Path, name: &str, how: FlockArg) -> Result<Flock<File>, Fault> {
    let path = folder.join(name);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut lock = Flock::lock(file.map_err(|e| unusable(folder, &e))?, how).map_err(|_| {
        let owner = std::fs::read_to_string(&path).unwrap_or_default();
        Fault::conflict(format!("data folder {} is in use by process {}", folder.display(), owner.trim()))
            .hint("stop that one, or choose another folder with --data-dir")
    })?;
    lock.set_len(0).and_then(|()| writeln!(*lock, "{}", std::process::id())).map_err(|e| unusable(folder, &e))?;
    Ok(lock)
}
