//! The observatory that all rows of one broker share, with one who sends and one who hears everything.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use catalog::{Owner, Qos, topic};
use serde_json::{Map, Value, json};
use testkit::{
    Ask, Broker, Bus, Database, Deadline, Delivery, Fault, Observatory, Outgoing, Timestamp, until, until_some,
};

use super::row::{Back, Outcome, Place, Row};

/// How long an answer may take here.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);
/// Room for what is heard and not noted yet.
const ROOM: usize = 50_000;
/// The longest message of a fault, whatever was sent.
const MESSAGE_BYTES_MAX: usize = 2048;

/// The observatory and what is known of it.
pub(crate) struct Stand {
    pub(crate) observatory: Observatory,
    pub(crate) broker: Broker,
    pub(crate) bus: Bus,
    /// Sends the rows: what the broker refuses of them must not end a question.
    sender: Bus,
    heard: Arc<Mutex<Vec<Delivery>>>,
    /// Since when every coordinator has been up.
    ready: Instant,
    /// The simulated mount, connected.
    pub(crate) mount: String,
    /// A telescope with that mount.
    pub(crate) telescope: String,
    /// A telescope without a mount.
    pub(crate) bare: String,
    /// A telescope that is disabled.
    pub(crate) disabled: String,
    /// A mount that nobody has connected.
    pub(crate) unplugged: String,
    /// A camera.
    pub(crate) camera: String,
}

impl Stand {
    pub(crate) async fn start(broker: Broker) -> Self {
        let observatory = Observatory::with(broker, Database::Private).slewing_at(20.0).start().await;
        let ready = Instant::now();
        let bus = observatory.client("operator").await;
        let heard = listen(&bus).await;
        let sender = observatory.client("operator").await;
        let mut stand = Self {
            observatory,
            broker,
            bus,
            sender,
            heard,
            ready,
            mount: String::new(),
            telescope: String::new(),
            bare: String::new(),
            disabled: String::new(),
            unplugged: String::new(),
            camera: String::new(),
        };
        stand.furnish().await;
        stand
    }

    async fn furnish(&mut self) {
        let port = self.observatory.simulator().discovery_port();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let found = self.good("telescope/device/discover", json!({ "port": port })).await;
        self.mount = text(&found["devices"][0]["device_id"]);
        let with_mount = json!({"name": "North dome", "devices": {"telescope": self.mount}});
        self.telescope = text(&self.good("telescope/config/create", with_mount).await["id"]);
        self.bare = text(&self.good("telescope/config/create", json!({"name": "A pier"})).await["id"]);
        let closed = json!({"name": "South dome", "devices": {"telescope": self.mount}});
        self.disabled = text(&self.good("telescope/config/create", closed).await["id"]);
        self.good("telescope/config/update", json!({"id": self.disabled, "enabled": false})).await;
        // Nothing listens there.
        for (device_type, place) in [("telescope", &mut self.unplugged), ("camera", &mut self.camera)] {
            let device = json!({"server_url": "http://127.0.0.1:9", "device_type": device_type});
            let registered = ask(&self.bus, "telescope/device/register", device).await;
            *place = text(&registered.unwrap()["device"]["device_id"]);
        }
        self.good("telescope/device/connect", json!({"device_id": self.mount})).await;
    }

