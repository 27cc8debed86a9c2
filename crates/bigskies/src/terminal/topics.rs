//! Topics as a person writes them: whole, or by the name of a message without what all topics begin with.

use catalog::{Directory, Entry, Kind, Owner, topic};
use vocabulary::Fault;

use crate::terminal::nearest::nearest;

/// A topic that something can be published on.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The whole topic.
    pub(crate) topic: String,
    /// The message that is meant, if the catalogue has one.
    pub(crate) entry: Option<Entry>,
}

/// What `text` means as the topic of a message to send: a whole topic, or the name of a command or notice, or another spelling of it.
///
/// # Errors
/// `not-found` where it is neither; `invalid` where nothing may be published there.
pub(crate) fn place(directory: &Directory, text: &str) -> Result<Place, Fault> {
    if is_whole(text) {
        if !topic::is_publishable(text) {
            return Err(Fault::invalid(format!("topic {text:?} can't be published on"))
                .hint("name one topic, of at most 200 bytes, without + and #"));
        }
        return Ok(Place { topic: text.to_owned(), entry: directory.find(text).cloned() });
    }
    let found = called(directory, text);
    if let Some(entry) = found.iter().find(|entry| entry.kind.is_inbound()) {
        return Ok(Place { topic: entry.topic(), entry: Some((*entry).clone()) });
    }
    if let Some(entry) = found.first() {
        return Err(Fault::invalid(format!("{text} is {} that coordinators publish", with_article(entry.kind))).hint(
            format!("watch it with `bigskies watch {text}`, or name the whole topic to publish on it all the same"),
        ));
    }
    Err(unknown(directory, text))
}

/// The filters that `text` means: a whole filter, the topics of a message by its name, or all of what begins with a name.
///
/// # Errors
/// `not-found` where nothing is called so; `invalid` where it can't be a filter.
pub(crate) fn filters(directory: &Directory, text: &str) -> Result<Vec<String>, Fault> {
    let is_filter = text.contains(['+', '#']);
    if is_filter && !is_well_formed(text) {
        return Err(Fault::invalid(format!("filter {text:?} can't be used"))
            .hint("+ and # stand for whole levels, and # comes last: telescope/+/slew, telescope/#"));
    }
    if text == topic::ROOT || text == "#" {
        return Ok(vec![topic::EVERYTHING.to_owned()]);
    }
    if is_whole(text) {
        return Ok(vec![text.to_owned()]);
    }
    if is_filter {
        return Ok(vec![topic::inbound(text)]);
    }
    let topics: Vec<String> = called(directory, text).into_iter().flat_map(topics_of).collect();
    if !topics.is_empty() {
        return Ok(topics);
    }
    let begins = format!("{text}/");
    let is_group =
        directory.entries().iter().any(|entry| entry.name.starts_with(&begins) || word_of(entry).starts_with(&begins));
    if is_group {
        return Ok(vec![topic::inbound(&format!("{text}/#"))]);
    }
    Err(unknown(directory, text))
}

/// The topic without what all begin with.
pub(crate) fn short(topic: &str) -> &str {
    let rest = topic.strip_prefix(topic::inbound("").as_str());
    rest.or_else(|| topic.strip_prefix(topic::ROOT)?.strip_prefix('/')).unwrap_or(topic)
}

/// Every message that `text` may name: by its name, another spelling, or its id in the documents.
pub(crate) fn called<'a>(directory: &'a Directory, text: &str) -> Vec<&'a Entry> {
    let slashed = text.replace('.', "/");
    let is_called = |entry: &&Entry| {
        entry.name == text || entry.aliases.contains(&text) || word_of(entry) == text || entry.id() == text
    };
    let found: Vec<&Entry> = directory.entries().iter().filter(is_called).collect();
    if found.is_empty() {
        directory.entries().iter().filter(|entry| word_of(entry) == slashed).collect()
    } else {
        found
    }
}

/// The fault for what nobody is called.
pub(crate) fn unknown(directory: &Directory, text: &str) -> Fault {
    let names = directory.entries().iter().map(|entry| entry.name.as_ref());
    let aliases = directory.entries().iter().flat_map(|entry| entry.aliases.iter().copied());
    let hint = match nearest(text, names.chain(aliases)) {
        Some(name) => format!("did you mean {name}? `bigskies describe messages` lists all"),
        None => format!("`bigskies describe messages` lists all; any other topic is named whole: {}/…", topic::ROOT),
    };
    Fault::not_found(format!("no message is called {text:?}")).hint(hint)
}

/// The name with `event/` and `state/` as in topics.
fn word_of(entry: &Entry) -> String {
    entry.id().replace('.', "/")
}

