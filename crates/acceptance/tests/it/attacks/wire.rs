//! MQTT 5 byte by byte: what no honest client would send can be sent, and the broker's reason codes are seen.

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout_at},
};

/// How long a broker or a coordinator may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);
/// A client that says nothing for longer is taken for dead.
const KEEP_ALIVE_SECONDS: u16 = 600;

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBACK: u8 = 9;
const DISCONNECT: u8 = 14;

/// What came of an attack.
#[derive(Debug, Clone)]
pub(crate) enum Met {
    /// The broker said this reason code, with the acknowledgement or when it ended the connection.
    Broker(u8),
    /// The connection was ended without a word.
    Ended,
    /// The broker let it pass.
    Passed,
    /// A coordinator answered.
    Answer(Value),
    /// Nobody answered.
    Silence,
    /// It had no effect, which whoever played it has seen.
    NoEffect,
}

/// What a client brings when it connects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connect {
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
    /// Topic, payload, and whether it is to be retained.
    pub(crate) will: Option<(String, Vec<u8>, bool)>,
    /// A method of enhanced authentication.
    pub(crate) method: Option<String>,
}

impl Connect {
    pub(crate) fn with(client_id: &str, username: &str, password: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            username: Some(username.to_owned()),
            password: Some(password.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    pub(crate) fn packet(&self) -> Vec<u8> {
        let mut flags = 0x02;
        let mut rest = text(self.client_id.as_bytes());
        if let Some((topic, payload, retain)) = &self.will {
            flags |= 0x04 | 0x08 | if *retain { 0x20 } else { 0 };
            rest.push(0);
            rest.extend(text(topic.as_bytes()));
            rest.extend(text(payload));
        }
        if let Some(username) = &self.username {
            flags |= 0x80;
            rest.extend(text(username.as_bytes()));
        }
        if let Some(password) = &self.password {
            flags |= 0x40;
            rest.extend(text(password));
        }
        let mut properties = Vec::new();
        if let Some(method) = &self.method {
            properties.push(0x15);
            properties.extend(text(method.as_bytes()));
        }
        let mut body = text(b"MQTT");
        body.extend([5, flags]);
        body.extend(KEEP_ALIVE_SECONDS.to_be_bytes());
        body.extend(counted(properties));
        body.extend(rest);
        packet(0x10, body)
    }
}

/// What is published.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parcel {
    pub(crate) topic: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) retain: bool,
    pub(crate) response_topic: Option<String>,
    pub(crate) properties: Vec<(String, String)>,
}

impl Parcel {
    fn packet(&self, id: u16) -> Vec<u8> {
        let mut properties = Vec::new();
        if let Some(topic) = &self.response_topic {
            properties.push(0x08);
            properties.extend(text(topic.as_bytes()));
        }
        for (name, value) in &self.properties {
            properties.push(0x26);
            properties.extend(text(name.as_bytes()));
            properties.extend(text(value.as_bytes()));
        }
        let mut body = text(&self.topic);
        body.extend(id.to_be_bytes());
        body.extend(counted(properties));
        body.extend(&self.payload);
        packet(0x32 | u8::from(self.retain), body)
    }
}

/// Any stream of bytes.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    came: VecDeque<(String, Vec<u8>)>,
    last_id: u16,
    /// Whether the other side has ended it.
    pub(crate) is_over: bool,
}

impl Wire {
    /// Says hello over a stream; what the broker answers where it does not let the client in.
    pub(crate) async fn open(stream: impl Stream + 'static, connect: &Connect) -> Result<Self, Met> {
        let mut wire =
            Self { stream: Box::new(stream), buffer: Vec::new(), came: VecDeque::new(), last_id: 0, is_over: false };
        if wire.stream.write_all(&connect.packet()).await.is_err() {
            return Err(Met::Ended);
        }
        match wire.wait(CONNACK, None).await {
            Ok(code) if code < 0x80 => Ok(wire),
            Ok(code) => Err(Met::Broker(code)),
            Err(met) => Err(met),
        }
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) async fn publish(&mut self, parcel: &Parcel) -> Met {
        let id = self.fresh_id();
        if self.stream.write_all(&parcel.packet(id)).await.is_err() {
            self.is_over = true;
            return Met::Ended;
        }
        match self.wait(PUBACK, Some(id)).await {
            Ok(code) if code < 0x80 => Met::Passed,
            Ok(code) => Met::Broker(code),
            Err(met) => met,
        }
    }

