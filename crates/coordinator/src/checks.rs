//! Everything that is checked before a message may wait for its turn: who asks, where the answer goes, whether it may, until when.

use std::{sync::Arc, time::Duration};

use bus::Delivery;
use catalog::{Entry, Kind, Lane, Needs, Privacy, UserField, envelope};
use envelope::{Header, LARGEST_PAYLOAD_BYTES};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vocabulary::{Fault, Timestamp};

use crate::{
    Caller, Coordinator,
    answers::ReplyTo,
    execution::Passed,
    memory::fingerprint,
    routes::{Prepared, Route},
    shift::Shared,
};

/// A deadline may be this far away at most.
const FARTHEST_DEADLINE: Duration = Duration::from_secs(3600);

/// A message as it came.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) read: &'a envelope::Read,
}

/// What somebody needs for one message, and within what.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    needs: Vec<Needs>,
    within: Vec<String>,
}

/// Lets a message through, or not. Who asks is told even if not, as far as it was proven.
pub(crate) fn pass<C: Coordinator>(
    shared: &Shared<C>,
    route: &Arc<Route<C>>,
    arrival: Arrival<'_>,
    reply_to: &mut ReplyTo,
    asker: &mut Option<Caller>,
) -> Result<Passed<C>, Fault> {
    let entry = &route.entry;
    let header = &arrival.read.header;
    let caller = shared.authority.caller(entry, arrival.delivery, header)?;
    *asker = Some(caller.clone());
    let named = arrival.read.payload.as_ref().ok().and_then(|payload| payload.get("username")?.as_str());
    reply_to.allow(&caller, entry.needs, named)?;
    // What is wrong with a message is told to who may send it.
    let entitled = shared.authority.permits(&caller, entry.needs, &[]);
    let (payload, deadline, prepared) = match understand(shared, route, arrival, reply_to, &caller) {
        Ok(understood) => understood,
        Err(fault) => return Err(entitled.err().unwrap_or(fault)),
    };
    // What two strangers call their messages is no matter of each other's.
    let remembered_as = match named.filter(|_| caller.is_nobody()) {
        Some(named) => format!("{}:{}", caller.account, named.chars().take(64).collect::<String>()),
        None => caller.account.to_string(),
    };
    let terms = Terms::of(shared, entry, &prepared);
    terms.met_by(shared, &caller)?;
    let scope = prepared.scope.map(|named| shared.coordinator.scope(named));
    Ok(Passed {
        route: Arc::clone(route),
        caller,
        remembered_as,
        header: header.clone(),
        fingerprint: payload,
        deadline,
        prepared: Prepared { scope, ..prepared },
        terms,
        overtaken: CancellationToken::new(),
    })
}

/// What it says: its fingerprint, until when it is of use, and itself.
fn understand<C: Coordinator>(
    shared: &Shared<C>,
    route: &Route<C>,
    arrival: Arrival<'_>,
    reply_to: &ReplyTo,
    caller: &Caller,
) -> Result<([u8; 32], Timestamp, Prepared<C>), Fault> {
    let entry = &route.entry;
    if entry.privacy == Privacy::Private && !reply_to.is_private() {
        return Err(Fault::invalid(format!("{} is answered privately and brings no reply topic", entry.name))
            .hint("add an MQTT 5 response topic or reply_to of your own"));
    }
    // Who is to be stopped is known; when that was asked, and under which id, does not matter then.
    if let Some(complaint) = arrival.read.complaint.as_ref().filter(|_| entry.lane != Lane::Safety) {
        return Err(complaint.clone());
    }
    let payload = payload_of(entry.kind, arrival.delivery, arrival.read.payload.clone())?;
    on_whose_behalf(entry, caller, &payload)?;
    let now = shared.clock.now();
    let deadline = match entry.lane {
        Lane::Safety => now.plus(entry.limit),
        _ => deadline_of(entry.limit, &arrival.read.header, now)?,
    };
    let fingerprint = fingerprint(&entry.name, &payload, &route.secrets);
    Ok((fingerprint, deadline, (route.prepare)(payload)?))
}

impl Terms {
    fn of<C: Coordinator>(shared: &Shared<C>, entry: &Entry, prepared: &Prepared<C>) -> Self {
        let within = prepared.scope.as_deref().map(|named| shared.coordinator.within(named)).unwrap_or_default();
        let needs = std::iter::once(entry.needs).chain(prepared.also_needs.iter().copied()).collect();
        Self { needs, within }
    }

    /// Whether the caller may do this, with that for which it asks; asked again when its turn has come.
    pub(crate) fn met_by<C: Coordinator>(&self, shared: &Shared<C>, caller: &Caller) -> Result<(), Fault> {
        let scopes: Vec<&str> = self.within.iter().map(String::as_str).collect();
        self.needs.iter().try_for_each(|needs| shared.authority.permits(caller, *needs, &scopes))
    }
}

/// The payload as the message has it. A notice may be empty or plain text.
fn payload_of(kind: Kind, delivery: &Delivery, payload: Result<Value, Fault>) -> Result<Value, Fault> {
    match payload {
        Ok(payload) if payload.is_object() || kind != Kind::Notice => Ok(payload),
        Ok(_) => Ok(json!({})),
        Err(fault) if kind != Kind::Notice || delivery.size_bytes > LARGEST_PAYLOAD_BYTES => Err(fault),
        Err(fault) => {
            let is_text = std::str::from_utf8(&delivery.payload).is_ok_and(|text| {
                !text.trim_start().starts_with(['{', '[', '"']) && !text.chars().any(char::is_control)
            });
            if is_text { Ok(json!({})) } else { Err(fault) }
        }
    }
}

/// A `user_id` must be the caller's own unless an administrator asks.
fn on_whose_behalf(entry: &Entry, caller: &Caller, payload: &Value) -> Result<(), Fault> {
    let is_own =
        |user: &str| user == caller.account.as_str() || caller.user.as_ref().is_some_and(|id| id.as_str() == user);
    match payload.get("user_id").and_then(Value::as_str) {
        Some(user) if entry.user == UserField::Behalf && !is_own(user) && !caller.administrator => {
            Err(Fault::forbidden(format!("{} may not ask for {user}", caller.account)).hint("leave user_id out"))
        }
        _ => Ok(()),
    }
}

/// Until when a command is of use: its own deadline, else its timestamp plus the message's limit.
fn deadline_of(limit: Duration, header: &Header, now: Timestamp) -> Result<Timestamp, Fault> {
    let deadline = header.deadline.unwrap_or_else(|| header.timestamp.unwrap_or(now).plus(limit));
    if deadline > now.plus(FARTHEST_DEADLINE) {
        return Err(Fault::invalid(format!("deadline {deadline} is more than an hour away"))
            .hint("set a nearer one, and see that the sender's clock is right"));
    }
    if deadline <= now {
        return Err(late(deadline));
    }
    Ok(deadline)
}

pub(crate) fn late(deadline: Timestamp) -> Fault {
    Fault::timeout(format!("deadline {deadline} has passed, so it was not executed"))
        .hint("send it again, and see that the sender's clock is right")
}
