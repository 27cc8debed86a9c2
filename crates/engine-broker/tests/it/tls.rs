//! MQTT over TLS, and over WebSocket over TLS: who gets in by which certificate, and who does not.

use std::{net::SocketAddr, path::Path, process::Stdio, sync::Arc, time::Duration};

use engine_broker::{Attempt, Broker, BrokerError, Event, Events, Objection, Options, Transport};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    papers::{self, Authority, BOTH_VERSIONS, ONE_VERSION_EACH, Paper, Shown},
    peers::websocket_round_trip_over,
    raw::{BOTH, Hello, Level, Raw},
    stand::{PATIENCE, TableGate, any_port, options, until},
};

/// A broker with TLS, and what its clients need.
struct House {
    broker: Broker,
    gate: Arc<TableGate>,
    ours: Authority,
    shown: Arc<Shown>,
    tls: SocketAddr,
    wss: SocketAddr,
}

async fn house() -> House {
    house_with(|_| ()).await
}

async fn house_with(adapt: impl FnOnce(&mut Options)) -> House {
    let (gate, ours) = (TableGate::new(), Authority::new("ours"));
    let shown = Shown::new(&ours.server());
    let config = papers::server(&ours, &shown, &["mqtt", "http/1.1", "acme-tls/1"]);
    let (tls, secure_websocket) = (any_port(), any_port());
    let mut options = Options { tls, secure_websocket, tls_config: Some(config), ..options(&gate) };
    adapt(&mut options);
    let broker = Broker::start(options).await.unwrap();
    let (tls, wss) = (broker.tls_addresses()[0], broker.secure_websocket_addresses()[0]);
    House { broker, gate, ours, shown, tls, wss }
}

impl House {
    fn client(&self, paper: Option<&Paper>) -> Arc<ClientConfig> {
        papers::client(&self.ours, paper, BOTH_VERSIONS, &[])
    }
}

async fn dial(address: SocketAddr, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await.expect("a handshake in time")
}

/// How a handshake ends that the server does not want: in TLS 1.3 the client is through before the server has looked at its certificate.
async fn refused(address: SocketAddr, config: Arc<ClientConfig>) -> String {
    let mut stream = match dial(address, config).await {
        Ok(stream) => stream,
        Err(error) => return error.to_string(),
    };
    let _ = stream.write_all(&Hello::new(Level::V5, "c", "alice").bytes()).await;
    let read = timeout(PATIENCE, stream.read_u8()).await.expect("an end in time");
    read.expect_err("nothing is answered").to_string()
}

async fn next_refusal(events: &mut Events) -> (Attempt, Objection) {
    loop {
        if let Event::Refused { what, why, .. } = timeout(PATIENCE, events.next()).await.expect("in time").unwrap() {
            return (what, why);
        }
    }
}

#[tokio::test]
async fn passwords_and_certificates() {
    let house = house().await;
    let (vera, stranger) = (house.ours.client("vera"), house.ours.client("stranger"));
    house.gate.know(&vera.certificate, "bob");
    for versions in ONE_VERSION_EACH {
        for level in BOTH {
            for (paper, user, expected) in [
                (None, "alice", Ok("alice")),
                (None, "mallory", Err([0x86, 4])),
                (Some(&vera), "whoever", Ok("bob")),
                // The authority knows it and the gate does not.
                (Some(&stranger), "alice", Err([0x86, 4])),
            ] {
                let config = papers::client(&house.ours, paper, versions, &[]);
                let stream = dial(house.tls, config).await.unwrap();
                let from = stream.get_ref().0.local_addr().unwrap();
                let (mut raw, code, _) = Raw::over(stream, &Hello::new(level, "c", user)).await;
                match expected {
                    Ok(account) => {
                        assert_eq!(code, 0, "{user} with {level:?}");
                        raw.subscribe("open/#").await;
                        raw.publish("open/a", b"x", 0, false).await;
                        assert_eq!(raw.message().await, ("open/a".to_owned(), b"x".to_vec()));
                        let client = house.broker.clients().await.remove(0);
                        let link = client.link.unwrap();
                        assert_eq!(
                            (client.account.as_str(), link.transport, link.peer),
                            (account, Transport::Tls, from)
                        );
                        raw.bye().await;
                    }
                    Err(codes) => assert_eq!(code, codes[usize::from(level == Level::V311)], "{user} with {level:?}"),
                }
                until("it is gone", async || house.broker.statistics().await.clients == 0).await;
            }
        }
    }
}

