//! The observatory that is attacked, with the people in it, one who administers it, and one who hears everything.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use catalog::{Owner, Qos, topic};
use serde_json::{Map, Value, json};
use testkit::{
    Ask, Broker, Bus, Database, Deadline, Fault, Heard, Observatory, SigningKey, Timestamp, until, until_some,
};
use tokio::net::TcpStream;

use super::{
    row::{Attack, Back, Message, Row, Trace, Why},
    wire::{Connect, LIMIT, Met, Parcel, Wire},
};

/// How long the trail may take to show what happened.
const TRAIL: Duration = Duration::from_secs(10);
/// How often it is looked for what may come.
const TICK: Duration = Duration::from_millis(10);
/// How long nobody may say anything for it to be silence.
const SILENCE: Duration = Duration::from_millis(700);

/// Somebody who can connect and has a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) password: String,
    pub(crate) token: Option<String>,
    pub(crate) refresh_token: String,
}

/// The observatory and who is in it.
pub(crate) struct Stand {
    pub(crate) observatory: Observatory,
    pub(crate) broker: Broker,
    pub(crate) operator: Bus,
    pub(crate) heard: Heard,
    pub(crate) signing_key: SigningKey,
    people: Mutex<HashMap<String, Person>>,
    wires: tokio::sync::Mutex<HashMap<String, Arc<tokio::sync::Mutex<Wire>>>>,
    secrets: Mutex<Vec<String>>,
    numbers: std::sync::atomic::AtomicU32,
    ready: Instant,
    /// Everything with an id, by a name of our own.
    pub(crate) ids: HashMap<&'static str, String>,
}

