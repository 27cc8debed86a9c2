//! A child process: started by a recipe, watched, signalled, and ended by whoever drops it.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::wait::until_some;

/// How long an interrupted process may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// What of a log is shown when something went wrong.
const LOG_LINES: usize = 60;
/// What a child may know of our surroundings; a `DATABASE_URL` of the developer's is none of its business.
const INHERITED: [&str; 6] = ["PATH", "HOME", "TMPDIR", "LANG", "XDG_RUNTIME_DIR", "BIGSKIES_POSTGRES_BIN"];

/// How to start a process, again and again.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What to call it.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables besides the few that it inherits.
    pub environment: Vec<(String, String)>,
    /// Where it runs, and where its log is.
    pub folder: PathBuf,
    /// User and group to run as, where that is not ourselves.
    pub user: Option<(u32, u32)>,
}

impl Recipe {
    /// A process of this name.
    pub fn new(name: &str, program: &Path, arguments: Vec<String>, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
            environment: Vec::new(),
            folder: folder.to_owned(),
            user: None,
        }
    }

    /// Where everything that it says goes.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).stdin(Stdio::null()).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.environment.iter().cloned());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where the program can't be started.
    pub fn start(&self) -> Process {
        let path = self.log_path();
        let open = || fs::OpenOptions::new().create(true).append(true).open(&path);
        let logs = open().and_then(|out| Ok((out.metadata()?.len(), out, open()?)));
        let (log_from, out, err) = logs.unwrap_or_else(|e| panic!("log {} can't be written: {e}", path.display()));
        let started = self.command().stdout(out).stderr(err).spawn();
        let mut child = started.unwrap_or_else(|e| panic!("{} can't be started: {e}", self.program.display()));
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let end = Arc::new(End::default());
        let told = Arc::clone(&end);
        std::thread::spawn(move || told.tell(child.wait().ok()));
        Process { recipe: self.clone(), pid, end, log_from }
    }
}

/// How a process ended, once it has.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<Option<ExitStatus>>>,
    told: Condvar,
}

impl End {
    fn tell(&self, status: Option<ExitStatus>) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        self.told.notify_all();
    }

    fn get(&self) -> Option<Option<ExitStatus>> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, limit: Duration) -> bool {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(status, limit, |status| status.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

/// A running child. Dropped, it is interrupted, and killed where that does not help.
#[derive(Debug)]
pub struct Process {
    recipe: Recipe,
    pid: Pid,
    end: Arc<End>,
    log_from: u64,
}

impl Process {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.recipe.name
    }

    /// How it was started.
    pub const fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Its process id.
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it has not ended yet.
    pub fn runs(&self) -> bool {
        self.end.get().is_none()
    }

    /// Its exit code, if it has ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        self.end.get().flatten().and_then(|status| status.code())
    }

    /// Everything that it said since its start.
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = fs::File::open(self.recipe.log_path()) {
            let _ = file.seek(SeekFrom::Start(self.log_from)).and_then(|_| file.read_to_end(&mut text));
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The end of what it said, for a person who wonders.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
        format!("--- {} (exit code {:?}) said:\n{end}\n---", self.name(), self.exit_code())
    }

    /// Sends it a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.runs() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(&self) {
        self.signal(Signal::SIGKILL);
        self.ended(STOP_LIMIT).await;
    }

    /// Interrupts it as Ctrl-C does, and waits until it has ended: its exit code.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn interrupt(&self) -> Option<i32> {
        self.signal(Signal::SIGINT);
        self.ended(STOP_LIMIT).await
    }

    /// Waits until it has ended: its exit code.
    ///
    /// # Panics
    /// Where it does not end within `limit`.
    pub async fn ended(&self, limit: Duration) -> Option<i32> {
        let what = format!("end of {}", self.name());
        until_some(&what, limit, async || self.end.get()).await.and_then(|status| status.code())
    }

    /// Waits until it has said `text`; false where it ended before.
    pub async fn says(&self, text: &str, limit: Duration) -> bool {
        let what = format!("{:?} in the log of {}", text, self.name());
        let look = async || {
            let ended = !self.runs();
            if self.log().contains(text) { Some(true) } else { ended.then_some(false) }
        };
        let come = tokio::time::timeout(limit, until_some(&what, limit * 2, look)).await;
        come.unwrap_or_else(|_| panic!("{what}: not within {limit:?}\n{}", self.last_words()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for (signal, limit) in
            [(Signal::SIGCONT, Duration::ZERO), (Signal::SIGINT, STOP_LIMIT), (Signal::SIGKILL, STOP_LIMIT)]
        {
            self.signal(signal);
            if self.end.wait(limit) {
                return;
            }
        }
    }
}
