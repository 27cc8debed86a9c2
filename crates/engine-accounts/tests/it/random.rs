//! The compiled rights against a plain reading of the tables and against SQL: random tables, random questions, and others who change the
//! tables meanwhile.
//!
//! A sample by default; a million questions where `BIGSKIES_SOAK` is set.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use engine_accounts::{AccountsError, Reason, rights::Snapshot};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use sha2::{Digest, Sha256};
use store::{
    Tx,
    accounts::{
        permissions::{Effect, Holder, Rule},
        tables::{self, Probe, Tables},
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
/// How often whoever changes the tables does so, that who asks gets somewhere, too.
const BREATH: Duration = Duration::from_millis(4);
/// Questions to one state of the tables.
const PROBES: usize = 200;

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
        let effect = if random.random_bool(0.1) { Effect::Deny } else { Effect::Allow };
        Rule {
            resource: (*RESOURCES.choose(random).unwrap()).to_owned(),
            action: (*ACTIONS.choose(random).unwrap()).to_owned(),
            effect,
            scope: SCOPES.choose(random).unwrap().map(str::to_owned),
        }
    }

    /// Most rules are not there to be withdrawn, so several are tried.
    async fn withdraw_some(
        &self,
        stand: &Stand,
        tx: &mut Tx,
        holder: &Holder,
        random: &mut StdRng,
    ) -> Result<(), AccountsError> {
        for _ in 0..24 {
            stand.accounts.withdraw(tx, holder, &self.rule(random)).await?;
        }
        Ok(())
    }

    /// Changes something, or finds that it may not be changed.
    async fn change(&self, stand: &Stand, tx: &mut Tx, random: &mut StdRng) {
        let accounts = &stand.accounts;
        let user = self.users.choose(random).unwrap();
        let (role, group) = (self.roles.choose(random).unwrap(), self.groups.choose(random).unwrap());
        let holder = if random.random_bool(0.5) { Holder::Role(role.clone()) } else { Holder::Group(group.clone()) };
        let refused = match random.random_range(0..9) {
            0 | 1 => accounts.grant(tx, &holder, &self.rule(random)).await.err(),
            2 => self.withdraw_some(stand, tx, &holder, random).await.err(),
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

/// What the tables say, read row by row as a person would: an enabled account with a rule that allows it and none that denies it.
fn plain(tables: &Tables, probe: &Probe) -> bool {
    let found = tables.accounts.iter().find(|account| account.username.as_str() == probe.username);
    let Some(account) = found.filter(|account| account.enabled) else { return false };
    let of_roles =
        tables.roles.iter().filter(|role| account.roles.contains(&role.id)).flat_map(|role| &role.permissions);
    let of_groups =
        tables.groups.iter().filter(|one| account.groups.contains(&one.id)).flat_map(|one| &one.permissions);
    let has: Vec<_> = of_roles.chain(of_groups).collect();
    let fits = |rule: &Rule| {
        ["*", &probe.resource].contains(&rule.resource.as_str())
            && ["*", &probe.action].contains(&rule.action.as_str())
            && (rule.scope.is_none() || rule.scope == probe.scope)
    };
    let rules = || tables.permissions.iter().filter(|(id, rule)| has.contains(&id) && fits(rule)).map(|(_, rule)| rule);
    rules().any(|rule| rule.effect == Effect::Allow) && !rules().any(|rule| rule.effect == Effect::Deny)
}

/// The state of the tables, whenever it was read.
fn state_of(tables: &Tables) -> String {
    format!("{:?}", Tables { generation: 0, ..tables.clone() })
}

/// Changes this and that until told to stop. Who loses against another one tries something else.
async fn disturb(stand: &Stand, world: &World, seed: u64, done: &AtomicBool) -> u32 {
    let (mut random, mut changes) = (StdRng::seed_from_u64(seed), 0);
    let mut turns = tokio::time::interval(BREATH);
    while !done.load(Ordering::Relaxed) {
        turns.tick().await;
        let mut tx = stand.store.begin().await.unwrap();
        world.change(stand, &mut tx, &mut random).await;
        // A transaction in which something was refused may be void; then nothing of it lasts.
        if tx.commit().await.is_ok() {
            changes += 1;
        }
    }
    changes
}

/// What was found.
#[derive(Default)]
struct Count {
    cases: usize,
    allowed: usize,
    denied_by_rule: usize,
    reads: usize,
    states: HashSet<[u8; 32]>,
}

/// Asks one state of the tables many things, in three ways.
async fn compare(stand: &Stand, world: &World, seed: u64, random: &mut StdRng, count: &mut Count) {
    let probes: Vec<Probe> = (0..PROBES).map(|_| world.probe(random)).collect();
    let (tables, answers) = tables::read_and_probe(&stand.store, &probes).await.unwrap();
    let snapshot = Snapshot::compile(&tables, &KNOWN);
    for (probe, answer) in probes.iter().zip(answers) {
        let right = (probe.resource.as_str(), probe.action.as_str());
        let decision =
            snapshot.check(&probe.username.parse().unwrap(), right.into(), probe.scope.as_deref().as_slice());
        let all = [decision.allowed, plain(&tables, probe), answer];
        assert!(all == [answer; 3], "seed {seed}, {probe:?}: compiled, read, SQL {all:?}: {decision:?} in {tables:#?}");
        count.allowed += usize::from(answer);
        count.denied_by_rule += usize::from(decision.reason == Reason::Denied);
    }
    count.cases += PROBES;
    count.reads += 1;
    count.states.insert(Sha256::digest(state_of(&tables)).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_compiled_answer_is_that_of_the_tables() {
    let long = std::env::var_os("BIGSKIES_SOAK").is_some();
    let (cases_max, time_max) = if long { (1_000_000, 3600) } else { (50_000, 15) };
    let seed = std::env::var("BIGSKIES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("seed {seed}");
    let stand = Stand::new().await;
    let world = World::of(&stand).await;
    let (done, started) = (AtomicBool::new(false), Instant::now());
    let asking = async {
        let (mut random, mut count) = (StdRng::seed_from_u64(seed), Count::default());
        while count.cases < cases_max && started.elapsed() < Duration::from_secs(time_max) {
            compare(&stand, &world, seed, &mut random, &mut count).await;
        }
        done.store(true, Ordering::Relaxed);
        count
    };
    let (count, one, two) = tokio::join!(
        asking,
        disturb(&stand, &world, seed.wrapping_add(1), &done),
        disturb(&stand, &world, seed.wrapping_add(2), &done)
    );
    let Count { cases, allowed, denied_by_rule, reads, states } = count;
    println!(
        "{cases} questions to {reads} reads of the tables ({} different states) agree: {allowed} allowed, {denied_by_rule} denied by \
         a rule, during {} changes, in {:.0} s",
        states.len(),
        one + two,
        started.elapsed().as_secs_f64()
    );
    assert!(cases > 0 && allowed > 0 && denied_by_rule > 0);
    // Else it would be the same few tables again and again, or one that nobody changes.
    assert!(states.len() * 2 > reads, "{} different states in {reads} reads", states.len());
    assert!(!long || (cases >= cases_max && states.len() >= 2000), "{cases} questions to {} states", states.len());
}
