//! Permissions: what may be done (`action`) to what kind of thing (`resource`).

use std::fmt;

/// One right, written `resource:action`, for example `telescope:control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission {
    /// The kind of thing.
    pub resource: &'static str,
    /// What is done to it: `read`, `write`, `control` or `configure`.
    pub action: &'static str,
}

impl Permission {
    /// A permission by its two words.
    pub const fn new(resource: &'static str, action: &'static str) -> Self {
        Self { resource, action }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}
