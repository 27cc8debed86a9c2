//! A process of ours elsewhere that proves itself by a certificate of our own authority, until that is revoked.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use testkit::{Broker, Database, Observatory, http, until};

/// How long a process may take to be there, or to notice.
const LIMIT: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_by_certificate() {
    let secured = free();
    let plan = Observatory::with(Broker::Embedded, Database::Private).argument("mqtts", &secured.to_string());
    let observatory = plan.start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    done(&observatory, &["admin", "certificate", "request", "localhost", "--from", "internal"]).await;
    let authority = done(&observatory, &["admin", "certificate", "authority"]).await;
    std::fs::write(path("ca.pem"), authority).unwrap();
    done(&observatory, &["admin", "certificate", "node", "hill", "--role", "gateway", "--out", &path("")]).await;

    let (certificate, key) = files(folder.path());
    let served = free();
    let broker = format!("mqtts://localhost:{}", secured.port());
    let arguments = [
        "run",
        "gateway",
        "--broker",
        &broker,
        "--tls-ca",
        &path("ca.pem"),
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
    ];
    let http_address = served.to_string();
    let data = path("elsewhere");
    let more = ["--http", &http_address, "--data-dir", &data];
    let arguments: Vec<&str> = arguments.into_iter().chain(more).collect();
    let gateway = observatory.beside("gateway-elsewhere", &arguments);
    until("health by way of the certificate", LIMIT, async || {
        http::get(served, "/health")
            .await
            .is_ok_and(|page| page.status == 200 && page.body.contains("telescope-coordinator"))
    })
    .await;

    let listed = observatory.terminal(&["--json", "admin", "certificate", "list"]).await.json();
    let serial = listed[0]["certificates"].as_array().unwrap().iter().find_map(|certificate| {
        let is_nodes = certificate["domain"].as_str().is_some_and(|domain| domain.contains("hill"));
        is_nodes.then(|| certificate["serial"].as_str().unwrap().to_owned())
    });
    done(&observatory, &["admin", "certificate", "revoke", &serial.unwrap()]).await;
    until("the gateway cut off", LIMIT, async || gateway.log().contains("bus lost its connection")).await;
    let again = observatory.terminal(&["health", "--broker", &broker, "--tls-ca", &path("ca.pem")]).await;
    assert_ne!(again.code, None, "{again:?}");
}

/// What a command of the terminal printed that must work.
async fn done(observatory: &Observatory, arguments: &[&str]) -> String {
    let done = observatory.terminal(arguments).await;
    assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
    done.stdout
}

/// The certificate and the key that were written.
fn files(folder: &Path) -> (String, String) {
    let names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    let find = |is: fn(&str) -> bool| names.iter().find(|name| name.contains("hill") && is(name)).unwrap().clone();
    (find(|name| !name.contains("key")), find(|name| name.contains("key")))
}

fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
