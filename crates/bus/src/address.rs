//! Where a broker is.

use std::{fmt, str::FromStr};

use vocabulary::Fault;

/// Host and port of a broker, over TCP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// A name or an address.
    pub host: String,
    /// The port; 1883 where nothing is said.
    pub port: u16,
}

impl FromStr for Address {
    type Err = Fault;

    /// Reads `host`, `host:port`, `mqtt://host:port` or `tcp://host:port`; an IPv6 address stands in brackets.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let complain = || {
            Fault::invalid(format!("broker address {text:?} can't be read"))
                .hint("write host, host:port or mqtt://host:port")
        };
        let rest = ["mqtt://", "tcp://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || rest.contains("://") || rest.contains(['/', '@', ' ']) {
            return Err(complain());
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (format!("[{host}]"), None),
            Some((host, port)) => (format!("[{host}]"), Some(port.strip_prefix(':').ok_or_else(complain)?)),
            None => match rest.split_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (rest.to_owned(), None),
            },
        };
        let port = port.map_or(Ok(1883), |port| port.parse().map_err(|_| complain()))?;
        if host.is_empty() || port == 0 {
            return Err(complain());
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, wanted) in [
            ("localhost", Some("localhost:1883")),
            ("tcp://mqtt-broker:1884", Some("mqtt-broker:1884")),
            ("mqtt://127.0.0.1:1883/", Some("127.0.0.1:1883")),
            ("[::1]:1885", Some("[::1]:1885")),
            ("", None),
            ("http://x", None),
            ("x:y", None),
            ("x:0", None),
            ("a@b", None),
        ] {
            assert_eq!(text.parse::<Address>().ok().map(|a| a.to_string()).as_deref(), wanted, "{text}");
        }
    }
}
