//! What programs of this machine keep: their folders lie here, and need no copy.

use std::path::{Path, PathBuf};

use super::Processes;
use crate::{backup::Shelf, failure::Failure, files, stack::Part};

impl Processes {
    pub(super) fn shelf(&self, part: &Part, shelf: Shelf, below: &str) -> Option<PathBuf> {
        let folder = match shelf {
            Shelf::Data => PathBuf::from(&part.data.as_ref()?.1),
            Shelf::Config => self.place(part.kind).config,
        };
        Some(folder.join(below)).filter(|folder| folder.is_dir())
    }

    /// The new folder takes the place of the old one by its name alone, so that neither is ever half there.
    pub(super) fn replace(&self, part: &Part, data: &Path, config: Option<&Path>) -> Result<(), Failure> {
        let Some((_, folder)) = &part.data else { return Ok(()) };
        let folder = Path::new(folder);
        let before = before(folder);
        settle(folder)?;
        if folder.exists() {
            files::rename(folder, &before)?;
        } else if let Some(above) = folder.parent() {
            files::make_folder(above)?;
        }
        files::rename(data, folder)?;
        files::remove(&before)?;
        let Some(config) = config else { return Ok(()) };
        let target = self.place(part.kind).config;
        for path in files::all_below(config)? {
            let relative = path.strip_prefix(config).unwrap_or(&path);
            // What is rendered is the configuration's own matter.
            if !part.files.contains_key(relative.to_string_lossy().as_ref()) {
                files::copy(&path, &target.join(relative))?;
            }
        }
        Ok(())
    }
}

/// Where data lie while other data take their place.
fn before(folder: &Path) -> PathBuf {
    folder.with_extension("before")
}

/// Ends a replacement that was killed: old data that went aside come back where the new ones had not come, and go where they had.
pub(super) fn settle(folder: &Path) -> Result<(), Failure> {
    let before = before(folder);
    match (before.exists(), folder.exists()) {
        (true, false) => files::rename(&before, folder),
        (true, true) => files::remove(&before).map(|_was_there| ()),
        (false, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_killed_replacement_leaves_one_of_both() {
        let site = tempfile::tempdir().unwrap();
        let (folder, before) = (site.path().join("prometheus-data"), site.path().join("prometheus-data.before"));
        let is_there = |folder: &Path| folder.join("kept").exists();
        settle(&folder).unwrap();
        assert!(!folder.exists() && !before.exists());
        fs::create_dir(&before).unwrap();
        fs::write(before.join("kept"), "").unwrap();
        settle(&folder).unwrap();
        assert!(is_there(&folder) && !before.exists());
        // With the new ones in their place, the old ones are what is left over.
        fs::create_dir(&before).unwrap();
        settle(&folder).unwrap();
        assert!(is_there(&folder) && !before.exists());
    }
}
