//! What the engine's and the sky's errors mean to a caller.

use astrometry::AstrometryError;
use engine_alpaca::AlpacaError;
use vocabulary::{Code, Fault};

/// The ASCOM error numbers that say that the request, not the device, is at fault.
const INVALID_VALUE: i64 = 0x401;
const NOT_IMPLEMENTED: i64 = 0x400;
const PARKED: i64 = 0x408;
const INVALID_OPERATION: i64 = 0x40B;

/// The fault for an error of the Alpaca engine.
pub(crate) fn of_alpaca(error: &AlpacaError) -> Fault {
    let message = error.to_string();
    let (code, hint) = match error {
        AlpacaError::NotRegistered { .. } => (Code::NotFound, "telescope/device/list shows the devices that are known"),
        AlpacaError::NotConnected { .. } => (Code::Conflict, "send telescope/device/connect first"),
        AlpacaError::NotATelescope { .. } => (Code::Invalid, "name a device of type telescope"),
        AlpacaError::TooMany { .. } => (Code::Busy, "unregister devices that are not needed"),
        AlpacaError::Address { .. } | AlpacaError::UnknownType { .. } => {
            (Code::Invalid, "see telescope/device/register")
        }
        AlpacaError::Unreachable { .. } => (Code::Unavailable, "nothing reached the device; see that it is on"),
        AlpacaError::Timeout { .. } | AlpacaError::Broken { .. } => {
            (Code::Unavailable, "whether the device acted is unknown; ask for its status before trying again")
        }
        AlpacaError::Status { .. } | AlpacaError::Protocol { .. } => {
            (Code::Unavailable, "the device's server is at fault; ask for the status before trying again")
        }
        AlpacaError::Device { number, .. } => of_number(*number),
        AlpacaError::DidNotConnect { .. } => (Code::Unavailable, "look at the device's own messages"),
        AlpacaError::Network { .. } => (Code::Unavailable, "see the system's limits on sockets"),
    };
    Fault::new(code, message).hint(hint)
}

const fn of_number(number: i64) -> (Code, &'static str) {
    match number {
        INVALID_VALUE => (Code::Invalid, "the device does not accept these values"),
        NOT_IMPLEMENTED => (Code::Invalid, "this device can't do that"),
        PARKED => (Code::Conflict, "unpark it first"),
        INVALID_OPERATION => (Code::Conflict, "the device can't do that in its present state"),
        _ => (Code::Unavailable, "the device failed; look at its own messages"),
    }
}

/// The fault for an error of the sky's arithmetic: only its inputs can be wrong.
pub(crate) fn of_astrometry(error: &AstrometryError) -> Fault {
    Fault::invalid(error.to_string())
}
