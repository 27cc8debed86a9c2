//! The master key of this process: from a file, the environment, the service manager's credentials, or the key ring of the system.

use std::{path::Path, path::PathBuf, str::FromStr};

use store::{MasterKey, VaultError};
use vocabulary::Fault;

/// The environment variable that holds the key itself.
const VARIABLE: &str = "BIGSKIES_MASTER_KEY";
/// What the key is called among the service manager's credentials, and in the key ring.
const NAME: &str = "bigskies-master-key";
/// Where the service manager puts credentials (systemd.exec(5), LoadCredential).
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Where the key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// In this file, which others must not be able to read.
    File(PathBuf),
    /// In this environment variable.
    Environment(String),
    /// In the key ring of the system, under [`NAME`].
    KeyRing,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env" | "file", _)) => Err(format!("{text:?} names nothing behind the colon")),
            _ if text == "keyring" => Ok(Self::KeyRing),
            _ if text.is_empty() => Err("a file, env:NAME or keyring is expected".to_owned()),
            _ => Ok(Self::File(text.into())),
        }
    }
}

/// The key that is named, else the one that the surroundings hold, else that of the data folder, where there is one.
pub(crate) fn find(named: Option<&Source>, data: &Path) -> Result<Option<MasterKey>, Fault> {
    match source(named, data) {
        Some(Source::File(path)) if named.is_none() && !path.exists() => Ok(None),
        Some(source) => read(&source).map(Some),
        None => Ok(None),
    }
}

/// The same, and where there is none a fresh one in the data folder.
pub(crate) fn find_or_make(named: Option<&Source>, data: &Path) -> Result<MasterKey, Fault> {
    match find(named, data)? {
        Some(key) => Ok(key),
        None => MasterKey::read_or_make(&in_folder(data)).map_err(fault),
    }
}

fn source(named: Option<&Source>, data: &Path) -> Option<Source> {
    if let Some(named) = named {
        return Some(named.clone());
    }
    if std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty()) {
        return Some(Source::Environment(VARIABLE.to_owned()));
    }
    let handed = std::env::var_os(CREDENTIALS_DIRECTORY).map(|folder| Path::new(&folder).join(NAME));
    Some(Source::File(handed.filter(|file| file.exists()).unwrap_or_else(|| in_folder(data))))
}

fn in_folder(data: &Path) -> PathBuf {
    data.join("credentials").join("master.key")
}

fn read(source: &Source) -> Result<MasterKey, Fault> {
    match source {
        Source::File(path) => MasterKey::read(path).map_err(fault),
        Source::Environment(name) => {
            let text = std::env::var(name).map_err(|_| {
                Fault::invalid(format!("environment variable {name} holds no master key"))
                    .hint("set it to 32 bytes in base64 or hexadecimal")
            })?;
            MasterKey::parse(&text).map_err(fault)
        }
        Source::KeyRing => from_key_ring(),
    }
}

#[cfg(target_os = "linux")]
fn from_key_ring() -> Result<MasterKey, Fault> {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    let missing = |error: linux_keyutils::KeyError| {
        Fault::invalid(format!("key ring holds no {NAME} for this user: {error:?}"))
            .hint(format!("put it there: openssl rand -base64 32 | keyctl padd user {NAME} @u"))
    };
    let ring = KeyRing::from_special_id(KeyRingIdentifier::User, false).map_err(missing)?;
    let bytes = ring.search(NAME).and_then(|key| key.read_to_vec()).map_err(missing)?;
    let text = String::from_utf8(bytes).map_err(|_| fault(VaultError::NoKey))?;
    MasterKey::parse(&text).map_err(fault)
}

#[cfg(not(target_os = "linux"))]
fn from_key_ring() -> Result<MasterKey, Fault> {
    Err(Fault::invalid("key ring of this system is not spoken").hint("use a file, or env:NAME"))
}

fn fault(error: VaultError) -> Fault {
    Fault::invalid(error.to_string()).hint("name another one with --master-key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        for (text, source) in [
            ("/run/key", Some(Source::File("/run/key".into()))),
            ("file:/run/key", Some(Source::File("/run/key".into()))),
            ("env:KEY", Some(Source::Environment("KEY".to_owned()))),
            ("keyring", Some(Source::KeyRing)),
            ("env:", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Source>().ok(), source, "{text}");
        }
    }

    #[test]
    fn a_folder_keeps_its_key() {
        let folder = std::env::temp_dir().join(format!("bigskies-{}", vocabulary::ids::fresh_uuid()));
        std::fs::create_dir_all(folder.join("credentials")).unwrap();
        assert!(find(None, &folder).unwrap().is_none());
        let made = find_or_make(None, &folder).unwrap();
        assert_eq!(find(None, &folder).unwrap().unwrap().id(), made.id());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
