//! `bigskies admin`: accounts and what they may do, keys, certificates, the audit trail. A file for each noun.

mod audit;
mod certificate;
mod create;
mod group;
mod key;
mod mosquitto;
mod named;
mod node;
mod organisation;
mod password;
mod permission;
mod plugin;
mod role;
mod session;
mod totp;
mod user;

use clap::Subcommand;

use crate::terminal::{
    admin::{
        audit::Audit, certificate::Certificate, create::Create, group::Group, key::Key, mosquitto::Mosquitto,
        node::Node, organisation::Organisation, password::Password, permission::Permission, plugin::Plugin, role::Role,
        session::Session, totp::Totp, user::User,
    },
    client::{Client, ClientOptions},
    connected,
    output::{Ending, Output},
};

/// What to manage.
#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make the first administrator, on the machine that has the data folder, and log in.
    Create(Create),
    /// Make, show, change, disable and enable accounts.
    #[command(subcommand)]
    User(User),
    /// Make, show, change and delete roles, and give them to accounts.
    #[command(subcommand)]
    Role(Role),
    /// Make, show, change and delete groups, and put accounts into them.
    #[command(subcommand)]
    Group(Group),
    /// Make, show, change and delete organisations.
    #[command(subcommand, visible_alias = "organization")]
    Organisation(Organisation),
    /// Show, grant and withdraw permissions; look whether somebody may do something.
    #[command(subcommand)]
    Permission(Permission),
    /// Let plugins in with the topics of their manifests, show them, let them in no more.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Make, show and revoke API keys.
    #[command(subcommand)]
    Key(Key),
    /// Show and end sessions.
    #[command(subcommand)]
    Session(Session),
    /// Get, show, renew, import, remove and revoke certificates.
    #[command(subcommand)]
    Certificate(Certificate),
    /// Read, export and verify the audit trail.
    #[command(subcommand)]
    Audit(Audit),
    /// Change one's own password.
    Password(Password),
    /// Add a second factor to one's own account, or take it away.
    #[command(subcommand)]
    Totp(Totp),
    /// Hand out what processes of the observatory log in with.
    #[command(subcommand)]
    Node(Node),
    /// Let an Eclipse Mosquitto know the accounts of the observatory, and what each may do.
    #[command(subcommand)]
    Mosquitto(Mosquitto),
}

/// Does it.
pub(crate) async fn run(admin: Admin, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    match admin {
        Admin::Create(create) => create::run(create, options, out).await,
        Admin::Node(node) => node::run(node, options, out),
        Admin::Mosquitto(mosquitto) => mosquitto::run(mosquitto, options, out).await,
        admin => connected(options, async |client| ask(admin, client, out).await).await,
    }
}

/// Does what the security coordinator is asked for.
async fn ask(admin: Admin, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match admin {
        Admin::Create(_) | Admin::Node(_) | Admin::Mosquitto(_) => Ok(()),
        Admin::User(user) => user::run(user, client, out).await,
        Admin::Role(role) => role::run(role, client, out).await,
        Admin::Group(group) => group::run(group, client, out).await,
        Admin::Organisation(organisation) => organisation::run(organisation, client, out).await,
        Admin::Permission(permission) => permission::run(permission, client, out).await,
        Admin::Plugin(plugin) => plugin::run(plugin, client, out).await,
        Admin::Key(key) => key::run(key, client, out).await,
        Admin::Session(session) => session::run(session, client, out).await,
        Admin::Certificate(certificate) => certificate::run(certificate, client, out).await,
        Admin::Audit(audit) => audit::run(audit, client, out).await,
        Admin::Password(password) => password::run(password, client, out).await,
        Admin::Totp(totp) => totp::run(totp, client, out).await,
    }
}
