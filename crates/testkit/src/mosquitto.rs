//! Eclipse Mosquitto, as an administrator would run it beside the observatory: with its dynamic-security plugin.

use std::{fmt::Write as _, net::SocketAddr, path::Path, process::Command};

use bus::{BrokerKind, Credentials};

use crate::{folder::write_private, process::Recipe};

/// Who commands the plugin.
const ADMINISTRATOR: &str = "dynsec";
const PASSWORD: &str = "clouds at dusk";
/// Where Debian and others put the plugin.
const PLUGINS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/mosquitto_dynamic_security.so",
    "/usr/local/lib/mosquitto_dynamic_security.so",
];

/// A configured Mosquitto.
#[derive(Debug, Clone)]
pub struct Mosquitto {
    pub(crate) recipe: Recipe,
    /// Who commands its plugin.
    pub(crate) administrator: Credentials,
}

impl Mosquitto {
    /// The name of its process.
    pub const NAME: &'static str = "mosquitto";

    /// One that lets nobody in but who commands its plugin.
    pub(crate) fn make(folder: &Path, address: SocketAddr) -> Self {
        let accounts = folder.join("mosquitto.json");
        let arguments = ["dynsec", "init", &accounts.display().to_string(), ADMINISTRATOR, PASSWORD];
        let made = Command::new("mosquitto_ctrl").args(arguments).output();
        let made = made.unwrap_or_else(|e| panic!("mosquitto_ctrl: {e}; apt-get install mosquitto"));
        assert!(made.status.success(), "mosquitto_ctrl: {}", String::from_utf8_lossy(&made.stderr));
        let account = ADMINISTRATOR.parse().unwrap_or_else(|_| panic!("{ADMINISTRATOR} is no account"));
        let administrator = Credentials { account, password: PASSWORD.to_owned(), broker: BrokerKind::External };
        Self { recipe: recipe(folder, address, &accounts), administrator }
    }
}

fn recipe(folder: &Path, address: SocketAddr, accounts: &Path) -> Recipe {
    let mut text = format!("listener {} {}\nallow_anonymous false\n", address.port(), address.ip());
    let _ = write!(text, "plugin {}\nplugin_opt_config_file {}\n", plugin(), accounts.display());
    let _ = write!(text, "persistence true\npersistence_location {}/\n", folder.display());
    let _ = write!(text, "max_queued_messages 100000\nmessage_size_limit 1048576\nlog_dest stderr\n");
    if nix::unistd::Uid::effective().is_root() {
        // Else it becomes somebody who can't look into our folder.
        text.push_str("user root\n");
    }
    let configuration = folder.join("mosquitto.conf");
    write_private(&configuration, &text);
    let program = program();
    Recipe::new(Mosquitto::NAME, Path::new(program), vec!["-c".to_owned(), configuration.display().to_string()], folder)
}

/// Debian puts it where only root's PATH looks.
fn program() -> &'static str {
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .unwrap_or("mosquitto")
}

fn plugin() -> &'static str {
    let found = PLUGINS.into_iter().find(|path| Path::new(path).is_file());
    found.unwrap_or_else(|| panic!("mosquitto_dynamic_security.so is nowhere; apt-get install mosquitto"))
}
