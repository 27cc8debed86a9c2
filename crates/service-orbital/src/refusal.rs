//! Why a call is not answered, and the status of gRPC that says so.

use orbital_client::status_code;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use vocabulary::Fault;

/// Why a call is not answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// A field of the request is wrong.
    Field {
        /// Its path, as `tle.line1`.
        field: String,
        /// A fragment that goes on after it.
        why: String,
    },
    /// A field of the request names what is not known.
    Unknown {
        /// Its path.
        field: String,
        /// What it names.
        id: String,
        /// What to do.
        hint: &'static str,
    },
    /// The request asks for more than is allowed.
    TooMuch {
        /// The field that says how much.
        field: String,
        /// What is asked for, and what is allowed.
        why: String,
    },
    /// Its time was up.
    Late,
    /// Nobody waits for it any more.
    Gone,
    /// Something else.
    Fault(Fault),
}

impl Refusal {
    pub(crate) fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Field { field: field.into(), why: why.into() }
    }

    /// `what` of `field` is more than `max`.
    pub(crate) fn too_many(field: impl Into<String>, asked: u64, max: u64, what: &str) -> Self {
        Self::TooMuch {
            field: field.into(),
            why: format!("asks for {asked} {what}, at most {max} are allowed in a call"),
        }
    }

    /// The same within another message, which has it in `outer`.
    #[must_use]
    pub(crate) fn within(self, outer: &str) -> Self {
        let join = |field: String| if field.is_empty() { outer.to_owned() } else { format!("{outer}.{field}") };
        match self {
            Self::Field { field, why } => Self::Field { field: join(field), why },
            Self::Unknown { field, id, hint } => Self::Unknown { field: join(field), id, hint },
            Self::TooMuch { field, why } => Self::TooMuch { field: join(field), why },
            Self::Late | Self::Gone | Self::Fault(_) => self,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Field { field, why } => {
                let details = ErrorDetails::with_bad_request_violation(field.clone(), why.clone());
                Self::with_error_details(Code::InvalidArgument, format!("field {field} {why}"), details)
            }
            Refusal::TooMuch { field, why } => {
                let details = ErrorDetails::with_quota_failure_violation(field.clone(), why.clone());
                Self::with_error_details(Code::ResourceExhausted, format!("field {field} {why}"), details)
            }
            Refusal::Unknown { field, id, hint } => {
                let details = ErrorDetails::with_resource_info(field.clone(), id.clone(), "", hint);
                Self::with_error_details(
                    Code::NotFound,
                    format!("field {field} names {id:?}, which is not known: {hint}"),
                    details,
                )
            }
            Refusal::Late => Self::deadline_exceeded("the call's time was up before its work was done"),
            Refusal::Gone => Self::cancelled("nobody waits for the answer any more"),
            Refusal::Fault(fault) => status_of(&fault),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The status of a fault, with its hint.
pub(crate) fn status_of(fault: &Fault) -> Status {
    let said = if fault.hint.is_empty() { fault.message.clone() } else { format!("{}; {}", fault.message, fault.hint) };
    Status::new(status_code(fault.code), said)
}
