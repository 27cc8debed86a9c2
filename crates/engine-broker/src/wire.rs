//! The byte stream of one client, listened to on its way, and sent off in one piece whenever its handler rests.
//!
//! The protocol crate's checks see a topic but not whether the message is to be retained, and its refusals to MQTT 3.1.1 clients carry
//! the bytes of MQTT 5, at which they disconnect. Its event hooks would tell the former and can't mend the latter, and cost several
//! allocations per message. Here both fall off the fixed headers of the packets that pass by. And it writes each packet with a system
//! call of its own; here packets are gathered, which makes a busy reader twice as fast and no idle one slower.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::{Connection, Traffic};

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBCOMP: u8 = 7;
const SUBACK: u8 = 9;
const DISCONNECT: u8 = 14;

/// Bytes that may wait to be sent before the handler has to wait; a packet that begins below may pass it.
const WAITING_BYTES_MAX: usize = 64 << 10;
/// Bytes of room that an idle client may keep.
const WAITING_BYTES_KEPT: usize = 4 << 10;

/// A client's stream. One clone is the handler's, which reads and writes; the other is the connection's task's, which sends.
pub(crate) struct Wire<S> {
    line: Arc<Mutex<Line<S>>>,
    connection: Arc<Connection>,
}

/// The stream with what is on its way. Both clones live in one task, so that its lock is never contended.
struct Line<S> {
    stream: S,
    inbound: Inbound,
    waiting: Vec<u8>,
    sent: usize,
    unflushed: bool,
    failure: Option<io::ErrorKind>,
}

impl<S> Clone for Wire<S> {
    fn clone(&self) -> Self {
        Self { line: Arc::clone(&self.line), connection: Arc::clone(&self.connection) }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        let (waiting, inbound) = (Vec::new(), Inbound::default());
        let line = Line { stream, inbound, waiting, sent: 0, unflushed: false, failure: None };
        Self { line: Arc::new(Mutex::new(line)), connection }
    }

    /// Drives the handler, and sends what it has written each time that it rests, for whatever it waits.
    pub(crate) async fn attend<F: Future>(&self, mut handler: Pin<&mut F>) -> F::Output {
        poll_fn(|cx| {
            let progress = handler.as_mut().poll(cx);
            if let Poll::Ready(Err(_)) = self.lock().poll_send(cx, &self.connection.traffic) {
                // The handler learns of it at its next read, which is to be now.
                cx.waker().wake_by_ref();
            }
            progress
        })
        .await
    }

    /// Sends the rest and closes the stream.
    pub(crate) async fn close(&self) -> io::Result<()> {
        poll_fn(|cx| {
            let mut line = self.lock();
            ready!(line.poll_send(cx, &self.connection.traffic))?;
            Pin::new(&mut line.stream).poll_shutdown(cx)
        })
        .await
    }
}

