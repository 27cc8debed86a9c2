//! Plugins: let in with the topics of their manifests, let in no more, and the token that each is sent on a topic that it alone reads.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use vocabulary::{
    Timestamp,
    ids::{AccountName, PluginId, UserId},
};

use super::{Rule, Ruling, example_id, example_user};
use crate::{
    Entry,
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Privacy, Shape},
    secret::Secret,
    topic,
};

const READ: Needs = Needs::right("plugin", "read");
const CONFIGURE: Needs = Needs::right("plugin", "configure");

/// Lets a plugin in: makes the account that it connects with, for exactly these topics and permissions beside those that every plugin
/// has. One that was let in before gets a new password, and these topics and permissions in place of the old ones; its tokens are void.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmitPlugin {
    /// Its id, at most 57 characters.
    pub plugin_id: PluginId,
    /// The topics on which it publishes beside its own: those of commands and notices, or outside of `bigskies/`.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// The filters that it reads beside its own: over events, states and health, or outside of `bigskies/`. The caller must have the
    /// rights that readers of those need.
    #[serde(default)]
    pub reads: Vec<String>,
    /// What it may do: rules, or `resource:action` for what is allowed everywhere. Nothing that the caller may not.
    #[serde(default, deserialize_with = "rules")]
    #[schemars(with = "Vec<Written>")]
    pub permissions: Vec<Rule>,
}

impl Shape for AdmitPlugin {
    fn example() -> Self {
        let AdmittedPlugin { plugin_id, publishes, reads, permissions, .. } = AdmittedPlugin::example();
        Self { plugin_id, publishes, reads, permissions }
    }
}

impl Command for AdmitPlugin {
    const NAME: &'static str = "security/plugin/admit";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = PluginAdmitted;

    fn scope(&self) -> Option<String> {
        Some(self.plugin_id.to_string())
    }
}

/// How a permission may be written: for the documents.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its schema alone is used")]
enum Written {
    /// `resource:action`: it is allowed, everywhere.
    Right(String),
    /// A rule.
    Rule(WrittenRule),
}

/// A rule as it may be written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    /// The kind of thing; `*` for every kind.
    resource: String,
    /// What is done to it; `*` for everything.
    action: String,
    /// Whether it may be done.
    #[serde(default)]
    effect: Ruling,
    /// The one thing or organisation that it is about, for example `telescope:north`; all where nothing is said.
    scope: Option<String>,
}

fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    Vec::<Value>::deserialize(deserializer)?
        .into_iter()
        .map(|written| rule(written).map_err(D::Error::custom))
        .collect()
}

/// Reads one by its form, since serde would only say that it is none of them.
fn rule(written: Value) -> Result<Rule, String> {
    if let Value::String(right) = &written {
        let (resource, action) = right.split_once(':').ok_or("a permission has no colon: write resource:action")?;
        let (resource, action) = (resource.to_owned(), action.to_owned());
        return Ok(Rule { resource, action, effect: Ruling::Allow, scope: None });
    }
    if !written.is_object() {
        return Err("a permission is neither resource:action nor a rule".to_owned());
    }
    let written: WrittenRule = serde_json::from_value(written).map_err(|e| format!("a permission is no rule: {e}"))?;
    let WrittenRule { resource, action, effect, scope } = written;
    Ok(Rule { resource, action, effect, scope })
}

/// The plugin was let in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PluginAdmitted {
    /// What it connects as.
    pub account: AccountName,
    /// The id of that account.
    pub user_id: UserId,
    /// What it connects with. It is not shown again.
    pub password: Secret,
}

impl Shape for PluginAdmitted {
    fn example() -> Self {
        let AdmittedPlugin { account, user_id, .. } = AdmittedPlugin::example();
        Self { account, user_id, password: Secret::new("b25lIG9mIDJeMjU2IG1hbnkgcGFzc3dvcmRzIHRoZXJlIGFyZQ") }
    }
}

/// Lets a plugin in no more. Its account can't be used, its tokens are void, and its topics and permissions are forgotten.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissPlugin {
    /// Which one.
    pub plugin_id: PluginId,
}

impl Shape for DismissPlugin {
    fn example() -> Self {
        Self { plugin_id: AdmittedPlugin::example().plugin_id }
    }
}

