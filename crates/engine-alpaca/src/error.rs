//! Why a device did not do it: unreachable, silent, unintelligible, unwilling, or unknown to us.

use std::time::Duration;

use vocabulary::ids::DeviceId;

/// Every way in which a call to a device can fail.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AlpacaError {
    /// The engine has no such device.
    #[error("device {device} is not registered; discover devices or register it")]
    NotRegistered {
        /// Which.
        device: DeviceId,
    },
    /// The device is known but not connected.
    #[error("device {device} is not connected; connect it first")]
    NotConnected {
        /// Which.
        device: DeviceId,
    },
    /// The device was asked for something that its type does not do.
    #[error("device {device} is a {is} and not a telescope; name a telescope")]
    NotATelescope {
        /// Which.
        device: DeviceId,
        /// What it is.
        is: crate::DeviceType,
    },
    /// A bound is reached.
    #[error("{limit} devices are registered already; unregister one that is not needed")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// The address of a server is not one.
    #[error("server address {url:?} {reason}; http://host:port is expected")]
    Address {
        /// The text, cut to 200 characters.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A type of device is not one of the standard's.
    #[error("device type {text:?} is not known; use one of the ASCOM types, for example Telescope")]
    UnknownType {
        /// The text, cut to 80 characters.
        text: String,
    },
    /// No connection could be made, so nothing reached the device.
    #[error("alpaca server {server} can't be reached: {reason}; check its power, its network and the address")]
    Unreachable {
        /// Which server.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// The device did not answer in time; whether it acted is unknown.
    #[error("alpaca server {server} did not answer {method} within {after:?}; ask for the status before trying again")]
    Timeout {
        /// Which server.
        server: String,
        /// What was asked.
        method: String,
        /// The bound that was reached.
        after: Duration,
    },
    /// The connection ended before the answer; whether the device acted is unknown.
    #[error("alpaca server {server} broke off at {method}: {reason}; ask for the status before trying again")]
    Broken {
        /// Which server.
        server: String,
        /// What was asked.
        method: String,
        /// What the system said.
        reason: String,
    },
    /// The server refused the request as such: an unknown method, a bad parameter, a failure of its own.
    #[error(
        "alpaca server {server} answered {method} with status {status}: {text}; check the device number and its software"
    )]
    Status {
        /// Which server.
        server: String,
        /// What was asked.
        method: String,
        /// The HTTP status.
        status: u16,
        /// The start of what it said.
        text: String,
    },
    /// The answer is not what the standard says.
    #[error("alpaca server {server} answered {method} unintelligibly: {reason}; update the device's software")]
    Protocol {
        /// Which server.
        server: String,
        /// What was asked.
        method: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The device understood and refused or failed.
    #[error("device refused {method}: {message} (0x{number:X})")]
    Device {
        /// What was asked.
        method: String,
        /// The ASCOM error number; see [`crate::standard::numbers`].
        number: i64,
        /// What it said.
        message: String,
    },
    /// The device said that it connects, and then was not connected.
    #[error("device at {server} did not connect; look at the device's own messages")]
    DidNotConnect {
        /// Which server.
        server: String,
    },
    /// The engine has no way to the network.
    #[error("alpaca engine can't use the network: {reason}; check the system's limits")]
    Network {
        /// What the system said.
        reason: String,
    },
}

impl AlpacaError {
    /// Whether the device may have acted although this is an error.
    pub const fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Broken { .. } | Self::Protocol { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::NotRegistered { .. }
            | Self::NotConnected { .. }
            | Self::NotATelescope { .. }
            | Self::TooMany { .. }
            | Self::Address { .. }
            | Self::UnknownType { .. }
            | Self::Unreachable { .. }
            | Self::Device { .. }
            | Self::DidNotConnect { .. }
            | Self::Network { .. } => false,
        }
    }

    /// The ASCOM error number, if the device itself answered with one.
    pub const fn number(&self) -> Option<i64> {
        match self {
            Self::Device { number, .. } => Some(*number),
            _ => None,
        }
    }

    /// Whether the server says that it has no such method.
    pub(crate) const fn is_unknown_method(&self) -> bool {
        use crate::standard::numbers::{ACTION_NOT_IMPLEMENTED, NOT_IMPLEMENTED};
        match self {
            Self::Device { number, .. } => matches!(*number, NOT_IMPLEMENTED | ACTION_NOT_IMPLEMENTED),
            Self::Status { status, .. } => matches!(*status, 400 | 404 | 405 | 501),
            _ => false,
        }
    }
}
