//! Files that hold secrets: mode 0600, written whole or not at all, not read where others could read them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use vocabulary::Fault;

/// Writes a file that its owner alone reads, and the folder that it is in.
///
/// # Errors
/// Where it can't be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let fault = |e: std::io::Error| {
        Fault::unavailable(format!("{} can't be written: {e}", path.display())).hint("see to the folder and the disk")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    // One that is left over may be open to others.
    match fs::remove_file(&unfinished) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(fault(e)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(fault)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)?;
    fs::rename(&unfinished, path).map_err(fault)
}

/// Reads a file that its owner alone reads; nothing where there is none.
///
/// # Errors
/// Where it can't be read, or others could read it.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Fault> {
    let fault = |e: std::io::Error| {
        Fault::forbidden(format!("{} can't be read: {e}", path.display()))
            .hint("run this as the account that it belongs to")
    };
    let mode = match fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(fault)?.permissions().mode() & 0o777,
    };
    if mode & 0o077 != 0 {
        return Err(Fault::forbidden(format!("{} can be read by others (mode {mode:o})", path.display()))
            .hint(format!("make it private: chmod 600 {}", path.display())));
    }
    fs::read_to_string(path).map(Some).map_err(fault)
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    #[test]
    fn files_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/login.json");
        assert_eq!(read(&path).unwrap(), None);
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some(text));
            let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode_of(&path), mode_of(path.parent().unwrap())), (0o600, 0o700));
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing unfinished stays");
        for (mode, wanted) in [(0o640, Err(Code::Forbidden)), (0o604, Err(Code::Forbidden)), (0o400, Ok(()))] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).map(|_| ()).map_err(|fault| fault.code), wanted, "{mode:o}");
        }
    }
}
