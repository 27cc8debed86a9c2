//! A site of a test: a folder with a configuration, ports that are free, and the program itself; nothing of it is left afterwards.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;

/// What the program answered.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A site.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) prometheus: u16,
}

/// Ports that nobody listens on now, below those that systems give to whoever asks for any: a stack that ends and comes back finds its own
/// free again.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let free = || (0..1000).find_map(|_| TcpListener::bind(("127.0.0.1", rand::random_range(12_000..20_000))).ok());
    let held: Vec<TcpListener> = (0..N).map(|_| free().unwrap()).collect();
    let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    ports.try_into().unwrap()
}

impl Site {
    /// Programs of this machine, scraped each second; `more` is added to the configuration.
    pub(crate) fn of_programs(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [prometheus, pushgateway] = free_ports();
        let text = format!(
            "project = 'site'\n[environments.local]\nengine = 'process'\n[services.prometheus]\nport = {prometheus}\n\
             [services.pushgateway]\nport = {pushgateway}\n[services.grafana]\nenabled = false\n\
             [scrape]\ninterval = '1s'\npush-interval = '1s'\ntimeout = '1s'\nevaluation-interval = '1s'\n{more}"
        );
        std::fs::write(folder.path().join("observatory.toml"), text).unwrap();
        Self { folder, prometheus }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn prometheus_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.prometheus)
    }

    /// Where a service is reached, as `status` says.
    pub(crate) fn url(&self, service: &str) -> String {
        self.row(service)["url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_observatory"));
        command.args(arguments).current_dir(self.path()).env("OBSERVATORY_DATA", self.data());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        self.command(arguments).output().unwrap().into()
    }

    /// The process of a service, as `status` says.
    pub(crate) fn pid(&self, service: &str) -> String {
        self.row(service)["id"].as_str().unwrap().to_owned()
    }

    fn row(&self, service: &str) -> Value {
        let status = self.run(&["status", "--json"]).json();
        let rows = status["services"].as_array().unwrap();
        rows.iter().find(|row| row["service"] == service).unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _what_a_failed_test_left = self.run(&["down", "--volumes", "--yes"]);
    }
}

/// Waits for a condition, asked at each tick.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}, not after 60 s");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
