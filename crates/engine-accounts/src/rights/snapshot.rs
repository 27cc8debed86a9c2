//! The tables compiled: for each account a bit for what it may do and a bit for what it is denied, for every known right.

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use store::accounts::plugins::Manifest;
use vocabulary::ids::{AccountName, OrganisationId, UserId};

use super::{Decision, Reason, Right};

/// The rights of everybody at one state of the tables.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub(super) generation: u64,
    pub(super) names: HashMap<AccountName, u32>,
    pub(super) ids: HashMap<UserId, u32>,
    pub(super) pairs: HashMap<Pair, u32>,
    pub(super) scopes: HashMap<Box<str>, u32>,
    pub(super) accounts: Vec<Compiled>,
    /// For each account in turn, the rights that hold everywhere, 64 at a time.
    pub(super) everywhere: Vec<Word>,
    /// Roles and groups that say something about single scopes or whole kinds.
    pub(super) holders: Vec<Holder>,
}

/// An account, as far as it bears on rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// What it logs in as.
    pub username: AccountName,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it has the administrator's role.
    pub administrator: bool,
    /// Whether it belongs to a plugin or a node instead of a person.
    pub is_service: bool,
    /// Whose member it is.
    pub organisation: Option<OrganisationId>,
    /// Tokens issued under a smaller number are void.
    pub token_epoch: u64,
    /// The names of its roles.
    pub roles: Vec<String>,
    /// The names of the groups that it is in.
    pub groups: Vec<String>,
    /// The topics of a plugin that is let in; behind a pointer, so that the accounts stay close together for who checks.
    pub manifest: Option<Arc<Manifest>>,
}

/// An account with the places where its rights stand.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) account: Account,
    pub(super) first_word: usize,
    /// Holders of its with rights in single scopes.
    pub(super) scoped: Box<[u32]>,
    /// Holders of its with rights over whole kinds, which are asked for rights that nobody named.
    pub(super) sweeping: Box<[u32]>,
}

/// 64 rights: what is allowed and what is denied.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word {
    pub(super) allowed: u64,
    pub(super) denied: u64,
}

/// A role or a group.
#[derive(Debug, Default)]
pub(super) struct Holder {
    /// Its rights in single scopes, by scope in ascending order.
    pub(super) scoped: Vec<(u32, Box<[Word]>)>,
    /// Its rights over whole kinds.
    pub(super) sweeping: Vec<Sweep>,
}

/// A right over every kind of thing, over every action, or over both.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) resource: Option<Box<str>>,
    pub(super) action: Option<Box<str>>,
    pub(super) scope: Option<u32>,
    pub(super) verdict: Word,
}

/// A right as it is kept; it is found by a [`Right`], since both hash alike.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) resource: Box<str>,
    pub(super) action: Box<str>,
}

impl Equivalent<Pair> for Right<'_> {
    fn equivalent(&self, pair: &Pair) -> bool {
        self.resource == &*pair.resource && self.action == &*pair.action
    }
}

impl Snapshot {
    /// Which state of the tables this is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The account of this name.
    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.compiled(name).map(|compiled| &compiled.account)
    }

    /// The account with this id.
    pub fn account_of(&self, id: &UserId) -> Option<&Account> {
        let index = *self.ids.get(id)?;
        self.accounts.get(index as usize).map(|compiled| &compiled.account)
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().map(|compiled| &compiled.account)
    }

    /// Whether an account may do this in one of the scopes, or everywhere where there is none.
    pub fn check(&self, name: &AccountName, right: Right<'_>, scopes: &[&str]) -> Decision {
        let reason = self.reason(name, right, scopes);
        Decision { allowed: reason == Reason::Granted, reason, generation: self.generation }
    }

    /// Whether an account may do this everywhere or in some scope.
    pub fn check_somewhere(&self, name: &AccountName, right: Right<'_>) -> bool {
        if self.check(name, right, &[]).allowed {
            return true;
        }
        self.scopes.keys().any(|scope| self.check(name, right, &[scope]).allowed)
    }

    fn reason(&self, name: &AccountName, right: Right<'_>, scopes: &[&str]) -> Reason {
        let Some(compiled) = self.compiled(name) else { return Reason::UnknownAccount };
        if !compiled.account.enabled {
            return Reason::Disabled;
        }
        let (allowed, denied) = match self.pairs.get(&right) {
            Some(bit) => self.of_known(compiled, *bit, scopes),
            None => self.of_sweeping(compiled, right, scopes),
        };
        match (allowed, denied) {
            (_, true) => Reason::Denied,
            (true, false) => Reason::Granted,
            (false, false) => Reason::NotGranted,
        }
    }

    fn compiled(&self, name: &AccountName) -> Option<&Compiled> {
        let index = *self.names.get(name)?;
        self.accounts.get(index as usize)
    }

    /// Whether something allows a right that has a bit, and whether something denies it.
    fn of_known(&self, compiled: &Compiled, bit: u32, scopes: &[&str]) -> (bool, bool) {
        let (word, mask) = ((bit / 64) as usize, 1 << (bit % 64));
        let mut found = self.everywhere.get(compiled.first_word + word).copied().unwrap_or_default();
        if !compiled.scoped.is_empty() {
            for scope in scopes.iter().filter_map(|scope| self.scopes.get(*scope)) {
                for holder in compiled.scoped.iter().filter_map(|index| self.holders.get(*index as usize)) {
                    found = found.and(holder.within(*scope, word));
                }
            }
        }
        (found.allowed & mask != 0, found.denied & mask != 0)
    }

    /// The same for a right that no row names and nobody said would be asked for: only rows about whole kinds can mean it.
    fn of_sweeping(&self, compiled: &Compiled, right: Right<'_>, scopes: &[&str]) -> (bool, bool) {
        let holders = compiled.sweeping.iter().filter_map(|index| self.holders.get(*index as usize));
        let is_here = |wanted: u32| scopes.iter().any(|scope| self.scopes.get(*scope) == Some(&wanted));
        let found = holders
            .flat_map(|holder| &holder.sweeping)
            .filter(|sweep| sweep.means(right) && sweep.scope.is_none_or(is_here))
            .fold(Word::default(), |found, sweep| found.and(sweep.verdict));
        (found.allowed != 0, found.denied != 0)
    }
}

impl Word {
    pub(super) fn and(self, other: Self) -> Self {
        Self { allowed: self.allowed | other.allowed, denied: self.denied | other.denied }
    }
}

impl Holder {
    fn within(&self, scope: u32, word: usize) -> Word {
        let place = self.scoped.binary_search_by_key(&scope, |(scope, _)| *scope).ok();
        let words = place.and_then(|place| self.scoped.get(place)).map(|(_, words)| words);
        words.and_then(|words| words.get(word)).copied().unwrap_or_default()
    }
}

impl Sweep {
    pub(super) fn means(&self, right: Right<'_>) -> bool {
        self.resource.as_deref().is_none_or(|resource| resource == right.resource)
            && self.action.as_deref().is_none_or(|action| action == right.action)
    }
}
