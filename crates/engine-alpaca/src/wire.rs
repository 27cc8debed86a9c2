//! One call over HTTP: a bound on its time and its size, no redirects, and patience with loose readings of the standard.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::{Client, RequestBuilder, redirect};
use serde_json::{Map, Value};
use vocabulary::Timestamp;

use crate::{
    AlpacaError, Endpoint, ServerUrl,
    standard::{fields, parameters},
};

/// The longest answer that is read; a list of devices is a few kilobytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How much of a server's own words is repeated in an error.
const TEXT_CHARACTERS_MAX: usize = 200;

/// Which connection a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A kept one if there is one free.
    Ordinary,
    /// A fresh one: a kept connection may lead to a peer that has died.
    Urgent,
}

/// The way to the servers. Holds no lock while a call is under way.
#[derive(Debug)]
pub(crate) struct Wire {
    ordinary: Client,
    urgent: Client,
    client_id: u32,
    transactions: AtomicU32,
}

/// The server and method of a call, for its errors.
#[derive(Clone, Copy)]
struct Asked<'a> {
    server: &'a ServerUrl,
    method: &'a str,
}

impl Wire {
    pub(crate) fn new(connect_timeout: Duration) -> Result<Self, AlpacaError> {
        let client = |idle: usize| {
            Client::builder()
                .no_proxy()
                .redirect(redirect::Policy::none())
                .connect_timeout(connect_timeout)
                .pool_max_idle_per_host(idle)
                .pool_idle_timeout(Duration::from_secs(20))
                .http1_only()
                .build()
                .map_err(|error| AlpacaError::Network { reason: innermost(&error) })
        };
        // Positive as an Int32 too, which is what some servers read it into.
        let random = vocabulary::ids::fresh_uuid().into_bytes();
        let client_id = (u32::from_be_bytes([random[12], random[13], random[14], random[15]]) & 0x7fff_ffff) | 1;
        Ok(Self { ordinary: client(8)?, urgent: client(0)?, client_id, transactions: AtomicU32::new(0) })
    }

    /// The `Value` of a property of a device.
    pub(crate) async fn get(&self, at: &Endpoint, method: &str, within: Duration) -> Result<Value, AlpacaError> {
        self.value(&at.server_url, &at.url(method), method, within).await
    }

    /// The `Value` of a management address.
    pub(crate) async fn management(&self, at: &ServerUrl, path: &str, within: Duration) -> Result<Value, AlpacaError> {
        self.value(at, &format!("{at}{path}"), path, within).await
    }

    /// Calls a method of a device once; it is never repeated.
    pub(crate) async fn put(
        &self,
        at: &Endpoint,
        method: &str,
        form: &[(&str, String)],
        lane: Lane,
        within: Duration,
    ) -> Result<(), AlpacaError> {
        let client = match lane {
            Lane::Ordinary => &self.ordinary,
            Lane::Urgent => &self.urgent,
        };
        let mut form: Vec<(&str, String)> = form.to_vec();
        form.extend(self.identification());
        let asked = Asked { server: &at.server_url, method };
        asked.exchange(client.put(at.url(method)).form(&form), within).await.map(|_| ())
    }

    async fn value(&self, at: &ServerUrl, url: &str, method: &str, within: Duration) -> Result<Value, AlpacaError> {
        let asked = Asked { server: at, method };
        let request = self.ordinary.get(url).query(&self.identification());
        let mut answer = asked.exchange(request, within).await?;
        field_mut(&mut answer, fields::VALUE).map(Value::take).ok_or_else(|| asked.protocol("Value is missing"))
    }

