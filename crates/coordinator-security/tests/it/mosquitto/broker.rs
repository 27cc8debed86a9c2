//! Mosquitto as the guide has it set up.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use bus::{BrokerKind, Bus, BusOptions, Credentials};
use tempfile::TempDir;
use testkit::{Process, Recipe, until};
use vocabulary::Clock;

const ADMINISTRATOR: &str = "admin";
const PASSWORD: &str = "the plugin's own";
const LIMIT: Duration = Duration::from_secs(10);

/// A Mosquitto with the plugin, and nobody in it but the plugin's administrator.
pub(crate) struct Broker {
    pub(crate) port: u16,
    recipe: Recipe,
    process: Option<Process>,
    _folder: TempDir,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        Self::with(true).await
    }

    /// One whose administrator forgot the plugin.
    pub(crate) async fn start_without_plugin() -> Self {
        Self::with(false).await
    }

    async fn with(plugin: bool) -> Self {
        let folder = TempDir::with_prefix("bigskies-mosquitto-").unwrap();
        let rights = folder.path().join("dynamic-security.json");
        let mut made = Command::new("mosquitto_ctrl");
        let made = made.args(["dynsec", "init"]).arg(&rights).args([ADMINISTRATOR, PASSWORD]).output().unwrap();
        assert!(made.status.success(), "mosquitto_ctrl: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut text = format!("listener {port} 127.0.0.1\nset_tcp_nodelay true\nlog_dest stderr\n");
        let access = if plugin {
            format!("allow_anonymous false\nplugin {}\nplugin_opt_config_file {}\n", library(), rights.display())
        } else {
            "allow_anonymous true\n".to_owned()
        };
        text.push_str(&access);
        // Else it becomes somebody who can't write into our folder.
        let _ = writeln!(text, "user {}", if is_root() { "root" } else { "nobody" });
        let configuration = folder.path().join("mosquitto.conf");
        fs::write(&configuration, text).unwrap();
        let arguments = vec!["-c".to_owned(), configuration.display().to_string()];
        let recipe = Recipe::new("mosquitto", Path::new(program()), arguments, folder.path());
        let mut broker = Self { port, recipe, process: None, _folder: folder };
        broker.start_again().await;
        broker
    }

    /// Ends it in good order and starts it anew.
    pub(crate) async fn restart(&mut self) {
        if let Some(process) = self.process.take() {
            process.interrupt().await;
        }
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        let process = self.recipe.start();
        let port = self.port;
        until("mosquitto listens", LIMIT, async || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()).await;
        self.process = Some(process);
    }

    /// A connection of the plugin's administrator.
    pub(crate) async fn administrator(&self) -> Bus {
        self.bus(ADMINISTRATOR, PASSWORD).await
    }

    pub(crate) async fn bus(&self, account: &str, password: &str) -> Bus {
        let credentials = Credentials {
            account: account.parse().unwrap(),
            password: password.to_owned(),
            broker: BrokerKind::External,
        };
        let options = BusOptions {
            address: format!("127.0.0.1:{}", self.port).parse().unwrap(),
            client_id: format!("{account} {}", vocabulary::ids::fresh_uuid()),
            account: credentials.account.clone(),
            credentials: Some(credentials),
            source: "test".to_owned(),
            tls: None,
            last_will: None,
            clock: Clock::system(),
        };
        Bus::connect(options, LIMIT).await.unwrap()
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Debian puts it where only root's PATH looks.
fn program() -> &'static str {
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .unwrap_or("mosquitto")
}

/// The plugin's file: in a folder named after the machine's architecture on Debian, elsewhere without.
fn library() -> String {
    const NAME: &str = "mosquitto_dynamic_security.so";
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let found = folders.map(|folder| folder.join(NAME)).find(|path| path.is_file());
    found.map_or_else(|| format!("/usr/lib/{NAME}"), |path| path.display().to_string())
}
