//! A client that speaks in bytes, so that a test sees exactly what the broker answers.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::stand::PATIENCE;

/// MQTT 3.1.1 or 5, by protocol level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    V311 = 4,
    V5 = 5,
}

pub(crate) const BOTH: [Level; 2] = [Level::V311, Level::V5];

/// A CONNECT, in parts.
#[derive(Debug, Clone)]
pub(crate) struct Hello<'a> {
    pub(crate) level: Level,
    pub(crate) id: &'a str,
    pub(crate) user: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) clean: bool,
    pub(crate) will: Option<(&'a str, bool)>,
    /// Session expiry of MQTT 5, in seconds.
    pub(crate) expiry: u32,
}

impl<'a> Hello<'a> {
    pub(crate) fn new(level: Level, id: &'a str, user: &'a str) -> Self {
        Self { level, id, user: Some(user), password: Some(user), clean: true, will: None, expiry: 0 }
    }

    /// The same, with a session that outlives the connection.
    pub(crate) fn staying(self) -> Self {
        Self { clean: false, expiry: 3600, ..self }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let v5 = self.level == Level::V5;
        let (will_flags, user, password) =
            (self.will.map_or(0, |(_, retain)| 0x04 | u8::from(retain) << 5), self.user, self.password);
        let flags =
            will_flags | u8::from(self.clean) << 1 | u8::from(user.is_some()) << 7 | u8::from(password.is_some()) << 6;
        let mut body = [&[0, 4][..], b"MQTT", &[self.level as u8, flags, 0, 60]].concat();
        if v5 {
            body.push(5);
            body.push(0x11);
            body.extend(self.expiry.to_be_bytes());
        }
        body.extend(text(self.id));
        if let Some((topic, _)) = self.will {
            body.extend(v5.then_some(0));
            body.extend(text(topic));
            body.extend(text("gone"));
        }
        body.extend(user.into_iter().chain(password).flat_map(text));
        packet(0x10, &body)
    }
}

/// A connected client.
#[derive(Debug)]
pub(crate) struct Raw<S = TcpStream> {
    pub(crate) stream: S,
    level: Level,
}

impl Raw {
    /// Connects and says hello; gives the CONNACK's code and whether a session was present.
    pub(crate) async fn hello(address: SocketAddr, hello: &Hello<'_>) -> (Self, u8, bool) {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, hello).await
    }

    /// Connects and expects to be welcome.
    pub(crate) async fn welcome(address: SocketAddr, hello: &Hello<'_>) -> Self {
        let (raw, code, _) = Self::hello(address, hello).await;
        assert_eq!(code, 0, "{hello:?}");
        raw
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Says hello over a stream that is open.
    pub(crate) async fn over(stream: S, hello: &Hello<'_>) -> (Self, u8, bool) {
        let mut raw = Self { stream, level: hello.level };
        raw.send(&hello.bytes()).await;
        let connack = raw.next().await.expect("a CONNACK");
        assert_eq!(connack[0], 0x20, "{hello:?}");
        let body = &connack[2..];
        (raw, body[1], body[0] == 1)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next packet, or nothing where the broker has closed.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        timeout(PATIENCE, self.read()).await.expect("a packet in time")
    }

    async fn read(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![self.stream.read_u8().await.ok()?];
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            packet.push(byte);
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let head = packet.len();
        packet.resize(head + length, 0);
        self.stream.read_exact(&mut packet[head..]).await.ok()?;
        Some(packet)
    }

    /// Publishes with packet identifier 7 and gives the answer, if the quality has one.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8, retain: bool) -> Option<Vec<u8>> {
        let mut body = text(topic);
        if qos > 0 {
            body.extend([0, 7]);
        }
        if self.level == Level::V5 {
            body.push(0);
        }
        body.extend(payload);
        self.send(&packet(0x30 | qos << 1 | u8::from(retain), &body)).await;
        if qos == 0 { None } else { self.next().await }
    }

    /// Subscribes with QoS 1 and gives the code of the SUBACK.
    pub(crate) async fn subscribe(&mut self, filter: &str) -> u8 {
        let mut body = vec![0, 9];
        if self.level == Level::V5 {
            body.push(0);
        }
        body.extend(text(filter));
        body.push(1);
        self.send(&packet(0x82, &body)).await;
        let suback = self.next().await.expect("a SUBACK");
        assert_eq!(suback[0], 0x90, "{filter}");
        suback[suback.len() - 1]
    }

    /// Sends a PINGREQ and expects its answer next.
    pub(crate) async fn expect_quiet(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.next().await.as_deref(), Some(&[0xd0, 0][..]));
    }

    /// The next message's topic and payload.
    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        let packet = self.next().await.expect("a message");
        assert_eq!(packet[0] >> 4, 3, "{packet:?}");
        let head = 1 + packet[1..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let length = usize::from(packet[head]) << 8 | usize::from(packet[head + 1]);
        let mut place = head + 2 + length;
        let topic = String::from_utf8(packet[head + 2..place].to_vec()).unwrap();
        if packet[0] & 0x06 != 0 {
            let id = [packet[place], packet[place + 1]];
            self.send(&[0x40, 2, id[0], id[1]]).await;
            place += 2;
        }
        if self.level == Level::V5 {
            assert!(packet[place] < 0x80, "properties of the test are short");
            place += 1 + usize::from(packet[place]);
        }
        (topic, packet[place..].to_vec())
    }

    pub(crate) async fn bye(mut self) {
        self.send(&[0xe0, 0]).await;
        self.stream.shutdown().await.ok();
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut Vec::new())).await.expect("the broker closes");
    }
}

pub(crate) fn packet(first_byte: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first_byte];
    let mut length = body.len();
    loop {
        let more = length > 0x7f;
        packet.push((length & 0x7f) as u8 | u8::from(more) << 7);
        length >>= 7;
        if !more {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}
