//! How the tables become a snapshot.

use std::{collections::BTreeMap, sync::Arc};

use hashbrown::HashMap;
use store::accounts::{
    ADMINISTRATOR,
    permissions::{Effect, Rule},
    tables::{self, Holding, Tables},
};
use vocabulary::{Permission, ids::PermissionId};

use super::{
    Right,
    snapshot::{Account, Compiled, Holder, Pair, Snapshot, Sweep, Word},
};

/// What stands for every kind of thing, or every action.
const EVERY: &str = "*";

impl Snapshot {
    /// Compiles the tables. Rights in `known` are as fast to check as those that rows name.
    pub fn compile(tables: &Tables, known: &[Permission]) -> Self {
        let words = Words::of(tables, known);
        let rules: HashMap<&PermissionId, &Rule> = tables.permissions.iter().map(|(id, rule)| (id, rule)).collect();
        let roles = tables.roles.iter().map(|role| Part::of(role, &rules, &words));
        let groups = tables.groups.iter().map(|group| Part::of(group, &rules, &words));
        let parts: Vec<Part<'_>> = roles.chain(groups).collect();
        let first_group = tables.roles.len();
        let role_places: HashMap<_, _> = tables.roles.iter().zip(0..).map(|(role, place)| (&role.id, place)).collect();
        let group_places: HashMap<_, _> =
            tables.groups.iter().zip(first_group..).map(|(group, place)| (&group.id, place)).collect();

        let mut snapshot = Self { generation: tables.generation, ..Self::default() };
        for account in &tables.accounts {
            let roles = account.roles.iter().filter_map(|id| role_places.get(id)).copied();
            let groups = account.groups.iter().filter_map(|id| group_places.get(id)).copied();
            snapshot.add(account, &parts, &roles.collect::<Vec<usize>>(), &groups.collect::<Vec<usize>>(), words.len);
        }
        snapshot.holders = parts.into_iter().map(|part| part.holder).collect();
        (snapshot.pairs, snapshot.scopes) = (words.pairs, words.scopes);
        snapshot
    }

    fn add(&mut self, account: &tables::Account, parts: &[Part<'_>], roles: &[usize], groups: &[usize], words: usize) {
        let places = || roles.iter().chain(groups).filter_map(|place| Some((*place, parts.get(*place)?)));
        let first_word = self.everywhere.len();
        self.everywhere.resize(first_word + words, Word::default());
        for (_, part) in places() {
            for (word, more) in self.everywhere.iter_mut().skip(first_word).zip(&part.everywhere) {
                *word = word.and(*more);
            }
        }
        let those = |wanted: fn(&Holder) -> bool| {
            let chosen = places().filter(|(_, part)| wanted(&part.holder));
            chosen.filter_map(|(place, _)| u32::try_from(place).ok()).collect::<Box<[u32]>>()
        };
        let name = |place: &usize| parts.get(*place).map(|part| part.name.to_owned());
        let compiled = Compiled {
            first_word,
            scoped: those(|holder| !holder.scoped.is_empty()),
            sweeping: those(|holder| !holder.sweeping.is_empty()),
            account: Account {
                id: account.id.clone(),
                username: account.username.clone(),
                enabled: account.enabled,
                administrator: account.roles.iter().any(|role| role.as_str() == ADMINISTRATOR),
                is_service: account.is_service,
                organisation: account.organisation.clone(),
                token_epoch: account.token_epoch,
                roles: roles.iter().filter_map(name).collect(),
                groups: groups.iter().filter_map(name).collect(),
                manifest: account.manifest.clone().map(Arc::new),
            },
        };
        let index = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.names.insert(account.username.clone(), index);
        self.ids.insert(account.id.clone(), index);
        self.accounts.push(compiled);
    }
}

/// Which right has which bit, and which scope which number.
struct Words {
    pairs: HashMap<Pair, u32>,
    scopes: HashMap<Box<str>, u32>,
    /// How many words hold a bit for each right.
    len: usize,
}

impl Words {
    fn of(tables: &Tables, known: &[Permission]) -> Self {
        let (mut pairs, mut scopes) = (HashMap::new(), HashMap::new());
        let rules = || tables.permissions.iter().map(|(_, rule)| rule);
        let named = rules().map(|rule| (rule.resource.as_str(), rule.action.as_str()));
        let asked = known.iter().map(|permission| (permission.resource, permission.action));
        for (resource, action) in named.chain(asked).filter(|(resource, action)| ![*resource, *action].contains(&EVERY))
        {
            let next = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
            pairs.entry(Pair { resource: resource.into(), action: action.into() }).or_insert(next);
        }
        for scope in rules().filter_map(|rule| rule.scope.as_deref()) {
            let next = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
            scopes.entry(scope.into()).or_insert(next);
        }
        let len = pairs.len().div_ceil(64);
        Self { pairs, scopes, len }
    }

