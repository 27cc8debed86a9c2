//! Refreshes `.sqlx`, what the statements of this room are checked against at compile time: starts a private cluster in a
//! temporary folder, migrates it, and builds the room once against it.
//!
//! `cargo run -p store --no-default-features --example prepare` from anywhere in the workspace. With arguments after `--`
//! it runs that command instead, with `DATABASE_URL` of the migrated database in its environment.

use std::{
    env, error, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use store::{ClusterOptions, PrivateCluster, migrations};

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = tempfile::tempdir()?;
    // For root the server runs as somebody else, who must be able to enter.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let cluster = PrivateCluster::start(folder.path(), ClusterOptions::default()).await?;
    let outcome = work(&cluster).await;
    cluster.stop().await?;
    outcome
}

async fn work(cluster: &PrivateCluster) -> Result<(), Box<dyn error::Error>> {
    let endpoint = cluster.endpoint();
    migrations::run(&endpoint, &[]).await?;
    let mut arguments = env::args_os().skip(1);
    let mut command = match arguments.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        None => return refresh(&endpoint.to_url_with_password()),
    };
    command.env("DATABASE_URL", endpoint.to_url_with_password());
    if command.status()?.success() { Ok(()) } else { Err("the command failed".into()) }
}

fn refresh(database_url: &str) -> Result<(), Box<dyn error::Error>> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = room.join("../../.sqlx");
    let fresh = tempfile::tempdir()?;
    // The build sees no change in a database, so one is made in a file.
    fs::File::options().append(true).open(room.join("src/lib.rs"))?.set_modified(SystemTime::now())?;
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "-p", "store"])
        .current_dir(room)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", fresh.path())
        .env("DATABASE_URL", database_url)
        .status()?;
    if !status.success() {
        return Err("the room does not build against its own migrations; .sqlx stays as it was".into());
    }
    fs::create_dir_all(&kept)?;
    for stale in files(&kept)? {
        fs::remove_file(stale)?;
    }
    for file in files(fresh.path())? {
        let name = file.file_name().ok_or("a file without a name")?;
        fs::copy(&file, kept.join(name))?;
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}
