//! Who has a port: a container of the engine, or a process of this machine.

use std::{fmt, fs, path::Path};

use crate::{ContainerEngine, Listing};

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
    /// Who has a port of TCP on the engine's host, as far as can be seen: a container, else, where the engine is on this machine, a process.
    pub async fn port_holder(&self, port: u16) -> Option<PortHolder> {
        let running = self.containers(&Listing::Running).await.unwrap_or_default();
        let holder = running.into_iter().find(|container| container.ports.iter().any(|held| held.host_port == port));
        if let Some(container) = holder {
            return Some(PortHolder::Container { name: container.name });
        }
        if !self.endpoint().is_local() {
            return None;
        }
        // A walk through all processes; nobody else should wait for it.
        tokio::task::spawn_blocking(move || process_with(port)).await.ok().flatten()
    }

    pub(crate) async fn holder_of(&self, address: &str) -> Option<PortHolder> {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok())?;
        self.port_holder(port).await
    }
}

/// The process that listens on a port, by way of the socket's inode; Linux only, and others' processes only for root.
fn process_with(port: u16) -> Option<PortHolder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| listener(line, port)).collect::<Vec<_>>())
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

/// The inode of a line of `/proc/net/tcp` (proc(5)), if it listens on the port.
fn listener(line: &str, port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let mut columns = line.split_whitespace();
    let (local, state) = (columns.nth(1)?, columns.nth(1)?);
    let held = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    (held == port && state == LISTENS).then(|| columns.nth(5).map(str::to_owned)).flatten()
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

    #[test]
    fn a_listener_of_ours_is_found() {
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listening.local_addr().unwrap().port();
        if cfg!(target_os = "linux") {
            let holder = process_with(port);
            assert!(matches!(holder, Some(PortHolder::Process { pid, .. }) if pid == std::process::id()), "{holder:?}");
        }
        drop(listening);
        assert_eq!(process_with(port), None);
    }
}
