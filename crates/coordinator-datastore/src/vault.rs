//! The folder of the backups, and the one piece of work on it that may be under way.

use std::{
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use catalog::datastore::Backup;
use health::{Report, Status};
use serde_json::Map;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::sync::Notify;
use vocabulary::{
    Clock, Fault, Timestamp,
    ids::{OperationId, is_level},
};

/// How the files end.
const EXTENSION: &str = "backup";
/// How many files are listed at most, the newest.
const LISTED_MAX: usize = 1000;
/// The name of a backup that was given none.
const BY_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Tables into a file.
    Create,
    /// A file into the tables.
    Restore,
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) operation_id: OperationId,
    pub(crate) name: String,
    pub(crate) work: Work,
}

/// The folder and what is under way. The work ends with the life that began it: a file is there when it is whole, a restoration is a transaction.
#[derive(Debug)]
pub(crate) struct Vault {
    folder: PathBuf,
    clock: Clock,
    cell: health::Cell,
    under_way: Mutex<Option<Job>>,
    begun: Notify,
}

impl Vault {
    /// Opens the folder and makes it where it is missing. Where that fails, health tells, since everything else works without backups.
    pub(crate) fn open(folder: PathBuf, clock: Clock) -> Self {
        let cell = health::Cell::new("backups", clock.clone());
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        match made {
            Ok(()) => cell.set(Status::Healthy, "folder is there", Map::new()),
            Err(e) => {
                cell.set(Status::Degraded, format!("folder {} can't be made: {e}", folder.display()), Map::new());
            }
        }
        Self { folder, clock, cell, under_way: Mutex::default(), begun: Notify::new() }
    }

    /// Begins work.
    ///
    /// # Errors
    /// `invalid` where the name can't be one of a file, `conflict` where a new backup would replace one, `not-found` where there is none to
    /// restore, `busy` while something else is under way.
    pub(crate) async fn begin(&self, work: Work, name: Option<String>) -> Result<Job, Fault> {
        let name = match name {
            Some(name) => checked(name)?,
            None => self.clock.now().instant().format(BY_TIME).map_err(|e| Fault::internal(e.to_string()))?,
        };
        match (work, is_there(&self.path(&name)).await?) {
            (Work::Create, true) => {
                return Err(Fault::conflict(format!("backup {name} is already there")).hint("choose another name"));
            }
            (Work::Restore, false) => {
                return Err(Fault::not_found(format!("backup {name} does not exist"))
                    .hint("datastore/backup/list shows those that do"));
            }
            (Work::Create, false) | (Work::Restore, true) => {}
        }
        let mut under_way = self.lock();
        if let Some(other) = &*under_way {
            let doing = match other.work {
                Work::Create => "made",
                Work::Restore => "restored",
            };
            return Err(Fault::busy(format!("backup {} is being {doing}", other.name)).hint("wait for its end"));
        }
        let job = Job { operation_id: OperationId::fresh(), name, work };
        *under_way = Some(job.clone());
        self.begun.notify_one();
        Ok(job)
    }

    /// Waits for work. It is under way until [`Self::end`].
    pub(crate) async fn next(&self) -> Job {
        loop {
            if let Some(job) = self.lock().clone() {
                return job;
            }
            self.begun.notified().await;
        }
    }

