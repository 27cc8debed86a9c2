//! The file that lets a node or an operator log in at the broker: mode 0600, made once, handed to roles that run apart.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use vocabulary::{Fault, ids::AccountName};

/// Whose broker it is: ours stamps every delivery with the publisher's account, others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerKind {
    /// `engine-broker`.
    Embedded,
    /// Mosquitto or another.
    External,
}

impl BrokerKind {
    /// The word in files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::External => "external",
        }
    }
}

/// What a client needs to log in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The login.
    pub account: AccountName,
    /// Its password.
    pub password: String,
    /// Whose broker it is for.
    pub broker: BrokerKind,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("account", &self.account)
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}

/// Why a credentials file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It can't be read or written.
    #[error("credentials file {path} can't be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others could read it.
    #[error("credentials file {path} can be read by others (mode {mode:o}); make it private: chmod 600 {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not what it should be.
    #[error("credentials file {path} can't be understood: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl From<CredentialsError> for Fault {
    fn from(error: CredentialsError) -> Self {
        Self::invalid(error.to_string()).hint("hand over the file that `bigskies up` keeps in its data folder")
    }
}

impl Credentials {
    /// Reads a file, refused if others can read it.
    ///
    /// # Errors
    /// Where it can't be read, is open to others, or has other content.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let io = |source| CredentialsError::Io { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(CredentialsError::Open { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(io)?;
        serde_json::from_str(&text)
            .map_err(|e| CredentialsError::Content { path: path.to_owned(), reason: e.to_string() })
    }

    /// Writes a file with mode 0600, whole or not at all.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), CredentialsError> {
        let io = |source| CredentialsError::Io { path: path.to_owned(), source };
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| CredentialsError::Content { path: path.to_owned(), reason: e.to_string() })?;
        let unfinished = path.with_extension("unfinished");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&unfinished, path).map_err(io)
    }

    /// Reads the file, or makes it with a fresh random password of 192 bits.
    ///
    /// # Errors
    /// Where it can't be read or written.
    pub fn read_or_make(path: &Path, account: AccountName, broker: BrokerKind) -> Result<Self, CredentialsError> {
        if path.exists() {
            return Self::read(path);
        }
        let bytes: [u8; 24] = rand::random();
        let password = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let made = Self { account, password, broker };
        made.write(path)?;
        Ok(made)
    }
}
