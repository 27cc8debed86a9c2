//! A Docker engine for tests: for root one of our own, on a socket, in folders and on a bridge of its own, with mutual TLS besides; for others
//! the one that runs.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::process::{Process, folder, free_port, until_some, write_private};

/// Where an engine that was not started by us listens.
const GIVEN: &str = "/var/run/docker.sock";
/// How long another test may keep its engine. They take turns, since a small machine is slow with several.
const TURN_LIMIT: Duration = Duration::from_secs(600);
/// How long an engine may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// What the bridge is called by its containers, and from what other networks get their addresses.
const BRIDGE_ADDRESS: &str = "10.212.0.1/24";
const OTHER_ADDRESSES: &str = "base=10.214.0.0/16,size=24";
/// How the names and addresses of networks begin: our bridges, those of tests, and those of engines. Nobody else's do.
const BEGINNINGS: [(&str, &str); 3] = [("bst", "10.212."), ("br-", "10.213."), ("br-", "10.214.")];
/// All of these addresses, from which containers speak with each other.
const ADDRESSES: &str = "10.212.0.0/14";
/// Where the programs are that an engine calls.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An engine. One that was started by us ends with this value, with all that it holds.
#[derive(Debug)]
pub struct Dockerd {
    socket: PathBuf,
    own: Option<Own>,
    /// Held until the engine has ended.
    _turn: File,
}

#[derive(Debug)]
struct Own {
    // Dropped in this order: the process ends before its bridge, its mounts and its folder go.
    process: Process,
    _bridge: Bridge,
    _mounts: Mounts,
    folder: TempDir,
    port: u16,
}

/// The network that containers are on by default. With one of its own, and without rules in the packet filter, an engine does not disturb
/// another that runs on this machine.
#[derive(Debug)]
struct Bridge(String);

impl Bridge {
    fn make(name: String) -> Self {
        remove_networks();
        let bridge = Self(name);
        ip(&["link", "add", &bridge.0, "type", "bridge"]);
        ip(&["address", "add", BRIDGE_ADDRESS, "dev", &bridge.0]);
        ip(&["link", "set", &bridge.0, "up"]);
        open_passage();
        bridge
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _nothing_more_can_be_done = run("ip", &["link", "delete", &self.0]);
        remove_networks();
        close_passage();
    }
}

