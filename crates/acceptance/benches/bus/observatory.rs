//! A whole observatory, and its first administrator.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;

use crate::{
    Outcome,
    client::Entrance,
    command::Asker,
    process::{Process, unsettled},
    server::{Places, Server, free_addresses, text},
};

/// What the administrator is called, and logs in with. Where everybody is let in they count as this one.
pub(crate) const ADMINISTRATOR: &str = "operator";
pub(crate) const PASSWORD: &str = "a night without clouds";
/// How long an observatory may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(90);
/// How long a new account may take to be known everywhere.
const KNOWN_LIMIT: Duration = Duration::from_secs(20);

/// On which broker an observatory is, and whom that lets in.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    /// Its own, which lets accounts in.
    Own,
    /// Its own, which lets everybody in.
    OwnOpen,
    /// A Mosquitto, entered as who administers its accounts.
    Mosquitto(&'a Server),
}

/// An observatory that is ready.
pub(crate) struct Observatory {
    pub(crate) process: Process,
    address: SocketAddr,
    folder: PathBuf,
    is_open: bool,
    brings_tokens: bool,
}

impl Observatory {
    /// Waits until an account that was just made can do what it may.
    pub(crate) fn admits(&self, account: &Entrance, mut enter: impl FnMut() -> Outcome<()>) -> Outcome<()> {
        self.process.until(&format!("way in for {}", account.account), KNOWN_LIMIT, || enter().ok())
    }
}

impl Places {
    /// Starts an observatory and waits until it says that it is ready.
    pub(crate) fn up(&self, folder: &Path, on: On<'_>) -> Outcome<Observatory> {
        let [mqtt, websocket, http, simulator, discovery] = free_addresses()?;
        let mut arguments: Vec<String> = ["up", "--data-dir", &text(folder)].map(str::to_owned).into();
        let listens = [("--mqtt", mqtt), ("--mqtt-ws", websocket), ("--http", http), ("--simulator", simulator)];
        arguments.extend(listens.into_iter().flat_map(|(flag, address)| [flag.to_owned(), address.to_string()]));
        arguments.extend(["--simulator-discovery".to_owned(), discovery.port().to_string()]);
        let address = match on {
            On::Own => mqtt,
            On::OwnOpen => {
                arguments.push("--open".to_owned());
                mqtt
            }
            On::Mosquitto(mosquitto) => {
                arguments.extend(self.set_mosquitto_up(folder, mosquitto)?);
                mosquitto.entrance.address
            }
        };
        let process = Process::start(self.bigskies(), &arguments, &folder.join("up.log"))?;
        process.says("is ready", READY_LIMIT)?;
        let (is_open, brings_tokens) = (matches!(on, On::OwnOpen), matches!(on, On::Mosquitto(_)));
        Ok(Observatory { process, address, folder: folder.to_owned(), is_open, brings_tokens })
    }

    /// Tells Mosquitto of our nodes; what an observatory is to be told then.
    fn set_mosquitto_up(&self, folder: &Path, mosquitto: &Server) -> Outcome<[String; 4]> {
        let Entrance { address, account, password, .. } = &mosquitto.entrance;
        fs::create_dir_all(folder.join("credentials"))?;
        let node = folder.join("credentials").join("node.json");
        let reach = ["--broker", &address.to_string(), "--credentials", &text(&node)].map(str::to_owned);
        let words = ["admin", "mosquitto", "setup", "--admin", account, "--password-stdin"].map(str::to_owned);
        let arguments: Vec<String> = words.into_iter().chain(reach.clone()).collect();
        self.terminal(folder, &arguments, password.as_deref().unwrap_or_default())?;
        Ok(reach)
    }

    /// Makes the first administrator; how one enters with the key that its terminal keeps.
    pub(crate) fn operator(&self, observatory: &Observatory) -> Outcome<Entrance> {
        let Observatory { address, folder, is_open, brings_tokens, .. } = observatory;
        let (address, account) = (*address, ADMINISTRATOR.to_owned());
        if *is_open {
            return Ok(Entrance { address, account, password: None, token: None });
        }
        let (data, broker) = (text(folder), address.to_string());
        let words = ["admin", "create", &account, "--password-stdin", "--data-dir", &data, "--broker", &broker];
        self.terminal(folder, &words.map(str::to_owned), PASSWORD)?;
        let file = configuration(folder).join("bigskies/login.json");
        let read: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        let field = |name: &str| {
            let found = read.pointer(&format!("/logins/0/{name}")).and_then(Value::as_str);
            found.map(str::to_owned).ok_or_else(|| format!("{} has no {name}", text(&file)))
        };
        let key = field("key")?;
        let token = brings_tokens.then(|| key.clone());
        let entrance = Entrance { address, account: field("account")?, password: Some(key), token };
        observatory.admits(&entrance, || Asker::connect(&entrance).map(drop))?;
        Ok(entrance)
    }

    /// Runs a command of the terminal, which keeps its logins in that folder, with a line for it to read.
    fn terminal(&self, folder: &Path, arguments: &[String], line: &str) -> Outcome<()> {
        let mut command = unsettled(self.bigskies());
        command.args(arguments).env("XDG_CONFIG_HOME", configuration(folder));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing may end before everything is written.
            let _ = writeln!(stdin, "{line}");
        }
        let ended = child.wait_with_output()?;
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("bigskies {} said {}", arguments.join(" "), String::from_utf8_lossy(&ended.stderr)).into())
    }
}

/// Where a person's terminal keeps its logins.
fn configuration(folder: &Path) -> PathBuf {
    folder.join("config")
}
