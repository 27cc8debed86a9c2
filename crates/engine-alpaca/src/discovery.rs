//! Finding servers by datagram (Alpaca API reference, section 4), over IPv4 broadcast and IPv6 multicast, within a bounded time.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use nix::{ifaddrs::getifaddrs, net::if_::InterfaceFlags};
use serde::Serialize;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{
    AlpacaEngine, AlpacaError, FoundDevice, ServerUrl,
    engine::Inner,
    standard::{ALPACA_PORT, DISCOVERY_GROUP, DISCOVERY_PORT, DISCOVERY_QUESTION},
    wire::{as_integer, field},
};

/// Servers that one search takes.
const SERVERS_MAX: usize = 256;
/// Addresses that may be named in one search.
const TARGETS_MAX: usize = 64;
/// Answers that wait to be looked at.
const ANSWERS_KEPT: usize = 64;

/// What to search.
#[derive(Debug, Clone)]
pub struct Search {
    /// The UDP port that servers listen on.
    pub port: u16,
    /// How far to ask.
    pub reach: Reach,
    /// Hosts to ask besides, as `host:port` of their discovery.
    pub targets: Vec<String>,
    /// How long to wait for answers.
    pub wait: Duration,
}

/// How far a search asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Every network of this machine, and the machine itself.
    #[default]
    Networks,
    /// This machine alone.
    Loopback,
    /// The named targets alone.
    Targets,
}

impl Default for Search {
    fn default() -> Self {
        Self { port: DISCOVERY_PORT, reach: Reach::Networks, targets: Vec::new(), wait: Duration::from_secs(2) }
    }
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Discovery {
    /// Every device, by server, type and number.
    pub devices: Vec<FoundDevice>,
    /// Servers that answered but did not tell their devices.
    pub troubles: Vec<ServerTrouble>,
}

/// A server that answered discovery and then failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerTrouble {
    /// Which server.
    pub server_url: ServerUrl,
    /// What went wrong.
    pub reason: String,
}

impl AlpacaEngine {
    /// Asks for servers and surveys each one as soon as it answers; a slow one holds up nobody. Takes at most the wait and two
    /// calls' time.
    pub async fn discover(&self, search: &Search) -> Result<Discovery, AlpacaError> {
        let end = Instant::now() + search.wait;
        let own = own_addresses();
        let sockets = open(&own, search)?;
        let targets = targets(search, &own, end).await;
        let (answers, mut answered) = mpsc::channel(ANSWERS_KEPT);
        let listening = join_all(sockets.iter().map(|socket| socket.ask(&targets, end, search.wait, answers.clone())));
        drop(answers);
        let surveying = surveys(&self.inner, &mut answered, own.addresses());
        let (_, discovery) = tokio::join!(listening, surveying);
        Ok(discovery)
    }
}

/// Surveys every new server until no more answers can come.
async fn surveys(inner: &Arc<Inner>, answered: &mut mpsc::Receiver<SocketAddr>, own: HashSet<IpAddr>) -> Discovery {
    let (mut known, mut under_way) = (HashSet::new(), FuturesUnordered::new());
    let (mut surveyed, mut troubles, mut listening) = (Vec::new(), Vec::new(), true);
    loop {
        tokio::select! {
            answer = answered.recv(), if listening => match answer {
                None => listening = false,
                Some(at) if known.len() < SERVERS_MAX && known.insert(at) => {
                    under_way.push(async move { (at, inner.survey(&ServerUrl::from(at)).await) });
                }
                Some(_) => {}
            },
            Some((at, survey)) = under_way.next(), if !under_way.is_empty() => match survey {
                Ok(devices) => surveyed.push((at, devices)),
                Err(error) => troubles.push((at, error)),
            },
            else => break,
        }
    }
    let is_own = |at: &SocketAddr| at.ip().is_loopback() || own.contains(&at.ip());
    // A server of this machine that serves on one of its addresses answers from all of them.
    troubles.retain(|(at, _): &(SocketAddr, AlpacaError)| {
        !(is_own(at) && surveyed.iter().any(|(well, _)| is_own(well) && well.port() == at.port()))
    });
    troubles.sort_by_key(|(at, _)| *at);
    let told =
        |(at, error): (SocketAddr, AlpacaError)| ServerTrouble { server_url: at.into(), reason: error.to_string() };
    Discovery { troubles: troubles.into_iter().map(told).collect(), devices: without_echoes(surveyed, &own) }
}