fn ip(arguments: &[&str]) {
    let done = run("ip", arguments).unwrap_or_else(|e| panic!("ip: {e}; apt-get install iproute2"));
    assert!(done.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn run(program: &str, arguments: &[&str]) -> io::Result<Output> {
    Command::new(program).args(arguments).env("PATH", PATH).stdin(Stdio::null()).output()
}

/// Removes the networks of engines that have ended: they leave them to their next start, which does not come, and a test that is killed leaves
/// its bridge as well. Who does this has the turn, so that no other engine of ours runs.
fn remove_networks() {
    let listed = run("ip", &["-4", "-oneline", "address"]).map(|output| output.stdout).unwrap_or_default();
    for line in String::from_utf8_lossy(&listed).lines() {
        let mut words = line.split_whitespace().skip(1);
        let (name, address) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        if BEGINNINGS.iter().any(|(of_name, of_address)| name.starts_with(of_name) && address.starts_with(of_address)) {
            let _nothing_more_can_be_done = run("ip", &["link", "delete", name]);
        }
    }
}

/// Another engine that has run on this machine may have told the packet filter to let nothing pass from bridge to bridge, nor along
/// one, but what it knows. Where there is no filter, nothing is to be done.
fn open_passage() {
    close_passage();
    let _without_a_filter_all_pass = run("iptables", &passage("--insert"));
}

fn close_passage() {
    while run("iptables", &passage("--delete")).is_ok_and(|done| done.status.success()) {}
}

fn passage(deed: &str) -> [&str; 9] {
    ["--wait", deed, "FORWARD", "--source", ADDRESSES, "--destination", ADDRESSES, "--jump", "ACCEPT"]
}

/// What an engine mounts below its folder; one that was killed leaves it behind.
#[derive(Debug)]
struct Mounts(PathBuf);

impl Drop for Mounts {
    fn drop(&mut self) {
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let places = mounts.lines().rev().filter_map(|line| line.split(' ').nth(1));
        for place in places.filter(|place| Path::new(place).starts_with(&self.0)) {
            let _nothing_more_can_be_done = Command::new("umount").args(["--lazy", place]).env("PATH", PATH).output();
        }
    }
}

impl Dockerd {
    /// For root an engine of our own, which one test after the other gets; for others the engine that runs.
    ///
    /// # Panics
    /// Where there is none, and none can be started.
    pub async fn start() -> Self {
        let turn = turn().await;
        if !nix::unistd::Uid::effective().is_root() {
            let given = answers(Path::new(GIVEN)).await;
            given.unwrap_or_else(|e| {
                panic!("no engine answers at {GIVEN} ({e}); start Docker, or run the tests as root")
            });
            return Self { socket: GIVEN.into(), own: None, _turn: turn };
        }
        let (folder, port) = (folder(), free_port());
        let socket = folder.path().join("docker.sock");
        for who in ["client", "server"] {
            let made = fs::create_dir(folder.path().join(who));
            made.unwrap_or_else(|e| panic!("{}: {e}", folder.path().display()));
        }
        certificates(&folder.path().join("client"), &folder.path().join("server"));
        let mounts = Mounts(folder.path().to_owned());
        let bridge = Bridge::make(format!("bst{port}"));
        let mut command = command(folder.path(), &socket, port);
        let mut process = Process::start("dockerd", folder.path(), command.args(["--bridge", &bridge.0]));
        until_some("answer of dockerd", START_LIMIT, async || {
            assert!(process.runs(), "dockerd ended\n{}", process.last_words());
            answers(&socket).await.ok()
        })
        .await;
        Self { socket, own: Some(Own { process, _bridge: bridge, _mounts: mounts, folder, port }), _turn: turn }
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The port of 127.0.0.1 where it speaks TLS, and the folder with `ca.pem`, `cert.pem` and `key.pem` for a client that it lets in.
    ///
    /// # Panics
    /// With an engine that was not started by us.
    pub fn tls(&self) -> (u16, PathBuf) {
        let own = self.own();
        (own.port, own.folder.path().join("client"))
    }

    /// Kills it, as a crash would; its containers go on.
    ///
    /// # Panics
    /// With an engine that was not started by us.
    pub fn kill(&mut self) {
        self.own();
        self.own.iter_mut().for_each(|own| own.process.kill());
    }

    /// What it said last, for a person who wonders.
    pub fn last_words(&self) -> String {
        self.own.as_ref().map(|own| own.process.last_words()).unwrap_or_default()
    }

    fn own(&self) -> &Own {
        self.own.as_ref().unwrap_or_else(|| {
            panic!(
                "the engine at {GIVEN} is not ours; root's tests start their own, which speaks TLS and can be killed"
            )
        })
    }
}

/// Our turn among all tests of this machine.
async fn turn() -> File {
    let path = std::env::temp_dir().join("bigskies-test-dockerd.lock");
    let opened = File::options().create(true).append(true).open(&path);
    let file = opened.unwrap_or_else(|e| panic!("{} can't be opened: {e}", path.display()));
    until_some("engine that other tests use", TURN_LIMIT, async || file.try_lock().ok()).await;
    file
}

fn command(folder: &Path, socket: &Path, port: u16) -> Command {
    let path = |name: &str| folder.join(name).display().to_string();
    write_private(&folder.join("daemon.json"), "{}");
    let mut command = Command::new(program());
    command.env("PATH", PATH).args(["--tlsverify", "--iptables=false", "--ip6tables=false", "--ip-masq=false"]);
    for (flag, value) in [
        ("--config-file", path("daemon.json")),
        ("--data-root", path("data")),
        ("--exec-root", path("exec")),
        ("--pidfile", path("dockerd.pid")),
        ("--host", format!("unix://{}", socket.display())),
        ("--host", format!("tcp://127.0.0.1:{port}")),
        ("--tlscacert", path("client/ca.pem")),
        ("--tlscert", path("server/cert.pem")),
        ("--tlskey", path("server/key.pem")),
        ("--default-address-pool", OTHER_ADDRESSES.to_owned()),
        ("--shutdown-timeout", "2".to_owned()),
    ] {
        command.args([flag, &value]);
    }
    command
}

fn program() -> String {
    let found = PATH.split(':').map(|folder| format!("{folder}/dockerd")).find(|path| Path::new(path).is_file());
    found.unwrap_or_else(|| panic!("dockerd is nowhere; apt-get install docker.io"))
}

async fn answers(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n").await?;
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).await?;
    if &beginning == b"HTTP/1.1 200" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// An authority, and a certificate of it for each side.
fn certificates(client: &Path, server: &Path) {
    let (authority, signer) = authority();
    write_private(&client.join("ca.pem"), &authority);
    for (folder, name, usage) in [
        (server, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth),
        (client, "client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        signed(&signer, folder, name, usage);
    }
}

/// Writes a folder like that of [`Dockerd::tls`], of an authority that nobody trusts.
///
/// # Panics
/// Where it can't be written.
pub fn write_strange_certificates(folder: &Path) {
    let (authority, signer) = authority();
    write_private(&folder.join("ca.pem"), &authority);
    signed(&signer, folder, "client", ExtendedKeyUsagePurpose::ClientAuth);
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "tests");
    let key = made(KeyPair::generate());
    let certificate = made(params.self_signed(&key)).pem();
    (certificate, Issuer::new(params, key))
}

fn signed(signer: &Issuer<'_, KeyPair>, folder: &Path, name: &str, usage: ExtendedKeyUsagePurpose) {
    let mut params = made(CertificateParams::new(vec![name.to_owned()]));
    params.extended_key_usages = vec![usage];
    params.distinguished_name.push(DnType::CommonName, name);
    let key = made(KeyPair::generate());
    write_private(&folder.join("cert.pem"), &made(params.signed_by(&key, signer)).pem());
    write_private(&folder.join("key.pem"), &key.serialize_pem());
}

fn made<T>(result: Result<T, rcgen::Error>) -> T {
    result.unwrap_or_else(|e| panic!("a certificate can't be made: {e}"))
}
