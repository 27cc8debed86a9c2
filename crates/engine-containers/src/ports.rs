//! Who has a port: a container of the engine, or a process of this machine.

use std::{
    fmt, fs,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
};

use crate::{ContainerEngine, Listing, Protocol, PublishedPort};

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortHolder {
    /// A container of the same engine.
    Container {
        /// Its name.
        name: String,
    },
    /// A process of this machine, where the engine is here, too.
    Process {
        /// Its id.
        pid: u32,
        /// Its program's name.
        name: String,
    },
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { name } => write!(f, "container {name}"),
            Self::Process { pid, name } => write!(f, "process {name} ({pid})"),
        }
    }
}

impl ContainerEngine {
    /// Who is in the way of something that is to listen at an address of TCP on the engine's host, as far as can be seen: a container, else,
    /// where the engine is on this machine, a process. Who has the port on another address, or for UDP, is not.
    pub async fn port_holder(&self, at: SocketAddr) -> Option<PortHolder> {
        let running = self.containers(&Listing::Running).await.unwrap_or_default();
        let holder = running.into_iter().find(|container| container.ports.iter().any(|held| is_in_the_way(held, at)));
        if let Some(container) = holder {
            return Some(PortHolder::Container { name: container.name });
        }
        if !self.endpoint().is_local() {
            return None;
        }
        // A walk through all processes; nobody else should wait for it.
        tokio::task::spawn_blocking(move || process_at(at)).await.ok().flatten()
    }

    /// The same for an address in the engine's words.
    pub(crate) async fn holder_of(&self, address: &str) -> Option<PortHolder> {
        let anywhere = || {
            let (_, port) = address.rsplit_once(':')?;
            Some(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port.parse().ok()?))
        };
        self.port_holder(address.parse().ok().or_else(anywhere)?).await
    }
}

/// Whether a port of a container takes the place. An engine that names no address means all of them.
fn is_in_the_way(held: &PublishedPort, at: SocketAddr) -> bool {
    let is_there = held.host_address.parse().map_or(true, |address| meet(address, at.ip()));
    held.container.protocol == Protocol::Tcp && held.host_port == at.port() && is_there
}

/// Whether listeners at both would be in each other's way. Who listens at all addresses of IPv6 has those of IPv4 as well (ipv6(7)).
fn meet(one: IpAddr, other: IpAddr) -> bool {
    let covers = |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    one == other || covers(one, other) || covers(other, one)
}

/// The process that listens there, by way of the socket's inode; Linux only, and others' processes only for root.
fn process_at(at: SocketAddr) -> Option<PortHolder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| listener(line, at)).collect::<Vec<_>>())
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| has_one_of(*pid, &inodes))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(PortHolder::Process { pid, name: name.trim().to_owned() })
}

/// The inode of a line of `/proc/net/tcp` (proc(5)), if its listener takes the place.
fn listener(line: &str, at: SocketAddr) -> Option<String> {
    const LISTENS: &str = "0A";
    let mut columns = line.split_whitespace();
    let (local, state) = (columns.nth(1)?, columns.nth(1)?);
    let (host, port) = local.rsplit_once(':')?;
    let is_there = u16::from_str_radix(port, 16).ok()? == at.port() && meet(address(host)?, at.ip());
    (is_there && state == LISTENS).then(|| columns.nth(5).map(str::to_owned)).flatten()
}

/// An address in the kernel's words: in each group of eight digits the bytes stand as this machine keeps them.
fn address(digits: &str) -> Option<IpAddr> {
    let group = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match digits.len() {
        8 => Some(group(0)?.into()),
        32 => {
            let groups: Option<Vec<[u8; 4]>> = (0..32).step_by(8).map(group).collect();
            let bytes: [u8; 16] = groups?.concat().try_into().ok()?;
            Some(IpAddr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

fn has_one_of(pid: u32, inodes: &[String]) -> bool {
    let files = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"));
    files.into_iter().flatten().flatten().any(|file| {
        fs::read_link(file.path()).is_ok_and(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_listener_of_ours_is_found() {
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listening.local_addr().unwrap();
        if cfg!(target_os = "linux") {
            let holder = process_at(place);
            assert!(matches!(holder, Some(PortHolder::Process { pid, .. }) if pid == std::process::id()), "{holder:?}");
            assert_eq!(process_at(SocketAddr::new([127, 0, 0, 2].into(), place.port())), None);
        }
        drop(listening);
        assert_eq!(process_at(place), None);
    }

    #[test]
    fn who_is_elsewhere_is_not_in_the_way() {
        for (held, wanted, expected) in [
            ("127.0.0.1:90/tcp", "127.0.0.1:90", true),
            ("127.0.0.1:90/udp", "127.0.0.1:90", false),
            ("127.0.0.1:91/tcp", "127.0.0.1:90", false),
            ("127.0.0.2:90/tcp", "127.0.0.1:90", false),
            ("127.0.0.2:90/tcp", "0.0.0.0:90", true),
            ("0.0.0.0:90/tcp", "127.0.0.1:90", true),
            ("0.0.0.0:90/tcp", "[::1]:90", false),
            (":::90/tcp", "127.0.0.1:90", true),
            ("127.0.0.1:90/tcp", "[::]:90", true),
            (":90/tcp", "127.0.0.1:90", true),
        ] {
            let (address, port) = held.rsplit_once(':').unwrap();
            let (number, _) = port.split_once('/').unwrap();
            let port = PublishedPort {
                container: port.parse().unwrap(),
                host_address: address.to_owned(),
                host_port: number.parse().unwrap(),
            };
            assert_eq!(is_in_the_way(&port, at(wanted)), expected, "{held} and {wanted}");
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_read() {
        let rest = "00000000:00000000 00:00000000 00000000  0  0 4711 1 0000";
        for (local, state, wanted, expected) in [
            ("0100007F:2382", "0A", "127.0.0.1:9090", Some("4711")),
            ("0100007F:2382", "01", "127.0.0.1:9090", None),
            ("0100007F:2382", "0A", "127.0.0.2:9090", None),
            ("0100007F:2382", "0A", "127.0.0.1:9091", None),
            ("00000000000000000000000000000000:2382", "0A", "127.0.0.1:9090", Some("4711")),
            ("00000000000000000000000001000000:2382", "0A", "[::1]:9090", Some("4711")),
            ("0000000000000000FFFF00000100007F:2382", "0A", "127.0.0.1:9090", Some("4711")),
            ("0100:2382", "0A", "127.0.0.1:9090", None),
        ] {
            let line = format!("   0: {local} 00000000:0000 {state} {rest}");
            assert_eq!(listener(&line, at(wanted)).as_deref(), expected, "{line}");
        }
        assert_eq!(listener("  sl  local_address rem_address   st", at("127.0.0.1:9090")), None);
    }
}
