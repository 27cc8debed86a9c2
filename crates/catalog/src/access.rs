//! Which topics an account may publish on and read, from the rights that the messages of the catalogue declare.
//!
//! A broker asks for every message and every filter, so the answers are worked out once per account and kept. Publishing is by exact
//! topics; reading is by filters over events, states, health and one's own answers, and a filter is allowed if something readable covers
//! all that it could ever match.

use std::collections::HashSet;

use vocabulary::ids::{AccountName, PluginId};

use crate::{
    Entry, Owner,
    entry::Kind,
    kinds::Needs,
    topic::{self, covers},
};

/// What reading the shared answers needs. One's list is not another's, so nobody is seeded with it but administrators; a role that shall
/// have it is granted it.
pub const READ_RESPONSES: Needs = Needs::right("response", "read");

/// In what capacity an account is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capacity {
    /// A person or program with rights of its own.
    Client,
    /// A coordinator: what it owns is its own to publish.
    Coordinator(Owner),
    /// A face of the platform (HTTP, gRPC, Alpaca), which sends for others and reads what they may.
    Face,
    /// A process of ours that waits for the database and for the coordinators.
    Node,
    /// Somebody who is to log in yet.
    Lobby,
    /// A plugin, with the topics that its manifest names beside its own.
    Plugin {
        /// Its id.
        id: PluginId,
        /// The topics on which it publishes, without wildcards.
        publishes: Vec<String>,
        /// The filters that it reads.
        reads: Vec<String>,
    },
}

/// The topics of one account.
#[derive(Debug, Clone, Default)]
pub struct Access {
    everything: bool,
    publish: HashSet<String>,
    publish_filters: Vec<String>,
    read_filters: Vec<String>,
}

impl Access {
    /// The topics of `account` in this capacity. `may` says whether it has what a message needs.
    pub fn of(account: &AccountName, capacity: &Capacity, entries: &[Entry], may: impl Fn(Needs) -> bool) -> Self {
        let mut access = Self::default();
        access.read_filters.push(topic::clients_of(account));
        match capacity {
            Capacity::Client => access.add_client(entries, may),
            Capacity::Face => {
                access.add_client(entries, |needs| {
                    !matches!(needs, Needs::Addressee | Needs::Node) && needs != READ_RESPONSES
                });
            }
            Capacity::Coordinator(owner) => access.add_coordinator(*owner, entries),
            Capacity::Node => {
                // It makes the first administrator, too.
                access.add_client(entries, |needs| needs == Needs::Nobody);
                access.add_waiting();
            }
            // With the token of a session that is begun here a password is changed and a key is made.
            Capacity::Lobby => access.publish.extend(
                entries
                    .iter()
                    .filter(|entry| matches!(entry.needs, Needs::Nobody | Needs::Anybody))
                    .flat_map(Entry::inbound_topics),
            ),
            Capacity::Plugin { id, publishes, reads } => {
                access.publish_filters.push(topic::plugin(id));
                access.read_filters.extend([topic::plugin(id), topic::plugin_token(id)]);
                access.publish.extend(publishes.iter().cloned());
                access.read_filters.extend(reads.iter().cloned());
            }
        }
        access
    }

    /// Every topic, for who administers the bus.
    pub fn to_everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Whether the account may publish on this topic.
    pub fn may_publish(&self, topic: &str) -> bool {
        self.everything
            || self.publish.contains(topic)
            || self.publish_filters.iter().any(|filter| topic::matches(filter, topic))
    }

    /// Whether the account may read all that this filter could match.
    pub fn may_read(&self, filter: &str) -> bool {
        self.everything || self.read_filters.iter().any(|readable| covers(readable, filter))
    }

    /// What it may publish on, for a broker that keeps such lists itself: the fewest topics and filters, in order.
    pub fn publishes(&self) -> Vec<&str> {
        let exact = self.publish.iter().map(String::as_str);
        topic::fewest(exact.chain(self.publish_filters.iter().map(String::as_str)).chain(self.whole()))
    }

    /// What it may read, likewise.
    pub fn reads(&self) -> Vec<&str> {
        topic::fewest(self.read_filters.iter().map(String::as_str).chain(self.whole()))
    }