impl<S> Wire<S> {
    fn lock(&self) -> MutexGuard<'_, Line<S>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncWrite + Unpin> Line<S> {
    /// Sends what waits. After a failure nothing waits any more, and whoever reads or writes next learns of it.
    fn poll_send(&mut self, cx: &mut Context<'_>, traffic: &Traffic) -> Poll<io::Result<()>> {
        if self.failure.is_some() {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(self.poll_send_all(cx, traffic));
        if let Err(error) = &sent {
            self.failure = Some(error.kind());
            self.waiting = Vec::new();
        }
        Poll::Ready(sent)
    }

    fn poll_send_all(&mut self, cx: &mut Context<'_>, traffic: &Traffic) -> Poll<io::Result<()>> {
        while let Some(rest) = self.waiting.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            Traffic::count(&traffic.bytes_out, count);
            self.sent += count;
            self.unflushed = true;
        }
        self.sent = 0;
        self.waiting.clear();
        self.waiting.shrink_to(WAITING_BYTES_KEPT);
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> WebSocketTransport for Wire<S> {
    fn peer_addr(&self) -> mqtt5::Result<std::net::SocketAddr> {
        Ok(self.connection.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        if let Some(kind) = line.failure {
            return Poll::Ready(Err(kind.into()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut line.stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        Traffic::count(&self.connection.traffic.bytes_in, fresh.len());
        line.inbound.follow(fresh, |first_byte| {
            if first_byte >> 4 == PUBLISH {
                self.connection.note_arrival(first_byte & 1 == 1);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    /// Takes a packet, whole: the protocol crate hands over one at a time, from its first byte to its last.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.lock();
        if let Some(kind) = line.failure {
            return Poll::Ready(Err(kind.into()));
        }
        if line.waiting.len() >= WAITING_BYTES_MAX {
            ready!(line.poll_send(cx, &self.connection.traffic))?;
        }
        let v311 = self.connection.is_v311();
        match outbound(packet, v311) {
            Outbound::Pass => line.waiting.extend_from_slice(packet),
            Outbound::Granted => {
                line.waiting.extend_from_slice(packet);
                self.connection.note_granted(refused_filters(packet, v311));
            }
            Outbound::Instead(short) => line.waiting.extend_from_slice(&short),
            Outbound::Nothing => {}
            Outbound::Welcome => {
                line.waiting.extend_from_slice(packet);
                self.connection.welcome();
            }
        }
        Poll::Ready(Ok(packet.len()))
    }

    /// Nothing is to be done: what was written is sent when the handler rests.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        ready!(line.poll_send(cx, &self.connection.traffic))?;
        Pin::new(&mut line.stream).poll_shutdown(cx)
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

/// What becomes of a packet to the client.
#[derive(Debug, PartialEq, Eq)]
enum Outbound {
    /// It goes as it is.
    Pass,
    /// It goes as it is, and the client is connected by it.
    Welcome,
    /// It goes as it is, and says which filters were granted.
    Granted,
    /// These bytes go in its place.
    Instead([u8; 4]),
    /// It does not go.
    Nothing,
}

fn outbound(packet: &[u8], v311: bool) -> Outbound {
    let kind = packet.first().map_or(0, |byte| byte >> 4);
    match (kind, packet) {
        // The code stands behind the flags, which stand behind a length of one or two bytes.
        (CONNACK, [_, length, _, 0, ..]) if length & 0x80 == 0 => Outbound::Welcome,
        (CONNACK, [_, length, _, _, 0, ..]) if length & 0x80 != 0 => Outbound::Welcome,
        (SUBACK, _) => Outbound::Granted,
        // MQTT 3.1.1 §3.14: a server sends no DISCONNECT.
        (DISCONNECT, _) if v311 => Outbound::Nothing,
        // MQTT 3.1.1 §3.4 to §3.7: these have a packet identifier and nothing else. A longer one is short enough for one byte of length.
        (PUBACK..=PUBCOMP, &[first, length, high, low, _, ..]) if v311 && length & 0x80 == 0 => {
            Outbound::Instead([first, 2, high, low])
        }
        _ => Outbound::Pass,
    }
}

/// How many filters a SUBACK refuses: behind its length and the packet identifier, in MQTT 5 behind the properties too, stands a code each.
fn refused_filters(packet: &[u8], v311: bool) -> usize {
    let behind_length = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let rest = packet.get(1..).unwrap_or_default();
    let rest = rest.get(behind_length(rest) + 2..).unwrap_or_default();
    let codes = if v311 {
        rest
    } else {
        let behind = behind_length(rest);
        let lengths = rest.iter().take(behind).rev();
        let properties = lengths.fold(0, |sum: usize, byte| sum << 7 | usize::from(byte & 0x7f));
        rest.get(behind + properties..).unwrap_or_default()
    };
    codes.iter().filter(|code| **code >= 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_to_the_client() {
        let publish: Vec<u8> = [&[0x30, 0xac, 0x02][..], &[0x47; 300]].concat();
        let long_welcome: Vec<u8> = [&[0x20, 0xac, 0x02, 0, 0][..], &[0; 298]].concat();
        let long_refusal: Vec<u8> = [&[0x20, 0xac, 0x02, 0, 0x87][..], &[0; 298]].concat();
        let refused: &[u8] = &[0x40, 5, 0x12, 0x34, 0x87, 1, 0];
        for (name, packet, v311, v5) in [
            ("a welcome", &[0x20, 2, 0, 0][..], Outbound::Welcome, Outbound::Welcome),
            ("a welcome to a session", &[0x20, 2, 1, 0], Outbound::Welcome, Outbound::Welcome),
            ("a refusal", &[0x20, 2, 0, 5], Outbound::Pass, Outbound::Pass),
            ("a welcome with properties", &[0x20, 3, 0, 0, 0], Outbound::Welcome, Outbound::Welcome),
            ("a welcome with many properties", &long_welcome, Outbound::Welcome, Outbound::Welcome),
            ("a refusal with many properties", &long_refusal, Outbound::Pass, Outbound::Pass),
            ("a message", &publish, Outbound::Pass, Outbound::Pass),
            ("a PUBACK", &[0x40, 2, 0, 1], Outbound::Pass, Outbound::Pass),
            ("a PUBACK with a reason", refused, Outbound::Instead([0x40, 2, 0x12, 0x34]), Outbound::Pass),
            ("a PUBREC with a reason", &[0x50, 3, 0, 9, 0x87], Outbound::Instead([0x50, 2, 0, 9]), Outbound::Pass),
            ("a PUBREL with a reason", &[0x62, 3, 0, 9, 0x92], Outbound::Instead([0x62, 2, 0, 9]), Outbound::Pass),
            ("a PUBCOMP with a reason", &[0x70, 3, 0, 9, 0x92], Outbound::Instead([0x70, 2, 0, 9]), Outbound::Pass),
            ("a SUBACK", &[0x90, 3, 0, 9, 0x80], Outbound::Granted, Outbound::Granted),
            ("a DISCONNECT", &[0xe0, 2, 0x8e, 0], Outbound::Nothing, Outbound::Pass),
            ("nothing", &[], Outbound::Pass, Outbound::Pass),
        ] {
            assert_eq!(outbound(packet, true), v311, "{name} to 3.1.1");
            assert_eq!(outbound(packet, false), v5, "{name} to 5");
        }
    }

    #[test]
    fn refusals_in_a_suback() {
        let long: Vec<u8> = [&[0x90, 0xb3, 0x02, 0, 9, 0xac, 0x02][..], &[0xff; 300], &[0x87, 0, 0x8f]].concat();
        for (packet, v311, expected) in [
            (&[0x90, 3, 0, 0x89, 0x80][..], true, 1),
            (&[0x90, 5, 0, 9, 1, 0x80, 2], true, 1),
            (&[0x90, 3, 0, 0x89, 2], true, 0),
            (&[0x90, 5, 0, 0x89, 0, 0x8f, 0x87], false, 2),
            (&[0x90, 7, 0, 9, 2, 0xff, 0xff, 1, 0x97], false, 1),
            (&long, false, 2),
            (&[0x90, 2, 0, 9], true, 0),
            (&[0x90], false, 0),
            (&[], false, 0),
        ] {
            assert_eq!(refused_filters(packet, v311), expected, "{packet:?}");
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
