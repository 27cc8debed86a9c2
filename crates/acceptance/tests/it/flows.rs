//! A session as scripts of the earlier program hold it, in its payloads and from clients that nobody here wrote: log in, be refused, get
//! the right, succeed, lose the right in the middle of it, and be refused within a second.

mod peer;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{Broker, Code, Database, Deadline, Observatory, Version};

use self::peer::{Outcome, Peer, Program};

/// How long a right that was taken may go on at most.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// How long commands go on after a right was taken.
const INSISTING: Duration = Duration::from_millis(2500);
/// How long a right that was given may take to hold, with a connection that is begun again for it.
const GIVEN_WITHIN: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(6);
/// After what time none will come.
const SILENCE: Duration = Duration::from_secs(1);
/// The command that needs a right, which role `operator` gives.
const COMMAND: &str = "telescope/config/create";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_broker() {
    flows(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mosquitto() {
    flows(Broker::Mosquitto).await;
}

async fn flows(broker: Broker) {
    let observatory = Observatory::with(broker, Database::Private).start().await;
    for (program, version) in [
        (Program::Mosquitto, Version::V311),
        (Program::Mosquitto, Version::V5),
        (Program::Paho, Version::V311),
        (Program::Paho, Version::V5),
    ] {
        let name = format!("vera-{}-{}", program.name(), version.name());
        let begun = Instant::now();
        let flow = Flow::begin(&observatory, program, version, &name).await;
        let shown = flow.run().await;
        println!("{broker:?}, {name}: {shown}; in all {:.1} s", begun.elapsed().as_secs_f64());
    }
}

/// One session, and the administrator beside it.
struct Flow<'a> {
    administrator: Peer<'a>,
    client: Peer<'a>,
    name: String,
    user: Value,
}

impl<'a> Flow<'a> {
    /// The administrator makes an account, which has no right yet.
    async fn begin(observatory: &'a Observatory, program: Program, version: Version, name: &str) -> Self {
        let operator = observatory.login("operator").unwrap_or_else(|| panic!("everybody is let in"));
        let mut administrator = Peer::connect(observatory, program, version, &operator).await;
        administrator.bring(observatory.token());
        let password = format!("{name} counts stars");
        let made = administrator
            .good(
                "security/user/create",
                json!({"username": name, "email": format!("{name}@example.org"), "password": password}),
            )
            .await;
        let login = testkit::Credentials { account: name.parse().unwrap(), password, ..operator };
        let client = Peer::connect(observatory, program, version, &login).await;
        Self { administrator, client, name: name.to_owned(), user: made["user"]["id"].clone() }
    }

    async fn run(mut self) -> String {
        let token = self.log_in().await;
        self.is_refused_without_the_right().await;
        self.gets_the_right().await;
        let given = self.succeeds().await;
        let shown = self.is_refused_within_a_second(&token).await;
        self.comes_again().await;
        format!("right in use {given:.0?} after it was given, {shown}")
    }

    async fn log_in(&mut self) -> String {
        let password = format!("{} counts stars", self.name);
        let session =
            self.client.good("security/auth/login", json!({"username": self.name, "password": password})).await;
        let token = session["token"].as_str().unwrap_or_else(|| panic!("{session}")).to_owned();
        assert!(session["expires_at"].as_str().is_some_and(|at| at.parse::<testkit::Timestamp>().is_ok()), "{session}");
        for field in ["id", "username", "email", "enabled", "created_at", "updated_at"] {
            assert!(!session["user"][field].is_null(), "{field} in {session}");
        }
        self.client.bring(Some(token.clone()));
        let valid = self.client.good("security/auth/validate", json!({"token": token})).await;
        assert_eq!((&valid["valid"], &valid["user_id"]), (&json!(true), &self.user), "{valid}");
        token
    }

    /// The broker does not take the command, or its owner refuses it; with MQTT 3.1.1 a broker can't say so, and there is no answer.
    async fn is_refused_without_the_right(&mut self) {
        assert_eq!(self.may().await, Some(false));
        let outcome = self.client.ask(COMMAND, json!({"name": self.telescope(0)}), SILENCE).await;
        self.is_refusal(&outcome);
        assert_eq!(self.made().await, Vec::<usize>::new());
    }

    fn is_refusal(&self, outcome: &Outcome) {
        let refused = match outcome {
            Outcome::Answer(answer) => answer["error"]["code"] == Code::Forbidden.as_str(),
            Outcome::NotTaken(why) => why.to_lowercase().contains("not authorized"),
            Outcome::Silence => self.client.version() == Version::V311,
        };
        assert!(refused, "{}: {outcome:?}", self.name);
    }

    async fn gets_the_right(&mut self) {
        let assigned =
            self.administrator.good("security/role/assign", json!({"user_id": self.user, "role_id": "operator"}));
        assigned.await;
    }

    /// A broker may end connections whose rights change, so that the client has to come again.
    async fn succeeds(&mut self) -> Duration {
        let (given, deadline) = (Instant::now(), Deadline::after(GIVEN_WITHIN));
        loop {
            let outcome = self.client.ask(COMMAND, json!({"name": self.telescope(1)}), ANSWER).await;
            match outcome {
                Outcome::Answer(answer) if answer["success"] == json!(true) => break,
                other if deadline.is_over() => panic!("{}: {other:?}", self.name),
                _ => {}
            }
        }
        let given = given.elapsed();
        assert_eq!(self.may().await, Some(true));
        assert_eq!(self.made().await, [1]);
        given
    }

    /// Commands go on without a pause while the right is taken; when the last of them was executed is seen by what they made. With the
    /// right the session ends: its token is void, and its connection is over.
    async fn is_refused_within_a_second(&mut self, token: &str) -> String {
        let (taking, answered) = (json!({"user_id": self.user, "role_id": "operator"}), OnceLock::new());
        let (administrator, client, name) = (&mut self.administrator, &mut self.client, &self.name);
        let take = async {
            let done = administrator.good("security/role/remove", taking).await;
            answered.get_or_init(Instant::now);
            let valid = administrator.good("security/auth/validate", json!({"token": token})).await;
            assert_eq!(valid["valid"], json!(false), "{name}: the token goes on after {done}");
            Instant::now()
        };
        let insist = async {
            let (mut sent, mut told) = (Vec::new(), None);
            while answered.get().is_none_or(|taken| taken.elapsed() < INSISTING) {
                sent.push(Instant::now());
                let number = sent.len() + 1;
                let command = json!({"name": format!("{name}-{number}")});
                let refused = client.send(COMMAND, &command, &format!("insisting-{number}")).await;
                told = told.or(refused.err().map(|_| Instant::now()));
            }
            (sent, told)
        };
        let (void, (sent, told)) = tokio::join!(take, insist);
        let taken = answered.get().copied().unwrap_or_else(Instant::now);
        let void = void.saturating_duration_since(taken);
        let told = told.map(|told| told.saturating_duration_since(taken));
        let made: Vec<usize> = self.made().await.into_iter().filter(|number| *number > 1).collect();
        // While a connection is ended one may get lost before the last that is executed.
        let (executed, all) = (made.len(), sent.len());
        let refused = made.last().map_or(0, |last| last - 1);
        let first = sent[refused].saturating_duration_since(taken);
        assert!(first < REFUSED_WITHIN, "{}: executed for {first:?} after the right was taken", self.name);
        assert!(void < REFUSED_WITHIN, "{}: the token was good for {void:?}", self.name);
        let told = match (told, self.client.version()) {
            (Some(told), _) => format!("says so {told:.0?} after"),
            (None, Version::V311) => "can't say so".to_owned(),
            (None, Version::V5) => panic!("{}: the broker never said so", self.name),
        };
        let ended = self.client.disconnections().len();
        let first = if sent[refused] < taken { "before".to_owned() } else { format!("{first:.0?} after") };
        format!(
            "first refused command sent {first} the administrator's answer ({executed} of {all} executed), token void \
             {void:.0?} after, the broker {told}, {ended} times disconnected"
        )
    }

    /// In a new session it is told what it lacks. A session that is ended is over everywhere, and so is an account that is disabled.
    async fn comes_again(&mut self) {
        let token = self.log_in().await;
        assert_eq!(self.may().await, Some(false));
        let outcome = self.client.ask(COMMAND, json!({"name": self.telescope(1000)}), SILENCE).await;
        self.is_refusal(&outcome);
        self.administrator.good("security/auth/logout", json!({"token": token})).await;
        let valid = self.administrator.good("security/auth/validate", json!({"token": token})).await;
        assert_eq!(valid["valid"], json!(false), "{valid}");
        self.administrator.good("security/user/delete", json!({"user_id": self.user})).await;
        assert!(self.client.let_in().await.is_err(), "{} is let in though it is disabled", self.name);
    }

    /// What `permission/check` says of the client to itself; nothing where it is not answered in a moment.
    async fn may(&mut self) -> Option<bool> {
        let question = json!({"user_id": self.user, "resource": "telescope", "action": "write"});
        match self.client.ask("security/permission/check", question, ANSWER).await {
            Outcome::Answer(answer) => {
                assert!(answer["reason"].is_string(), "{answer}");
                answer["allowed"].as_bool()
            }
            Outcome::NotTaken(_) | Outcome::Silence => None,
        }
    }

    fn telescope(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// Which of its commands were executed.
    async fn made(&mut self) -> Vec<usize> {
        let mut numbers = Vec::new();
        let mut question = json!({"limit": 100});
        loop {
            let page = self.administrator.good("telescope/config/list", question.clone()).await;
            let configs = page["configs"].as_array().cloned().unwrap_or_default();
            let of_it = |config: &Value| {
                let number = config["name"].as_str()?.strip_prefix(&format!("{}-", self.name))?;
                number.parse::<usize>().ok()
            };
            numbers.extend(configs.iter().filter_map(of_it));
            if page["next"].is_null() {
                numbers.sort_unstable();
                return numbers;
            }
            question["cursor"] = page["next"].clone();
        }
    }
}