impl Stand {
    pub(crate) async fn start(broker: Broker) -> Self {
        let plan = Observatory::with(broker, Database::Given);
        let plan = if broker.is_embedded() { plan.tls() } else { plan };
        let observatory = plan.log_level("debug").start().await;
        let ready = Instant::now();
        let operator = observatory.client("operator").await;
        let readable = Observatory::readable();
        let heard = Heard::over(&operator, &readable.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut stand = Self {
            signing_key: observatory.signing_key().await,
            observatory,
            broker,
            operator,
            heard,
            people: Mutex::default(),
            wires: tokio::sync::Mutex::default(),
            secrets: Mutex::default(),
            numbers: std::sync::atomic::AtomicU32::new(1),
            ready,
            ids: HashMap::new(),
        };
        stand.furnish().await;
        stand
    }

    async fn furnish(&mut self) {
        self.note_processes();
        let operator = self.observatory.login("operator").unwrap().password;
        let token = self.log_in("operator", &operator).await;
        self.people().insert("operator".to_owned(), Person { password: operator, ..token });
        let id = self.good("security/user/me", json!({})).await["user"]["id"].as_str().unwrap().to_owned();
        self.people().get_mut("operator").unwrap().id = id;
        for (place, name) in [("hill", "Hill Observatory"), ("valley", "Valley Observatory")] {
            let made = self.good("security/organisation/create", json!({ "name": name })).await;
            self.ids.insert(place, text(&made["organisation"]["id"]));
        }
        for (group, organisation) in [("hill-admins", "hill"), ("hill-group", "hill"), ("valley-group", "valley")] {
            let payload = json!({"name": group, "organisation_id": self.ids[organisation]});
            let made = self.good("security/group/create", payload).await;
            self.ids.insert(group, text(&made["group"]["id"]));
        }
        let hill = format!("organisation:{}", self.ids["hill"]);
        for right in [
            "user:read",
            "user:write",
            "user:configure",
            "group:read",
            "group:write",
            "group:configure",
            "role:read",
            "role:configure",
            "permission:read",
            "permission:configure",
        ] {
            let (resource, action) = right.split_once(':').unwrap();
            let payload =
                json!({"group_id": self.ids["hill-admins"], "resource": resource, "action": action, "scope": hill});
            self.good("security/permission/grant", payload).await;
        }
        self.person("ann", json!({"roles": ["operator"]})).await;
        self.person("bob", json!({"roles": ["observer"]})).await;
        self.person("eve", json!({})).await;
        let own = json!({"organisation_id": self.ids["hill"], "groups": [self.ids["hill-admins"]]});
        self.person("ora", own).await;
        self.person("hal", json!({"organisation_id": self.ids["hill"]})).await;
        self.person("val", json!({"organisation_id": self.ids["valley"], "groups": [self.ids["valley-group"]]})).await;
        self.plugin().await;
        let key = self.key("ann", &["telescope:read"]).await;
        self.people().insert("ann's key".to_owned(), key);
        self.equipment().await;
        // Where they were let in once they are known, whatever others fail at from the same place.
        self.good("security/settings/set", json!({"key": "lockout_failures", "value": 100})).await;
        for who in ["gateway", "ann", "bob", "eve", "ora", "hal", "plugin.weather"] {
            self.wire(who).await;
        }
    }

    /// The processes of ours, which have no token.
    fn note_processes(&self) {
        let node = self.observatory.login("node").unwrap();
        let names = Owner::ALL.iter().map(|owner| owner.component().to_owned()).chain(["gateway".to_owned()]);
        for name in names {
            let password = node.for_role(&name.parse().unwrap()).unwrap().password;
            self.keep_secret(&password);
            self.people().insert(name, Person { password, ..Person::default() });
        }
        self.keep_secret(&node.password);
        self.people().insert("node".to_owned(), Person { password: node.password, ..Person::default() });
    }

    /// A plugin that publishes one topic, reads one, and has one right.
    async fn plugin(&mut self) {
        let manifest = json!({
            "plugin_id": "weather",
            "publishes": [topic::inbound("service/register")],
            "reads": ["bigskies/coordinator/health/+"],
            "permissions": ["service:write"],
        });
        let admitted = self.good("security/plugin/admit", manifest).await;
        let (account, password) = (text(&admitted["account"]), text(&admitted["password"]));
        self.keep_secret(&password);
        let plugin = Person { id: text(&admitted["user_id"]), password, ..Person::default() };
        self.people().insert(account.clone(), plugin);
        let token = self.plugins_token(&account).await;
        self.people().get_mut(&account).unwrap().token = Some(token);
    }

    /// The token that a plugin is sent once it is heard of.
    async fn plugins_token(&self, account: &str) -> String {
        let place = "bigskies/coordinator/security/plugin/weather/token";
        let wire = self.wire(account).await;
        let mut wire = wire.lock().await;
        assert!(matches!(wire.subscribe(place.as_bytes()).await, Met::Passed));
        let payload = br#"{"component":"plugin:weather","status":"healthy"}"#.to_vec();
        let health = Parcel { topic: b"bigskies/plugin/weather/health".to_vec(), payload, ..Parcel::default() };
        assert!(matches!(wire.publish(&health).await, Met::Passed));
        match wire.hear(place, LIMIT).await {
            Met::Answer(sent) => {
                let token = text(&sent["token"]);
                self.keep_secret(&token);
                token
            }
            other => panic!("the plugin was sent no token: {other:?}"),
        }
    }

    /// A telescope that must not move.
    async fn equipment(&mut self) {
        let port = self.observatory.simulator().discovery_port();
        let mount = until_some("a telescope on the network", LIMIT, async || {
            let found = self.good("telescope/device/discover", json!({"port": port, "wait_seconds": 0.5})).await;
            found["devices"].get(0).map(|device| text(&device["device_id"]))
        })
        .await;
        self.good("telescope/device/connect", json!({"device_id": mount})).await;
        self.ids.insert("mount", mount);
    }

    /// Makes an account, logs it in, and lets it connect once.
    pub(crate) async fn person(&self, name: &str, mut more: Value) -> Person {
        let password = format!("the constellations of {name}");
        more["username"] = json!(name);
        more["password"] = json!(password);
        let made = self.good("security/user/create", more).await;
        let person = Person { id: text(&made["user"]["id"]), ..self.log_in(name, &password).await };
        self.people().insert(name.to_owned(), person.clone());
        person
    }

    /// Logs in, over the gateway's connection.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Person {
        self.keep_secret(password);
        let message =
            self.message("gateway", None, "security/auth/login", &json!({"username": name, "password": password}));
        let answer = match self.deliver(&message).await {
            Met::Answer(answer) if answer["success"] == true => answer,
            other => panic!("{name} can't log in: {other:?}"),
        };
        let (token, refresh_token) = (text(&answer["token"]), text(&answer["refresh_token"]));
        self.keep_secret(&token);
        self.keep_secret(&refresh_token);
        Person { id: String::new(), password: password.to_owned(), token: Some(token), refresh_token }
    }

