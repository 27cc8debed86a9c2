//! Why the store could not do something: what sqlx and PostgreSQL say, sorted by what the caller can do about it.

use std::time::Duration;

use vocabulary::Fault;

/// The error of everything that talks to the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away or refuses us; nothing is known of a change that was under way.
    #[error("database is unavailable for {operation}: {reason}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// What the connection or the server said.
        reason: String,
    },
    /// No answer came within the bound.
    #[error("database gave no answer to {operation} within {} ms", bound.as_millis())]
    Late {
        /// What was tried.
        operation: &'static str,
        /// How long it was waited for.
        bound: Duration,
    },
    /// Two transactions were in each other's way; the same again may work.
    #[error("database was too busy for {operation}: {reason}")]
    Busy {
        /// What was tried.
        operation: &'static str,
        /// What the server said.
        reason: String,
    },
    /// It contradicts a row that is there.
    #[error("{what}")]
    Conflict {
        /// A fragment that names the object.
        what: String,
    },
    /// What is named does not exist.
    #[error("{what}")]
    NotFound {
        /// A fragment that names the object.
        what: String,
    },
    /// The value can't be kept.
    #[error("{what}")]
    Invalid {
        /// A fragment that names the object.
        what: String,
    },
    /// A defect of ours, or a database that is not as the migrations left it.
    #[error("{operation} failed in the database: {reason}")]
    Defect {
        /// What was tried.
        operation: &'static str,
        /// What the server said.
        reason: String,
    },
}

impl StoreError {
    /// Something named does not exist.
    pub(crate) fn not_found(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::NotFound { what: format!("{kind} {name} does not exist") }
    }

    /// A value that can't be kept.
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    /// A row that is not as our own statements write it.
    pub(crate) fn unreadable(operation: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Defect { operation, reason: format!("a row can't be read: {reason}") }
    }

    /// Sorts what sqlx says.
    pub(crate) fn of(operation: &'static str, error: &sqlx::Error) -> Self {
        let unavailable = |reason: String| Self::Unavailable { operation, reason };
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                Self::of_code(operation, &code, database.message(), database.constraint())
            }
            sqlx::Error::RowNotFound => Self::NotFound { what: format!("nothing found by {operation}") },
            sqlx::Error::Io(e) => unavailable(e.to_string()),
            sqlx::Error::Tls(e) => unavailable(format!("TLS: {e}")),
            sqlx::Error::PoolTimedOut => unavailable("no connection became free in time".to_owned()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => unavailable(error.to_string()),
            sqlx::Error::Protocol(reason) => unavailable(reason.clone()),
            sqlx::Error::Configuration(e) => unavailable(e.to_string()),
            other => Self::Defect { operation, reason: other.to_string() },
        }
    }

    /// Sorts a SQLSTATE (PostgreSQL documentation, appendix A).
    fn of_code(operation: &'static str, code: &str, message: &str, constraint: Option<&str>) -> Self {
        let reason = message.to_owned();
        let of_constraint = || constraint.map_or_else(|| message.to_owned(), |name| format!("{message} ({name})"));
        match code {
            "23505" | "23503" | "23P01" => Self::Conflict { what: of_constraint() },
            // Our texts are Unicode, so it can only be this.
            "22021" | "22P05" => Self::Invalid { what: "text with the character NUL can't be kept".to_owned() },
            "23502" | "23514" => Self::Invalid { what: of_constraint() },
            "40001" | "40P01" | "55P03" => Self::Busy { operation, reason },
            "57014" => Self::Unavailable { operation, reason: format!("{message}; the server gave up on it") },
            "53100" => Self::Unavailable { operation, reason: format!("{message}; the database's disk is full") },
            _ => match code.get(..2).unwrap_or_default() {
                "22" => Self::Invalid { what: message.to_owned() },
                "08" | "25" | "28" | "3D" | "53" | "57" | "58" => Self::Unavailable { operation, reason },
                _ => Self::Defect { operation, reason: format!("{message} (SQLSTATE {code})") },
            },
        }
    }

    /// Whether the same may work when the database is back.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Late { .. } | Self::Busy { .. })
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Unavailable { .. } | StoreError::Late { .. } => Self::unavailable(message)
                .hint("ask for the state before trying again; `bigskies doctor` says how the database is"),
            StoreError::Busy { .. } => Self::busy(message).hint("try again"),
            StoreError::Conflict { .. } => Self::conflict(message),
            StoreError::NotFound { .. } => Self::not_found(message),
            StoreError::Invalid { .. } => Self::invalid(message),
            StoreError::Defect { .. } => Self::internal(message).hint("please report it, with the log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    #[test]
    fn sqlstates() {
        for (code, expected) in [
            ("23505", Code::Conflict),
            ("23503", Code::Conflict),
            ("23514", Code::Invalid),
            ("22021", Code::Invalid),
            ("22P02", Code::Invalid),
            ("40001", Code::Busy),
            ("40P01", Code::Busy),
            ("57014", Code::Unavailable),
            ("57P01", Code::Unavailable),
            ("57P03", Code::Unavailable),
            ("53100", Code::Unavailable),
            ("53300", Code::Unavailable),
            ("08006", Code::Unavailable),
            ("28P01", Code::Unavailable),
            ("3D000", Code::Unavailable),
            ("42P01", Code::Internal),
            ("42501", Code::Internal),
            ("", Code::Internal),
        ] {
            let fault = Fault::from(StoreError::of_code("a test", code, "message", None));
            assert_eq!(fault.code, expected, "{code}");
        }
    }
}
