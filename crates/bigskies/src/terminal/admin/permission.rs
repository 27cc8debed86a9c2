//! `bigskies admin permission`: what roles and groups allow and deny, and what comes of it.

use std::str::FromStr;

use catalog::{
    Paging,
    security::{
        CheckPermission, GrantPermission, ListPermissions, Permission as Entry, Rule, Ruling, WithdrawPermission,
    },
};
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::{
    Fault,
    ids::{GroupId, RoleId},
};

use crate::terminal::{
    admin::named,
    client::Client,
    output::{Ending, Output, Paint, harmless},
    pages,
    table::{Shown, table},
    whoami::rule,
};

/// What to do with permissions.
#[derive(Debug, Subcommand)]
pub(crate) enum Permission {
    /// Look whether somebody may do something, and why.
    #[command(
        after_help = "Example:\n  bigskies admin permission check telescope:control --scope telescope:north --user ann"
    )]
    Check {
        /// What is done to what kind of thing, as resource:action.
        right: Right,
        /// The one thing or organisation, for example telescope:north.
        #[arg(long, value_name = "SCOPE")]
        scope: Option<String>,
        /// Who, by name or id; oneself where nothing is said.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Show which permissions are granted.
    List(ListArgs),
    /// Grant a permission to a role or a group. It holds at once.
    #[command(
        after_help = "Example:\n  bigskies admin permission grant telescope:control --group north-dome --scope telescope:north"
    )]
    Grant(Granted),
    /// Take a permission from a role or a group, as it was granted. It is gone at once.
    #[command(
        after_help = "Example:\n  bigskies admin permission withdraw telescope:control --group north-dome --scope telescope:north"
    )]
    Withdraw(Granted),
}

/// What is done to what kind of thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    resource: String,
    action: String,
}

impl FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((resource, action)) if !resource.is_empty() && !action.is_empty() && !action.contains(':') => {
                Ok(Self { resource: resource.to_owned(), action: action.to_owned() })
            }
            _ => Err("resource:action is expected, for example telescope:control, or *:read".to_owned()),
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}

/// Which permissions.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin permission list --user ann")]
pub(crate) struct ListArgs {
    /// Only those of this role, by its name or id.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those of this group, by its name or id.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only those that this account has through its roles and groups, by its name or id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only on this kind of thing.
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
}

/// A permission of a role or a group.
#[derive(Debug, Args)]
pub(crate) struct Granted {
    /// What is done to what kind of thing, as resource:action; * stands for every kind, and for everything that can be done.
    right: Right,
    #[command(flatten)]
    holder: HolderArgs,
    /// The one thing or organisation that it is about, for example telescope:north; all where nothing is said.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// Deny it, whatever else allows it.
    #[arg(long)]
    deny: bool,
}

/// Who has it.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct HolderArgs {
    /// The role, by its name or id.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The group, by its name or id.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

/// A role or a group that was found.
struct Found {
    role_id: Option<RoleId>,
    group_id: Option<GroupId>,
    name: String,
}

impl HolderArgs {
    async fn find(&self, client: &Client) -> Result<Found, Fault> {
        if let Some(role) = &self.role {
            let role = named::role(client, role).await?;
            return Ok(Found { role_id: Some(role.id), group_id: None, name: format!("role {}", role.name) });
        }
        let group = named::group(client, self.group.as_deref().unwrap_or_default()).await?;
        Ok(Found { role_id: None, group_id: Some(group.id), name: format!("group {}", group.name) })
    }
}

impl Granted {
    fn effect(&self) -> Ruling {
        if self.deny { Ruling::Deny } else { Ruling::Allow }
    }

    fn words(&self) -> String {
        let scope = self.scope.as_deref().map_or_else(String::new, |scope| format!(" on {scope}"));
        let verb = if self.deny { "denial" } else { "permission" };
        format!("{verb} of {}{scope}", self.right)
    }
}

