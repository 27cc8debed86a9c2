//! Private clusters: made, found again, adopted, recovered, refused, watched and stopped.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use store::{ClusterError, ClusterOptions, Endpoint, PoolSettings, PrivateCluster, Store, cluster::ClusterState};

use crate::stand::{folder, until};

async fn start(folder: &Path) -> Result<PrivateCluster, ClusterError> {
    PrivateCluster::start(folder, ClusterOptions::default()).await
}

/// A pool with bounds that a test can wait for.
fn brisk() -> PoolSettings {
    PoolSettings { acquire_timeout_seconds: 2, statement_timeout_seconds: 2, ..PoolSettings::default() }
}

async fn scalar(endpoint: &Endpoint, statement: &str) -> String {
    let Ok(output) = psql(endpoint, statement) else { return String::new() };
    output
}

fn psql(endpoint: &Endpoint, statement: &str) -> Result<String, String> {
    let psql = fs::read_dir("/usr/lib/postgresql").unwrap().flatten().next().unwrap().path().join("bin/psql");
    let output = Command::new(psql)
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", statement])
        .arg(endpoint.to_url_with_password())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn pid(cluster: &PrivateCluster) -> Pid {
    match *cluster.state().borrow() {
        ClusterState::Running { pid, .. } => Pid::from_raw(pid),
        ref other => panic!("not running: {other:?}"),
    }
}

fn is_adopted(cluster: &PrivateCluster) -> bool {
    matches!(*cluster.state().borrow(), ClusterState::Running { adopted: true, .. })
}

#[tokio::test]
async fn fresh_then_warm_then_adopted() {
    let folder = folder();
    let started = Instant::now();
    let cluster = start(folder.path()).await.unwrap();
    println!("fresh start: {} ms", started.elapsed().as_millis());
    assert!(!is_adopted(&cluster));
    let endpoint = cluster.endpoint();
    for (statement, expected) in [
        ("SELECT current_user", "bigskies"),
        ("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user", "f"),
        ("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'bigskies'", "bigskies"),
        ("SHOW listen_addresses", ""),
        ("SHOW data_checksums", "on"),
        ("SHOW fsync", "on"),
        ("CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1"),
    ] {
        assert_eq!(scalar(&endpoint, statement).await, expected, "{statement}");
    }
    assert!(psql(&endpoint.with_user("stranger"), "SELECT 1").is_err());
    cluster.stop().await.unwrap();
    assert!(psql(&endpoint, "SELECT 1").is_err());

    let started = Instant::now();
    let cluster = start(folder.path()).await.unwrap();
    println!("warm start: {} ms", started.elapsed().as_millis());
    let first = pid(&cluster);
    // Dropped without a stop, as a killed process would leave it.
    drop(cluster);

    let started = Instant::now();
    let cluster = start(folder.path()).await.unwrap();
    println!("adopted: {} ms", started.elapsed().as_millis());
    assert!(is_adopted(&cluster));
    assert_eq!(pid(&cluster), first);
    assert_eq!(scalar(&cluster.endpoint(), "SELECT answer FROM kept").await, "42");
    cluster.stop().await.unwrap();
    assert!(psql(&endpoint, "SELECT 1").is_err());
}

#[tokio::test]
async fn killed_and_started_again() {
    let folder = folder();
    let cluster = start(folder.path()).await.unwrap();
    let store = Store::connect(cluster.endpoint(), brisk()).await.unwrap();
    psql(&cluster.endpoint(), "CREATE TABLE kept AS SELECT 42 AS answer").unwrap();
    let first = pid(&cluster);
    let killed = Instant::now();
    kill(first, Signal::SIGKILL).unwrap();
    let mut state = cluster.state();
    let again = |state: &ClusterState| matches!(state, ClusterState::Running { pid, .. } if *pid != first.as_raw());
    tokio::time::timeout(Duration::from_secs(30), state.wait_for(again)).await.unwrap().unwrap();
    until("the pool works again", || async { store.ping().await.is_ok() }).await;
    println!("killed, recovered, and the pool works: {} ms", killed.elapsed().as_millis());
    assert_eq!(scalar(&cluster.endpoint(), "SELECT answer FROM kept").await, "42");
    assert_eq!(cluster.health().status, health::Status::Healthy);

    // The same while nobody watches: the next start recovers.
    let second = pid(&cluster);
    drop(cluster);
    kill(second, Signal::SIGKILL).unwrap();
    let cluster = start(folder.path()).await.unwrap();
    assert!(!is_adopted(&cluster));
    assert_eq!(scalar(&cluster.endpoint(), "SELECT answer FROM kept").await, "42");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_process_ends_in_an_error_within_the_bound() {
    let folder = folder();
    let cluster = start(folder.path()).await.unwrap();
    let store = Store::connect(cluster.endpoint(), brisk()).await.unwrap();
    // Asked for first, so that its process is among those that are stopped.
    let tx = store.begin().await.unwrap();
    let server = pid(&cluster);
    let backends: Vec<Pid> = scalar(&cluster.endpoint(), "SELECT pid FROM pg_stat_activity WHERE datname = 'bigskies'")
        .await
        .lines()
        .map(|line| Pid::from_raw(line.parse().unwrap()))
        .collect();
    for process in backends.iter().chain([&server]) {
        let _ = kill(*process, Signal::SIGSTOP);
    }
    let started = Instant::now();
    assert!(tx.commit().await.unwrap_err().is_unavailable() && started.elapsed() < Duration::from_secs(4));
    for round in 0..2 {
        let started = Instant::now();
        let error = store.ping().await.unwrap_err();
        let waited = started.elapsed();
        println!("stopped server, round {round}: {error} after {} ms", waited.as_millis());
        assert!(error.is_unavailable() && waited < Duration::from_secs(6), "{error} after {waited:?}");
    }
    for process in backends.iter().chain([&server]) {
        let _ = kill(*process, Signal::SIGCONT);
    }
    until("the pool works again", || async { store.ping().await.is_ok() }).await;
    cluster.stop().await.unwrap();
}

/// Where the process of the next test, which is killed, has its cluster.
const TO_BE_KILLED: &str = "STORE_TEST_TO_BE_KILLED";

#[tokio::test]
async fn started_to_be_killed() {
    let Some(folder) = std::env::var_os(TO_BE_KILLED) else { return };
    let _cluster = start(Path::new(&folder)).await.unwrap();
    std::future::pending().await
}

/// The same tests in a process of their own.
fn this_program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command
}

#[tokio::test]
async fn a_killed_process_leaves_its_server_to_the_next() {
    let folder = folder();
    let mut process = this_program("cluster::started_to_be_killed").env(TO_BE_KILLED, folder.path()).spawn().unwrap();
    let file = folder.path().join("data/postmaster.pid");
    until("the server is ready", || async { fs::read_to_string(&file).is_ok_and(|text| text.contains("ready")) }).await;
    process.kill().unwrap();
    process.wait().unwrap();
    let cluster = start(folder.path()).await.unwrap();
    assert!(is_adopted(&cluster));
    let server = pid(&cluster);
    // In a group of its own it does not hear the terminal's Ctrl-C.
    assert_eq!(nix::unistd::getpgid(Some(server)).unwrap(), server);

    // Nobody tells us the end of a process that is not our child; it is noticed and the server started again.
    kill(server, Signal::SIGKILL).unwrap();
    let mut state = cluster.state();
    let again = |state: &ClusterState| matches!(state, ClusterState::Running { pid, .. } if *pid != server.as_raw());
    tokio::time::timeout(Duration::from_secs(30), state.wait_for(again)).await.unwrap().unwrap();
    assert!(!is_adopted(&cluster));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn as_an_ordinary_user() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let Some(user) = nix::unistd::User::from_name("nobody").unwrap().filter(|_| Uid::effective().is_root()) else {
        return;
    };
    // What this user may run and write is elsewhere than what root builds.
    let folder = folder();
    let program = folder.path().join("it");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&program)
        .args(["cluster::fresh_then_warm_then_adopted", "--exact"])
        .uid(user.uid.as_raw())
        .gid(user.gid.as_raw())
        .current_dir("/")
        .env_remove("XDG_RUNTIME_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn what_an_unclean_end_leaves_behind() {
    let folder = folder();
    start(folder.path()).await.unwrap().stop().await.unwrap();
    let file = folder.path().join("data/postmaster.pid");
    let data = folder.path().join("data").canonicalize().unwrap();
    let ours = std::process::id().to_string();
    let socket = folder.path().join("sock");
    let shown = |pid: &str| {
        let (data, socket) = (data.display(), socket.display());
        format!("{pid}\n{data}\n1700000000\n5432\n{socket}\n\n   123456         7\nready   \n")
    };
    for (what, text) in [
        ("nobody's process", shown("2147483645")),
        ("the system's first process", shown("1")),
        ("somebody else's process", shown(&ours)),
        ("an empty file", String::new()),
    ] {
        fs::write(&file, text).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        let cluster = start(folder.path()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(!is_adopted(&cluster), "{what}");
        cluster.stop().await.unwrap();
    }
}

#[tokio::test]
async fn refused_with_a_way_out() {
    let unreadable = |what: &str, error: &ClusterError, parts: &[&str]| {
        let text = error.to_string();
        println!("{what}: {text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{what}: {text}");
    };

    let version = folder();
    fs::create_dir(version.path().join("data")).unwrap();
    fs::write(version.path().join("data/PG_VERSION"), "11\n").unwrap();
    unreadable("version", &start(version.path()).await.unwrap_err(), &["PostgreSQL 11", "pg_upgrade"]);

    let nothing = folder();
    let options = ClusterOptions { binaries: Some(nothing.path().into()), ..ClusterOptions::default() };
    let error = PrivateCluster::start(nothing.path(), options).await.unwrap_err();
    unreadable("binaries", &error, &["apt-get install postgresql", "BIGSKIES_POSTGRES_BIN"]);

    let files = folder();
    fs::create_dir(files.path().join("data")).unwrap();
    fs::write(files.path().join("data/letter.txt"), "dear").unwrap();
    unreadable("files", &start(files.path()).await.unwrap_err(), &["holds files", "move them away"]);

    let file = folder();
    fs::write(file.path().join("cluster"), "").unwrap();
    unreadable("no folder", &start(&file.path().join("cluster")).await.unwrap_err(), &["a file is in its place"]);

    let broken = folder();
    start(broken.path()).await.unwrap().stop().await.unwrap();
    fs::write(broken.path().join("data/postgresql.auto.conf"), "colour = 'red'\n").unwrap();
    unreadable("configuration", &start(broken.path()).await.unwrap_err(), &["colour", "it said"]);
}

#[tokio::test]
async fn root_needs_a_folder_that_the_server_can_enter() {
    use std::os::unix::fs::PermissionsExt;
    if !Uid::effective().is_root() {
        return;
    }
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = start(&folder.path().join("cluster")).await.unwrap_err().to_string();
    assert!(error.contains("can't enter") && error.contains("chmod o+x"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let folder = folder();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m,mode=755", "none"]).arg(folder.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("no right to mount a small disk here; the text of the error has its own test");
        return;
    }
    let outcome = start(folder.path()).await.map(|_| ());
    Command::new("umount").arg("--lazy").arg(folder.path()).status().unwrap();
    let error = outcome.unwrap_err();
    assert!(matches!(error, ClusterError::DiskFull { .. }), "{error}");
    println!("{error}");
}

#[tokio::test]
async fn a_long_folder_has_its_socket_elsewhere() {
    let folder = folder();
    let long = folder.path().join("x".repeat(100));
    let options = ClusterOptions { runtime_folder: folder.path().into(), ..ClusterOptions::default() };
    let cluster = PrivateCluster::start(&long, options).await.unwrap();
    assert_eq!(scalar(&cluster.endpoint(), "SELECT 1").await, "1");
    cluster.stop().await.unwrap();
}