    fn identification(&self) -> [(&'static str, String); 2] {
        let transaction = (self.transactions.fetch_add(1, Ordering::Relaxed) & 0x3fff_ffff) + 1;
        [
            (parameters::CLIENT_ID, self.client_id.to_string()),
            (parameters::CLIENT_TRANSACTION_ID, transaction.to_string()),
        ]
    }
}

impl Asked<'_> {
    /// Sends, reads, and tells success from every kind of failure.
    async fn exchange(self, request: RequestBuilder, within: Duration) -> Result<Map<String, Value>, AlpacaError> {
        let Ok(answered) = tokio::time::timeout(within, self.read(request)).await else {
            return Err(self.timeout(within));
        };
        let (status, body) = answered?;
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        // The content type is not looked at: what can be read as the standard's object is one.
        let answer = match serde_json::from_slice::<Value>(text) {
            Ok(Value::Object(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        };
        let number = answer.as_ref().and_then(|answer| field(answer, fields::ERROR_NUMBER)).map_or(Some(0), as_integer);
        match (answer, number) {
            (Some(answer), Some(number)) if number != 0 => Err(self.refused(&answer, number)),
            (Some(answer), Some(_)) if (200..300).contains(&status) => Ok(answer),
            (_, None) => Err(self.protocol("ErrorNumber is no number")),
            (None, _) if (200..300).contains(&status) => Err(self.protocol("the answer is not a JSON object")),
            (_, Some(_)) => Err(AlpacaError::Status {
                server: self.server.to_string(),
                method: self.method.to_owned(),
                status,
                text: cut(&String::from_utf8_lossy(text)),
            }),
        }
    }

    async fn read(self, request: RequestBuilder) -> Result<(u16, Vec<u8>), AlpacaError> {
        let mut response = request.send().await.map_err(|error| self.failed(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.protocol("the answer is longer than 64 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), body))
    }

    fn failed(self, error: &reqwest::Error) -> AlpacaError {
        let (server, reason) = (self.server.to_string(), innermost(error));
        if error.is_connect() || error.is_builder() {
            AlpacaError::Unreachable { server, reason }
        } else {
            AlpacaError::Broken { server, method: self.method.to_owned(), reason }
        }
    }

    fn refused(self, answer: &Map<String, Value>, number: i64) -> AlpacaError {
        let message = field(answer, fields::ERROR_MESSAGE).and_then(Value::as_str).map(cut).unwrap_or_default();
        let message = if message.is_empty() { "no reason given".to_owned() } else { message };
        AlpacaError::Device { method: self.method.to_owned(), number, message }
    }

    fn timeout(self, after: Duration) -> AlpacaError {
        AlpacaError::Timeout { server: self.server.to_string(), method: self.method.to_owned(), after }
    }

    fn protocol(self, reason: &str) -> AlpacaError {
        AlpacaError::Protocol {
            server: self.server.to_string(),
            method: self.method.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// A field by name, in any case if not in the standard's.
pub(crate) fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn field_mut<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    if object.contains_key(name) {
        return object.get_mut(name);
    }
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A number, also where it is written as text.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A whole number, also where it is written with a point or as text.
pub(crate) fn as_integer(value: &Value) -> Option<i64> {
    if let Value::Number(number) = value
        && let Some(integer) = number.as_i64()
    {
        return Some(integer);
    }
    let number = as_number(value)?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Yes or no, also where it is written as text or as a number.
pub(crate) fn as_truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        _ => None,
    }
}

/// An instant as devices write it: with seven decimals, and sometimes without the `Z`.
pub(crate) fn as_instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.trim();
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Words from the network: one line, no control characters, bounded.
pub(crate) fn cut(text: &str) -> String {
    text.trim().chars().take(TEXT_CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The innermost cause, which is the one that a person understands.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cut(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn loose_values_are_read() {
        for (value, number, integer, truth) in [
            (json!(5), Some(5.0), Some(5), Some(true)),
            (json!(5.5), Some(5.5), None, Some(true)),
            (json!("7"), Some(7.0), Some(7), None),
            (json!(0.0), Some(0.0), Some(0), Some(false)),
            (json!(-2_147_220_480_i64), Some(-2_147_220_480.0), Some(-2_147_220_480), Some(true)),
            (json!("True"), None, None, Some(true)),
            (json!("NaN"), None, None, None),
            (json!(null), None, None, None),
            (json!([1]), None, None, None),
        ] {
            assert_eq!((as_number(&value), as_integer(&value), as_truth(&value)), (number, integer, truth), "{value}");
        }
    }

    #[test]
    fn instants_as_devices_write_them() {
        for (text, wanted) in [
            ("2026-11-21T20:15:00.1234567Z", Some("2026-11-21T20:15:00.123456Z")),
            ("2026-11-21T20:15:00", Some("2026-11-21T20:15:00Z")),
            ("21.11.2026", None),
        ] {
            assert_eq!(as_instant(&json!(text)).map(|at| at.to_string()).as_deref(), wanted, "{text}");
        }
    }
}
