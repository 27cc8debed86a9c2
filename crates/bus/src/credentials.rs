//! The file that lets a node or an operator log in at the broker: mode 0600, made once, handed to roles that run apart.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use vocabulary::{Fault, ids::AccountName};

/// The account whose secret the passwords of all roles derive from.
const NODE: &str = "node";

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
        let password = hex(&bytes);
        let made = Self { account, password, broker };
        made.write(path)?;
        Ok(made)
    }

    /// What stands behind the client id on a broker that is not ours: it lets whoever has an account take any client id over, so that ours
    /// must not be guessed. It is the same at each start, so that the broker ends the connection of before.
    pub fn client_mark(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.password.as_bytes());
        hex(hmac::sign(&key, b"client id").as_ref().get(..8).unwrap_or_default())
    }

    /// The credentials of one role: derived from the node's, so that nobody has to keep or hand out more than one secret; or these
    /// themselves, where they are that role's.
    ///
    /// # Errors
    /// `invalid` where these are another account's.
    pub fn for_role(&self, role: &AccountName) -> Result<Self, Fault> {
        if self.account == *role {
            return Ok(self.clone());
        }
        if self.account.as_str() != NODE {
            return Err(Fault::invalid(format!("credentials of {} can't log {role} in", self.account))
                .hint(format!("hand over the file of `{NODE}`, or make one: bigskies admin node credentials {role}")));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.password.as_bytes());
        let password = hex(hmac::sign(&key, role.as_str().as_bytes()).as_ref());
        Ok(Self { account: role.clone(), password, broker: self.broker })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(account: &str, password: &str) -> Credentials {
        Credentials { account: account.parse().unwrap(), password: password.to_owned(), broker: BrokerKind::External }
    }

    #[test]
    fn the_node_logs_every_role_in_and_a_role_itself_alone() {
        // Expected values: Python's hmac.new(password, role, sha256).hexdigest().
        for (account, password, role, wanted) in [
            (
                "node",
                "secret",
                "telescope-coordinator",
                Some("12bb82eff18a5bf8e9384d62a5593fac5e7bc10674ed2b103234180e3f8652e4"),
            ),
            ("node", "secret", "gateway", Some("812e0f6903173a90b44d6962725768188a169b67a3c8474f5afb625d07cf9dcd")),
            ("node", "other", "gateway", Some("159e900193312d250f2476db76d99ca0229217eaa7666101cdc562e4b933d4a9")),
            ("node", "secret", "node", Some("secret")),
            ("gateway", "its own", "gateway", Some("its own")),
            ("gateway", "its own", "telescope-coordinator", None),
            ("operator", "secret", "gateway", None),
        ] {
            let role: AccountName = role.parse().unwrap();
            match (credentials(account, password).for_role(&role), wanted) {
                (Ok(made), Some(wanted)) => {
                    assert_eq!((made.account, made.password.as_str()), (role, wanted), "{account}");
                    assert_eq!(made.broker, BrokerKind::External);
                }
                (Err(fault), None) => {
                    assert_eq!(fault.code, vocabulary::Code::Invalid);
                    assert!(fault.message.contains(account) && fault.message.contains(role.as_str()), "{fault}");
                }
                (made, wanted) => panic!("{account} for {role}: {made:?}, wanted {wanted:?}"),
            }
        }
    }
}
