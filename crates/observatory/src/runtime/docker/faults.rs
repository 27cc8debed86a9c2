//! What goes wrong with containers, as one of our reasons.

use engine_containers::ContainersError as Fault;

use crate::failure::{Failure, Reason};

/// The reason for an error of the engine; its way out stands behind the last semicolon of its sentence.
pub(crate) fn failure(fault: Fault) -> Failure {
    let reason = match &fault {
        Fault::BadAddress { .. } | Fault::Certificate { .. } | Fault::LocalFile { .. } => Reason::Configuration,
        Fault::NotRunning { .. } | Fault::Unreachable { .. } | Fault::Ssh { .. } => Reason::EngineAway,
        Fault::NotAllowed { .. } | Fault::LoginRefused { .. } => Reason::Forbidden,
        Fault::HostKeyUnknown { .. } | Fault::HostKeyChanged { .. } => Reason::HostKeyUnknown,
        Fault::VersionSkew { .. } => Reason::VersionSkew,
        Fault::ImageMissing { .. } => Reason::ImageMissing,
        Fault::PortTaken { .. } => Reason::PortTaken,
        Fault::NoSpace { .. } => Reason::NoSpace,
        Fault::NotFound { .. } => Reason::NotFound,
        Fault::Conflict { .. } => Reason::Busy,
        Fault::Ended { .. } | Fault::Unhealthy { .. } => Reason::ServiceFailed,
        Fault::Refused { .. } => Reason::Configuration,
        Fault::TimedOut { .. } | Fault::Lost { .. } | Fault::Failed { .. } => Reason::Unavailable,
    };
    let said = fault.to_string();
    match said.rsplit_once("; ") {
        Some((what, way_out)) => Failure::new(reason, what).hint(way_out),
        None => Failure::new(reason, said),
    }
}
