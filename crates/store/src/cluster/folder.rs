//! The folder of a private cluster: its layout, its owner, its making, and the configuration that is written at each start.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::unistd::{Uid, User};
use sha2::{Digest, Sha256};

use super::{ClusterError, ClusterOptions, Installation, Log, SETUP_USER};
use crate::{Endpoint, endpoint::fits_a_socket};

/// How long the making of a cluster may take.
const INITDB_BOUND: Duration = Duration::from_secs(180);
/// A log larger than this is put aside at the next start.
const LOG_BYTES_MAX: u64 = 4 << 20;
/// What a person reads of a log in an error.
const LOG_LINES: usize = 12;

/// A cluster's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    socket: PathBuf,
    owner: Owner,
}

/// The user that the server runs as.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: String,
    /// User and group to change to; nothing where the server runs as we do.
    pub(super) ids: Option<(u32, u32)>,
}

impl Owner {
    /// Ourselves; for root, whom PostgreSQL refuses, `postgres` or else `nobody`.
    fn find() -> Result<Self, String> {
        let of = |user: User, ids| Self { name: user.name, ids };
        if !Uid::effective().is_root() {
            let uid = Uid::effective();
            let user = User::from_uid(uid).ok().flatten();
            // PostgreSQL knows a peer by its name only.
            return user.map(|user| of(user, None)).ok_or_else(|| {
                format!("user {uid} has no name on this system, and PostgreSQL needs one; add it to /etc/passwd")
            });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| {
                let ids = (user.uid.as_raw(), user.gid.as_raw());
                of(user, Some(ids))
            })
            .ok_or_else(|| {
                "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody; add one".to_owned()
            })
    }
}

impl Folder {
    /// Makes what is missing, for the user that the server runs as.
    pub(super) fn prepare(root: &Path, options: &ClusterOptions) -> Result<Self, ClusterError> {
        let wrong = |reason: String| ClusterError::Folder { folder: root.to_owned(), reason };
        let owner = Owner::find().map_err(wrong)?;
        let said = |e: io::Error| wrong(e.to_string());
        if root.exists() && !root.is_dir() {
            return Err(wrong("a file is in its place; move it away".to_owned()));
        }
        fs::DirBuilder::new().recursive(true).mode(0o755).create(root).map_err(said)?;
        let root = root.canonicalize().map_err(said)?;
        reachable(&root, &owner).map_err(wrong)?;
        // Root's own runtime folder is closed to the server's user.
        let open = reachable(&options.runtime_folder, &owner).is_ok();
        let socket = socket_folder(&root, if open { &options.runtime_folder } else { Path::new("/tmp") });
        if !fits_a_socket(&socket) {
            return Err(wrong(format!("no room for a socket: {} is too long a path", socket.display())));
        }
        let folder = Self { root, socket, owner };
        folder.own(&folder.socket).map_err(said)?;
        Ok(folder)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub(super) const fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::socket(&self.socket)
    }

