//! Who comes in and who does not, between nodes of ours and strangers; and what happens when certificates change meanwhile.

use std::sync::Arc;

use engine_tls::{
    Certificates, ClientCertificates, ClientUse, Keyring, RevocationReason, ServerUse, Shown, Trust, Versions,
};
use rustls::{
    ClientConfig, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use crate::{
    stand::{Site, days, settings, until},
    wire::{BOTH_VERSIONS, Connection, Listener, raw, serial_of, stranger},
};

fn by_name() -> Shown {
    Shown::ByName { default: None }
}

fn server(shown: Shown, client_certificates: ClientCertificates, versions: Versions) -> ServerUse {
    ServerUse { shown, client_certificates, versions, alpn: Vec::new() }
}

fn node(name: &str) -> ClientUse {
    ClientUse { trust: Trust::Ours, node: Some(name.parse().unwrap()), alpn: Vec::new() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn listener(keyring: &Keyring, wanted: &ServerUse) -> Listener {
    Listener::open(keyring.server_config(wanted).unwrap()).await
}

/// Connects as `config` and compares what comes of it: the greeting, or a part of the refusal.
async fn check(what: &str, listener: &Listener, config: Arc<ClientConfig>, name: &str, expected: Result<&str, &str>) {
    let found = Connection::open(listener.address, config, name).await.map(|connection| connection.greeting);
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{what}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{what}: {found}"),
        (found, expected) => panic!("{what}: {found:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn who_comes_in() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let other = Site::fresh().await;
    let stranger_engine = other.engine(settings()).await;
    let (name, role) = ("telescope-1".parse().unwrap(), "telescope".parse().unwrap());
    let telescope = engine.issue_node(&name, &role, &[]).await.unwrap();
    let foreign = stranger_engine.issue_node(&name, &role, &[]).await.unwrap();
    let account = engine.issue_account(&"vera".parse().unwrap()).await.unwrap();
    engine.issue_server("sky.example.org", &names(&["127.0.0.1"])).await.unwrap();
    let server_key = site.key_of("sky.example.org").await;
    let server_chain = engine.get("sky.example.org").await.unwrap().certificate_pem;
    let trusted = engine.authorities_pem();
    let keyring = engine.keyring();
    let as_telescope = (telescope.certificate.certificate_pem.as_str(), telescope.private_key_pem.expose());
    let as_account = (account.certificate.certificate_pem.as_str(), account.private_key_pem.expose());
    let as_foreign = (foreign.certificate.certificate_pem.as_str(), foreign.private_key_pem.expose());
    let as_server = (server_chain.as_str(), server_key.as_str());

    for asked in [ClientCertificates::None, ClientCertificates::Optional, ClientCertificates::Required] {
        let listener = listener(&keyring, &server(by_name(), asked, Versions::Tls12AndLater)).await;
        let anonymous = if asked == ClientCertificates::Required { Err("CertificateRequired") } else { Ok("somebody") };
        for version in [&TLS13, &TLS12] {
            let shows = |identity| stranger(&trusted, identity, &[version]);
            let name = "sky.example.org";
            let what = |who: &str| format!("{who} where {asked:?}, {version:?}");
            check(&what("nobody"), &listener, shows(None), name, anonymous).await;
            if asked == ClientCertificates::None {
                check(&what("a node unasked"), &listener, shows(Some(as_telescope)), name, Ok("somebody")).await;
                continue;
            }
            for (who, identity, expected) in [
                ("a node", as_telescope, Ok("node telescope-1 telescope")),
                ("an account", as_account, Ok("account vera")),
                ("a node of another authority", as_foreign, Err("UnknownCA")),
                ("a listener's certificate", as_server, Err("UnsupportedCertificate")),
            ] {
                check(&what(who), &listener, shows(Some(identity)), name, expected).await;
            }
        }
    }
}

#[tokio::test]
async fn whom_a_client_trusts() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let other = Site::fresh().await;
    let stranger_engine = other.engine(settings()).await;
    let account = engine.issue_account(&"vera".parse().unwrap()).await.unwrap();
    engine.issue_server("sky.example.org", &names(&["*.dome.example.org"])).await.unwrap();
    stranger_engine.issue_server("sky.example.org", &[]).await.unwrap();
    let self_signed = stranger_engine.issue_self_signed("dev.example.org", &names(&["127.0.0.1"])).await.unwrap();

    let ours = listener(&engine.keyring(), &server(by_name(), ClientCertificates::None, Versions::Tls13)).await;
    let theirs =
        listener(&stranger_engine.keyring(), &server(by_name(), ClientCertificates::None, Versions::Tls13)).await;
    // A client's certificate in the place of a listener's.
    let chain = CertificateDer::pem_slice_iter(account.certificate.certificate_pem.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(account.private_key_pem.expose().as_bytes()).unwrap();
    let wrong = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let wrong = wrong.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let wrong = wrong.with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key).unwrap();
    let wrong = Listener::open(Arc::new(wrong)).await;

    let keyring = engine.keyring();
    let trusting = |trust| keyring.client_config(&ClientUse { trust, node: None, alpn: Vec::new() }).unwrap();
    let given = || Trust::Given(self_signed.certificate_pem.clone());
    for (what, listener, trust, name, expected) in [
        ("its name", &ours, Trust::Ours, "sky.example.org", Ok("somebody")),
        ("its name in capitals", &ours, Trust::Ours, "SKY.example.ORG", Ok("somebody")),
        ("a name of one level", &ours, Trust::Ours, "east.dome.example.org", Ok("somebody")),
        ("a name of two levels", &ours, Trust::Ours, "a.east.dome.example.org", Err("not valid for name")),
        ("another name", &ours, Trust::Ours, "evil.example.org", Err("not valid for name")),
        ("an address that it is not for", &ours, Trust::Ours, "127.0.0.1", Err("not valid for name")),
        ("another authority", &theirs, Trust::Ours, "sky.example.org", Err("UnknownIssuer")),
        ("self-signed", &theirs, Trust::Ours, "dev.example.org", Err("UnknownIssuer")),
        ("self-signed and given", &theirs, given(), "dev.example.org", Ok("somebody")),
        ("an account's certificate", &wrong, Trust::Ours, "sky.example.org", Err("certificate")),
    ] {
        check(what, listener, trusting(trust), name, expected).await;
    }
}

#[tokio::test]
async fn versions_and_noise() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    engine.issue_server("localhost", &[]).await.unwrap();
    let (keyring, trusted) = (engine.keyring(), engine.authorities_pem());
    let modern = listener(&keyring, &server(by_name(), ClientCertificates::None, Versions::Tls13)).await;
    let common = listener(&keyring, &server(by_name(), ClientCertificates::None, Versions::Tls12AndLater)).await;
    for (what, listener, version, expected) in [
        ("1.3 to both", &common, &TLS13, Ok("somebody")),
        ("1.2 to both", &common, &TLS12, Ok("somebody")),
        ("1.3 to 1.3", &modern, &TLS13, Ok("somebody")),
        ("1.2 to 1.3", &modern, &TLS12, Err("ProtocolVersion")),
    ] {
        check(what, listener, stranger(&trusted, None, &[version]), "localhost", expected).await;
    }
    for (what, listener) in [("1.3", &modern), ("both", &common)] {
        for (version, minor) in [("1.1", 2), ("1.0", 1), ("SSL 3", 0)] {
            let back = raw(listener.address, &client_hello(minor)).await;
            // A fatal alert and nothing more: protocol_version, or handshake_failure (RFC 8446, section 6).
            assert_eq!(
                (back.len(), back.first(), back.get(5)),
                (7, Some(&21), Some(&2)),
                "{version} to {what}: {back:?}"
            );
            assert!(matches!(back.last(), Some(70 | 40)), "{version} to {what}: {back:?}");
        }
        for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[0x16, 3, 1, 0xff, 0xff]] {
            let back = raw_closed(listener, noise).await;
            assert!(back.is_empty() || back.first() == Some(&21), "{what}: {back:?}");
        }
    }
    check("after the noise", &common, stranger(&trusted, None, BOTH_VERSIONS), "localhost", Ok("somebody")).await;
}

/// Says something and nothing more, so that nothing is waited for.
async fn raw_closed(listener: &Listener, bytes: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut tcp = tokio::net::TcpStream::connect(listener.address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let _ = tcp.shutdown().await;
    let mut back = Vec::new();
    let _ = tcp.read_to_end(&mut back).await;
    back
}

/// The first words of a client that knows no version after 3.`minor`.
fn client_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    // No session; two cipher suites; no compression; nothing more.
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    [&[22, 3, minor, 0, length + 4, 1, 0, 0, length], hello.as_slice()].concat()
}

#[tokio::test]
async fn which_certificate_is_shown() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let node_name = "broker-1".parse().unwrap();
    engine.issue_self_signed("dev.example.org", &names(&["sky.example.org"])).await.unwrap();
    engine.issue_server("sky.example.org", &names(&["127.0.0.1"])).await.unwrap();
    engine.issue_server("dome.example.org", &[]).await.unwrap();
    engine.issue_node(&node_name, &"broker".parse().unwrap(), &names(&["dome.example.org"])).await.unwrap();
    let serial = async |domain: &str| engine.get(domain).await.unwrap().serial;
    let (dev, sky, dome) =
        (serial("dev.example.org").await, serial("sky.example.org").await, serial("dome.example.org").await);
    let broker = serial("node:broker-1").await;
    let trusting = [engine.authorities_pem(), engine.get("dev.example.org").await.unwrap().certificate_pem].concat();
    let config = stranger(&trusting, None, BOTH_VERSIONS);

    let with_default = |domain: &str| Shown::ByName { default: Some(domain.to_owned()) };
    for (shown, asked, expected) in [
        (by_name(), "sky.example.org", Some(&sky)),
        (by_name(), "dome.example.org", Some(&dome)),
        (by_name(), "dev.example.org", Some(&dev)),
        // By address no name is sent, so this is what is shown to who names none.
        (with_default("sky.example.org"), "127.0.0.1", Some(&sky)),
        (with_default("dome.example.org"), "127.0.0.1", None),
        (with_default("gone.example.org"), "dome.example.org", Some(&dome)),
        (by_name(), "unknown.example.org", None),
        (Shown::Node(node_name.clone()), "127.0.0.1", Some(&broker)),
        (Shown::Node(node_name.clone()), "dome.example.org", Some(&broker)),
        (Shown::Node("nobody".parse().unwrap()), "dome.example.org", None),
    ] {
        let wanted = server(shown.clone(), ClientCertificates::None, Versions::Tls12AndLater);
        let listener = listener(&engine.keyring(), &wanted).await;
        let found = Connection::open(listener.address, config.clone(), asked).await;
        let found = found.ok().map(|connection| serial_of(&connection));
        assert_eq!(found.as_ref(), expected, "{shown:?} asked for {asked}");
    }
}

