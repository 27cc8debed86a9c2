//! What stands in the database: keys sealed, one authority for all, one certificate for a domain.

use engine::Engine as _;
use engine_tls::{
    Certificates, ClientCertificates, ClientUse, Kind, Purpose, ServerUse, Shown, State, TlsError, TlsSettings, Trust,
    Versions,
};
use health::Status;
use sqlx::Row as _;
use store::{MasterKey, PoolSettings, Slice, Store, Vault};
use vocabulary::{Code, Fault};

use crate::{
    stand::{Site, days, settings, until},
    wire::{Connection, Listener},
};

#[tokio::test]
async fn no_key_can_be_read() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let issued = engine.issue_node(&"one".parse().unwrap(), &"telescope".parse().unwrap(), &[]).await.unwrap();
    let account = engine.issue_account(&"vera".parse().unwrap()).await.unwrap();
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    engine.issue_self_signed("dev.example.org", &[]).await.unwrap();
    let mut sql = site.sql().await;
    let mut everything = String::new();
    for table in ["authorities", "tls_certificates", "acme_accounts", "acme_challenges", "revoked_certificates"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"))).fetch_all(&mut sql).await;
        for row in rows.unwrap() {
            everything.push_str(&row.get::<String, _>(0));
        }
    }
    assert_eq!(everything.matches("BEGIN CERTIFICATE").count(), 5);
    assert!(!everything.contains("PRIVATE KEY"), "{everything}");
    let logged = format!("{issued:?} {account:?} {engine:?} {:?}", engine.keyring());
    assert!(!logged.contains("PRIVATE KEY"), "{logged}");
    for secret in [issued.private_key_pem, account.private_key_pem] {
        let line = secret.expose().lines().nth(1).unwrap().to_owned();
        assert!(!everything.contains(&line));
    }
    let plain = sqlx::query("UPDATE tls_certificates SET private_key_pem = '-----BEGIN PRIVATE KEY-----'");
    assert!(plain.execute(&mut sql).await.is_err());

    // A key that was moved to another row opens nowhere, and the rest is served on.
    let swap = sqlx::query(
        "UPDATE tls_certificates SET private_key_pem =
             (SELECT private_key_pem FROM tls_certificates WHERE domain = 'dev.example.org')
         WHERE domain = 'sky.example.org'",
    );
    swap.execute(&mut sql).await.unwrap();
    let stranger = site.engine(settings()).await;
    let report = stranger.health();
    assert_eq!(report.status, Status::Degraded);
    assert!(report.message.contains("sky.example.org can't be used"), "{}", report.message);
}

#[tokio::test]
async fn one_authority_for_all() {
    let site = Site::fresh().await;
    let (one, two) = tokio::join!(site.engine(settings()), site.engine(settings()));
    assert_eq!(one.authorities_pem(), two.authorities_pem());
    assert_eq!(one.authorities_pem().matches("BEGIN").count(), 1);
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_a_former_one_does() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    let (key, other) = (MasterKey::fresh().unwrap(), MasterKey::fresh().unwrap());
    let vault = Vault::new(&other, &[]).unwrap();
    let strange = Certificates::start(site.store().await, vault, site.clock.clone(), settings()).await.unwrap();
    assert_eq!(strange.health().status, Status::Degraded);
    let error = strange.issue_server("dome.example.org", &[]).await.unwrap_err();
    assert!(matches!(error, TlsError::Vault(_)), "{error}");

    let fresh = Site::fresh().await;
    let store = Store::connect(fresh.endpoint.clone(), PoolSettings::default()).await.unwrap();
    let vault = Vault::new(&key, &[]).unwrap();
    let before = Certificates::start(store.clone(), vault, fresh.clock.clone(), settings()).await.unwrap();
    let serial = before.issue_server("sky.example.org", &[]).await.unwrap().serial;
    let imported = rcgen_imported(&fresh);
    before.import(None, &imported.0, &engine_tls::PrivateKeyPem::new(imported.1)).await.unwrap();
    let vault = Vault::new(&other, &[key]).unwrap();
    let after = Certificates::start(store.clone(), vault, fresh.clock.clone(), settings()).await.unwrap();
    assert_eq!(after.health().status, Status::Healthy);
    after.renew_due().await.unwrap();
    // Now the former one is not needed any more.
    let vault = Vault::new(&other, &[]).unwrap();
    let last = Certificates::start(store, vault, fresh.clock.clone(), settings()).await.unwrap();
    assert_eq!(last.health().status, Status::Healthy, "{}", last.health().message);
    assert_eq!(last.get("sky.example.org").await.unwrap().serial, serial);
    last.issue_server("dome.example.org", &[]).await.unwrap();
}

#[tokio::test]
async fn rows_that_can_not_be_read() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    engine.issue_server("localhost", &[]).await.unwrap();
    let keyring = engine.keyring();
    let wanted = ServerUse {
        shown: Shown::ByName { default: None },
        client_certificates: ClientCertificates::None,
        versions: Versions::Tls13,
        alpn: Vec::new(),
    };
    let listener = Listener::open(keyring.server_config(&wanted).unwrap()).await;
    let trusting = ClientUse { trust: Trust::Ours, node: None, alpn: Vec::new() };
    let config = keyring.client_config(&trusting).unwrap();
    let mut sql = site.sql().await;
    let rename = |from: &str, to: &str| sqlx::AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
    sqlx::raw_sql(rename("revoked_certificates", "elsewhere")).execute(&mut sql).await.unwrap();
    sqlx::raw_sql("NOTIFY bigskies_certificates").execute(&mut sql).await.unwrap();
    // Noticed at once, and reported at the next look; any work makes one.
    until("a report of trouble", async || {
        let _ = engine.issue_server("localhost", &[]).await;
        engine.health().status == Status::Degraded
    })
    .await;
    assert!(engine.health().message.contains("rows can't be read"), "{}", engine.health().message);
    assert!(Connection::open(listener.address, config.clone(), "localhost").await.is_ok());
    sqlx::raw_sql(rename("elsewhere", "revoked_certificates")).execute(&mut sql).await.unwrap();
    until("health", async || {
        let _ = engine.issue_server("localhost", &[]).await;
        engine.health().status == Status::Healthy
    })
    .await;
    assert!(Connection::open(listener.address, config, "localhost").await.is_ok());
}

