//! Runs a coordinator for as long as it is wanted: one at a time in the whole system, started anew with backoff when it fails.

use std::{future::Future, sync::Arc, time::Duration};

use bus::{Address, Credentials};
use catalog::frame::Setting;
use futures::FutureExt;
use store::{Leadership, Store, Vault};
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault, ids::AccountName};

use crate::{Authority, Coordinator, Trail, shift};

/// The shortest and the longest pause before a coordinator is started anew.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A life that lasted this long lets the backoff begin anew.
const LASTING: Duration = Duration::from_secs(60);
/// How long the ownership is waited for before it is logged again that another one has it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a lost ownership is tried to have again.
const REGAIN: Duration = Duration::from_millis(250);

/// What every coordinator of a process shares.
#[derive(Clone)]
pub struct Frame {
    /// Where the broker is.
    pub address: Address,
    /// How TLS is spoken with the broker, where its address says so.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// The node's login, from which those of its coordinators derive; or that of the one coordinator that runs here.
    pub credentials: Option<Credentials>,
    /// The account that reply topics belong to where the broker asks for no login.
    pub account: AccountName,
    /// Who may do what.
    pub authority: Arc<dyn Authority>,
    /// Where it is recorded who did what.
    pub trail: Trail,
    /// Seals secret settings, where this process has the master key.
    pub vault: Option<Vault>,
    /// The database.
    pub store: Store,
    /// Where now comes from.
    pub clock: Clock,
    /// The boot settings, shown beside the others.
    pub boot: Vec<Setting>,
}

/// Runs a coordinator until `stop` is cancelled. A second one of the same name, in this process or another, waits until the first is gone.
pub async fn run<C: Coordinator>(frame: Frame, given: C::Given, stop: CancellationToken) {
    let mut backoff = BACKOFF.0;
    while !stop.is_cancelled() {
        let Some(leadership) = lead::<C>(&frame, &stop).await else { return };
        let begun = tokio::time::Instant::now();
        let outcome = one_life::<C>(&frame, given.clone(), &stop, leadership).await;
        match outcome {
            Ok(()) if stop.is_cancelled() => return,
            Ok(()) => tracing::warn!(owner = %C::OWNER, "coordinator gave its ownership up"),
            Err(fault) => tracing::error!(owner = %C::OWNER, %fault, "coordinator failed and is started anew"),
        }
        if begun.elapsed() > LASTING {
            backoff = BACKOFF.0;
        }
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = stop.cancelled() => return,
        }
        backoff = (backoff * 2).min(BACKOFF.1);
    }
}

/// Waits for the ownership of the coordinator's name.
async fn lead<C: Coordinator>(frame: &Frame, stop: &CancellationToken) -> Option<Leadership> {
    let name = C::OWNER.component();
    loop {
        let endpoint = frame.store.endpoint();
        let acquired = tokio::select! {
            acquired = Leadership::acquire(&endpoint, &name, PATIENCE) => acquired,
            () = stop.cancelled() => return None,
        };
        match acquired {
            Ok(Some(leadership)) => return Some(leadership),
            Ok(None) => tracing::info!(owner = %C::OWNER, "another process is this coordinator; waiting to take over"),
            Err(error) => tracing::warn!(owner = %C::OWNER, %error, "no database to become the coordinator with"),
        }
    }
}

/// One life, with its panics caught, until it is ended, fails, or another process has taken the ownership.
async fn one_life<C: Coordinator>(
    frame: &Frame,
    given: C::Given,
    stop: &CancellationToken,
    mut leadership: Leadership,
) -> Result<(), Fault> {
    let end = stop.child_token();
    let life = std::panic::AssertUnwindSafe(shift::live::<C>(frame, given, &end)).catch_unwind();
    tokio::pin!(life);
    loop {
        let regained = tokio::select! {
            outcome = &mut life => {
                leadership.release().await;
                return outcome.unwrap_or_else(|_| Err(Fault::internal(format!("{} panicked", C::OWNER.component()))));
            }
            regained = regain::<C>(frame, leadership.lost()) => regained,
        };
        if let Some(again) = regained {
            leadership = again;
        } else {
            tracing::warn!(owner = %C::OWNER, "another process took over");
            end.cancel();
            return life.await.unwrap_or(Ok(()));
        }
    }
}

/// Waits until the ownership is lost (its connection broke: the database is away), then tries to have it again; nothing if another process
/// has it now. Meanwhile the coordinator goes on: what needs the database fails by itself, and safety must not stop.
async fn regain<C: Coordinator>(frame: &Frame, lost: impl Future<Output = ()>) -> Option<Leadership> {
    lost.await;
    let mut pause = tokio::time::interval(REGAIN);
    loop {
        pause.tick().await;
        match Leadership::try_acquire(&frame.store.endpoint(), &C::OWNER.component()).await {
            Ok(regained) => return regained,
            Err(error) => tracing::debug!(%error, "ownership is not regained yet"),
        }
    }
}
