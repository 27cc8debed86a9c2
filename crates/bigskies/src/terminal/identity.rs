//! As whom the terminal connects: by a file, by a stored login, from the lobby, or as nobody.

use bus::{Address, BrokerKind, Credentials};
use catalog::{Party, Secret};
use vocabulary::{Fault, Timestamp, ids::AccountName};

use crate::{house::node::operator, terminal::logins::StoredLogin};

/// What an API key begins with.
const KEY_MARK: &str = "bsk_";

/// As whom the terminal connects.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// What it logs in with; nothing where it knocks at a broker that lets everybody in.
    pub(crate) credentials: Option<Credentials>,
    /// What it calls itself.
    pub(crate) name: AccountName,
    /// The account that answers are published for.
    pub(crate) account: AccountName,
    /// What is brought with each message, since a broker that is not ours does not tell from whom it is.
    pub(crate) token: Option<Secret>,
    way: Way,
}

/// Where the login comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    File,
    Stored,
    Lobby,
    None,
}

impl Identity {
    /// By the credentials of a file.
    pub(crate) fn of_file(credentials: Credentials) -> Self {
        let account = credentials.account.clone();
        let token = credentials.password.starts_with(KEY_MARK).then(|| Secret::new(&*credentials.password));
        Self { credentials: Some(credentials), name: account.clone(), account, token, way: Way::File }
    }

    /// By a stored login.
    ///
    /// # Errors
    /// `unauthenticated` where it has ended.
    pub(crate) fn of_login(login: &StoredLogin, now: Timestamp) -> Result<Self, Fault> {
        let StoredLogin { broker, account, user, key, expires_at: _ } = login;
        if login.is_over(now) {
            return Err(over(user, broker));
        }
        Ok(Self {
            credentials: Some(credentials(account, key)),
            name: user.clone(),
            account: account.clone(),
            token: Some(key.clone()),
            way: Way::Stored,
        })
    }

    /// From the lobby, where a password or a one-time secret is proven and nothing else is allowed.
    ///
    /// # Errors
    /// `invalid` where the name is too long for it.
    pub(crate) fn of_lobby(user: &AccountName, password: &Secret) -> Result<Self, Fault> {
        let account = Party::Lobby(user.clone()).account().map_err(|_| {
            Fault::invalid(format!("user {user} has too long a name")).hint("see that it is spelled right")
        })?;
        let credentials = Some(credentials(&account, password));
        Ok(Self { credentials, name: user.clone(), account, token: None, way: Way::Lobby })
    }

    /// As nobody, which is the operator where the broker lets everybody in.
    pub(crate) fn nobody() -> Self {
        Self { credentials: None, name: operator(), account: operator(), token: None, way: Way::None }
    }

    /// What a broker means that does not let it in, and the way out.
    pub(crate) fn refusal(&self, broker: &Address) -> Fault {
        let name = &self.name;
        match self.way {
            Way::None => Fault::unauthenticated(format!("nobody is logged in at {broker}")).hint("bigskies login NAME"),
            Way::Stored => over(name, &broker.to_string()),
            Way::Lobby => Fault::unauthenticated(format!("{broker} does not let {name} in: name or password is wrong"))
                .hint("after some failures nobody is let in for a while; an administrator resets passwords"),
            Way::File => Fault::unauthenticated(format!("broker {broker} does not let account {name} in"))
                .hint("name a file for this observatory with --credentials, or log in: bigskies login NAME"),
        }
    }
}

fn credentials(account: &AccountName, password: &Secret) -> Credentials {
    // Whose broker it is matters to coordinators alone.
    Credentials { account: account.clone(), password: password.expose().to_owned(), broker: BrokerKind::Embedded }
}

fn over(user: &AccountName, broker: &str) -> Fault {
    Fault::unauthenticated(format!("the login of {user} at {broker} has ended")).hint(format!("bigskies login {user}"))
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    fn login() -> StoredLogin {
        StoredLogin {
            broker: "127.0.0.1:1883".to_owned(),
            account: "key.k1".parse().unwrap(),
            user: "ann".parse().unwrap(),
            key: Secret::new("bsk_3f1f9a26_c2VjcmV0"),
            expires_at: Some("2026-12-21T20:15:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn whom_answers_are_for_and_what_is_brought() {
        let of_file = |account: &str, password: &str| {
            let account = account.parse().unwrap();
            Identity::of_file(Credentials { account, password: password.to_owned(), broker: BrokerKind::External })
        };
        let now = "2026-11-21T20:15:00Z".parse().unwrap();
        let lobby = Identity::of_lobby(&"ann".parse().unwrap(), &Secret::new("pass")).unwrap();
        for (identity, login, name, account, token) in [
            (of_file("ann", "pass"), Some("ann"), "ann", "ann", None),
            (of_file("key.k1", "bsk_1_2"), Some("key.k1"), "key.k1", "key.k1", Some("bsk_1_2")),
            (
                Identity::of_login(&login(), now).unwrap(),
                Some("key.k1"),
                "ann",
                "key.k1",
                Some("bsk_3f1f9a26_c2VjcmV0"),
            ),
            (lobby, Some("lobby.ann"), "ann", "lobby.ann", None),
            (Identity::nobody(), None, "operator", "operator", None),
        ] {
            let got = (
                identity.credentials.as_ref().map(|credentials| credentials.account.as_str()),
                identity.name.as_str(),
                identity.account.as_str(),
                identity.token.as_ref().map(Secret::expose),
            );
            assert_eq!(got, (login, name, account, token));
        }
    }

    #[test]
    fn refusals_show_the_way_in() {
        let broker = "127.0.0.1:1883".parse().unwrap();
        let fault = Identity::nobody().refusal(&broker);
        assert_eq!(fault, Fault::unauthenticated("nobody is logged in at 127.0.0.1:1883").hint("bigskies login NAME"));
        let before = Identity::of_login(&login(), "2026-11-21T20:15:00Z".parse().unwrap()).unwrap().refusal(&broker);
        let after = Identity::of_login(&login(), "2027-11-21T20:15:00Z".parse().unwrap()).unwrap_err();
        assert_eq!((before.code, before.hint.as_str()), (Code::Unauthenticated, "bigskies login ann"));
        assert_eq!(before, after);
        let long = "x".repeat(60).parse().unwrap();
        assert_eq!(Identity::of_lobby(&long, &Secret::new("")).unwrap_err().code, Code::Invalid);
    }
}
