//! `bigskies watch`: messages as they come.

use bus::Delivery;
use catalog::{Directory, topic};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use vocabulary::{Clock, Fault, Timestamp};

use crate::terminal::{
    client::Client,
    listen::{Heard, Listener},
    output::{Ending, Output, Paint, harmless},
    topics,
};

/// What to watch.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Topics with + and #, or names of messages such as telescope/position, or their beginnings such as telescope. Everything that one
    /// may read where nothing is said.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// End after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// Shows messages until there were enough, or until Ctrl-C.
pub(crate) async fn run(watch: Watch, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let directory = Directory::default();
    let mut filters = Vec::new();
    for text in &watch.filters {
        filters.extend(topics::filters(&directory, text)?);
    }
    if filters.is_empty() || filters.iter().any(|filter| filter == topic::EVERYTHING) {
        filters = everything(client).await?;
    }
    let clock = Clock::system();
    let mut listener = Listener::new(client, filters).await?;
    let mut left = watch.count;
    while left != Some(0) {
        match listener.next().await? {
            Heard::Interrupted => break,
            Heard::Message(delivery) => {
                let seen = Seen::of(&delivery, clock.now());
                out.show(&seen, |paint| seen.line(paint))?;
                left = left.map(|left| left - 1);
            }
        }
    }
    Ok(())
}

/// All that the login may read: widely where it may, else message by message.
async fn everything(client: &Client) -> Result<Vec<String>, Fault> {
    let own = topic::clients_of(&client.bus().options().account);
    let wide = [topic::EVERY_EVENT, topic::EVERY_STATE, topic::EVERY_HEALTH, topic::EVERY_RESPONSE];
    let mut granted = client.bus().granted(wide.map(str::to_owned).into_iter().chain([own]).collect()).await?;
    let narrow = catalog::all().into_iter().filter(|entry| !entry.kind.is_inbound()).map(|entry| entry.topic_of("+"));
    let narrow: Vec<String> = narrow.filter(|filter| !granted.iter().any(|wide| topic::covers(wide, filter))).collect();
    if !narrow.is_empty() {
        granted.extend(client.bus().granted(narrow).await?);
    }
    Ok(granted)
}

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Seen {
    topic: String,
    /// JSON as it came, else text; null for a retained message that was taken away.
    payload: Value,
    retained: bool,
    received_at: Timestamp,
}

impl Seen {
    fn of(delivery: &Delivery, now: Timestamp) -> Self {
        Self {
            topic: delivery.topic.clone(),
            payload: value_of(&delivery.payload),
            retained: delivery.retained,
            received_at: now,
        }
    }

    /// One line for a person: when, where, what. Of an envelope only the payload is shown.
    fn line(&self, paint: Paint) -> String {
        let instant = self.received_at.instant();
        let time = format!(
            "{:02}:{:02}:{:02}.{:03}",
            instant.hour(),
            instant.minute(),
            instant.second(),
            instant.millisecond()
        );
        let mark = if self.retained { paint.faint(" (retained)") } else { String::new() };
        let what = match &self.payload {
            Value::Null => paint.faint("(empty)"),
            Value::String(text) => harmless(text),
            value => {
                let text = harmless(&inner(value).to_string());
                if is_error(value) { paint.bad(&text) } else { text }
            }
        };
        format!("{} {}{mark} {what}", paint.faint(&time), paint.name(&harmless(topics::short(&self.topic))))
    }
}

fn value_of(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// The payload of an envelope; anything else as it is.
fn inner(value: &Value) -> &Value {
    match (value.get("payload"), value.get("type")) {
        (Some(payload), Some(Value::String(_))) => payload,
        _ => value,
    }
}

fn is_error(value: &Value) -> bool {
    value.get("success").is_some_and(|success| success == false) && value.get("error").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines() {
        for (topic, payload, retained, line) in [
            (
                "bigskies/coordinator/telescope/control/slew",
                r#"{"type":"command","source":"user:ann","payload":{"declination":-5.4}}"#,
                false,
                r#"20:15:00.250 telescope/control/slew {"declination":-5.4}"#,
            ),
            ("bigskies/plugin/x/status", "up\n", true, "20:15:00.250 plugin/x/status (retained) up\u{fffd}"),
            (
                "bigskies/coordinator/telescope/state/position/1",
                "",
                false,
                "20:15:00.250 telescope/state/position/1 (empty)",
            ),
            ("bigskies/plugin/x/data", r#"{"type":"panel"}"#, false, r#"20:15:00.250 plugin/x/data {"type":"panel"}"#),
        ] {
            let at = "2026-11-21T20:15:00.250Z".parse().unwrap();
            let seen =
                Seen { topic: topic.to_owned(), payload: value_of(payload.as_bytes()), retained, received_at: at };
            assert_eq!(seen.line(Paint::Plain), line);
        }
    }

    #[test]
    fn programs_get_everything() {
        let at = "2026-11-21T20:15:00Z".parse().unwrap();
        let seen = Seen { topic: "a".to_owned(), payload: value_of(b"{\"b\":1}"), retained: false, received_at: at };
        let wanted =
            json!({"topic": "a", "payload": {"b": 1}, "retained": false, "received_at": "2026-11-21T20:15:00Z"});
        assert_eq!(serde_json::to_value(&seen).unwrap(), wanted);
    }

    #[test]
    fn refusals_are_seen() {
        for (payload, error) in [
            (json!({"success": false, "error": {"code": "busy"}}), true),
            (json!({"success": true}), false),
            (json!({"success": false}), false),
        ] {
            assert_eq!(is_error(&payload), error);
        }
    }
}
