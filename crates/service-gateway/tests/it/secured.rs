//! The same pages over TLS: certificates that change, versions that are too old, challenges, silence.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, RwLock},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use service_gateway::{Gateway, GatewayError, GatewayOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use vocabulary::Clock;

use crate::stand::{Answer, answer, ask, nobody};

const PATIENCE: Duration = Duration::from_secs(10);

/// Who signs certificates, and the one that is shown.
struct House {
    params: CertificateParams,
    key: KeyPair,
    root: CertificateDer<'static>,
    root_pem: String,
    shown: Arc<Shown>,
}

#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap()))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn paper(params: &CertificateParams, key: &KeyPair) -> Arc<CertifiedKey> {
    let own = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    // Named otherwise than who signs it, else OpenSSL takes it for self-signed.
    wanted.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = wanted.signed_by(&own, &Issuer::from_params(params, key)).unwrap();
    let private = PrivatePkcs8KeyDer::from(own.serialize_der()).into();
    let signs = aws_lc_rs::sign::any_supported_type(&private).unwrap();
    Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signs))
}

impl House {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let shown = Arc::new(Shown(RwLock::new(paper(&params, &key))));
        Self { root: root.der().clone(), root_pem: root.pem(), params, key, shown }
    }

    fn swap(&self) {
        *self.shown.0.write().unwrap() = paper(&self.params, &self.key);
    }

    fn server(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        let building =
            ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13, &TLS12]).unwrap();
        let mut config = building.with_no_client_auth().with_cert_resolver(Arc::clone(&self.shown) as _);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    fn options(&self) -> GatewayOptions {
        let tls = Some((([127, 0, 0, 1], 0).into(), self.server(&["http/1.1", "acme-tls/1"])));
        let challenge: service_gateway::Challenge =
            Arc::new(|token| (token == "tok-en_1").then(|| "tok-en_1.thumb".to_owned()));
        GatewayOptions { tls, challenge: Some(challenge), ..GatewayOptions::new(nobody(), Clock::system(), vec![]) }
    }

    async fn gateway(&self) -> Gateway {
        Gateway::start(([127, 0, 0, 1], 0).into(), self.options()).await.unwrap()
    }

    async fn dial(&self, address: SocketAddr, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let building =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13, &TLS12]).unwrap();
        let mut config = building.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await?;
        timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap()
    }

    async fn ask(&self, gateway: &Gateway, method: &str, path: &str) -> Answer {
        let mut stream = self.dial(gateway.tls_address().unwrap(), &["http/1.1"]).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await
    }
}

