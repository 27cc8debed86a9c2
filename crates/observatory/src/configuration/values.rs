//! The values of the configuration: each says what is allowed when a text is not one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Gives a type that is read from a text and written as one: its check, and what is said where the check fails.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $holds:expr, $allowed:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let holds: fn(&str) -> bool = $holds;
                if holds(text) { Ok(Self(text.to_owned())) } else { Err(format!("{text:?} is not allowed, expected {}", $allowed)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(
    /// A name that containers, volumes and hosts may have.
    Name,
    |text| {
        let first = text.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        first && text.len() <= 63 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    },
    "1 to 63 small letters, digits, `-` and `_`, a letter or digit first"
);

text!(
    /// A length of time as Prometheus writes it, such as `90d` or `1h30m`.
    Span,
    |text| seconds_of(text).is_some_and(|seconds| seconds > 0.0),
    "a length of time such as `15s`, `1h30m` or `90d` (ms, s, m, h, d, w, y)"
);

text!(
    /// A number of bytes, such as `512MB`; powers of 1024, as Prometheus counts.
    Bytes,
    |text| bytes_of(text).is_some_and(|bytes| bytes > 0),
    "a size such as `512MB` or `10GB` (B, KB, MB, GB, TB)"
);

text!(
    /// An image with its tag, such as `prom/prometheus:v3.4.2`.
    Image,
    is_image,
    "an image with a tag other than `latest`, such as `prom/prometheus:v3.4.2`, since a stack must be the same tomorrow"
);

text!(
    /// The digest of an image.
    Digest,
    |text| text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))),
    "`sha256:` and 64 hexadecimal digits"
);

/// Gives types our own defaults, which a test holds to the rules.
macro_rules! known {
    ($($name:ident),+) => {
        $(impl $name {
            pub(crate) fn known(text: &str) -> Self {
                Self(text.to_owned())
            }
        })+
    };
}

known!(Name, Span, Bytes, Image);

impl Span {
    /// The length in seconds.
    pub fn seconds(&self) -> f64 {
        seconds_of(&self.0).unwrap_or_default()
    }
}

impl Bytes {
    /// How many.
    pub fn count(&self) -> u64 {
        bytes_of(&self.0).unwrap_or_default()
    }
}

/// In the order in which Prometheus wants them, each at most once.
const UNITS: [(&str, f64); 7] =
    [("y", 31_536_000.0), ("w", 604_800.0), ("d", 86_400.0), ("h", 3_600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001)];

fn seconds_of(text: &str) -> Option<f64> {
    let (mut rest, mut total, mut next) = (text, 0.0, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = rest.get(..letters)?;
        let place = UNITS.iter().position(|(name, _)| *name == unit).filter(|place| *place >= next)?;
        total += f64::from(count) * UNITS.get(place)?.1;
        next = place + 1;
        rest = rest.get(letters..)?;
    }
    (!text.is_empty()).then_some(total)
}

fn bytes_of(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit {
        "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(factor)
}

fn is_image(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    let tag = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    tag.is_some_and(|(name, tag)| {
        !name.is_empty()
            && !name.starts_with(['/', '-', '.', ':'])
            && !tag.is_empty()
            && tag != "latest"
            && text.chars().all(allowed)
    })
}

/// A port that a service can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u16")]
pub struct Port(u16);

impl Port {
    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    pub(crate) const fn known(number: u16) -> Self {
        Self(number)
    }
}

impl TryFrom<i64> for Port {
    type Error = String;
    fn try_from(number: i64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(port) if port != 0 => Ok(Self(port)),
            _ => Err(format!("{number} is no port, expected 1 to 65535")),
        }
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a secret is. The configuration never holds one itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Secret {
    /// Made up once and kept in the data folder, readable by this user only.
    Generated,
    /// In this environment variable.
    Variable(String),
    /// In this file.
    File(String),
}

impl TryFrom<String> for Secret {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "generated" => Ok(Self::Generated),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            // What stands there may be the secret itself, so it is not repeated.
            _ => Err("a secret stands elsewhere, expected `generated`, `env:NAME` or `file:PATH`".to_owned()),
        }
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        match secret {
            Secret::Generated => "generated".to_owned(),
            Secret::Variable(name) => format!("env:{name}"),
            Secret::File(path) => format!("file:{path}"),
        }
    }
}
