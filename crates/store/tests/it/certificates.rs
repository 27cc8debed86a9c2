//! Certificates, authorities, revocations, accounts and challenges: kept, listed, refused where they can't stand, and noticed.

use std::time::Duration;

use store::{
    Changes, Slice, Store, StoreError,
    certificates::{
        self, CHANNEL, Certificate, ChallengeKind, Kind, Material, Purpose,
        accounts::{self, AcmeAccount},
        authorities::{self, Authority, AuthorityState},
        challenges::{self, Challenge},
        readers::{self, Reader},
        revocations::{self, Revocation, RevocationReason},
    },
};

use crate::stand::{at, stand};

fn certificate(domain: &str) -> Certificate {
    Certificate {
        id: format!("id-{}", domain.replace([':', '*'], "-")).parse().unwrap(),
        domain: domain.to_owned(),
        names: vec![domain.to_owned(), "127.0.0.1".to_owned()],
        kind: Kind::Internal,
        purpose: Purpose::Server,
        role: None,
        material: Some(Material {
            certificate_pem: "a chain".to_owned(),
            private_key_sealed: Some("v1|k|n|t".to_owned()),
            serial: "4fa0".to_owned(),
            issuer: "us".to_owned(),
            not_before: at(0),
            expires_at: at(900),
            renew_after: at(600),
        }),
        attempts: 0,
        retry_after: None,
        last_error: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn with(domain: &str, change: impl FnOnce(&mut Certificate)) -> Certificate {
    let mut certificate = certificate(domain);
    change(&mut certificate);
    certificate
}

fn with_material(domain: &str, change: impl FnOnce(&mut Material)) -> Certificate {
    with(domain, |certificate| change(certificate.material.as_mut().unwrap()))
}

async fn put(store: &Store, certificate: &Certificate) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    certificates::put(&mut tx, certificate).await?;
    tx.commit().await
}

#[tokio::test]
async fn certificates_are_kept() {
    let stand = stand();
    let store = stand.store().await;
    let awaited = with("new.example.org", |one| (one.kind, one.material) = (Kind::Acme, None));
    let node = with("node:one", |one| (one.purpose, one.role) = (Purpose::Node, Some("telescope".parse().unwrap())));
    let account = with("account:vera", |one| {
        one.purpose = Purpose::Account;
        let material = one.material.as_mut().unwrap();
        (material.private_key_sealed, material.serial) = (None, "77".to_owned());
    });
    let quoted_id = certificate("q").id;
    let quoted = "x'); DROP TABLE tls_certificates; --";
    for one in [&awaited, &node, &account] {
        put(&store, one).await.unwrap();
        assert_eq!(certificates::get(&store, &one.domain).await.unwrap(), *one);
    }
    assert!(put(&store, &with("q", |one| one.domain = quoted.to_owned())).await.is_ok());
    let page = certificates::list(&store, &Slice::first(2)).await.unwrap();
    let rest = certificates::list(&store, &Slice { limit: None, cursor: page.next }).await.unwrap();
    let domains: Vec<_> = page.items.iter().chain(&rest.items).map(|one| one.domain.clone()).collect();
    assert_eq!(domains, ["account:vera", "new.example.org", "node:one", quoted]);
    assert_eq!(certificates::with_serial(&store, "77").await.unwrap().unwrap().domain, "account:vera");
    assert_eq!(certificates::with_serial(&store, "' OR 1=1").await.unwrap(), None);

    let mut tx = store.begin().await.unwrap();
    certificates::record_failure(&mut tx, &awaited.id, "away", at(60), at(5)).await.unwrap();
    certificates::record_failure(&mut tx, &awaited.id, "still away", at(120), at(6)).await.unwrap();
    certificates::remove(&mut tx, "node:one").await.unwrap();
    assert!(matches!(certificates::remove(&mut tx, "node:one").await, Err(StoreError::NotFound { .. })));
    tx.commit().await.unwrap();
    let found = certificates::get(&store, "new.example.org").await.unwrap();
    assert_eq!(
        (found.attempts, found.last_error.as_deref(), found.retry_after),
        (2, Some("still away"), Some(at(120)))
    );
    let mut tx = store.begin().await.unwrap();
    certificates::reseal(&mut tx, &quoted_id, "v1|other", "v1|never").await.unwrap();
    certificates::reseal(&mut tx, &quoted_id, "v1|k|n|t", "v1|again").await.unwrap();
    tx.commit().await.unwrap();
    let resealed = certificates::get(&store, quoted).await.unwrap().material.unwrap();
    assert_eq!(resealed.private_key_sealed.as_deref(), Some("v1|again"));

    let renewed = with("new.example.org", |one| (one.kind, one.created_at) = (Kind::Acme, at(77)));
    put(&store, &renewed).await.unwrap();
    let found = certificates::find(&store, "new.example.org").await.unwrap().unwrap();
    assert_eq!((found.attempts, found.last_error, found.created_at), (0, None, at(0)));
    assert_eq!(certificates::all(&store).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_can_not_stand() {
    let stand = stand();
    let store = stand.store().await;
    put(&store, &certificate("a.org")).await.unwrap();
    let plain = "-----BEGIN PRIVATE KEY-----".to_owned();
    for (what, one) in [
        ("a key that is not sealed", with_material("b.org", |m| m.private_key_sealed = Some(plain))),
        ("a certificate without a key", with_material("b.org", |m| m.private_key_sealed = None)),
        ("an account's with a key", with("b.org", |one| one.purpose = Purpose::Account)),
        ("none that nobody ordered", with("b.org", |one| one.material = None)),
        ("a node without a role", with("b.org", |one| one.purpose = Purpose::Node)),
        ("a role without a node", with("b.org", |one| one.role = Some("telescope".parse().unwrap()))),
        ("an end before the beginning", with_material("b.org", |m| m.expires_at = at(0))),
        ("a serial number that is none", with_material("b.org", |m| m.serial = "4F A0".to_owned())),
        ("no domain", with("b.org", |one| one.domain = String::new())),
    ] {
        let error = put(&store, &one).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{what}: {error}");
    }
    let twice = with("b.org", |one| one.domain = "a.org".to_owned());
    let error = put(&store, &twice).await.unwrap_err();
    assert_eq!(error, StoreError::Conflict { what: "a.org has a certificate already".to_owned() });
}

fn authority(id: &str, state: AuthorityState, expires_at: u64) -> Authority {
    Authority {
        id: id.parse().unwrap(),
        certificate_pem: "a certificate".to_owned(),
        private_key_sealed: "v1|k|n|t".to_owned(),
        state,
        not_before: at(0),
        expires_at: at(expires_at),
        created_at: at(expires_at),
    }
}

#[tokio::test]
async fn authorities_and_what_they_revoked() {
    let stand = stand();
    let store = stand.store().await;
    let mut tx = store.begin().await.unwrap();
    authorities::insert(&mut tx, &authority("one", AuthorityState::Active, 100)).await.unwrap();
    let revocation = |authority: &str, serial: &str, expires_at| Revocation {
        authority: authority.parse().unwrap(),
        serial: serial.to_owned(),
        domain: "node:x".to_owned(),
        reason: RevocationReason::KeyCompromise,
        revoked_at: at(expires_at),
        expires_at: at(expires_at),
    };
    for (serial, expires_at) in [("a1", 50), ("a2", 60), ("a2", 70)] {
        revocations::insert(&mut tx, &revocation("one", serial, expires_at)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let error = authorities::insert(&mut tx, &authority("two", AuthorityState::Active, 200)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    let error = revocations::insert(&mut tx, &revocation("nobody", "a3", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    drop(tx);

    let mut tx = store.begin().await.unwrap();
    authorities::retire(&mut tx).await.unwrap();
    authorities::insert(&mut tx, &authority("two", AuthorityState::Active, 200)).await.unwrap();
    let one = "one".parse().unwrap();
    authorities::reseal(&mut tx, &one, "v1|other", "v1|never").await.unwrap();
    authorities::reseal(&mut tx, &one, "v1|k|n|t", "v1|again").await.unwrap();
    revocations::insert(&mut tx, &revocation("two", "b1", 150)).await.unwrap();
    tx.commit().await.unwrap();
    let all = authorities::all(&store).await.unwrap();
    let shown: Vec<_> = all.iter().map(|one| (one.id.as_str(), one.state, one.private_key_sealed.as_str())).collect();
    assert_eq!(shown, [("two", AuthorityState::Active, "v1|k|n|t"), ("one", AuthorityState::Retiring, "v1|again")]);
    let serials = async || {
        let all = revocations::all(&store).await.unwrap();
        all.into_iter().map(|one| one.serial).collect::<Vec<_>>()
    };
    assert_eq!(serials().await, ["b1", "a2", "a1"]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(revocations::remove_expired(&mut tx, at(55)).await.unwrap(), 1);
    assert_eq!(authorities::remove_expired(&mut tx, at(300)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    // With an authority that nobody trusts any more goes what it revoked.
    assert_eq!(serials().await, ["b1"]);
}

fn challenge(token: &str, expires_at: u64) -> Challenge {
    Challenge {
        token: token.to_owned(),
        domain: "a.org".to_owned(),
        kind: ChallengeKind::TlsAlpn01,
        key_authorisation: format!("{token}.thumb"),
        expires_at: at(expires_at),
    }
}

#[tokio::test]
async fn accounts_and_challenges() {
    let stand = stand();
    let store = stand.store().await;
    let account = AcmeAccount {
        id: "one".parse().unwrap(),
        directory_url: "https://localhost/dir".to_owned(),
        contact: String::new(),
        credentials_sealed: "v1|k|n|t".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    };
    let moved = AcmeAccount { contact: "a@b.org".to_owned(), updated_at: at(9), ..account.clone() };
    let mut tx = store.begin().await.unwrap();
    accounts::put(&mut tx, &account).await.unwrap();
    accounts::put(&mut tx, &moved).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(accounts::find(&store, &account.directory_url).await.unwrap(), Some(moved));
    for (what, wrong) in [
        ("another of the same directory", AcmeAccount { id: "two".parse().unwrap(), ..account.clone() }),
        ("credentials that are not sealed", AcmeAccount { credentials_sealed: "{}".to_owned(), ..account.clone() }),
    ] {
        let mut tx = store.begin().await.unwrap();
        assert!(accounts::put(&mut tx, &wrong).await.is_err(), "{what}");
    }
    let mut tx = store.begin().await.unwrap();
    for one in [challenge("a", 10), challenge("b", 20), challenge("c", 30), challenge("b", 25)] {
        challenges::put(&mut tx, &one).await.unwrap();
    }
    tx.commit().await.unwrap();
    let open = async |seconds| {
        let open = challenges::open(&store, at(seconds)).await.unwrap();
        open.into_iter().map(|one| one.token).collect::<String>()
    };
    assert_eq!((open(0).await, open(22).await, open(31).await), ("abc".into(), "bc".into(), String::new()));
    let mut tx = store.begin().await.unwrap();
    challenges::remove(&mut tx, &["c".to_owned()], at(11)).await.unwrap();
    accounts::remove(&mut tx, &account.directory_url).await.unwrap();
    assert!(challenges::put(&mut tx, &challenge("../etc", 1)).await.is_err());
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    challenges::remove(&mut tx, &["c".to_owned()], at(11)).await.unwrap();
    accounts::remove(&mut tx, &account.directory_url).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(open(0).await, "b");
    assert_eq!(accounts::find(&store, &account.directory_url).await.unwrap(), None);
}

#[tokio::test]
async fn who_has_not_read_a_challenge() {
    let stand = stand();
    let (store, elsewhere) = (stand.store().await, stand.store().await);
    let mut tx = store.begin().await.unwrap();
    for token in ["a", "b"] {
        challenges::put(&mut tx, &challenge(token, 10)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tokens = |tokens: &[&str]| tokens.iter().map(ToString::to_string).collect::<Vec<_>>();
    let behind = async |asked: &[&str]| readers::behind(&store, &tokens(asked)).await.unwrap();
    let until_behind = async |asked: &[&str], count: u64| {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let come = async {
            while behind(asked).await != count {
                ticks.tick().await;
            }
        };
        let come = tokio::time::timeout(Duration::from_secs(10), come).await;
        assert!(come.is_ok(), "{asked:?}: not {count}, but {}", behind(asked).await);
    };
    assert_eq!(behind(&["a"]).await, 0, "nobody lives");
    let (one, two) = (Reader::fresh(), Reader::fresh());
    let one_lives = Changes::listen_as(one, store.clone(), &[CHANNEL]);
    let two_lives = Changes::listen_as(two, store.clone(), &[CHANNEL]);
    let _another_database = Changes::listen_as(Reader::fresh(), elsewhere, &[CHANNEL]);
    let _listens_alone = Changes::listen(store.clone(), &[CHANNEL]);
    until_behind(&["a"], 2).await;
    // What is not there any more is nobody's fault; what was read is read once.
    for read in [&["a", "gone"][..], &["a"]] {
        readers::record(&store, one, &tokens(read)).await.unwrap();
        assert_eq!((behind(&["a"]).await, behind(&["a", "b"]).await), (1, 2));
    }
    readers::record(&store, two, &tokens(&["a", "b"])).await.unwrap();
    assert_eq!((behind(&["a"]).await, behind(&["a", "b"]).await), (0, 1));
    drop(one_lives);
    until_behind(&["b"], 0).await;
    // With the challenge goes who read it.
    let mut tx = store.begin().await.unwrap();
    challenges::remove(&mut tx, &tokens(&["a", "b"]), at(0)).await.unwrap();
    challenges::put(&mut tx, &challenge("a", 10)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(behind(&["a"]).await, 1);
    drop(two_lives);
    until_behind(&["a"], 0).await;
}

#[tokio::test]
async fn changes_are_noticed() {
    let stand = stand();
    let store = stand.store().await;
    let changes = Changes::listen(store.clone(), &[CHANNEL]);
    let mut changed = changes.on(CHANNEL).unwrap();
    let mut notice = async |what: &str| {
        let come = tokio::time::timeout(Duration::from_secs(10), changed.next()).await;
        assert!(come.is_ok(), "{what}");
    };
    notice("the beginning").await;
    put(&store, &certificate("a.org")).await.unwrap();
    notice("a certificate").await;
    let mut tx = store.begin().await.unwrap();
    authorities::insert(&mut tx, &authority("one", AuthorityState::Active, 100)).await.unwrap();
    tx.commit().await.unwrap();
    notice("an authority").await;
    let mut tx = store.begin().await.unwrap();
    certificates::remove(&mut tx, "a.org").await.unwrap();
    tx.commit().await.unwrap();
    notice("a removal").await;
}
