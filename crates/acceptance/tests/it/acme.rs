//! Certificates from an ACME directory, with `bigskies up` as it is run: ordered in the terminal by both challenges, shown on HTTPS and
//! MQTT over TLS, renewed, and swapped while a connection goes on.

mod directory;
mod openssl;

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Broker, Database, Observatory, until};

use self::{
    directory::{Directory, free_ports},
    openssl::{Standing, get, serial_shown},
};

/// What the listeners are called, and what is ordered for them.
const NAME: &str = "sky.example.org";
/// What is ordered besides, by the other challenge.
const OTHER: &str = "dome.example.org";
const SWAPPED: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issued_renewed_and_swapped_live() {
    let [https, mqtts] = free_ports();
    let plan = Observatory::with(Broker::Embedded, Database::Private)
        .argument("https", &https.to_string())
        .argument("mqtts", &mqtts.to_string())
        .argument("tls-name", NAME);
    let observatory = plan.start().await;
    let directory = Directory::start(observatory.http(), https).await;
    for (key, value) in [
        ("acme_directory", directory.url()),
        ("acme_root_file", directory.root_file()),
        ("acme_contact", "operator@example.org".to_owned()),
        ("acme_terms_agreed", "true".to_owned()),
        ("acme_challenge", "http-01".to_owned()),
    ] {
        good(&observatory, &["settings", "set", "security", key, &value]).await;
    }
    let before = certificate(&observatory, &["show", NAME]).await["certificate"].clone();
    assert_eq!(before["kind"], "self-signed", "{before}");

    // By a file over HTTP, which the gateway serves.
    let begun = Instant::now();
    let first = certificate(&observatory, &["request", NAME, "--from", "letsencrypt"]).await;
    println!("ordered by http-01 in {:.1?}: serial {}, from {}", begun.elapsed(), first["serial"], first["issuer"]);
    assert_eq!((&first["kind"], &first["status"]), (&Value::from("acme"), &Value::from("valid")), "{first}");
    assert_ne!(first["serial"], before["serial"]);
    let trusted = directory.issuing_root().await;
    for (what, listener) in [("HTTPS", https), ("MQTTS", mqtts)] {
        shown(what, listener, NAME, &trusted, &first).await;
    }
    let page = get(https, NAME, &trusted, "/health/live").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("live"), "{page}");

    // Renewed, while a connection goes on.
    let operator = observatory.login("operator").unwrap_or_else(|| panic!("everybody is let in"));
    let mut standing = Standing::open(mqtts, NAME, &trusted, &operator).await;
    standing.answers_pings().await;
    let begun = Instant::now();
    let second = certificate(&observatory, &["renew", NAME]).await;
    println!("renewed in {:.1?}: serial {} after {}", begun.elapsed(), second["serial"], first["serial"]);
    assert_ne!(second["serial"], first["serial"]);
    for (what, listener) in [("HTTPS", https), ("MQTTS", mqtts)] {
        shown(what, listener, NAME, &trusted, &second).await;
    }
    standing.answers_pings().await;
    Standing::open(mqtts, NAME, &trusted, &operator).await.answers_pings().await;
    standing.answers_pings().await;

    // By a certificate of the challenge alone, which the HTTPS listener shows.
    good(&observatory, &["settings", "set", "security", "acme_challenge", "tls-alpn-01"]).await;
    let begun = Instant::now();
    let other = certificate(&observatory, &["request", OTHER, "--from", "letsencrypt"]).await;
    println!("ordered by tls-alpn-01 in {:.1?}: serial {}", begun.elapsed(), other["serial"]);
    for (what, listener) in [("HTTPS", https), ("MQTTS", mqtts)] {
        shown(what, listener, OTHER, &trusted, &other).await;
        shown(what, listener, NAME, &trusted, &second).await;
    }
    let again = certificate(&observatory, &["renew", OTHER]).await;
    shown("HTTPS", https, OTHER, &trusted, &again).await;
    standing.answers_pings().await;
}

/// Waits until a listener shows this certificate to who asks for the name and trusts the directory.
async fn shown(what: &str, listener: std::net::SocketAddr, name: &str, trusted: &str, certificate: &Value) {
    let wanted = certificate["serial"].as_str().unwrap_or_else(|| panic!("no serial in {certificate}")).to_lowercase();
    let begun = Instant::now();
    until(&format!("{wanted} for {name} on {what}"), SWAPPED, async || {
        serial_shown(listener, name, trusted).await.is_ok_and(|serial| same(&serial, &wanted))
    })
    .await;
    println!("{what} shows {wanted} for {name} after {:.0?}", begun.elapsed());
}

/// One may write a zero in front.
fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches('0') == other.trim_start_matches('0')
}

async fn certificate(observatory: &Observatory, arguments: &[&str]) -> Value {
    good(observatory, &[&["--json", "admin", "certificate"], arguments].concat()).await.remove(0)
}

async fn good(observatory: &Observatory, arguments: &[&str]) -> Vec<Value> {
    let is_json = arguments.contains(&"--json");
    let done = observatory.terminal(arguments).await;
    assert_eq!(done.code, Some(0), "bigskies {arguments:?}: {done:?}\n{}", observatory.last_words());
    if is_json { done.json() } else { Vec::new() }
}
