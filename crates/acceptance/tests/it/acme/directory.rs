//! An ACME directory that we did not write: Let's Encrypt's Pebble, with a DNS server that sends every name here.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use testkit::until;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use super::openssl::get;

const STARTED: Duration = Duration::from_secs(20);

/// The directory, on ports of its own. It ends with this.
pub(crate) struct Directory {
    address: SocketAddr,
    management: SocketAddr,
    folder: TempDir,
    _programs: [Child; 2],
}

impl Directory {
    /// One that looks for the challenges at these addresses.
    pub(crate) async fn start(http: SocketAddr, https: SocketAddr) -> Self {
        let [address, management, dns, dns_management] = free_ports();
        let folder = tempfile::tempdir().unwrap();
        make_certificates(&folder).await;
        let file = |name: &str| folder.path().join(name).display().to_string();
        let configuration = json!({"pebble": {
            "listenAddress": address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": file("server.pem"),
            "privateKey": file("server.key"),
            "httpPort": http.port(),
            "tlsPort": https.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(file("pebble.json"), configuration.to_string()).unwrap();
        let nowhere = ["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""];
        let (names, command) = (dns.to_string(), dns_management.to_string());
        let here = ["-defaultIPv4", "127.0.0.1", "-dns01", &names, "-management", &command];
        let programs = [
            start(&folder, "pebble-challtestsrv", &[&nowhere[..], &here[..]].concat()),
            start(&folder, "pebble", &["-config", &file("pebble.json"), "-dnsserver", &names]),
        ];
        for address in [address, management, dns_management] {
            until("Pebble", STARTED, async || TcpStream::connect(address).await.is_ok()).await;
        }
        Self { address, management, folder, _programs: programs }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/dir", self.address.port())
    }

    /// What its own certificate is checked with, which has nothing to do with what it issues.
    pub(crate) fn root_file(&self) -> String {
        self.file("root.pem").display().to_string()
    }

    /// A file with the root of what it issues, another one each time it is started.
    pub(crate) async fn issuing_root(&self) -> String {
        let page = get(self.management, "localhost", &self.root_file(), "/roots/0").await;
        let start = page.find("-----BEGIN").unwrap_or_else(|| panic!("no root in {page}"));
        let file = self.file("issuing.pem");
        fs::write(&file, &page[start..]).unwrap();
        file.display().to_string()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn start(folder: &TempDir, program: &str, arguments: &[&str]) -> Child {
    let log = fs::File::create(folder.path().join(format!("{program}.log"))).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "10");
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command.spawn().unwrap_or_else(|e| panic!("{program}: {e}; apt-get install pebble"))
}

/// Ports that nobody has at this moment.
pub(crate) fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

/// A root, and a certificate of `localhost` from it.
async fn make_certificates(folder: &TempDir) {
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let root = ["req", "-x509", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=directory's own authority"];
    let server = ["req", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
    let signed = ["x509", "-req", "-in", "server.csr", "-CA", "root.pem", "-CAkey", "root.key", "-out", "server.pem"];
    fs::write(folder.path().join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    for arguments in [
        [&root[..], &new_key[..]].concat(),
        [&server[..], &new_key[..5]].concat(),
        [&signed[..], &["-days", "2", "-extfile", "names"]].concat(),
    ] {
        let made = Command::new("openssl").args(&arguments).current_dir(folder.path()).output().await;
        let made = made.unwrap_or_else(|e| panic!("openssl: {e}; apt-get install openssl"));
        assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    }
}
