//! Eclipse Mosquitto, as an administrator would run it beside the observatory.

use std::{fmt::Write as _, net::SocketAddr, path::Path, process::Command};

use bus::{BrokerKind, Credentials};

use crate::{folder::write_private, process::Recipe};

/// The one account of ours on it.
const ACCOUNT: &str = "bigskies";
const PASSWORD: &str = "a night without clouds";

/// A configured Mosquitto.
#[derive(Debug, Clone)]
pub struct Mosquitto {
    pub(crate) recipe: Recipe,
    pub(crate) login: Option<Credentials>,
}

impl Mosquitto {
    /// The name of its process.
    pub const NAME: &'static str = "mosquitto";

    /// One that asks for a password.
    pub(crate) fn with_password(folder: &Path, address: SocketAddr) -> Self {
        let passwords = folder.join("mosquitto.passwords");
        write_private(&passwords, &format!("{ACCOUNT}:{PASSWORD}\n"));
        let hashed = Command::new("mosquitto_passwd").arg("-U").arg(&passwords).output();
        let hashed = hashed.unwrap_or_else(|e| panic!("mosquitto_passwd: {e}; apt-get install mosquitto"));
        assert!(hashed.status.success(), "mosquitto_passwd: {}", String::from_utf8_lossy(&hashed.stderr));
        let account = ACCOUNT.parse().unwrap_or_else(|_| panic!("{ACCOUNT} is no account"));
        let login = Credentials { account, password: PASSWORD.to_owned(), broker: BrokerKind::External };
        let access = format!("allow_anonymous false\npassword_file {}\n", passwords.display());
        Self { recipe: recipe(folder, address, &access), login: Some(login) }
    }

    /// One that lets everybody in.
    pub(crate) fn open(folder: &Path, address: SocketAddr) -> Self {
        Self { recipe: recipe(folder, address, "allow_anonymous true\n"), login: None }
    }
}

fn recipe(folder: &Path, address: SocketAddr, access: &str) -> Recipe {
    let mut text = format!("listener {} {}\n{access}", address.port(), address.ip());
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
