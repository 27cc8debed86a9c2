//! How soon a right that was taken away is gone in another process: two that answer from memory, each over a store of its own, with as many
//! rows in the database as the checks are measured with.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use store::accounts::permissions::Holder;
use vocabulary::Permission;

use crate::{
    scenario::{Numbers, tables},
    stand::Stand,
    table::{Goal, Table, Unit, at},
};

const TIMES: usize = 250;
const RIGHT: Permission = Permission::new("telescope", "read");

pub(crate) async fn measure(table: &mut Table) {
    let stand = Stand::new().await;
    fill(&stand).await;
    let ada = stand.user("ada").await;
    let (here, _first) = stand.rights(&[RIGHT]).await;
    let endpoint = stand.store.endpoint();
    let other = store::Store::connect(endpoint, store::PoolSettings::default()).await.expect("a store");
    let (there, _second) = stand.rights_of(&other, &[RIGHT]).await;
    let observer = "observer".parse().expect("a role");
    let mut times = Vec::new();
    for round in 0..2 * TIMES {
        let gives = round % 2 == 0;
        let mut tx = stand.store.begin().await.expect("a transaction");
        if gives {
            stand.accounts.assign_role(&mut tx, &observer, &ada.id).await.expect("a change");
        } else {
            stand.accounts.withdraw_role(&mut tx, &observer, &ada.id).await.expect("a change");
        }
        let started = Instant::now();
        tx.commit().await.expect("a commit");
        for rights in [&there, &here] {
            let mut generations = rights.generations();
            while rights.check(&ada.username, RIGHT, None).allowed != gives {
                let next = tokio::time::timeout(Duration::from_secs(10), generations.changed()).await;
                next.expect("a notice").expect("rights that are kept");
            }
        }
        if !gives {
            times.push(started.elapsed().as_secs_f64() * 1e9);
        }
    }
    let limit = Goal::AtMost(1e8);
    table.alone(
        &format!("a right taken away, gone in two processes: p50 of {TIMES}"),
        Unit::Nanoseconds,
        Goal::None,
        at(&mut times, 0.5),
    );
    table.alone("  p99", Unit::Nanoseconds, limit, at(&mut times, 0.99));
}

/// Writes the tables that the checks are measured with.
async fn fill(stand: &Stand) {
    let tables = tables(&mut Numbers::new());
    let rules: HashMap<_, _> = tables.permissions.iter().map(|(id, rule)| (id, rule)).collect();
    let mut whole = stand.store.begin().await.expect("a transaction");
    let tx = &mut whole;
    let (accounts, mut roles, mut groups) = (&stand.accounts, HashMap::new(), HashMap::new());
    for row in &tables.roles {
        let role = accounts.create_role(tx, &row.name, "").await.expect("a role").id;
        for rule in row.permissions.iter().map(|id| rules[id]) {
            accounts.grant(tx, &Holder::Role(role.clone()), rule).await.expect("a grant");
        }
        roles.insert(&row.id, role);
    }
    for row in &tables.groups {
        let group = accounts.create_group(tx, &row.name, "", None).await.expect("a group").id;
        for rule in row.permissions.iter().map(|id| rules[id]) {
            accounts.grant(tx, &Holder::Group(group.clone()), rule).await.expect("a grant");
        }
        groups.insert(&row.id, group);
    }
    for row in &tables.accounts {
        let new = engine_accounts::NewUser::person(row.username.clone());
        let user = accounts.create_user(tx, &new).await.expect("an account").id;
        for role in &row.roles {
            accounts.assign_role(tx, &roles[role], &user).await.expect("a role");
        }
        for group in &row.groups {
            accounts.join_group(tx, &groups[group], &user).await.expect("a group");
        }
    }
    whole.commit().await.expect("a commit");
}
