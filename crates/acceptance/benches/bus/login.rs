//! How many clients a second an observatory lets in.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use crate::{
    Outcome,
    client::{Client, Entrance},
    observatory::{ADMINISTRATOR, On, PASSWORD},
    server::Places,
    table::{Goal, Table, Unit},
};

/// Clients that log in at the same time.
const CLIENTS: usize = 8;
/// Logins in a round: passwords are slow on purpose, and each login keeps a port of this machine busy for a minute.
const BY_PASSWORD: usize = 64;
const BY_KEY: usize = 1_600;

/// By name and password, and by API key.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let up = places.up(&places.fresh("login")?, On::Own)?;
    let key = places.operator(&up)?;
    let password = Entrance { account: ADMINISTRATOR.to_owned(), password: Some(PASSWORD.to_owned()), ..key.clone() };
    for (figure, entrance, count) in
        [("logins, user and password", password, BY_PASSWORD), ("logins, API key", key, BY_KEY)]
    {
        let figures = (0..rounds).map(|_| logins(&entrance, count)).collect::<Outcome<Vec<_>>>()?;
        table.alone(figure, Unit::Logins, Goal::None, &figures);
    }
    up.process.stop()
}

fn logins(entrance: &Entrance, count: usize) -> Outcome<f64> {
    let begun = AtomicUsize::new(0);
    let log_in = || -> Outcome<()> {
        loop {
            let number = begun.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            Client::connect(entrance, &format!("login-{number}"))?;
        }
    };
    let started = Instant::now();
    let all: Vec<Outcome<()>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(log_in)).collect();
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into()))).collect()
    });
    let took = started.elapsed();
    all.into_iter().collect::<Outcome<()>>()?;
    Ok(count as f64 / took.as_secs_f64())
}
