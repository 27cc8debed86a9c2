//! An observatory with everybody who can ask, their tokens and keys, and one who hears every answer.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use catalog::{Qos, topic};
use serde_json::{Map, Value, json};
use testkit::{Broker, Bus, Credentials, Database, Heard, Observatory, Outgoing, until_some};
use tokio::time::timeout;

use crate::stand::good;

const ANSWER: Duration = Duration::from_secs(15);
/// After what time a question is asked again.
const AGAIN: Duration = Duration::from_secs(2);
const CONNECTED: Duration = Duration::from_secs(15);
/// How long somebody may take who is not let in.
const NOT_LET_IN: Duration = Duration::from_millis(1500);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Where a token is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the envelope.
    Envelope,
    /// Beside the fields of a bare payload.
    Beside,
    /// As the user property of MQTT 5.
    Property,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Envelope, Self::Beside, Self::Property];
}

/// Where an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// On the topic that the question brought.
    Own,
    /// On the shared one.
    Shared,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) refused: Option<String>,
    pub(crate) on: Reply,
    pub(crate) payload: Value,
}

pub(crate) struct Stand {
    observatory: Observatory,
    broker: Broker,
    /// By the name that rows have for them.
    secrets: HashMap<&'static str, String>,
    /// The account of the key that rows call so.
    key: String,
    passwords: HashMap<String, String>,
    connections: HashMap<String, Bus>,
    heard: Heard,
}

impl Stand {
    pub(crate) async fn start(broker: Broker) -> Self {
        let observatory = Observatory::with(broker, Database::Private).start().await;
        let operator = observatory.client("operator").await;
        // Which hears everything.
        let message = Bus::connect(options(&observatory, &node(&observatory, "message-coordinator")), CONNECTED).await;
        let heard = Heard::over(&message.unwrap(), &["bigskies/#"]).await;
        let mut stand = Self {
            observatory,
            broker,
            secrets: HashMap::new(),
            key: String::new(),
            passwords: HashMap::new(),
            connections: HashMap::new(),
            heard,
        };
        stand.people(&operator).await;
        stand.plugin(&operator).await;
        stand.nodes();
        stand.tokens().await;
        stand
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.broker.is_embedded()
    }

    pub(crate) fn password(&self, name: &str) -> &str {
        &self.passwords[name]
    }

    async fn people(&mut self, operator: &Bus) {
        for name in ["ann", "bob"] {
            let password = format!("{name} counts the stars");
            let user = json!({"username": name, "password": password, "roles": ["operator"]});
            good(operator, "security/user/create", user).await;
            self.passwords.insert(format!("lobby.{name}"), password.clone());
            self.passwords.insert(name.to_owned(), password);
        }
    }

    /// It reads its token and may ask who it is.
    async fn plugin(&mut self, operator: &Bus) {
        let publishes = ["security/user/me"].map(topic::inbound);
        let plugin = json!({"plugin_id": "weather", "publishes": publishes});
        let admitted = good(operator, "security/plugin/admit", plugin).await;
        self.passwords.insert("plugin.weather".to_owned(), text(&admitted, "password"));
        let own = "bigskies/coordinator/security/plugin/weather/token";
        let weather = self.connection("plugin.weather").await;
        let its = Heard::over(&weather, &[own]).await;
        let token = until_some("a plugin's token", ANSWER, async || {
            let sign = Outgoing {
                topic: "bigskies/plugin/weather/health".to_owned(),
                payload: r#"{"status":"healthy"}"#.into(),
                ..Outgoing::default()
            };
            weather.publish(sign).await.unwrap();
            its.find(|message| message.topic == own)
        })
        .await;
        let Value::String(token) = token.field("token").clone() else { panic!("{token:?}") };
        self.secrets.insert("weather's", token);
    }

    fn nodes(&mut self) {
        for role in ["gateway", "telescope-coordinator", "message-coordinator"] {
            self.passwords.insert(role.to_owned(), node(&self.observatory, role).password);
        }
    }

    async fn tokens(&mut self) {
        self.secrets.insert("", String::new());
        self.secrets.insert("junk", "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl".to_owned());
        for (token, account) in [
            ("ann's", "ann"),
            ("ended", "ann"),
            ("bob's", "bob"),
            ("telescope's", "telescope-coordinator"),
            ("message's", "message-coordinator"),
        ] {
            let login = json!({"username": account, "password": self.passwords[account]});
            let session = self.ask(account, account, "", Place::Envelope, "security/auth/login", &login).await.payload;
            let Value::String(found) = &session["token"] else { panic!("{account}: {session}") };
            self.secrets.insert(token, found.clone());
        }
        let ended = json!({"token": self.secrets["ended"]});
        self.ask("ann", "ann", "", Place::Envelope, "security/auth/logout", &ended).await;
        for (key, scopes) in
            [("key", Value::Null), ("reading key", json!(["telescope:read"])), ("taken back", Value::Null)]
        {
            let wanted = json!({"name": key, "scopes": scopes});
            let made = self.ask("ann", "ann", "ann's", Place::Envelope, "security/key/create", &wanted).await.payload;
            let (Some(id), Some(secret)) = (made["id"].as_str(), made["key"].as_str()) else { panic!("{made}") };
            self.secrets.insert(key, secret.to_owned());
            match key {
                "key" => {
                    self.key = format!("key.{id}");
                    self.passwords.insert(self.key.clone(), secret.to_owned());
                }
                "taken back" => {
                    let which = json!({"id": id});
                    self.ask("ann", "ann", "ann's", Place::Envelope, "security/key/revoke", &which).await;
                }
                _ => {}
            }
        }
    }

