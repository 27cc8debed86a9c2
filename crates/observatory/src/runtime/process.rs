//! The stack as programs of this machine. Each has a keeper, a process of ours that starts it again when it ends and writes down what
//! it says; the keeper holds a lock as long as it lives, so that nobody has to trust a process number.

mod journal;
pub mod keeper;
mod record;
mod stock;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use self::record::{Place, Record, Spec};
use super::{LogLine, LogWish, Progress, Runtime, Seen, State, Volumes, is_steady};
use crate::{
    backup::Shelf,
    configuration::Kind,
    failure::{Failure, Reason},
    files::{self, Readers},
    plan::{Change, Deed, Plan},
    ports, secrets,
    stack::{Part, Stack, short_hash},
};

/// How long a keeper has for the first start of its program.
const START: Duration = Duration::from_secs(10);
/// How long a keeper and its program have for their end; more than the keeper gives the program.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);
/// How many lines of a program that does not stay are shown.
const LAST_WORDS: usize = 3;

/// Runs services as programs, with everything below one folder.
#[derive(Debug)]
pub struct Processes {
    folder: PathBuf,
    /// This program, which is its own keeper.
    keeper: PathBuf,
}

impl Processes {
    /// Everything below this folder; `keeper` is the program that is called with `keep FOLDER SERVICE`.
    pub fn new(folder: &Path, keeper: &Path) -> Self {
        Self { folder: folder.to_owned(), keeper: keeper.to_owned() }
    }

    fn place(&self, kind: Kind) -> Place {
        Place::new(&self.folder, kind)
    }

    fn seen(&self, kind: Kind) -> Result<Option<Seen>, Failure> {
        let place = self.place(kind);
        let Some(spec) = Spec::read(&place)? else { return Ok(None) };
        let record = if place.is_kept()? { Record::read(&place)? } else { None };
        let state = match &record {
            Some(Record { pid: Some(_), .. }) => State::Running,
            Some(Record { pid: None, .. }) => State::Restarting,
            None => State::Stopped,
        };
        Ok(Some(Seen {
            kind,
            state,
            id: record.as_ref().and_then(|record| record.pid).map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            drift: spec.drift(&place)?,
            fingerprint: spec.fingerprint,
            started_at: record.as_ref().and_then(|record| record.started_at),
            restarts: record.map_or(0, |record| record.restarts),
        }))
    }

