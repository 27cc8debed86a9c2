//! A discovery as a project that can be started elsewhere: compose file, configuration files, a report, checksums, and the secrets in a file of
//! their own. What Compose can't say stands under `x-observatory`, which an import reads, and is listed.

pub mod compose;
pub mod variables;

use std::{collections::BTreeMap, path::Path};

use sha2::{Digest as _, Sha256};

use crate::{
    discovery::{CapturedFile, Contents, Discovery, Origin, report},
    failure::Failure,
    files::{self, Readers},
    redaction::Secrets,
};

/// The compose file.
pub const COMPOSE: &str = "compose.yaml";
/// The secrets; its owner alone reads it.
pub const VARIABLES: &str = ".env";
/// The report.
pub const REPORT: &str = "REPORT.md";
/// What each other file's checksum is, as `sha256sum --check` reads it.
pub const CHECKSUMS: &str = "SHA256SUMS";
/// The variable that leads to the host's files: nothing on a host that has them in their places.
pub const HOST_ROOT: &str = "OBSERVATORY_HOST_ROOT";
/// Where the host's files stand in an export.
pub const HOST_FILES: &str = "files/host";

/// Files of an export, by path, and what Compose can't say.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Everything but the secrets.
    pub files: BTreeMap<String, String>,
    /// The secrets.
    pub variables: String,
    /// What was found, with what Compose can't say in its list.
    pub discovery: Discovery,
}

/// The export of a discovery whose secrets were taken out.
pub fn export(mut discovery: Discovery, secrets: &Secrets, project: &str) -> Export {
    let mut texts = BTreeMap::new();
    for file in discovery.containers.iter().flat_map(|found| found.files.iter().map(move |file| (found, file))) {
        if let (Some(path), Contents::Text(text)) = (place_of(&file.0.spec.name, file.1), &file.1.contents) {
            texts.insert(path, text.clone());
        }
    }
    let (compose, unexpressed) = compose::compose(&discovery, project);
    discovery.unexpressed.extend(unexpressed);
    discovery.unexpressed.sort();
    discovery.unexpressed.dedup();
    texts.insert(COMPOSE.to_owned(), compose);
    texts.insert(REPORT.to_owned(), report(&discovery));
    let sums = texts.iter().map(|(path, text)| format!("{:x}  {path}\n", Sha256::digest(text.as_bytes())));
    let sums: String = sums.collect();
    texts.insert(CHECKSUMS.to_owned(), sums);
    let missing = discovery.secrets.iter().filter(|name| !secrets.values().contains_key(*name));
    Export { files: texts, variables: variables::write(secrets.values(), missing), discovery }
}

impl Export {
    /// Writes it below a folder: which files were written anew.
    ///
    /// # Errors
    /// Where one can't be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<String>, Failure> {
        let mut written = Vec::new();
        let others = self.files.iter().map(|(path, text)| (path.as_str(), text, Readers::All));
        for (path, text, readers) in others.chain([(VARIABLES, &self.variables, Readers::Owner)]) {
            let target = folder.join(path);
            if files::read(&target)?.as_ref() != Some(text) || readers == Readers::Owner {
                files::write(&target, text, readers)?;
                written.push(path.to_owned());
            }
        }
        Ok(written)
    }
}

/// Where a file stands in an export; nowhere if the image brings it, or its path leads out.
pub fn place_of(container: &str, file: &CapturedFile) -> Option<String> {
    let path = match &file.origin {
        Origin::Image => return None,
        Origin::Container => format!("files/containers/{container}{}", file.path),
        Origin::Volume { volume, path } => format!("files/volumes/{volume}/{path}"),
        Origin::Host { folder, path } => format!("{HOST_FILES}{}/{path}", folder.trim_end_matches('/')),
    };
    let path = path.trim_end_matches("/.").to_owned();
    path.split('/').all(|part| !part.is_empty() && part != "." && part != "..").then_some(path)
}