#[tokio::test]
async fn one_certificate_for_a_domain() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    engine.issue_self_signed("dev.example.org", &["DEV.example.org".to_owned()]).await.unwrap();
    let first = engine.issue_server("Sky.Example.org.", &["127.0.0.1".to_owned()]).await.unwrap();
    let again = engine.issue_server("sky.example.org", &[]).await.unwrap();
    assert_eq!((&first.id, first.names.len(), again.names.len()), (&again.id, 2, 1));
    assert_ne!(first.serial, again.serial);
    let code = |error: TlsError| Fault::from(error).code;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (domain, others, expected) in [
        ("node:one", names(&[]), Code::Invalid),
        ("", names(&[]), Code::Invalid),
        ("a.org", names(&["a b"]), Code::Invalid),
        ("a.org', NULL); DROP TABLE tls_certificates; --", names(&[]), Code::Invalid),
    ] {
        assert_eq!(code(engine.issue_server(domain, &others).await.unwrap_err()), expected, "{domain}");
    }
    // What is signed with its own key gives way, and stands in for nothing else.
    let stand_in = engine.issue_self_signed("new.example.org", &[]).await.unwrap();
    let real = engine.issue_server("new.example.org", &[]).await.unwrap();
    assert_eq!((&stand_in.id, stand_in.kind, real.kind), (&real.id, Kind::SelfSigned, Kind::Internal));
    assert_ne!(stand_in.serial, real.serial);
    assert_eq!(code(engine.issue_self_signed("new.example.org", &[]).await.unwrap_err()), Code::Conflict);
    engine.remove("new.example.org").await.unwrap();
    engine.issue_node(&"one".parse().unwrap(), &"telescope".parse().unwrap(), &[]).await.unwrap();
    engine.issue_account(&"vera".parse().unwrap()).await.unwrap();
    let page = engine.list(&Slice::first(3)).await.unwrap();
    let rest = engine.list(&Slice { limit: None, cursor: page.next }).await.unwrap();
    let listed: Vec<_> = page.items.iter().chain(&rest.items).map(|c| (c.domain.as_str(), c.kind, c.purpose)).collect();
    assert_eq!(
        listed,
        [
            ("account:vera", Kind::Internal, Purpose::Account),
            ("dev.example.org", Kind::SelfSigned, Purpose::Server),
            ("node:one", Kind::Internal, Purpose::Node),
            ("sky.example.org", Kind::Internal, Purpose::Server),
        ]
    );
    assert_eq!(code(engine.remove("gone.example.org").await.unwrap_err()), Code::NotFound);
    assert_eq!(code(engine.renew("account:vera").await.unwrap_err()), Code::Invalid);
    engine.remove("DEV.example.org.").await.unwrap();
    assert_eq!(code(engine.get("dev.example.org").await.unwrap_err()), Code::NotFound);
}

#[tokio::test]
async fn health() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let short = TlsSettings { self_signed_days: 60, ..settings() };
    engine.reconfigure(short).unwrap();
    assert!(engine.reconfigure(TlsSettings { authority_days: 0, ..settings() }).is_err());
    engine.issue_account(&"vera".parse().unwrap()).await.unwrap();
    engine.issue_self_signed("dev.example.org", &[]).await.unwrap();
    let imported = rcgen_imported(&site);
    engine.import(None, &imported.0, &engine_tls::PrivateKeyPem::new(imported.1)).await.unwrap();
    let state = async |domain: &str| engine.get(domain).await.unwrap().state;
    for (after, status, own, others) in [
        (days(0), Status::Healthy, State::Valid, State::Valid),
        // A third of their lives before their ends, which are sixty and forty days away.
        (days(39), Status::Degraded, State::Valid, State::Due),
        (days(2), Status::Unhealthy, State::Due, State::Expired),
    ] {
        site.clock.advance(after);
        assert_eq!((state("dev.example.org").await, state("imported.example.org").await), (own, others), "{after:?}");
        // Any change makes it look again; else it does so by itself every fifteen seconds.
        engine.issue_server("sky.example.org", &[]).await.unwrap();
        let report = engine.health();
        assert_eq!(report.status, status, "{after:?}: {}", report.message);
        assert_eq!(report.details["by_kind"]["imported"], 1);
        assert_eq!(report.details["nearest_expiry_domain"], "imported.example.org");
    }
    let report = engine.health();
    assert_eq!((&report.details["expired"], &report.details["near_expiry"]), (&1.into(), &1.into()));
    // What is ours is renewed; what was brought is not.
    engine.renew_due().await.unwrap();
    let states = (state("dev.example.org").await, state("imported.example.org").await);
    assert_eq!(states, (State::Valid, State::Expired));
    engine.remove("imported.example.org").await.unwrap();
    assert_eq!(engine.health().status, Status::Healthy);
    engine.stop().await;
    engine.stop().await;
}

/// A certificate of forty days, and its key.
fn rcgen_imported(site: &Site) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec!["imported.example.org".to_owned()]).unwrap();
    params.not_before = site.clock.now().instant();
    params.not_after = site.clock.now().plus(days(40)).instant();
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
