//! What went wrong, and what to do about it: the one error of this automation.

use std::fmt;

/// A problem and a way out.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: String,
    hint: String,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// A file or folder that could not be read or written.
    pub(crate) fn of_path(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            format!("cannot {doing} {}: {error}", path.display()),
            "check that it exists, its rights, and the free space",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  hint: {}", self.problem, self.hint)
    }
}

impl std::error::Error for Failure {}
