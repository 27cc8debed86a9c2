//! A client of MQTT 5 that does no more than the loads need: one blocking socket, packets written as bytes.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    ops::Range,
    time::Duration,
};

use crate::Outcome;

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds without a packet after which the broker may drop us; longer than any wait here.
const KEEP_ALIVE_SECONDS: u16 = 600;

const CONNECT: u8 = 0x10;
const CLEAN_START: u8 = 0b10;
const NAME_AND_PASSWORD: u8 = 0b1100_0000;
const CONNACK: u8 = 2;
/// The kind of a delivery.
pub(crate) const PUBLISH: u8 = 3;
/// The kind of an acknowledgement.
pub(crate) const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 9;
/// The property that says where to answer.
const RESPONSE_TOPIC: u8 = 8;

/// Where a client connects, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) address: SocketAddr,
    pub(crate) account: String,
    /// Nothing where everybody is let in.
    pub(crate) password: Option<String>,
    /// What is brought with each message, where the broker does not tell from whom it is.
    pub(crate) token: Option<String>,
}

/// How surely a message is delivered; the quality of service of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Qos {
    AtMostOnce = 0,
    AtLeastOnce = 1,
}

/// A connected client.
pub(crate) struct Client {
    stream: TcpStream,
    inbound: Vec<u8>,
    read: usize,
}

/// A packet that lies in the client's buffer until the next is asked for.
pub(crate) struct Packet {
    first_byte: u8,
    body: Range<usize>,
}

impl Packet {
    pub(crate) const fn kind(&self) -> u8 {
        self.first_byte >> 4
    }
}

/// A delivery, read.
pub(crate) struct Delivery<'a> {
    pub(crate) payload: &'a [u8],
    /// What acknowledges it, where it asks for that.
    pub(crate) ack: Option<[u8; 4]>,
}

impl Client {
    /// Connects and is welcomed.
    pub(crate) fn connect(entrance: &Entrance, id: &str) -> Outcome<Self> {
        let Entrance { address, account, password, token: _ } = entrance;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut client = Self { stream, inbound: Vec::new(), read: 0 };
        let flags = CLEAN_START | password.as_ref().map_or(0, |_| NAME_AND_PASSWORD);
        // No properties.
        let mut body = [&text("MQTT")[..], &[5, flags], &KEEP_ALIVE_SECONDS.to_be_bytes(), &[0], &text(id)].concat();
        if let Some(password) = password {
            body.extend([text(account), text(password)].concat());
        }
        client.send(&packet(CONNECT, &body))?;
        let welcome = client.expect(CONNACK)?;
        match client.inbound.get(welcome.body) {
            Some([_, 0, ..]) => Ok(client),
            other => Err(format!("broker at {address} did not let {id} in as {account}: {other:02x?}").into()),
        }
    }

    /// Subscribes and is confirmed.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: Qos) -> Outcome<()> {
        let body = [&[0, 1, 0][..], &text(filter), &[qos as u8]].concat();
        self.send(&packet(SUBSCRIBE, &body))?;
        let granted = self.expect(SUBACK)?;
        match self.inbound.get(granted.body).and_then(<[u8]>::last) {
            Some(code) if *code == qos as u8 => Ok(()),
            other => Err(format!("no subscription to {filter}: {other:02x?}").into()),
        }
    }

    /// Writes bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next packet; waits for it.
    pub(crate) fn next(&mut self) -> Outcome<Packet> {
        loop {
            if let Some(packet) = self.buffered() {
                self.read = packet.body.end;
                return Ok(packet);
            }
            self.inbound.drain(..self.read);
            self.read = 0;
            let mut more = [0; 32 << 10];
            match self.stream.read(&mut more)? {
                0 => return Err("broker closed the connection".into()),
                count => self.inbound.extend(more.get(..count).unwrap_or_default()),
            }
        }
    }

    /// Whether a whole packet has come already.
    pub(crate) fn has_next(&self) -> bool {
        self.buffered().is_some()
    }

    /// The next packet of this kind; others are passed over.
    pub(crate) fn expect(&mut self, kind: u8) -> Outcome<Packet> {
        loop {
            let packet = self.next()?;
            if packet.kind() == kind {
                return Ok(packet);
            }
        }
    }

    /// Acknowledges a delivery that asks for it.
    pub(crate) fn acknowledge(&mut self, packet: &Packet) -> Outcome<()> {
        match self.delivery(packet)?.ack {
            Some(ack) => self.send(&ack),
            None => Ok(()),
        }
    }

    /// Reads a packet that is a delivery.
    pub(crate) fn delivery(&self, packet: &Packet) -> Outcome<Delivery<'_>> {
        self.read_delivery(packet).ok_or_else(|| "broker delivered something that can't be read".into())
    }

    fn read_delivery(&self, packet: &Packet) -> Option<Delivery<'_>> {
        let body = self.inbound.get(packet.body.clone())?;
        let (length, rest) = body.split_first_chunk::<2>()?;
        let mut rest = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
        let mut ack = None;
        if packet.first_byte & 0b110 != 0 {
            let (&[high, low], behind) = rest.split_first_chunk::<2>()?;
            ack = Some([PUBACK << 4, 2, high, low]);
            rest = behind;
        }
        let (properties, size) = length_at(rest)?;
        Some(Delivery { payload: rest.get(size + properties..)?, ack })
    }

    fn buffered(&self) -> Option<Packet> {
        let bytes = self.inbound.get(self.read..)?;
        let (first_byte, rest) = bytes.split_first()?;
        let (length, size) = length_at(rest)?;
        let start = self.read + 1 + size;
        let end = start + length;
        (end <= self.inbound.len()).then_some(Packet { first_byte: *first_byte, body: start..end })
    }
}

/// A message on its way to a broker.
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a str,
    pub(crate) qos: Qos,
    /// Whether the broker keeps it for those who come later.
    pub(crate) retain: bool,
    /// Asked for where the message is acknowledged; never 0 then.
    pub(crate) id: u16,
    pub(crate) response_topic: Option<&'a str>,
    pub(crate) payload: &'a [u8],
}

impl Message<'_> {
    /// Its bytes.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let properties =
            self.response_topic.map_or_else(Vec::new, |topic| [&[RESPONSE_TOPIC][..], &text(topic)].concat());
        let mut body = text(self.topic);
        if self.qos == Qos::AtLeastOnce {
            body.extend(self.id.to_be_bytes());
        }
        body.extend(length(properties.len()));
        body.extend(properties);
        body.extend(self.payload);
        packet(PUBLISH << 4 | (self.qos as u8) << 1 | u8::from(self.retain), &body)
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first_byte: u8, body: &[u8]) -> Vec<u8> {
    [&[first_byte][..], &length(body.len()), body].concat()
}

/// MQTT 5 §1.5.5: seven bits to a byte, the lowest first.
fn length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4);
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        bytes.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            return bytes;
        }
    }
}

/// The length that stands at the beginning, and how many bytes it takes; nothing where it has not all come.
fn length_at(bytes: &[u8]) -> Option<(usize, usize)> {
    let size = 1 + bytes.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    let value = bytes.iter().take(size).rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    Some((value, size))
}
