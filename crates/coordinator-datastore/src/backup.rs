//! Backup and restoration, begun by a command and told the end of by an event.

use bus::Outgoing;
use catalog::{
    Kind, Owner,
    datastore::{BackupEnded, BackupProgress, BackupStarted, Backups, CreateBackup, ListBackups, RestoreBackup},
};
use coordinator::Cx;
use store::backup::{self, BackupError, Summary};
use tokio::sync::watch;
use vocabulary::Fault;

use crate::{
    Datastore,
    vault::{Job, Work},
};

/// Begins a backup.
pub(crate) async fn create(cx: Cx<Datastore>, create: CreateBackup) -> Result<BackupStarted, Fault> {
    begin(&cx, Work::Create, create.name).await
}

/// Begins a restoration.
pub(crate) async fn restore(cx: Cx<Datastore>, restore: RestoreBackup) -> Result<BackupStarted, Fault> {
    begin(&cx, Work::Restore, Some(restore.name)).await
}

async fn begin(cx: &Cx<Datastore>, work: Work, name: Option<String>) -> Result<BackupStarted, Fault> {
    let Job { operation_id, name, work } = cx.vault.begin(work, name).await?;
    tracing::info!(%operation_id, name, ?work, by = %cx.caller().account, "backup work begins");
    Ok(BackupStarted { operation_id, name })
}

/// Lists the backups.
pub(crate) async fn list(cx: Cx<Datastore>, _: ListBackups) -> Result<Backups, Fault> {
    Ok(Backups { backups: cx.vault.list().await? })
}

/// Does the work that was begun, for as long as it is polled.
pub(crate) async fn work_off(datastore: &Datastore) -> Result<(), Fault> {
    loop {
        let job = datastore.vault.next().await;
        let ended = follow(datastore, &job).await;
        datastore.vault.end();
        tell(datastore, job, ended).await;
    }
}

/// Does a piece of work and shows how far it is.
async fn follow(datastore: &Datastore, job: &Job) -> Result<Summary, BackupError> {
    let nothing_yet = BackupProgress {
        operation_id: job.operation_id.clone(),
        table: String::new(),
        tables_done: 0,
        tables_total: 0,
    };
    let (steps, mut progress) = watch::channel(nothing_yet);
    progress.mark_changed();
    let work = run(datastore, job, &steps);
    tokio::pin!(work);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            Ok(()) = progress.changed() => {
                let now = progress.borrow_and_update().clone();
                if let Err(fault) = datastore.bus.retain(job.operation_id.as_str(), &now).await {
                    tracing::warn!(%fault, "progress of a backup was not published");
                }
            }
        }
    }
}

async fn run(datastore: &Datastore, job: &Job, steps: &watch::Sender<BackupProgress>) -> Result<Summary, BackupError> {
    let (endpoint, path) = (datastore.store.endpoint(), datastore.vault.path(&job.name));
    let tell = |step: backup::Step<'_>| {
        steps.send_modify(|progress| {
            step.table.clone_into(&mut progress.table);
            progress.tables_done = step.done;
            progress.tables_total = step.total;
        });
    };
    match job.work {
        Work::Create => backup::backup_in_steps(&endpoint, &path, datastore.clock.now(), &tell).await,
        Work::Restore => backup::restore_in_steps(&endpoint, &path, &tell).await,
    }
}

/// Tells the end. After a restoration everybody reads their settings again, since the rows are others now.
async fn tell(datastore: &Datastore, job: Job, ended: Result<Summary, BackupError>) {
    let Job { operation_id, name, work } = job;
    let rows = ended.as_ref().map_or(0, |summary| summary.tables.iter().map(|table| table.rows).sum());
    let failure = ended.err().map(Fault::from);
    match &failure {
        None => tracing::info!(%operation_id, name, ?work, rows, "backup work ended"),
        Some(fault) => tracing::error!(%operation_id, name, ?work, %fault, "backup work failed"),
    }
    if let Err(fault) = datastore.bus.clear::<BackupProgress>(operation_id.as_str()).await {
        tracing::warn!(%fault, "progress of a backup was not cleared");
    }
    if work == Work::Restore && failure.is_none() {
        have_settings_read(datastore).await;
    }
    let event = BackupEnded { operation_id, name, rows, failure };
    if let Err(fault) = datastore.bus.emit(&event).await {
        tracing::warn!(%fault, "end of a backup was not told");
    }
}

async fn have_settings_read(datastore: &Datastore) {
    let notices = Owner::ALL.into_iter().flat_map(Owner::messages).filter(|entry| entry.kind == Kind::Notice);
    for notice in notices.filter(|entry| entry.name.starts_with("config/update/")) {
        let outgoing = Outgoing { topic: notice.topic(), payload: "{}".into(), ..Outgoing::default() };
        if let Err(fault) = datastore.bus.publish(outgoing).await {
            tracing::warn!(%fault, notice = %notice.name, "settings are not read again");
        }
    }
}