    /// The major version of the data that is there.
    pub(super) fn data_version(&self) -> Result<Option<String>, ClusterError> {
        match fs::read_to_string(self.data().join("PG_VERSION")) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.wrong(&e)),
        }
    }

    /// Makes the cluster where there is none. It is made beside its place and moved there when it is on disk, so that a
    /// half-made one is never taken for a whole.
    pub(super) async fn initialise(&self, installation: &Installation) -> Result<bool, ClusterError> {
        if self.data_version()?.is_some() {
            return Ok(false);
        }
        let data = self.data();
        if data.is_dir() && fs::read_dir(&data).map_err(|e| self.wrong(&e))?.next().is_some() {
            return Err(ClusterError::Folder {
                folder: data,
                reason: "holds files, but no database; move them away".to_owned(),
            });
        }
        let fresh = self.root.join("data.new");
        match fs::remove_dir_all(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(self.wrong(&e)),
            _ => self.own(&fresh).map_err(|e| self.wrong(&e))?,
        }
        let name = |flag: &str, value: &str| format!("--{flag}={value}");
        let making = [
            name("pgdata", &fresh.to_string_lossy()),
            name("username", SETUP_USER),
            "--auth-local=peer".to_owned(),
            "--auth-host=scram-sha-256".to_owned(),
            "--encoding=UTF8".to_owned(),
            "--locale=C".to_owned(),
            "--data-checksums".to_owned(),
            "--no-instructions".to_owned(),
            "--no-sync".to_owned(),
        ];
        self.initdb(installation, &making).await?;
        // One pass over the finished files is cheaper than a sync after each.
        self.initdb(installation, &[name("pgdata", &fresh.to_string_lossy()), "--sync-only".to_owned()]).await?;
        let conf = fresh.join("postgresql.conf");
        let included = fs::read_to_string(&conf).map(|text| format!("{text}\ninclude = 'bigskies.conf'\n"));
        included.and_then(|text| fs::write(&conf, text)).map_err(|e| self.wrong(&e))?;
        let moved = fs::rename(&fresh, &data).and_then(|()| fs::File::open(&self.root)?.sync_all());
        moved.map_err(|e| self.wrong(&e))?;
        Ok(true)
    }

    async fn initdb(&self, installation: &Installation, arguments: &[String]) -> Result<(), ClusterError> {
        let mut command = tokio::process::Command::new(installation.binary("initdb"));
        command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).current_dir(&self.root).kill_on_drop(true);
        if let Some((user, group)) = self.owner.ids {
            command.uid(user).gid(group);
        }
        let failed = |log: String| self.initdb_error(Log(tail_of(&log)));
        match tokio::time::timeout(INITDB_BOUND, command.output()).await {
            Err(_) => Err(failed(format!("no end within {} s", INITDB_BOUND.as_secs()))),
            Ok(Err(e)) => Err(failed(e.to_string())),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                Err(failed(said.concat()))
            }
        }
    }

    fn initdb_error(&self, log: Log) -> ClusterError {
        let folder = self.data();
        if says_disk_full(&log.0) {
            ClusterError::DiskFull { folder, log }
        } else {
            ClusterError::Initdb { folder, log }
        }
    }

    /// Writes the configuration anew: the folder may have moved, the user changed, the program be a newer one.
    pub(super) fn configure(&self, besides: &BTreeMap<String, String>) -> Result<(), ClusterError> {
        let socket = self.socket.to_string_lossy().replace('\'', "''");
        let besides: String =
            besides.iter().map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect();
        let server = format!(
            "# Written at each start by BIG SKIES; changes are lost. Own settings go into postgresql.conf below the include.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '{socket}'\n\
             unix_socket_permissions = 0700\n\
             max_connections = 100\n\
             shared_buffers = 128MB\n\
             wal_compression = on\n\
             jit = off\n\
             log_checkpoints = off\n\
             log_timezone = 'UTC'\n\
             timezone = 'UTC'\n\
             logging_collector = off\n\
             log_destination = 'stderr'\n\
             {besides}"
        );
        let mut users = vec![self.owner.name.clone()];
        let ourselves = User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name);
        users.extend(ourselves.filter(|name| *name != self.owner.name));
        let map: String = users
            .iter()
            .flat_map(|user| {
                [crate::endpoint::DEFAULT_NAME, SETUP_USER].map(|role| format!("bigskies \"{user}\" {role}\n"))
            })
            .collect();
        for (name, text) in [
            ("bigskies.conf", server),
            ("pg_hba.conf", "local all all peer map=bigskies\n".to_owned()),
            ("pg_ident.conf", map),
        ] {
            self.put(name, &text).map_err(|e| self.wrong(&e))?;
        }
        self.set_log_aside().map_err(|e| self.wrong(&e))
    }

    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.data().join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let fresh = self.data().join(format!("{name}.new"));
        fs::write(&fresh, text)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.owner.ids {
            chown(&fresh, Some(user), Some(group))?;
        }
        fs::rename(&fresh, &path)
    }

    fn set_log_aside(&self) -> io::Result<()> {
        let log = self.log_path();
        match fs::metadata(&log) {
            Ok(metadata) if metadata.len() > LOG_BYTES_MAX => fs::rename(&log, self.root.join("server.log.1")),
            _ => Ok(()),
        }
    }

    /// What the server said since its log had `from` bytes, the last lines of it.
    pub(super) fn log_since(&self, from: u64) -> Log {
        let text = fs::read(self.log_path()).unwrap_or_default();
        let from = usize::try_from(from).unwrap_or(0).min(text.len());
        Log(tail_of(&String::from_utf8_lossy(text.get(from..).unwrap_or_default())))
    }

    pub(super) fn log_bytes(&self) -> u64 {
        fs::metadata(self.log_path()).map_or(0, |metadata| metadata.len())
    }

    /// A folder that belongs to the server's user alone.
    fn own(&self, path: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let metadata = fs::symlink_metadata(path)?;
        let expected = self.owner.ids.map_or_else(|| Uid::effective().as_raw(), |(user, _)| user);
        // In a folder that all may write to, somebody else could have been first.
        if !metadata.is_dir() || ![expected, Uid::effective().as_raw()].contains(&metadata.uid()) {
            return Err(io::Error::other(format!("{} belongs to somebody else; remove it", path.display())));
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        match self.owner.ids {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    pub(super) fn wrong(&self, error: &io::Error) -> ClusterError {
        if error.raw_os_error() == Some(nix::libc::ENOSPC) {
            return ClusterError::DiskFull { folder: self.data(), log: Log::default() };
        }
        ClusterError::Folder { folder: self.root.clone(), reason: error.to_string() }
    }
}

/// Beside the data, or where that path is too long, in the short folder under a name that stands for it.
fn socket_folder(root: &Path, runtime: &Path) -> PathBuf {
    let beside = root.join("sock");
    if fits_a_socket(&beside) {
        return beside;
    }
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    runtime.join(format!("bigskies-{short}"))
}

/// Whether the server's user can walk down to `root`; a home folder of root's is closed to it.
fn reachable(root: &Path, owner: &Owner) -> Result<(), String> {
    let Some((user, group)) = owner.ids else { return Ok(()) };
    for folder in root.ancestors() {
        let metadata = fs::metadata(folder).map_err(|e| e.to_string())?;
        let bit = if metadata.uid() == user {
            0o100
        } else if metadata.gid() == group {
            0o010
        } else {
            0o001
        };
        if metadata.mode() & bit == 0 {
            let (folder, name) = (folder.display(), &owner.name);
            return Err(format!(
                "PostgreSQL runs as {name}, who can't enter {folder}; choose another data folder, or run `chmod o+x {folder}`"
            ));
        }
    }
    Ok(())
}

pub(super) fn says_disk_full(log: &str) -> bool {
    log.contains("No space left on device") || log.contains("Disk quota exceeded")
}

fn tail_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_folder_has_its_socket_elsewhere() {
        let runtime = Path::new("/run/user/1000");
        assert_eq!(socket_folder(Path::new("/data"), runtime), Path::new("/data/sock"));
        let long = PathBuf::from(format!("/{}", "x".repeat(100)));
        let socket = socket_folder(&long, runtime);
        assert!(socket.starts_with(runtime) && fits_a_socket(&socket), "{}", socket.display());
        assert_ne!(socket, socket_folder(&long.join("y"), runtime));
    }

    #[test]
    fn the_end_of_a_log() {
        let text: String = (0..40).map(|line| format!("line {line}\n\n")).collect();
        let tail = tail_of(&text);
        assert_eq!((tail.lines().count(), tail.lines().last()), (LOG_LINES, Some("line 39")));
        assert_eq!(tail_of(""), "");
    }
}
