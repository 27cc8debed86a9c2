//! Certificates: asked for, brought along, renewed, handed out, revoked; and their states.

use catalog::{
    Secret,
    security::{
        Certificate, CertificateExpiring, CertificateIssued, CertificateKind, CertificateOrder, CertificatePurpose,
        CertificateStatus, GetAuthority, GetCertificate, ImportCertificate, IssueAccountCertificate,
        IssueNodeCertificate, ListCertificates, RemoveCertificate, RenewCertificate, RequestCertificate,
        RevocationReason, RevokeCertificate,
    },
    topic,
};
use rcgen::{CertificateParams, KeyPair};
use vocabulary::{Code, Timestamp};

use crate::stand::{Stand, next_where};

fn request(domain: &str, order: CertificateOrder) -> RequestCertificate {
    RequestCertificate { domain: domain.to_owned(), email: None, order, sans: vec![] }
}

fn get(domain: &str) -> GetCertificate {
    GetCertificate { domain: domain.to_owned() }
}

#[tokio::test]
async fn a_listeners_certificate_from_beginning_to_end() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let mut states = stand.watch(&topic::states("security/certificates")).await;
    let mut issued = stand.events::<CertificateIssued>().await;
    for (domain, order, kind) in [
        ("sky.example.org", CertificateOrder::SelfSigned, CertificateKind::SelfSigned),
        ("dome.example.org", CertificateOrder::Internal, CertificateKind::Internal),
    ] {
        let sans = vec![format!("www.{domain}"), "192.0.2.7".to_owned()];
        let made: Certificate = root.ask(RequestCertificate { sans, ..request(domain, order) }).await.unwrap();
        assert_eq!(
            (made.kind, made.purpose, made.status),
            (kind, CertificatePurpose::Server, CertificateStatus::Valid)
        );
        assert_eq!(made.names.len(), 3);
        let state = next_where(&mut states, |state: &Certificate| state.domain == domain).await;
        assert_eq!(state, made);
        let event = next_where(&mut issued, |event: &CertificateIssued| event.certificate.domain == domain).await;
        assert_eq!(event.certificate, made);
        let renewed = root.ask(RenewCertificate { domain: domain.to_owned() }).await.unwrap();
        assert_ne!(renewed.serial, made.serial);
        next_where(&mut issued, |event: &CertificateIssued| event.certificate.serial == renewed.serial).await;
        next_where(&mut states, |state: &Certificate| state.serial == renewed.serial).await;
        let one = root.ask(get(domain)).await.unwrap();
        assert_eq!(one.certificate, renewed);
        assert!(one.certificate_pem.contains("BEGIN CERTIFICATE") && !one.certificate_pem.contains("PRIVATE"));
    }
    let listed = root.ask(ListCertificates::default()).await.unwrap().certificates;
    assert_eq!(
        listed.iter().map(|one| one.domain.as_str()).collect::<Vec<_>>(),
        ["dome.example.org", "sky.example.org"]
    );
    root.ask(RemoveCertificate { domain: "sky.example.org".to_owned() }).await.unwrap();
    assert_eq!(root.code(get("sky.example.org")).await, Some(Code::NotFound));
    // Its state is gone: who comes now sees the other alone.
    let gone = topic::state("security/certificates", "sky.example.org");
    let fresh = stand.client("observer2").await;
    let mut later =
        fresh.bus.watch(&[(topic::states("security/certificates"), catalog::Qos::AtLeastOnce)], 64).await.unwrap();
    let first = tokio::time::timeout(crate::stand::LIMIT, later.next()).await.unwrap().unwrap();
    assert!(first.topic != gone && first.topic.ends_with("dome.example.org"), "{}", first.topic);
}

