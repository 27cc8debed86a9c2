//! Somebody with a client that is not ours, who sends bare payloads as scripts of the earlier program do.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use catalog::topic;
use serde_json::{Value, json};
use testkit::{Clients, Credentials, Deadline, Heard, Observatory, Paho, Version};
use tokio::time::timeout;

/// How long an answer may take here.
const ANSWER: Duration = Duration::from_secs(15);
/// After what time a question is asked again, under the same id.
const AGAIN: Duration = Duration::from_millis(1500);
/// Numbers for questions.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Whose client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `mosquitto_pub` and `mosquitto_sub`: a connection for each message.
    Mosquitto,
    /// Paho for Python: one connection for all of it.
    Paho,
}

impl Program {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mosquitto => "mosquitto",
            Self::Paho => "paho",
        }
    }
}

/// What a question came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was answered.
    Answer(Value),
    /// The broker did not take it.
    NotTaken(String),
    /// Nothing came.
    Silence,
}

/// Somebody with a client.
pub(crate) struct Peer<'a> {
    observatory: &'a Observatory,
    login: Credentials,
    version: Version,
    token: Option<String>,
    voice: Voice,
}

enum Voice {
    Mosquitto(Heard),
    Paho(Paho),
}

impl<'a> Peer<'a> {
    /// Connects and listens for answers.
    pub(crate) async fn connect(
        observatory: &'a Observatory,
        program: Program,
        version: Version,
        login: &Credentials,
    ) -> Self {
        let voice = match program {
            Program::Mosquitto => Voice::Mosquitto(listen(observatory, version, login).await),
            Program::Paho => {
                let mut paho = Paho::connect(observatory.mqtt(), login, version).await.unwrap();
                paho.subscribe(&[&own(login)]).await;
                Voice::Paho(paho)
            }
        };
        Self { observatory, login: login.clone(), version, token: None, voice }
    }

    /// Whether another connection with the same login is let in.
    pub(crate) async fn let_in(&self) -> Result<(), String> {
        match &self.voice {
            Voice::Mosquitto(_) => self.clients().attempt(&topic::inbound("security/auth/validate"), "{}", &[]).await,
            Voice::Paho(_) => Paho::connect(self.observatory.mqtt(), &self.login, self.version).await.map(drop),
        }
    }

    /// How often a connection that it keeps was ended by the broker, as far as it tells.
    pub(crate) fn disconnections(&self) -> Vec<String> {
        match &self.voice {
            Voice::Mosquitto(_) => Vec::new(),
            Voice::Paho(paho) => paho.disconnections(),
        }
    }

    pub(crate) const fn version(&self) -> Version {
        self.version
    }

    /// Sends this token with everything from now on: as MQTT 5 has it, with 3.1.1 beside the fields.
    pub(crate) fn bring(&mut self, token: Option<String>) {
        self.token = token;
    }

    /// Asks by the name of a command, again and again until there is an answer.
    pub(crate) async fn ask(&mut self, name: &str, payload: Value, limit: Duration) -> Outcome {
        let mut id = fresh_id();
        let deadline = Deadline::after(limit);
        loop {
            if let Err(why) = self.send(name, &payload, &id).await {
                return Outcome::NotTaken(why);
            }
            let heard = match &self.voice {
                Voice::Mosquitto(heard) => heard,
                Voice::Paho(paho) => paho.heard(),
            };
            let wait = deadline.left().min(AGAIN);
            let answer = heard.wait_for("an answer", ANSWER, |message| message.payload["message_id"] == json!(id));
            match timeout(wait, answer).await {
                // What was answered to nobody's ears is to be asked anew.
                Ok(answer)
                    if answer.payload["error"]["message"]
                        .as_str()
                        .is_some_and(|e| e.contains("answered privately")) =>
                {
                    id = fresh_id();
                    continue;
                }
                Ok(answer) => return Outcome::Answer(answer.payload),
                Err(_) => {}
            }
            if deadline.is_over() {
                return Outcome::Silence;
            }
            self.listen_again().await;
        }
    }

    /// What listens with MQTT 5 ends where the broker disconnects it, as it does when rights change; the others come again by themselves.
    async fn listen_again(&mut self) {
        if let (Voice::Mosquitto(heard), Version::V5) = (&mut self.voice, self.version) {
            *heard = listen(self.observatory, self.version, &self.login).await;
        }
    }

    /// The same for what must work.
    pub(crate) async fn good(&mut self, name: &str, payload: Value) -> Value {
        match self.ask(name, payload.clone(), ANSWER).await {
            Outcome::Answer(answer) if answer["success"] == json!(true) => answer,
            other => panic!("{}: {name} {payload}: {other:?}", self.login.account),
        }
    }

    /// Sends a command without waiting for an answer.
    pub(crate) async fn send(&mut self, name: &str, payload: &Value, id: &str) -> Result<(), String> {
        let reply = format!("bigskies/client/{}/script/reply/{id}", self.login.account);
        let mut bare = payload.clone();
        bare["message_id"] = json!(id);
        if self.version == Version::V311 {
            bare["reply_to"] = json!(reply);
        }
        let (question, clients) = (topic::inbound(name), self.clients());
        match &mut self.voice {
            Voice::Mosquitto(_) if self.version == Version::V5 => {
                clients.attempt(&question, &bare.to_string(), &["-D", "publish", "response-topic", &reply]).await
            }
            Voice::Mosquitto(_) => clients.attempt(&question, &bare.to_string(), &[]).await,
            Voice::Paho(paho) => {
                if let (Version::V311, Some(token), None) = (self.version, &self.token, bare.get("token")) {
                    bare["token"] = json!(token);
                }
                paho.publish(&question, &bare.to_string(), Some(&reply), self.token.as_deref()).await
            }
        }
    }

    fn clients(&self) -> Clients {
        Clients::new(self.observatory.mqtt(), Some(self.login.clone()), self.token.clone(), self.version)
    }
}

fn fresh_id() -> String {
    format!("question-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// The topics of its own answers.
fn own(login: &Credentials) -> String {
    format!("bigskies/client/{}/#", login.account)
}

async fn listen(observatory: &Observatory, version: Version, login: &Credentials) -> Heard {
    let clients = Clients::new(observatory.mqtt(), Some(login.clone()), None, version);
    // It says that it has subscribed when it has heard something.
    clients.subscribe(&[&own(login), &topic::state("security/keys", "jwks")]).await
}
