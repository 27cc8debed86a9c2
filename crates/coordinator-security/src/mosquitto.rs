//! The same topic rights on Mosquitto as on our own broker: its dynamic-security plugin is told what to let whom do, and kept in step.
//!
//! | what | where |
//! |---|---|
//! | the first time, by an administrator of the plugin | [`set_up`] |
//! | from then on, by the security coordinator | [`Mirror`], told of passwords through [`Passwords`] |
//! | what should be there | [`Wanted`], in the steps nodes, users, keys, plugins |
//! | what is to be done for it | [`plan`], from a [`Picture`] of what is there |
//! | the conversation with the plugin | [`Controller`] |
//!
//! What Debian's Mosquitto 2.0.11 does, found by trying, and what follows from it:
//!
//! - A `subscribePattern` allows a filter that it covers: with `a/+`, `a/b` is granted and `a/#` and `#` are refused. A shared subscription
//!   is compared whole, so that `$share/+/a/+` must be allowed besides. Every delivery is held against `publishClientReceive`, too; every
//!   publish, wills and retained ones included, against `publishClientSend`.
//! - Nothing is expanded in a list, so that each account has a role of its own, `account.{name}`, for its own answers.
//! - The plugin writes its whole file after each command: 5 MB and 100 ms, in which Mosquitto does nothing else, with 200 roles of 150
//!   topics. So the rest stands in a role, `rights.…`, that all share who are members of the same roles and groups: when these are given
//!   other rights, it takes one command.
//! - Another list in a role (`modifyRole`) holds from the next message on, for subscriptions that stand, too, and nobody is thrown out.
//!   Other roles, another password or another description of a client (`modifyClient`) throw it out; it comes back under the new rights.
//! - Deleting a role that a client has leaves the client with freed memory; it is done when nobody has it any more.
//! - Its file can be read by everybody who can enter the folder, and it hashes passwords with PBKDF2 of 101 rounds, whatever one does: the
//!   guide gives it a folder of its own.
//! - A client without a password can't log in. A command that is refused stops none after it.
//! - Passwords can't be read back. What a password is of is noted in the client's description, so that one that was changed while nobody
//!   could tell the plugin lets nobody in: its client is removed until the new one is known.

mod acl;
mod command;
mod controller;
mod mirror;
mod picture;
mod plan;
mod wanted;

use bus::{Bus, Credentials};
use engine_accounts::SecretString;
use vocabulary::Fault;

pub use acl::{Acl, ClientRights, Shape};
pub use controller::{Controller, Summary};
pub use mirror::{Mirror, Passwords, Standing};
pub use picture::{Picture, PresentClient};
pub use plan::{Plan, plan};
pub use wanted::{Known, PluginGrant, Realm, Shapes, Users, Wanted, WantedClient, WantedPassword};

/// Makes, or brings up to date, the accounts of all nodes, and closes the plugin's open defaults. `bus` is connected with an account that
/// may command the plugin (the one of `mosquitto_ctrl dynsec init`); `node` are the node's credentials, of which the others derive.
///
/// # Errors
/// `invalid` where the credentials are not the node's; `unavailable` where the plugin gives no answer; `conflict` where it refuses.
pub async fn set_up(bus: &Bus, node: &Credentials) -> Result<Summary, Fault> {
    let mut wanted = Wanted::default();
    wanted.nodes(&mut Shapes::default(), |account| {
        node.for_role(account).map(|credentials| Some(SecretString::from(credentials.password)))
    })?;
    Controller::open(bus).await?.provision(&wanted).await
}
