//! Where a device is: a server's address, a type of the standard, a number.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::AlpacaError;

/// The address of an Alpaca server: `http://host:port` and nothing else, so that nobody is led elsewhere by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerUrl(String);

/// The types of devices that the standard knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "each name is the standard's own")]
pub enum DeviceType {
    Camera,
    CoverCalibrator,
    Dome,
    FilterWheel,
    Focuser,
    ObservingConditions,
    Rotator,
    SafetyMonitor,
    Switch,
    Telescope,
}

/// One device of one server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The server.
    pub server_url: ServerUrl,
    /// The device's type.
    pub device_type: DeviceType,
    /// The device's number among those of its type.
    pub device_number: u32,
}

impl Endpoint {
    /// A telescope of a server.
    pub const fn telescope(server_url: ServerUrl, device_number: u32) -> Self {
        Self { server_url, device_type: DeviceType::Telescope, device_number }
    }

    pub(crate) fn url(&self, method: &str) -> String {
        let Self { server_url, device_type, device_number } = self;
        format!("{server_url}/api/v1/{}/{device_number}/{method}", device_type.path())
    }
}

impl ServerUrl {
    /// The address as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerUrl {
    type Err = AlpacaError;
    fn from_str(text: &str) -> Result<Self, AlpacaError> {
        let bad = |reason| AlpacaError::Address { url: text.chars().take(200).collect(), reason };
        let url = reqwest::Url::parse(text).map_err(|_| bad("can't be read"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("has another scheme than http"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("has a user name in it"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has a path or a query"));
        }
        if url.port() == Some(0) {
            return Err(bad("has port 0"));
        }
        let port = url.port_or_known_default().ok_or_else(|| bad("has no port"))?;
        let host = url.host_str().ok_or_else(|| bad("has no host"))?;
        Ok(Self(format!("{}://{host}:{port}", url.scheme())))
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = AlpacaError;
    fn try_from(text: String) -> Result<Self, AlpacaError> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::net::SocketAddr> for ServerUrl {
    fn from(address: std::net::SocketAddr) -> Self {
        Self(format!("http://{}", std::net::SocketAddr::new(address.ip(), address.port())))
    }
}

impl DeviceType {
    /// Every type, by name.
    pub const ALL: [Self; 10] = [
        Self::Camera,
        Self::CoverCalibrator,
        Self::Dome,
        Self::FilterWheel,
        Self::Focuser,
        Self::ObservingConditions,
        Self::Rotator,
        Self::SafetyMonitor,
        Self::Switch,
        Self::Telescope,
    ];

    /// The standard's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Camera => "Camera",
            Self::CoverCalibrator => "CoverCalibrator",
            Self::Dome => "Dome",
            Self::FilterWheel => "FilterWheel",
            Self::Focuser => "Focuser",
            Self::ObservingConditions => "ObservingConditions",
            Self::Rotator => "Rotator",
            Self::SafetyMonitor => "SafetyMonitor",
            Self::Switch => "Switch",
            Self::Telescope => "Telescope",
        }
    }

    /// The part of an address, which the standard wants in lower case.
    pub(crate) fn path(self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

impl FromStr for DeviceType {
    type Err = AlpacaError;
    /// Reads any case, since servers differ.
    fn from_str(text: &str) -> Result<Self, AlpacaError> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| AlpacaError::UnknownType { text: text.chars().take(80).collect() })
    }
}

impl TryFrom<String> for DeviceType {
    type Error = AlpacaError;
    fn try_from(text: String) -> Result<Self, AlpacaError> {
        text.parse()
    }
}

impl From<DeviceType> for String {
    fn from(kind: DeviceType) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_servers() {
        for (text, wanted) in [
            ("http://192.168.1.5:11111", Some("http://192.168.1.5:11111")),
            ("http://mount.local:80/", Some("http://mount.local:80")),
            ("http://mount.local", Some("http://mount.local:80")),
            ("HTTP://[::1]:5555", Some("http://[::1]:5555")),
            ("https://mount:443", Some("https://mount:443")),
            ("ftp://mount:21", None),
            ("file:///etc/passwd", None),
            ("http://user:secret@mount:80", None),
            ("http://mount:80/api", None),
            ("http://mount:80/?a=b", None),
            ("http://mount:80/#x", None),
            ("http://mount:0", None),
            ("http://mount:99999", None),
            ("mount:80", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<ServerUrl>().ok().as_ref().map(ServerUrl::as_str), wanted, "{text}");
        }
    }

    #[test]
    fn types_are_read_in_any_case_and_asked_in_lower() {
        for (text, wanted) in
            [("Telescope", Some("telescope")), ("FILTERWHEEL", Some("filterwheel")), ("Toaster", None)]
        {
            assert_eq!(text.parse::<DeviceType>().ok().map(DeviceType::path).as_deref(), wanted, "{text}");
        }
        let telescope = Endpoint::telescope("http://h:1".parse().unwrap(), 3);
        assert_eq!(telescope.url("slewing"), "http://h:1/api/v1/telescope/3/slewing");
    }
}
