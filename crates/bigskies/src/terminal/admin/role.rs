//! `bigskies admin role`: roles, and who has them.

use catalog::security::{
    AssignRole, CreateRole, DeleteRole, ListPermissions, ListUsers, RemoveRole, Role as Entry, UpdateRole,
};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::terminal::{
    admin::{named, permission, user},
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{pairs, table},
};

/// What to do with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Make a role, without permissions.
    #[command(after_help = "Example:\n  bigskies admin role create photographer --description \"Takes images.\"")]
    Create {
        /// What it is to be called.
        name: String,
        /// What it is for.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
    },
    /// Change the name or the description of a role.
    #[command(after_help = "Example:\n  bigskies admin role update photographer --name imager")]
    Update {
        /// The role, by its name or id.
        role: String,
        /// What it is to be called.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete a role; who had it loses what it allowed.
    #[command(after_help = "Example:\n  bigskies admin role delete photographer")]
    Delete {
        /// The role, by its name or id.
        role: String,
    },
    /// Show roles.
    #[command(after_help = "Example:\n  bigskies admin role list --user ann")]
    List {
        /// Only those of this account, by its name or id.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Show one role, with what it allows and who has it.
    #[command(after_help = "Example:\n  bigskies admin role show operator")]
    Show {
        /// The role, by its name or id.
        role: String,
    },
    /// Give a role to an account.
    #[command(after_help = "Example:\n  bigskies admin role assign operator ann")]
    Assign(Pair),
    /// Take a role from an account. Its tokens end with it.
    #[command(after_help = "Example:\n  bigskies admin role remove operator ann")]
    Remove(Pair),
}

/// A role and an account.
#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The role, by its name or id.
    role: String,
    /// The account, by its name or id.
    user: String,
}

/// Does it.
pub(crate) async fn run(role: Role, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match role {
        Role::Create { name, description } => {
            let reply = client.ask(&CreateRole { name, description }).await?;
            out.show(&reply, |_| {
                let name = &reply.role.name;
                format!("role {name} is made; `bigskies admin permission grant --role {name}` gives it permissions")
            })
        }
        Role::Update { role, name, description } => {
            let role_id = named::role(client, &role).await?.id;
            let reply = client.ask(&UpdateRole { role_id, name, description }).await?;
            out.show(&reply, |paint| rows(paint, std::slice::from_ref(&reply.role)))
        }
        Role::Delete { role } => {
            let Entry { id: role_id, name, .. } = named::role(client, &role).await?;
            let reply = client.ask(&DeleteRole { role_id }).await?;
            out.show(&reply, |_| format!("role {name} is deleted"))
        }
        Role::List { user } => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let roles = named::roles(client, user_id).await?;
            out.show(&json!({ "roles": roles }), |paint| rows(paint, &roles))
        }
        Role::Show { role } => show(&role, client, out).await,
        Role::Assign(Pair { role, user }) => {
            let Entry { id, name, .. } = named::role(client, &role).await?;
            let account = named::user(client, &user).await?.user;
            let reply = client.ask(&AssignRole { user_id: account.id, role_id: Some(id), role: None }).await?;
            out.show(&reply, |_| format!("{} has the role {name}", account.username))
        }
        Role::Remove(Pair { role, user }) => {
            let Entry { id, name, .. } = named::role(client, &role).await?;
            let account = named::user(client, &user).await?.user;
            let reply = client.ask(&RemoveRole { user_id: account.id, role_id: Some(id), role: None }).await?;
            out.show(&reply, |_| format!("{} has the role {name} no more", account.username))
        }
    }
}

async fn show(role: &str, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let role = named::role(client, role).await?;
    let of_role = ListPermissions { role_id: Some(role.id.clone()), ..ListPermissions::default() };
    let permissions = permission::all(client, &of_role).await?;
    let with_role = ListUsers { role_id: Some(role.id.clone()), ..ListUsers::default() };
    let users = named::users(client, &with_role).await?;
    let object = json!({ "role": role, "permissions": permissions, "users": users });
    out.show(&object, |paint| {
        let head = pairs(
            paint,
            &[("role", harmless(&role.name)), ("id", role.id.to_string()), ("is", harmless(&role.description))],
        );
        [head, permission::rules(paint, &permissions), user::rows(paint, &users)].join("\n\n")
    })
}

fn rows(paint: Paint, roles: &[Entry]) -> String {
    if roles.is_empty() {
        return "there is no such role".to_owned();
    }
    let rows = roles.iter().map(|role| {
        let origin = if role.builtin { "built in" } else { "made here" };
        vec![harmless(&role.name).into(), origin.into(), harmless(&role.description).into(), role.id.to_string().into()]
    });
    table(paint, &["role", "origin", "is", "id"], rows)
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &[Entry::example()]),
            "ROLE      ORIGIN    IS         ID\noperator  built in  Observes.  operator"
        );
        assert_eq!(rows(Paint::Plain, &[]), "there is no such role");
    }
}