fn topics_of(entry: &Entry) -> Vec<String> {
    match entry.kind {
        Kind::Command | Kind::Notice => entry.inbound_topics(),
        Kind::State if !entry.key.is_empty() => vec![topic::states(&entry.name)],
        Kind::State | Kind::Event | Kind::Health => vec![entry.topic()],
    }
}

fn is_whole(text: &str) -> bool {
    text.strip_prefix(topic::ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || text.starts_with('$')
        || text.starts_with('/')
        || is_foreign(text)
}

/// Whether it begins with a word that no message begins with, and has wildcards or levels: other clients' topics on a shared broker.
fn is_foreign(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    let is_ours =
        Owner::of_word(first).is_some() || Owner::of_name(first).is_some() || ["health", "config"].contains(&first);
    text.contains(['+', '#']) && !is_ours
}

fn is_well_formed(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let last = levels.len() - 1;
    levels.iter().enumerate().all(|(index, level)| match *level {
        "+" => true,
        "#" => index == last,
        level => !level.contains(['+', '#']),
    })
}

const fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "a command",
        Kind::Notice => "a notice",
        Kind::Event => "an event",
        Kind::State => "a state",
        Kind::Health => "a report of health",
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    #[test]
    fn where_messages_are_sent() {
        let directory = Directory::default();
        let slew = "bigskies/coordinator/telescope/control/slew";
        for (text, topic, name) in [
            ("telescope/control/slew", Ok(slew), Some("telescope/control/slew")),
            ("telescope.control.slew", Ok(slew), Some("telescope/control/slew")),
            (slew, Ok(slew), Some("telescope/control/slew")),
            ("service/event/register", Ok("bigskies/coordinator/service/register"), Some("service/register")),
            ("telescope/health/get", Ok("bigskies/coordinator/telescope/health/get"), Some("telescope/health/get")),
            ("bigskies/plugin/weather/control/reload", Ok("bigskies/plugin/weather/control/reload"), None),
            ("telescope/slew-ended", Err(Code::Invalid), None),
            ("telescope/control/slwe", Err(Code::NotFound), None),
            ("bigskies/#", Err(Code::Invalid), None),
        ] {
            let place = place(&directory, text);
            let got = place.as_ref().map(|place| place.topic.as_str()).map_err(|fault| fault.code);
            assert_eq!(got, topic, "{text}");
            let entry = place.ok().and_then(|place| place.entry);
            assert_eq!(entry.as_ref().map(|entry| entry.name.as_ref()), name, "{text}");
        }
    }

    #[test]
    fn slips_are_pointed_out() {
        let fault = place(&Directory::default(), "telescope/control/slwe").unwrap_err();
        assert!(fault.hint.starts_with("did you mean telescope/control/slew?"), "{}", fault.hint);
    }

    #[test]
    fn what_is_watched() {
        let directory = Directory::default();
        for (text, wanted) in [
            ("bigskies", Ok(vec!["bigskies/#"])),
            ("#", Ok(vec!["bigskies/#"])),
            ("bigskies/plugin/+/health", Ok(vec!["bigskies/plugin/+/health"])),
            ("$SYS/#", Ok(vec!["$SYS/#"])),
            ("weather/#", Ok(vec!["weather/#"])),
            ("telescope", Ok(vec!["bigskies/coordinator/telescope/#"])),
            ("telescope/control", Ok(vec!["bigskies/coordinator/telescope/control/#"])),
            ("telescope/event", Ok(vec!["bigskies/coordinator/telescope/event/#"])),
            ("telescope/state/+/#", Ok(vec!["bigskies/coordinator/telescope/state/+/#"])),
            ("telescope/slew-ended", Ok(vec!["bigskies/coordinator/telescope/event/slew-ended"])),
            ("telescope/event/slew-ended", Ok(vec!["bigskies/coordinator/telescope/event/slew-ended"])),
            ("telescope/position", Ok(vec!["bigskies/coordinator/telescope/state/position/+"])),
            ("health", Ok(vec!["bigskies/coordinator/health/#"])),
            ("health/telescope-coordinator", Ok(vec!["bigskies/coordinator/health/telescope-coordinator"])),
            ("telescope/#/x", Err(Code::Invalid)),
            ("telescope/a+", Err(Code::Invalid)),
            ("nothing", Err(Code::NotFound)),
        ] {
            let got = filters(&directory, text);
            let got = got.as_ref().map(|filters| filters.iter().map(String::as_str).collect()).map_err(|f| f.code);
            assert_eq!(got, wanted, "{text}");
        }
    }

    #[test]
    fn short_topics() {
        for (topic, shown) in [
            ("bigskies/coordinator/telescope/control/slew", "telescope/control/slew"),
            ("bigskies/plugin/weather/status", "plugin/weather/status"),
            ("bigskiesx/a", "bigskiesx/a"),
            ("$SYS/uptime", "$SYS/uptime"),
        ] {
            assert_eq!(short(topic), shown);
        }
    }
}
