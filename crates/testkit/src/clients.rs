//! Debian's `mosquitto_pub` and `mosquitto_sub`, as child processes: MQTT clients that we did not write.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use bus::Credentials;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    sync::oneshot,
    time::timeout,
};

use crate::heard::{Heard, Message};

/// How long a client may take to connect, subscribe or publish.
const LIMIT: Duration = Duration::from_secs(10);

/// Which MQTT they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1, which has no response topics.
    V311,
    /// 5.
    V5,
}

impl Version {
    const fn flag(self) -> &'static str {
        match self {
            Self::V311 => "mqttv311",
            Self::V5 => "mqttv5",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// The two programs with everything that they must be told to reach a broker.
#[derive(Debug, Clone)]
pub struct Clients {
    address: SocketAddr,
    login: Option<Credentials>,
    token: Option<String>,
    version: Version,
}

impl Clients {
    /// Clients of the broker at `address`.
    /// `token` is brought with each message: as MQTT 5 has it, or with 3.1.1 among the fields of an object.
    pub const fn new(address: SocketAddr, login: Option<Credentials>, token: Option<String>, version: Version) -> Self {
        Self { address, login, token, version }
    }

    /// Which MQTT they speak.
    pub const fn version(&self) -> Version {
        self.version
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-h", &self.address.ip().to_string(), "-p", &self.address.port().to_string()]);
        command.args(["-V", self.version.flag(), "-q", "1"]);
        if let Some(login) = &self.login {
            command.args(["-u", login.account.as_str(), "-P", &login.password]);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Publishes with `mosquitto_pub`; `more` are further arguments, such as `-D publish response-topic …`.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn publish(&self, topic: &str, payload: &str, more: &[&str]) {
        self.attempt(topic, payload, more).await.unwrap_or_else(|said| panic!("mosquitto_pub to {topic} said {said}"));
    }

    /// The same for what may be refused.
    ///
    /// # Errors
    /// What it said. With MQTT 3.1.1 a broker can't tell it that it took a message for nobody.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn attempt(&self, topic: &str, payload: &str, more: &[&str]) -> Result<(), String> {
        let mut command = self.command("mosquitto_pub");
        command.args(["-t", topic]).args(more);
        match (&self.token, self.version) {
            (Some(token), Version::V5) => {
                command.args(["-D", "publish", "user-property", "token", token]);
                command.args(message(payload));
            }
            (Some(token), Version::V311) => {
                command.args(message(&with_token(payload, token)));
            }
            (None, _) => {
                command.args(message(payload));
            }
        }
        let output =
            timeout(LIMIT, command.output()).await.unwrap_or_else(|_| panic!("mosquitto_pub to {topic}: no end"));
        let output = output.unwrap_or_else(|e| panic!("mosquitto_pub: {e}; apt-get install mosquitto-clients"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
    }

    /// Listens with `mosquitto_sub`; when this returns it has subscribed. Filters need one retained message among what they let through.
    ///
    /// # Panics
    /// Where it can't.
    pub async fn subscribe(&self, filters: &[&str]) -> Heard {
        let mut command = self.command("mosquitto_sub");
        // With -d it says when it has subscribed; with the format each message is one line of JSON.
        command.args(["-d", "-F", "%j"]).args(filters.iter().flat_map(|filter| ["-t", filter]));
        let started = command.stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|e| panic!("mosquitto_sub: {e}; apt-get install mosquitto-clients"));
        let Some(stdout) = child.stdout.take() else { panic!("mosquitto_sub has no output") };
        let mut lines = BufReader::new(stdout).lines();
        let (subscribed, waits) = oneshot::channel();
        let heard = Heard::noting(async move |notes| {
            let mut subscribed = Some(subscribed);
            while let Ok(Some(line)) = lines.next_line().await {
                if line.starts_with("Subscribed (mid")
                    && let Some(told) = subscribed.take()
                {
                    let _ = told.send(());
                } else if let Some(message) = read(&line) {
                    notes.add(message);
                }
            }
            drop(child);
        });
        match timeout(LIMIT, waits).await {
            Ok(Ok(())) => heard,
            other => panic!("mosquitto_sub did not subscribe to {filters:?}: {other:?}"),
        }
    }
}

/// An empty payload has a flag of its own.
fn message(payload: &str) -> Vec<String> {
    if payload.is_empty() { vec!["-n".to_owned()] } else { vec!["-m".to_owned(), payload.to_owned()] }
}

/// The same object with a token beside its fields; nothing at all is an object without fields.
fn with_token(payload: &str, token: &str) -> String {
    let read = if payload.is_empty() { Ok(json!({})) } else { serde_json::from_str::<Value>(payload) };
    match read {
        Ok(Value::Object(mut fields)) => {
            // What a message has of its own stays.
            fields.entry("token").or_insert_with(|| json!(token));
            Value::Object(fields).to_string()
        }
        _ => payload.to_owned(),
    }
}

fn read(line: &str) -> Option<Message> {
    let heard: Value = serde_json::from_str(line).ok()?;
    let payload = heard.get("payload").and_then(Value::as_str).unwrap_or_default();
    let retained = heard.get("retain").and_then(Value::as_u64) == Some(1);
    Some(Message::new(heard.get("topic")?.as_str()?, payload, retained))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let message = |payload: Value, retained| Message { topic: "a/b".to_owned(), payload, retained };
        for (line, wanted) in [
            (r#"{"topic":"a/b","qos":1,"retain":0,"payload":"{\"x\":1}"}"#, Some(message(json!({"x": 1}), false))),
            (r#"{"topic":"a/b","qos":1,"retain":1,"payload":"text"}"#, Some(message(json!("text"), true))),
            (r#"{"topic":"a/b","qos":1,"retain":1,"payload":""}"#, Some(message(Value::Null, true))),
            ("Client (null) sending CONNECT", None),
        ] {
            assert_eq!(read(line), wanted, "{line}");
        }
    }
}
