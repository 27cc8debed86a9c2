//! Files that are whole or not there: written beside and renamed; and locks that end with their process.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

use crate::failure::{Failure, Reason};

/// Between two tries to take a lock.
const LOOK: Duration = Duration::from_millis(10);

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the folder lets in.
    All,
    /// Its owner.
    Owner,
}

/// Makes a folder with all above it.
///
/// # Errors
/// Where it can't be made.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::of_path("make", path, &error))
}

/// Keeps everybody but its owner out of a folder.
///
/// # Errors
/// Where that can't be said of it.
pub fn keep_to_owner(folder: &Path) -> Result<(), Failure> {
    make_folder(folder)?;
    let set = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    set.map_err(|error| Failure::of_path("protect", folder, &error))
}

/// Writes a file as a whole; who reads meanwhile sees the old one.
///
/// # Errors
/// Where it can't be written.
pub fn write(path: &Path, text: &str, readers: Readers) -> Result<(), Failure> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    remove_left(path);
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        // What was left by a run that was killed may have other rights.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _nobody_needs_a_half = fs::remove_file(&beside);
        Failure::of_path("write", path, &error)
    })
}

/// Removes what runs that were killed left beside a file: theirs is the id of no process any more.
fn remove_left(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return };
    let beginning = format!("{name}.");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for left in entries.map(|entry| entry.path()) {
        let process: Option<u32> = left
            .file_name()
            .and_then(|name| name.to_str()?.strip_prefix(&beginning)?.strip_suffix(".new")?.parse().ok());
        if process.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists()) {
            let _the_next_one_tries_again = fs::remove_file(&left);
        }
    }
}

/// A file's text, nothing where it is absent.
///
/// # Errors
/// Where it can't be read.
pub fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of_path("read", path, &error)),
    }
}

/// Removes a file or folder with all in it; whether it was there.
///
/// # Errors
/// Where it can't be removed.
pub fn remove(path: &Path) -> Result<bool, Failure> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::of_path("remove", path, &error)),
    }
}

/// Gives a file or folder another name on the same disk.
///
/// # Errors
/// Where it can't have it.
pub fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::rename(from, to).map_err(|error| Failure::of_path("rename", from, &error))
}

/// Copies a file, with the folders above its place.
///
/// # Errors
/// Where it can't be.
pub fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    fs::copy(from, to).map(drop).map_err(|error| Failure::of_path("copy", from, &error))
}

/// Every file below a folder, sorted. What is neither file nor folder, such as a socket, is left out.
///
/// # Errors
/// Where a folder can't be read.
pub fn all_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let unreadable = |error| Failure::of_path("list", &next, &error);
        for entry in fs::read_dir(&next).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Does what takes the disk long beside everything else, so that Ctrl-C is heard meanwhile.
///
/// # Errors
/// What the deed itself says.
pub async fn aside<T: Send + 'static>(
    deed: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(deed).await;
    done.map_err(|error| Failure::new(Reason::Defect, format!("a task ended early: {error}")))?
}

/// Takes the lock that this file stands for, until it is dropped or the process ends; nothing where another process has it.
///
/// # Errors
/// Where the file can't be made.
pub fn lock(path: &Path) -> Result<Option<Flock<File>>, Failure> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| Failure::of_path("open", path, &error))?;
    locked(path, file, FlockArg::LockExclusiveNonblock)
}

/// The same for who waits a little: another process that but looks has the lock for a moment.
///
/// # Errors
/// Where the file can't be made.
pub async fn lock_within(path: &Path, limit: Duration) -> Result<Option<Flock<File>>, Failure> {
    let began = Instant::now();
    loop {
        match lock(path)? {
            None if began.elapsed() < limit => tokio::time::sleep(LOOK).await,
            taken_or_not => return Ok(taken_or_not),
        }
    }
}

/// Whether a process has the lock that this file stands for. Several may look at once.
///
/// # Errors
/// Where that can't be found out.
pub fn is_locked(path: &Path) -> Result<bool, Failure> {
    match File::open(path) {
        Ok(file) => Ok(locked(path, file, FlockArg::LockSharedNonblock)?.is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::of_path("open", path, &error)),
    }
}

fn locked(path: &Path, file: File, how: FlockArg) -> Result<Option<Flock<File>>, Failure> {
    match Flock::lock(file, how) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(Failure::new(Reason::Unavailable, format!("can't lock {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/lock");
        let held = lock(&path).unwrap();
        assert!(held.is_some());
        assert!(lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
    }

    #[tokio::test]
    async fn who_looks_is_not_in_the_way_of_who_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap());
        let held = lock(&path).unwrap();
        assert!(is_locked(&path).unwrap());
        assert!(lock_within(&path, Duration::from_millis(30)).await.unwrap().is_none());
        drop(held);
        assert!(!is_locked(&path).unwrap());
        // One that looks, seen by another that does, and by one that waits for its end.
        let look = locked(&path, File::open(&path).unwrap(), FlockArg::LockSharedNonblock).unwrap();
        assert!(!is_locked(&path).unwrap());
        assert!(lock(&path).unwrap().is_none());
        let ended = async {
            tokio::task::yield_now().await;
            drop(look);
        };
        let (taken, ()) = tokio::join!(lock_within(&path, Duration::from_secs(60)), ended);
        assert!(taken.unwrap().is_some());
        assert_eq!(is_locked(&path.join("below")).unwrap_err().reason, Reason::Unavailable);
    }

    #[test]
    fn what_a_killed_run_left_goes_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let alive = format!("a.{}.new", std::process::id());
        // No process has an id beyond the highest that a kernel gives.
        for name in ["a.4194999.new", "a.x.new", "b.4194999.new"] {
            fs::write(path(name), "half").unwrap();
        }
        write(&path("a"), "whole", Readers::All).unwrap();
        let there = ["a", "a.4194999.new", "a.x.new", "b.4194999.new", alive.as_str()].map(|name| path(name).exists());
        assert_eq!(there, [true, false, true, true, false]);
        // Where it can't be written, nothing is left either.
        fs::create_dir(path("folder")).unwrap();
        assert_eq!(write(&path("folder"), "whole", Readers::All).unwrap_err().reason, Reason::Unavailable);
        let left = fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .filter(|one| one.file_name().to_string_lossy().starts_with("folder."));
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn files_are_found_copied_and_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&at("one/two"), "text", Readers::All).unwrap();
        copy(&at("one/two"), &at("three/four")).unwrap();
        rename(&at("one/two"), &at("five")).unwrap();
        assert_eq!(all_below(folder.path()).unwrap(), [at("five"), at("three/four")]);
        assert_eq!(copy(&at("six"), &at("seven")).unwrap_err().reason, Reason::NotFound);
        assert_eq!(rename(&at("six"), &at("seven")).unwrap_err().reason, Reason::NotFound);
        assert_eq!(all_below(&at("six")).unwrap_err().reason, Reason::NotFound);
        for (open, reason) in
            [(lock(&at("five/lock")).err(), Reason::Unavailable), (read(folder.path()).err(), Reason::Unavailable)]
        {
            assert_eq!(open.unwrap().reason, reason);
        }
    }

    #[test]
    fn a_secret_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        for (readers, mode) in [(Readers::All, 0o644), (Readers::Owner, 0o600)] {
            write(&path, "text", readers).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(read(&path).unwrap().as_deref(), Some("text"));
        }
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
        assert_eq!(read(&path).unwrap(), None);
    }
}
