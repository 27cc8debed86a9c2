//! A folder for one observatory, and ports that nobody has.

use std::{
    collections::BTreeSet,
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// Below the ports that the system gives to outgoing connections, so that a port stays free between two starts of a process.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A temporary folder that a server of another user can enter.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn make() -> Self {
        let made = TempDir::with_prefix("bigskies-test-");
        let folder = made.unwrap_or_else(|e| panic!("no temporary folder can be made: {e}"));
        let open = fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755));
        open.unwrap_or_else(|e| panic!("{} can't be opened: {e}", folder.path().display()));
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    let written = fs::write(path, text).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)));
    written.unwrap_or_else(|e| panic!("{} can't be written: {e}", path.display()));
}

/// Ports that were free when they were asked for, each another.
#[derive(Debug, Default)]
pub(crate) struct Ports(BTreeSet<u16>);

impl Ports {
    /// A port of 127.0.0.1 that is free for TCP and UDP.
    pub(crate) fn free(&mut self) -> u16 {
        let width = u64::from(PORTS.end - PORTS.start);
        // Keys of a fresh hasher are random, and so is what it makes of nothing.
        let port = std::iter::repeat_with(|| RandomState::new().build_hasher().finish() % width)
            .take(10_000)
            .filter_map(|offset| u16::try_from(offset).ok())
            .map(|offset| PORTS.start + offset)
            .find(|port| !self.0.contains(port) && is_free(*port));
        let port = port.unwrap_or_else(|| panic!("no port of {PORTS:?} is free on 127.0.0.1"));
        self.0.insert(port);
        port
    }
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}
