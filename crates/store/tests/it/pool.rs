//! The pool: its figures, its changes while it is used, and a database given by address and password.

use std::process::Command;

use store::{Endpoint, Password, Place, PoolSettings, SslMode, Store, Tls, migrations, setting_rows};

use crate::stand::{stand, until};

/// Runs statements as a person with `psql` would.
pub(crate) async fn execute(endpoint: &Endpoint, statement: &str) -> String {
    let psql = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten().next().unwrap().path().join("bin/psql");
    let output = Command::new(psql)
        .args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            statement,
        ])
        .arg(endpoint.to_url_with_password())
        .output()
        .unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn figures() {
    let stand = stand();
    let store = stand.store().await;
    let mut pings = Vec::new();
    for _ in 0..100 {
        pings.push(store.ping().await.unwrap());
    }
    pings.sort();
    println!("ping: median {} µs, longest {} µs", pings[50].as_micros(), pings[99].as_micros());
    let statistics = store.statistics().await.unwrap();
    println!("{statistics:?}");
    assert!(statistics.size >= 1 && statistics.max == 20 && statistics.database_bytes > 1 << 20);
    assert!(statistics.server_connections >= 1 && statistics.server_connections_max == 100);
    assert!(statistics.server_version.starts_with(|c: char| c.is_ascii_digit()));
    assert!(statistics.server_load() > 0.0 && statistics.server_load() <= 1.0);
}

#[tokio::test]
async fn changed_while_it_is_used() {
    let stand = stand();
    let store = stand.store().await;
    let tx = store.begin().await.unwrap();
    let settings = PoolSettings { max: 3, min: 1, acquire_timeout_seconds: 1, ..PoolSettings::default() };
    store.reconfigure(settings.clone());
    assert_eq!(store.settings(), settings);
    store.ping().await.unwrap();
    // What began on the old pool ends on it.
    tx.commit().await.unwrap();

    let held = [store.begin().await.unwrap(), store.begin().await.unwrap(), store.begin().await.unwrap()];
    let error = store.ping().await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    drop(held);
    until("the pool has room again", || async { store.ping().await.is_ok() }).await;

    let other = stand.store().await;
    store.repoint(other.endpoint());
    store.ping().await.unwrap();
    assert_eq!(store.endpoint(), other.endpoint());
    store.close().await;
    assert!(store.ping().await.unwrap_err().is_unavailable());
    other.ping().await.unwrap();
}

#[tokio::test]
async fn statements_are_bounded_by_the_server() {
    let stand = stand();
    let store = stand.store().await;
    store.reconfigure(PoolSettings { statement_timeout_seconds: 1, ..PoolSettings::default() });
    let mut blocker = store.begin().await.unwrap();
    setting_rows::load_for_change(&mut blocker, "x").await.unwrap();
    let mut blocked = store.begin().await.unwrap();
    let error = setting_rows::load_for_change(&mut blocked, "x").await.unwrap_err();
    assert!(error.is_unavailable() && error.to_string().contains("statement timeout"), "{error}");
}

#[tokio::test]
async fn given_by_address_and_password() {
    let folder = crate::stand::folder();
    let server = Loopback::start(folder.path()).await;
    let url = format!("postgres://sky:s%3Ap%40ce@127.0.0.1:{}/postgres?sslmode=disable", server.port);
    let endpoint: Endpoint = url.parse().unwrap();
    migrations::run(&endpoint, &[]).await.unwrap();
    let store = Store::connect(endpoint.clone(), PoolSettings::default()).await.unwrap();
    assert!(setting_rows::load(&store, "x").await.unwrap().is_empty());

    let file = folder.path().join(".pgpass");
    store::endpoint::pgpass::write(&file, &endpoint).unwrap();
    let read = store::endpoint::pgpass::read(&file, &store::endpoint::pgpass::Wanted::default()).unwrap();
    Store::connect(read, PoolSettings::default()).await.unwrap().ping().await.unwrap();

    let quick = PoolSettings { acquire_timeout_seconds: 1, ..PoolSettings::default() };
    let tls = |mode, root: &str| Tls { mode, root_certificate: Some(folder.path().join(root)) };
    let named = |host: &str| Endpoint { place: Place::Host(host.to_owned()), ..endpoint.clone() };
    for (what, given, works) in [
        ("wrong password", Endpoint { password: Some(Password::new("wrong")), ..endpoint.clone() }, false),
        ("nobody listens", Endpoint { port: 1, ..endpoint.clone() }, false),
        ("TLS", endpoint.clone().with_tls(Tls { mode: SslMode::Require, root_certificate: None }), true),
        ("TLS, signed", endpoint.clone().with_tls(tls(SslMode::VerifyCa, "authority.crt")), true),
        ("TLS, signed by another", endpoint.clone().with_tls(tls(SslMode::VerifyCa, "other.crt")), false),
        ("TLS, named", named("localhost").with_tls(tls(SslMode::VerifyFull, "authority.crt")), true),
        ("TLS, misnamed", endpoint.clone().with_tls(tls(SslMode::VerifyFull, "authority.crt")), false),
    ] {
        let outcome = Store::connect(given, quick.clone()).await;
        match outcome {
            Ok(ref store) => store.close().await,
            Err(ref error) => assert!(error.is_unavailable() && !error.to_string().contains("p@ce"), "{what}: {error}"),
        }
        assert_eq!(outcome.is_ok(), works, "{what}: {:?}", outcome.err());
    }
}

fn openssl(folder: &std::path::Path, arguments: &[&str]) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A server such as an administrator would run: on an address, with passwords and a certificate.
struct Loopback {
    port: u16,
    process: std::process::Child,
}

impl Loopback {
    async fn start(folder: &std::path::Path) -> Self {
        use std::os::unix::{fs::chown, process::CommandExt};
        let binaries = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten().next().unwrap().path().join("bin");
        let user = nix::unistd::User::from_name("postgres").unwrap().unwrap();
        let root = nix::unistd::Uid::effective().is_root();
        let (data, password) = (folder.join("data"), folder.join("password"));
        std::fs::write(&password, "s:p@ce").unwrap();
        for name in ["authority", "other"] {
            let subject = format!("/CN={name}");
            openssl(folder, &["-subj", &subject, "-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
        }
        openssl(
            folder,
            &[
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-CA",
                "authority.crt",
                "-CAkey",
                "authority.key",
                "-keyout",
                "server.key",
                "-out",
                "server.crt",
            ],
        );
        if root {
            let ids = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
            [folder.to_owned(), password.clone(), folder.join("server.key")]
                .iter()
                .for_each(|path| chown(path, ids.0, ids.1).unwrap());
        }
        let as_server = |program: &str| {
            let mut command = Command::new(binaries.join(program));
            if root {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command.current_dir(folder);
            command
        };
        let made = as_server("initdb")
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=sky", "--auth=scram-sha-256", "--no-sync", "--pwfile"])
            .arg(&password)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = as_server("postgres")
            .arg("-D")
            .arg(&data)
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=off",
                "-c",
                "ssl=on",
            ])
            .args(["-c", &format!("port={port}")])
            .args(["-c", &format!("ssl_cert_file={}", folder.join("server.crt").display())])
            .args(["-c", &format!("ssl_key_file={}", folder.join("server.key").display())])
            .stderr(std::fs::File::create(folder.join("server.log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { port, process };
        let ready = || std::fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"));
        until("the given server is ready", || async { ready() }).await;
        server
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT).unwrap();
        self.process.wait().unwrap();
    }
}
