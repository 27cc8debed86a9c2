//! Accounts, passwords, second factors, and who may do what, compiled so that a check costs nanoseconds.
//!
//! | what | where |
//! |---|---|
//! | the engine: users, groups, roles, organisations, permissions | [`Accounts`] |
//! | who somebody is: passwords, second factors, lockout | [`Accounts::authenticate`], [`Login`], [`Peer`] |
//! | what somebody may do, in every process | [`Rights`], [`Decision`] |
//! | the first administrator, and one-time secrets | [`setup`] |
//! | plugins that are let in, with the topics of their manifests | [`Accounts::admit_plugin`], [`PluginAdmission`] |
//! | what can be set | [`AccountsSettings`] |

mod accounts;
mod error;
mod guessing;
mod lockout;
mod login;
mod memberships;
mod passwords;
mod people;
mod plugins;
pub mod rights;
mod second_factor;
mod secrets;
mod settings;
pub mod setup;

pub use accounts::Accounts;
pub use error::{AccountsError, AuthError, Refusal};
pub use lockout::Peer;
pub use login::{Authenticated, Factor, Lock, Login, PasswordChange};
pub use memberships::GroupChange;
pub use passwords::HashedPassword;
pub use people::{NewUser, UserChange};
pub use plugins::{Admitted, PluginAdmission};
pub use rights::{Decision, Reason, Right, Rights};
pub use second_factor::{Enrolment, RecoveryCodes};
pub use secrecy::{ExposeSecret, SecretString};
pub use settings::{AccountsSettings, Complaint};
