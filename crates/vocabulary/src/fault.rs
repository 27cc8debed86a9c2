//! Why something could not be done: a closed code, a fragment that names the object, a hint at the way out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The closed list of reasons. Every face maps it once (HTTP, gRPC, exit codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The request itself is wrong; sending it again will not help.
    Invalid,
    /// Nobody known is asking.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden,
    /// What is named does not exist.
    NotFound,
    /// It contradicts what is already there.
    Conflict,
    /// A bound is reached; later it may work.
    Busy,
    /// It would endanger people or hardware.
    Unsafe,
    /// What is needed for it is away; the outcome may be unknown.
    Unavailable,
    /// The deadline passed.
    Timeout,
    /// A defect of ours.
    Internal,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Busy,
        Self::Unsafe,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unsafe => "unsafe",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status (RFC 9110) that carries this code.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Unsafe => 422,
            Self::Busy => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The exit code of our commands for this code; 0 is success and 2 is a wrong command line.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Invalid => 3,
            Self::Unauthenticated => 4,
            Self::Forbidden => 5,
            Self::NotFound => 6,
            Self::Conflict => 7,
            Self::Busy => 8,
            Self::Unsafe => 9,
            Self::Timeout => 10,
            // EX_TEMPFAIL of sysexits.h: a supervisor should try again.
            Self::Unavailable => 75,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of every handler and every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Fault {
    /// Which of the ten reasons.
    pub code: Code,
    /// A lower-case fragment that names the object.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl Fault {
    /// A fault with a message and no hint yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: String::new() }
    }

    /// The same fault with the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// One constructor per code: `Fault::invalid("…")`.
macro_rules! constructors {
    ($($name:ident => $code:ident),* $(,)?) => {
        impl Fault {
            $(
                #[doc = concat!("A fault with the code `", stringify!($code), "`.")]
                pub fn $name(message: impl Into<String>) -> Self { Self::new(Code::$code, message) }
            )*
        }
    };
}

constructors! {
    invalid => Invalid,
    unauthenticated => Unauthenticated,
    forbidden => Forbidden,
    not_found => NotFound,
    conflict => Conflict,
    busy => Busy,
    not_safe => Unsafe,
    unavailable => Unavailable,
    timeout => Timeout,
    internal => Internal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_on_the_wire_is_the_serde_name() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn exit_codes_and_statuses_differ() {
        let exits: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.exit_code()).collect();
        let statuses: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.http_status()).collect();
        assert_eq!((exits.len(), statuses.len()), (10, 10));
        assert!(!exits.contains(&0) && !exits.contains(&2));
    }
}
