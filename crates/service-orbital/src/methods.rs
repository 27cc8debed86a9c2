//! What each method needs of its caller. The face looks before a method is called; no method does.

use std::{fmt, sync::Arc};

use vocabulary::{Fault, Permission};

/// Where satellites stand, and everything that follows from it.
pub const READ: Permission = Permission::new("constellation", "read");
/// Changes of the registered satellites.
pub const WRITE_SATELLITES: Permission = Permission::new("constellation", "write");
/// Changes of the registered ground stations.
pub const WRITE_STATIONS: Permission = Permission::new("mission", "write");

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// At once.
    Once,
    /// Part by part.
    Parts,
    /// Part by part, until the caller ends it.
    Endless,
}

/// One method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// The right that it needs; nothing for what everybody may know.
    pub(crate) needs: Option<Permission>,
    pub(crate) answer: Answer,
}

const fn reads(name: &'static str, answer: Answer) -> Method {
    Method { name, needs: Some(READ), answer }
}

const fn needs(name: &'static str, permission: Permission) -> Method {
    Method { name, needs: Some(permission), answer: Answer::Once }
}

const fn free(name: &'static str, answer: Answer) -> Method {
    Method { name, needs: None, answer }
}

/// The methods of the orbital service.
pub(crate) const METHODS: [Method; 20] = [
    reads("PropagatePosition", Answer::Once),
    reads("PropagateTrajectory", Answer::Once),
    reads("CalculateVisibility", Answer::Once),
    free("HealthCheck", Answer::Once),
    reads("Visibility", Answer::Once),
    needs("RegisterSatellites", WRITE_SATELLITES),
    needs("RemoveSatellites", WRITE_SATELLITES),
    reads("ListSatellites", Answer::Once),
    needs("RegisterGroundStations", WRITE_STATIONS),
    needs("RemoveGroundStations", WRITE_STATIONS),
    reads("ListGroundStations", Answer::Once),
    reads("PropagateBatch", Answer::Once),
    reads("PropagateGrid", Answer::Once),
    reads("StreamGrid", Answer::Parts),
    reads("WatchPositions", Answer::Endless),
    reads("Track", Answer::Once),
    reads("FindPasses", Answer::Once),
    reads("StreamPasses", Answer::Parts),
    reads("FindApproaches", Answer::Once),
    reads("StreamApproaches", Answer::Parts),
];

/// What others specified: health (<https://github.com/grpc/grpc/blob/master/doc/health-checking.md>) and reflection.
const HEALTH: Method = free("Check", Answer::Once);
const HEALTH_WATCH: Method = free("Watch", Answer::Endless);
const REFLECTION: Method = free("ServerReflectionInfo", Answer::Endless);
/// What is not there.
const OTHER: Method = free("other", Answer::Once);

impl Method {
    /// The method at the path of a request.
    pub(crate) fn at(path: &str) -> Self {
        match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
            Some(("orbital.OrbitalService", name)) => {
                METHODS.iter().find(|method| method.name == name).copied().unwrap_or(OTHER)
            }
            Some(("grpc.health.v1.Health", "Watch")) => HEALTH_WATCH,
            Some(("grpc.health.v1.Health", _)) => HEALTH,
            Some(("grpc.reflection.v1.ServerReflection" | "grpc.reflection.v1alpha.ServerReflection", _)) => REFLECTION,
            Some(_) | None => OTHER,
        }
    }
}

/// What a guard is asked: the token that the call brings, and the right that it needs.
type Question = dyn Fn(Option<&str>, Permission) -> Result<(), Fault> + Send + Sync;

/// Who decides whether a call may be made.
#[derive(Clone)]
pub struct Guard(Arc<Question>);

impl Guard {
    /// A guard that asks `question` for each call with the token that it brings (`authorization: Bearer …`) and the right that it needs.
    pub fn new(question: impl Fn(Option<&str>, Permission) -> Result<(), Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(question))
    }

    /// A guard that lets everybody do everything.
    pub fn open() -> Self {
        Self::new(|_, _| Ok(()))
    }

    pub(crate) fn admits(&self, token: Option<&str>, method: Method) -> Result<(), Fault> {
        method.needs.map_or(Ok(()), |permission| (self.0)(token, permission))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_the_contract_has_its_row() {
        let contract = FileDescriptorSet::decode(orbital_client::FILE_DESCRIPTOR_SET).unwrap();
        let services = contract.file.iter().filter(|file| file.package() == "orbital").flat_map(|file| &file.service);
        let declared: Vec<(String, bool)> = services
            .flat_map(|service| &service.method)
            .map(|method| (method.name().to_owned(), method.server_streaming()))
            .collect();
        assert_eq!(declared.len(), METHODS.len());
        for (name, streams) in declared {
            let method =
                METHODS.iter().find(|method| method.name == name).unwrap_or_else(|| panic!("{name} has no row"));
            assert_eq!(method.answer != Answer::Once, streams, "{name}");
            assert_eq!(Method::at(&format!("/orbital.OrbitalService/{name}")).name, name);
        }
    }

    #[test]
    fn what_is_not_there_has_no_name() {
        for path in ["", "/", "/x", "/orbital.OrbitalService/Nothing", "/other.Service/PropagatePosition"] {
            assert_eq!(Method::at(path).name, "other", "{path}");
        }
    }
}