    /// An API key of somebody, good for less.
    pub(crate) async fn key(&self, who: &str, scopes: &[&str]) -> Person {
        let payload = json!({"name": format!("key of {who}"), "scopes": scopes});
        let message = self.message("gateway", self.token(who), "security/key/create", &payload);
        let answer = match self.deliver(&message).await {
            Met::Answer(answer) if answer["success"] == true => answer,
            other => panic!("{who} can't make a key: {other:?}"),
        };
        let (id, key) = (text(&answer["id"]), text(&answer["key"]));
        self.keep_secret(&key);
        let person = Person { password: key.clone(), token: Some(key), ..Person::default() };
        self.people().insert(format!("key.{id}"), person.clone());
        Person { id, ..person }
    }

    pub(crate) fn people(&self) -> MutexGuard<'_, HashMap<String, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn someone(&self, name: &str) -> Person {
        self.people().get(name).cloned().unwrap_or_else(|| panic!("there is no {name}"))
    }

    pub(crate) fn token(&self, name: &str) -> Option<String> {
        self.people().get(name).and_then(|person| person.token.clone())
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.ids.get(name).cloned().unwrap_or_else(|| self.someone(name).id)
    }

    /// Whose own the stamp is where nothing proves the caller: that of the connection on our broker, nobody's on another.
    pub(crate) fn stranger(&self, over: &str) -> String {
        if self.broker.is_embedded() { over.to_owned() } else { "nobody".to_owned() }
    }

    /// Notes what must appear nowhere.
    pub(crate) fn keep_secret(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn fresh(&self) -> u32 {
        self.numbers.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    }

    /// Now, by this machine's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.operator.options().clock.now()
    }

    /// Asks as the administrator for what must work.
    pub(crate) async fn good(&self, name: &str, payload: Value) -> Map<String, Value> {
        let answer = self.ask(name, payload.clone()).await;
        answer.unwrap_or_else(|fault| panic!("{name} {payload} was refused: {fault:?}"))
    }

    pub(crate) async fn ask(&self, name: &str, payload: Value) -> Result<Map<String, Value>, Fault> {
        // Looking through the trail takes its time.
        let how = Ask { limit: Some(LIMIT * 4), ..Ask::default() };
        self.operator.ask_topic(&topic::inbound(name), payload, Qos::AtLeastOnce, how).await
    }

    pub(crate) async fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.observatory.mqtt()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A new connection of somebody.
    pub(crate) async fn connect(&self, connect: &Connect) -> Result<Wire, Met> {
        Wire::open(self.stream().await, connect).await
    }

    pub(crate) fn hello(&self, who: &str) -> Connect {
        Connect::with(&format!("attack-{}-{who}", self.fresh()), who, &self.someone(who).password)
    }

    /// The connection of somebody, made where it is not there.
    pub(crate) async fn wire(&self, who: &str) -> Arc<tokio::sync::Mutex<Wire>> {
        let mut wires = self.wires.lock().await;
        if let Some(wire) = wires.get(who) {
            let is_over = wire.lock().await.is_over;
            if !is_over {
                return Arc::clone(wire);
            }
        }
        let mut wire =
            self.connect(&self.hello(who)).await.unwrap_or_else(|met| panic!("{who} can't connect: {met:?}"));
        let met = wire.subscribe(format!("bigskies/client/{who}/#").as_bytes()).await;
        assert!(matches!(met, Met::Passed), "{who} can't read its answers: {met:?}");
        let wire = Arc::new(tokio::sync::Mutex::new(wire));
        wires.insert(who.to_owned(), Arc::clone(&wire));
        wire
    }

    /// A message that is answered to who sends it.
    pub(crate) fn message(&self, over: &str, token: Option<String>, command: &str, payload: &Value) -> Message {
        Message {
            over: over.to_owned(),
            token,
            command: command.to_owned(),
            payload: payload.to_string().into_bytes(),
            is_raw: false,
            back: Back::Own,
            retain: false,
            properties: Vec::new(),
        }
    }

    /// The same, sent and answered.
    pub(crate) async fn try_as(&self, who: &str, command: &str, payload: &Value) -> Met {
        self.deliver(&self.message("gateway", self.token(who), command, payload)).await
    }

    /// Sends a message and waits for what comes of it.
    pub(crate) async fn deliver(&self, message: &Message) -> Met {
        let wire = self.wire(&message.over).await;
        let mut wire = wire.lock().await;
        let own = format!("bigskies/client/{}/attack/reply/{}", message.over, self.fresh());
        let correlation = format!("attack-{}", self.fresh());
        let response_topic = match &message.back {
            Back::Own => Some(own.clone()),
            Back::Topic(topic) => Some(topic.clone()),
            Back::Unnamed | Back::Field(_) => None,
        };
        let mut payload = message.payload.clone();
        let mut is_named = false;
        if let Some(Value::Object(mut fields)) = serde_json::from_slice(&payload).ok().filter(|_| !message.is_raw) {
            // By which the answer is found on the shared topic.
            is_named = true;
            fields.entry("correlation_id").or_insert_with(|| json!(correlation));
            if let Back::Field(topic) = &message.back {
                fields.insert("reply_to".to_owned(), json!(topic));
            }
            payload = Value::Object(fields).to_string().into_bytes();
        }
        let before = self.heard.messages().len();
        let mut properties = message.properties.clone();
        properties.extend(message.token.iter().map(|token| ("token".to_owned(), token.clone())));
        let topic = message.topic().into_bytes();
        let parcel = Parcel { topic, payload, retain: message.retain, response_topic, properties };
        match wire.publish(&parcel).await {
            Met::Passed => {}
            other => return other,
        }
        // Who is not known is answered on the shared topic.
        let shared = topic::response(&message.command);
        let fits = |heard: &testkit::Message| {
            heard.topic == shared && (!is_named || heard.payload["correlation_id"] == correlation)
        };
        let on_shared = async {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                if let Some(heard) = self.heard.messages().into_iter().skip(before).find(fits) {
                    return Met::Answer(heard.payload);
                }
            }
        };
        tokio::select! {
            met = wire.hear(&own, LIMIT) => met,
            met = on_shared => met,
        }
    }

    /// Plays a row and says what is wrong with what came of it.
    pub(crate) async fn check(&self, row: Row) -> Result<(), String> {
        let (since, refused) = (self.now(), row.refused);
        let met = match row.attack {
            Attack::Message(message) if refused == Why::Silence => {
                let met = tokio::time::timeout(SILENCE, self.deliver(&message)).await;
                self.wires.lock().await.remove(&message.over);
                met.unwrap_or(Met::Silence)
            }
            Attack::Message(message) => self.deliver(&message).await,
            Attack::Publish { who, parcel } => self.wire(&who).await.lock().await.publish(&parcel).await,
            Attack::Subscribe { who, filter } => self.wire(&who).await.lock().await.subscribe(filter.as_bytes()).await,
            Attack::Connect(connect) => match self.connect(&connect).await {
                Ok(_) => Met::Passed,
                Err(met) => met,
            },
            Attack::Scene(deed) => deed(self).await,
        };
        if !refused.fits(&met) {
            return Err(cut(&format!("{refused:?} was wanted and {met:?} came")));
        }
        match row.audited {
            Some(trace) if self.broker.is_embedded() || !trace.is_brokers => self.is_audited(&trace, since).await,
            _ => Ok(()),
        }
    }

    /// Whether the trail says so since then.
    async fn is_audited(&self, trace: &Trace, since: Timestamp) -> Result<(), String> {
        let query = json!({"action": trace.action, "outcome": trace.outcome, "from": since, "limit": 50});
        let bound = Deadline::after(TRAIL);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let rows = self.good("security/audit/query", query.clone()).await["rows"].take();
            let fits = |row: &Value| {
                row["account"] == trace.account
                    && row["code"].as_str().is_some_and(|code| code.contains(&trace.code))
                    && row["object"].as_str().is_some_and(|object| object.contains(&trace.object))
            };
            if rows.as_array().is_some_and(|rows| rows.iter().any(fits)) {
                return Ok(());
            }
            if bound.is_over() {
                return Err(cut(&format!("{trace:?} is not in the trail, which has {rows}")));
            }
        }
    }

    /// Waits until every coordinator has answered something that was sent after everything else.
    pub(crate) async fn settled(&self) {
        for owner in Owner::ALL {
            let answer = self.ask(&format!("{}/settings/get", owner.word()), json!({"key": "no such setting"})).await;
            assert!(answer.is_err(), "{answer:?}");
        }
    }

    /// Every coordinator is healthy and the same that it was at the start, and none has complained of a defect.
    pub(crate) async fn is_undisturbed(&self) {
        let age = self.ready.elapsed().as_secs_f64();
        for owner in Owner::ALL {
            let name = format!("{}/health/get", owner.word());
            let mut last = Map::new();
            let bound = Deadline::after(LIMIT);
            until("a healthy coordinator", LIMIT * 2, async || {
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
        for word in ["panicked", "is a defect", "syntax error at or near"] {
            assert_eq!(log.lines().find(|line| line.contains(word)), None, "in the log");
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().take(700).collect()
}