    async fn start(&self, part: &Part) -> Result<(), Failure> {
        let place = self.place(part.kind);
        let program = find(part)?;
        for orphan in orphans(&self.folder, part.kind) {
            end(orphan, Signal::SIGKILL, || !is_alive(orphan)).await?;
        }
        for (path, text) in &part.files {
            files::write(&place.config.join(path), text, Readers::All)?;
        }
        for (name, secret) in &part.secrets {
            secrets::place(&self.folder, name, secret)?;
        }
        if let Some((_, data)) = &part.data {
            stock::settle(Path::new(data))?;
            files::make_folder(Path::new(data))?;
        }
        Spec {
            program,
            arguments: part.arguments.clone(),
            variables: part.variables.clone(),
            fingerprint: part.fingerprint(),
            files: part.files.iter().map(|(path, text)| (path.clone(), short_hash(text))).collect(),
            port: part.port.number(),
        }
        .write(&place)?;
        place.forget_keeper()?;
        self.spawn(part.kind)?;
        let began = Instant::now();
        while Record::read(&place)?.is_none_or(|record| record.pid.is_none() && record.last_exit.is_none()) {
            if began.elapsed() > START {
                return Err(Failure::new(
                    Reason::ServiceFailed,
                    format!("{} was not started in {} s", part.kind, START.as_secs()),
                )
                .hint(format!("`observatory logs {}` shows what it wrote", part.kind)));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn spawn(&self, kind: Kind) -> Result<(), Failure> {
        let mut keeper = std::process::Command::new(&self.keeper);
        keeper.arg("keep").arg(&self.folder).arg(kind.as_str());
        keeper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It outlives this process on purpose: its lock and its record are how it is found again.
        match keeper.spawn() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of_path("start", &self.keeper, &error)),
        }
    }

    async fn stop(&self, kind: Kind) -> Result<(), Failure> {
        let place = self.place(kind);
        if let Some(keeper) = living_keeper(&place, kind).await? {
            end(keeper, Signal::SIGTERM, || !place.is_kept().unwrap_or(false)).await?;
        }
        for orphan in orphans(&self.folder, kind) {
            end(orphan, Signal::SIGKILL, || !is_alive(orphan)).await?;
        }
        files::remove(&place.record)?;
        Ok(())
    }
}

/// The keeper of a service, if one lives; one that has just begun is given the time to say who it is.
async fn living_keeper(place: &Place, kind: Kind) -> Result<Option<u32>, Failure> {
    let began = Instant::now();
    while place.is_kept()? {
        if let Some(keeper) = place.keeper()? {
            return Ok(Some(keeper));
        }
        if began.elapsed() > START {
            let message = format!("{} is locked, and nobody says by which process", place.lock.display());
            return Err(Failure::new(Reason::Busy, message)
                .hint(format!("end the process `observatory keep … {kind}`, or whatever holds that file")));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

/// Sends a signal and waits for the end that it brings.
async fn end(pid: u32, signal: Signal, is_over: impl Fn() -> bool) -> Result<(), Failure> {
    let began = Instant::now();
    // Zero means all of our own group to the system, and one is the mother of all.
    let Some(target) = i32::try_from(pid).ok().filter(|pid| *pid > 1).map(Pid::from_raw) else {
        return Err(Failure::new(Reason::Defect, format!("{pid} is no process that could be ended")));
    };
    match kill(target, signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
        Err(error) => {
            return Err(Failure::new(Reason::Forbidden, format!("process {pid} can't be ended: {error}"))
                .hint("it may belong to another user; end it yourself"));
        }
    }
    while !is_over() {
        if began.elapsed() > END {
            return Err(Failure::new(
                Reason::ServiceFailed,
                format!("process {pid} did not end in {} s", END.as_secs()),
            )
            .hint(format!("`kill -9 {pid}` ends it")));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn is_alive(pid: u32) -> bool {
    // What has ended and was not waited for is no obstacle.
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    state.and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| !rest.starts_with('Z'))).unwrap_or(false)
}

/// Programs of this service in this folder whose keeper was killed: they name the service's own folders in their arguments.
fn orphans(folder: &Path, kind: Kind) -> Vec<u32> {
    let place = Place::new(folder, kind);
    if place.is_kept().unwrap_or(true) {
        return Vec::new();
    }
    let recorded = Record::read(&place).ok().flatten().and_then(|record| record.pid);
    let spec = Spec::read(&place).ok().flatten();
    let Some(spec) = spec else { return Vec::new() };
    let below = folder.to_string_lossy();
    let ours = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let begins = words.first().is_some_and(|program| Path::new(program) == spec.program);
        begins && (recorded == Some(*pid) || words.iter().any(|word| names(word, &below)))
    };
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|process| process.file_name().to_str()?.parse().ok()).filter(ours).collect()
}

/// Whether a word holds the path of this folder, or of something in it, and not that of another one whose name begins or ends alike.
fn names(word: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let belongs_to_a_name = |c: char| c.is_alphanumeric() || ['.', '_', '-', '/'].contains(&c);
    word.match_indices(folder).any(|(at, _)| {
        let (before, rest) = word.split_at(at);
        let after = rest.strip_prefix(folder).and_then(|rest| rest.chars().next());
        !before.ends_with(belongs_to_a_name) && after.is_none_or(|next| next == '/' || !belongs_to_a_name(next))
    })
}

/// The program of a part: a path as it is, a name on the PATH or where systems keep services.
fn find(part: &Part) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from)).collect();
    for name in &part.programs {
        let found = if name.contains('/') {
            Some(PathBuf::from(name)).filter(|file| file.is_file())
        } else {
            folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let names = part.programs.join("` or `");
    let packages = match part.kind {
        Kind::Grafana => "Grafana's own package repository has it".to_owned(),
        _ => format!("on Debian: `sudo apt-get install {}`", part.programs.last().map_or("", String::as_str)),
    };
    Err(Failure::new(
        Reason::ProgramMissing,
        format!("{} needs the program `{names}`, which is not on the PATH", part.kind),
    )
    .hint(format!(
        "{packages}; or leave it out with `--without {0}`, or `observatory config set services.{0}.enabled false`",
        part.kind
    )))
}

#[async_trait]
impl Runtime for Processes {
    fn name(&self) -> &'static str {
        "processes of this machine"
    }

    async fn look(&self, _stack: &Stack) -> Result<Vec<Seen>, Failure> {
        Kind::ALL.into_iter().filter_map(|kind| self.seen(kind).transpose()).collect()
    }

    async fn foresee(&self, stack: &Stack, plan: &Plan) -> Result<(), Failure> {
        for change in plan.changes.iter().filter(|change| change.deed != Deed::Remove) {
            let Some(part) = stack.part(change.service) else { continue };
            find(part)?;
            let place = self.place(part.kind);
            let has_it_now =
                place.is_kept()? && Spec::read(&place)?.is_some_and(|spec| spec.port == part.port.number());
            if has_it_now {
                continue;
            }
            let ours = orphans(&self.folder, part.kind);
            if let Some(holder) = ports::holder(stack.bind, part.port.number())
                && !ours.iter().any(|pid| holder.ends_with(&format!("(process {pid})")))
            {
                return Err(Failure::new(
                    Reason::PortTaken,
                    format!("port {} of {} is taken by {holder}", part.port, part.kind),
                )
                .hint(format!("end that program, or `observatory config set services.{}.port PORT`", part.kind)));
            }
        }
        Ok(())
    }

    async fn apply(&self, stack: &Stack, change: &Change, progress: Progress<'_>) -> Result<(), Failure> {
        progress(&change.to_string());
        match (change.deed, stack.part(change.service)) {
            (Deed::Remove, _) | (_, None) => {
                self.stop(change.service).await?;
                let place = self.place(change.service);
                files::remove(&place.spec)?;
                files::remove(&place.config)?;
                files::remove(&place.lock)?;
                Ok(())
            }
            (Deed::Create | Deed::Start | Deed::Replace, Some(part)) => {
                self.stop(part.kind).await?;
                self.start(part).await
            }
        }
    }

    async fn clear(&self, _stack: &Stack, volumes: Volumes) -> Result<Vec<String>, Failure> {
        let mut folders = vec!["etc"];
        if volumes == Volumes::Remove {
            folders.extend(["data", "secrets", "log"]);
        }
        let mut removed = Vec::new();
        for folder in folders.into_iter().map(|name| self.folder.join(name)) {
            if files::remove(&folder)? {
                removed.push(folder.display().to_string());
            }
        }
        Ok(removed)
    }

    async fn logs(&self, _stack: &Stack, wish: &LogWish) -> Result<Vec<LogLine>, Failure> {
        let mut lines = Vec::new();
        for kind in &wish.services {
            lines.extend(journal::read(&self.place(*kind).log, *kind, wish.since, wish.tail)?);
        }
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }

    async fn trouble(&self, _stack: &Stack, kind: Kind) -> Result<Option<String>, Failure> {
        let place = self.place(kind);
        let Some(record) = Record::read(&place)?.filter(|_| place.is_kept().unwrap_or(false)) else {
            return Ok(Some("nobody keeps it".to_owned()));
        };
        match record.last_exit {
            Some(exit) if record.pid.is_none() || (record.restarts > 1 && !is_steady(record.started_at)) => {
                let last = journal::read(&place.log, kind, None, LAST_WORDS)?;
                let words: Vec<String> = last.into_iter().map(|line| line.text).collect();
                Ok(Some(format!("it ended with {exit}: {}", words.join(" / "))))
            }
            _ => Ok(None),
        }
    }

    async fn halt(&self, _stack: &Stack, kind: Kind) -> Result<(), Failure> {
        self.stop(kind).await
    }

    async fn fetch(
        &self,
        _stack: &Stack,
        part: &Part,
        shelf: Shelf,
        below: &str,
        _staging: &Path,
    ) -> Result<Option<PathBuf>, Failure> {
        Ok(self.shelf(part, shelf, below))
    }

    async fn discard(&self, _stack: &Stack, part: &Part, below: &str) -> Result<(), Failure> {
        match self.shelf(part, Shelf::Data, below) {
            Some(folder) => files::remove(&folder).map(drop),
            None => Ok(()),
        }
    }

    async fn refill(
        &self,
        _stack: &Stack,
        part: &Part,
        data: &Path,
        config: Option<&Path>,
        _staging: &Path,
    ) -> Result<(), Failure> {
        self.replace(part, data, config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_from_its_neighbours() {
        for (word, expected) in [
            ("/srv/observatory/site-local", true),
            ("--storage.tsdb.path=/srv/observatory/site-local/data/prometheus-data", true),
            ("--config.file=/srv/observatory/site-local", true),
            ("--config.file=/srv/observatory/site-local2/etc/prometheus.yml", false),
            ("--config.file=/srv/observatory/site-local.old/etc/prometheus.yml", false),
            ("--config.file=/mnt/srv/observatory/site-local/etc/prometheus.yml", false),
            ("/mnt/srv/observatory/site-local:/srv/observatory/site-local/etc", true),
            ("--web.listen-address=127.0.0.1:9090", false),
            ("", false),
        ] {
            assert_eq!(names(word, "/srv/observatory/site-local"), expected, "{word}");
            assert_eq!(names(word, "/srv/observatory/site-local/"), expected, "{word}");
        }
    }

    #[tokio::test]
    async fn what_is_no_process_is_not_ended() {
        for pid in [0, 1, u32::MAX] {
            let refused = end(pid, Signal::SIGTERM, || true).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Defect, "{pid}: {}", refused.message);
        }
    }
}
