//! Where a broker is.

use std::{fmt, str::FromStr};

use vocabulary::Fault;

/// Host and port of a broker, over TCP or TLS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// A name or an address.
    pub host: String,
    /// The port; 1883 where nothing is said, 8883 with TLS.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
}

impl FromStr for Address {
    type Err = Fault;

    /// Reads `host`, `host:port`, `mqtt://host:port`, `tcp://host:port`, or with TLS `mqtts://host:port`; an IPv6 address stands in
    /// brackets.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let complain = || {
            Fault::invalid(format!("broker address {text:?} can't be read"))
                .hint("write host, host:port, mqtt://host:port or mqtts://host:port")
        };
        let plain = ["mqtt://", "tcp://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let secured = ["mqtts://", "ssl://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let (tls, rest) = (secured.is_some(), secured.unwrap_or(plain));
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
        let usual = if tls { 8883 } else { 1883 };
        let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| complain()))?;
        if host.is_empty() || port == 0 {
            return Err(complain());
        }
        Ok(Self { host, port, tls })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts://" } else { "" };
        write!(f, "{scheme}{}:{}", self.host, self.port)
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
            ("mqtts://hill.example.org", Some("mqtts://hill.example.org:8883")),
            ("ssl://hill.example.org:1", Some("mqtts://hill.example.org:1")),
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
