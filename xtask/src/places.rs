//! Where things stand: the workspace's root, its target folder, and the data folder of the platform.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, process};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// The folder for everything that can be made again.
pub(crate) fn target() -> PathBuf {
    let root = root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// The platform's data folder. Root's PostgreSQL runs as another user, who cannot look into root's home.
pub(crate) fn data() -> Result<PathBuf, Failure> {
    if process::is_root() {
        return Ok(PathBuf::from("/var/lib/bigskies"));
    }
    let given = std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    given.or(home).map(|folder| folder.join("bigskies")).ok_or_else(|| {
        Failure::new("no data folder: neither XDG_DATA_HOME nor HOME is set", "set XDG_DATA_HOME to a folder of yours")
    })
}

/// Makes the data folder as the platform makes it: others may at most pass through, as root's database server must.
pub(crate) fn make_data() -> Result<PathBuf, Failure> {
    let folder = data()?;
    let mode = if process::is_root() { 0o711 } else { 0o700 };
    let made = fs::DirBuilder::new().recursive(true).mode(mode).create(&folder);
    made.map_err(|error| Failure::of_path("make", &folder, &error))?;
    Ok(folder)
}

/// Makes a folder and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::of_path("make", folder, &error))
}

/// Removes a folder and all in it, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::of_path("remove", folder, &error)),
        _ => Ok(()),
    }
}

/// Makes a folder that is empty.
pub(crate) fn make_empty(folder: &Path) -> Result<(), Failure> {
    remove(folder)?;
    make(folder)
}

/// Reads a whole text file.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::of_path("read", file, &error))
}

/// Writes a whole file, with the folders above it.
pub(crate) fn write(file: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    if let Some(folder) = file.parent() {
        make(folder)?;
    }
    fs::write(file, text).map_err(|error| Failure::of_path("write", file, &error))
}

/// All files under a folder, sorted, as paths relative to it; folders that `enter` refuses are left out.
pub(crate) fn files_under(folder: &Path, enter: fn(&str) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        let entries = fs::read_dir(&next).map_err(|error| Failure::of_path("list", &next, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::of_path("list", &next, &error))?;
            let kind = entry.file_type().map_err(|error| Failure::of_path("look at", &entry.path(), &error))?;
            if kind.is_dir() && enter(&entry.file_name().to_string_lossy()) {
                open.push(entry.path());
            } else if kind.is_file()
                && let Ok(path) = entry.path().strip_prefix(folder)
            {
                found.push(path.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_relative_and_sorted_without_refused_folders() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.txt", "a/one.txt", "target/two.txt"] {
            write(&folder.path().join(file), "").unwrap();
        }
        let found = files_under(folder.path(), |name| name != "target").unwrap();
        assert_eq!(found, ["a/one.txt", "b.txt"].map(PathBuf::from));
    }

    #[test]
    fn removing_what_is_not_there_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        remove(&folder.path().join("nothing")).unwrap();
    }
}
