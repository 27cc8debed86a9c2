//! Child processes with a log, folders and ports for them, and waiting for a state within a bound.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How often a condition is asked.
const TICK: Duration = Duration::from_millis(20);
/// How long an interrupted process may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// What of a log is shown when something went wrong.
const LOG_LINES: usize = 40;

/// A child. Dropped, it is asked to end, and killed where that does not help.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose log is `NAME.log` in the folder.
    pub(crate) fn start(name: &'static str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let open = || fs::OpenOptions::new().create(true).append(true).open(&log);
        let (out, err) = (open(), open());
        let (Ok(out), Ok(err)) = (out, err) else { panic!("{} can't be written", log.display()) };
        let started = command.current_dir(folder).stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = started.unwrap_or_else(|e| panic!("{name} can't be started: {e}"));
        Self { name, child, log }
    }

    /// Whether it has not ended yet.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Everything that it said.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of what it said, for a person who wonders.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
        format!("--- {} said:\n{end}\n---", self.name)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _it_is_gone = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        if self.runs() {
            let _it_may_have_ended = kill(pid, Signal::SIGTERM);
        }
        let deadline = Instant::now() + STOP_LIMIT;
        while self.runs() && Instant::now() < deadline {
            std::thread::park_timeout(TICK);
        }
        self.kill();
    }
}

/// A temporary folder that a process of another user can enter.
pub(crate) fn folder() -> tempfile::TempDir {
    let made = tempfile::TempDir::with_prefix("bigskies-test-");
    let folder = made.unwrap_or_else(|e| panic!("no temporary folder can be made: {e}"));
    let open = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755));
    open.unwrap_or_else(|e| panic!("{} can't be opened: {e}", folder.path().display()));
    folder
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    let written = fs::write(path, text).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)));
    written.unwrap_or_else(|e| panic!("{} can't be written: {e}", path.display()));
}

/// A port of 127.0.0.1 that was free when it was asked for.
pub(crate) fn free_port() -> u16 {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.unwrap_or_else(|e| panic!("no port of 127.0.0.1 is free: {e}")).port()
}

/// Waits until `condition` holds.
///
/// # Panics
/// Where it does not within `limit`.
pub async fn until(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> bool) {
    until_some(what, limit, async || condition().await.then_some(())).await;
}

/// Waits until `look` finds something.
///
/// # Panics
/// Where it does not within `limit`.
pub async fn until_some<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(TICK);
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    match tokio::time::timeout(limit, looking).await {
        Ok(found) => found,
        Err(_) => panic!("{what}: not within {limit:?}"),
    }
}