    /// Lets other work begin.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    /// The file of a backup.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// The backups that are there, the newest first.
    ///
    /// # Errors
    /// `unavailable` where the folder can't be read.
    pub(crate) async fn list(&self) -> Result<Vec<Backup>, Fault> {
        let failed = |e: std::io::Error| unreadable(&self.folder, &e);
        let mut entries = match tokio::fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut backups = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let path = entry.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let Some(name) = stem.filter(|name| is_name(name)) else { continue };
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            // One that was taken away meanwhile is no longer there.
            let Ok(metadata) = entry.metadata().await else { continue };
            if metadata.is_file() {
                let made = metadata.modified().map_err(failed)?;
                let created_at = Timestamp::new(OffsetDateTime::from(made));
                backups.push(Backup { name: name.to_owned(), size_bytes: metadata.len(), created_at });
            }
        }
        backups.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.name.cmp(&b.name)));
        backups.truncate(LISTED_MAX);
        Ok(backups)
    }

    /// Whether backups can be made.
    pub(crate) fn health(&self) -> Report {
        self.cell.get()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Job>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a backup may be called so. A leading dot would hide its file.
fn is_name(name: &str) -> bool {
    is_level(name) && !name.starts_with('.')
}

fn checked(name: String) -> Result<String, Fault> {
    if is_name(&name) {
        return Ok(name);
    }
    let shown: String = name.chars().take(80).collect();
    Err(Fault::invalid(format!("name {shown:?} can't be one of a backup"))
        .hint("use 1 to 64 of A-Z a-z 0-9 . _ - and no dot at the beginning"))
}

async fn is_there(path: &Path) -> Result<bool, Fault> {
    tokio::fs::try_exists(path).await.map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::unavailable(format!("{} can't be read: {error}", path.display())).hint("check the folder and its rights")
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    fn vault() -> (Vault, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::by_hand("2026-11-21T20:15:00Z".parse().unwrap());
        (Vault::open(folder.path().join("a/backups"), clock), folder)
    }

    #[tokio::test]
    async fn names() {
        let (vault, _folder) = vault();
        for (name, code) in [
            ("before-upgrade", None),
            ("a.b_C-1", None),
            (&"x".repeat(64) as &str, None),
            (&"x".repeat(65) as &str, Some(Code::Invalid)),
            ("", Some(Code::Invalid)),
            (".", Some(Code::Invalid)),
            ("..", Some(Code::Invalid)),
            (".hidden", Some(Code::Invalid)),
            ("../outside", Some(Code::Invalid)),
            ("/etc/passwd", Some(Code::Invalid)),
            ("a b", Some(Code::Invalid)),
            ("a\0", Some(Code::Invalid)),
            ("é", Some(Code::Invalid)),
        ] {
            let begun = vault.begin(Work::Create, Some(name.to_owned())).await;
            assert_eq!(begun.map_err(|fault| fault.code).err(), code, "{name:?}");
            vault.end();
        }
    }

    #[tokio::test]
    async fn one_at_a_time_and_nothing_is_replaced() {
        let (vault, _folder) = vault();
        let begin = async |work, name: Option<&str>| vault.begin(work, name.map(str::to_owned)).await;
        let code = |begun: Result<Job, Fault>| begun.unwrap_err().code;
        assert_eq!(code(begin(Work::Restore, Some("a")).await), Code::NotFound);
        let job = begin(Work::Create, None).await.unwrap();
        assert_eq!(job.name, "20261121T201500Z");
        assert_eq!(vault.next().await, job);
        assert_eq!(code(begin(Work::Create, Some("b")).await), Code::Busy);
        std::fs::write(vault.path("a"), "x").unwrap();
        assert_eq!(code(begin(Work::Restore, Some("a")).await), Code::Busy);
        vault.end();
        assert_eq!(code(begin(Work::Create, Some("a")).await), Code::Conflict);
        assert_eq!(begin(Work::Restore, Some("a")).await.unwrap().work, Work::Restore);
    }

    #[tokio::test]
    async fn only_backups_are_listed() {
        let (vault, folder) = vault();
        assert!(vault.list().await.unwrap().is_empty());
        for file in ["a.backup", "b.incomplete", "c", ".d.backup", "e f.backup"] {
            std::fs::write(vault.path("x").with_file_name(file), "four").unwrap();
        }
        std::fs::create_dir(vault.path("folder")).unwrap();
        let listed = vault.list().await.unwrap();
        let shown: Vec<_> = listed.iter().map(|backup| (backup.name.as_str(), backup.size_bytes)).collect();
        assert_eq!(shown, [("a", 4)]);
        assert_eq!(vault.health().status, Status::Healthy);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let nowhere = Vault::open(file.join("backups"), Clock::system());
        assert_eq!(nowhere.health().status, Status::Degraded);
    }
}
