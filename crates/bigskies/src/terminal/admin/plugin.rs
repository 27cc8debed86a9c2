//! `bigskies admin plugin`: plugins, let in with the topics of their manifests.

use catalog::{
    Paging, Secret,
    security::{AdmitPlugin, AdmittedPlugin, DismissPlugin, ListAdmittedPlugins, Rule, Ruling},
};
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::ids::PluginId;

use crate::terminal::{
    admin::permission::Right,
    client::Client,
    output::{Ending, Output, Paint, harmless},
    pages,
    table::{Shown, table},
};

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Let a plugin in, or let it in anew with other topics; its password is shown once.
    Admit(AdmitArgs),
    /// Show the plugins that are let in.
    #[command(after_help = "Example:\n  bigskies admin plugin list")]
    List,
    /// Let a plugin in no more.
    #[command(after_help = "Example:\n  bigskies admin plugin dismiss all-sky-camera")]
    Dismiss {
        /// The plugin.
        plugin: PluginId,
    },
}

/// What a plugin may do beside what every plugin may.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin plugin admit all-sky-camera --read 'bigskies/coordinator/telescope/event/#' --permission telescope:read"
)]
pub(crate) struct AdmitArgs {
    /// The plugin.
    plugin: PluginId,
    /// A topic on which it publishes; may be given several times.
    #[arg(long = "publish", value_name = "TOPIC")]
    publishes: Vec<String>,
    /// A filter that it reads; may be given several times.
    #[arg(long = "read", value_name = "FILTER")]
    reads: Vec<String>,
    /// What it may do, as resource:action; may be given several times.
    #[arg(long = "permission", value_name = "RIGHT")]
    permissions: Vec<Right>,
}

/// Does it.
pub(crate) async fn run(plugin: Plugin, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match plugin {
        Plugin::Admit(arguments) => admit(arguments, client, out).await,
        Plugin::List => {
            let plugins = pages::all(
                client,
                |Paging { limit, cursor }| ListAdmittedPlugins { limit, cursor },
                |page| (page.plugins, page.next),
            )
            .await?;
            out.show(&json!({ "plugins": plugins }), |paint| rows(paint, &plugins))
        }
        Plugin::Dismiss { plugin } => {
            let reply = client.ask(&DismissPlugin { plugin_id: plugin.clone() }).await?;
            out.show(&reply, |_| format!("plugin {plugin} is let in no more"))
        }
    }
}

async fn admit(arguments: AdmitArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let AdmitArgs { plugin, publishes, reads, permissions } = arguments;
    let allowed = |right: &Right| {
        let text = right.to_string();
        let (resource, action) = text.split_once(':').unwrap_or((&text, ""));
        Rule { resource: resource.to_owned(), action: action.to_owned(), effect: Ruling::Allow, scope: None }
    };
    let permissions = permissions.iter().map(allowed).collect();
    let reply = client.ask(&AdmitPlugin { plugin_id: plugin.clone(), publishes, reads, permissions }).await?;
    let sentence = format!("plugin {plugin} is let in as {}. Its password is not shown again:", reply.account);
    out.show_secret(&reply, &sentence, Secret::expose(&reply.password))
}

fn rows(paint: Paint, plugins: &[AdmittedPlugin]) -> String {
    if plugins.is_empty() {
        return "no plugin is let in".to_owned();
    }
    let list = |texts: &[String]| if texts.is_empty() { "-".to_owned() } else { harmless(&texts.join(", ")) };
    let rows = plugins.iter().map(|plugin| {
        let state = if plugin.enabled { Shown::good("let in") } else { Shown::bad("disabled") };
        let rights: Vec<String> =
            plugin.permissions.iter().map(|rule| format!("{}:{}", rule.resource, rule.action)).collect();
        vec![
            plugin.plugin_id.to_string().into(),
            state,
            list(&plugin.publishes).into(),
            list(&plugin.reads).into(),
            list(&rights).into(),
        ]
    });
    table(paint, &["plugin", "state", "publishes", "reads", "permissions"], rows)
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(rows(Paint::Plain, &[]), "no plugin is let in");
        let shown = rows(Paint::Plain, &[AdmittedPlugin::example()]);
        assert!(shown.contains("all-sky-camera") && shown.contains("let in"), "{shown}");
    }
}
