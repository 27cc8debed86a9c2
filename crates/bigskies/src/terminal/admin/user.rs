//! `bigskies admin user`: accounts.

use catalog::{
    Secret,
    security::{
        CreateUser, DeleteUser, EnableUser, ListUsers, NewUser, OneUser, ResetPassword, UnlockUser, UpdateUser,
        User as Account,
    },
};
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::{
    Timestamp,
    ids::{AccountName, GroupId, RoleId},
};

use crate::terminal::{
    admin::named,
    client::Client,
    output::{Ending, Output, Paint, harmless},
    prompt::PasswordArgs,
    table::{Shown, pairs, table},
    whoami::{listed, second_factor},
};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account. Without a password it gets a one-time secret, with which its owner chooses one.
    Create(CreateArgs),
    /// Show accounts.
    #[command(after_help = "Example:\n  bigskies admin user list --role administrator")]
    List(ListArgs),
    /// Show one account, with its roles and groups.
    #[command(after_help = "Example:\n  bigskies admin user show ann")]
    Show(NameArgs),
    /// Change the address or the organisation of an account.
    Update(UpdateArgs),
    /// Disable an account: it stays, with its traces, and can't be used. Its tokens and keys end.
    #[command(after_help = "Example:\n  bigskies admin user disable ann")]
    Disable(NameArgs),
    /// Let a disabled account be used again.
    #[command(after_help = "Example:\n  bigskies admin user enable ann")]
    Enable(NameArgs),
    /// Forget the failed logins of an account.
    #[command(after_help = "Example:\n  bigskies admin user unlock ann")]
    Unlock(NameArgs),
    /// Take the password of an account away; a one-time secret lets its owner choose another.
    #[command(after_help = "Example:\n  bigskies admin user reset-password ann")]
    ResetPassword(NameArgs),
}

/// Which account.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The account, by its name or id.
    #[arg(value_name = "USER")]
    user: String,
}

/// What there is of a new account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin user create ann --role operator --group north-dome")]
pub(crate) struct CreateArgs {
    /// What it is to be called.
    name: AccountName,
    /// Where its owner is reached.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A role that it has, by its name or id; may be given several times.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleId>,
    /// A group that it is in, by its name or id; may be given several times.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<GroupId>,
    /// The organisation that it belongs to, by its name or id.
    #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
    organisation: Option<String>,
    /// Give it a password here, which is asked for.
    #[arg(long)]
    with_password: bool,
    /// Make it, but let nobody use it yet.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Which accounts.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those with this text in the name or the address.
    #[arg(value_name = "TEXT")]
    search: Option<String>,
    /// Only those with this role, by its name or id.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those in this group, by its name or id.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only those of this organisation, by its name or id.
    #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
    organisation: Option<String>,
    /// Only those that can't be used.
    #[arg(long)]
    disabled: bool,
}

/// What is to change.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin user update ann --email ann@example.org")]
pub(crate) struct UpdateArgs {
    /// The account, by its name or id.
    #[arg(value_name = "USER")]
    user: String,
    /// Where its owner is reached; empty for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The organisation that it is to belong to, by its name or id.
    #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
    organisation: Option<String>,
    /// Let it belong to no organisation.
    #[arg(long, conflicts_with = "organisation")]
    leave_organisation: bool,
}

/// Does it.
pub(crate) async fn run(user: User, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match user {
        User::Create(arguments) => create(arguments, client, out).await,
        User::List(arguments) => list(arguments, client, out).await,
        User::Show(NameArgs { user }) => {
            let found = named::user(client, &user).await?;
            out.show(&found, |paint| details(paint, &found))
        }
        User::Update(arguments) => update(arguments, client, out).await,
        User::Disable(NameArgs { user }) => {
            let user_id = named::user(client, &user).await?.user.id;
            let reply = client.ask(&DeleteUser { user_id }).await?;
            out.show(&reply, |_| format!("account {user} is disabled"))
        }
        User::Enable(NameArgs { user }) => {
            let user_id = named::user(client, &user).await?.user.id;
            let reply = client.ask(&EnableUser { user_id }).await?;
            out.show(&reply, |_| format!("account {user} may be used"))
        }
        User::Unlock(NameArgs { user }) => {
            let user_id = named::user(client, &user).await?.user.id;
            let reply = client.ask(&UnlockUser { user_id }).await?;
            out.show(&reply, |_| format!("failed logins of {user} are forgotten"))
        }
        User::ResetPassword(NameArgs { user }) => {
            let Account { id: user_id, username, .. } = named::user(client, &user).await?.user;
            let reply = client.ask(&ResetPassword { user_id }).await?;
            let sentence = handed_over(&format!("{username} has no password"), &username, Some(reply.setup_expires_at));
            out.show_secret(&reply, &sentence, reply.setup_secret.expose())
        }
    }
}

