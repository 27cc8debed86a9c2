//! A stack on another host, behind SSH and mutual TLS, and everything that can keep one from it: each mistake with its own exit code.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::net::UnixListener,
    path::Path,
    time::Instant,
};

use engine_containers::{ContainerSpec, Port, Published, VolumeSpec};
use testkit_containers::{Sshd, write_strange_certificates};

use crate::{
    dock::{Boards, Dock, GRAFANA},
    site::{Answer, free_ports},
};

/// What stands before every command over SSH.
pub(crate) fn over_ssh(sshd: &Sshd, socket: &Path) -> Vec<String> {
    let host = format!("{}@127.0.0.1:{}{}", sshd.user(), sshd.port(), socket.display());
    let mut flags = ["--environment", "remote", "--host", &host].map(str::to_owned).to_vec();
    flags.extend(set("ssh-key", &sshd.key().display().to_string()));
    flags.extend(set("ssh-known-hosts", &sshd.known_hosts().display().to_string()));
    flags.extend(set("ssh-configuration", "/dev/null"));
    flags
}

/// What stands before every command over mutual TLS.
pub(crate) fn over_tls(port: u16, certificates: &Path) -> Vec<String> {
    let mut flags = ["--environment", "remote"].map(str::to_owned).to_vec();
    flags.extend(set("address", &format!("tcp://127.0.0.1:{port}")));
    flags.extend(set("certificates", &certificates.display().to_string()));
    flags
}

fn set(field: &str, value: &str) -> [String; 2] {
    ["--set".to_owned(), format!("environments.remote.{field}={value}")]
}

/// Where the tool keeps what it needs for a moment only.
const MOMENTARY: &str = "t";

fn run(dock: &Dock, flags: &[String], arguments: &[&str]) -> Answer {
    let momentary = dock.site.path().join(MOMENTARY);
    std::fs::create_dir_all(&momentary).unwrap();
    dock.site.command(arguments).args(flags).env("TMPDIR", momentary).output().unwrap().into()
}

#[tokio::test]
async fn a_stack_on_another_host() {
    let dock = Dock::open(Boards::Without).await;
    let sshd = Sshd::start().await;
    let (port, certificates) = dock.dockerd.tls();
    // Behind SSH, ports may be open to the host alone: this address of it is not the one that it is known by.
    let mut ssh = over_ssh(&sshd, dock.dockerd.socket());
    ssh.extend(set("bind", "127.0.0.2"));
    for (what, flags, shown) in
        [("SSH", ssh, "http://127.0.0.1:"), ("TLS", over_tls(port, &certificates), "http://127.0.0.1:")]
    {
        let began = Instant::now();
        let up = run(&dock, &flags, &["up", "--json"]).expect_code(0).json();
        assert_eq!(up["changes"].as_array().unwrap().len(), 2, "{what}: {up}");
        assert!(up["proof"]["data_path_seconds"].is_number(), "{what}: {up}");
        println!("over {what} up after {:.1} s: {}", began.elapsed().as_secs_f64(), up["proof"]);
        assert!(run(&dock, &flags, &["up"]).expect_code(0).out.contains("nothing to change"), "{what}");
        let status = run(&dock, &flags, &["status"]).expect_code(0).out;
        assert!(status.contains(shown) && status.contains("healthy") && status.contains("2.42.0"), "{what}: {status}");
        dock.engine.stop_container("site-pushgateway-1", None).await.unwrap();
        assert!(run(&dock, &flags, &["status"]).expect_code(4).out.contains("it does not run"), "{what}");
        run(&dock, &flags, &["up"]).expect_code(0);
        assert!(run(&dock, &flags, &["logs", "prometheus"]).expect_code(0).out.contains("Server is ready"), "{what}");
        run(&dock, &flags, &["down", "--volumes", "--yes"]).expect_code(0);
        assert!(dock.holdings().await.is_empty(), "{what}: {:?}", dock.holdings().await);
    }
    // One session for each command, and none is left.
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 7, "{}", sshd.log());
    let left: Vec<_> = std::fs::read_dir(dock.site.path().join(MOMENTARY)).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What is wrong, the flags that make it so, the exit code, and words of the message.
struct Mistake {
    what: &'static str,
    flags: Vec<String>,
    code: i32,
    said: String,
}

#[tokio::test]
async fn each_mistake_has_its_own_exit_code() {
    let dock = Dock::open(Boards::With).await;
    let sshd = Sshd::start().await;
    let strange = tempfile::tempdir().unwrap();
    write_strange_certificates(strange.path());
    let old = old_engine(strange.path());
    // A process has one of the ports, a container another.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let [by_container] = free_ports();
    hold(&dock, by_container).await;
    for mistake in mistakes(&dock, &sshd, strange.path(), &old, held.local_addr().unwrap().port(), by_container) {
        let Mistake { what, flags, code, said } = mistake;
        let answer = run(&dock, &flags, &["up"]);
        assert_eq!(answer.code, code, "{what}: {}", answer.err);
        assert!(answer.err.contains(&said) && answer.err.contains("hint: "), "{what}: {}", answer.err);
        println!("{code:3} {what}: {}", error_of(&answer));
    }
    let json = run(&dock, &over_tls(9, strange.path()), &["up", "--json"]).expect_code(20).json();
    assert_eq!((&json["error"]["exit_code"], &json["error"]["reason"]), (&20.into(), &"engine-away".into()), "{json}");
    dock.engine.remove("holder", engine_containers::WithVolumes::Remove).await.unwrap();
    if std::env::var_os("BIGSKIES_SOAK").is_some() {
        // How much Prometheus keeps in memory before it writes is its own affair: now and then all fits.
        check_full_disk(&dock).await;
    }
    check_busy(&dock);
    dock.run(&["up"]).expect_code(0);
}

