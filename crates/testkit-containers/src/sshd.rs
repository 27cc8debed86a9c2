//! A host that one logs into: OpenSSH's server on loopback, with keys of its own and one that it lets in.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::process::{Process, folder, free_port, until_some, write_private};

const START_LIMIT: Duration = Duration::from_secs(20);
/// Where OpenSSH's server wants to lock itself in when it runs as root.
const EMPTY_FOLDER: &str = "/run/sshd";

/// A server that lets our own user in with [`Self::key`].
#[derive(Debug)]
pub struct Sshd {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Sshd {
    /// Starts it.
    ///
    /// # Panics
    /// Where it can't be started.
    pub async fn start() -> Self {
        let (folder, port) = (folder(), free_port());
        for name in ["host", "user", "stranger"] {
            generate(&folder.path().join(name));
        }
        let copied = fs::copy(folder.path().join("user.pub"), folder.path().join("authorized_keys"));
        copied.unwrap_or_else(|e| panic!("authorized_keys: {e}"));
        for (list, key) in [("known_hosts", "host"), ("strange_hosts", "stranger")] {
            let public = fs::read_to_string(folder.path().join(format!("{key}.pub"))).unwrap_or_default();
            write_private(&folder.path().join(list), &format!("[127.0.0.1]:{port} {public}"));
        }
        write_private(&folder.path().join("no_hosts"), "");
        let file = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n",
            file("host"),
            file("authorized_keys"),
        );
        write_private(&folder.path().join("sshd_config"), &text);
        if nix::unistd::Uid::effective().is_root() {
            let _it_says_so_itself_where_it_is_missing = fs::create_dir_all(EMPTY_FOLDER);
        }
        // It starts itself anew for each connection, and wants its whole path for that.
        let mut command = Command::new(program());
        let command = command.args(["-D", "-e", "-f", &file("sshd_config")]);
        let mut process = Process::start("sshd", folder.path(), command);
        until_some("answer of sshd", START_LIMIT, async || {
            assert!(process.runs(), "sshd ended\n{}", process.last_words());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()
        })
        .await;
        Self { process, folder, port }
    }

    /// Its port of 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whom it lets in: ourselves.
    pub fn user(&self) -> String {
        let found = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten();
        found.map_or_else(|| "root".to_owned(), |user| user.name)
    }

    /// The private key that it lets in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// A private key that it does not let in.
    pub fn strange_key(&self) -> PathBuf {
        self.folder.path().join("stranger")
    }

    /// A list of known hosts with its key.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// A list of known hosts with another key for it.
    pub fn strange_hosts(&self) -> PathBuf {
        self.folder.path().join("strange_hosts")
    }

    /// A list of known hosts with none.
    pub fn no_hosts(&self) -> PathBuf {
        self.folder.path().join("no_hosts")
    }

    /// What it has said.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn generate(path: &Path) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).output();
    let made = made.unwrap_or_else(|e| panic!("ssh-keygen: {e}; apt-get install openssh-client"));
    assert!(made.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&made.stderr));
}

fn program() -> &'static str {
    let found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).is_file());
    found.unwrap_or_else(|| panic!("sshd is nowhere; apt-get install openssh-server"))
}
