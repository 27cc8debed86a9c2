//! `bigskies admin organisation`: organisations.

use catalog::security::{
    CreateOrganisation, DeleteOrganisation, ListGroups, ListUsers, Organisation as Entry, UpdateOrganisation,
};
use clap::Subcommand;
use serde_json::json;

use crate::terminal::{
    admin::{named, user},
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{pairs, table},
    whoami::listed,
};

/// What to do with organisations.
#[derive(Debug, Subcommand)]
pub(crate) enum Organisation {
    /// Make an organisation.
    #[command(after_help = "Example:\n  bigskies admin organisation create \"Hill Observatory\"")]
    Create {
        /// What it is to be called.
        name: String,
        /// What it is.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
    },
    /// Change the name or the description of an organisation.
    #[command(
        after_help = "Example:\n  bigskies admin organisation update \"Hill Observatory\" --name \"Hill and Valley\""
    )]
    Update {
        /// The organisation, by its name or id.
        organisation: String,
        /// What it is to be called.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What it is.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete an organisation that nobody belongs to any more.
    #[command(after_help = "Example:\n  bigskies admin organisation delete \"Hill Observatory\"")]
    Delete {
        /// The organisation, by its name or id.
        organisation: String,
    },
    /// Show organisations.
    #[command(after_help = "Example:\n  bigskies admin organisation list")]
    List,
    /// Show one organisation, with its groups and accounts.
    #[command(after_help = "Example:\n  bigskies admin organisation show \"Hill Observatory\"")]
    Show {
        /// The organisation, by its name or id.
        organisation: String,
    },
}

/// Does it.
pub(crate) async fn run(organisation: Organisation, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match organisation {
        Organisation::Create { name, description } => {
            let reply = client.ask(&CreateOrganisation { name, description }).await?;
            let Entry { name, id, .. } = &reply.organisation;
            out.show(&reply, |_| format!("organisation {} is made; its id is {id}", harmless(name)))
        }
        Organisation::Update { organisation, name, description } => {
            let organisation_id = named::organisation(client, &organisation).await?.id;
            let reply = client.ask(&UpdateOrganisation { organisation_id, name, description }).await?;
            out.show(&reply, |paint| rows(paint, std::slice::from_ref(&reply.organisation)))
        }
        Organisation::Delete { organisation } => {
            let Entry { id: organisation_id, name, .. } = named::organisation(client, &organisation).await?;
            let reply = client.ask(&DeleteOrganisation { organisation_id }).await?;
            out.show(&reply, |_| format!("organisation {} is deleted", harmless(&name)))
        }
        Organisation::List => {
            let organisations = named::organisations(client).await?;
            out.show(&json!({ "organisations": organisations }), |paint| rows(paint, &organisations))
        }
        Organisation::Show { organisation } => show(&organisation, client, out).await,
    }
}

async fn show(organisation: &str, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let organisation = named::organisation(client, organisation).await?;
    let organisation_id = Some(organisation.id.clone());
    let groups = ListGroups { organisation_id: organisation_id.clone(), ..ListGroups::default() };
    let groups = named::groups(client, &groups).await?;
    let users = named::users(client, &ListUsers { organisation_id, ..ListUsers::default() }).await?;
    let object = json!({ "organisation": organisation, "groups": groups, "users": users });
    out.show(&object, |paint| {
        let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        let head = pairs(
            paint,
            &[
                ("organisation", harmless(&organisation.name)),
                ("id", organisation.id.to_string()),
                ("is", harmless(&organisation.description)),
                ("groups", listed(&names)),
            ],
        );
        format!("{head}\n\n{}", user::rows(paint, &users))
    })
}

fn rows(paint: Paint, organisations: &[Entry]) -> String {
    if organisations.is_empty() {
        return "there is no such organisation".to_owned();
    }
    let rows = organisations.iter().map(|organisation| {
        vec![
            harmless(&organisation.name).into(),
            harmless(&organisation.description).into(),
            organisation.id.to_string().into(),
        ]
    });
    table(paint, &["organisation", "is", "id"], rows)
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &[Entry::example()]),
            "ORGANISATION      IS                            ID\n\
             Hill Observatory  The observatory on the hill.  0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a25"
        );
    }
}
