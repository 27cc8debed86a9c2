//! Answers the datagrams of Alpaca discovery (Alpaca API reference, section 4) on any address and port.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::faults::{DISCOVERY, FaultKind, Faults};

const QUESTION: &[u8] = b"alpacadiscovery1";
const MULTICAST: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0xa1, 0x9aca);
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// The sockets of one responder.
pub(super) struct Responder {
    socket: UdpSocket,
    /// A socket bound to a loopback address does not hear the loopback broadcast; this one does.
    broadcast: Option<UdpSocket>,
}

impl Responder {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = bind(address)?;
        let port = socket.local_addr()?.port();
        let broadcast = match address {
            SocketAddr::V4(v4) if v4.ip().is_loopback() => bind(SocketAddr::from((LOOPBACK_BROADCAST, port))).ok(),
            SocketAddr::V4(_) => None,
            SocketAddr::V6(_) => {
                join_everywhere(&socket);
                None
            }
        };
        Ok(Self { socket, broadcast })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers until its task is aborted.
    pub(super) async fn serve(self, alpaca_port: u16, faults: Faults) {
        let answer = format!(r#"{{"AlpacaPort":{alpaca_port}}}"#);
        let (mut question, mut broadcast_question) = ([0; 64], [0; 64]);
        loop {
            let received = match &self.broadcast {
                None => self.socket.recv_from(&mut question).await.map(|(length, from)| (&question[..length], from)),
                Some(broadcast) => tokio::select! {
                    got = self.socket.recv_from(&mut question) => got.map(|(length, from)| (&question[..length], from)),
                    got = broadcast.recv_from(&mut broadcast_question) => {
                        got.map(|(length, from)| (&broadcast_question[..length], from))
                    }
                },
            };
            match received {
                Ok((QUESTION, from)) => self.answer(&answer, from, &faults).await,
                Ok((other, from)) => tracing::debug!(%from, length = other.len(), "a datagram is no discovery"),
                Err(error) => tracing::debug!(%error, "discovery can't receive"),
            }
        }
    }

    async fn answer(&self, answer: &str, to: SocketAddr, faults: &Faults) {
        let answer = match faults.strike(DISCOVERY).map(|fault| fault.kind) {
            None => answer.as_bytes(),
            Some(FaultKind::Garbage) => b"{\"AlpacaPort\":",
            Some(FaultKind::Slow { milliseconds }) => {
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                answer.as_bytes()
            }
            Some(_) => return,
        };
        if let Err(error) = self.socket.send_to(answer, to).await {
            tracing::debug!(%error, %to, "discovery can't answer");
        }
    }
}

/// Binds with the address reusable, since every Alpaca server of a machine shares the port.
fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

fn join_everywhere(socket: &UdpSocket) {
    let interfaces = nix::net::if_::if_nameindex();
    for interface in interfaces.iter().flat_map(|interfaces| interfaces.iter()) {
        if let Err(error) = socket.join_multicast_v6(&MULTICAST, interface.index()) {
            tracing::debug!(%error, interface = ?interface.name(), "discovery can't join the multicast group");
        }
    }
}