#[tokio::test]
async fn large_messages_and_many() {
    let house = house().await;
    let mut raw =
        Raw::over(dial(house.tls, house.client(None)).await.unwrap(), &Hello::new(Level::V5, "c", "alice")).await.0;
    raw.subscribe("open/#").await;
    let large = vec![7; 900_000];
    raw.publish("open/large", &large, 0, false).await;
    assert!(raw.message().await.1 == large);
    for i in 0..300_u32 {
        raw.publish("open/a", &i.to_be_bytes(), 0, false).await;
    }
    for i in 0..300_u32 {
        assert_eq!(raw.message().await.1, i.to_be_bytes());
    }
}

#[tokio::test]
async fn websockets() {
    let house = house().await;
    let vera = house.ours.client("vera");
    house.gate.know(&vera.certificate, "alice");
    for (paper, alpn) in [(None, "http/1.1"), (Some(&vera), "http/1.1")] {
        let config = papers::client(&house.ours, paper, BOTH_VERSIONS, &[alpn]);
        let stream = dial(house.wss, config).await.unwrap();
        let socket = websocket_round_trip_over(stream, house.wss, "/mqtt").await;
        let client = house.broker.clients().await.remove(0);
        assert_eq!((client.account.as_str(), client.link.unwrap().transport), ("alice", Transport::SecureWebSocket));
        drop(socket);
        until("it is gone", async || house.broker.statistics().await.clients == 0).await;
    }
}

