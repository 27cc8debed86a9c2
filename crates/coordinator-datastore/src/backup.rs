//! Backup and restoration, begun by a command and told the end of by an event.

use bus::Outgoing;
use catalog::{
    Kind, Owner,
    datastore::{BackupEnded, BackupProgress, BackupStarted, Backups, CreateBackup, ListBackups, RestoreBackup},
};
use coordinator::Cx;
use store::backup::{self, BackupError, Summary};
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

/// Does a piece of work and shows that it is under way.
async fn follow(datastore: &Datastore, job: &Job) -> Result<Summary, BackupError> {
    let (operation_id, table) = (job.operation_id.clone(), String::new());
    let progress = BackupProgress { operation_id, table, tables_done: 0, tables_total: 0 };
    if let Err(fault) = datastore.bus.retain(job.operation_id.as_str(), &progress).await {
        tracing::warn!(%fault, "progress of a backup was not published");
    }
    run(datastore, job).await
}

async fn run(datastore: &Datastore, job: &Job) -> Result<Summary, BackupError> {
    let (endpoint, path) = (datastore.store.endpoint(), datastore.vault.path(&job.name));
    match job.work {
        Work::Create => backup::backup(&endpoint, &path, datastore.clock.now()).await,
        Work::Restore => backup::restore(&endpoint, &path).await,
    }
}

/// Tells the end. After a restoration everybody reads their settings again, since the rows are others now.
async fn tell(datastore: &Datastore, job: Job, ended: Result<Summary, BackupError>) {
    let Job { operation_id, name, work } = job;
    // The store does not count rows.
    let rows = 0;
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
