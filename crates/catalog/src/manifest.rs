//! Which topics the manifest of a plugin may name: what anybody with the rights may send and read, and all that is not the platform's.

use std::collections::BTreeSet;

use vocabulary::{Fault, Permission, ids::PluginId};

use crate::{
    Entry, Owner, Party,
    access::readable,
    kinds::Needs,
    topic::{self, covers, overlap},
};

/// How many topics, and how many filters, a manifest may name.
const COUNT_MAX: usize = 100;

/// Whether a manifest may name these topics to publish on and these filters to read. Beside its own topics those are, to publish on, the
/// topics of commands and notices and, to read, filters over events, states and health; and of both whatever is outside of the platform.
///
/// # Errors
/// `invalid`, naming the first that it may not.
pub fn plugin_may_ask_for(plugin: &PluginId, publishes: &[String], reads: &[String]) -> Result<(), Fault> {
    for (count, what) in [(publishes.len(), "topics to publish on"), (reads.len(), "filters to read")] {
        if count > COUNT_MAX {
            return Err(Fault::invalid(format!("manifest of plugin {plugin} names {count} {what}"))
                .hint(format!("name at most {COUNT_MAX}; a filter may have wildcards")));
        }
    }
    let account = Party::Plugin(plugin.clone()).account().map_err(|_| {
        Fault::invalid(format!("plugin {plugin} can't have an account: its id is too long"))
            .hint("use an id of at most 57 characters")
    })?;
    let entries = crate::all();
    let own = [topic::plugin(plugin), topic::clients_of(&account)];
    publishes.iter().try_for_each(|topic| may_publish(topic, &own, &entries))?;
    let [said, told] = own;
    let own = [said, told, topic::plugin_token(plugin)];
    reads.iter().try_for_each(|filter| may_read(filter, &own, &entries))
}

/// The rights that reading these filters needs, as an account that has them by its roles would need them.
pub fn plugin_reads_need(reads: &[String]) -> BTreeSet<Permission> {
    let entries = crate::all();
    let is_read = |entry: &&Entry| {
        readable(entry).is_some_and(|published| reads.iter().any(|filter| overlap(&published, filter)))
    };
    let right = |entry: &Entry| match entry.needs {
        Needs::Right(permission) => Some(permission),
        Needs::Nobody | Needs::Anybody | Needs::Node | Needs::Addressee => None,
    };
    entries.iter().filter(is_read).filter_map(right).collect()
}

fn may_publish(wanted: &str, own: &[String], entries: &[Entry]) -> Result<(), Fault> {
    let shown = shown(wanted);
    if !topic::is_publishable(wanted) {
        return Err(Fault::invalid(format!("topic {shown} is none to publish on"))
            .hint("name it in at most 200 bytes, without + # and control characters, and without $ in front"));
    }
    let for_others = || entries.iter().filter(|entry| entry.needs != Needs::Node);
    let is_inbound = || for_others().flat_map(Entry::inbound_topics).any(|topic| topic == wanted);
    if !is_ours(wanted) || own.iter().any(|own| topic::matches(own, wanted)) || is_inbound() {
        return Ok(());
    }
    Err(Fault::invalid(format!("topic {shown} is not for plugins to publish on"))
        .hint("name the topic of a command or notice of the catalogue, or one outside of bigskies/"))
}

