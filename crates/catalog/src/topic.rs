//! The grammar of topics. Nothing outside this room spells one.

use std::collections::BTreeSet;

use vocabulary::ids::{AccountName, ClientName, PluginId};

use crate::owner::Owner;

/// The root of all topics.
pub const ROOT: &str = "bigskies";
/// Everything on the bus.
pub const EVERYTHING: &str = "bigskies/#";
/// Everything that coordinators receive and publish.
pub const COORDINATORS: &str = "bigskies/coordinator/#";
/// The health of every coordinator.
pub const EVERY_HEALTH: &str = "bigskies/coordinator/health/+";
/// Everything that plugins say and are told.
pub const PLUGINS: &str = "bigskies/plugin/#";
/// What every plugin says of its health.
pub const EVERY_PLUGIN_HEALTH: &str = "bigskies/plugin/+/health";
/// What every plugin says of its status.
pub const EVERY_PLUGIN_STATUS: &str = "bigskies/plugin/+/status";
/// The events of every coordinator.
pub const EVERY_EVENT: &str = "bigskies/coordinator/+/event/#";
/// The states of every coordinator.
pub const EVERY_STATE: &str = "bigskies/coordinator/+/state/#";
/// The shared answers of every coordinator.
pub const EVERY_RESPONSE: &str = "bigskies/coordinator/+/response/#";
/// The answers to every client.
pub const EVERY_REPLY: &str = "bigskies/client/+/+/reply/#";
/// The tokens of every plugin.
pub const EVERY_PLUGIN_TOKEN: &str = "bigskies/coordinator/security/plugin/+/token";
/// Where the bootstrap coordinator hands out the database.
pub const CREDENTIALS: &str = "bigskies/coordinator/bootstrap/credentials";
/// Where Mosquitto's dynamic-security plugin takes commands about accounts and their topics.
pub const DYNAMIC_SECURITY: &str = "$CONTROL/dynamic-security/v1";
/// Where it answers who commanded, and nobody else.
pub const DYNAMIC_SECURITY_RESPONSE: &str = "$CONTROL/dynamic-security/v1/response";

/// Of a command or notice by its name or alias.
pub fn inbound(name: &str) -> String {
    format!("bigskies/coordinator/{name}")
}

/// Of the answer to a command where it brings no reply topic.
pub fn response(name: &str) -> String {
    let (owner, rest) = name.split_once('/').unwrap_or((name, ""));
    format!("bigskies/coordinator/{owner}/response/{rest}/response")
}

/// Of an event by its name (`{owner}/{name}`).
pub fn event(name: &str) -> String {
    let (owner, rest) = name.split_once('/').unwrap_or((name, ""));
    format!("bigskies/coordinator/{owner}/event/{rest}")
}

/// Of a state by its name (`{owner}/{name}`) and key.
pub fn state(name: &str, key: &str) -> String {
    let (owner, rest) = name.split_once('/').unwrap_or((name, ""));
    format!("bigskies/coordinator/{owner}/state/{rest}/{key}")
}

/// All keys of a state.
pub fn states(name: &str) -> String {
    state(name, "+")
}

/// Of what is sent to one reader alone, by its name (`{owner}/{group}/{what}`) and the reader's id: `{owner}/{group}/{id}/{what}`.
pub fn addressed(name: &str, reader: &str) -> String {
    let (group, what) = name.rsplit_once('/').unwrap_or((name, ""));
    format!("bigskies/coordinator/{group}/{reader}/{what}")
}

/// All events of a coordinator.
pub fn events_of(owner: Owner) -> String {
    format!("bigskies/coordinator/{}/event/#", owner.word())
}

/// All states of a coordinator.
pub fn states_of(owner: Owner) -> String {
    format!("bigskies/coordinator/{}/state/#", owner.word())
}

/// All shared answers of a coordinator.
pub fn responses_of(owner: Owner) -> String {
    format!("bigskies/coordinator/{}/response/#", owner.word())
}

/// All that a plugin says and is told.
pub fn plugin(id: &PluginId) -> String {
    format!("bigskies/plugin/{id}/#")
}

