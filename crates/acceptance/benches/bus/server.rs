//! The two brokers side by side, ours and Mosquitto, each a process of its own with a login and a rule for every topic.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Outcome, client::Login, process::Process};

/// How long a broker may take to listen.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The account that everybody here uses, on both brokers.
const ACCOUNT: &str = "operator";
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
    pub(crate) address: SocketAddr,
    pub(crate) login: Login,
}

/// The same thing of both brokers.
pub(crate) struct Both<T> {
    pub(crate) own: T,
    pub(crate) mosquitto: T,
}

impl<T> Both<T> {
    /// Makes it of each.
    pub(crate) fn try_from_fn(mut make: impl FnMut(Maker) -> Outcome<T>) -> Outcome<Self> {
        Ok(Self { own: make(Maker::Own)?, mosquitto: make(Maker::Mosquitto)? })
    }

    /// Asks both for the same; who comes first alternates with the round.
    pub(crate) fn in_turn<R>(&mut self, round: usize, mut ask: impl FnMut(&mut T) -> Outcome<R>) -> Outcome<Both<R>> {
        if round.is_multiple_of(2) {
            let own = ask(&mut self.own)?;
            Ok(Both { own, mosquitto: ask(&mut self.mosquitto)? })
        } else {
            let mosquitto = ask(&mut self.mosquitto)?;
            Ok(Both { own: ask(&mut self.own)?, mosquitto })
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

    /// Starts a broker alone and waits until it listens.
    pub(crate) fn broker(&self, maker: Maker) -> Outcome<Server> {
        match maker {
            Maker::Own => self.own_broker(),
            Maker::Mosquitto => self.mosquitto(),
        }
    }

    fn own_broker(&self) -> Outcome<Server> {
        let folder = self.fresh("own-broker")?;
        let [address] = free_addresses()?;
        let words = ["run", "broker", "--mqtt-ws", "off", "--mqtt"].map(str::to_owned);
        let arguments = words.into_iter().chain([address.to_string(), "--data-dir".to_owned(), text(&folder)]);
        let process = Process::start(&self.bigskies, &arguments.collect::<Vec<_>>(), &folder.join("log"))?;
        listening(&process, address)?;
        let login = login_in(&folder)?;
        Ok(Server { process, address, login })
    }

    /// Mosquitto with a password, a rule for topics, and the bounds that ours has.
    fn mosquitto(&self) -> Outcome<Server> {
        let folder = self.fresh("mosquitto")?;
        let [address] = free_addresses()?;
        let login = Login { account: ACCOUNT.to_owned(), password: "f".repeat(48) };
        let passwords = folder.join("passwords");
        let words = ["-b", "-c", &text(&passwords), &login.account, &login.password].map(str::to_owned);
        let written = Command::new("mosquitto_passwd").args(words).output()?;
        if !written.status.success() {
            return Err(format!("mosquitto_passwd: {}", String::from_utf8_lossy(&written.stderr)).into());
        }
        let rules = folder.join("rules");
        fs::write(&rules, format!("user {}\ntopic readwrite #\n", login.account))?;
        let configuration = folder.join("mosquitto.conf");
        let lines = [
            format!("listener {} {}", address.port(), address.ip()),
            format!("password_file {}", text(&passwords)),
            format!("acl_file {}", text(&rules)),
            "allow_anonymous false".to_owned(),
            "set_tcp_nodelay true".to_owned(),
            "max_inflight_messages 64".to_owned(),
            "max_queued_messages 10000".to_owned(),
            // Started by root it would become a user who may not read these files; started by others it ignores this.
            "user root".to_owned(),
        ];
        fs::write(&configuration, lines.join("\n") + "\n")?;
        let process = Process::start(&self.mosquitto, &["-c".to_owned(), text(&configuration)], &folder.join("log"))?;
        listening(&process, address)?;
        Ok(Server { process, address, login })
    }

    /// Starts a whole observatory, on its own broker or on the given one, and waits until it says that it is ready.
    pub(crate) fn up(&self, folder: &Path, broker: Option<&Server>) -> Outcome<Server> {
        let [mqtt, websocket, http, simulator, discovery] = free_addresses()?;
        let mut arguments: Vec<String> = ["up", "--data-dir", &text(folder)].map(str::to_owned).into();
        let listens = [("--mqtt", mqtt), ("--mqtt-ws", websocket), ("--http", http), ("--simulator", simulator)];
        arguments.extend(listens.into_iter().flat_map(|(flag, address)| [flag.to_owned(), address.to_string()]));
        arguments.extend(["--simulator-discovery".to_owned(), discovery.port().to_string()]);
        if let Some(Server { address, login, .. }) = broker {
            let credentials = folder.join("peer.json");
            let login = json!({ "account": login.account, "password": login.password, "broker": "external" });
            fs::write(&credentials, login.to_string())?;
            fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600))?;
            arguments.extend([
                "--broker".to_owned(),
                address.to_string(),
                "--credentials".to_owned(),
                text(&credentials),
            ]);
        }
        let process = Process::start(&self.bigskies, &arguments, &folder.join("up.log"))?;
        process.says("is ready", Duration::from_secs(90))?;
        match broker {
            Some(broker) => Ok(Server { process, address: broker.address, login: broker.login.clone() }),
            None => Ok(Server { process, address: mqtt, login: login_in(folder)? }),
        }
    }
}

/// Waits until somebody listens.
fn listening(process: &Process, address: SocketAddr) -> Outcome<()> {
    process.until(&format!("listener at {address}"), START_LIMIT, || TcpStream::connect(address).ok()).map(drop)
}

/// The login that our broker made for its operator.
fn login_in(folder: &Path) -> Outcome<Login> {
    let file = folder.join("credentials").join(format!("{ACCOUNT}.json"));
    let read: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let field =
        |name: &str| read[name].as_str().map(str::to_owned).ok_or_else(|| format!("{} has no {name}", text(&file)));
    Ok(Login { account: field("account")?, password: field("password")? })
}

/// Addresses of this machine that nobody has; each another.
fn free_addresses<const COUNT: usize>() -> Outcome<[SocketAddr; COUNT]> {
    let listeners: Vec<TcpListener> =
        (0..COUNT).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    addresses.try_into().map_err(|_| "too few free ports".into())
}

fn first_line(program: &Path, argument: &str) -> Outcome<String> {
    let said = Command::new(program).arg(argument).output()?;
    Ok(String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().to_owned())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
