//! `bigskies admin group`: groups, and who is in them.

use catalog::security::{
    AddMember, CreateGroup, DeleteGroup, Group as Entry, ListGroups, ListPermissions, ListUsers, RemoveMember,
    UpdateGroup,
};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::terminal::{
    admin::{named, permission, user},
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{pairs, table},
};

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Make a group, without members and permissions.
    #[command(
        after_help = "Example:\n  bigskies admin group create north-dome --description \"Observes with the north dome.\""
    )]
    Create {
        /// What it is to be called.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
        /// The organisation that it belongs to, by its name or id.
        #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
        organisation: Option<String>,
    },
    /// Change the name, the description or the organisation of a group.
    Update(UpdateArgs),
    /// Delete a group; its members stay and lose what it allowed.
    #[command(after_help = "Example:\n  bigskies admin group delete north-dome")]
    Delete {
        /// The group, by its name or id.
        group: String,
    },
    /// Show groups.
    #[command(after_help = "Example:\n  bigskies admin group list --user ann")]
    List {
        /// Only those that this account is in, by its name or id.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// Only those of this organisation, by its name or id.
        #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
        organisation: Option<String>,
    },
    /// Show one group, with what it allows and who is in it.
    #[command(after_help = "Example:\n  bigskies admin group show north-dome")]
    Show {
        /// The group, by its name or id.
        group: String,
    },
    /// Put an account into a group.
    #[command(after_help = "Example:\n  bigskies admin group add north-dome ann")]
    Add(Pair),
    /// Take an account out of a group.
    #[command(after_help = "Example:\n  bigskies admin group remove north-dome ann")]
    Remove(Pair),
}

/// What is to change.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin group update north-dome --name north-dome-2027")]
pub(crate) struct UpdateArgs {
    /// The group, by its name or id.
    group: String,
    /// What it is to be called.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The organisation that it is to belong to, by its name or id.
    #[arg(long, value_name = "ORGANISATION", visible_alias = "organization")]
    organisation: Option<String>,
    /// Let it belong to no organisation.
    #[arg(long, conflicts_with = "organisation")]
    leave_organisation: bool,
}

/// A group and an account.
#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The group, by its name or id.
    group: String,
    /// The account, by its name or id.
    user: String,
}

/// Does it.
pub(crate) async fn run(group: Group, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match group {
        Group::Create { name, description, organisation } => {
            let organisation = named::organisation_of(client, organisation.as_deref()).await?;
            let organisation_id = organisation.map(|organisation| organisation.id);
            let reply = client.ask(&CreateGroup { name, description, organisation_id }).await?;
            out.show(&reply, |_| {
                let name = &reply.group.name;
                format!("group {name} is made; `bigskies admin group add {name} USER` puts accounts into it")
            })
        }
        Group::Update(arguments) => update(arguments, client, out).await,
        Group::Delete { group } => {
            let Entry { id: group_id, name, .. } = named::group(client, &group).await?;
            let reply = client.ask(&DeleteGroup { group_id }).await?;
            out.show(&reply, |_| format!("group {name} is deleted"))
        }
        Group::List { user, organisation } => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let organisation = named::organisation_of(client, organisation.as_deref()).await?;
            let organisation_id = organisation.map(|organisation| organisation.id);
            let wanted = ListGroups { user_id, organisation_id, ..ListGroups::default() };
            let groups = named::groups(client, &wanted).await?;
            out.show(&json!({ "groups": groups }), |paint| rows(paint, &groups))
        }
        Group::Show { group } => show(&group, client, out).await,
        Group::Add(Pair { group, user }) => {
            let Entry { id: group_id, name, .. } = named::group(client, &group).await?;
            let account = named::user(client, &user).await?.user;
            let reply = client.ask(&AddMember { group_id, user_id: account.id }).await?;
            out.show(&reply, |_| format!("{} is in the group {name}", account.username))
        }
        Group::Remove(Pair { group, user }) => {
            let Entry { id: group_id, name, .. } = named::group(client, &group).await?;
            let account = named::user(client, &user).await?.user;
            let reply = client.ask(&RemoveMember { group_id, user_id: account.id }).await?;
            out.show(&reply, |_| format!("{} is in the group {name} no more", account.username))
        }
    }
}

async fn update(arguments: UpdateArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let UpdateArgs { group, name, description, organisation, leave_organisation } = arguments;
    let organisation = named::organisation_of(client, organisation.as_deref()).await?;
    let update = UpdateGroup {
        group_id: named::group(client, &group).await?.id,
        name,
        description,
        organisation_id: organisation.map(|organisation| organisation.id),
        leave_organisation,
    };
    let reply = client.ask(&update).await?;
    out.show(&reply, |paint| rows(paint, std::slice::from_ref(&reply.group)))
}

async fn show(group: &str, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let group = named::group(client, group).await?;
    let of_group = ListPermissions { group_id: Some(group.id.clone()), ..ListPermissions::default() };
    let permissions = permission::all(client, &of_group).await?;
    let in_group = ListUsers { group_id: Some(group.id.clone()), ..ListUsers::default() };
    let users = named::users(client, &in_group).await?;
    let object = json!({ "group": group, "permissions": permissions, "users": users });
    out.show(&object, |paint| {
        let head = pairs(
            paint,
            &[("group", harmless(&group.name)), ("id", group.id.to_string()), ("is", harmless(&group.description))],
        );
        [head, permission::rules(paint, &permissions), user::rows(paint, &users)].join("\n\n")
    })
}

fn rows(paint: Paint, groups: &[Entry]) -> String {
    if groups.is_empty() {
        return "there is no such group".to_owned();
    }
    let rows = groups.iter().map(|group| {
        let organisation = group.organisation_id.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        vec![
            harmless(&group.name).into(),
            organisation.into(),
            harmless(&group.description).into(),
            group.id.to_string().into(),
        ]
    });
    table(paint, &["group", "organisation", "is", "id"], rows)
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &[Entry::example()]),
            "GROUP       ORGANISATION  IS                                      ID\n\
             north-dome  -             Those who observe with the north dome.  0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a22"
        );
        assert_eq!(rows(Paint::Plain, &[]), "there is no such group");
    }
}