/// Does it.
pub(crate) async fn run(permission: Permission, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match permission {
        Permission::Check { right, scope, user } => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let Right { resource, action } = right;
            let decision = client.ask(&CheckPermission { user_id, resource, action, scope }).await?;
            out.show(&decision, |paint| {
                let word = if decision.allowed { Shown::good("allowed") } else { Shown::bad("not allowed") };
                format!("{}: {}", word.painted(paint), harmless(&decision.reason))
            })
        }
        Permission::List(arguments) => list(arguments, client, out).await,
        Permission::Grant(granted) => {
            let Found { role_id, group_id, name } = granted.holder.find(client).await?;
            let (effect, words) = (granted.effect(), granted.words());
            let Granted { right: Right { resource, action }, scope, .. } = granted;
            let grant = GrantPermission { role_id, group_id, resource, action, effect, scope };
            let reply = client.ask(&grant).await?;
            out.show(&reply, |_| format!("{name} has the {words}"))
        }
        Permission::Withdraw(granted) => {
            let Found { role_id, group_id, name } = granted.holder.find(client).await?;
            let (effect, words) = (granted.effect(), granted.words());
            let Granted { right: Right { resource, action }, scope, .. } = granted;
            let withdraw = WithdrawPermission { role_id, group_id, resource, action, effect, scope };
            let reply = client.ask(&withdraw).await?;
            out.show(&reply, |_| format!("{name} has the {words} no more"))
        }
    }
}

async fn list(arguments: ListArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let ListArgs { role, group, user, resource } = arguments;
    let mut wanted = ListPermissions { resource, ..ListPermissions::default() };
    if let Some(role) = role {
        wanted.role_id = Some(named::role(client, &role).await?.id);
    }
    if let Some(group) = group {
        wanted.group_id = Some(named::group(client, &group).await?.id);
    }
    wanted.user_id = named::user_id(client, user.as_deref()).await?;
    let permissions = all(client, &wanted).await?;
    out.show(&json!({ "permissions": permissions }), |paint| rows(paint, &permissions))
}

/// All permissions that fit.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn all(client: &Client, wanted: &ListPermissions) -> Result<Vec<Entry>, Fault> {
    let question = |Paging { limit, cursor }| ListPermissions { limit, cursor, ..wanted.clone() };
    pages::all(client, question, |page| (page.permissions, page.next)).await
}

fn rows(paint: Paint, permissions: &[Entry]) -> String {
    if permissions.is_empty() {
        return "no permission is granted".to_owned();
    }
    let rows = permissions.iter().map(|permission| {
        let Entry { role_id, group_id, granted_at, .. } = permission;
        let holder = match (role_id, group_id) {
            (Some(role), _) => format!("role {role}"),
            (None, Some(group)) => format!("group {group}"),
            (None, None) => "-".to_owned(),
        };
        let more: [Shown; 2] = [holder.into(), granted_at.to_string().into()];
        rule(&permission.rule).into_iter().chain(more).collect()
    });
    table(paint, &["right", "scope", "is", "for", "since"], rows)
}

/// What permissions of one role or group say.
pub(crate) fn rules(paint: Paint, permissions: &[Entry]) -> String {
    if permissions.is_empty() {
        return "nothing is allowed".to_owned();
    }
    let rules: Vec<&Rule> = permissions.iter().map(|permission| &permission.rule).collect();
    table(paint, &["right", "scope", "is"], rules.into_iter().map(rule))
}

#[cfg(test)]
mod tests {
    use catalog::{Shape as _, security::Permissions};

    use super::*;

    #[test]
    fn rights() {
        for (text, good) in [
            ("telescope:control", true),
            ("*:*", true),
            ("telescope", false),
            ("telescope:", false),
            (":read", false),
            ("telescope:control:north", false),
        ] {
            let right = text.parse::<Right>();
            assert_eq!(right.as_ref().map(ToString::to_string).ok().as_deref(), good.then_some(text), "{text}");
        }
    }

    #[test]
    fn tables() {
        let page = Permissions::example();
        assert_eq!(
            rows(Paint::Plain, &page.permissions),
            "RIGHT              SCOPE  IS       FOR            SINCE\n\
             telescope:control  all    allowed  role operator  2026-11-21T20:15:00Z"
        );
        assert_eq!(rules(Paint::Plain, &[]), "nothing is allowed");
    }
}