#[tokio::test]
async fn what_expired_is_refused() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let (one, role) = ("one".parse().unwrap(), "telescope".parse().unwrap());
    engine.issue_node(&one, &role, &[]).await.unwrap();
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    let keyring = engine.keyring();
    let listener = listener(&keyring, &server(by_name(), ClientCertificates::Required, Versions::Tls13)).await;
    let config = keyring.client_config(&node("one")).unwrap();
    let name = "sky.example.org";
    check("in time", &listener, config.clone(), name, Ok("node one telescope")).await;
    site.clock.advance(days(8));
    check("a node too late", &listener, config.clone(), name, Err("CertificateExpired")).await;
    engine.renew_due().await.unwrap();
    check("renewed", &listener, config.clone(), name, Ok("node one telescope")).await;
    site.clock.advance(days(90));
    check("a listener too late", &listener, config, name, Err("certificate expired")).await;
}

/// Issues a node's certificate and a listener that lets nodes in, and gives it with the way in.
async fn gate(engine: &Certificates) -> (Listener, Arc<ClientConfig>) {
    let issued = engine.issue_node(&"one".parse().unwrap(), &"telescope".parse().unwrap(), &[]).await.unwrap();
    engine.issue_server("localhost", &[]).await.unwrap();
    let wanted = server(by_name(), ClientCertificates::Required, Versions::Tls12AndLater);
    let listener = listener(&engine.keyring(), &wanted).await;
    // A client that would take a session up again, if it were let.
    let identity = (issued.certificate.certificate_pem.as_str(), issued.private_key_pem.expose());
    (listener, stranger(&engine.authorities_pem(), Some(identity), BOTH_VERSIONS))
}