impl Command for DismissPlugin {
    const NAME: &'static str = "security/plugin/dismiss";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.plugin_id.to_string())
    }
}

/// Asks which plugins are let in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAdmittedPlugins {
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListAdmittedPlugins {
    fn example() -> Self {
        Self { limit: Some(10), ..Self::default() }
    }
}

impl Command for ListAdmittedPlugins {
    const NAME: &'static str = "security/plugin/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = AdmittedPlugins;
}

/// A plugin that is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdmittedPlugin {
    /// Its id.
    pub plugin_id: PluginId,
    /// What it connects as.
    pub account: AccountName,
    /// The id of that account.
    pub user_id: UserId,
    /// Whether that account may be used.
    pub enabled: bool,
    /// The topics on which it publishes beside its own.
    pub publishes: Vec<String>,
    /// The filters that it reads beside its own.
    pub reads: Vec<String>,
    /// What it may do beside what every plugin may.
    pub permissions: Vec<Rule>,
    /// When it was let in.
    pub admitted_at: Timestamp,
    /// When that was last done again.
    pub updated_at: Timestamp,
}

impl Shape for AdmittedPlugin {
    fn example() -> Self {
        Self {
            plugin_id: example_id("all-sky-camera"),
            account: example_id("plugin.all-sky-camera"),
            user_id: example_user(),
            enabled: true,
            publishes: vec![topic::inbound("telescope/control/park")],
            reads: vec![topic::events_of(crate::Owner::Telescope)],
            permissions: vec![Rule::example()],
            admitted_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// A page of plugins.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AdmittedPlugins {
    /// By id.
    pub plugins: Vec<AdmittedPlugin>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for AdmittedPlugins {
    fn example() -> Self {
        Self { plugins: vec![AdmittedPlugin::example()], next: None }
    }
}

/// The token of a plugin, as the spec's bare object. Sent to that plugin alone on its first heartbeat and before the last one ends; never
/// retained.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PluginToken {
    /// Whose it is.
    pub plugin_id: PluginId,
    /// The token, to bring with protected requests.
    pub token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl PluginToken {
    const NAME: &'static str = "security/plugin/token";

    pub(super) const ENTRY: Entry = Entry::addressed::<Self>(Self::NAME, "the plugin's id");

    /// The topic on which `plugin` is sent its token.
    pub fn topic(plugin: &PluginId) -> String {
        topic::addressed(Self::NAME, plugin.as_str())
    }
}

impl Shape for PluginToken {
    fn example() -> Self {
        Self {
            plugin_id: example_id("all-sky-camera"),
            token: Secret::new("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
            expires_at: example_time(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn permissions_are_written_in_two_ways() {
        let allowed = Rule { resource: "dome".to_owned(), action: "*".to_owned(), effect: Ruling::Allow, scope: None };
        let denied = Rule { effect: Ruling::Deny, scope: Some("dome:d1".to_owned()), ..allowed.clone() };
        for (written, expected) in [
            (json!([]), Ok(vec![])),
            (json!(["dome:*"]), Ok(vec![allowed.clone()])),
            (json!([{"resource": "dome", "action": "*"}]), Ok(vec![allowed.clone()])),
            (
                json!(["dome:*", {"resource": "dome", "action": "*", "effect": "deny", "scope": "dome:d1"}]),
                Ok(vec![allowed, denied]),
            ),
            (json!(["dome"]), Err("a permission has no colon: write resource:action")),
            (json!([7]), Err("a permission is neither resource:action nor a rule")),
            (json!([["dome", "read"]]), Err("a permission is neither resource:action nor a rule")),
            (json!([{"resource": "dome"}]), Err("a permission is no rule: missing field `action`")),
            (json!([{"resource": "dome", "action": "*", "x": 1}]), Err("a permission is no rule: unknown field `x`")),
            (json!("dome:*"), Err("invalid type: string")),
        ] {
            let request = json!({"plugin_id": "weather", "permissions": written});
            let read = serde_json::from_value::<AdmitPlugin>(request).map(|admit| admit.permissions);
            match (read, expected) {
                (Ok(rules), Ok(expected)) => assert_eq!(rules, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (read, _) => panic!("{written}: {read:?}"),
            }
        }
        assert!(
            serde_json::from_value::<AdmitPlugin>(json!({"plugin_id": "weather", "role": "administrator"})).is_err()
        );
    }
}
