//! What is written down of a program: what it is to be started with, and how it is.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::fcntl::Flock;
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    configuration::Kind,
    failure::{Failure, Reason},
    files::{self, Readers},
    stack::{Fingerprint, short_hash},
};

/// How long others may look whether somebody has the lock.
const LOOKED_AT: Duration = Duration::from_secs(5);

/// Where everything of one program stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) config: PathBuf,
    pub(super) spec: PathBuf,
    pub(super) record: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) log: PathBuf,
}

impl Place {
    pub(super) fn new(folder: &Path, kind: Kind) -> Self {
        let run = |ending: &str| folder.join("run").join(format!("{kind}.{ending}"));
        Self {
            config: folder.join("etc").join(kind.as_str()),
            spec: run("spec.json"),
            record: run("json"),
            lock: run("lock"),
            log: folder.join("log").join(format!("{kind}.log")),
        }
    }

    /// Takes it for this process, its keeper from now on, which writes who it is into the file that it has locked; nothing where another
    /// keeper has it.
    pub(super) async fn take(&self) -> Result<Option<Flock<File>>, Failure> {
        let Some(lock) = files::lock_within(&self.lock, LOOKED_AT).await? else { return Ok(None) };
        let written = lock.set_len(0).and_then(|()| (&*lock).write_all(std::process::id().to_string().as_bytes()));
        written.map_err(|error| Failure::of_path("write", &self.lock, &error))?;
        Ok(Some(lock))
    }

    /// Whether a keeper lives.
    pub(super) fn is_kept(&self) -> Result<bool, Failure> {
        files::is_locked(&self.lock)
    }

    /// The process of a keeper that lives, once it has said who it is. Its record may be lost, or not be written yet.
    pub(super) fn keeper(&self) -> Result<Option<u32>, Failure> {
        let said = files::read(&self.lock)?.and_then(|text| text.parse().ok());
        Ok(said.or_else(|| Record::read(self).ok().flatten().map(|record| record.keeper)))
    }

    /// Forgets a keeper that has ended: its number may be another process's by now.
    pub(super) fn forget_keeper(&self) -> Result<(), Failure> {
        files::remove(&self.record)?;
        match File::options().write(true).truncate(true).open(&self.lock) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Failure::of_path("write", &self.lock, &error)),
        }
    }
}

/// What a program is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) fingerprint: Fingerprint,
    /// Its files, with their hashes.
    pub(super) files: BTreeMap<String, String>,
    pub(super) port: u16,
}

impl Spec {
    pub(super) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        read(&place.spec)
    }

    pub(super) fn write(&self, place: &Place) -> Result<(), Failure> {
        files::write(&place.spec, &serde_json::to_string_pretty(self)?, Readers::Owner)
    }

    /// Which of its files are not as they were written.
    pub(super) fn drift(&self, place: &Place) -> Result<Vec<String>, Failure> {
        let mut drift = Vec::new();
        for (path, hash) in &self.files {
            match files::read(&place.config.join(path))? {
                None => drift.push(format!("{path} was removed")),
                Some(text) if short_hash(&text) != *hash => drift.push(format!("{path} was changed")),
                Some(_) => {}
            }
        }
        Ok(drift)
    }
}

/// How a program is, as its keeper says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The keeper's process.
    pub(super) keeper: u32,
    /// The program's process, while it runs.
    pub(super) pid: Option<u32>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) restarts: u32,
    /// How it ended last.
    pub(super) last_exit: Option<String>,
}

impl Record {
    pub(super) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        read(&place.record)
    }

    pub(super) fn write(&self, place: &Place) -> Result<(), Failure> {
        files::write(&place.record, &serde_json::to_string(self)?, Readers::Owner)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let Some(text) = files::read(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Failure::new(Reason::Defect, format!("{} is not understood: {error}", path.display()))
            .hint("remove that file; `observatory up` writes it again")
    })
}
