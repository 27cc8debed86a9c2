//! The conversation with the plugin: commands in small batches, each awaited, and what is there remembered between them.

use std::time::Duration;

use bus::{Bus, Connection, Outgoing, Watch};
use bytes::Bytes;
use catalog::{Qos, topic};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};
use vocabulary::{Fault, ids::fresh_uuid};

use super::{Picture, Wanted, command::Command, plan};

/// How long the plugin may take for a batch.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The plugin writes its whole file after each command, and Mosquitto does nothing else before the last of a batch.
const BATCH_COMMANDS_MAX: usize = 16;
/// Well below the limit of a message in our guide.
const BATCH_BYTES_MAX: usize = 128 * 1024;
/// How many clients a page has; one takes some 300 bytes.
const CLIENTS_PER_PAGE: usize = 500;
/// How many roles a page has; a coordinator's takes some 60 KB, and a packet may have 1 MiB.
const ROLES_PER_PAGE: usize = 12;
/// Room for answers to what nobody waits for any more.
const ANSWERS: usize = 16;

/// Gives the plugin commands over a connection whose account may. It remembers what is there, being the only one who changes it; whoever
/// knows better says so with [`Self::forget`].
#[derive(Debug)]
pub struct Controller {
    bus: Bus,
    answers: Watch,
    picture: Option<Picture>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Clients that were made.
    pub made: Vec<String>,
    /// Clients that were given other rights or another password, or were locked or unlocked.
    pub changed: Vec<String>,
    /// Clients that were removed.
    pub removed: Vec<String>,
    /// Names that should be ours and that others gave a client of their own; those were left alone.
    pub strangers: Vec<String>,
    /// How many commands it took.
    pub commands: usize,
}

/// The plugin's answer to a batch.
#[derive(Deserialize)]
struct Answer {
    responses: Vec<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(default)]
    correlation_data: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Value,
}

impl Controller {
    /// Listens for the plugin's answers.
    ///
    /// # Errors
    /// `unavailable` where the subscription can't be sent.
    pub async fn open(bus: &Bus) -> Result<Self, Fault> {
        let filter = (topic::DYNAMIC_SECURITY_RESPONSE.to_owned(), Qos::AtLeastOnce);
        Ok(Self { answers: bus.watch(&[filter], ANSWERS).await?, bus: bus.clone(), picture: None })
    }

