//! The compiled rights against a plain reading of the tables: random tables, random questions, and others who change them meanwhile.
//!
//! A sample by default; a million questions where `BIGSKIES_SOAK` is set.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use engine_accounts::rights::Snapshot;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use store::{
    Tx,
    accounts::{
        permissions::{Effect, Holder, Rule},
        tables::{self, Probe},
    },
};
use vocabulary::{
    Permission,
    ids::{GroupId, RoleId, UserId},
};

use crate::stand::Stand;

const RESOURCES: [&str; 5] = ["telescope", "dome", "user", "roof", "*"];
const ACTIONS: [&str; 4] = ["read", "write", "control", "*"];
const SCOPES: [Option<&str>; 4] = [None, Some("telescope:a"), Some("telescope:b"), Some("organisation:o")];
/// Some of what is asked for is known before, some is not.
const KNOWN: [Permission; 3] =
    [Permission::new("telescope", "read"), Permission::new("roof", "control"), Permission::new("dome", "park")];
const PROBES: usize = 1000;

/// Who and what there is.
struct World {
    names: Vec<String>,
    users: Vec<UserId>,
    roles: Vec<RoleId>,
    groups: Vec<GroupId>,
}

impl World {
    async fn of(stand: &Stand) -> Self {
        let (mut names, mut users) = (vec!["nobody".to_owned()], Vec::new());
        for n in 0..8 {
            names.push(format!("user-{n}"));
            users.push(stand.user(&format!("user-{n}")).await.id);
        }
        let (mut roles, mut groups) = (vec!["observer".parse().unwrap(), "administrator".parse().unwrap()], Vec::new());
        for n in 0..4 {
            let name = format!("one-{n}");
            let role = stand.write(async |tx| stand.accounts.create_role(tx, &name, "").await).await.unwrap();
            let group = stand.write(async |tx| stand.accounts.create_group(tx, &name, "", None).await).await.unwrap();
            roles.push(role.id);
            groups.push(group.id);
        }
        Self { names, users, roles, groups }
    }

    fn probe(&self, random: &mut StdRng) -> Probe {
        let mut one_of = |words: &[&str]| (*words.choose(random).unwrap()).to_owned();
        let (resource, action) =
            (one_of(&["telescope", "dome", "user", "roof", "kiosk"]), one_of(&["read", "write", "control", "park"]));
        let scope = SCOPES.choose(random).unwrap().map(str::to_owned);
        Probe { username: self.names.choose(random).unwrap().clone(), resource, action, scope }
    }

    fn rule(&self, random: &mut StdRng) -> Rule {
        let effect = if random.random_bool(0.25) { Effect::Deny } else { Effect::Allow };
        Rule {
            resource: (*RESOURCES.choose(random).unwrap()).to_owned(),
            action: (*ACTIONS.choose(random).unwrap()).to_owned(),
            effect,
            scope: SCOPES.choose(random).unwrap().map(str::to_owned),
        }
    }

    /// Changes something, or finds that it may not be changed.
    async fn change(&self, stand: &Stand, tx: &mut Tx, random: &mut StdRng) {
        let accounts = &stand.accounts;
        let user = self.users.choose(random).unwrap();
        let (role, group) = (self.roles.choose(random).unwrap(), self.groups.choose(random).unwrap());
        let holder = if random.random_bool(0.5) { Holder::Role(role.clone()) } else { Holder::Group(group.clone()) };
        let rule = self.rule(random);
        let refused = match random.random_range(0..9) {
            0 | 1 => accounts.grant(tx, &holder, &rule).await.err(),
            2 => accounts.withdraw(tx, &holder, &rule).await.err(),
            3 => accounts.assign_role(tx, role, user).await.err(),
            4 => accounts.withdraw_role(tx, role, user).await.err(),
            5 => accounts.join_group(tx, group, user).await.err(),
            6 => accounts.leave_group(tx, group, user).await.err(),
            7 => accounts.disable_user(tx, user).await.err(),
            _ => accounts.enable_user(tx, user).await.err(),
        };
        if let Some(error) = refused {
            let is_guard = error.to_string().contains("administrator");
            assert!(is_guard || error.to_string().contains("database was too busy"), "{error}");
        }
    }
}

/// Changes this and that until told to stop. Who loses against another one tries something else.
async fn disturb(stand: &Stand, world: &World, seed: u64, done: &AtomicBool) -> u32 {
    let (mut random, mut changes) = (StdRng::seed_from_u64(seed), 0);
    while !done.load(Ordering::Relaxed) {
        let mut tx = stand.store.begin().await.unwrap();
        world.change(stand, &mut tx, &mut random).await;
        // A transaction in which something was refused may be void; then nothing of it lasts.
        if tx.commit().await.is_ok() {
            changes += 1;
        }
    }
    changes
}

#[tokio::test]
async fn the_compiled_answer_is_that_of_the_tables() {
    let long = std::env::var_os("BIGSKIES_SOAK").is_some();
    let (cases_max, time_max) = if long { (1_000_000, 3600) } else { (50_000, 15) };
    let seed = std::env::var("BIGSKIES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("seed {seed}");
    let stand = Stand::new().await;
    let world = World::of(&stand).await;
    let done = AtomicBool::new(false);
    let compare = async {
        let (mut random, started) = (StdRng::seed_from_u64(seed), Instant::now());
        let (mut cases, mut allowed, mut rounds) = (0, 0, 0);
        while cases < cases_max && started.elapsed() < Duration::from_secs(time_max) {
            let probes: Vec<Probe> = (0..PROBES).map(|_| world.probe(&mut random)).collect();
            let (tables, answers) = tables::read_and_probe(&stand.store, &probes).await.unwrap();
            let snapshot = Snapshot::compile(&tables, &KNOWN);
            for (probe, answer) in probes.iter().zip(answers) {
                let right = (probe.resource.as_str(), probe.action.as_str());
                let scope = probe.scope.as_deref();
                let decision = snapshot.check(&probe.username.parse().unwrap(), right.into(), scope.as_slice());
                assert_eq!(decision.allowed, answer, "seed {seed}, {probe:?}: {decision:?} in {tables:#?}");
                allowed += u32::from(answer);
            }
            (cases, rounds) = (cases + PROBES, rounds + 1);
        }
        done.store(true, Ordering::Relaxed);
        (cases, allowed, rounds)
    };
    let ((cases, allowed, rounds), one, two) = tokio::join!(
        compare,
        disturb(&stand, &world, seed.wrapping_add(1), &done),
        disturb(&stand, &world, seed.wrapping_add(2), &done)
    );
    println!(
        "{cases} questions to {rounds} states of the tables agree ({allowed} allowed), during {} changes",
        one + two
    );
    assert!(cases > 0 && allowed > 0);
}