#[tokio::test]
async fn pages_and_what_they_tell_browsers() {
    let house = House::new();
    let gateway = house.gateway().await;
    for (method, path, status) in [
        ("GET", "/health/live", 200),
        ("HEAD", "/health/live", 200),
        ("GET", "/health", 503),
        ("GET", "/metrics", 200),
        ("GET", "/.well-known/acme-challenge/tok-en_1", 200),
        ("GET", "/nothing", 404),
        ("POST", "/health", 405),
        ("GET", "/.well-known/acme-challenge/%ff", 400),
    ] {
        let plain = ask(gateway.address(), method, path).await;
        let secured = house.ask(&gateway, method, path).await;
        assert_eq!((plain.status, secured.status), (status, status), "{method} {path}: {plain:?} {secured:?}");
        for (name, part) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            for found in [&plain, &secured] {
                assert!(found.headers[name].contains(part), "{method} {path}: {found:?}");
            }
        }
        let hsts = "strict-transport-security";
        assert!(!plain.headers.contains_key(hsts), "{method} {path}");
        assert_eq!(secured.headers[hsts], "max-age=31536000; includeSubDomains", "{method} {path}");
        assert!(!secured.headers.contains_key("server"), "{secured:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn challenges_over_http() {
    let house = House::new();
    let gateway = house.gateway().await;
    let without = Gateway::start(([127, 0, 0, 1], 0).into(), GatewayOptions::new(nobody(), Clock::system(), vec![]));
    let without = without.await.unwrap();
    assert_eq!(without.tls_address(), None);
    let known = "/.well-known/acme-challenge/tok-en_1";
    let found = ask(gateway.address(), "GET", known).await;
    assert_eq!((found.status, found.body.as_str()), (200, "tok-en_1.thumb"));
    assert_eq!(found.headers["content-type"], "application/octet-stream");
    assert_eq!(ask(without.address(), "GET", known).await.status, 404);
    for (method, token, status) in [
        ("GET", "other".to_owned(), 404),
        ("GET", String::new(), 404),
        ("GET", "tok-en_1/".to_owned(), 404),
        ("GET", "tok-en_1/x".to_owned(), 404),
        ("GET", "..%2Ftok-en_1".to_owned(), 404),
        ("GET", "../tok-en_1".to_owned(), 404),
        ("GET", "tok-en_1%00".to_owned(), 404),
        ("GET", "TOK-EN_1".to_owned(), 404),
        ("GET", "t".repeat(300), 404),
        ("POST", "tok-en_1".to_owned(), 405),
    ] {
        let found = ask(gateway.address(), method, &format!("/.well-known/acme-challenge/{token}")).await;
        assert_eq!(found.status, status, "{method} {token}: {found:?}");
        assert!(!found.body.contains("thumb"), "{method} {token}");
    }
}

#[tokio::test]
async fn a_challenge_is_a_handshake_and_nothing_more() {
    let house = House::new();
    let gateway = house.gateway().await;
    let mut stream = house.dial(gateway.tls_address().unwrap(), &["acme-tls/1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("an end in time");
    assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    // Nobody gets a protocol that is not spoken.
    assert!(house.dial(gateway.tls_address().unwrap(), &["h2"]).await.is_err());
    let both = house.dial(gateway.tls_address().unwrap(), &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_new_certificate_is_shown_at_once_and_old_connections_go_on() {
    let house = House::new();
    let gateway = house.gateway().await;
    let address = gateway.tls_address().unwrap();
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let mut old = house.dial(address, &[]).await.unwrap();
    old.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(old.read_u8().await.is_ok());
    house.swap();
    let new = house.dial(address, &[]).await.unwrap();
    assert_ne!(shown(&new), shown(&old));
    old.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, old.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&rest).matches("{\"status\":\"live\"}").count(), 2);
}

#[tokio::test]
async fn clients_of_others() {
    let house = House::new();
    let gateway = house.gateway().await;
    let address = gateway.tls_address().unwrap();
    for (version, good) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        // Without the level OpenSSL itself would not offer what is too old.
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &address.to_string(), version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        let done = command.stdin(Stdio::null()).output().await.expect("openssl is installed");
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(said.contains("BEGIN CERTIFICATE"), good, "{version}: {said}");
        assert!(good || said.contains("alert"), "{version}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &house.root_pem).unwrap();
    let (root, port) = (root.to_str().unwrap(), address.port());
    let url = format!("https://localhost:{port}/health/live");
    for (args, good) in [(&["--cacert", root][..], true), (&["--cacert", root, "--http1.1"], true), (&[], false)] {
        let mut command = Command::new("curl");
        command.args([
            "-sS",
            "--noproxy",
            "*",
            "--resolve",
            &format!("localhost:{port}:127.0.0.1"),
            "-w",
            " %{http_version}",
        ]);
        let done = command.args(args).arg(&url).output().await.expect("curl is installed");
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(said.starts_with("{\"status\":\"live\"} 1.1"), good, "{args:?}: {said} {done:?}");
    }
    // HTTP where TLS is spoken, and the other way round.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut said)).await.expect("an end in time");
    assert!(!String::from_utf8_lossy(&said).contains("HTTP"));
    assert!(house.dial(gateway.address(), &[]).await.is_err());
}

#[tokio::test]
async fn silence_keeps_nobody_out_and_it_stops_in_good_order() {
    let house = House::new();
    let gateway = house.gateway().await;
    let address = gateway.tls_address().unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert_eq!(house.ask(&gateway, "GET", "/health/live").await.status, 200);
    let mut idle = house.dial(address, &[]).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read_u8().await.is_ok());
    let begun = std::time::Instant::now();
    gateway.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let mut rest = Vec::new();
    timeout(PATIENCE, idle.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&rest).ends_with("{\"status\":\"live\"}"));
    for mut stream in silent {
        let end = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("cut off in time");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}

/// The clock runs ahead whenever everybody waits, so the ten seconds pass at once.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let house = House::new();
    let gateway = house.gateway().await;
    for sent in [&[][..], &[0x16, 3, 1, 2, 0, 1]] {
        let mut stream = TcpStream::connect(gateway.tls_address().unwrap()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let begun = tokio::time::Instant::now();
        let mut bytes = Vec::new();
        let _read = timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.unwrap();
        assert!(begun.elapsed() <= Duration::from_secs(30), "{sent:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_served_is_said_at_once() {
    let house = House::new();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let start = async |address, alpn: &[&str]| {
        let options = GatewayOptions { tls: Some((address, house.server(alpn))), ..house.options() };
        Gateway::start(([127, 0, 0, 1], 0).into(), options).await.unwrap_err()
    };
    let error = start(address, &["http/1.1"]).await;
    assert!(matches!(error, GatewayError::SecuredAddress { address: a, .. } if a == address), "{error}");
    assert!(error.to_string().contains(&address.to_string()) && error.to_string().contains("--https"), "{error}");
    let error = start(([127, 0, 0, 1], 0).into(), &["h2", "http/1.1"]).await;
    assert!(matches!(&error, GatewayError::Protocol { name } if name == "h2"), "{error}");
}