    /// How the connection stands: on another one, something else may be there.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.bus.connection()
    }

    /// What is there is to be read again before anything is done.
    pub fn forget(&mut self) {
        self.picture = None;
    }

    /// Does what is missing, and nothing where nothing is.
    ///
    /// # Errors
    /// `unavailable` where the plugin gives no answer; `conflict` where it refuses something. What was done until then stays; asked again,
    /// the rest is done.
    pub async fn provision(&mut self, wanted: &Wanted) -> Result<Summary, Fault> {
        // Put back at the end: after a failure nobody knows what is there.
        let mut picture = match self.picture.take() {
            Some(picture) => picture,
            None => self.look().await?,
        };
        let plan = plan(&picture, wanted);
        let mut summary = Summary { strangers: plan.strangers, commands: plan.commands.len(), ..Summary::default() };
        for batch in batches(plan.commands) {
            self.give(&batch).await?;
            for command in &batch {
                picture.obey(command);
                summary.note(command);
            }
        }
        self.picture = Some(picture);
        Ok(summary)
    }

    /// What is there now.
    ///
    /// # Errors
    /// As [`Self::provision`].
    pub async fn look(&mut self) -> Result<Picture, Fault> {
        let mut picture = Picture::default();
        let defaults = self.ask(Command::GetDefaultACLAccess).await?;
        picture.add_defaults(&defaults)?;
        let mut offset = 0;
        loop {
            let page = Command::ListClients { verbose: true, count: CLIENTS_PER_PAGE, offset };
            match picture.add_clients(&self.ask(page).await?)? {
                CLIENTS_PER_PAGE => offset += CLIENTS_PER_PAGE,
                _ => break,
            }
        }
        offset = 0;
        loop {
            let page = Command::ListRoles { verbose: true, count: ROLES_PER_PAGE, offset };
            match picture.add_roles(&self.ask(page).await?)? {
                ROLES_PER_PAGE => offset += ROLES_PER_PAGE,
                _ => break,
            }
        }
        Ok(picture)
    }

    async fn ask(&mut self, command: Command) -> Result<Value, Fault> {
        let responses = self.give(&[command]).await?;
        Ok(responses.into_iter().next().map(|response| response.data).unwrap_or_default())
    }

    /// Gives commands and waits until the plugin has obeyed all of them.
    async fn give(&mut self, commands: &[Command]) -> Result<Vec<Response>, Fault> {
        let id = fresh_uuid().to_string();
        let mut list = Vec::with_capacity(commands.len());
        for command in commands {
            let mut object = serde_json::to_value(command).map_err(|e| Fault::internal(e.to_string()))?;
            object["correlationData"] = json!(id);
            list.push(object);
        }
        let payload = Bytes::from(json!({ "commands": list }).to_string());
        let topic = topic::DYNAMIC_SECURITY.to_owned();
        self.bus.publish(Outgoing { topic, payload, qos: Qos::AtLeastOnce, ..Outgoing::default() }).await?;
        let answered = timeout(ANSWER_LIMIT, self.answer_to(&id)).await;
        let responses = answered.map_err(|_| self.silence())?.ok_or_else(|| Fault::unavailable("bus is closed"))?;
        for (command, response) in commands.iter().zip(&responses) {
            if let Some(error) = &response.error {
                return Err(Fault::conflict(format!(
                    "mosquitto's dynamic-security plugin refused a change of {}: {error}",
                    command.object()
                ))
                .hint("somebody else may have changed it meanwhile: it is looked at anew at the next try"));
            }
        }
        Ok(responses)
    }

    /// The answer to the batch of this id; others are to batches that nobody waits for any more.
    async fn answer_to(&mut self, id: &str) -> Option<Vec<Response>> {
        loop {
            let delivery = self.answers.next().await?;
            let Ok(Answer { responses }) = serde_json::from_slice(&delivery.payload) else { continue };
            if responses.iter().any(|response| response.correlation_data.as_deref() == Some(id)) {
                return Some(responses);
            }
        }
    }

    fn silence(&self) -> Fault {
        let account = self.bus.options().credentials.as_ref().map_or("nobody", |login| login.account.as_str());
        Fault::unavailable("mosquitto's dynamic-security plugin gives no answer").hint(format!(
            "see that mosquitto loads it, and that {account} may command it: `bigskies admin mosquitto setup` sees to that; \
             docs/guides/mosquitto.md has the lines for mosquitto.conf"
        ))
    }
}

impl Summary {
    fn note(&mut self, command: &Command) {
        let (list, name) = match command {
            Command::CreateClient { username, .. } => (&mut self.made, username),
            Command::DeleteClient { username } => (&mut self.removed, username),
            Command::ModifyClient { username, .. }
            | Command::EnableClient { username }
            | Command::DisableClient { username } => (&mut self.changed, username),
            _ => return,
        };
        if !list.contains(name) {
            list.push(name.clone());
        }
    }
}

/// The commands in batches that are small enough, in their order.
fn batches(commands: Vec<Command>) -> Vec<Vec<Command>> {
    let mut batches: Vec<Vec<Command>> = Vec::new();
    let mut bytes = 0;
    for command in commands {
        let size = serde_json::to_vec(&command).map_or(0, |text| text.len());
        match batches.last_mut().filter(|batch| batch.len() < BATCH_COMMANDS_MAX && bytes + size <= BATCH_BYTES_MAX) {
            Some(batch) => {
                bytes += size;
                batch.push(command);
            }
            None => {
                bytes = size;
                batches.push(vec![command]);
            }
        }
    }
    batches
}