/// One device of this machine answers from each of the machine's addresses; it is kept once, on the loopback address if there is one.
fn without_echoes(mut surveyed: Vec<(SocketAddr, Vec<FoundDevice>)>, own: &HashSet<IpAddr>) -> Vec<FoundDevice> {
    surveyed.sort_by_key(|(at, _)| (!at.ip().is_loopback(), at.is_ipv6(), *at));
    let (mut seen, mut devices) = (HashSet::new(), Vec::new());
    for (at, found) in surveyed {
        let is_own = at.ip().is_loopback() || own.contains(&at.ip());
        for device in found {
            let key = (at.port(), device.uuid.clone(), device.device_type, device.device_number);
            if !is_own || device.uuid.is_empty() || seen.insert(key) {
                devices.push(device);
            }
        }
    }
    devices.sort_by(|a, b| {
        (&a.server_url, a.device_type, a.device_number).cmp(&(&b.server_url, b.device_type, b.device_number))
    });
    devices
}

/// One interface address of this machine.
struct OwnAddress {
    ip: IpAddr,
    interface_index: u32,
    broadcast: Option<Ipv4Addr>,
    is_loopback: bool,
}

struct OwnAddresses(Vec<OwnAddress>);

impl OwnAddresses {
    fn addresses(&self) -> HashSet<IpAddr> {
        self.0.iter().map(|own| own.ip).collect()
    }
}

fn own_addresses() -> OwnAddresses {
    let interfaces = getifaddrs().into_iter().flatten().filter(|one| one.flags.contains(InterfaceFlags::IFF_UP));
    let own = interfaces.filter_map(|one| {
        let address = one.address.as_ref()?;
        let ip = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => IpAddr::V4(v4.ip()),
            (_, Some(v6)) => IpAddr::V6(v6.ip()),
            _ => return None,
        };
        let is_loopback = one.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let may_broadcast = one.flags.contains(InterfaceFlags::IFF_BROADCAST) && !is_loopback;
        let broadcast = one.broadcast.as_ref().and_then(|it| it.as_sockaddr_in()).map(|v4| v4.ip());
        Some(OwnAddress {
            ip,
            interface_index: nix::net::if_::if_nametoindex(one.interface_name.as_str()).unwrap_or(0),
            broadcast: broadcast.filter(|_| may_broadcast),
            is_loopback,
        })
    });
    OwnAddresses(own.collect())
}

/// Where to ask: one list, of which each socket takes what it can reach.
async fn targets(search: &Search, own: &OwnAddresses, end: Instant) -> Vec<SocketAddr> {
    let port = search.port;
    let mut targets: Vec<SocketAddr> = Vec::new();
    if search.reach != Reach::Targets {
        targets.push((Ipv4Addr::LOCALHOST, port).into());
        targets.push((Ipv4Addr::new(127, 255, 255, 255), port).into());
        targets.push((Ipv6Addr::LOCALHOST, port).into());
    }
    if search.reach == Reach::Networks {
        targets.push((Ipv4Addr::BROADCAST, port).into());
        targets.extend(own.0.iter().filter_map(|own| own.broadcast).map(|to| SocketAddr::from((to, port))));
    }
    let named = search.targets.iter().take(TARGETS_MAX).map(|name| async move {
        match timeout_at(end, tokio::net::lookup_host(name)).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) => {
                tracing::warn!(name, %error, "discovery target can't be resolved");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    });
    targets.extend(join_all(named).await.into_iter().flatten());
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// A socket that asks, and the multicast group that it asks besides.
struct Asker {
    socket: UdpSocket,
    is_ipv6: bool,
    group: Option<SocketAddr>,
}

/// One socket for IPv4, one for IPv6, and one for each IPv6 address that a server can answer to: multicast leaves by the interface of its
/// source, and a server answers from the same kind of address as it was asked from.
fn open(own: &OwnAddresses, search: &Search) -> Result<Vec<Asker>, AlpacaError> {
    let mut askers = Vec::new();
    let first = Asker::open((Ipv4Addr::UNSPECIFIED, 0).into(), None);
    askers.push(first.map_err(|error| AlpacaError::Network { reason: error.to_string() })?);
    // A machine may lack IPv6.
    askers.extend(Asker::open((Ipv6Addr::UNSPECIFIED, 0).into(), None).ok());
    for own in &own.0 {
        let IpAddr::V6(ip) = own.ip else { continue };
        let wanted = match search.reach {
            Reach::Networks => true,
            Reach::Loopback => own.is_loopback,
            Reach::Targets => false,
        };
        if wanted && !ip.is_unicast_link_local() {
            let group = SocketAddrV6::new(DISCOVERY_GROUP, search.port, 0, own.interface_index).into();
            askers.extend(Asker::open((ip, 0).into(), Some(group)).ok());
        }
    }
    Ok(askers)
}

impl Asker {
    fn open(at: SocketAddr, group: Option<SocketAddr>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        } else {
            socket.set_broadcast(true)?;
        }
        socket.bind(&at.into())?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, is_ipv6: at.is_ipv6(), group })
    }

    /// Asks, asks once more since datagrams get lost, and passes answers on until the end.
    async fn ask(&self, targets: &[SocketAddr], end: Instant, wait: Duration, answers: mpsc::Sender<SocketAddr>) {
        self.question(targets).await;
        self.listen(end - wait.mul_f64(0.7).min(wait), &answers).await;
        self.question(targets).await;
        self.listen(end, &answers).await;
    }

    async fn question(&self, targets: &[SocketAddr]) {
        let direct = targets.iter().copied().filter(|to| self.group.is_none() && to.is_ipv6() == self.is_ipv6);
        for to in direct.chain(self.group) {
            if let Err(error) = self.socket.send_to(DISCOVERY_QUESTION, to).await {
                tracing::debug!(%error, %to, "discovery can't ask");
            }
        }
    }

    async fn listen(&self, until: Instant, answers: &mpsc::Sender<SocketAddr>) {
        let mut datagram = [0; 512];
        while let Ok(received) = timeout_at(until, self.socket.recv_from(&mut datagram)).await {
            match received {
                Ok((length, from)) => {
                    if let Some(server) = server(&datagram[..length], from)
                        && timeout_at(until, answers.send(server)).await.is_err()
                    {
                        return;
                    }
                }
                // A refused port of an earlier question shows up here; the others go on.
                Err(error) => tracing::debug!(%error, "discovery can't receive"),
            }
        }
    }
}