    /// Sets the bits of a rule.
    fn set(&self, rule: &Rule, words: &mut [Word]) {
        let right = Right { resource: &rule.resource, action: &rule.action };
        match (sweep(rule, None), self.pairs.get(&right)) {
            (None, Some(bit)) => mark(words, *bit, rule.effect),
            (None, None) => {}
            (Some(sweep), _) => {
                let is_meant = |pair: &Pair| sweep.means(Right { resource: &pair.resource, action: &pair.action });
                self.pairs
                    .iter()
                    .filter(|(pair, _)| is_meant(pair))
                    .for_each(|(_, bit)| mark(words, *bit, rule.effect));
            }
        }
    }
}

fn mark(words: &mut [Word], bit: u32, effect: Effect) {
    if let Some(word) = words.get_mut((bit / 64) as usize) {
        *word = word.and(verdict(effect, 1 << (bit % 64)));
    }
}

const fn verdict(effect: Effect, mask: u64) -> Word {
    match effect {
        Effect::Allow => Word { allowed: mask, denied: 0 },
        Effect::Deny => Word { allowed: 0, denied: mask },
    }
}

/// A rule about every kind of thing or every action; nothing if it is about one right.
fn sweep(rule: &Rule, scope: Option<u32>) -> Option<Sweep> {
    let word = |word: &str| (word != EVERY).then(|| Box::from(word));
    let (resource, action) = (word(&rule.resource), word(&rule.action));
    let is_sweep = resource.is_none() || action.is_none();
    is_sweep.then(|| Sweep { resource, action, scope, verdict: verdict(rule.effect, 1) })
}

/// A role or a group, compiled.
struct Part<'a> {
    name: &'a str,
    everywhere: Vec<Word>,
    holder: Holder,
}

impl<'a> Part<'a> {
    fn of<Id>(holding: &'a Holding<Id>, rules: &HashMap<&PermissionId, &Rule>, words: &Words) -> Self {
        let blank = vec![Word::default(); words.len];
        let mut part = Self { name: &holding.name, everywhere: blank.clone(), holder: Holder::default() };
        let mut scoped: BTreeMap<u32, Vec<Word>> = BTreeMap::new();
        for rule in holding.permissions.iter().filter_map(|id| rules.get(id)) {
            let scope = rule.scope.as_deref().and_then(|scope| words.scopes.get(scope)).copied();
            match scope {
                None => words.set(rule, &mut part.everywhere),
                Some(scope) => words.set(rule, scoped.entry(scope).or_insert_with(|| blank.clone())),
            }
            part.holder.sweeping.extend(sweep(rule, scope));
        }
        part.holder.scoped = scoped.into_iter().map(|(scope, words)| (scope, words.into())).collect();
        part
    }
}

#[cfg(test)]
mod tests {
    use store::accounts::tables::Account as Row;

    use super::*;
    use crate::rights::Reason;

    const KNOWN: [Permission; 2] = [Permission::new("telescope", "read"), Permission::new("dome", "control")];

    /// One account `ada` with one role that has these rules.
    fn tables(rules: &[Rule]) -> Tables {
        let id = |n: usize| format!("p{n}").parse::<PermissionId>().unwrap();
        let permissions: Vec<_> = rules.iter().enumerate().map(|(n, rule)| (id(n), rule.clone())).collect();
        let role = Holding {
            id: "r".parse().unwrap(),
            name: "role".to_owned(),
            permissions: permissions.iter().map(|(id, _)| id.clone()).collect(),
        };
        let ada = Row {
            id: "u".parse().unwrap(),
            username: "ada".parse().unwrap(),
            enabled: true,
            organisation: None,
            token_epoch: 3,
            is_service: false,
            roles: vec!["r".parse().unwrap()],
            groups: Vec::new(),
            manifest: None,
        };
        Tables { generation: 7, accounts: vec![ada], roles: vec![role], groups: Vec::new(), permissions }
    }

