//! The first administrator: while there is none, a file holds a one-time secret with which who has the machine makes one.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use engine_accounts::{AccountsError, ExposeSecret as _, SecretString};
use tokio::time::sleep;
use vocabulary::{Fault, Timestamp};

use crate::{Security, faults};

/// How often it is looked whether there is an administrator and the secret is still good.
const INTERVAL: Duration = Duration::from_secs(60);

/// When the secret in the file was made; nothing where this process wrote none.
#[derive(Debug, Default)]
pub(crate) struct FirstSecret(Mutex<Option<Timestamp>>);

impl Security {
    /// Writes a secret where there is no administrator, a fresh one in good time; removes the file where there is one.
    pub(crate) async fn tend_first_secret(&self) -> Result<(), Fault> {
        let Some(path) = self.given.first_secret.clone() else { return Ok(()) };
        if self.accounts.has_administrator().await.map_err(faults::of_accounts)? {
            self.forget_first_secret().await;
            return Ok(());
        }
        let now = self.clock.now();
        let half = Duration::from_secs(u64::from(self.settings().accounts.setup_secret_hours) * 1800);
        let made_at = *self.first.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made_at.is_some_and(|at| now.since(at) < half) {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let secret = match self.accounts.issue_first_secret(&mut tx).await {
            Ok(secret) => secret,
            Err(AccountsError::AdministratorExists) => return Ok(()),
            Err(error) => return Err(faults::of_accounts(error)),
        };
        tx.commit().await?;
        write(path.clone(), secret).await.map_err(|error| {
            Fault::internal(format!("file {} can't be written: {error}", path.display()))
                .hint("see that the data folder belongs to this process")
        })?;
        *self.first.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        tracing::warn!(file = %path.display(), "there is no administrator yet; bigskies admin create makes one with this file");
        Ok(())
    }

    /// Removes the file, since the secret in it is good for nothing any more.
    pub(crate) async fn forget_first_secret(&self) {
        let Some(path) = self.given.first_secret.clone() else { return };
        *self.first.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let removed = tokio::task::spawn_blocking(move || fs::remove_file(path)).await;
        match removed {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(Err(error)) => tracing::warn!(%error, "file with the used secret can't be removed"),
            Err(error) => tracing::warn!(%error, "file with the used secret was not removed"),
        }
    }
}

/// Looks after the file.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    loop {
        sleep(INTERVAL).await;
        if let Err(fault) = security.tend_first_secret().await {
            tracing::warn!(%fault, "secret of the first administrator can't be looked after");
        }
    }
}

async fn write(path: PathBuf, secret: SecretString) -> io::Result<()> {
    tokio::task::spawn_blocking(move || write_whole(&path, secret.expose_secret())).await.map_err(io::Error::other)?
}

/// Writes the file whole or not at all, for its owner's eyes alone.
fn write_whole(path: &Path, secret: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    // A file that is there already would keep its mode.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all())?;
    fs::rename(&unfinished, path)
}
