//! Where the programs are, and the two brokers side by side, each a process of its own with a login and rules for topics.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use catalog::topic;
use tempfile::TempDir;
use testkit::Credentials;

use crate::{Outcome, client::Entrance, process::Process};

/// How long a broker may take to listen.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The account that everybody uses on a broker alone: who needs no database to be let in.
pub(crate) const ROLE: &str = "telescope-coordinator";
/// Where systems keep servers besides the PATH.
const SERVERS: &str = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin";

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Own,
    Mosquitto,
}

/// A broker that listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) entrance: Entrance,
}

/// The same thing of ours, and of what it is compared with.
pub(crate) struct Both<T> {
    pub(crate) own: T,
    pub(crate) other: T,
}

impl<T> Both<T> {
    /// Makes it of each broker.
    pub(crate) fn try_from_fn(mut make: impl FnMut(Maker) -> Outcome<T>) -> Outcome<Self> {
        Ok(Self { own: make(Maker::Own)?, other: make(Maker::Mosquitto)? })
    }

    /// Makes another thing of each.
    pub(crate) fn try_map<R>(&self, mut make: impl FnMut(&T) -> Outcome<R>) -> Outcome<Both<R>> {
        Ok(Both { own: make(&self.own)?, other: make(&self.other)? })
    }

    /// Asks both for the same; who comes first alternates with the round.
    pub(crate) fn in_turn<R>(&mut self, round: usize, mut ask: impl FnMut(&mut T) -> Outcome<R>) -> Outcome<Both<R>> {
        if round.is_multiple_of(2) {
            let own = ask(&mut self.own)?;
            Ok(Both { own, other: ask(&mut self.other)? })
        } else {
            let other = ask(&mut self.other)?;
            Ok(Both { own: ask(&mut self.own)?, other })
        }
    }
}

/// Where the programs are, and a folder for what they write.
pub(crate) struct Places {
    bigskies: PathBuf,
    mosquitto: PathBuf,
    folder: TempDir,
}

impl Places {
    /// Finds the programs and makes the folder.
    pub(crate) fn find() -> Outcome<Self> {
        let bench = std::env::current_exe()?;
        // This program is in `deps`, one folder below the other.
        let bigskies =
            bench.ancestors().skip(1).take(2).map(|folder| folder.join("bigskies")).find(|path| path.is_file());
        let bigskies = bigskies
            .ok_or("bigskies is not built for release; measure with `cargo xtask bench bus`, which builds it")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = std::env::split_paths(&path).chain(std::env::split_paths(SERVERS));
        let mosquitto = folders.find_map(|folder| Some(folder.join("mosquitto")).filter(|path| path.is_file()));
        let mosquitto = mosquitto.ok_or("mosquitto is not here; on Debian: apt-get install mosquitto")?;
        // A database server that runs as another user has to pass through.
        let folder = tempfile::Builder::new()
            .prefix("bigskies-bench-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir()?;
        Ok(Self { bigskies, mosquitto, folder })
    }

    pub(crate) fn own_version(&self) -> Outcome<String> {
        first_line(&self.bigskies, "--version")
    }

    pub(crate) fn peer_version(&self) -> Outcome<String> {
        first_line(&self.mosquitto, "-h")
    }

    /// A folder for one purpose, empty.
    pub(crate) fn fresh(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.folder.path().join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
        Ok(folder)
    }

    pub(crate) fn bigskies(&self) -> &Path {
        &self.bigskies
    }

    pub(crate) fn mosquitto(&self) -> &Path {
        &self.mosquitto
    }

    /// Starts a broker alone and waits until it listens.
    pub(crate) fn broker(&self, maker: Maker) -> Outcome<Server> {
        match maker {
            Maker::Own => self.own_broker(),
            Maker::Mosquitto => self.mosquitto_alone(),
        }
    }

    fn own_broker(&self) -> Outcome<Server> {
        let folder = self.fresh("own-broker")?;
        let [address] = free_addresses()?;
        let words = ["run", "broker", "--mqtt-ws", "off", "--mqtt"].map(str::to_owned);
        let arguments = words.into_iter().chain([address.to_string(), "--data-dir".to_owned(), text(&folder)]);
        let process = Process::start(&self.bigskies, &arguments.collect::<Vec<_>>(), &folder.join("log"))?;
        listening(&process, address)?;
        let node = Credentials::read(&folder.join("credentials").join("node.json"))?;
        let Credentials { account, password, .. } = node.for_role(&ROLE.parse()?)?;
        let entrance = Entrance { address, account: account.to_string(), password: Some(password), token: None };
        Ok(Server { process, entrance })
    }
}

/// A topic that the account of the brokers alone may publish and read, on both; `key` makes it one's own.
pub(crate) fn topic_of(key: &str) -> String {
    topic::state("telescope/position", key)
}

/// Waits until somebody listens.
pub(crate) fn listening(process: &Process, address: SocketAddr) -> Outcome<()> {
    process.until(&format!("listener at {address}"), START_LIMIT, || TcpStream::connect(address).ok()).map(drop)
}

/// Addresses of this machine that nobody has; each another.
pub(crate) fn free_addresses<const COUNT: usize>() -> Outcome<[SocketAddr; COUNT]> {
    let listeners: Vec<TcpListener> =
        (0..COUNT).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    addresses.try_into().map_err(|_| "too few free ports".into())
}

fn first_line(program: &Path, argument: &str) -> Outcome<String> {
    let said = Command::new(program).arg(argument).output()?;
    Ok(String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().to_owned())
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
