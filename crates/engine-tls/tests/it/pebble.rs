//! An ACME directory that we did not write: Let's Encrypt's Pebble, with a DNS server that sends every name here.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use engine_tls::{AcmeChallenge, Challenges, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ClientConfig, client::Resumption};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{
    stand::{folder, settings, until},
    wire::{BOTH_VERSIONS, get, stranger},
};

/// The directory, on ports of its own. It ends with this.
pub(crate) struct Pebble {
    directory: SocketAddr,
    management: SocketAddr,
    /// Where it looks for the challenge http-01.
    pub(crate) http: SocketAddr,
    /// Where it looks for the challenge tls-alpn-01.
    pub(crate) tls: SocketAddr,
    dns: SocketAddr,
    dns_management: SocketAddr,
    root_pem: String,
    folder: TempDir,
    programs: Vec<Child>,
}

impl Pebble {
    pub(crate) async fn start() -> Self {
        let [directory, management, http, tls, dns, dns_management] = free_ports();
        let folder = folder();
        let root_pem = write_certificates(&folder);
        let file = |name: &str| folder.path().join(name).display().to_string();
        let configuration = json!({"pebble": {
            "listenAddress": directory.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": file("server.pem"),
            "privateKey": file("server.key"),
            "httpPort": http.port(),
            "tlsPort": tls.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(file("pebble.json"), configuration.to_string()).unwrap();
        let mut pebble =
            Self { directory, management, http, tls, dns, dns_management, root_pem, folder, programs: Vec::new() };
        pebble.run().await;
        pebble
    }

    async fn run(&mut self) {
        let (dns, dns_management) = (self.dns.to_string(), self.dns_management.to_string());
        let configuration = self.folder.path().join("pebble.json").display().to_string();
        let nowhere = ["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""];
        let here = ["-defaultIPv4", "127.0.0.1", "-dns01", &dns, "-management", &dns_management];
        self.programs = vec![
            start(&self.folder, "pebble-challtestsrv", &[&nowhere[..], &here[..]].concat()),
            start(&self.folder, "pebble", &["-config", &configuration, "-dnsserver", &dns]),
        ];
        for address in [self.directory, self.management, self.dns_management] {
            until("Pebble", async || TcpStream::connect(address).await.is_ok()).await;
        }
    }

    /// Settings that order from it.
    pub(crate) fn settings(&self, challenge: AcmeChallenge) -> TlsSettings {
        TlsSettings {
            acme_directory: format!("https://localhost:{}/dir", self.directory.port()),
            acme_contact: "operator@example.org".to_owned(),
            acme_terms_agreed: true,
            acme_challenge: challenge,
            acme_root_file: self.folder.path().join("root.pem").display().to_string(),
            ..settings()
        }
    }

    /// How somebody connects who trusts what it issues, and looks at it each time.
    pub(crate) async fn trusted(&self) -> Arc<ClientConfig> {
        let issuing = get(self.management, stranger(&self.root_pem, None, BOTH_VERSIONS), "/roots/0").await;
        let mut config = ClientConfig::clone(&stranger(&issuing, None, BOTH_VERSIONS));
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }

    /// Ends it and starts it again; it forgets everything that it knew.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// Ends it, and waits until it is gone.
    pub(crate) async fn stop(&mut self) {
        for program in &mut self.programs {
            program.kill().await.unwrap();
        }
    }
}

fn start(folder: &TempDir, program: &str, arguments: &[&str]) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.path().join(format!("{program}.log"))).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "10");
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command.spawn().unwrap_or_else(|e| panic!("{program}: {e}; apt-get install pebble"))
}

/// Ports that nobody has at this moment.
fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

/// Its own certificate and the root that it is checked with, which have nothing to do with what it issues.
fn write_certificates(folder: &TempDir) -> String {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.distinguished_name.push(DnType::CommonName, "the directory's own authority");
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let server_pem = server.signed_by(&key, &Issuer::from_params(&root, &root_key)).unwrap().pem();
    for (name, text) in [("root.pem", &root_pem), ("server.pem", &server_pem), ("server.key", &key.serialize_pem())] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    root_pem
}

/// Answers the challenge http-01 as a face of ours would.
pub(crate) struct HttpFace {
    serving: JoinHandle<()>,
    asked: Arc<AtomicU32>,
}

impl HttpFace {
    pub(crate) async fn open(address: SocketAddr, challenges: Challenges) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let asked = Arc::<AtomicU32>::default();
        let count = asked.clone();
        let serving = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let challenges = challenges.clone();
                tokio::spawn(async move { answer(tcp, &challenges).await });
            }
        });
        Self { serving, asked }
    }

    /// How often the directory looked.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for HttpFace {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut tcp: TcpStream, challenges: &Challenges) {
    let mut lines = BufReader::new(&mut tcp).lines();
    let Ok(Some(first)) = lines.next_line().await else { return };
    while lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| !line.is_empty())) {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let found = path.strip_prefix("/.well-known/acme-challenge/").and_then(|token| challenges.lookup_http01(token));
    let (status, body) = found.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
    let said = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = tcp.write_all(said.as_bytes()).await;
}
