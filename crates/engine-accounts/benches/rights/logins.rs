//! Logins at the default cost of a hash, one after the other and as many at once as there is a turn for.

use std::{sync::Arc, time::Instant};

use engine_accounts::AccountsSettings;

use crate::{
    stand::{PASSWORD, Stand, word},
    table::{Goal, Table, Unit, median},
};

const ACCOUNTS: usize = 16;
/// Logins of a round.
const LOGINS: usize = 64;
const ROUNDS: usize = 5;

pub(crate) async fn measure(table: &mut Table) {
    let settings = AccountsSettings::default();
    let cost = format!("Argon2id, {} KiB, {} passes", settings.argon2_memory_kibibytes, settings.argon2_passes);
    let stand = Arc::new(Stand::with(settings).await);
    for account in 0..ACCOUNTS {
        stand.user(&name(account)).await;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut one = Vec::new();
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        one.push(round(&stand, 1).await);
        all.push(round(&stand, 2 * cores).await);
    }
    let one = median(one.into_iter());
    table.alone(&format!("logins, one after the other ({cost})"), Unit::Rate, Goal::None, one);
    table.alone(&format!("logins, {} at once", 2 * cores), Unit::Rate, Goal::None, median(all.into_iter()));
}

fn name(account: usize) -> String {
    format!("account-{account}")
}

/// Logins in a second.
async fn round(stand: &Arc<Stand>, at_once: usize) -> f64 {
    let started = Instant::now();
    let workers = (0..at_once).map(|worker| {
        let stand = Arc::clone(stand);
        tokio::spawn(async move {
            for login in (worker..LOGINS).step_by(at_once) {
                let name = name(login % ACCOUNTS);
                assert_eq!(word(&stand.login(&name, PASSWORD, &format!("place-{login}")).await), "in");
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("logins");
    }
    LOGINS as f64 / started.elapsed().as_secs_f64()
}