async fn create(arguments: CreateArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let CreateArgs { name, email, roles, groups, organisation, with_password, disabled, password: source } = arguments;
    let password = if with_password || source.is_given() {
        Some(source.new_password(format!("new password of {name}")).await?)
    } else {
        None
    };
    let organisation = named::organisation_of(client, organisation.as_deref()).await?;
    let create = CreateUser {
        username: name,
        email,
        password,
        organisation_id: organisation.map(|organisation| organisation.id),
        roles,
        groups,
        enabled: disabled.then_some(false),
    };
    let reply = client.ask(&create).await?;
    show_new(&reply, out)
}

fn show_new(reply: &NewUser, out: &mut Output) -> Result<(), Ending> {
    let name = &reply.user.username;
    let made = format!("account {name} is made");
    match reply.setup_secret.as_ref().map(Secret::expose) {
        Some(secret) => out.show_secret(reply, &handed_over(&made, name, reply.setup_expires_at), secret),
        None => out.show(reply, |_| made),
    }
}

fn handed_over(what: &str, name: &AccountName, until: Option<Timestamp>) -> String {
    let until = until.map_or_else(String::new, |end| format!(", until {end}"));
    format!("{what}; hand this one-time secret over, with which `bigskies login {name} --setup` chooses one{until}:")
}

async fn list(arguments: ListArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let ListArgs { search, role, group, organisation, disabled } = arguments;
    let mut wanted = ListUsers { search, enabled: disabled.then_some(false), ..ListUsers::default() };
    if let Some(role) = role {
        wanted.role_id = Some(named::role(client, &role).await?.id);
    }
    if let Some(group) = group {
        wanted.group_id = Some(named::group(client, &group).await?.id);
    }
    if let Some(organisation) = organisation {
        wanted.organisation_id = Some(named::organisation(client, &organisation).await?.id);
    }
    let users = named::users(client, &wanted).await?;
    out.show(&json!({ "users": users }), |paint| rows(paint, &users))
}

async fn update(arguments: UpdateArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let UpdateArgs { user, email, organisation, leave_organisation } = arguments;
    let organisation = named::organisation_of(client, organisation.as_deref()).await?;
    let update = UpdateUser {
        user_id: named::user(client, &user).await?.user.id,
        username: None,
        email,
        enabled: None,
        organisation_id: organisation.map(|organisation| organisation.id),
        leave_organisation,
    };
    let reply = client.ask(&update).await?;
    out.show(&reply, |paint| details(paint, &reply))
}

/// Accounts, one a row.
pub(crate) fn rows(paint: Paint, users: &[Account]) -> String {
    if users.is_empty() {
        return "there is no such account".to_owned();
    }
    let rows = users.iter().map(|user| {
        vec![
            user.username.to_string().into(),
            state(user),
            second_factor(user).into(),
            user.email.as_deref().map_or_else(|| "-".to_owned(), harmless).into(),
            user.id.to_string().into(),
        ]
    });
    table(paint, &["account", "state", "second factor", "email", "id"], rows)
}

fn state(user: &Account) -> Shown {
    if user.enabled { Shown::good("enabled") } else { Shown::doubtful("disabled") }
}

fn details(paint: Paint, found: &OneUser) -> String {
    let OneUser { user, roles, groups, locked_until } = found;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let state = match locked_until {
        Some(end) => Shown::bad(format!("locked until {end}")),
        None => state(user),
    };
    pairs(
        paint,
        &[
            ("account", user.username.to_string()),
            ("id", user.id.to_string()),
            ("state", state.painted(paint)),
            ("email", or_none(user.email.as_deref().map(harmless))),
            ("organisation", or_none(user.organisation_id.as_ref().map(ToString::to_string))),
            ("second factor", second_factor(user)),
            ("roles", listed(roles)),
            ("groups", listed(groups)),
            ("made", user.created_at.to_string()),
            ("changed", user.updated_at.to_string()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &[Account::example(), Account { enabled: false, email: None, ..Account::example() }]),
            "ACCOUNT  STATE     SECOND FACTOR  EMAIL            ID\n\
             ann      enabled   no             ann@example.org  0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21\n\
             ann      disabled  no             -                0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21"
        );
        assert_eq!(rows(Paint::Plain, &[]), "there is no such account");
        let locked = OneUser { locked_until: Some("2026-11-21T20:30:00Z".parse().unwrap()), ..OneUser::example() };
        let shown = details(Paint::Plain, &locked);
        for line in ["state          locked until 2026-11-21T20:30:00Z", "roles          operator"] {
            assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
        }
    }

    #[test]
    fn secrets_are_handed_over() {
        let sentence = handed_over("account ann is made", &"ann".parse().unwrap(), None);
        assert!(sentence.contains("bigskies login ann --setup"), "{sentence}");
    }
}
