//! Further SQL files of the operator's, run after the built-in ones.

use std::{
    fs,
    path::{Path, PathBuf},
};

use store::migrations::ExtraMigration;

use super::{Configuration, ConfigurationError, file::MigrationsPart};

/// Where the files lie unless told otherwise.
const DEFAULT_DIRECTORY: &str = "configs/sql";
/// Names that an earlier program's configuration lists. Their tables are built in here, and their files would drop them first.
const BUILT_IN: [&str; 5] = ["coordinator_config", "security", "telescope", "message_rbac", "ascom"];

/// One SQL file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    /// What it is called.
    pub name: String,
    /// Where it is; a relative path goes from the working folder.
    pub file: PathBuf,
    /// The operator's own version of it, for people.
    pub version: String,
}

/// The files with the folder that they lie in.
pub(super) fn files(part: MigrationsPart) -> Vec<MigrationFile> {
    let folder = part.directory.unwrap_or_else(|| PathBuf::from(DEFAULT_DIRECTORY));
    let migrations = part.migrations.unwrap_or_default().into_iter();
    migrations.map(|m| MigrationFile { name: m.name, file: folder.join(m.file), version: m.version }).collect()
}

impl MigrationFile {
    /// Whether its tables are part of this program, so that it is not run.
    pub fn is_built_in(&self) -> bool {
        let name = self.name.trim_end_matches("_schema");
        BUILT_IN.contains(&name)
    }

    fn read(&self) -> Result<String, ConfigurationError> {
        let path: &Path = &self.file;
        fs::read_to_string(path).map_err(|reason| ConfigurationError::File { path: path.to_owned(), reason })
    }
}

impl Configuration {
    /// The operator's own files, read, in their order; those whose tables are built in are left out. A file's place in the list is its
    /// place among the migrations, so new ones go to the end.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn extra_migrations(&self) -> Result<Vec<ExtraMigration>, ConfigurationError> {
        let own = self.migrations.iter().filter(|migration| !migration.is_built_in());
        (1..)
            .zip(own)
            .map(|(version, migration)| {
                Ok(ExtraMigration { version, name: migration.name.clone(), sql: migration.read()? })
            })
            .collect()
    }
}
