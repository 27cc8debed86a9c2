//! One SSH session to a host, through which its engine's socket is forwarded to a socket of ours. Host keys are checked strictly.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use openssh::{ControlPersist, ForwardType, KnownHosts, Session, SessionBuilder};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::Mutex,
    time::timeout,
};

use crate::{ContainersError, SshHost};

/// Where engines listen, in the order in which they are tried.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];
/// How often the host is asked whether it is still there.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// When the session ends by itself if nobody uses it, so that none is left behind by a process that was killed.
const IDLE_LIMIT_SECONDS: usize = 600;
/// How many ports of this machine are tried for a way to the host.
const WAY_ATTEMPTS: usize = 3;
/// The longest time for one question to the host.
const QUESTION_LIMIT: Duration = Duration::from_secs(5);

/// A session that is opened with the first request, and again after it was lost.
pub(crate) struct SshLink {
    host: SshHost,
    connect_limit: Duration,
    open: RwLock<Option<Arc<Opened>>>,
    /// One session is enough: who comes while it is opened waits for it, no longer than a request waits for its connection.
    opening: Mutex<()>,
    folder: TempDir,
}

/// A session and the socket that it forwards.
struct Opened {
    session: Session,
    socket: PathBuf,
}

impl SshLink {
    pub(crate) fn new(host: SshHost, connect_limit: Duration) -> Result<Self, ContainersError> {
        let folder = tempfile::Builder::new()
            .prefix("bigskies-ssh-")
            .tempdir()
            .map_err(|error| ContainersError::LocalFile { path: std::env::temp_dir(), reason: error.to_string() })?;
        Ok(Self { host, connect_limit, open: RwLock::default(), opening: Mutex::default(), folder })
    }

