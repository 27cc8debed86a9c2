//! PostgreSQL in an observatory: the server of its own, found by its process file, or one that is given to it by a URL.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User},
};
use store::{Endpoint, Password, Place, SslMode, endpoint::Tls};

use crate::{process::Recipe, wait::until};

const ACCOUNT: &str = "bigskies";
const PASSWORD: &str = "s:p@ce";
/// Who administers the server.
const ADMINISTRATOR: &str = "administrator";
const ADMINISTRATORS_PASSWORD: &str = "the administrator's";

/// A running server, by its process file.
#[derive(Debug, Clone)]
pub struct Postmaster {
    data: PathBuf,
}

impl Postmaster {
    pub(crate) fn in_folder(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// Its process id, if it runs.
    pub fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let folder = self.data.as_os_str().as_encoded_bytes();
        // After a crash the id may be another program's.
        let is_ours = command.split(|byte| *byte == 0).any(|argument| argument == folder);
        (is_ours && !matches!(kill(pid, None), Err(Errno::ESRCH))).then_some(pid)
    }

    /// Whether it takes connections, by its own word.
    pub fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        self.pid().is_some() && text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
    }

    /// Stops the server and all of its processes in the middle of whatever they do; connections stay open and nothing answers.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn freeze(&self) {
        // The parent first, so that it makes no more children.
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills it; its children notice and end.
    ///
    /// # Panics
    /// Where it does not run, or does not end.
    pub async fn kill(&self) {
        let Some(pid) = self.pid() else { panic!("no server runs in {}", self.data.display()) };
        let _ = kill(pid, Signal::SIGKILL);
        until("end of a killed PostgreSQL", Duration::from_secs(10), async || self.pid() != Some(pid)).await;
    }

    /// Waits until it takes connections, for example after it was killed.
    ///
    /// # Panics
    /// Where it does not within `limit`.
    pub async fn ready(&self, limit: Duration) {
        until("PostgreSQL ready", limit, async || self.is_ready()).await;
    }

    fn signal(&self, signal: Signal) {
        let Some(pid) = self.pid() else { panic!("no server runs in {}", self.data.display()) };
        let _ = kill(pid, signal);
        for child in children(pid) {
            let _ = kill(child, signal);
        }
    }

    /// Lets it go on, whether or not it was frozen.
    pub(crate) fn thaw_if_there(&self) {
        if self.pid().is_some() {
            self.signal(Signal::SIGCONT);
        }
    }

    /// Ends what is left of it, at the end of a test.
    pub(crate) fn end(&self) {
        let Some(pid) = self.pid() else { return };
        self.signal(Signal::SIGCONT);
        let _ = kill(pid, Signal::SIGQUIT);
        for _ in 0..500 {
            if self.pid() != Some(pid) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill(pid, Signal::SIGKILL);
    }
}

/// The processes whose parent is `parent`.
fn children(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}

/// A server such as an administrator runs: on a port, with a password, and an account of ours that owns one database and nothing else.
#[derive(Debug, Clone)]
pub struct GivenServer {
    pub(crate) recipe: Recipe,
    pub(crate) postmaster: Postmaster,
    pub(crate) endpoint: Endpoint,
}

impl GivenServer {
    /// The name of its process.
    pub const NAME: &'static str = "postgres";