    /// Subscribes and waits for the acknowledgement.
    pub(crate) async fn subscribe(&mut self, filter: &[u8]) -> Met {
        let id = self.fresh_id();
        let mut body = id.to_be_bytes().to_vec();
        body.push(0);
        body.extend(text(filter));
        body.push(1);
        if self.stream.write_all(&packet(0x82, body)).await.is_err() {
            self.is_over = true;
            return Met::Ended;
        }
        match self.wait(SUBACK, Some(id)).await {
            Ok(code) if code < 0x80 => Met::Passed,
            Ok(code) => Met::Broker(code),
            Err(met) => met,
        }
    }

    /// Waits for a message on a topic.
    pub(crate) async fn hear(&mut self, topic: &str, limit: Duration) -> Met {
        let until = Instant::now() + limit;
        loop {
            while let Some((place, payload)) = self.came.pop_front() {
                if place == topic {
                    return Met::Answer(serde_json::from_slice(&payload).unwrap_or(Value::Null));
                }
            }
            match timeout_at(until, self.read()).await {
                Ok(Some((first, body))) => {
                    if let Some(over) = self.take(first, &body).await {
                        return over;
                    }
                }
                Ok(None) => {
                    self.is_over = true;
                    return Met::Ended;
                }
                Err(_) => return Met::Silence,
            }
        }
    }

    /// Waits until the other side ends the connection.
    pub(crate) async fn end(&mut self) -> Met {
        self.hear("\0", LIMIT).await
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    fn fresh_id(&mut self) -> u16 {
        self.last_id = self.last_id % 60_000 + 1;
        self.last_id
    }

    /// The reason code of the next packet of this kind.
    async fn wait(&mut self, kind: u8, id: Option<u16>) -> Result<u8, Met> {
        let until = Instant::now() + LIMIT;
        loop {
            let Ok(read) = timeout_at(until, self.read()).await else { return Err(Met::Silence) };
            let Some((first, body)) = read else {
                self.is_over = true;
                return Err(Met::Ended);
            };
            if first >> 4 == kind {
                let named = id.is_none_or(|id| body.get(..2) == Some(&id.to_be_bytes()));
                let code = match kind {
                    CONNACK => body.get(1).copied(),
                    PUBACK => Some(body.get(2).copied().unwrap_or_default()),
                    _ => body.last().copied(),
                };
                if named {
                    return code.ok_or(Met::Ended);
                }
            }
            if let Some(over) = self.take(first, &body).await {
                return Err(over);
            }
        }
    }

    /// Keeps a message; what it means where it ends the connection.
    async fn take(&mut self, first: u8, body: &[u8]) -> Option<Met> {
        if first >> 4 == DISCONNECT {
            self.is_over = true;
            return Some(Met::Broker(body.first().copied().unwrap_or_default()));
        }
        if first >> 4 != PUBLISH {
            return None;
        }
        let (topic, mut rest) = split_text(body)?;
        if first & 0x06 != 0 {
            let id = rest.get(..2)?.to_vec();
            rest = rest.get(2..)?;
            self.write(&packet(0x40, id)).await;
        }
        let (length, digits) = number(rest)?;
        let payload = rest.get(digits + length..)?;
        self.came.push_back((String::from_utf8_lossy(topic).into_owned(), payload.to_vec()));
        None
    }

    /// The next packet; nothing once the connection is over. Safe to cancel.
    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, length, start)) = self.whole_packet() {
                let body = self.buffer.get(start..start + length)?.to_vec();
                self.buffer.drain(..start + length);
                return Some((first, body));
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or_default() == 0 {
                return None;
            }
        }
    }

    /// The first byte, the length and the start of the body of the packet that is there, if all of it is.
    fn whole_packet(&self) -> Option<(u8, usize, usize)> {
        let (length, digits) = number(self.buffer.get(1..)?)?;
        (self.buffer.len() > digits + length).then_some((*self.buffer.first()?, length, 1 + digits))
    }
}

/// A text or bytes with their length (MQTT 5, 1.5.4).
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut all = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    all.extend(bytes.iter().take(usize::from(u16::MAX)));
    all
}

/// Bytes with their length as a variable number (MQTT 5, 1.5.5).
fn counted(bytes: Vec<u8>) -> Vec<u8> {
    let (mut left, mut all) = (bytes.len(), Vec::new());
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        all.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    all.extend(bytes);
    all
}

fn packet(first: u8, body: Vec<u8>) -> Vec<u8> {
    let mut all = vec![first];
    all.extend(counted(body));
    all
}

fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    Some((bytes.get(2..2 + length)?, bytes.get(2 + length..)?))
}

/// A variable number, and how many digits it has.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (place, digit) in bytes.iter().take(4).enumerate() {
        value |= usize::from(digit & 0x7f) << (7 * place);
        if digit & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}
