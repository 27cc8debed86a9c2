//! Lockout: how failed logins are counted, and when who is locked for how long.
//!
//! A failure counts for the account it was for and for the place it came from; each is locked after so many within a window, for a time
//! that doubles. A place where the account has logged in before stands apart: it has a counter of its own, for this account alone, and
//! neither of the two other locks holds there. So nobody far away can lock an administrator out of the machine that he uses, guessing
//! from that machine is bounded by the same few failures, and a login elsewhere with the right password still waits while the account is
//! attacked. Whoever is locked is refused before the password is looked at, so a lock says nothing about a password; and names without
//! an account are counted and locked like the others, so it says nothing about accounts.
//!
//! A success clears the counter that it was held against, but never that of the place: with an account of one's own, one could else
//! guess at others without end.

use std::{fmt, net::IpAddr, time::Duration};

use store::accounts::attempts::{Counter, Kind, Subject};
use vocabulary::{Timestamp, ids::AccountName};

use crate::AccountsSettings;

const NAME_LENGTH_MAX: usize = 100;

/// Where a login comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Peer(String);

impl Peer {
    /// An address; those of one IPv6 network count together, since who has one has all of them (RFC 6177).
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_string()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
            }
        }
    }

    /// A place without an address of its own, for example a client behind a broker; at most 100 printable characters count.
    pub fn named(name: &str) -> Self {
        let printable = name.chars().filter(|c| c.is_ascii_graphic() && *c != '|');
        let name: String = printable.take(NAME_LENGTH_MAX).collect();
        Self(if name.is_empty() { "unnamed".to_owned() } else { name })
    }

    /// The place as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The counters that a login is held against, in the order in which they are locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// The account at this place; none for what can't be the name of an account.
    pub(crate) known: Option<Subject>,
    /// The place.
    pub(crate) peer: Subject,
    /// The account.
    pub(crate) user: Option<Subject>,
}

impl Subjects {
    pub(crate) fn of(name: Option<&AccountName>, peer: &Peer) -> Self {
        let name = name.map(|name| name.as_str().to_ascii_lowercase());
        let subject = |kind, name| Subject { kind, name };
        Self {
            known: name.as_ref().map(|name| subject(Kind::Known, format!("{name}|{peer}"))),
            peer: subject(Kind::Peer, peer.0.clone()),
            user: name.map(|name| subject(Kind::User, name)),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Subject> {
        self.known.iter().chain([&self.peer]).chain(&self.user).cloned().collect()
    }

    /// Those that a login is held against.
    pub(crate) fn against(&self, familiarity: Familiarity) -> Vec<Subject> {
        match familiarity {
            Familiarity::Known => self.known.iter().cloned().collect(),
            Familiarity::Foreign => [&self.peer].into_iter().chain(&self.user).cloned().collect(),
        }
    }
}

/// The counter of an account for all places that it was not used from before.
pub(crate) fn subject_of(name: &AccountName) -> Subject {
    Subject { kind: Kind::User, name: name.as_str().to_ascii_lowercase() }
}

/// Whether an account has logged in from a place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Familiarity {
    Known,
    Foreign,
}

impl Familiarity {
    /// By the counter of the account at the place.
    pub(crate) fn of(counter: &Counter, settings: &AccountsSettings, now: Timestamp) -> Self {
        let recent = counter.succeeded_at.is_some_and(|at| now.since(at) < settings.known_peer_age_max());
        if recent { Self::Known } else { Self::Foreign }
    }
}

/// Until when a counter is locked, if it is.
pub(crate) fn locked_until(counter: &Counter, now: Timestamp) -> Option<Timestamp> {
    counter.locked_until.filter(|until| *until > now)
}

/// A counter after one more failure.
pub(crate) fn failed(counter: &Counter, settings: &AccountsSettings, now: Timestamp) -> Counter {
    let mut next = Counter { changed_at: now, ..*counter };
    // Logins that began before the lock may fail after it, and make it no longer.
    if locked_until(counter, now).is_some() {
        return next;
    }
    let longest = Duration::from_secs(settings.lockout_seconds_max.into());
    let last = counter.locked_until.map_or(counter.changed_at, |until| until.max(counter.changed_at));
    if now.since(last) >= longest {
        next.lockouts = 0;
    }
    let window = Duration::from_secs(settings.lockout_window_seconds.into());
    if counter.failures == 0 || now.since(counter.first_failure) > window {
        next.first_failure = now;
        next.failures = 0;
    }
    next.failures += 1;
    if next.failures >= settings.lockout_failures {
        let doubled = u64::from(settings.lockout_seconds).saturating_mul(1 << next.lockouts.min(20));
        next.locked_until = Some(now.plus(Duration::from_secs(doubled).min(longest)));
        next.lockouts = next.lockouts.saturating_add(1);
        next.failures = 0;
    }
    next
}

/// A counter after a success.
pub(crate) fn succeeded(now: Timestamp) -> Counter {
    Counter { succeeded_at: Some(now), ..Counter::fresh(now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        "2026-11-21T20:00:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn locks_double_and_count_anew_after_a_day_in_peace() {
        let settings = AccountsSettings::default();
        let mut counter = Counter::fresh(at(0));
        let mut now = 0;
        // Until when the fifth failure in a row locks, seconds after it.
        for locked_for in [900, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 86_400] {
            for failure in 1..=5 {
                assert_eq!(locked_until(&counter, at(now)), None, "before failure {failure} at {now}");
                counter = failed(&counter, &settings, at(now));
            }
            assert_eq!(locked_until(&counter, at(now)), Some(at(now + locked_for)));
            assert_eq!(failed(&counter, &settings, at(now + 1)).locked_until, counter.locked_until);
            now += locked_for;
        }
        now += 86_400;
        for _ in 0..5 {
            counter = failed(&counter, &settings, at(now));
        }
        assert_eq!(locked_until(&counter, at(now)), Some(at(now + 900)));
    }

    #[test]
    fn only_failures_within_the_window_count_together() {
        let settings = AccountsSettings::default();
        for (what, times, locked) in [
            ("five at once", vec![0, 0, 0, 0, 0], true),
            ("four", vec![0, 1, 2, 3], false),
            ("five within the window", vec![0, 200, 400, 600, 900], true),
            ("the first is too old", vec![0, 200, 400, 600, 901], false),
            ("a new window", vec![0, 901, 902, 903, 904, 905], true),
        ] {
            let start = Counter::fresh(at(0));
            let counter = times.iter().fold(start, |counter, time| failed(&counter, &settings, at(*time)));
            let last = times.last().copied().unwrap_or_default();
            assert_eq!(locked_until(&counter, at(last)).is_some(), locked, "{what}");
        }
    }

    #[test]
    fn places() {
        for (address, name) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("::1", "0:0:0:0::/64"),
        ] {
            assert_eq!(Peer::address(address.parse().unwrap()).as_str(), name);
        }
        for (given, name) in
            [("client 7|x\n", "client7x"), ("", "unnamed"), (&"x".repeat(300) as &str, &"x".repeat(100))]
        {
            assert_eq!(Peer::named(given).as_str(), name);
        }
    }

    #[test]
    fn counters_are_locked_in_one_order() {
        let name = "Ada".parse().unwrap();
        let all = Subjects::of(Some(&name), &Peer::named("here")).all();
        assert!(all.is_sorted(), "{all:?}");
        assert_eq!(all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["ada|here", "here", "ada"]);
    }
}