    /// Makes one that will listen on 127.0.0.1.
    pub(crate) fn make(folder: &Path, port: u16) -> Self {
        let binaries = binaries();
        let folder = folder.join("given-server");
        let data = folder.join("data");
        let user = server_user();
        let owned = fs::create_dir(&folder)
            .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)))
            .and_then(|()| fs::write(folder.join("password"), ADMINISTRATORS_PASSWORD))
            .and_then(|()| match user {
                Some((user, group)) => chown(&folder, Some(user), Some(group)),
                None => Ok(()),
            });
        owned.unwrap_or_else(|e| panic!("{} can't be made: {e}", folder.display()));
        let recipe = |program: &str, arguments: &[&str]| {
            let mut recipe = Recipe::new(Self::NAME, &binaries.join(program), Vec::new(), &folder);
            recipe.arguments =
                ["-D", &data.to_string_lossy()].iter().chain(arguments).map(|a| (*a).to_owned()).collect();
            recipe.environment = vec![("LC_ALL".to_owned(), "C".to_owned())];
            recipe.user = user;
            recipe
        };
        let password = folder.join("password").display().to_string();
        run(
            &recipe(
                "initdb",
                &["-U", ADMINISTRATOR, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-N", "--pwfile", &password],
            ),
            "",
        );
        let mut alone = recipe("postgres", &["template1"]);
        // In this mode, in which a server serves its own terminal, it needs no client; --single must come first.
        alone.arguments.insert(0, "--single".to_owned());
        let statements = format!(
            "CREATE ROLE {ACCOUNT} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{PASSWORD}'\n\
             CREATE DATABASE {ACCOUNT} OWNER {ACCOUNT}\n"
        );
        run(&alone, &statements);
        let port_is = format!("port={port}");
        let settings =
            ["-c", "listen_addresses=127.0.0.1", "-c", &port_is, "-c", "unix_socket_directories=", "-c", "fsync=off"];
        let endpoint = Endpoint {
            place: Place::Host("127.0.0.1".to_owned()),
            port,
            database: ACCOUNT.to_owned(),
            user: ACCOUNT.to_owned(),
            password: Some(Password::new(PASSWORD)),
            tls: Tls { mode: SslMode::Disable, root_certificate: None },
        };
        Self { recipe: recipe("postgres", &settings), postmaster: Postmaster::in_folder(&data), endpoint }
    }

    /// Gives our account another password, while the server does not run, and writes it into a `.pgpass` file.
    pub(crate) fn set_password(&mut self, password: &str, pgpass: &Path) {
        let mut alone = self.recipe.clone();
        let data = self.postmaster.data.display().to_string();
        alone.arguments = ["--single", "-D", &data, "template1"].map(str::to_owned).into();
        run(&alone, &format!("ALTER ROLE {ACCOUNT} PASSWORD '{password}'\n"));
        self.endpoint.password = Some(Password::new(password));
        let written = store::endpoint::pgpass::write(pgpass, &self.endpoint);
        written.unwrap_or_else(|e| panic!("{} can't be written: {e}", pgpass.display()));
    }

    /// The same for who administers the server.
    pub(crate) fn administrator_url(&self) -> String {
        let password = Some(Password::new(ADMINISTRATORS_PASSWORD));
        Endpoint { user: ADMINISTRATOR.to_owned(), password, ..self.endpoint.clone() }.to_url_with_password()
    }

    /// The server's own client.
    pub(crate) fn psql(&self) -> PathBuf {
        self.recipe.program.with_file_name("psql")
    }

    /// The URL of our database in it.
    pub fn url(&self) -> String {
        self.endpoint.to_url_with_password()
    }
}

/// Runs a program to its end, with `input` on its standard input.
fn run(recipe: &Recipe, input: &str) {
    let started = recipe.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.unwrap_or_else(|e| panic!("{} can't be started: {e}", recipe.program.display()));
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("{}: {e}", recipe.program.display()));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && !said.contains("ERROR:"), "{} said {said}", recipe.program.display());
}

/// The user that a server runs as where we are root, whom PostgreSQL refuses.
fn server_user() -> Option<(u32, u32)> {
    if !Uid::effective().is_root() {
        return None;
    }
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    Some(found.map_or_else(|| panic!("there is no user postgres"), |user| (user.uid.as_raw(), user.gid.as_raw())))
}

/// Where the server's programs are: `BIGSKIES_POSTGRES_BIN`, else the newest of the system's.
fn binaries() -> PathBuf {
    if let Some(named) = std::env::var_os("BIGSKIES_POSTGRES_BIN").filter(|named| !named.is_empty()) {
        return named.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, binaries)) => binaries,
        None => panic!(
            "PostgreSQL is not here; apt-get install postgresql, or name its programs with BIGSKIES_POSTGRES_BIN"
        ),
    }
}
