//! The byte stream of one client, listened to on its way.
//!
//! The protocol crate's checks see a topic but not whether the message is to be retained, and its refusals to MQTT 3.1.1 clients carry
//! the bytes of MQTT 5, at which they disconnect. Its event hooks would tell the former and can't mend the latter, and cost several
//! allocations per message. Here both fall off the fixed headers of the packets that pass by.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::{Connection, Traffic};

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBCOMP: u8 = 7;
const DISCONNECT: u8 = 14;

/// A stream whose packets are followed in both directions.
pub(crate) struct Wire<S> {
    stream: S,
    connection: Arc<Connection>,
    inbound: Inbound,
    outbound: Outbound,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, inbound: Inbound::default(), outbound: Outbound::default() }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> WebSocketTransport for Wire<S> {
    fn peer_addr(&self) -> mqtt5::Result<std::net::SocketAddr> {
        Ok(self.connection.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        Traffic::count(&this.connection.traffic.bytes_in, fresh.len());
        this.inbound.follow(fresh, |first_byte| {
            if first_byte >> 4 == PUBLISH {
                this.connection.note_arrival(first_byte & 1 == 1);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            match this.outbound.next(buf, this.connection.is_v311()) {
                Step::Pass(bytes) => {
                    let written = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
                    Traffic::count(&this.connection.traffic.bytes_out, written);
                    if this.outbound.passed(written) == Passed::Welcome {
                        this.connection.welcome();
                    }
                    return Poll::Ready(Ok(written));
                }
                Step::Instead { bytes, len } => {
                    let rest = bytes.get(..len).unwrap_or_default();
                    let written = ready!(Pin::new(&mut this.stream).poll_write(cx, rest))?;
                    if written == 0 {
                        return Poll::Ready(Ok(0));
                    }
                    Traffic::count(&this.connection.traffic.bytes_out, written);
                    this.outbound.replaced(written);
                }
                Step::Swallow(count) => return Poll::Ready(Ok(count)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Follows the packets that come in, however they are cut.
#[derive(Debug, Default, Clone, Copy)]
enum Inbound {
    #[default]
    Start,
    Length {
        first_byte: u8,
        shift: u32,
        length: usize,
    },
    Body {
        first_byte: u8,
        left: usize,
    },
    /// The length made no sense; the protocol crate will close the connection.
    Lost,
}

impl Inbound {
    /// Reads on, and names the first byte of every packet that is now complete.
    fn follow(&mut self, mut bytes: &[u8], mut complete: impl FnMut(u8)) {
        loop {
            match *self {
                Self::Start => {
                    let Some((&first_byte, rest)) = bytes.split_first() else { return };
                    bytes = rest;
                    *self = Self::Length { first_byte, shift: 0, length: 0 };
                }
                Self::Length { first_byte, shift, length } => {
                    let Some((&byte, rest)) = bytes.split_first() else { return };
                    bytes = rest;
                    let length = length | usize::from(byte & 0x7f) << shift;
                    *self = match (byte & 0x80 == 0, shift) {
                        (true, _) => Self::Body { first_byte, left: length },
                        (false, 21..) => Self::Lost,
                        (false, _) => Self::Length { first_byte, shift: shift + 7, length },
                    };
                }
                Self::Body { first_byte, left } => {
                    if left > bytes.len() {
                        *self = Self::Body { first_byte, left: left - bytes.len() };
                        return;
                    }
                    bytes = bytes.get(left..).unwrap_or_default();
                    complete(first_byte);
                    *self = Self::Start;
                }
                Self::Lost => return,
            }
        }
    }
}

/// Follows the packets that go out. The protocol crate hands over each packet from its first byte and repeats what was not taken.
#[derive(Debug, Default)]
struct Outbound {
    /// Bytes of the current packet that are still to pass.
    left: usize,
    /// The shorter packet that stands for the one at hand.
    instead: Option<Instead>,
    /// Whether the client has been welcomed, or is being welcomed.
    welcome: Welcome,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Welcome {
    #[default]
    Awaited,
    Passing,
    Done,
}

#[derive(Debug)]
struct Instead {
    bytes: [u8; 4],
    written: usize,
    for_bytes: usize,
}

/// What to do with the bytes at hand.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    /// Write these.
    Pass(&'a [u8]),
    /// Write the first `len` of these, and come back.
    Instead { bytes: [u8; 4], len: usize },
    /// Say that as many were written.
    Swallow(usize),
}

#[derive(Debug, PartialEq, Eq)]
enum Passed {
    Welcome,
    Other,
}

impl Outbound {
    fn next<'a>(&mut self, buf: &'a [u8], v311: bool) -> Step<'a> {
        if self.welcome == Welcome::Done && !v311 {
            return Step::Pass(buf);
        }
        if let Some(instead) = &self.instead {
            return match 4 - instead.written {
                0 => {
                    let count = instead.for_bytes;
                    self.instead = None;
                    Step::Swallow(count)
                }
                len => {
                    let mut bytes = instead.bytes;
                    bytes.rotate_left(instead.written);
                    Step::Instead { bytes, len }
                }
            };
        }
        if self.left == 0 {
            let Some((head, body)) = header(buf) else { return Step::Pass(buf) };
            let whole = head + body;
            let kind = buf.first().map_or(0, |byte| byte >> 4);
            match (kind, buf.get(..whole)) {
                (CONNACK, Some(packet)) if packet.get(head + 1) == Some(&0) => self.welcome = Welcome::Passing,
                // MQTT 3.1.1 §3.14: a server sends no DISCONNECT.
                (DISCONNECT, Some(_)) if v311 => return Step::Swallow(whole),
                // MQTT 3.1.1 §3.4 to §3.7: these have a packet identifier and nothing else.
                (PUBACK..=PUBCOMP, Some(&[first, _, high, low, _, ..])) if v311 && body > 2 => {
                    self.instead = Some(Instead { bytes: [first, 2, high, low], written: 0, for_bytes: whole });
                    return self.next(buf, v311);
                }
                _ => {}
            }
            self.left = whole;
        }
        Step::Pass(buf.get(..self.left).unwrap_or(buf))
    }

    fn passed(&mut self, count: usize) -> Passed {
        self.left = self.left.saturating_sub(count);
        if self.welcome == Welcome::Passing && self.left == 0 {
            self.welcome = Welcome::Done;
            return Passed::Welcome;
        }
        Passed::Other
    }

    fn replaced(&mut self, count: usize) {
        if let Some(instead) = &mut self.instead {
            instead.written += count;
        }
    }
}

/// The lengths of the fixed header and of what follows it, where the header is complete.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, &byte) in bytes.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << (7 * (place - 1));
        if byte & 0x80 == 0 {
            return Some((place + 1, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reaches the client when the packets are handed over one by one and the stream takes `at_once` bytes at a time.
    fn sent(packets: &[&[u8]], v311: bool, at_once: usize) -> (Vec<u8>, usize) {
        let (mut outbound, mut stream, mut welcomes) = (Outbound::default(), Vec::new(), 0);
        for packet in packets {
            let mut rest = *packet;
            while !rest.is_empty() {
                match outbound.next(rest, v311) {
                    Step::Pass(bytes) => {
                        let count = bytes.len().min(at_once);
                        stream.extend_from_slice(&bytes[..count]);
                        welcomes += usize::from(outbound.passed(count) == Passed::Welcome);
                        rest = &rest[count..];
                    }
                    Step::Instead { bytes, len } => {
                        let count = len.min(at_once);
                        stream.extend_from_slice(&bytes[..count]);
                        outbound.replaced(count);
                    }
                    Step::Swallow(count) => rest = &rest[count..],
                }
            }
        }
        (stream, welcomes)
    }

    #[test]
    fn packets_to_the_client() {
        let welcome: &[u8] = &[0x20, 2, 0, 0];
        let long_publish: Vec<u8> = [&[0x30, 0xac, 0x02][..], &[0x47; 300]].concat();
        let refused: &[u8] = &[0x40, 5, 0x12, 0x34, 0x87, 1, 0];
        for (name, packets, v311, expected, welcomes) in [
            ("a welcome", vec![welcome], true, welcome.to_vec(), 1),
            ("a refusal is no welcome", vec![&[0x20, 2, 0, 5][..]], true, vec![0x20, 2, 0, 5], 0),
            ("a welcome with properties", vec![&[0x20, 3, 0, 0, 0][..]], false, vec![0x20, 3, 0, 0, 0], 1),
            ("a short PUBACK", vec![welcome, &[0x40, 2, 0, 1]], true, [welcome, &[0x40, 2, 0, 1]].concat(), 1),
            ("a long PUBACK", vec![welcome, refused], true, [welcome, &[0x40, 2, 0x12, 0x34]].concat(), 1),
            ("a long PUBACK to MQTT 5", vec![welcome, refused], false, [welcome, refused].concat(), 1),
            ("a long PUBCOMP", vec![welcome, &[0x70, 3, 0, 9, 0x92]], true, [welcome, &[0x70, 2, 0, 9]].concat(), 1),
            ("a DISCONNECT", vec![welcome, &[0xe0, 2, 0x8e, 0]], true, welcome.to_vec(), 1),
            (
                "a DISCONNECT to MQTT 5",
                vec![welcome, &[0xe0, 2, 0x8e, 0]],
                false,
                [welcome, &[0xe0, 2, 0x8e, 0]].concat(),
                1,
            ),
            (
                "a payload that looks like PUBACKs",
                vec![welcome, &long_publish, refused],
                true,
                [welcome, &long_publish, &[0x40, 2, 0x12, 0x34]].concat(),
                1,
            ),
        ] {
            for at_once in [1, 2, 3, 5, 1000] {
                assert_eq!(sent(&packets, v311, at_once), (expected.clone(), welcomes), "{name}, {at_once} at once");
            }
        }
    }

    #[test]
    fn packets_from_the_client() {
        let long: Vec<u8> = [&[0x31, 0xac, 0x02][..], &[0x31; 300]].concat();
        let all: Vec<u8> = [&[0x10, 1, 0][..], &long, &[0xc0, 0], &[0x30, 2, 0, 0], &[0x33, 1, 0]].concat();
        for at_once in [1, 2, 3, 7, 1000] {
            let (mut inbound, mut seen) = (Inbound::default(), Vec::new());
            for cut in all.chunks(at_once) {
                inbound.follow(cut, |first_byte| seen.push(first_byte));
            }
            assert_eq!(seen, [0x10, 0x31, 0xc0, 0x30, 0x33], "{at_once} at once");
        }
        let (mut inbound, mut seen) = (Inbound::default(), 0);
        inbound.follow(&[0x30, 0xff, 0xff, 0xff, 0xff, 0x30, 0, 0x30, 0], |_| seen += 1);
        assert_eq!(seen, 0, "nothing is made of a length that makes no sense");
    }
}
