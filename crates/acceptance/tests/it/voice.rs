//! The ways in which people talk to an observatory: our client, somebody else's, the terminal. A question asked in any of them has one answer.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use catalog::{Qos, topic};
use serde_json::{Value, json};
use testkit::{Ask, Bus, Clients, Code, Heard, Observatory, Version};

/// How long an answer may take here.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);
/// Numbers for questions.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Our client, with envelopes.
    Bus,
    /// `mosquitto_pub` of MQTT 3.1.1, bare payloads, answers on the shared response topics.
    SharedTopics,
    /// `mosquitto_pub` of MQTT 3.1.1, envelopes with `reply_to`.
    ReplyTo,
    /// `mosquitto_pub` of MQTT 5, bare payloads, the response topic of the protocol.
    ResponseTopic,
    /// `bigskies send` and `bigskies watch`.
    Terminal,
}

impl Way {
    /// Opens it.
    pub(crate) async fn open(self, observatory: &Observatory) -> Voice<'_> {
        let readable = Observatory::readable();
        let readable: Vec<&str> = readable.iter().map(String::as_str).collect();
        let (bus, clients, heard) = match self {
            Self::Bus => {
                let bus = observatory.client("operator").await;
                let heard = Heard::over(&bus, &readable).await;
                (Some(bus), None, heard)
            }
            Self::SharedTopics | Self::ReplyTo | Self::ResponseTopic => {
                let version = if self == Self::ResponseTopic { Version::V5 } else { Version::V311 };
                let clients = observatory.mosquitto_clients(version);
                let heard = clients.subscribe(&readable).await;
                (None, Some(clients), heard)
            }
            Self::Terminal => (None, None, observatory.watch_in_terminal(&[]).await),
        };
        Voice { way: self, observatory, bus, clients, heard }
    }
}

/// Somebody who asks and listens.
pub(crate) struct Voice<'a> {
    way: Way,
    observatory: &'a Observatory,
    bus: Option<Bus>,
    clients: Option<Clients>,
    /// Everything that was on the bus since then.
    pub(crate) heard: Heard,
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Voice<'_> {
    /// Asks by the name of a command: the reply's own fields, or why not.
    pub(crate) async fn ask(&self, name: &str, payload: Value) -> Result<Value, Refusal> {
        match (&self.bus, &self.clients) {
            (Some(bus), _) => over_bus(bus, name, payload).await,
            (None, Some(clients)) => self.over_clients(clients, name, payload).await,
            (None, None) => self.in_terminal(name, &payload).await,
        }
    }

    /// The same, for what must work.
    pub(crate) async fn good(&self, name: &str, payload: Value) -> Value {
        let answer = self.ask(name, payload.clone()).await;
        answer.unwrap_or_else(|refusal| panic!("{:?}: {name} {payload} was refused: {refusal:?}", self.way))
    }

    async fn over_clients(&self, clients: &Clients, name: &str, payload: Value) -> Result<Value, Refusal> {
        let id = format!("question-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let reply = format!("bigskies/client/operator/acceptance/reply/{id}");
        let mut bare = payload.clone();
        bare["message_id"] = json!(id);
        let question = topic::inbound(name);
        let answered_on = match self.way {
            Way::ReplyTo => {
                let envelope = json!({"message_id": id, "type": "request", "source": "user:operator", "reply_to": reply, "payload": payload});
                clients.publish(&question, &envelope.to_string(), &[]).await;
                reply
            }
            Way::ResponseTopic => {
                let respond = ["-D", "publish", "response-topic", &reply, "-D", "publish", "correlation-data", &id];
                clients.publish(&question, &bare.to_string(), &respond).await;
                reply
            }
            Way::Bus | Way::SharedTopics | Way::Terminal => {
                clients.publish(&question, &bare.to_string(), &[]).await;
                topic::response(name)
            }
        };
        let what = format!("answer to {name} {payload} on {answered_on}");
        let answer =
            self.heard.wait_for(&what, ANSWER, |m| m.topic == answered_on && m.payload["message_id"] == json!(id));
        outcome(answer.await.payload)
    }

    async fn in_terminal(&self, name: &str, payload: &Value) -> Result<Value, Refusal> {
        let done = self.observatory.terminal(&["--json", "send", name, &payload.to_string()]).await;
        if done.code == Some(0) {
            return Ok(done.json().remove(0));
        }
        let part =
            |start: &str| done.stderr.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().to_owned();
        let code = Code::ALL.into_iter().find(|code| Some(i32::from(code.exit_code())) == done.code);
        let code = code.unwrap_or_else(|| panic!("{done:?}")).as_str().to_owned();
        Err(Refusal { code, message: part("error: "), hint: part("hint: ") })
    }
}

async fn over_bus(bus: &Bus, name: &str, payload: Value) -> Result<Value, Refusal> {
    let ask = Ask { limit: Some(ANSWER), ..Ask::default() };
    let answer = bus.ask_topic(&topic::inbound(name), payload, Qos::AtLeastOnce, ask).await;
    answer.map(Value::Object).map_err(|fault| Refusal {
        code: fault.code.as_str().to_owned(),
        message: fault.message,
        hint: fault.hint,
    })
}

/// What an answer comes to, once it has the shape that every answer has.
pub(crate) fn outcome(answer: Value) -> Result<Value, Refusal> {
    for field in ["message_id", "correlation_id", "type", "source", "timestamp", "success"] {
        assert!(answer.get(field).is_some(), "{field} is missing in {answer}");
    }
    assert!(answer.get("payload").is_none() && answer["type"] == "response", "{answer}");
    if answer["success"] == json!(true) {
        return Ok(answer);
    }
    let text = |field: &str| {
        answer["error"][field].as_str().unwrap_or_else(|| panic!("{field} is missing in {answer}")).to_owned()
    };
    Err(Refusal { code: text("code"), message: text("message"), hint: text("hint") })
}
