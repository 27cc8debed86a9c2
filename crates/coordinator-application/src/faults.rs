//! What is refused about a service, and how that is said.

use catalog::application::Register;
use vocabulary::{Fault, ids::ServiceId};

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// The longest endpoint, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2048;
/// The largest metadata as JSON, in bytes. All services are held in memory, so this times their number is what they can take.
const METADATA_BYTES_MAX: usize = 8 * 1024;

/// Whether a registration can be kept.
pub(crate) fn check(register: &Register) -> Result<(), Fault> {
    let Register { id, name, endpoint, metadata } = register;
    let too_long = |what: &str, most: usize| {
        Err(Fault::invalid(format!("{what} of service {id} has more than {most} bytes")).hint("send a shorter one"))
    };
    if name.trim().is_empty() {
        return Err(Fault::invalid(format!("name of service {id} is empty")).hint("name it; several may share a name"));
    }
    if name.len() > NAME_BYTES_MAX {
        return too_long("name", NAME_BYTES_MAX);
    }
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return too_long("endpoint", ENDPOINT_BYTES_MAX);
    }
    if serde_json::to_string(metadata).map_or(0, |text| text.len()) > METADATA_BYTES_MAX {
        return too_long("metadata", METADATA_BYTES_MAX);
    }
    Ok(())
}

/// Nobody has registered under this id.
pub(crate) fn unknown(id: &ServiceId) -> Fault {
    Fault::not_found(format!("service {id} is not registered"))
        .hint("service/register registers it; service/list shows those that are")
}

/// The registry takes no more.
pub(crate) fn full(services_max: usize) -> Fault {
    Fault::busy(format!("registry holds {services_max} services and takes no more"))
        .hint("unregister those that are gone, or raise the setting services_max")
}

/// A cursor that no list handed out.
pub(crate) fn wrong_cursor() -> Fault {
    Fault::invalid("cursor is not one that service/list handed out").hint("send the `next` of the page before, or none")
}