#[tokio::test]
async fn what_was_revoked_is_refused_at_once() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let (listener, config) = gate(&engine).await;
    let elsewhere = Keyring::start(site.store().await, site.vault.clone(), site.clock.clone()).await.unwrap();
    let mut standing = Connection::open(listener.address, config.clone(), "localhost").await.unwrap();
    let former = engine.get("node:one").await.unwrap();
    engine.renew("node:one").await.unwrap();
    check("by the former certificate", &listener, config.clone(), "localhost", Ok("node one telescope")).await;

    let chain = [CertificateDer::from_pem_slice(former.certificate_pem.as_bytes()).unwrap()];
    assert!(!elsewhere.is_revoked(&chain));
    let mut changed = elsewhere.changed();
    let revoked_at = std::time::Instant::now();
    assert!(engine.revoke(&former.serial.to_uppercase(), RevocationReason::KeyCompromise).await.unwrap().is_none());
    check("the revoked one", &listener, config.clone(), "localhost", Err("CertificateRevoked")).await;
    assert!(engine.keyring().is_revoked(&chain));
    until("revocation in another process", async || elsewhere.is_revoked(&chain)).await;
    println!("revoked in another process after {:?} at most", revoked_at.elapsed());
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    // Connections that stand are their listener's to end.
    assert!(standing.works().await);

    // The one in its place is good, until it is revoked too, and then it is not renewed either.
    let ours = engine.keyring().client_config(&node("one")).unwrap();
    check("the renewed one", &listener, ours.clone(), "localhost", Ok("node one telescope")).await;
    let latter = engine.get("node:one").await.unwrap().serial;
    let gone = engine.revoke(&latter, RevocationReason::PrivilegeWithdrawn).await.unwrap().unwrap();
    assert_eq!(gone.domain, "node:one");
    check("without any", &listener, ours, "localhost", Err("CertificateRequired")).await;
    site.clock.advance(days(6));
    assert_eq!(engine.renew_due().await.unwrap().renewed, Vec::<String>::new());

    // A listener's certificate too.
    let trusting = ClientUse { trust: Trust::Ours, node: None, alpn: Vec::new() };
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    let wanted = server(by_name(), ClientCertificates::None, Versions::Tls13);
    let sky = self::listener(&engine.keyring(), &wanted).await;
    let stale = site.key_of("sky.example.org").await;
    let shown = engine.get("sky.example.org").await.unwrap();
    let stolen = (shown.certificate_pem.as_str(), stale.as_str());
    check("a listener", &sky, engine.keyring().client_config(&trusting).unwrap(), "sky.example.org", Ok("somebody"))
        .await;
    engine.revoke(&shown.serial, RevocationReason::KeyCompromise).await.unwrap();
    let thief = thief(stolen).await;
    check(
        "a stolen key",
        &thief,
        engine.keyring().client_config(&trusting).unwrap(),
        "sky.example.org",
        Err("Revoked"),
    )
    .await;

    for serial in ["", "zz", "1 OR 1=1"] {
        assert!(engine.revoke(serial, RevocationReason::Unspecified).await.is_err(), "{serial:?}");
    }
}

