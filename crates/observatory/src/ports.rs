//! Who holds a port of this machine.

use std::net::{IpAddr, SocketAddr, TcpListener};

/// Whether something could listen there now; else who does, as far as that can be seen.
pub fn holder(bind: IpAddr, port: u16) -> Option<String> {
    match TcpListener::bind(SocketAddr::new(bind, port)) {
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Some(named(port).unwrap_or_else(|| "a program of another user".to_owned()))
        }
        Err(error) => Some(format!("nobody who can be seen ({error})")),
    }
}

/// The program that listens on a port, with its process id, where the system shows it.
fn named(port: u16) -> Option<String> {
    let sockets: Vec<String> =
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let inodes: Vec<&str> =
        sockets.iter().flat_map(|table| table.lines().filter_map(|line| listener(line, port))).collect();
    let links: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.into_iter().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let open = std::fs::read_dir(process.path().join("fd")).ok()?.flatten();
        let mut targets = open.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.find(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))?;
        let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        Some(format!("{} (process {pid})", name.trim()))
    })
}

/// The inode of the socket of this line of the kernel's table, if it listens on the port. See proc(5), `/proc/net/tcp`.
fn listener(line: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let is_ours = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTEN;
    is_ours.then(|| fields.get(9).copied()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_named() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        let said = holder([127, 0, 0, 1].into(), port).unwrap();
        assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
        drop(held);
        assert_eq!(holder([127, 0, 0, 1].into(), port), None);
        // An address of documentation (RFC 5737), which no machine has.
        assert!(holder([192, 0, 2, 1].into(), 9090).unwrap().starts_with("nobody who can be seen"));
    }

    #[test]
    fn lines_of_the_kernel() {
        let line = "   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 1 0000";
        assert_eq!(listener(line, 9090), Some("4711"));
        assert_eq!(listener(line, 9091), None);
        assert_eq!(listener("  sl  local_address rem_address   st", 9090), None);
    }
}
