//! The server process: started or adopted, waited for, noticed when it ends, stopped.

use std::{fs, path::Path, process::Stdio, time::Duration};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Connection, PgConnection};
use tokio::{process::Child, time::Instant};

use super::folder::Folder;
use super::{ClusterError, Installation, SETUP_USER, folder};

/// How often a state is looked at that nothing announces.
const LOOK: Duration = Duration::from_millis(10);
/// How often an adopted process is looked at; the system tells us the end of our own.
const LOOK_ADOPTED: Duration = Duration::from_millis(200);
/// How long a server that says it is ready may take to answer.
const ANSWER_BOUND: Duration = Duration::from_secs(5);
/// How long a server may take to drop everything: a disk that is busy with what others wrote holds it up for long.
const QUIT_BOUND: Duration = Duration::from_secs(30);
/// How long a killed process may take to be gone.
const KILL_BOUND: Duration = Duration::from_secs(10);
/// How old an empty process file must be to be nobody's.
const REMNANT_AGE: Duration = Duration::from_secs(5);
/// A process id that no system gives out, for the place of one that is somebody else's by now.
const NOBODY: &str = "2147483646";

/// A running server.
#[derive(Debug)]
pub(super) enum Server {
    /// Our child.
    Own { child: Child, pid: Pid },
    /// One that was running before us.
    Adopted { pid: Pid },
}

impl Server {
    /// Adopts the server that runs in `folder`, or starts one.
    pub(super) async fn start(
        folder: &Folder,
        installation: &Installation,
        bound: Duration,
    ) -> Result<Self, ClusterError> {
        let deadline = Instant::now() + bound;
        let from = folder.log_bytes();
        loop {
            if let Some(pid) = running(folder) {
                // It may have been started for another user; it reads who may connect again.
                let _ = kill(pid, Signal::SIGHUP);
                match wait_ready(folder, deadline, || alive(pid)).await {
                    Ready::Yes => return Ok(Self::Adopted { pid }),
                    Ready::Ended => continue,
                    Ready::Late => return Err(late(folder, bound, from)),
                }
            }
            let mut child = spawn(folder, installation)?;
            let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw) else { continue };
            match wait_ready(folder, deadline, || !matches!(child.try_wait(), Ok(Some(_)))).await {
                Ready::Yes => return Ok(Self::Own { child, pid }),
                Ready::Late => {
                    let _ = kill(pid, Signal::SIGQUIT);
                    return Err(late(folder, bound, from));
                }
                Ready::Ended if Instant::now() < deadline && is_in_the_way(&folder.log_since(from).0) => {
                    tokio::time::sleep(LOOK_ADOPTED).await;
                }
                Ready::Ended => return Err(ended(folder, from)),
            }
        }
    }

    pub(super) fn pid(&self) -> i32 {
        match self {
            Self::Own { pid, .. } | Self::Adopted { pid } => pid.as_raw(),
        }
    }

    pub(super) const fn is_adopted(&self) -> bool {
        matches!(self, Self::Adopted { .. })
    }

    /// Ends when the server does.
    pub(super) async fn ended(&mut self) {
        match self {
            Self::Own { child, .. } => {
                let _ = child.wait().await;
            }
            Self::Adopted { pid } => until_gone(*pid, None).await,
        }
    }

    /// Fast shutdown; when that takes too long the immediate one, and then the end without asking, both of which the next start
    /// recovers from.
    pub(super) async fn stop(mut self, bound: Duration) -> Result<(), ClusterError> {
        let pid = self.pid();
        for (signal, bound) in [(Signal::SIGINT, bound), (Signal::SIGQUIT, QUIT_BOUND), (Signal::SIGKILL, KILL_BOUND)] {
            let _ = kill(Pid::from_raw(pid), signal);
            if tokio::time::timeout(bound, self.ended()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(pid, signal = signal.as_str(), state = state(pid), "database server did not stop in time");
        }
        Err(ClusterError::NotStopped { pid, state: state(pid) })
    }

    /// Stops what a start that was broken off may have left.
    pub(super) async fn stop_remains(folder: &Folder, bound: Duration) -> Result<(), ClusterError> {
        match running(folder) {
            Some(pid) => Self::Adopted { pid }.stop(bound).await,
            None => Ok(()),
        }
    }
}

/// What the process does, as the system says it, such as `D (disk sleep)`.
fn state(pid: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let said = status.lines().find_map(|line| line.strip_prefix("State:"));
    said.map_or_else(|| "unknown".to_owned(), |state| state.trim().to_owned())
}