    /// Now, by this machine's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.bus.options().clock.now()
    }

    /// A reply topic of the sender's own.
    pub(crate) fn own_topic(&self, id: &str) -> String {
        format!("bigskies/client/operator/bad-input/reply/{id}")
    }

    /// Asks for what must work.
    pub(crate) async fn good(&self, name: &str, payload: Value) -> Map<String, Value> {
        let answer = ask(&self.bus, name, payload.clone()).await;
        answer.unwrap_or_else(|fault| panic!("{name} {payload} was refused: {fault:?}"))
    }

    /// Asks for what must be refused.
    pub(crate) async fn bad(&self, name: &str, payload: Value) -> Fault {
        let answer = ask(&self.bus, name, payload.clone()).await;
        answer.err().unwrap_or_else(|| panic!("{name} {payload} was not refused"))
    }

    /// Sends a row; the data that its answers carry, by which they are found.
    pub(crate) async fn send(&self, row: &Row) -> String {
        let token = self.fresh_token();
        let response_topic = match &row.back {
            Back::Own => Some(self.own_topic(&token)),
            Back::Unnamed => None,
            Back::Topic(topic) => Some(topic.clone()),
        };
        let outgoing = Outgoing {
            topic: row.topic(),
            payload: row.payload.clone().into(),
            response_topic,
            correlation_data: Some(token.clone().into_bytes().into()),
            token: self.observatory.token(),
            ..Outgoing::default()
        };
        if row.alone {
            let other = self.observatory.client("operator").await;
            // That the broker ends this connection is what it may do.
            let _ = other.publish(outgoing).await;
            let _ = tokio::time::timeout(ANSWER, other.close()).await;
            other.abandon();
        } else {
            self.sender.publish(outgoing).await.unwrap();
        }
        token
    }

    fn fresh_token(&self) -> String {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        format!("row-{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    }

    /// Everything that carries this data, but for what was sent with it; what a broker delivers twice counts once.
    pub(crate) fn answers(&self, token: &str) -> Vec<(String, Value)> {
        let mut answers: Vec<(String, Value)> = Vec::new();
        for delivery in self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if delivery.correlation_data.as_ref().is_none_or(|data| data[..] != *token.as_bytes()) {
                continue;
            }
            let Ok(payload) = serde_json::from_slice::<Value>(&delivery.payload) else { continue };
            let answer = (delivery.topic.clone(), payload);
            if answer.1.get("success").is_some() && !answers.contains(&answer) {
                answers.push(answer);
            }
        }
        answers
    }

    /// Sends a row and looks at what comes of it.
    pub(crate) async fn check(&self, row: &Row) -> (String, Result<(), String>) {
        let token = self.send(row).await;
        let outcome = match &row.outcome {
            Outcome::Silence => Ok(()),
            Outcome::Barred => self.is_recorded(row).await,
            Outcome::Refused(..) | Outcome::Done(_) => match self.answer(&token).await {
                Some((topic, answer)) => self.judge(row, &token, &topic, &answer),
                None => Err("no answer".to_owned()),
            },
        };
        (token, outcome)
    }

    /// The first answer, as soon as it is there.
    pub(crate) async fn answer(&self, token: &str) -> Option<(String, Value)> {
        let coming = until_some("an answer", ANSWER * 2, async || self.answers(token).into_iter().next());
        tokio::time::timeout(ANSWER, coming).await.ok()
    }

    fn judge(&self, row: &Row, token: &str, topic: &str, answer: &Value) -> Result<(), String> {
        let place = match &row.place {
            Place::Own => self.own_topic(token),
            Place::Shared => row.shared_topic(),
            Place::Topic(topic) => topic.clone(),
        };
        if topic != place {
            return Err(format!("answered on {topic} instead of {place}"));
        }
        for field in ["message_id", "correlation_id", "type", "source", "timestamp", "success"] {
            if answer.get(field).is_none() {
                return Err(format!("{field} is missing in {answer}"));
            }
        }
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        let good = match row.outcome {
            Outcome::Refused(code, fragment) => {
                answer["success"] == false && answer["error"]["code"] == code && message.contains(fragment)
            }
            Outcome::Done(fragment) => answer["success"] == true && answer.to_string().contains(fragment),
            Outcome::Silence | Outcome::Barred => false,
        };
        if !good {
            return Err(format!("{:?} was wanted, the answer is {}", row.outcome, cut(&answer.to_string())));
        }
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(format!("the message has {} bytes", message.len()));
        }
        Ok(())
    }

    /// Whether our broker recorded that it let nobody send this; another has no trail of ours.
    async fn is_recorded(&self, row: &Row) -> Result<(), String> {
        if !self.broker.is_embedded() {
            return Ok(());
        }
        let refused = json!({"action": "bus/publish", "outcome": "refused", "limit": 1000});
        let recorded = async || {
            let page = self.good("security/audit/query", refused.clone()).await;
            page["rows"].as_array().unwrap().iter().any(|kept| kept["object"] == row.topic())
        };
        let coming = until("an entry in the trail", ANSWER * 2, recorded);
        tokio::time::timeout(ANSWER, coming).await.map_err(|_| "the trail says nothing of it".to_owned())
    }

    /// Waits until every coordinator has answered something that was sent after everything else.
    pub(crate) async fn catch_up(&self) {
        for owner in Owner::ALL {
            let limit = json!({"key": "no such setting"});
            self.bad(&format!("{}/settings/get", owner.word()), limit).await;
        }
    }

    /// Every coordinator is healthy, the same that it was at the start, and none has complained of a defect.
    pub(crate) async fn is_undisturbed(&self) {
        let age = self.ready.elapsed().as_secs_f64();
        for owner in Owner::ALL {
            let name = format!("{}/health/get", owner.word());
            let mut last = Map::new();
            let bound = Deadline::after(ANSWER);
            until("a healthy coordinator", ANSWER * 2, async || {
                last = self.good(&name, json!({})).await;
                last["status"] == "healthy" || bound.is_over()
            })
            .await;
            assert_eq!(last["status"], "healthy", "{last:?}");
            let uptime = last["details"]["uptime_seconds"].as_f64().unwrap();
            // It is told in whole seconds, and asked for a while.
            assert!(uptime + 2.0 > age, "{name}: up for {uptime} s of {age} s");
        }
        let log = self.observatory.process("up").log();
        for word in ["panicked", "is a defect", "SQLSTATE"] {
            let line = log.lines().find(|line| line.contains(word));
            assert_eq!(line, None, "in the log");
        }
    }

    /// Publishes what the broker keeps, and waits until it is heard.
    pub(crate) async fn retain(&self, topic: &str, payload: &Value) {
        let payload = payload.to_string().into_bytes().into();
        let outgoing = Outgoing { topic: topic.to_owned(), payload, retain: true, ..Outgoing::default() };
        self.sender.publish(outgoing).await.unwrap();
        self.catch_up().await;
    }

    /// Starts everything again in the same folder.
    pub(crate) async fn restart(&mut self) {
        self.bus.close().await;
        self.observatory.restart().await;
        self.ready = Instant::now();
        self.bus = self.observatory.client("operator").await;
        self.sender = self.observatory.client("operator").await;
        self.heard = listen(&self.bus).await;
    }
}

/// Asks by the name of a command.
async fn ask(bus: &Bus, name: &str, payload: Value) -> Result<Map<String, Value>, Fault> {
    let ask = Ask { limit: Some(ANSWER), ..Ask::default() };
    bus.ask_topic(&topic::inbound(name), payload, Qos::AtLeastOnce, ask).await
}

/// Notes everything from now on.
async fn listen(bus: &Bus) -> Arc<Mutex<Vec<Delivery>>> {
    let readable = Observatory::readable().into_iter();
    let everything: Vec<(String, Qos)> = readable.map(|filter| (filter, Qos::AtLeastOnce)).collect();
    let mut watch = bus.watch(&everything, ROOM).await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Some(delivery) = watch.next().await {
            notes.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
        }
    });
    heard
}

fn cut(text: &str) -> String {
    text.chars().take(600).collect()
}
