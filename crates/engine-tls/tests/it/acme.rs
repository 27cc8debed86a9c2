//! Certificates from an ACME directory: ordered by both challenges, shown at once, renewed with the account that was kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::Engine as _;
use engine_tls::{
    ACME_ALPN, AcmeChallenge, Certificate, Certificates, ClientCertificates, Keyring, Kind, RevocationReason,
    ServerUse, Shown, State, TlsSettings, Versions,
};
use health::Status;
use rustls::ClientConfig;
use sqlx::Row as _;
use store::{
    Changes,
    certificates::{
        CHANNEL,
        challenges::{self, Challenge},
        readers::{self, Reader},
    },
};
use vocabulary::{Code, Fault};

use crate::{
    pebble::{HttpFace, Pebble},
    stand::{Site, days, until},
    wire::{Connection, Listener, serial_of},
};

const DOMAIN: &str = "sky.example.org";

fn public() -> ServerUse {
    ServerUse {
        shown: Shown::ByName { default: None },
        client_certificates: ClientCertificates::None,
        versions: Versions::Tls12AndLater,
        alpn: vec![b"http/1.1".to_vec()],
    }
}

async fn accounts(site: &Site) -> Vec<(String, String)> {
    let rows = sqlx::query("SELECT id, credentials FROM acme_accounts").fetch_all(&mut site.sql().await).await;
    rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn by_http_01() {
    let site = Site::fresh().await;
    let mut pebble = Pebble::start().await;
    let engine = site.engine(pebble.settings(AcmeChallenge::Http01)).await;
    // The face that is asked is in another process than the engine.
    let face = Keyring::start(site.store().await, site.vault.clone(), site.clock.clone()).await.unwrap();
    nobody_answers(&engine).await;
    let _answering = HttpFace::open(pebble.http, face.challenges()).await;
    site.clock.advance(Duration::from_secs(61));
    let first = obtained(&engine).await;

    // It is shown to who trusts the directory, in the other process.
    let listener = Listener::open(face.server_config(&public()).unwrap()).await;
    let trusted = pebble.trusted().await;
    for name in [DOMAIN, "www.sky.example.org"] {
        until(name, async || Connection::open(listener.address, trusted.clone(), name).await.is_ok()).await;
    }
    let mut standing = Connection::open(listener.address, trusted.clone(), DOMAIN).await.unwrap();
    let error = Connection::open(listener.address, trusted.clone(), "dome.example.org").await.err().unwrap();
    assert!(error.contains("not valid for name"), "{error}");

    // Renewal, with the account that was kept, also by a process that was started later.
    let account = accounts(&site).await;
    assert!(matches!(account.as_slice(), [(_, credentials)] if credentials.starts_with("v1|")), "{account:?}");
    site.clock.advance(first.renew_after.unwrap().since(site.clock.now()) + days(1));
    assert_eq!(engine.get(DOMAIN).await.unwrap().state, State::Due);
    let later = site.engine(pebble.settings(AcmeChallenge::Http01)).await;
    assert_eq!(later.renew_due().await.unwrap().failed, Vec::new());
    let second = later.get(DOMAIN).await.unwrap();
    // The directory goes by another clock, by which it is not due; it is not asked again and again for that.
    assert_eq!(second.retry_after, Some(site.clock.now().plus(Duration::from_secs(6 * 3600))));
    assert_eq!(engine.renew_due().await.unwrap().renewed, Vec::<String>::new());
    assert_ne!(first.serial, second.serial);
    assert_eq!(accounts(&site).await, account);
    until("the renewed certificate", async || {
        serial_of(&Connection::open(listener.address, trusted.clone(), DOMAIN).await.unwrap()) == second.serial
    })
    .await;
    assert!(standing.works().await);

    // Nothing of an order is left behind.
    let left = sqlx::query("SELECT count(*) FROM acme_challenges").fetch_one(&mut site.sql().await).await.unwrap();
    assert_eq!(left.get::<i64, _>(0), 0);
    // Revoked there, and away here.
    later.revoke(&second.serial, RevocationReason::Superseded).await.unwrap();
    assert!(later.get(DOMAIN).await.is_err());
    directory_away(&later, &mut pebble).await;
}

/// It is refused, said why, and to be tried again later.
async fn nobody_answers(engine: &Certificates) {
    let error = engine.order(DOMAIN, &["www.sky.example.org".to_owned()]).await.unwrap_err();
    assert_eq!(Fault::from(error).code, Code::Invalid);
    let awaited = engine.get(DOMAIN).await.unwrap();
    assert_eq!((awaited.state, awaited.attempts, awaited.serial.as_str()), (State::Awaited, 1, ""));
    assert!(awaited.last_error.as_deref().is_some_and(|error| error.contains("refused")), "{awaited:?}");
    assert_eq!(engine.health().status, Status::Degraded);
}

async fn obtained(engine: &Certificates) -> Certificate {
    let round = engine.renew_due().await.unwrap();
    assert_eq!((round.renewed, round.failed), (vec![DOMAIN.to_owned()], vec![]));
    let first = engine.get(DOMAIN).await.unwrap();
    assert_eq!((first.kind, first.state, first.attempts), (Kind::Acme, State::Valid, 0));
    assert_eq!(first.names, [DOMAIN, "www.sky.example.org"]);
    assert!(first.issuer.starts_with("Pebble") && first.last_error.is_none(), "{first:?}");
    assert_eq!(engine.health().status, Status::Healthy);
    first
}

/// What is there is kept.
async fn directory_away(engine: &Certificates, pebble: &mut Pebble) {
    engine.order(DOMAIN, &[]).await.unwrap();
    let there = engine.get(DOMAIN).await.unwrap();
    pebble.stop().await;
    let error = engine.renew(DOMAIN).await.unwrap_err();
    assert_eq!(Fault::from(error).code, Code::Unavailable);
    let still = engine.get(DOMAIN).await.unwrap();
    assert_eq!((still.serial, still.attempts, still.last_error.is_some()), (there.serial, 1, true));
}

#[tokio::test]
async fn by_tls_alpn_01() {
    let site = Site::fresh().await;
    let mut pebble = Pebble::start().await;
    let engine = site.engine(pebble.settings(AcmeChallenge::TlsAlpn01)).await;
    let face = Keyring::start(site.store().await, site.vault.clone(), site.clock.clone()).await.unwrap();
    engine.issue_server("dome.example.org", &[]).await.unwrap();
    let listener = Listener::at(pebble.tls, face.server_config(&public()).unwrap()).await;
    let started = Instant::now();
    // Two processes order at once.
    let other = site.engine(pebble.settings(AcmeChallenge::TlsAlpn01)).await;
    let (one, two) = tokio::join!(engine.order(DOMAIN, &[]), other.order("www.example.org", &[]));
    let (one, two) = (one.unwrap(), two.unwrap());
    println!("two orders by tls-alpn-01 in {:?}", started.elapsed());
    assert_eq!((one.state, two.state), (State::Valid, State::Valid));
    assert_eq!(accounts(&site).await.len(), 1);
    let trusted = pebble.trusted().await;
    for name in [DOMAIN, "www.example.org"] {
        until(name, async || Connection::open(listener.address, trusted.clone(), name).await.is_ok()).await;
    }

    // Another contact for the same account; and a directory that forgot it, as this one does when it is started again.
    let contact = async |contact: &str| {
        engine.reconfigure(TlsSettings { acme_contact: contact.to_owned(), ..engine.settings() }).unwrap();
        engine.renew(DOMAIN).await.unwrap();
        let row = sqlx::query("SELECT contact FROM acme_accounts").fetch_one(&mut site.sql().await).await.unwrap();
        assert_eq!(row.get::<&str, _>(0), contact);
    };
    let account = accounts(&site).await;
    contact("vera@example.org").await;
    assert_eq!(accounts(&site).await, account);
    pebble.restart().await;
    contact("ada@example.org").await;
    assert_ne!(accounts(&site).await, account);

    // Who speaks nothing but the challenge's protocol gets nothing where no order is under way; others come in.
    let mut curious = ClientConfig::clone(&trusted);
    curious.alpn_protocols = vec![ACME_ALPN.to_vec()];
    let curious = Arc::new(curious);
    until("the end of the challenge", async || {
        let opened = Connection::open(listener.address, curious.clone(), DOMAIN).await;
        opened.err().is_some_and(|error| error.contains("alert"))
    })
    .await;
    let mut both = ClientConfig::clone(&*pebble.trusted().await);
    both.alpn_protocols = vec![ACME_ALPN.to_vec(), b"http/1.1".to_vec()];
    let both = Arc::new(both);
    until("the renewed certificate", async || {
        Connection::open(listener.address, both.clone(), DOMAIN).await.is_ok_and(|it| it.protocol() == b"http/1.1")
    })
    .await;
}

/// A process that lives and says only when the test wants it to that it has read something.
struct Slow {
    reader: Reader,
    living: Changes,
}

impl Slow {
    fn start(store: &store::Store) -> Self {
        let reader = Reader::fresh();
        Self { reader, living: Changes::listen_as(reader, store.clone(), &[CHANNEL]) }
    }
}

#[tokio::test]
async fn an_order_waits_for_who_lives() {
    let site = Site::fresh().await;
    let pebble = Pebble::start().await;
    let store = site.store().await;
    let engine = site.engine(pebble.settings(AcmeChallenge::Http01)).await;
    let face = Keyring::start(site.store().await, site.vault.clone(), site.clock.clone()).await.unwrap();
    let answering = HttpFace::open(pebble.http, face.challenges()).await;
    let living = async |count: u64| {
        until("those who live", async || readers::behind(&store, &["unread".to_owned()]).await.unwrap() == count).await;
    };
    let asked_for = async || -> Vec<String> {
        let open = challenges::open(&store, site.clock.now()).await.unwrap();
        open.into_iter().map(|Challenge { token, .. }| token).collect()
    };
    let slow = Slow::start(&store);
    living(3).await;

    // One that has not read yet is waited for.
    let order = async || engine.order(DOMAIN, &[]).await.unwrap();
    let says = async || {
        until("the answers", async || {
            let tokens = asked_for().await;
            !tokens.is_empty() && readers::behind(&store, &tokens).await.unwrap() == 1
        })
        .await;
        // The directory would have looked long before.
        for _ in 0..500 {
            store.ping().await.unwrap();
        }
        let asked = answering.asked();
        readers::record(&store, slow.reader, &asked_for().await).await.unwrap();
        asked
    };
    let started = Instant::now();
    let (first, asked) = tokio::join!(order(), says());
    println!("an order, with one who was slow to read, in {:?}", started.elapsed());
    assert_eq!((first.state, asked), (State::Valid, 0));
    assert!(answering.asked() > 0);

    // One that lives and hangs is waited for within the bound.
    let started = Instant::now();
    engine.order("dome.example.org", &[]).await.unwrap();
    println!("an order, with one who hung, in {:?}", started.elapsed());
    assert!(started.elapsed() >= Duration::from_secs(5));

    // One that died is not waited for: the database knows of its end.
    drop(slow.living);
    living(2).await;
    let started = Instant::now();
    engine.order("roof.example.org", &[]).await.unwrap();
    println!("an order, with one who died, in {:?}", started.elapsed());
}
