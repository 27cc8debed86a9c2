//! Answers on their way back: to the reply topic that the request brought and may use, else to the shared response topic.

use bus::{Bus, Delivery, Outgoing};
use bytes::Bytes;
use catalog::{Entry, Kind, Needs, Owner, Party, Qos, envelope, topic};
use envelope::Header;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use vocabulary::{Clock, Fault};

use crate::Caller;

/// Where the answer to one request goes.
#[derive(Debug, Clone)]
pub(crate) struct ReplyTo {
    header: Header,
    wanted: Option<String>,
    correlation_data: Option<Bytes>,
    default_topic: Option<String>,
    allowed: bool,
    only_errors: bool,
    qos: Qos,
}

impl ReplyTo {
    pub(crate) fn new(entry: &Entry, delivery: &Delivery, header: &Header) -> Self {
        let wanted = delivery.response_topic.clone().or_else(|| header.reply_to.clone());
        Self {
            only_errors: entry.kind == Kind::Notice && wanted.is_none(),
            wanted,
            header: header.clone(),
            correlation_data: delivery.correlation_data.clone(),
            default_topic: entry.response_topic(),
            allowed: false,
            qos: entry.qos,
        }
    }

    /// Lets the answer go to the topic that the request brought, if that is the caller's own, or the shared one.
    ///
    /// Where a message needs no caller and none is proven, its answer goes to the user that it names, or to whom it says where it names none:
    /// the broker lets nobody else read there.
    pub(crate) fn allow(&mut self, caller: &Caller, needs: Needs, named: Option<&str>) -> Result<(), Fault> {
        let Some(wanted) = &self.wanted else { return Ok(()) };
        let is_unproven = needs == Needs::Nobody && caller.is_nobody();
        let own = topic::account_of_reply(wanted)
            .is_some_and(|account| caller.may_reply_to(account) || (is_unproven && is_of(account, named)));
        let account = caller.over.as_ref().unwrap_or(&caller.account);
        if own || self.default_topic.as_ref() == Some(wanted) {
            self.allowed = true;
            return Ok(());
        }
        Err(Fault::forbidden(format!("reply topic {wanted:?} is not {account}'s own")).hint(format!(
            "use {}",
            topic::inbound("").replace("coordinator/", &format!("client/{account}/CLIENT/reply/ID"))
        )))
    }

    /// Whether a private answer has somewhere to go.
    pub(crate) fn is_private(&self) -> bool {
        self.allowed && self.wanted != self.default_topic
    }

    fn topic(&self) -> Option<&String> {
        self.wanted.as_ref().filter(|_| self.allowed).or(self.default_topic.as_ref())
    }
}

/// Whether answers may go to this account where a message names this user and proves nobody: the user's own, in the lobby too, or that of
/// a process of ours that sends for others.
fn is_of(account: &str, named: Option<&str>) -> bool {
    let Some(user) = named else { return true };
    match account.parse().map(|account| Party::of(&account)) {
        Ok(Party::Face(_) | Party::Node | Party::Coordinator(_)) => true,
        Ok(Party::User(account) | Party::Lobby(account)) => account.as_str() == user,
        Ok(Party::Plugin(_) | Party::Key(_)) | Err(_) => false,
    }
}

/// Publishes answers. What the desk answers itself goes through a bounded queue, so that it never waits.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    bus: Bus,
    owner: Owner,
    clock: Clock,
    queue: mpsc::Sender<Outgoing>,
}

/// Room for answers of the desk.
const ROOM: usize = 4096;

impl Answers {
    pub(crate) fn new(bus: Bus, owner: Owner, clock: Clock) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Outgoing>(ROOM);
        let publisher = bus.clone();
        tokio::spawn(async move {
            while let Some(answer) = waiting.recv().await {
                if let Err(fault) = publisher.publish(answer).await {
                    tracing::warn!(%fault, "answer was not sent");
                }
            }
        });
        Self { bus, owner, clock, queue }
    }

    /// Answers from a handler.
    pub(crate) async fn send(&self, to: &ReplyTo, outcome: &Result<Map<String, Value>, Fault>) {
        if let Some(answer) = self.outgoing(to, outcome)
            && let Err(fault) = self.bus.publish(answer).await
        {
            tracing::warn!(%fault, "answer was not sent");
        }
    }

    /// Waits until the desk may answer without waiting. What comes meanwhile stays where it is, so that no answer is lost.
    pub(crate) async fn room(&self) {
        // An error means that the bus is closed, and nobody waits for an answer.
        let _ = self.queue.reserve().await;
    }

    /// Answers from the desk, without waiting.
    pub(crate) fn post(&self, to: &ReplyTo, fault: Fault) {
        if let Some(answer) = self.outgoing(to, &Err(fault))
            && self.queue.try_send(answer).is_err()
        {
            tracing::warn!("answer was dropped: too many wait");
        }
    }

    fn outgoing(&self, to: &ReplyTo, outcome: &Result<Map<String, Value>, Fault>) -> Option<Outgoing> {
        if to.only_errors && outcome.is_ok() {
            return None;
        }
        let answer = envelope::answer(&to.header, &self.owner.source(), self.clock.now(), outcome.as_ref());
        Some(Outgoing {
            topic: to.topic()?.clone(),
            payload: Bytes::from(answer.to_string()),
            qos: to.qos,
            correlation_data: to.correlation_data.clone(),
            ..Outgoing::default()
        })
    }
}
