//! Reaching an engine over TLS and behind SSH, and being kept from it.

use std::path::Path;

use engine::Engine as _;
use engine_containers::{
    Command, ContainerEngine, ContainersError as Wrong, Endpoint, LogOptions, Options, SshHost, TlsFiles,
};
use testkit_containers::{Sshd, until, write_strange_certificates};

use crate::stand::{LIMIT, Stand};

#[tokio::test]
async fn over_mutual_tls() {
    let stand = Stand::start().await;
    let (port, folder) = stand.dockerd.tls();
    let files = TlsFiles::of_folder(&folder);
    let at = |files: &TlsFiles| Endpoint::Tls { host: "127.0.0.1".to_owned(), port, files: files.clone() };
    let engine = ContainerEngine::connect(at(&files), Options::default()).await.unwrap();
    works(&engine, &stand).await;

    let strange = tempfile::TempDir::new().unwrap();
    write_strange_certificates(strange.path());
    let stranger = TlsFiles::of_folder(strange.path());
    let absent = TlsFiles::of_folder(Path::new("/no/such/folder"));
    for (what, files, reason) in [
        (
            "an engine of nobody we trust",
            TlsFiles { authority: stranger.authority.clone(), ..files.clone() },
            "invalid peer certificate",
        ),
        (
            "a client of nobody it trusts",
            TlsFiles { authority: files.authority.clone(), ..stranger.clone() },
            "certificate",
        ),
        ("no certificate", absent, "can't be read"),
        (
            "a key for a certificate",
            TlsFiles { certificate: files.key.clone(), ..files.clone() },
            "holds no certificate",
        ),
    ] {
        let error = ContainerEngine::connect(at(&files), Options::default()).await.unwrap_err();
        assert!(matches!(&error, Wrong::Certificate { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
    }
    let closed = Endpoint::Tls { host: "127.0.0.1".to_owned(), port: 9, files };
    let error = ContainerEngine::connect(closed, Options::default()).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotRunning { .. }), "{error:?}");
}

fn host(sshd: &Sshd, stand: &Stand) -> SshHost {
    SshHost {
        host: "127.0.0.1".to_owned(),
        user: Some(sshd.user()),
        port: Some(sshd.port()),
        socket: Some(stand.dockerd.socket().to_owned()),
        key: Some(sshd.key()),
        known_hosts: Some(sshd.known_hosts()),
        configuration: Some("/dev/null".into()),
    }
}

#[tokio::test]
async fn behind_ssh() {
    let stand = Stand::start().await;
    let sshd = Sshd::start().await;
    let engine = ContainerEngine::connect(Endpoint::Ssh(host(&sshd, &stand)), Options::default()).await.unwrap();
    works(&engine, &stand).await;
    // Many at once, through one session.
    let asked = (0..16).map(|_| engine.ping());
    futures::future::try_join_all(asked).await.unwrap();
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1, "{}", sshd.log());

    // Orderly, nothing is left behind; asked again, it connects again.
    engine.stop().await;
    until("end of the session", LIMIT, async || sshd.log().contains("Disconnected from user")).await;
    engine.ping().await.unwrap();
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 2, "{}", sshd.log());
    engine.stop().await;
}

#[tokio::test]
async fn kept_from_a_host() {
    let stand = Stand::start().await;
    let sshd = Sshd::start().await;
    let right = host(&sshd, &stand);
    type Expected = fn(&Wrong) -> bool;
    let rows: [(&str, SshHost, Expected); 6] = [
        ("another key of the host", SshHost { known_hosts: Some(sshd.strange_hosts()), ..right.clone() }, |error| {
            matches!(error, Wrong::HostKeyChanged { .. })
        }),
        ("no key of the host", SshHost { known_hosts: Some(sshd.no_hosts()), ..right.clone() }, |error| {
            matches!(error, Wrong::HostKeyUnknown { .. })
        }),
        ("a key of a stranger", SshHost { key: Some(sshd.strange_key()), ..right.clone() }, |error| {
            matches!(error, Wrong::LoginRefused { .. })
        }),
        ("no engine over there", SshHost { socket: Some("/no/such.sock".into()), ..right.clone() }, |error| {
            matches!(error, Wrong::NotRunning { .. })
        }),
        ("no host", SshHost { port: Some(9), ..right.clone() }, |error| matches!(error, Wrong::Unreachable { .. })),
        ("no name", SshHost { host: "no-such-host.invalid".to_owned(), ..right.clone() }, |error| {
            matches!(error, Wrong::Unreachable { .. })
        }),
    ];
    for (what, host, expected) in rows {
        let error = ContainerEngine::connect(Endpoint::Ssh(host), Options::default()).await.unwrap_err();
        assert!(expected(&error), "{what}: {error:?}");
    }
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1, "{}", sshd.log());
}

/// A call, a stream that is taken over, and one that is read to its end.
async fn works(engine: &ContainerEngine, stand: &Stand) {
    let name = stand.started("far", "echo hello; sleep 1000").await;
    let command = Command { input: Some(b"clear".to_vec()), ..Command::new(["cat"]) };
    assert_eq!(engine.run(&name, &command, LIMIT).await.unwrap().standard, b"clear");
    until("line", LIMIT, async || {
        let lines = engine.logs_until_now(&[&name], &LogOptions::default()).await.unwrap();
        lines.iter().any(|line| line.text == "hello")
    })
    .await;
    let mut archive = Vec::new();
    engine.save(&[crate::stand::IMAGE], &mut archive).await.unwrap();
    assert!(archive.len() > 1_000_000, "{}", archive.len());
}
