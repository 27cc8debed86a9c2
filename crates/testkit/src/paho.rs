//! Eclipse Paho's client for Python, as a child process with one connection: another MQTT client that we did not write.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::Credentials;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{ChildStdin, Command},
};

use crate::{
    clients::Version,
    heard::{Heard, Message},
    wait::until_some,
};

/// How long it may take to start, connect, subscribe or publish.
const LIMIT: Duration = Duration::from_secs(15);
/// What the child runs.
const PROGRAM: &str = include_str!("paho.py");

/// The client, connected.
#[derive(Debug)]
pub struct Paho {
    orders: ChildStdin,
    heard: Heard,
    /// What happened besides messages.
    told: Arc<Mutex<Vec<Value>>>,
    version: Version,
}

impl Paho {
    /// Connects.
    ///
    /// # Errors
    /// Why the broker did not let it in.
    ///
    /// # Panics
    /// Where it can't be started or says nothing.
    pub async fn connect(address: SocketAddr, login: &Credentials, version: Version) -> Result<Self, String> {
        let python = python();
        let mut command = Command::new(&python);
        command.args(["-u", "-c", PROGRAM, &address.ip().to_string(), &address.port().to_string()]);
        command.args([login.account.as_str(), &login.password, version.name()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let started = command.spawn();
        let mut child = started.unwrap_or_else(|e| {
            panic!(
                "{} can't run: {e}; make a virtual environment in target/python with crates/testkit/python-requirements.txt, \
                 or name another Python in BIGSKIES_TEST_PYTHON",
                python.display()
            )
        });
        let (Some(orders), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("paho has no input or output")
        };
        let mut lines = BufReader::new(stdout).lines();
        let told = Arc::<Mutex<Vec<Value>>>::default();
        let notes = Arc::clone(&told);
        let heard = Heard::noting(async move |messages| {
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
                match read(&said) {
                    Some(message) => messages.add(message),
                    None => notes.lock().unwrap_or_else(PoisonError::into_inner).push(said),
                }
            }
            drop(child);
        });
        let client = Self { orders, heard, told, version };
        let connected = client.wait_for("connection of paho", 0, "connected").await;
        if connected["refused"] == json!(true) { Err(connected["reason"].to_string()) } else { Ok(client) }
    }

    /// Which MQTT it speaks.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Everything that it heard.
    pub const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Subscribes, over reconnections too.
    ///
    /// # Panics
    /// Where a filter is refused.
    pub async fn subscribe(&mut self, filters: &[&str]) {
        let before = self.count();
        self.order(&json!({ "do": "subscribe", "filters": filters })).await;
        let subscribed = self.wait_for("subscription of paho", before, "subscribed").await;
        assert_eq!(subscribed["refused"], json!([]), "{filters:?}");
    }

    /// Publishes, with a response topic and a token where it speaks MQTT 5.
    ///
    /// # Errors
    /// Why the broker did not take it.
    ///
    /// # Panics
    /// Where it is not acknowledged.
    pub async fn publish(
        &mut self,
        topic: &str,
        payload: &str,
        response_topic: Option<&str>,
        token: Option<&str>,
    ) -> Result<(), String> {
        let before = self.count();
        let order = json!({"do": "publish", "topic": topic, "payload": payload, "response_topic": response_topic, "token": token});
        self.order(&order).await;
        let sent = self.wait_for("number of a message of paho", before, "sent").await;
        let what = format!("acknowledgement of what paho sent to {topic}");
        let published = until_some(&what, LIMIT, async || {
            self.since(before).into_iter().find(|said| said["is_"] == "published" && said["number"] == sent["number"])
        })
        .await;
        if published["refused"] == json!(true) { Err(published["reason"].to_string()) } else { Ok(()) }
    }

    /// How often its connection was ended by the broker, with the reasons.
    pub fn disconnections(&self) -> Vec<String> {
        self.since(0)
            .into_iter()
            .filter(|said| said["is_"] == "disconnected")
            .map(|said| said["reason"].to_string())
            .collect()
    }

    async fn order(&mut self, order: &Value) {
        let line = format!("{order}\n");
        let written = self.orders.write_all(line.as_bytes()).await;
        written.unwrap_or_else(|e| panic!("paho takes no orders: {e}"));
    }

    fn count(&self) -> usize {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn since(&self, start: usize) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(start).cloned().collect()
    }

    async fn wait_for(&self, what: &str, start: usize, kind: &str) -> Value {
        until_some(what, LIMIT, async || self.since(start).into_iter().find(|said| said["is_"] == kind)).await
    }
}

fn read(said: &Value) -> Option<Message> {
    let is_message = said["is_"] == "message";
    let text = |field: &str| said[field].as_str().unwrap_or_default();
    is_message.then(|| Message::new(text("topic"), text("payload"), said["retained"] == json!(true)))
}

/// The Python that has the pinned packages.
fn python() -> PathBuf {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python");
    std::env::var_os("BIGSKIES_TEST_PYTHON").map_or_else(|| PathBuf::from(own), PathBuf::from)
}