    /// A connection to the engine.
    pub(crate) async fn dial(&self) -> Result<UnixStream, ContainersError> {
        if let Some(stream) = self.dial_open().await {
            return Ok(stream);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(stream) = self.dial_open().await {
            return Ok(stream);
        }
        let opened = Arc::new(self.establish().await?);
        let dialled = UnixStream::connect(&opened.socket).await;
        self.keep(Some(opened));
        dialled.map_err(|error| self.failed(&error.to_string()))
    }

    /// An address of this machine behind which the session carries on to an address of the host's.
    pub(crate) async fn way_to(&self, there: SocketAddr) -> Result<SocketAddr, ContainersError> {
        // Whoever asks may be the first, or the session may have been lost.
        drop(self.dial().await?);
        let opened = self.current().ok_or_else(|| self.failed("the session ended"))?;
        let mut refusal = String::new();
        for _ in 0..WAY_ATTEMPTS {
            // Somebody else may take the port before `ssh` does.
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
            let here = free.map_err(|error| self.failed(&error.to_string()))?;
            let asked = opened.session.request_port_forward(ForwardType::Local, here, there);
            match timeout(QUESTION_LIMIT, asked).await {
                Ok(Ok(())) => return Ok(here),
                Ok(Err(error)) => refusal = described(&error),
                Err(_over) => refusal = "no answer".to_owned(),
            }
        }
        Err(self.failed(&format!("{there} of the host can't be reached: {refusal}")))
    }

    /// What became of the session, if it is gone.
    pub(crate) async fn explain(&self) -> Option<ContainersError> {
        let opened = self.current()?;
        match timeout(QUESTION_LIMIT, opened.session.check()).await {
            Ok(Ok(())) => None,
            _ => {
                self.keep(None);
                Some(self.failed("the session ended"))
            }
        }
    }

    /// Ends the session.
    pub(crate) async fn close(&self) {
        let opened = self.current();
        self.keep(None);
        if let Some(opened) = opened.and_then(Arc::into_inner) {
            let _it_ends_with_the_idle_limit_then = timeout(QUESTION_LIMIT, opened.session.close()).await;
        }
    }

    fn current(&self) -> Option<Arc<Opened>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, opened: Option<Arc<Opened>>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    async fn dial_open(&self) -> Option<UnixStream> {
        UnixStream::connect(&self.current()?.socket).await.ok()
    }

    async fn establish(&self) -> Result<Opened, ContainersError> {
        let mut builder = SessionBuilder::default();
        builder.known_hosts_check(KnownHosts::Strict).control_directory(self.folder.path());
        builder.control_persist(ControlPersist::IdleFor(
            std::num::NonZeroUsize::new(IDLE_LIMIT_SECONDS).unwrap_or(std::num::NonZeroUsize::MIN),
        ));
        builder.connect_timeout(self.connect_limit).server_alive_interval(ALIVE_INTERVAL);
        let host = &self.host;
        host.user.iter().for_each(|user| _ = builder.user(user.clone()));
        host.port.iter().for_each(|port| _ = builder.port(*port));
        host.key.iter().for_each(|key| _ = builder.keyfile(key));
        host.known_hosts.iter().for_each(|file| _ = builder.user_known_hosts_file(file));
        host.configuration.iter().for_each(|file| _ = builder.config_file(file));
        let session = builder.connect_mux(&host.host).await.map_err(|error| self.refused(&error))?;
        let socket = self.forward(&session).await?;
        Ok(Opened { session, socket })
    }

    /// Forwards the first socket behind which an engine answers.
    async fn forward(&self, session: &Session) -> Result<PathBuf, ContainersError> {
        let mut tried = self.host.socket.clone().map_or_else(|| SOCKETS.map(PathBuf::from).to_vec(), |one| vec![one]);
        if self.host.socket.is_none()
            && let Some(user) = ask(session, "id", &["-u"]).await
        {
            tried.push(PathBuf::from(format!("/run/user/{}/podman/podman.sock", user.trim())));
        }
        for (number, remote) in tried.iter().enumerate() {
            let local = self.folder.path().join(format!("engine-{number}"));
            // A session that was lost leaves its socket behind.
            let _none_is_fine = std::fs::remove_file(&local);
            let asked = session.request_port_forward(ForwardType::Local, local.as_path(), remote.as_path());
            asked.await.map_err(|error| self.failed(&described(&error)))?;
            if timeout(QUESTION_LIMIT, answers(&local)).await.is_ok_and(|answer| answer.is_ok()) {
                return Ok(local);
            }
            let ended = session.close_port_forward(ForwardType::Local, local.as_path(), remote.as_path());
            let _it_ends_with_the_session = ended.await;
        }
        Err(self.silent(session, &tried).await)
    }

    /// Why none of these sockets answers.
    async fn silent(&self, session: &Session, tried: &[PathBuf]) -> ContainersError {
        let endpoint = self.host.to_string();
        for path in tried.iter().filter_map(|path| path.to_str()) {
            let (there, ours) = (ask(session, "test", &["-S", path]).await, ask(session, "test", &["-w", path]).await);
            if there.is_some() && ours.is_none() {
                return ContainersError::NotAllowed { endpoint };
            }
        }
        let tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
        ContainersError::NotRunning { endpoint, reason: format!("nothing answers at {} over there", tried.join(", ")) }
    }

    /// What `ssh` says, told apart by its words: they are all that it gives, and have stood for many years.
    fn refused(&self, error: &openssh::Error) -> ContainersError {
        let host = self.host.host.clone();
        let (said, kind) = match error {
            openssh::Error::Connect(cause) | openssh::Error::Master(cause) => (cause.to_string(), cause.kind()),
            other => (described(other), io::ErrorKind::Other),
        };
        if matches!(error, openssh::Error::Master(_) | openssh::Error::Connect(_)) && kind == io::ErrorKind::NotFound {
            return ContainersError::Ssh {
                host,
                reason: "there is no program `ssh` here; install OpenSSH's client".into(),
            };
        }
        let reason = last_line(&said);
        if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") || said.contains("host key for") {
            ContainersError::HostKeyChanged { host }
        } else if said.contains("Host key verification failed") || said.contains("host key is known for") {
            ContainersError::HostKeyUnknown { host }
        } else if said.contains("Permission denied (") || said.contains("Too many authentication failures") {
            ContainersError::LoginRefused { host, reason }
        } else if ["Could not resolve", "Connection refused", "timed out", "unreachable", "No route"]
            .iter()
            .any(|words| said.contains(words))
        {
            ContainersError::Unreachable { host, reason }
        } else {
            ContainersError::Ssh { host, reason }
        }
    }

    fn failed(&self, reason: &str) -> ContainersError {
        ContainersError::Ssh { host: self.host.host.clone(), reason: reason.to_owned() }
    }
}

/// What a command over there says, if it succeeds.
async fn ask(session: &Session, program: &str, arguments: &[&str]) -> Option<String> {
    let asked =
        timeout(QUESTION_LIMIT, session.command(program.to_owned()).args(arguments).output()).await.ok()?.ok()?;
    asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).into_owned())
}

/// Whether something that speaks HTTP is behind a socket.
async fn answers(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n").await?;
    let mut beginning = [0; 5];
    stream.read_exact(&mut beginning).await?;
    if &beginning == b"HTTP/" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn described(error: &openssh::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn last_line(said: &str) -> String {
    said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing").to_owned()
}
