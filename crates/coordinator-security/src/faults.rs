//! What the engines' errors mean to a caller. Those of tokens and certificates say so themselves, where they are declared.

use engine_accounts::{AccountsError, AuthError};
use vocabulary::{Code, Fault};

/// The fault for a login that failed: the same for whatever was wrong, and for a lock as well, which says nothing about the password.
pub(crate) fn of_auth(error: AuthError) -> Fault {
    match error {
        AuthError::Refused { .. } | AuthError::Locked { .. } => {
            Fault::unauthenticated("user name, password or code is wrong, or the account is locked for a while")
                .hint("after several failures wait, or ask an administrator to unlock the account")
        }
        AuthError::CodeRequired => Fault::unauthenticated("second factor is missing")
            .hint("add the code of the authenticator, or a recovery code, as `code`"),
        AuthError::Busy => Fault::busy("too many logins at once").hint("try again in a moment"),
        AuthError::Store(error) => error.into(),
        AuthError::Vault(error) => error.into(),
        AuthError::Defect(_) => Fault::internal(error.to_string()).hint("please report it, with the log"),
    }
}

/// The fault for an error of the accounts.
pub(crate) fn of_accounts(error: AccountsError) -> Fault {
    let text = error.to_string();
    let code = match error {
        AccountsError::Store(error) => return error.into(),
        AccountsError::Vault(error) => return error.into(),
        AccountsError::Auth(error) => return of_auth(error),
        AccountsError::Policy { .. } | AccountsError::NoHash | AccountsError::WrongCode => Code::Invalid,
        AccountsError::LastAdministrator
        | AccountsError::Builtin { .. }
        | AccountsError::AdministratorExists
        | AccountsError::AlreadyEnrolled { .. }
        | AccountsError::NotEnrolled { .. }
        | AccountsError::Changed { .. } => Code::Conflict,
        AccountsError::SetupSecret => Code::Unauthenticated,
        AccountsError::Busy => Code::Busy,
        AccountsError::Defect(_) => Code::Internal,
    };
    // The engine writes the way out behind the last semicolon.
    match text.rsplit_once("; ") {
        Some((message, way_out)) => Fault::new(code, message).hint(way_out),
        None => Fault::new(code, text),
    }
}

/// An account without a row asked for what only a user has.
pub(crate) fn no_user(account: &impl std::fmt::Display) -> Fault {
    Fault::invalid(format!("{account} is no user's account")).hint("log in as a user, or name one with user_id")
}