/// A listener that shows a certificate whatever we think of it.
async fn thief((chain, key): (&str, &str)) -> Listener {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Listener::open(Arc::new(config.with_single_cert(chain, key).unwrap())).await
}

#[tokio::test]
async fn live_swap() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let elsewhere = Keyring::start(site.store().await, site.vault.clone(), site.clock.clone()).await.unwrap();
    let wanted = server(by_name(), ClientCertificates::Required, Versions::Tls13);
    let listener = listener(&elsewhere, &wanted).await;
    let config = elsewhere.client_config(&node("one")).unwrap();
    check("before there is any", &listener, config.clone(), "localhost", Err("alert")).await;

    engine.issue_server("localhost", &[]).await.unwrap();
    engine.issue_node(&"one".parse().unwrap(), &"telescope".parse().unwrap(), &[]).await.unwrap();
    let open = async || Connection::open(listener.address, config.clone(), "localhost").await;
    until("certificates in another process", async || open().await.is_ok()).await;
    let mut standing = open().await.unwrap();
    let before = serial_of(&standing);

    let renewed = engine.renew("localhost").await.unwrap();
    engine.renew("node:one").await.unwrap();
    let swapped_at = std::time::Instant::now();
    until("the renewed certificate", async || serial_of(&open().await.unwrap()) == renewed.serial).await;
    println!("swapped in another process after {:?} at most", swapped_at.elapsed());
    assert_ne!(before, renewed.serial);
    assert!(standing.works().await);

    // Another authority: both are trusted, and what the former one issued is good on.
    engine.rotate_authority().await.unwrap();
    until("the other authority", async || elsewhere.authorities_pem().matches("BEGIN").count() == 2).await;
    check("under the former authority", &listener, config.clone(), "localhost", Ok("node one telescope")).await;
    engine.renew("localhost").await.unwrap();
    check("under both", &listener, config.clone(), "localhost", Ok("node one telescope")).await;
    engine.renew("node:one").await.unwrap();
    check("under the new authority", &listener, config.clone(), "localhost", Ok("node one telescope")).await;
    assert!(standing.works().await);

    engine.remove("localhost").await.unwrap();
    until("a listener without a certificate", async || open().await.is_err()).await;
    assert!(standing.works().await);
}