fn own(domain: &str, until: Timestamp, begin: Timestamp) -> (String, String) {
    let mut params = CertificateParams::new(vec![domain.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (begin.instant(), until.instant());
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn one_that_is_brought_along() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let day = std::time::Duration::from_secs(86_400);
    let now = stand.clock.now();
    let (certificate_pem, key) = own("sky.example.org", now.plus(90 * day), now.minus(day));
    let import = |certificate: &str, key: &str| ImportCertificate {
        domain: "sky.example.org".to_owned(),
        certificate_pem: certificate.to_owned(),
        private_key_pem: Secret::new(key),
    };
    let imported = root.ask(import(&certificate_pem, &key)).await.unwrap();
    assert_eq!((imported.kind, imported.status), (CertificateKind::Imported, CertificateStatus::Valid));
    assert_eq!(
        root.ask(get("sky.example.org")).await.unwrap().certificate_pem.trim(),
        certificate_pem.replace('\r', "").trim()
    );
    let (other, _) = own("sky.example.org", now.plus(90 * day), now.minus(day));
    assert_eq!(root.code(import(&other, &key)).await, Some(Code::Invalid), "another's key");
    assert_eq!(root.code(import("nonsense", &key)).await, Some(Code::Invalid));
    assert_eq!(root.code(RenewCertificate { domain: "sky.example.org".to_owned() }).await, Some(Code::Invalid));
    // Nobody renews it: its end is told.
    let mut ending = stand.events::<CertificateExpiring>().await;
    stand.clock.advance(70 * day);
    // What brings another one in makes everything be looked at.
    root.ask(request("dome.example.org", CertificateOrder::Internal)).await.unwrap();
    let event = next_where(&mut ending, |_: &CertificateExpiring| true).await;
    assert_eq!(
        (event.certificate.domain.as_str(), event.certificate.status),
        ("sky.example.org", CertificateStatus::Due)
    );
}

#[tokio::test]
async fn what_is_handed_out_and_revoked() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    stand.user("ann").await;
    let authority = stand.client("ann").await.ask(GetAuthority {}).await.unwrap().authorities_pem;
    assert!(authority.contains("BEGIN CERTIFICATE") && !authority.contains("PRIVATE"));
    let node = IssueNodeCertificate {
        name: "telescope-1".parse().unwrap(),
        role: Some("telescope".parse().unwrap()),
        hosts: vec![],
    };
    let node = root.ask(node).await.unwrap();
    let account = root.ask(IssueAccountCertificate { username: "ann".parse().unwrap() }).await.unwrap();
    for (issued, purpose, domain) in
        [(&node, CertificatePurpose::Node, "node:telescope-1"), (&account, CertificatePurpose::Account, "account:ann")]
    {
        assert_eq!((issued.certificate.purpose, issued.certificate.domain.as_str()), (purpose, domain));
        assert!(issued.private_key_pem.expose().contains("PRIVATE KEY"));
        assert_eq!(issued.authorities_pem, authority);
    }
    assert_eq!(root.code(IssueAccountCertificate { username: "no-such".parse().unwrap() }).await, Some(Code::NotFound));
    let serial = account.certificate.serial.clone().unwrap();
    let revoke =
        |serial: &str| RevokeCertificate { serial: serial.to_owned(), reason: RevocationReason::KeyCompromise };
    root.ask(revoke(&serial)).await.unwrap();
    assert_eq!(root.code(get("account:ann")).await, Some(Code::NotFound));
    assert_eq!(root.code(revoke("not hexadecimal")).await, Some(Code::NotFound));
    let plain = root.ask(request("sky.example.org", CertificateOrder::SelfSigned)).await.unwrap();
    assert_eq!(root.code(revoke(&plain.serial.unwrap())).await, Some(Code::NotFound), "nobody would hear of that");
}

#[tokio::test]
async fn what_is_refused() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    root.ask(request("sky.example.org", CertificateOrder::Internal)).await.unwrap();
    let email = Some("ann@example.org".to_owned());
    let codes = [
        ("no directory", root.code(request("x.example.org", CertificateOrder::Letsencrypt)).await, Code::Invalid),
        (
            "another's address",
            root.code(RequestCertificate { email, ..request("x.example.org", CertificateOrder::Letsencrypt) }).await,
            Code::Invalid,
        ),
        ("another kind", root.code(request("sky.example.org", CertificateOrder::SelfSigned)).await, Code::Conflict),
        ("no name", root.code(request("two words", CertificateOrder::Internal)).await, Code::Invalid),
        ("a path", root.code(request("../../etc/passwd", CertificateOrder::Internal)).await, Code::Invalid),
        ("none to renew", root.code(RenewCertificate { domain: "x.example.org".to_owned() }).await, Code::NotFound),
        ("none to remove", root.code(RemoveCertificate { domain: "x.example.org".to_owned() }).await, Code::NotFound),
    ];
    for (what, found, wanted) in codes {
        assert_eq!(found, Some(wanted), "{what}");
    }
    stand.user("ann").await;
    let client = stand.client("ann").await;
    let forbidden = [
        client.code(request("x.example.org", CertificateOrder::SelfSigned)).await,
        client.code(ListCertificates::default()).await,
        client.code(get("sky.example.org")).await,
        client.code(RevokeCertificate { serial: "00".to_owned(), reason: RevocationReason::Unspecified }).await,
        client.code(IssueAccountCertificate { username: "ann".parse().unwrap() }).await,
    ];
    assert_eq!(forbidden, [Some(Code::Forbidden); 5]);
}