/// Where the server is that sent an answer: the sender's address and the port in the answer.
fn server(datagram: &[u8], from: SocketAddr) -> Option<SocketAddr> {
    let Ok(Value::Object(answer)) = serde_json::from_slice(datagram) else {
        tracing::debug!(%from, "an answer to discovery can't be read");
        return None;
    };
    let port = u16::try_from(as_integer(field(&answer, ALPACA_PORT)?)?).ok().filter(|port| *port != 0)?;
    match from.ip() {
        // A URL can't say by which interface such an address is reached.
        IpAddr::V6(v6) if v6.is_unicast_link_local() => None,
        ip => Some(SocketAddr::new(ip, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_loosely_and_bounded() {
        let lan: SocketAddr = "192.168.1.5:32227".parse().unwrap();
        for (datagram, from, wanted) in [
            (r#"{"AlpacaPort":11111}"#, lan, Some("192.168.1.5:11111")),
            (r#"{"alpacaport":"80"}"#, lan, Some("192.168.1.5:80")),
            (r#"{"AlpacaPort":0}"#, lan, None),
            (r#"{"AlpacaPort":99999}"#, lan, None),
            (r#"{"AlpacaPort":"#, lan, None),
            ("[11111]", lan, None),
            (r#"{"AlpacaPort":80}"#, "[fe80::1]:32227".parse().unwrap(), None),
            (r#"{"AlpacaPort":80}"#, "[2001:db8::1]:32227".parse().unwrap(), Some("[2001:db8::1]:80")),
        ] {
            let got = server(datagram.as_bytes(), from).map(|at| at.to_string());
            assert_eq!(got.as_deref(), wanted, "{datagram} from {from}");
        }
    }

    #[test]
    fn a_device_of_this_machine_is_found_once_and_twins_elsewhere_are_two() {
        let device = |at: &str, uuid: &str| FoundDevice {
            device_type: crate::DeviceType::Telescope,
            device_number: 0,
            name: String::new(),
            description: String::new(),
            driver_info: String::new(),
            driver_version: String::new(),
            server_url: ServerUrl::from(at.parse::<SocketAddr>().unwrap()),
            uuid: uuid.to_owned(),
            simulated: false,
        };
        let own = HashSet::from(["10.0.0.1".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
        for (ats, uuid, left) in [
            (["10.0.0.1:80", "127.0.0.1:80"], "u", vec!["http://127.0.0.1:80"]),
            (["10.0.0.1:80", "127.0.0.1:81"], "u", vec!["http://10.0.0.1:80", "http://127.0.0.1:81"]),
            (["10.0.0.2:80", "10.0.0.3:80"], "u", vec!["http://10.0.0.2:80", "http://10.0.0.3:80"]),
            (["10.0.0.1:80", "127.0.0.1:80"], "", vec!["http://10.0.0.1:80", "http://127.0.0.1:80"]),
        ] {
            let surveyed = ats.map(|at| (at.parse().unwrap(), vec![device(at, uuid)])).to_vec();
            let found = without_echoes(surveyed, &own);
            let urls: Vec<_> = found.iter().map(|device| device.server_url.as_str()).collect();
            assert_eq!(urls, left, "{ats:?}");
        }
    }
}