fn may_read(wanted: &str, own: &[String], entries: &[Entry]) -> Result<(), Fault> {
    let shown = shown(wanted);
    if !topic::is_filter(wanted) {
        return Err(Fault::invalid(format!("filter {shown} is none")).hint(
            "name it in at most 200 bytes, with + and # for whole levels, without control characters, and without $ in front",
        ));
    }
    if !overlap(topic::EVERYTHING, wanted) || own.iter().any(|own| covers(own, wanted)) {
        return Ok(());
    }
    // What others send may carry their tokens.
    if let Some(sent) = entries.iter().flat_map(Entry::inbound_topics).find(|sent| overlap(sent, wanted)) {
        return Err(Fault::invalid(format!("filter {shown} reads what others send on {sent}"))
            .hint("name the events, states and health that the plugin needs one by one"));
    }
    let is_for_all = |entry: &&Entry| entry.needs != Needs::Addressee && entry.topic() != topic::CREDENTIALS;
    let published = entries.iter().filter(is_for_all).filter_map(readable);
    let of_owners = Owner::ALL.into_iter().flat_map(|owner| [topic::events_of(owner), topic::states_of(owner)]);
    let wide = [topic::EVERY_EVENT, topic::EVERY_STATE, topic::EVERY_HEALTH].map(str::to_owned);
    if published.chain(of_owners).chain(wide).any(|readable| covers(&readable, wanted)) {
        return Ok(());
    }
    Err(Fault::invalid(format!("filter {shown} is not for plugins to read"))
        .hint("name filters over events, states and health of the catalogue, or outside of bigskies/"))
}

/// Whether it is the platform's.
fn is_ours(wanted: &str) -> bool {
    wanted.split('/').next() == Some(topic::ROOT)
}

