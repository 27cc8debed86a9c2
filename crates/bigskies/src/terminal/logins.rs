//! The logins of a person on this machine: an API key for each observatory, in one file in their configuration folder.

use std::path::{Path, PathBuf};

use bus::Address;
use catalog::{Party, Secret};
use serde::{Deserialize, Serialize};
use vocabulary::{
    Fault, Timestamp,
    ids::{AccountName, ApiKeyId},
};

use crate::terminal::private_file;

/// A login at one observatory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredLogin {
    /// The broker, as host:port.
    pub(crate) broker: String,
    /// What the broker knows the key by.
    pub(crate) account: AccountName,
    /// Whose key it is.
    pub(crate) user: AccountName,
    /// The key.
    pub(crate) key: Secret,
    /// When it ends; null if it does not.
    pub(crate) expires_at: Option<Timestamp>,
}

impl StoredLogin {
    /// The id of the key.
    ///
    /// # Errors
    /// `invalid` where the account is no key's, as after an edit by hand.
    pub(crate) fn key_id(&self) -> Result<ApiKeyId, Fault> {
        match Party::of(&self.account) {
            Party::Key(id) => Ok(id),
            _ => Err(Fault::invalid(format!("account {} of the stored login is no key's", self.account))
                .hint(format!("log in again: bigskies login {}", self.user))),
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// All logins that are stored.
#[derive(Debug)]
pub(crate) struct Logins {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    logins: Vec<StoredLogin>,
}

impl Logins {
    /// Reads those of the person who runs this.
    ///
    /// # Errors
    /// Where the file can't be used, or others could read it.
    pub(crate) fn open() -> Result<Self, Fault> {
        let path_of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self::read(file(path_of("XDG_CONFIG_HOME"), path_of("HOME"))?)
    }

    fn read(path: PathBuf) -> Result<Self, Fault> {
        let Some(text) = private_file::read(&path)? else { return Ok(Self { path, content: Content::default() }) };
        let content = serde_json::from_str(&text).map_err(|e| {
            Fault::invalid(format!("{} can't be understood: {e}", path.display()))
                .hint("take it away and log in again: bigskies login NAME")
        })?;
        Ok(Self { path, content })
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The login at this broker.
    pub(crate) fn at(&self, broker: &Address) -> Option<&StoredLogin> {
        let broker = broker.to_string();
        self.content.logins.iter().find(|login| login.broker == broker)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[StoredLogin] {
        &self.content.logins
    }

    /// Keeps a login, in place of the one before at the same broker.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub(crate) fn keep(&mut self, login: StoredLogin) -> Result<(), Fault> {
        self.content.logins.retain(|other| other.broker != login.broker);
        self.content.logins.push(login);
        self.write()
    }

    /// Forgets the login at this broker.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub(crate) fn forget(&mut self, broker: &str) -> Result<(), Fault> {
        self.content.logins.retain(|login| login.broker != broker);
        self.write()
    }

    fn write(&self) -> Result<(), Fault> {
        let text = serde_json::to_vec_pretty(&self.content).map_err(|e| Fault::internal(e.to_string()))?;
        private_file::write(&self.path, &text)
    }
}

fn file(xdg_config_home: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, Fault> {
    // A relative XDG_CONFIG_HOME is to be ignored (XDG Base Directory Specification).
    xdg_config_home
        .filter(|folder| folder.is_absolute())
        .or_else(|| home.map(|home| home.join(".config")))
        .map(|folder| folder.join("bigskies").join("login.json"))
        .ok_or_else(|| {
            Fault::invalid("there is no configuration folder to keep a login in").hint("set HOME or XDG_CONFIG_HOME")
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use vocabulary::Code;

    use super::*;

    fn login(broker: &str, user: &str) -> StoredLogin {
        StoredLogin {
            broker: broker.to_owned(),
            account: format!("key.{user}-1").parse().unwrap(),
            user: user.parse().unwrap(),
            key: Secret::new("bsk_3f1f9a26_c2VjcmV0"),
            expires_at: Some("2026-12-21T20:15:00Z".parse().unwrap()),
        }
    }

    fn users(logins: &Logins) -> Vec<(&str, &str)> {
        logins.all().iter().map(|login| (login.broker.as_str(), login.user.as_str())).collect()
    }

    #[test]
    fn there_is_one_login_for_each_broker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bigskies/login.json");
        let mut logins = Logins::read(path.clone()).unwrap();
        assert!(logins.all().is_empty());
        logins.keep(login("127.0.0.1:1883", "ann")).unwrap();
        logins.keep(login("hill.example.org:1883", "ann")).unwrap();
        logins.keep(login("127.0.0.1:1883", "bob")).unwrap();
        let read = Logins::read(path.clone()).unwrap();
        assert_eq!(users(&read), [("hill.example.org:1883", "ann"), ("127.0.0.1:1883", "bob")]);
        let found = read.at(&"localhost:1883".parse().unwrap()).map(|login| login.user.as_str());
        assert_eq!(found, None, "a broker is known by what it is called");
        let found = read.at(&"127.0.0.1".parse().unwrap()).unwrap();
        assert_eq!((found.user.as_str(), found.key.expose()), ("bob", "bsk_3f1f9a26_c2VjcmV0"));
        assert_eq!(found.key_id().unwrap().as_str(), "bob-1");
        logins.forget("127.0.0.1:1883").unwrap();
        assert_eq!(users(&Logins::read(path).unwrap()), [("hill.example.org:1883", "ann")]);
    }

    #[test]
    fn what_others_could_read_or_nobody_can_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("login.json");
        let mut logins = Logins::read(path.clone()).unwrap();
        logins.keep(login("127.0.0.1:1883", "ann")).unwrap();
        for (mode, text, code) in
            [(0o644, None, Code::Forbidden), (0o600, Some("{"), Code::Invalid), (0o600, Some("{}"), Code::Invalid)]
        {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Logins::read(path.clone()).unwrap_err().code, code, "{mode:o} {text:?}");
        }
    }

    #[test]
    fn logins_end() {
        let login = login("127.0.0.1:1883", "ann");
        for (now, over) in [("2026-12-21T20:14:59Z", false), ("2026-12-21T20:15:00Z", true)] {
            assert_eq!(login.is_over(now.parse().unwrap()), over, "{now}");
        }
        assert!(!StoredLogin { expires_at: None, ..login }.is_over("2099-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn the_configuration_folder() {
        for (xdg, home, wanted) in [
            (Some("/x"), Some("/h"), Some("/x/bigskies/login.json")),
            (Some("x"), Some("/h"), Some("/h/.config/bigskies/login.json")),
            (None, Some("/h"), Some("/h/.config/bigskies/login.json")),
            (None, None, None),
        ] {
            let got = file(xdg.map(PathBuf::from), home.map(PathBuf::from)).ok();
            assert_eq!(got.as_deref(), wanted.map(Path::new), "{xdg:?} {home:?}");
        }
    }
}