/// The plugin that a topic of plugins belongs to; nothing if it is not one.
pub fn plugin_of(topic: &str) -> Option<PluginId> {
    topic.strip_prefix("bigskies/plugin/")?.split_once('/')?.0.parse().ok()
}

/// Where a plugin is sent its token.
pub fn plugin_token(id: &PluginId) -> String {
    format!("bigskies/coordinator/security/plugin/{id}/token")
}

/// Of the health of a coordinator.
pub fn health(owner: Owner) -> String {
    format!("bigskies/coordinator/health/{}-coordinator", owner.name())
}

/// Of the answer to one question of one client.
pub fn reply(account: &AccountName, client: &ClientName, id: &str) -> String {
    format!("bigskies/client/{account}/{client}/reply/{id}")
}

/// Everything that is for one account's clients alone.
pub fn clients_of(account: &AccountName) -> String {
    format!("bigskies/client/{account}/#")
}

/// All answers to one client.
pub fn replies(account: &AccountName, client: &ClientName) -> String {
    format!("bigskies/client/{account}/{client}/reply/#")
}

/// Every shared subscription (MQTT 5, section 4.8.2) to a filter, whatever its group is called.
pub fn shared(filter: &str) -> String {
    format!("$share/+/{filter}")
}

/// The account that a reply topic belongs to; nothing if it is not one.
pub fn account_of_reply(topic: &str) -> Option<&str> {
    let rest = topic.strip_prefix("bigskies/client/")?;
    let mut levels = rest.split('/');
    let (account, client, word) = (levels.next()?, levels.next()?, levels.next()?);
    let is_reply = !account.is_empty() && !client.is_empty() && word == "reply" && is_publishable(topic);
    is_reply.then_some(account)
}

/// Whether a message may be published on this topic at all: short, without wildcards and control characters, at most 32 levels.
pub fn is_publishable(topic: &str) -> bool {
    !topic.is_empty()
        && topic.len() <= 200
        && topic.split('/').count() <= 32
        && !topic.chars().any(|c| c == '+' || c == '#' || c.is_control())
        && !topic.starts_with('$')
}

/// Whether this is a filter (MQTT 5, section 4.7) that is as short as a topic must be, without control characters, and none of a broker's
/// own: `$SYS`, shared subscriptions.
pub fn is_filter(text: &str) -> bool {
    let is_last = |place: usize| text.split('/').count() == place + 1;
    let is_good = |(place, level): (usize, &str)| match level {
        "+" => true,
        "#" => is_last(place),
        _ => !level.contains(['+', '#']),
    };
    !text.is_empty()
        && text.len() <= 200
        && text.split('/').count() <= 32
        && !text.chars().any(char::is_control)
        && !text.starts_with('$')
        && text.split('/').enumerate().all(is_good)
}

/// Whether `filter` (MQTT 5, section 4.7) lets `topic` through.
pub fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (_, Some(level)) if level == wanted => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether `wide` lets through whatever `narrow` does: subscribed to both, a client is sent the same message twice.
pub fn covers(wide: &str, narrow: &str) -> bool {
    let mut levels = narrow.split('/');
    for wanted in wide.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(level)) if level != "#" => {}
            (_, Some(level)) if level == wanted => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether there is a topic that both filters let through.
pub fn overlap(one: &str, other: &str) -> bool {
    let (mut these, mut those) = (one.split('/'), other.split('/'));
    loop {
        match (these.next(), those.next()) {
            // A filter that ends in `#` lets its parent through too (MQTT 5, section 4.7.1.2).
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
            (Some(this), Some(that)) if this == that => {}
            _ => return false,
        }
    }
}

/// The fewest of these topics and filters that let the same through, in order.
pub fn fewest<'a>(filters: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let all: BTreeSet<&str> = filters.into_iter().collect();
    let wide: Vec<&str> = all.iter().copied().filter(|filter| filter.contains(['+', '#'])).collect();
    let is_covered = |narrow: &str| wide.iter().any(|wide| *wide != narrow && covers(wide, narrow));
    all.iter().copied().filter(|filter| !is_covered(filter)).collect()
}

