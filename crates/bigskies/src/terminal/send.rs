//! `bigskies send`: one message by hand, and its answer.

use std::io::Read as _;

use bus::{Ask, Outgoing};
use catalog::{Directory, Kind, Qos};
use clap::Args;
use serde_json::{Value, json};
use vocabulary::Fault;

use crate::terminal::{
    client::Client,
    output::{Ending, Form, Output, remark},
    topics::{self, Place},
};

/// What to send where.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The name of a message, such as telescope/control/slew, another spelling of it, or a whole topic.
    topic: String,
    /// The payload, as JSON; `-` reads it from standard input. Nothing is the same as {}.
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    payload: Option<String>,
    /// Do not wait for an answer: publish the payload as it is, on any topic.
    #[arg(long)]
    no_answer: bool,
    /// Send under this id. Sent again under the same id, a command has no second effect and is answered as it was.
    #[arg(long, value_name = "ID", conflicts_with = "no_answer")]
    id: Option<String>,
}

/// Sends and shows the answer.
pub(crate) async fn run(send: Send, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let place = topics::place(&Directory::default(), &send.topic)?;
    let text = match send.payload.as_deref() {
        Some("-") => standard_input()?,
        Some(text) => text.to_owned(),
        None => "{}".to_owned(),
    };
    if send.no_answer { publish(place, text, client).await } else { ask(place, &text, send.id, client, out).await }
}

async fn publish(place: Place, text: String, client: &Client) -> Result<(), Ending> {
    let qos = place.entry.as_ref().map_or(Qos::AtLeastOnce, |entry| entry.qos);
    let token = client.token().map(|token| token.expose().to_owned());
    let payload = text.into_bytes().into();
    let outgoing = Outgoing { topic: place.topic, payload, qos, token, ..Outgoing::default() };
    Ok(client.bus().publish(outgoing).await?)
}

async fn ask(place: Place, text: &str, id: Option<String>, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let question = Question::new(&place, text)?;
    if place.entry.is_none() {
        remark(&format!("no message has the topic {}; whether somebody answers is not known", place.topic));
    }
    let ask = Ask { id, limit: place.entry.as_ref().map(|entry| entry.limit), ..Ask::default() };
    let answer = client.ask_topic(&place.topic, question.payload, question.qos, ask).await?;
    let answer = Value::Object(answer);
    match out.form() {
        Form::Json => out.text(&answer.to_string()),
        Form::Person => out.text(&format!("{answer:#}")),
    }
}

/// What is asked.
#[derive(Debug, PartialEq)]
struct Question {
    payload: Value,
    qos: Qos,
}

impl Question {
    fn new(place: &Place, text: &str) -> Result<Self, Fault> {
        let kind = place.entry.as_ref().map(|entry| entry.kind);
        if let Some(kind @ (Kind::Event | Kind::State | Kind::Health)) = kind {
            return Err(Fault::invalid(format!(
                "{} is never answered: it is of the kind {}",
                place.topic,
                kind.as_str()
            ))
            .hint("--no-answer publishes on it all the same"));
        }
        let payload = if text.trim().is_empty() {
            json!({})
        } else {
            serde_json::from_str(text).map_err(|e| {
                Fault::invalid(format!("payload is not JSON: {e}"))
                    .hint(format!("write it in single quotes, for example {}", example(place)))
            })?
        };
        Ok(Self { payload, qos: place.entry.as_ref().map_or(Qos::AtLeastOnce, |entry| entry.qos) })
    }
}

fn example(place: &Place) -> String {
    let example = place.entry.as_ref().map_or_else(|| json!({"name": "value"}), |entry| (entry.example)());
    let told = example.as_object().map(|fields| fields.iter().filter(|(_, value)| !value.is_null()));
    let told: Option<serde_json::Map<_, _>> = told.map(|fields| fields.map(|(k, v)| (k.clone(), v.clone())).collect());
    format!("'{}'", told.map_or(example, Value::Object))
}

fn standard_input() -> Result<String, Fault> {
    let mut text = String::new();
    let most = catalog::envelope::LARGEST_PAYLOAD_BYTES as u64 + 1;
    std::io::stdin().lock().take(most).read_to_string(&mut text).map_err(|e| {
        Fault::invalid(format!("payload can't be read from standard input: {e}")).hint("send UTF-8 text")
    })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    #[test]
    fn questions() {
        let directory = Directory::default();
        for (topic, text, wanted) in [
            ("datastore/ping", "", Ok(json!({}))),
            ("datastore/ping", " {\"a\": 1} ", Ok(json!({"a": 1}))),
            ("datastore/ping", "[1]", Ok(json!([1]))),
            ("datastore/ping", "{a: 1}", Err(Code::Invalid)),
            ("bigskies/coordinator/telescope/event/slew-ended", "{}", Err(Code::Invalid)),
            ("bigskies/plugin/x/control/y", "3", Ok(json!(3))),
        ] {
            let place = topics::place(&directory, topic).unwrap();
            let got = Question::new(&place, text).map(|q| q.payload).map_err(|fault| fault.code);
            assert_eq!(got, wanted, "{topic} {text}");
        }
    }

    #[test]
    fn a_wrong_payload_is_answered_with_an_example() {
        let place = topics::place(&Directory::default(), "telescope/control/track").unwrap();
        let fault = Question::new(&place, "on").unwrap_err();
        assert!(fault.hint.contains(r#""enabled":true"#), "{}", fault.hint);
    }
}
