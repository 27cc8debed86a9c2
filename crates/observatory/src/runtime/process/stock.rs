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
        undo_half_a_replacement(folder)?;
        files::remove(&before)?;
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

/// Whoever was killed after the old data had gone aside, and before the new ones had come, left a service without any.
pub(super) fn undo_half_a_replacement(folder: &Path) -> Result<(), Failure> {
    let before = before(folder);
    if before.exists() && !folder.exists() {
        files::rename(&before, folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn data_that_went_aside_come_back() {
        let site = tempfile::tempdir().unwrap();
        let (folder, before) = (site.path().join("prometheus-data"), site.path().join("prometheus-data.before"));
        let is_there = |folder: &Path| folder.join("kept").exists();
        undo_half_a_replacement(&folder).unwrap();
        assert!(!folder.exists() && !before.exists());
        fs::create_dir(&before).unwrap();
        fs::write(before.join("kept"), "").unwrap();
        undo_half_a_replacement(&folder).unwrap();
        assert!(is_there(&folder) && !before.exists());
        // With the new ones in their place, the old ones are what is left over.
        fs::create_dir(&before).unwrap();
        undo_half_a_replacement(&folder).unwrap();
        assert!(is_there(&folder) && before.exists());
    }
}