fn error_of(answer: &Answer) -> &str {
    answer.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default()
}

fn mistakes(dock: &Dock, sshd: &Sshd, strange: &Path, old: &Path, by_process: u16, by_container: u16) -> Vec<Mistake> {
    let socket = dock.dockerd.socket();
    let (port, certificates) = dock.dockerd.tls();
    let with = |flags: Vec<String>, field: &str, value: &str| [flags, set(field, value).to_vec()].concat();
    let ssh = |field: &str, path: &Path| with(over_ssh(sshd, socket), field, &path.display().to_string());
    let local = |setting: String| vec!["--set".to_owned(), setting];
    let mut never_ready = local(format!("services.pushgateway.image={GRAFANA}"));
    never_ready.extend(["--wait-seconds".to_owned(), "3".to_owned()]);
    let mistake = |what, flags, code, said: &str| Mistake { what, flags, code, said: said.to_owned() };
    vec![
        mistake("the key of a host is not known", ssh("ssh-known-hosts", &sshd.no_hosts()), 25, "is not known"),
        mistake("a host has another key", ssh("ssh-known-hosts", &sshd.strange_hosts()), 25, "has changed"),
        mistake("a host does not know our key", ssh("ssh-key", &sshd.strange_key()), 5, "refuses the login"),
        mistake("no engine behind SSH", over_ssh(sshd, Path::new("/no/such.sock")), 20, "no engine runs at ssh://"),
        mistake("no host", with(over_ssh(sshd, socket), "address", "ssh://127.0.0.1:9"), 20, "can't be reached"),
        mistake(
            "no engine here",
            local("environments.local.address=unix:///no/such.sock".to_owned()),
            20,
            "no engine runs",
        ),
        mistake("no engine behind TLS", over_tls(9, &certificates), 20, "no engine runs at tcp://127.0.0.1:9"),
        mistake("certificates of a stranger", over_tls(port, strange), 3, "TLS with tcp://127.0.0.1"),
        mistake("no address", local("environments.local.address=nonsense".to_owned()), 3, "is no address of an engine"),
        mistake(
            "an engine that is too old",
            local(format!("environments.local.address=unix://{}", old.display())),
            26,
            "speaks API 1.24, 1.41 is needed",
        ),
        mistake(
            "an image that is nowhere",
            local("services.pushgateway.image=127.0.0.1:9/none/none:1".to_owned()),
            22,
            "127.0.0.1:9/none/none:1 is not on the engine and can't be pulled",
        ),
        mistake(
            "a port that a process has",
            local(format!("services.prometheus.port={by_process}")),
            21,
            &format!("({})", std::process::id()),
        ),
        mistake(
            "a port that a container has",
            local(format!("services.prometheus.port={by_container}")),
            21,
            "taken by container holder",
        ),
        mistake(
            "a service that ends",
            local("services.pushgateway.arguments=['--no-such-flag']".to_owned()),
            27,
            "--no-such-flag",
        ),
        mistake("a service that is never ready", never_ready, 10, "pushgateway is not ready after 3 s"),
    ]
}

/// A container of somebody else that has a port.
async fn hold(dock: &Dock, port: u16) {
    let mut spec = ContainerSpec::new("holder", GRAFANA);
    let host_address = Some("127.0.0.1".to_owned());
    spec.published = vec![Published { container: Port::tcp(3000), host_address, host_port: Some(port) }];
    dock.engine.create(&spec).await.unwrap();
    dock.engine.start("holder").await.unwrap();
}

/// A socket where an engine of long ago says its version.
fn old_engine(folder: &Path) -> std::path::PathBuf {
    let socket = folder.join("old.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    // It ends with the test.
    std::thread::spawn(move || {
        let version = r#"{"Version": "1.12.6", "ApiVersion": "1.24", "Os": "linux", "Arch": "amd64"}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
        for mut stream in listener.incoming().flatten() {
            let _what_it_asks_does_not_matter = stream.read(&mut [0; 4096]);
            let _it_may_be_gone = write!(stream, "{head}{}\r\n\r\n{version}", version.len());
        }
    });
    socket
}

/// The data of Prometheus lies on a disk that has room for its list of questions, and for no samples.
async fn check_full_disk(dock: &Dock) {
    dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
    let options = [("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=24k")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let labels = engine_containers::labels::of_volume("site", "prometheus-data");
    let small = VolumeSpec { name: "site_prometheus-data".to_owned(), options, labels, ..VolumeSpec::default() };
    dock.engine.create_volume(&small).await.unwrap();
    let full = dock.run(&["up", "--wait-seconds", "10"]).expect_code(24);
    assert!(full.err.contains("no space left on device") && full.err.contains("hint: "), "{}", full.err);
    println!(" 24 a disk is full: {}", error_of(&full));
    dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
}

fn check_busy(dock: &Dock) {
    let lock = dock.site.data().join("run/observatory.lock");
    let file = std::fs::File::options().write(true).open(lock).unwrap();
    file.lock().unwrap();
    let busy = dock.run(&["up"]).expect_code(7);
    assert!(busy.err.contains("another `observatory` works on site now"), "{}", busy.err);
}