    /// Asks over one account's connection for an answer to another's (or nobody's), with a token: the answer, wherever it went.
    pub(crate) async fn ask(
        &mut self,
        over: &str,
        reply: &str,
        token: &str,
        place: Place,
        name: &str,
        payload: &Value,
    ) -> Answer {
        let (over, reply) = (self.account(over), self.account(reply));
        let connection = self.connection(&over).await;
        let id = format!("asking-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let reply = (!reply.is_empty()).then(|| format!("bigskies/client/{reply}/asking/reply/{id}"));
        let token = Some(self.secrets[token].clone()).filter(|token| !token.is_empty());
        let question = question(name, payload, &id, reply.clone(), token, place);
        let is_answer = |message: &testkit::Message| {
            message.payload["message_id"] == json!(id) && message.payload["type"] == json!("response")
        };
        let what = format!("answer to {name} over {over} {place:?}");
        for _ in 0..ANSWER.as_secs() / AGAIN.as_secs() {
            connection.publish(question.clone()).await.unwrap();
            let come = self.heard.wait_for(&what, ANSWER, is_answer);
            if let Ok(message) = timeout(AGAIN, come).await {
                let on = if reply.as_ref() == Some(&message.topic) { Reply::Own } else { Reply::Shared };
                assert!(on == Reply::Own || message.topic == topic::response(name), "{message:?}");
                let refused = message.payload["error"]["code"].as_str().map(str::to_owned);
                return Answer { refused, on, payload: message.payload };
            }
        }
        panic!("{what}: none\n{}", self.observatory.last_words())
    }

    /// Whether somebody with this name and secret is let in.
    pub(crate) async fn is_let_in(&self, name: &str, secret: &str) -> bool {
        let login = credentials(&self.observatory, name, &self.secrets[secret]);
        let limit = if self.is_embedded() { CONNECTED } else { NOT_LET_IN };
        let connected = Bus::connect(options(&self.observatory, &login), limit.min(NOT_LET_IN)).await;
        connected.is_ok()
    }

    fn account(&self, name: &str) -> String {
        if name == "key" { self.key.clone() } else { name.to_owned() }
    }

    async fn connection(&mut self, account: &str) -> Bus {
        if let Some(bus) = self.connections.get(account) {
            return bus.clone();
        }
        let login = credentials(&self.observatory, account, &self.passwords[account]);
        let connected = Bus::connect(options(&self.observatory, &login), CONNECTED).await;
        let bus = connected.unwrap_or_else(|fault| panic!("{account}: {fault:?}"));
        self.connections.insert(account.to_owned(), bus.clone());
        bus
    }
}

fn question(
    name: &str,
    payload: &Value,
    id: &str,
    reply: Option<String>,
    token: Option<String>,
    place: Place,
) -> Outgoing {
    let (mut said, mut property) =
        (json!({"message_id": id, "type": "request", "source": "user:somebody", "payload": payload}), None);
    match place {
        Place::Envelope => said["token"] = json!(token),
        Place::Beside => {
            said = payload.clone();
            said["message_id"] = json!(id);
            said["token"] = json!(token);
        }
        Place::Property => property = token,
    }
    Outgoing {
        topic: topic::inbound(name),
        payload: said.to_string().into(),
        qos: Qos::AtLeastOnce,
        response_topic: reply,
        token: property,
        ..Outgoing::default()
    }
}

fn node(observatory: &Observatory, role: &str) -> Credentials {
    let node = observatory.login("node").unwrap_or_else(|| panic!("everybody is let in"));
    node.for_role(&role.parse().unwrap()).unwrap()
}

fn credentials(observatory: &Observatory, account: &str, password: &str) -> Credentials {
    let account = account.parse().unwrap();
    let like = observatory.login("operator").unwrap_or_else(|| panic!("everybody is let in"));
    Credentials { account, password: password.to_owned(), ..like }
}

fn options(observatory: &Observatory, login: &Credentials) -> testkit::BusOptions {
    testkit::BusOptions { credentials: Some(login.clone()), ..observatory.bus_options(login.account.as_str()) }
}

fn text(answer: &Map<String, Value>, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("{field} in {answer:?}")).to_owned()
}