/// The group a topic is counted under in figures of message flow: its first levels, ids cut off.
pub fn flow_prefix(topic: &str) -> String {
    let levels: Vec<&str> = topic.split('/').collect();
    let kept = match levels.as_slice() {
        ["bigskies", "client", ..] => 2,
        ["bigskies", "plugin", _, word, ..] => return format!("bigskies/plugin/+/{word}"),
        ["bigskies", "coordinator", ..] => 4,
        _ => 1,
    };
    levels.iter().take(kept).copied().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses() {
        for (name, topic) in [
            ("security/auth/login", "bigskies/coordinator/security/response/auth/login/response"),
            ("telescope/config/list", "bigskies/coordinator/telescope/response/config/list/response"),
            ("datastore/ping", "bigskies/coordinator/datastore/response/ping/response"),
        ] {
            assert_eq!(response(name), topic);
        }
    }

    #[test]
    fn filters_are_well_formed() {
        let long = "a".repeat(201);
        for (text, wanted) in [
            ("a/b", true),
            ("#", true),
            ("+/+/#", true),
            ("a/#", true),
            ("a//b", true),
            ("/a", true),
            ("", false),
            ("a/#/b", false),
            ("a#", false),
            ("a/b+", false),
            ("$SYS/#", false),
            ("$share/g/a", false),
            ("a\0", false),
            ("a\n", false),
            (&long as &str, false),
            (&"a/".repeat(32) as &str, false),
        ] {
            assert_eq!(is_filter(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn filters_overlap() {
        for (one, other, wanted) in [
            ("a/b", "a/b", true),
            ("a/b", "a/c", false),
            ("a/+", "a/c", true),
            ("a/+", "+/c", true),
            ("a/+/c", "a/b/+", true),
            ("a/+/c", "a/b/d", false),
            ("a/#", "a", true),
            ("a/#", "b/#", false),
            ("#", "b/c", true),
            ("a/+", "a/b/c", false),
            ("a/+/#", "a/b/c/d", true),
        ] {
            assert_eq!(overlap(one, other), wanted, "{one} {other}");
            assert_eq!(overlap(other, one), wanted, "{other} {one}");
        }
    }

    #[test]
    fn reply_topics_have_an_owner() {
        for (topic, account) in [
            ("bigskies/client/ann/c1/reply/7", Some("ann")),
            ("bigskies/client/ann/c1/reply", Some("ann")),
            ("bigskies/client/ann/c1/other/7", None),
            ("bigskies/client/ann/+/reply/7", None),
            ("bigskies/client//c1/reply/7", None),
            ("bigskies/coordinator/telescope/control/slew", None),
            ("my/reply", None),
        ] {
            assert_eq!(account_of_reply(topic), account, "{topic}");
        }
    }

    #[test]
    fn wide_filters_cover_narrow_ones() {
        for (wide, narrow, covered) in [
            ("bigskies/#", EVERY_HEALTH, true),
            (EVERY_HEALTH, EVERY_HEALTH, true),
            (EVERY_HEALTH, "bigskies/coordinator/health/telescope-coordinator", true),
            ("bigskies/coordinator/+/#", "bigskies/coordinator/+/state/+", true),
            (EVERY_HEALTH, "bigskies/#", false),
            ("a/+", "a/#", false),
            ("a/b", "a/+", false),
            ("a/b", "a/b/c", false),
        ] {
            assert_eq!(covers(wide, narrow), covered, "{wide} {narrow}");
        }
    }

    #[test]
    fn the_fewest_filters() {
        for (filters, wanted) in [
            (vec!["a/b", "a/c", "a/b"], vec!["a/b", "a/c"]),
            (vec!["a/b", "a/+", "b/#", "b", "b/+/c"], vec!["a/+", "b/#"]),
            (vec!["a/#", "#", "+/b"], vec!["#"]),
            (vec!["a/+/c", "a/b/+"], vec!["a/+/c", "a/b/+"]),
        ] {
            assert_eq!(fewest(filters.iter().copied()), wanted, "{filters:?}");
        }
    }

    #[test]
    fn filters() {
        for (filter, topic, fits) in [
            ("a/b", "a/b", true),
            ("a/+", "a/b", true),
            ("a/+", "a/b/c", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("+/b", "a/c", false),
            ("a/b/c", "a/b", false),
        ] {
            assert_eq!(matches(filter, topic), fits, "{filter} {topic}");
        }
    }
}
