//! Why something about accounts could not be done, and why somebody is not let in.

use store::{StoreError, VaultError};
use vocabulary::{Timestamp, ids::AccountName};

/// Why somebody is not let in. What it says is for everybody; what it was is in [`AuthError::refusal`], for the audit alone.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The account, the password or the code is not right. Which of them is not said.
    #[error("user name, password or code is wrong; after several failures the account is locked for a while")]
    Refused {
        /// What it was.
        reason: Refusal,
    },
    /// Too many have failed; the password was not even looked at.
    #[error("too many logins have failed; try again at {until}, or ask an administrator to unlock the account")]
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// The password is right and the account has a second factor.
    #[error("second factor is missing; give the code of the authenticator, or a recovery code")]
    CodeRequired,
    /// More passwords wait to be checked than can be.
    #[error("too many logins at once; try again in a moment")]
    Busy,
    /// The database could not be asked, so nobody is let in.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret of the second factor can't be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A defect of ours.
    #[error("login failed within: {0}")]
    Defect(String),
}

impl AuthError {
    /// What was wrong, where somebody was refused. For the audit, never for the caller.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { reason } => Some(*reason),
            Self::Locked { .. } => Some(Refusal::Locked),
            Self::CodeRequired => Some(Refusal::NoCode),
            Self::Busy | Self::Store(_) | Self::Vault(_) | Self::Defect(_) => None,
        }
    }
}

/// What was wrong with a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no such account.
    UnknownUser,
    /// The account has no password.
    NoPassword,
    /// The password is another one.
    WrongPassword,
    /// The account is disabled.
    Disabled,
    /// The password is right, and no code was given.
    NoCode,
    /// The code is none of the second factor, nor of the recovery codes.
    WrongCode,
    /// The code was used before.
    ReplayedCode,
    /// The account changed while the password was checked.
    Changed,
    /// Too many logins had failed.
    Locked,
}

impl Refusal {
    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::NoPassword => "no-password",
            Self::WrongPassword => "wrong-password",
            Self::Disabled => "disabled",
            Self::NoCode => "no-code",
            Self::WrongCode => "wrong-code",
            Self::ReplayedCode => "replayed-code",
            Self::Changed => "changed",
            Self::Locked => "locked",
        }
    }
}

/// Why something about accounts could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The database refused, or could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret can't be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Who asks for it did not prove who it is.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The password can't be taken.
    #[error("password can't be taken: {}; choose another one", complaints.join(", "))]
    Policy {
        /// What is wrong with it.
        complaints: Vec<String>,
    },
    /// It would leave nobody who could set it right again.
    #[error("no administrator would be left; give another account the role administrator first")]
    LastAdministrator,
    /// It came with the program.
    #[error("{what} came with the program and stays as it is; make one of your own")]
    Builtin {
        /// A fragment that names the object.
        what: String,
    },
    /// There is one already.
    #[error("an administrator exists; log in as one and create the account")]
    AdministratorExists,
    /// The one-time secret does not open anything.
    #[error("setup secret is unknown, used or expired; ask for a new one")]
    SetupSecret,
    /// There is a second factor already.
    #[error("user {user} has a second factor; remove it before enrolling another one")]
    AlreadyEnrolled {
        /// The account.
        user: AccountName,
    },
    /// There is no second factor to confirm.
    #[error("user {user} has no second factor that waits to be confirmed; enrol one first")]
    NotEnrolled {
        /// The account.
        user: AccountName,
    },
    /// The code is not the one of the new second factor.
    #[error(
        "code is not that of the new second factor; see that the clock of the device is right, and give the next code"
    )]
    WrongCode,
    /// The password changed after it was proven.
    #[error("password of user {user} was changed meanwhile; try again with the new one")]
    Changed {
        /// The account.
        user: AccountName,
    },
    /// It is no hash that can be taken.
    #[error("password hash is neither Argon2id nor bcrypt of a bearable cost; set the password instead")]
    NoHash,
    /// More passwords wait to be hashed than can be.
    #[error("too many passwords are hashed at once; try again in a moment")]
    Busy,
    /// A defect of ours.
    #[error("accounts failed within: {0}")]
    Defect(String),
}