#[tokio::test]
async fn certificates_that_are_not_good() {
    use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let house = house().await;
    let mut events = house.broker.events();
    let theirs = Authority::new("theirs");
    // Another authority that calls itself ours.
    let forged = Authority::new("ours");
    for versions in ONE_VERSION_EACH {
        for address in [house.tls, house.wss] {
            for (paper, client_sees, we_say) in [
                (theirs.client("vera"), "UnknownCA", "UnknownIssuer"),
                (forged.client("vera"), "DecryptError", "BadSignature"),
                (house.ours.paper("vera", ClientAuth, 0), "CertificateExpired", "certificate expired"),
                (house.ours.paper("vera", ServerAuth, 30), "UnsupportedCertificate", "extended key usage"),
            ] {
                house.gate.know(&paper.certificate, "alice");
                let config = papers::client(&house.ours, Some(&paper), versions, &[]);
                let seen = refused(address, config).await;
                assert!(seen.contains(client_sees), "{we_say}: {seen}");
                let (what, why) = next_refusal(&mut events).await;
                assert_eq!(what, Attempt::Connect { username: None });
                assert!(matches!(&why, Objection::Tls(said) if said.contains(we_say)), "{why}");
            }
        }
    }
    assert_eq!(house.broker.statistics().await.clients, 0);
    // And a client that trusts others does not come.
    let config = papers::client(&theirs, None, BOTH_VERSIONS, &[]);
    let error = dial(house.tls, config).await.expect_err("it does not trust us").to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn what_is_no_tls_or_too_old() {
    let house = house().await;
    let mut events = house.broker.events();
    for address in [house.tls, house.wss] {
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(&Hello::new(Level::V5, "c", "alice").bytes()).await.unwrap();
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, plain.read_to_end(&mut said)).await.expect("an end in time");
        assert_ne!(said.first(), Some(&0x20), "no CONNACK: {said:?}");
        assert!(matches!(next_refusal(&mut events).await.1, Objection::Tls(_)));
    }
    // Protocol names that we don't speak.
    let config = papers::client(&house.ours, None, BOTH_VERSIONS, &["h2"]);
    assert!(refused(house.tls, config).await.contains("NoApplicationProtocol"));
    assert!(matches!(next_refusal(&mut events).await.1, Objection::Tls(_)));
    for (version, good) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        // Without the level OpenSSL itself would not offer what is too old.
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &house.tls.to_string(), version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        let done = command.stdin(Stdio::null()).output().await.expect("openssl is installed");
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        if good {
            assert!(said.contains("BEGIN CERTIFICATE"), "{version}: {said}");
        } else {
            assert!(!said.contains("BEGIN CERTIFICATE") && said.contains("alert"), "{version}: {said}");
            let (_, why) = next_refusal(&mut events).await;
            println!("{version}: {why}");
            assert!(matches!(why, Objection::Tls(_)), "{version}: {why}");
        }
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_at_once_and_old_connections_go_on() {
    let house = house().await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let old = dial(house.tls, house.client(None)).await.unwrap();
    let first = shown(&old);
    let mut old = Raw::over(old, &Hello::new(Level::V5, "old", "alice")).await.0;
    let fresh = house.ours.server();
    house.shown.swap(&fresh);
    for address in [house.tls, house.wss] {
        let new = dial(address, house.client(None)).await.unwrap();
        assert_ne!(shown(&new), first);
        assert_eq!(shown(&new), fresh.certificate.to_vec());
    }
    old.subscribe("open/a").await;
    old.publish("open/a", b"still here", 0, false).await;
    assert_eq!(old.message().await.1, b"still here");
    assert_eq!(shown(&old.stream), first);
}

#[tokio::test]
async fn a_challenge_is_a_handshake_and_nothing_more() {
    let house = house().await;
    for address in [house.tls, house.wss] {
        let config = papers::client(&house.ours, None, BOTH_VERSIONS, &["acme-tls/1"]);
        let mut stream = dial(address, config).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
        let _ = stream.write_all(&Hello::new(Level::V5, "c", "alice").bytes()).await;
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("an end in time");
        assert!(said.is_empty(), "{said:?}");
    }
    assert_eq!(house.broker.statistics().await.clients_highest, 0);
    let config = papers::client(&house.ours, None, BOTH_VERSIONS, &["mqtt"]);
    let stream = dial(house.tls, config).await.unwrap();
    assert_eq!(Raw::over(stream, &Hello::new(Level::V5, "c", "alice")).await.1, 0);
}

#[tokio::test]
async fn silence_holds_nobody_up() {
    let house = house_with(|options| options.limits.handshake_deadline = Duration::from_millis(500)).await;
    let started = Instant::now();
    let mut silent = Vec::new();
    for address in [house.tls, house.wss, house.tls, house.wss] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if silent.len() >= 2 {
            // The head of a ClientHello, and no more.
            stream.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
        }
        silent.push(stream);
    }
    // Shakes hands, and then says nothing.
    let mut mute = dial(house.tls, house.client(None)).await.unwrap();
    let stream = dial(house.tls, house.client(None)).await.unwrap();
    let raw = Raw::over(stream, &Hello::new(Level::V5, "quick", "alice")).await;
    assert_eq!(raw.1, 0);
    websocket_round_trip_over(dial(house.wss, house.client(None)).await.unwrap(), house.wss, "/mqtt").await;
    let mut events = house.broker.events();
    for mut stream in silent {
        let end = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("cut off in time");
        assert!(matches!(end, Ok(0) | Err(_)), "nothing is said to the silent: {end:?}");
    }
    let end = timeout(PATIENCE, mute.read(&mut [0; 1])).await.expect("cut off in time");
    assert!(matches!(end, Ok(0) | Err(_)), "nothing is said to the silent: {end:?}");
    assert_eq!(next_refusal(&mut events).await.1, Objection::Late);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_certificate_that_is_revoked_ends_the_connection() {
    let house = house().await;
    let vera = house.ours.client("vera");
    house.gate.know(&vera.certificate, "alice");
    let stands = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let asked = Arc::clone(&stands);
    house.gate.admit("alice", None, Some(Arc::new(move || asked.load(std::sync::atomic::Ordering::SeqCst))));
    let stream = dial(house.tls, house.client(Some(&vera))).await.unwrap();
    let (mut raw, code, _) = Raw::over(stream, &Hello::new(Level::V5, "c", "whoever")).await;
    assert_eq!((code, house.broker.review_connections()), (0, 0));
    stands.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(house.broker.review_connections(), 1);
    while raw.next().await.is_some() {}
}

#[tokio::test]
async fn no_tls_without_a_configuration() {
    let gate = TableGate::new();
    for (tls, secure_websocket, expected) in
        [(any_port(), vec![], Transport::Tls), (vec![], any_port(), Transport::SecureWebSocket)]
    {
        let error = Broker::start(Options { tls, secure_websocket, ..options(&gate) }).await.unwrap_err();
        assert!(matches!(error, BrokerError::NoTls { transport, .. } if transport == expected), "{error}");
        assert!(error.to_string().contains("give one"), "{error}");
    }
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let ours = Authority::new("ours");
    let config = papers::server(&ours, &Shown::new(&ours.server()), &[]);
    for wanted in [Transport::Tls, Transport::SecureWebSocket] {
        let mut options = Options { tls_config: Some(Arc::clone(&config)), ..options(&gate) };
        let addresses = if wanted == Transport::Tls { &mut options.tls } else { &mut options.secure_websocket };
        addresses.push(address);
        let error = Broker::start(options).await.unwrap_err();
        assert!(matches!(error, BrokerError::AddressTaken { transport, .. } if transport == wanted), "{error}");
    }
}

#[tokio::test]
async fn stopping_is_bounded() {
    let house = house().await;
    let _silent = [TcpStream::connect(house.tls).await.unwrap(), TcpStream::connect(house.wss).await.unwrap()];
    let _mute = dial(house.tls, house.client(None)).await.unwrap();
    let stream = dial(house.tls, house.client(None)).await.unwrap();
    let mut raw = Raw::over(stream, &Hello::new(Level::V311, "c", "alice")).await.0;
    let started = Instant::now();
    engine::Engine::stop(&house.broker).await;
    println!("stopping with silent connections over TLS took {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn mosquittos_clients() {
    let house = house().await;
    let (vera, theirs) = (house.ours.client("vera"), Authority::new("theirs"));
    let expired = house.ours.paper("vera", rcgen::ExtendedKeyUsagePurpose::ClientAuth, 0);
    house.gate.know(&vera.certificate, "alice");
    house.gate.know(&expired.certificate, "alice");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ca, other_ca) = (file("ca.pem", &house.ours.pem), file("other-ca.pem", &theirs.pem));
    let shows = |name: &str, paper: &Paper| {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}-key.pem"));
        [
            "--cert".to_owned(),
            file(&certificate, &paper.pem),
            "--key".to_owned(),
            file(&key, &paper.key.serialize_pem()),
        ]
    };
    let (vera, foreign, expired) =
        (shows("vera", &vera), shows("foreign", &theirs.client("vera")), shows("old", &expired));
    let by_password = ["-u", "alice", "-P", "alice"].map(str::to_owned);
    let port = house.tls.port().to_string();
    assert!(Path::new(&ca).exists());
    for version in ["311", "5"] {
        let mut sub = Command::new("mosquitto_sub")
            .args(["-h", "localhost", "-p", &port, "-V", version, "--cafile", &ca, "-i", "sub", "-t", "open/#"])
            .args(&vera)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("mosquitto_sub is installed (apt-get install mosquitto-clients)");
        let mut lines = BufReader::new(sub.stdout.take().unwrap()).lines();
        until("it has subscribed", async || house.broker.statistics().await.filters == 1).await;
        for (name, cafile, who, good) in [
            ("a password", &ca, &by_password, true),
            ("a certificate", &ca, &vera, true),
            ("a foreign certificate", &ca, &foreign, false),
            ("an expired certificate", &ca, &expired, false),
            ("no trust in us", &other_ca, &by_password, false),
        ] {
            let done = Command::new("mosquitto_pub")
                .args(["-h", "localhost", "-p", &port, "-V", version, "--cafile", cafile, "-q", "1", "-t", "open/a"])
                .args(["-m", name])
                .args(who)
                .kill_on_drop(true)
                .output();
            let done = timeout(PATIENCE, done).await.expect("it ends in time").unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert_eq!(done.status.success(), good, "{name} with {version}: {said}");
            if good {
                assert_eq!(timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().as_deref(), Some(name));
            }
        }
        sub.kill().await.unwrap();
        until("it is gone", async || house.broker.statistics().await.clients == 0).await;
    }
}
