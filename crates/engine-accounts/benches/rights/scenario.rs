//! The world that is measured: 1,000 accounts with 2 roles and 4 groups each, 50 roles and 200 groups with 13,000 links to 2,000
//! permissions, one in twenty of them a denial; and random questions.

use store::accounts::{
    permissions::Rule,
    tables::{Account, Holding, Tables},
};
use vocabulary::ids::AccountName;

pub(crate) const USERS: usize = 1000;
pub(crate) const ROLES: usize = 50;
pub(crate) const GROUPS: usize = 200;
pub(crate) const PERMISSIONS: usize = 2000;
const ACTIONS: [&str; 4] = ["read", "write", "control", "configure"];

/// A question: who, what kind of thing, what is done to it.
pub(crate) struct Question {
    pub(crate) account: AccountName,
    pub(crate) resource: String,
    pub(crate) action: &'static str,
}

/// The same numbers in every run (Marsaglia's xorshift).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// So many different ones.
    fn some(&mut self, count: usize, limit: usize) -> Vec<usize> {
        let mut chosen = std::collections::BTreeSet::new();
        while chosen.len() < count {
            chosen.insert(self.below(limit));
        }
        chosen.into_iter().collect()
    }
}

fn id<T: std::str::FromStr>(kind: &str, number: usize) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{kind}-{number:04}").parse().expect("an id")
}

fn right(number: usize) -> (String, &'static str) {
    (format!("resource-{:03}", number / ACTIONS.len()), ACTIONS[number % ACTIONS.len()])
}

pub(crate) fn tables(numbers: &mut Numbers) -> Tables {
    let rule = |number: usize| {
        let (resource, action) = right(number);
        // A denial is of a right that is allowed elsewhere, since no row is there twice.
        if number % 20 == 19 {
            Rule::deny(&right(number - 1).0, right(number - 1).1)
        } else {
            Rule::allow(&resource, action)
        }
    };
    let permissions = (0..PERMISSIONS).map(|number| (id("permission", number), rule(number))).collect();
    let mut holding = |kind: &str, number: usize, links: usize| {
        let permissions = numbers.some(links, PERMISSIONS).into_iter().map(|number| id("permission", number)).collect();
        (format!("{kind}-{number:04}"), permissions)
    };
    let roles = (0..ROLES).map(|number| holding("role", number, 100)).collect::<Vec<_>>();
    let groups = (0..GROUPS).map(|number| holding("group", number, 40)).collect::<Vec<_>>();
    let accounts = (0..USERS).map(|number| Account {
        id: id("id", number),
        username: id("user", number),
        enabled: true,
        organisation: None,
        token_epoch: 0,
        is_service: false,
        roles: numbers.some(2, ROLES).into_iter().map(|number| id("role", number)).collect(),
        groups: numbers.some(4, GROUPS).into_iter().map(|number| id("group", number)).collect(),
        manifest: None,
    });
    Tables {
        generation: 1,
        accounts: accounts.collect(),
        permissions,
        roles: roles
            .into_iter()
            .map(|(name, permissions)| Holding { id: name.parse().expect("an id"), name, permissions })
            .collect(),
        groups: groups
            .into_iter()
            .map(|(name, permissions)| Holding { id: name.parse().expect("an id"), name, permissions })
            .collect(),
    }
}

pub(crate) fn questions(numbers: &mut Numbers, count: usize) -> Vec<Question> {
    let question = |_| {
        let (resource, action) = right(numbers.below(PERMISSIONS));
        Question { account: id("user", numbers.below(USERS)), resource, action }
    };
    (0..count).map(question).collect()
}