    #[test]
    fn decisions() {
        let (allow, deny) = (Rule::allow, Rule::deny);
        for (what, rules, right, scopes, expected) in [
            ("nothing", vec![], ("telescope", "read"), vec![], Reason::NotGranted),
            ("allowed", vec![allow("telescope", "read")], ("telescope", "read"), vec![], Reason::Granted),
            (
                "allowed everywhere is allowed there",
                vec![allow("telescope", "read")],
                ("telescope", "read"),
                vec!["telescope:a"],
                Reason::Granted,
            ),
            ("another action", vec![allow("telescope", "read")], ("telescope", "write"), vec![], Reason::NotGranted),
            ("another kind", vec![allow("telescope", "read")], ("dome", "read"), vec![], Reason::NotGranted),
            (
                "denied",
                vec![allow("telescope", "read"), deny("telescope", "read")],
                ("telescope", "read"),
                vec![],
                Reason::Denied,
            ),
            ("everything", vec![allow("*", "*")], ("telescope", "read"), vec![], Reason::Granted),
            ("everything, a known right", vec![allow("*", "*")], ("dome", "control"), vec![], Reason::Granted),
            ("everything, an unknown right", vec![allow("*", "*")], ("roof", "open"), vec![], Reason::Granted),
            ("every action", vec![allow("dome", "*")], ("dome", "control"), vec![], Reason::Granted),
            ("every action of another", vec![allow("dome", "*")], ("telescope", "read"), vec![], Reason::NotGranted),
            ("every kind", vec![allow("*", "read")], ("roof", "read"), vec![], Reason::Granted),
            (
                "every kind but one",
                vec![allow("*", "read"), deny("roof", "*")],
                ("roof", "read"),
                vec![],
                Reason::Denied,
            ),
            (
                "all but one",
                vec![allow("*", "*"), deny("dome", "control")],
                ("dome", "control"),
                vec![],
                Reason::Denied,
            ),
            (
                "there",
                vec![allow("telescope", "read").within("telescope:a")],
                ("telescope", "read"),
                vec!["telescope:a"],
                Reason::Granted,
            ),
            (
                "elsewhere",
                vec![allow("telescope", "read").within("telescope:a")],
                ("telescope", "read"),
                vec!["telescope:b"],
                Reason::NotGranted,
            ),
            (
                "nowhere in particular",
                vec![allow("telescope", "read").within("telescope:a")],
                ("telescope", "read"),
                vec![],
                Reason::NotGranted,
            ),
            (
                "one of two scopes",
                vec![allow("telescope", "read").within("organisation:o")],
                ("telescope", "read"),
                vec!["telescope:a", "organisation:o"],
                Reason::Granted,
            ),
            (
                "denied in one of two",
                vec![allow("telescope", "read"), deny("telescope", "read").within("organisation:o")],
                ("telescope", "read"),
                vec!["telescope:a", "organisation:o"],
                Reason::Denied,
            ),
            (
                "denied there, asked elsewhere",
                vec![allow("telescope", "read"), deny("telescope", "read").within("telescope:a")],
                ("telescope", "read"),
                vec!["telescope:b"],
                Reason::Granted,
            ),
            (
                "everything there",
                vec![allow("*", "*").within("telescope:a")],
                ("telescope", "read"),
                vec!["telescope:a"],
                Reason::Granted,
            ),
            (
                "everything there, an unknown right",
                vec![allow("*", "*").within("telescope:a")],
                ("roof", "open"),
                vec!["telescope:a"],
                Reason::Granted,
            ),
            (
                "everything there, an unknown right elsewhere",
                vec![allow("*", "*").within("telescope:a")],
                ("roof", "open"),
                vec!["telescope:b"],
                Reason::NotGranted,
            ),
            (
                "the star is no right of its own",
                vec![allow("telescope", "read")],
                ("*", "*"),
                vec![],
                Reason::NotGranted,
            ),
        ] {
            let snapshot = Snapshot::compile(&tables(&rules), &KNOWN);
            let decision = snapshot.check(&"ada".parse().unwrap(), right.into(), &scopes);
            assert_eq!(decision.reason, expected, "{what}");
            assert_eq!((decision.allowed, decision.generation), (expected == Reason::Granted, 7), "{what}");
        }
    }

    #[test]
    fn accounts_that_may_do_nothing() {
        let mut tables = tables(&[Rule::allow("*", "*")]);
        for account in &mut tables.accounts {
            account.enabled = false;
        }
        let snapshot = Snapshot::compile(&tables, &KNOWN);
        for (name, expected) in
            [("ada", Reason::Disabled), ("Ada", Reason::UnknownAccount), ("bob", Reason::UnknownAccount)]
        {
            let decision = snapshot.check(&name.parse().unwrap(), ("telescope", "read").into(), &[]);
            assert_eq!((decision.allowed, decision.reason), (false, expected), "{name}");
        }
    }
}