/// A text of somebody else's as errors show it.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(120).collect();
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(publishes: &[&str], reads: &[&str]) -> Result<(), String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let plugin = "weather".parse().unwrap();
        plugin_may_ask_for(&plugin, &owned(publishes), &owned(reads)).map_err(|fault| {
            assert_eq!(fault.code, vocabulary::Code::Invalid);
            assert!(!fault.hint.is_empty());
            fault.message
        })
    }

    #[test]
    fn topics_to_publish_on() {
        let (none, not_its) = (Some("is none to publish on"), Some("is not for plugins to publish on"));
        let long = format!("sky/{}", "x".repeat(200));
        for (topic, refusal) in [
            ("bigskies/coordinator/telescope/control/slew", None),
            ("bigskies/coordinator/service/event/register", None),
            ("bigskies/coordinator/uielement/event/register", not_its),
            ("bigskies/coordinator/bootstrap/request", not_its),
            ("bigskies/plugin/weather/data/wind", None),
            ("sky/clouds", None),
            ("/bigskies/x", None),
            ("bigskies", not_its),
            ("bigskies/coordinator/telescope/control/slwe", not_its),
            ("bigskies/coordinator/telescope/event/slew-ended", not_its),
            ("bigskies/coordinator/telescope/state/position/x", not_its),
            ("bigskies/coordinator/telescope/response/control/slew/response", not_its),
            ("bigskies/coordinator/health/telescope-coordinator", not_its),
            ("bigskies/coordinator/bootstrap/credentials", not_its),
            ("bigskies/coordinator/security/plugin/weather/token", not_its),
            ("bigskies/plugin/other/control/stop", not_its),
            ("bigskies/client/ann/c/reply/1", not_its),
            ("bigskies/anything", not_its),
            ("", none),
            ("sky/#", none),
            ("sky/+", none),
            ("bigskies/coordinator/telescope/control/+", none),
            ("$SYS/broker", none),
            ("sky\0", none),
            (&long as &str, none),
        ] {
            let outcome = ask(&[topic], &[]);
            match refusal {
                None => assert_eq!(outcome, Ok(()), "{topic}"),
                Some(refusal) => assert!(outcome.as_ref().is_err_and(|e| e.ends_with(refusal)), "{topic}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn filters_to_read() {
        let (none, not_its, sent) = ("is none", "is not for plugins to read", "reads what others send on");
        for (filter, refusal) in [
            ("bigskies/coordinator/telescope/event/#", None),
            ("bigskies/coordinator/telescope/event/slew-ended", None),
            ("bigskies/coordinator/telescope/state/position/+", None),
            ("bigskies/coordinator/telescope/state/position/north", None),
            ("bigskies/coordinator/+/state/#", None),
            ("bigskies/coordinator/health/+", None),
            ("bigskies/coordinator/health/telescope-coordinator", None),
            ("bigskies/coordinator/security/event/user-created", None),
            ("bigskies/plugin/weather/control/#", None),
            ("bigskies/client/plugin.weather/#", None),
            ("bigskies/coordinator/security/plugin/weather/token", None),
            ("sky/#", None),
            ("home/+/temperature", None),
            ("bigskies/coordinator/+/event/#", Some(sent)),
            ("bigskies/coordinator/service/event/#", Some(sent)),
            ("bigskies/coordinator/telescope/control/slew", Some(sent)),
            ("bigskies/coordinator/telescope/#", Some(sent)),
            ("bigskies/coordinator/security/auth/login", Some(sent)),
            ("bigskies/#", Some(sent)),
            ("#", Some(sent)),
            ("+/#", Some(sent)),
            ("+/coordinator/telescope/event/slew-ended", Some(not_its)),
            ("bigskies", Some(not_its)),
            ("bigskies/coordinator/bootstrap/credentials", Some(not_its)),
            ("bigskies/coordinator/security/plugin/other/token", Some(not_its)),
            ("bigskies/coordinator/security/plugin/+/token", Some(not_its)),
            ("bigskies/coordinator/telescope/response/#", Some(not_its)),
            ("bigskies/client/ann/#", Some(not_its)),
            ("bigskies/client/+/c/reply/#", Some(not_its)),
            ("bigskies/client/#", Some(not_its)),
            ("bigskies/plugin/other/data", Some(not_its)),
            ("bigskies/plugin/#", Some(not_its)),
            ("", Some(none)),
            ("sky/#/x", Some(none)),
            ("$share/group/sky/x", Some(none)),
        ] {
            let outcome = ask(&[], &[filter]);
            match refusal {
                None => assert_eq!(outcome, Ok(()), "{filter}"),
                Some(refusal) => assert!(outcome.as_ref().is_err_and(|e| e.contains(refusal)), "{filter}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn too_much() {
        let many = vec!["sky/x"; COUNT_MAX + 1];
        assert_eq!(ask(&many, &[]).unwrap_err(), "manifest of plugin weather names 101 topics to publish on");
        assert_eq!(ask(&[], &many).unwrap_err(), "manifest of plugin weather names 101 filters to read");
        assert_eq!(ask(&many[1..], &many[1..]), Ok(()));
        let long = "x".repeat(58).parse().unwrap();
        assert!(plugin_may_ask_for(&long, &[], &[]).unwrap_err().message.ends_with("its id is too long"));
    }

    #[test]
    fn what_is_read_needs_what_its_readers_need() {
        let need = |filter: &str| {
            let rights = plugin_reads_need(&[filter.to_owned()]);
            rights.into_iter().map(|right| right.to_string()).collect::<Vec<_>>()
        };
        for (filter, rights) in [
            ("sky/#", vec![]),
            ("bigskies/plugin/weather/#", vec![]),
            ("bigskies/coordinator/telescope/event/slew-ended", vec!["telescope:read"]),
            ("bigskies/coordinator/telescope/event/#", vec!["telescope:read"]),
            ("bigskies/coordinator/security/event/login-failed", vec!["audit:read"]),
        ] {
            assert_eq!(need(filter), rights, "{filter}");
        }
        assert!(need("bigskies/coordinator/+/state/#").len() > 3);
    }

    #[test]
    fn every_filter_that_may_be_read_reads_no_secret() {
        for entry in crate::all().iter().filter(|entry| entry.needs == Needs::Addressee) {
            for key in ["other", "+"] {
                assert!(ask(&[], &[&entry.topic_of(key)]).is_err(), "{}", entry.name);
            }
            assert!(ask(&[&entry.topic_of("weather")], &[]).is_err(), "{}", entry.name);
        }
    }
}
