//! What a backup is: one archive with the data of each service, and a manifest that says what it holds, how it was taken, and by which
//! checksums it can be trusted.

mod archive;

use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

pub use archive::{Writer, unpack, verify};

use crate::configuration::Kind;

/// The form of archives that this program writes and reads.
pub const FORMAT: u32 = 1;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the archive.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program_version: String,
    /// The stack that it was taken of.
    pub project: String,
    /// The environment that the stack ran in.
    pub environment: String,
    /// When it was taken.
    pub made_at: Timestamp,
    /// What it holds.
    pub services: Vec<Held>,
    /// Every file, in the order of the archive.
    pub files: Vec<HeldFile>,
}

/// A service whose data an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which service.
    pub service: Kind,
    /// How its data was taken.
    pub way: Way,
    /// Its version, where it said one.
    pub version: Option<String>,
}

/// How data was taken, so that it is of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The service made a snapshot and went on.
    Snapshot,
    /// The service was stopped for as long as its files were copied.
    Paused,
    /// The service did not run.
    Stopped,
}

impl Way {
    /// The words for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "from a snapshot, while it runs",
            Self::Paused => "while it is stopped for a moment",
            Self::Stopped => "as it lies there",
        }
    }
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFile {
    /// `SERVICE/data/…`, `SERVICE/config/…` or `secrets/NAME`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its rights, of which the one to be executed counts.
    pub mode: u32,
    /// The SHA-256 of what is in it, in hexadecimal.
    pub sha256: String,
}

/// What of a service is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// What it keeps.
    Data,
    /// What it was told.
    Config,
}

impl Shelf {
    /// The folder in an archive.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Config => "config",
        }
    }

    /// The folder of a service's files in an archive.
    pub fn of(self, kind: Kind) -> String {
        format!("{kind}/{}", self.as_str())
    }
}

/// The folder of secrets in an archive.
pub const SECRETS: &str = "secrets";

impl Manifest {
    /// How many files of a service there are, and how many bytes they have.
    pub fn size_of(&self, kind: Kind) -> (usize, u64) {
        let beginning = format!("{kind}/");
        let files = self.files.iter().filter(|file| file.path.starts_with(&beginning));
        files.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.bytes))
    }
}

/// A number of bytes for people.
pub fn shown_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, said) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")]
        {
            assert_eq!(shown_bytes(bytes), said);
        }
    }
}
