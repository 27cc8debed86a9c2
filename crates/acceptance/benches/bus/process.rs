//! A child process: what it says is heard, and it is ended, in good order where it will, by whoever drops it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Outcome, memory::descendants};

/// How long a process may take to end in good order, a database included.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Time between two looks at what nothing announces.
const LOOK: Duration = Duration::from_millis(2);
/// Lines of its log that are shown when it failed.
const LOG_LINES: usize = 12;

/// A running child.
pub(crate) struct Process {
    id: u32,
    log: PathBuf,
    lines: Receiver<String>,
    ended: Receiver<ExitStatus>,
}

impl Process {
    /// Starts it; its error output goes to the file.
    pub(crate) fn start(program: &Path, arguments: &[String], log: &Path) -> Outcome<Self> {
        let mut command = unsettled(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut child = command.spawn().map_err(|error| format!("{} can't be started: {error}", program.display()))?;
        let (id, (says, lines), (tells, ended)) = (child.id(), mpsc::channel(), mpsc::channel());
        let out = child.stdout.take();
        thread::spawn(move || {
            let said = out.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok));
            said.for_each(|line| drop(says.send(line)));
        });
        thread::spawn(move || child.wait().map(|status| tells.send(status)));
        Ok(Self { id, log: log.to_owned(), lines, ended })
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Waits until it says a line with `text`.
    pub(crate) fn says(&self, text: &str, limit: Duration) -> Outcome<()> {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return Ok(()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.failure(&format!("did not say {text:?} in {limit:?}")));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.failure("ended instead of starting")),
            }
        }
    }

    /// Waits until `look` finds something.
    pub(crate) fn until<T>(&self, what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> Outcome<T> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(found) = look() {
                return Ok(found);
            }
            if !matches!(self.ended.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                return Err(self.failure(&format!("ended before {what}")));
            }
        }
        Err(self.failure(&format!("no {what} in {limit:?}")))
    }

    /// Lets it run for a while; fails where it ends meanwhile.
    pub(crate) fn stays(&self, span: Duration) -> Outcome<()> {
        match self.ended.recv_timeout(span) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(self.failure("ended by itself")),
        }
    }

    /// Ends it in good order.
    pub(crate) fn stop(self) -> Outcome<()> {
        send(self.id, Signal::SIGTERM);
        match self.ended.recv_timeout(STOP_LIMIT) {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(&format!("ended with {status}"))),
            Err(_) => Err(self.failure(&format!("did not end in {STOP_LIMIT:?}"))),
        }
    }

    fn failure(&self, what: &str) -> Box<dyn std::error::Error + Send + Sync> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
        format!("process {} {what}; the end of its log:\n{last}", self.id).into()
    }
}

/// A program without what is set for a platform of the developer's, since that is not for this one.
pub(crate) fn unsettled(program: &Path) -> Command {
    let mut command = Command::new(program);
    let set = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name == "DATABASE_URL" || (name.starts_with("BIGSKIES_") && name != "BIGSKIES_POSTGRES_BIN")
    });
    set.for_each(|name| {
        command.env_remove(name);
    });
    command
}

fn send(process: u32, signal: Signal) {
    if let Ok(process) = i32::try_from(process) {
        // An error means that it has ended.
        let _ = kill(Pid::from_raw(process), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it has ended its number may be another's, so nothing is sent then.
        if !matches!(self.ended.try_recv(), Err(mpsc::TryRecvError::Empty)) {
            return;
        }
        send(self.id, Signal::SIGTERM);
        if matches!(self.ended.recv_timeout(STOP_LIMIT), Err(RecvTimeoutError::Timeout)) {
            // What it started would outlive it: a database server ends by itself on this signal.
            let orphans = descendants(self.id).unwrap_or_default();
            send(self.id, Signal::SIGKILL);
            orphans.into_iter().for_each(|orphan| send(orphan, Signal::SIGQUIT));
        }
    }
}
