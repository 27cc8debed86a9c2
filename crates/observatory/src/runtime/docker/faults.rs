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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine_containers::Object;

    use super::*;

    #[test]
    fn every_fault_has_a_reason_and_a_way_out() {
        let text = || "x".to_owned();
        let (endpoint, host, reason, doing, name) = (text(), text(), text(), text(), text());
        let (address, image, limit, path) = (text(), text(), Duration::from_secs(1), "x".into());
        let (exit_code, last_words, object) = (1, text(), Object::Volume);
        for (fault, expected) in [
            (Fault::BadAddress { address: address.clone(), reason: reason.clone() }, Reason::Configuration),
            (Fault::Certificate { endpoint: endpoint.clone(), reason: reason.clone() }, Reason::Configuration),
            (Fault::LocalFile { path, reason: reason.clone() }, Reason::Configuration),
            (Fault::Refused { doing: doing.clone(), reason: reason.clone() }, Reason::Configuration),
            (Fault::NotRunning { endpoint: endpoint.clone(), reason: reason.clone() }, Reason::EngineAway),
            (Fault::Unreachable { host: host.clone(), reason: reason.clone() }, Reason::EngineAway),
            (Fault::Ssh { host: host.clone(), reason: reason.clone() }, Reason::EngineAway),
            (Fault::NotAllowed { endpoint: endpoint.clone() }, Reason::Forbidden),
            (Fault::LoginRefused { host: host.clone(), reason: reason.clone() }, Reason::Forbidden),
            (Fault::HostKeyUnknown { host: host.clone() }, Reason::HostKeyUnknown),
            (Fault::HostKeyChanged { host }, Reason::HostKeyUnknown),
            (
                Fault::VersionSkew { endpoint: endpoint.clone(), found: text(), needed: text(), way_out: text() },
                Reason::VersionSkew,
            ),
            (Fault::ImageMissing { image, reason: reason.clone() }, Reason::ImageMissing),
            (Fault::PortTaken { address, holder: None }, Reason::PortTaken),
            (Fault::NoSpace { reason: reason.clone() }, Reason::NoSpace),
            (Fault::NotFound { object, name: name.clone() }, Reason::NotFound),
            (Fault::Conflict { object, name: name.clone(), reason: reason.clone() }, Reason::Busy),
            (Fault::Ended { name: name.clone(), exit_code, last_words: last_words.clone() }, Reason::ServiceFailed),
            (Fault::Unhealthy { name, last_words }, Reason::ServiceFailed),
            (Fault::TimedOut { doing: doing.clone(), limit }, Reason::Unavailable),
            (Fault::Lost { endpoint, doing: doing.clone(), reason: reason.clone() }, Reason::Unavailable),
            (Fault::Failed { doing, reason }, Reason::Unavailable),
        ] {
            let said = fault.to_string();
            let failure = failure(fault);
            assert_eq!(failure.reason, expected, "{said}");
            assert!(!failure.hint.is_empty() && !failure.message.contains("; "), "{said}");
        }
    }
}