    fn whole(&self) -> Option<&'static str> {
        self.everything.then_some("#")
    }

    fn add_client(&mut self, entries: &[Entry], may: impl Fn(Needs) -> bool) {
        if may(READ_RESPONSES) {
            self.read_filters.push(topic::EVERY_RESPONSE.to_owned());
        }
        let (allowed, refused): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| may(entry.needs));
        self.publish.extend(allowed.iter().flat_map(|entry| entry.inbound_topics()));
        self.read_filters.extend(allowed.iter().filter_map(|entry| readable(entry)));
        // A wide filter is allowed where nothing that it covers is refused, so that nobody has to name each topic.
        // What others send is nobody's to read: it may carry their tokens.
        let inbound = entries.iter().flat_map(Entry::inbound_topics);
        let closed: Vec<String> = refused.into_iter().filter_map(readable).chain(inbound).collect();
        let is_open = |wide: &String| !closed.iter().any(|narrow| topic::overlap(wide, narrow));
        let wide = Owner::ALL.into_iter().flat_map(|owner| [topic::events_of(owner), topic::states_of(owner)]);
        let wider = [topic::EVERY_EVENT, topic::EVERY_STATE, topic::EVERY_HEALTH].map(str::to_owned);
        self.read_filters.extend(wide.chain(wider).filter(is_open));
    }

    /// What a process needs before it is anything: the hand-out of the database, and how the others are.
    fn add_waiting(&mut self) {
        self.read_filters.extend([topic::EVERY_HEALTH, topic::CREDENTIALS].map(str::to_owned));
        self.publish.insert(topic::inbound("bootstrap/request"));
    }

    fn add_coordinator(&mut self, owner: Owner, entries: &[Entry]) {
        let own: Vec<Entry> = owner.messages();
        self.read_filters.extend(own.iter().flat_map(Entry::inbound_topics));
        self.read_filters.extend([topic::EVERY_EVENT, topic::EVERY_STATE, topic::EVERY_HEALTH].map(str::to_owned));
        self.read_filters.extend(entries.iter().filter_map(readable));
        // It asks others, and the frame of each looks at its rights.
        self.publish.extend(entries.iter().flat_map(Entry::inbound_topics));
        self.publish.insert(topic::health(owner));
        let outbound = own.iter().filter(|entry| !entry.kind.is_inbound()).filter_map(readable);
        self.publish_filters.extend(outbound);
        self.publish_filters.extend([topic::responses_of(owner), topic::EVERY_REPLY.to_owned()]);
        // What the frame gives to all is answered elsewhere: `config/response/…`.
        self.publish.extend(own.iter().filter_map(Entry::response_topic));
        match owner {
            // It counts what flows, and keeps what nobody owns.
            Owner::Message => self.read_filters.push("#".to_owned()),
            // It hears of plugins that come, and sends them their tokens.
            Owner::Security => {
                self.read_filters.extend([topic::EVERY_PLUGIN_HEALTH, topic::EVERY_PLUGIN_STATUS].map(str::to_owned));
                self.publish_filters.push(topic::EVERY_PLUGIN_TOKEN.to_owned());
            }
            Owner::Bootstrap | Owner::Datastore | Owner::Application | Owner::Telescope => {}
        }
    }
}

