//! Why a command could not do what it was asked: a closed list of reasons, each with its exit code, and a way out.

use std::fmt;

/// What programs say of a full disk, in the words of strerror(3).
pub const NO_SPACE: &str = "no space left on device";

/// The closed list of reasons. Each has an exit code of its own, so that a script can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A defect of this program.
    Defect,
    /// The configuration can't be used; the message names file, line and what is allowed.
    Configuration,
    /// This user may not do it.
    Forbidden,
    /// What is named does not exist.
    NotFound,
    /// Another run of this program works on the same stack.
    Busy,
    /// An archive is broken, or none of this program.
    BrokenArchive,
    /// The stack does not show in time that it works.
    NotProven,
    /// A service runs, but is not well, or is missing.
    Unwell,
    /// The container engine does not answer.
    EngineAway,
    /// A port is taken by somebody else.
    PortTaken,
    /// An image is neither here nor to be had.
    ImageMissing,
    /// A program that runs a service is not installed.
    ProgramMissing,
    /// The disk is full.
    NoSpace,
    /// The remote host's key is not known, or not the known one.
    HostKeyUnknown,
    /// The engine is too old, or speaks another version.
    VersionSkew,
    /// A service ended soon after its start.
    ServiceFailed,
    /// The command line can't be understood.
    Usage,
    /// Something needed is away for now.
    Unavailable,
    /// Interrupted by the person.
    Interrupted,
}

impl Reason {
    /// Every reason, in the order of the exit codes.
    pub const ALL: [Self; 19] = [
        Self::Defect,
        Self::Configuration,
        Self::Unwell,
        Self::Forbidden,
        Self::NotFound,
        Self::Busy,
        Self::BrokenArchive,
        Self::NotProven,
        Self::EngineAway,
        Self::PortTaken,
        Self::ImageMissing,
        Self::ProgramMissing,
        Self::NoSpace,
        Self::HostKeyUnknown,
        Self::VersionSkew,
        Self::ServiceFailed,
        Self::Usage,
        Self::Unavailable,
        Self::Interrupted,
    ];

    /// The exit code. 0 is success, and 2 is "there is something to change" of `plan`.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Defect => 1,
            Self::Configuration => 3,
            Self::Unwell => 4,
            Self::Forbidden => 5,
            Self::NotFound => 6,
            Self::Busy => 7,
            Self::BrokenArchive => 8,
            Self::NotProven => 10,
            Self::EngineAway => 20,
            Self::PortTaken => 21,
            Self::ImageMissing => 22,
            Self::ProgramMissing => 23,
            Self::NoSpace => 24,
            Self::HostKeyUnknown => 25,
            Self::VersionSkew => 26,
            Self::ServiceFailed => 27,
            // EX_USAGE and EX_TEMPFAIL of sysexits.h.
            Self::Usage => 64,
            Self::Unavailable => 75,
            // What a shell reports of a program that Ctrl-C ended.
            Self::Interrupted => 130,
        }
    }

    /// The word that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Defect => "defect",
            Self::Configuration => "configuration",
            Self::Unwell => "unwell",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Busy => "busy",
            Self::BrokenArchive => "broken-archive",
            Self::NotProven => "not-proven",
            Self::EngineAway => "engine-away",
            Self::PortTaken => "port-taken",
            Self::ImageMissing => "image-missing",
            Self::ProgramMissing => "program-missing",
            Self::NoSpace => "no-space",
            Self::HostKeyUnknown => "host-key-unknown",
            Self::VersionSkew => "version-skew",
            Self::ServiceFailed => "service-failed",
            Self::Usage => "usage",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A reason, a lower-case fragment that names the object, and a way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Which reason.
    pub reason: Reason,
    /// What is wrong with what.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// A failure without a way out yet.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: String::new() }
    }

    /// The same with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Of a file or folder that could not be read or written.
    pub fn of_path(deed: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let message = format!("can't {deed} {}: {error}", path.display());
        match error.kind() {
            Kind::NotFound => Self::new(Reason::NotFound, message).hint("check the path"),
            Kind::PermissionDenied => Self::new(Reason::Forbidden, message)
                .hint("give this user the right, or name another folder with --data"),
            Kind::StorageFull | Kind::QuotaExceeded => {
                Self::new(Reason::NoSpace, message).hint("free some space, or name another folder with --data")
            }
            _ => Self::new(Reason::Unavailable, message).hint("see to the disk behind it"),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Reason::Defect, format!("result can't be written as JSON: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_code_and_word() {
        let mut codes: Vec<u8> = Reason::ALL.iter().map(|reason| reason.exit_code()).collect();
        let mut words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        words.sort_unstable();
        words.dedup();
        assert_eq!((codes.len(), words.len()), (Reason::ALL.len(), Reason::ALL.len()));
        assert!(!codes.contains(&0) && !codes.contains(&2), "0 and 2 are taken");
    }

    #[test]
    fn what_the_disk_says_is_told_apart() {
        use std::io::{Error, ErrorKind};
        for (kind, reason) in [
            (ErrorKind::StorageFull, Reason::NoSpace),
            (ErrorKind::PermissionDenied, Reason::Forbidden),
            (ErrorKind::NotFound, Reason::NotFound),
            (ErrorKind::BrokenPipe, Reason::Unavailable),
        ] {
            assert_eq!(Failure::of_path("write", std::path::Path::new("x"), &Error::from(kind)).reason, reason);
        }
    }
}