fn spawn(folder: &Folder, installation: &Installation) -> Result<Child, ClusterError> {
    let open = || fs::OpenOptions::new().create(true).append(true).open(folder.log_path());
    let (out, err) = open().and_then(|out| Ok((out, open()?))).map_err(|e| folder.wrong(&e))?;
    let mut command = tokio::process::Command::new(installation.binary("postgres"));
    command
        .arg("-D")
        .arg(folder.data())
        .env("LC_ALL", "C")
        .current_dir(folder.data())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        // Ctrl-C in a terminal is for us; we end the server when the work on it is done.
        .process_group(0);
    if let Some((user, group)) = folder.owner().ids {
        command.uid(user).gid(group);
    }
    command.spawn().map_err(|e| folder.wrong(&e))
}

enum Ready {
    Yes,
    Ended,
    Late,
}

/// Waits until the server says that it is ready and answers, its process is gone, or the deadline passes.
async fn wait_ready(folder: &Folder, deadline: Instant, mut alive: impl FnMut() -> bool) -> Ready {
    while Instant::now() < deadline {
        if says_ready(&folder.data()) && answers(folder).await {
            return Ready::Yes;
        }
        if !alive() {
            return Ready::Ended;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ready::Late
}

async fn answers(folder: &Folder) -> bool {
    let endpoint = folder.endpoint().with_user(SETUP_USER).with_database("postgres");
    let options = endpoint.options(ANSWER_BOUND);
    let conversation = async {
        let mut connection = PgConnection::connect_with(&options).await?;
        connection.ping().await?;
        connection.close().await
    };
    matches!(tokio::time::timeout(ANSWER_BOUND, conversation).await, Ok(Ok(())))
}

fn says_ready(data: &Path) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

/// The server that runs in `folder`, if its process is one. Where the process id in the file is another program's by now
/// (after a crash of the machine, or in a container, where ids are small), the file is made to name nobody: the server
/// would refuse to start otherwise. The rest of the file stays, since by it the server finds what its predecessor left.
fn running(folder: &Folder) -> Option<Pid> {
    let path = folder.data().join("postmaster.pid");
    let text = fs::read_to_string(&path).ok()?;
    let Some((first, rest)) = text.split_once('\n') else {
        remove_remnant(&path);
        return None;
    };
    let pid = first.trim().parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)?;
    if !alive(pid) {
        return None;
    }
    if is_server(pid, &folder.data()) {
        return Some(pid);
    }
    tracing::warn!(pid = pid.as_raw(), "database was not stopped cleanly, and its process id is another program's now");
    if let Err(error) = fs::write(&path, format!("{NOBODY}\n{rest}")) {
        tracing::warn!(%error, "process id of the earlier database server can't be removed");
    }
    None
}

/// Removes a process file that was never written, as a full disk or a loss of power leaves it; the server waits for a
/// person to do so. A young one may be that of a server that is about to write it.
fn remove_remnant(path: &Path) {
    let age = fs::metadata(path).and_then(|metadata| metadata.modified()).ok().and_then(|then| then.elapsed().ok());
    if age.is_some_and(|age| age > REMNANT_AGE) {
        tracing::warn!("empty process file of an earlier database server is removed");
        let _ = fs::remove_file(path);
    }
}

/// Whether the process is a server in `data`. Where the system shows no command lines, what the file says is believed.
fn is_server(pid: Pid, data: &Path) -> bool {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(command) => {
            let arguments: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
            let program = arguments.first().copied().unwrap_or_default();
            let named = program.ends_with(b"postgres") || program.ends_with(b"postmaster");
            named && arguments.contains(&data.as_os_str().as_encoded_bytes())
        }
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

fn alive(pid: Pid) -> bool {
    // A child of an earlier process of ours may be a zombie until somebody asks for it; it is no server any more.
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')));
    !zombie && !matches!(kill(pid, None), Err(Errno::ESRCH))
}

async fn until_gone(pid: Pid, mut ticks: Option<tokio::time::Interval>) {
    let ticks = ticks.get_or_insert_with(|| tokio::time::interval(LOOK_ADOPTED));
    while alive(pid) {
        ticks.tick().await;
    }
}

/// Whether a start failed only because the one before is not quite gone.
fn is_in_the_way(log: &str) -> bool {
    ["pre-existing shared memory block", "lock file \"postmaster.pid\"", "another server might be running"]
        .iter()
        .any(|text| log.contains(text))
}

fn late(folder: &Folder, bound: Duration, from: u64) -> ClusterError {
    ClusterError::NotReady { folder: folder.data(), bound, log: folder.log_since(from) }
}

fn ended(folder: &Folder, from: u64) -> ClusterError {
    let (log, folder) = (folder.log_since(from), folder.data());
    if folder::says_disk_full(&log.0) {
        ClusterError::DiskFull { folder, log }
    } else {
        ClusterError::Ended { folder, log }
    }
}