/// The filter that reads all of a message; nothing of what only its owner receives.
pub(crate) fn readable(entry: &Entry) -> Option<String> {
    match entry.kind {
        Kind::Command | Kind::Notice => None,
        Kind::State if !entry.key.is_empty() => Some(topic::states(&entry.name)),
        Kind::Event | Kind::State | Kind::Health => Some(entry.topic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountName {
        "ann".parse().unwrap()
    }

    fn access(capacity: &Capacity, may: impl Fn(Needs) -> bool) -> Access {
        Access::of(&account(), capacity, &crate::all(), may)
    }

    /// Reads telescopes and controls them, and nothing else.
    fn astronomer(needs: Needs) -> bool {
        matches!(needs, Needs::Right(right) if right.resource == "telescope" && right.action != "configure")
    }

    #[test]
    fn a_client_sends_and_reads_what_it_has_the_rights_for() {
        let access = access(&Capacity::Client, astronomer);
        for (topic, wanted) in [
            ("bigskies/coordinator/telescope/control/slew", true),
            ("bigskies/coordinator/telescope/settings/set", false),
            ("bigskies/coordinator/datastore/backup/create", false),
            ("bigskies/coordinator/telescope/event/slew-ended", false),
            ("bigskies/coordinator/telescope/state/position/x", false),
            ("bigskies/coordinator/telescope/response/control/slew/response", false),
            ("bigskies/coordinator/health/telescope-coordinator", false),
            ("bigskies/client/bob/c/reply/1", false),
            ("bigskies/plugin/weather/control/stop", false),
            ("elsewhere", false),
        ] {
            assert_eq!(access.may_publish(topic), wanted, "publish {topic}");
        }
        for (filter, wanted) in [
            ("bigskies/client/ann/#", true),
            ("bigskies/client/ann/c/reply/+", true),
            ("bigskies/client/bob/#", false),
            ("bigskies/client/+/c/reply/#", false),
            ("bigskies/client/#", false),
            ("bigskies/coordinator/telescope/event/#", true),
            ("bigskies/coordinator/telescope/state/#", true),
            ("bigskies/coordinator/telescope/state/position/+", true),
            ("bigskies/coordinator/telescope/state/position/x", true),
            ("bigskies/coordinator/+/state/#", false),
            ("bigskies/coordinator/telescope/#", false),
            ("bigskies/coordinator/telescope/control/slew", false),
            ("bigskies/coordinator/telescope/response/#", false),
            ("bigskies/coordinator/service/event/register", false),
            ("bigskies/coordinator/bootstrap/credentials", false),
            ("bigskies/#", false),
            ("#", false),
            ("$SYS/#", false),
        ] {
            assert_eq!(access.may_read(filter), wanted, "read {filter}");
        }
    }

    #[test]
    fn a_coordinator_publishes_what_it_owns_alone() {
        let access = access(&Capacity::Coordinator(Owner::Telescope), |_| false);
        for (topic, wanted) in [
            ("bigskies/coordinator/telescope/event/slew-ended", true),
            ("bigskies/coordinator/telescope/state/position/x", true),
            ("bigskies/coordinator/health/telescope-coordinator", true),
            ("bigskies/coordinator/telescope/response/control/slew/response", true),
            ("bigskies/client/bob/c/reply/1", true),
            ("bigskies/coordinator/bootstrap/request", true),
            ("bigskies/coordinator/datastore/response/ping/response", false),
            ("bigskies/coordinator/health/datastore-coordinator", false),
            ("bigskies/coordinator/service/state/service/x", false),
            ("bigskies/coordinator/bootstrap/credentials", false),
        ] {
            assert_eq!(access.may_publish(topic), wanted, "publish {topic}");
        }
        for (filter, wanted) in [
            ("bigskies/coordinator/telescope/control/slew", true),
            ("bigskies/coordinator/datastore/backup/create", false),
            ("bigskies/coordinator/health/+", true),
            ("bigskies/coordinator/bootstrap/credentials", true),
            ("bigskies/client/ann/c/reply/#", true),
            ("bigskies/client/bob/c/reply/#", false),
            ("#", false),
        ] {
            assert_eq!(access.may_read(filter), wanted, "read {filter}");
        }
    }

    #[test]
    fn a_plugin_has_its_own_topics_and_those_of_its_manifest() {
        let (publishes, reads) =
            (vec!["bigskies/coordinator/telescope/control/slew".to_owned()], vec!["sky/+".to_owned()]);
        let capacity = Capacity::Plugin { id: "weather".parse().unwrap(), publishes, reads };
        let access = access(&capacity, |_| true);
        for (topic, wanted) in [
            ("bigskies/plugin/weather/health", true),
            ("bigskies/plugin/weather/data/wind", true),
            ("bigskies/plugin/other/health", false),
            ("bigskies/coordinator/telescope/control/slew", true),
            ("bigskies/coordinator/telescope/control/park", false),
            ("bigskies/coordinator/security/plugin/weather/token", false),
        ] {
            assert_eq!(access.may_publish(topic), wanted, "publish {topic}");
        }
        for (filter, wanted) in [
            ("bigskies/coordinator/security/plugin/weather/token", true),
            ("bigskies/coordinator/security/plugin/+/token", false),
            ("bigskies/plugin/weather/control/#", true),
            ("bigskies/plugin/#", false),
            ("sky/north", true),
            ("sky/#", false),
        ] {
            assert_eq!(access.may_read(filter), wanted, "read {filter}");
        }
    }

    #[test]
    fn who_is_to_log_in_yet_can_log_in_and_take_a_key_along() {
        let access = access(&Capacity::Lobby, |_| true);
        for (topic, wanted) in [
            ("bigskies/coordinator/security/auth/login", true),
            ("bigskies/coordinator/security/user/setup", true),
            ("bigskies/coordinator/security/user/password/change", true),
            ("bigskies/coordinator/security/key/create", true),
            ("bigskies/coordinator/security/user/create", false),
            ("bigskies/coordinator/telescope/control/slew", false),
        ] {
            assert_eq!(access.may_publish(topic), wanted, "publish {topic}");
        }
        for (filter, wanted) in [
            ("bigskies/client/ann/c/reply/#", true),
            ("bigskies/coordinator/telescope/event/#", false),
            ("bigskies/coordinator/health/+", false),
        ] {
            assert_eq!(access.may_read(filter), wanted, "read {filter}");
        }
    }

    #[test]
    fn lists_say_the_same_as_the_checks() {
        let client = access(&Capacity::Client, astronomer);
        for access in [client, access(&Capacity::Coordinator(Owner::Telescope), |_| false)] {
            let (publishes, reads) = (access.publishes(), access.reads());
            for topic in access.publish.iter().chain(&access.publish_filters) {
                assert!(publishes.iter().any(|filter| covers(filter, topic)), "publish {topic}");
            }
            for filter in &access.read_filters {
                assert!(reads.iter().any(|readable| covers(readable, filter)), "read {filter}");
            }
            assert!(reads.len() <= access.read_filters.len() && reads.iter().all(|filter| access.may_read(filter)));
        }
    }

    #[test]
    fn who_administers_the_bus_has_every_topic() {
        let access = Access::to_everything();
        assert!(access.may_publish("anything") && access.may_read("#"));
        assert_eq!((access.publishes(), access.reads()), (vec!["#"], vec!["#"]));
    }
}
