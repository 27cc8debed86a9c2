//! What may be brought and what may not, each refusal with what is wrong.

use engine_tls::{Kind, PrivateKeyPem, RevocationReason, TlsError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;
use vocabulary::{Code, Fault};

use crate::stand::{Site, days, settings};

/// A certificate with its key, which may sign others.
struct Made {
    pem: String,
    params: CertificateParams,
    key: KeyPair,
}

impl Made {
    fn key(&self) -> String {
        self.key.serialize_pem()
    }
}

fn authority(name: &str, by: Option<&Made>) -> Made {
    let change = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
    };
    made(&[], by, change)
}

fn made(names: &[&str], by: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = OffsetDateTime::now_utc() - days(1);
    params.not_after = OffsetDateTime::now_utc() + days(60);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        None => params.self_signed(&key).unwrap(),
        Some(by) => params.signed_by(&key, &Issuer::from_params(&by.params, &by.key)).unwrap(),
    };
    Made { pem: certificate.pem(), params, key }
}

fn leaf(by: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    made(&["sky.example.org", "*.sky.example.org"], by, change)
}

fn chain(parts: &[&Made]) -> String {
    parts.iter().map(|made| made.pem.as_str()).collect()
}

#[tokio::test]
async fn what_is_refused() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let root = authority("root", None);
    let middle = authority("middle", Some(&root));
    let other_middle = authority("middle", Some(&authority("root", None)));
    let good = leaf(Some(&middle), |_| {});
    let other = leaf(Some(&middle), |_| {});
    let expired = leaf(Some(&middle), |params| params.not_after = OffsetDateTime::now_utc() - days(1));
    let early = leaf(Some(&middle), |params| params.not_before = OffsetDateTime::now_utc() + days(1));
    let client = leaf(Some(&middle), |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let nameless = made(&[], Some(&middle), |_| {});
    let whole = chain(&[&good, &middle, &root]);
    let eleven = good.pem.repeat(11);
    let broken = good.pem.replacen("MII", "M!I", 1);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned();
    let long = format!("{}{}", good.pem, "x".repeat(300_000));
    for (what, domain, certificate, key, expected) in [
        ("nothing", None, String::new(), good.key(), "no certificate"),
        ("no PEM", None, "hello".to_owned(), good.key(), "no certificate"),
        ("broken PEM", None, broken, good.key(), "chain"),
        ("a key in place of a certificate", None, good.key(), good.key(), "no certificate"),
        ("too many", None, eleven, good.key(), "11 certificates"),
        ("too long", None, long, good.key(), "too long"),
        ("no key", None, whole.clone(), String::new(), "no private key"),
        ("a certificate in place of the key", None, whole.clone(), good.pem.clone(), "no private key"),
        ("an encrypted key", None, whole.clone(), encrypted, "encrypted"),
        ("another's key", None, whole.clone(), other.key(), "does not belong"),
        ("the wrong way round", None, chain(&[&root, &middle, &good]), good.key(), "not in order"),
        ("the middle last", None, chain(&[&good, &root, &middle]), good.key(), "1 was not issued by certificate 2"),
        ("the middle missing", None, chain(&[&good, &root]), good.key(), "1 was not issued by certificate 2"),
        ("one of the same name", None, chain(&[&good, &other_middle]), good.key(), "does not hold together"),
        ("expired", None, chain(&[&expired, &middle]), expired.key(), "1 of the chain expired"),
        ("not valid yet", None, chain(&[&early, &middle]), early.key(), "not valid before"),
        ("for clients", None, chain(&[&client, &middle]), client.key(), "not made for servers"),
        ("without a name", None, chain(&[&nameless, &middle]), nameless.key(), "no name"),
        ("an authority's", None, root.pem.clone(), root.key(), "an authority's"),
        ("for another domain", Some("dome.example.org"), whole.clone(), good.key(), "not for dome.example.org"),
        ("for a deeper domain", Some("a.b.sky.example.org"), whole.clone(), good.key(), "not for a.b.sky"),
        ("for no domain", Some("a b"), whole.clone(), good.key(), "neither a DNS name nor an address"),
    ] {
        let error = engine.import(domain, &certificate, &PrivateKeyPem::new(key)).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains(expected), "{what}: {said}");
        let fault = Fault::from(error);
        assert_eq!((fault.code, fault.hint.is_empty()), (Code::Invalid, false), "{what}");
        assert!(!said.contains("BEGIN"), "{what}: {said}");
    }
}

#[tokio::test]
async fn what_is_taken() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let root = authority("root", None);
    let middle = authority("middle", Some(&root));
    let good = leaf(Some(&middle), |_| {});
    let self_made = leaf(None, |_| {});
    let whole = chain(&[&good, &middle, &root]);
    for (what, domain, certificate, key, known_by) in [
        ("a whole chain", None, whole.clone(), good.key(), "sky.example.org"),
        ("without the root, in its place", None, chain(&[&good, &middle]), good.key(), "sky.example.org"),
        ("for a name under it", Some("east.sky.example.org"), whole.clone(), good.key(), "east.sky.example.org"),
        ("alone", Some("*.sky.example.org"), good.pem.clone(), good.key(), "*.sky.example.org"),
        ("with its key beside it", None, [good.pem.clone(), good.key()].concat(), good.key(), "sky.example.org"),
        ("signed by itself", None, self_made.pem.clone(), self_made.key(), "sky.example.org"),
    ] {
        let imported = engine.import(domain, &certificate, &PrivateKeyPem::new(key)).await;
        let imported = imported.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((imported.domain.as_str(), imported.kind), (known_by, Kind::Imported), "{what}");
        assert!(!imported.certificate_pem.contains("PRIVATE"), "{what}");
    }
    let serial = engine.get("sky.example.org").await.unwrap().serial;
    let error = engine.revoke(&serial, RevocationReason::Unspecified).await.unwrap_err();
    assert!(matches!(error, TlsError::Serial { .. }), "{error}");
    let error = engine.renew("sky.example.org").await.unwrap_err();
    assert!(matches!(error, TlsError::NotOurs { .. }), "{error}");
    engine.issue_server("dome.example.org", &[]).await.unwrap();
    let dome = made(&["dome.example.org"], None, |_| {});
    let error = engine.import(None, &dome.pem, &PrivateKeyPem::new(dome.key())).await.unwrap_err();
    assert!(matches!(error, TlsError::Taken { .. }), "{error}");
}
