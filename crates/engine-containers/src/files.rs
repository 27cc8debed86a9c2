//! Files of containers, in and out, and what was changed in them since they were made.

use std::{
    io::{Cursor, Read as _},
    pin::pin,
};

use bollard::{
    body_full, body_try_stream,
    models::ChangeType,
    query_parameters::{DownloadFromContainerOptions, UploadToContainerOptions},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_util::io::ReaderStream;

use crate::{ContainerEngine, ContainersError, Object, names, refusal::Doing};

/// A file, folder or link of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEntry {
    /// A file.
    File {
        /// Its path, relative to where it is put or was taken from.
        path: String,
        /// What is in it.
        contents: Vec<u8>,
        /// Its rights, for example `0o644`.
        mode: u32,
        /// Its owner: user and group.
        owner: (u32, u32),
    },
    /// A folder.
    Folder {
        /// Its path.
        path: String,
        /// Its rights.
        mode: u32,
        /// Its owner.
        owner: (u32, u32),
    },
    /// A symbolic link.
    Link {
        /// Its path.
        path: String,
        /// Where it leads.
        target: String,
    },
}

impl FileEntry {
    /// A file that everybody can read and root can write.
    pub fn file(path: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        Self::File { path: path.into(), contents: contents.into(), mode: 0o644, owner: (0, 0) }
    }

    /// Its path.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Folder { path, .. } | Self::Link { path, .. } => path,
        }
    }
}

/// What happened to a file since the container was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was changed, or something in it if it is a folder.
    Modified,
    /// It was made.
    Added,
    /// It was removed.
    Deleted,
}

/// A change in a container's own file system; volumes are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub path: String,
    /// What.
    pub kind: ChangeKind,
}

impl ContainerEngine {
    /// Puts files into a folder of a container, which need not run. The same files make the same archive, whenever it is made.
    pub async fn put_files(&self, container: &str, folder: &str, files: &[FileEntry]) -> Result<(), ContainersError> {
        let archive = pack(files).map_err(|error| ContainersError::Refused {
            doing: format!("putting files into container {container}"),
            reason: error.to_string(),
        })?;
        self.put_archive(container, folder, archive.into()).await
    }

    /// Unpacks a tar archive in a folder of a container, which need not run. With a root that can't be written the folder must be a volume's.
    pub async fn put_archive(&self, container: &str, folder: &str, archive: Bytes) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, container)?;
        let options = UploadToContainerOptions { path: folder.to_owned(), ..UploadToContainerOptions::default() };
        let asked = self.docker().upload_to_container(name, Some(options), body_full(archive));
        let doing = Doing::new("putting files into", Object::Container, name);
        self.call_within(doing, self.inner.options.transfer_limit, asked).await
    }

    /// The same with an archive that is read while it is sent, so that it may be larger than memory.
    pub async fn put_archive_from(
        &self,
        container: &str,
        folder: &str,
        archive: impl AsyncRead + Send + 'static,
    ) -> Result<(), ContainersError> {
        let name = names::check(Object::Container, container)?;
        let options = UploadToContainerOptions { path: folder.to_owned(), ..UploadToContainerOptions::default() };
        let body = body_try_stream(ReaderStream::new(archive));
        let asked = self.docker().upload_to_container(name, Some(options), body);
        let doing = Doing::new("putting files into", Object::Container, name);
        self.call_within(doing, self.inner.options.transfer_limit, asked).await
    }

    /// A file or folder of a container, which need not run, with all that is in it. More than `bytes_max` of archive is an error. Devices and
    /// sockets are left out; a hard link comes as a link.
    pub async fn take_files(
        &self,
        container: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<FileEntry>, ContainersError> {
        let name = names::check(Object::Container, container)?;
        let doing = Doing::new("taking files from", Object::Container, name);
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let mut parts = pin!(self.docker().download_from_container(name, Some(options)));
        let deadline = Instant::now() + self.inner.options.transfer_limit;
        let mut bytes = Vec::new();
        while let Some(part) = self.next_within(doing, &mut parts, deadline).await? {
            if bytes.len() + part.len() > bytes_max {
                let reason = format!("{path} is larger than {bytes_max} bytes");
                return Err(ContainersError::Refused { doing: doing.to_string(), reason });
            }
            bytes.extend_from_slice(&part);
        }
        entries(bytes).map_err(|error| ContainersError::Failed { doing: doing.to_string(), reason: error.to_string() })
    }

    /// One file of a container. Links are not followed.
    pub async fn read_file(&self, container: &str, path: &str, bytes_max: usize) -> Result<Vec<u8>, ContainersError> {
        // Room for the archive around it.
        let entries = self.take_files(container, path, bytes_max.saturating_add(16 * 1024)).await?;
        match entries.into_iter().next() {
            Some(FileEntry::File { contents, .. }) => Ok(contents),
            _ => Err(ContainersError::Refused {
                doing: format!("reading {path} of container {container}"),
                reason: "it is no file".to_owned(),
            }),
        }
    }

    /// Writes a file or folder of a container as a tar archive: how many bytes.
    pub async fn take_archive(
        &self,
        container: &str,
        path: &str,
        archive: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<u64, ContainersError> {
        let name = names::check(Object::Container, container)?;
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let parts = self.docker().download_from_container(name, Some(options));
        self.written(Doing::new("taking files from", Object::Container, name), parts, archive).await
    }

    /// What was changed in a container's own file system since it was made, by path. What is mounted into it is not looked at, but the
    /// points where it is mounted may stand in the list.
    pub async fn changes(&self, container: &str) -> Result<Vec<Change>, ContainersError> {
        let name = names::check(Object::Container, container)?;
        let doing = Doing::new("looking for changes in", Object::Container, name);
        let found = self.call(doing, self.docker().container_changes(name)).await?;
        let mut changes: Vec<Change> = found
            .into_iter()
            .flatten()
            .map(|change| Change {
                path: change.path,
                kind: match change.kind {
                    ChangeType::_0 => ChangeKind::Modified,
                    ChangeType::_1 => ChangeKind::Added,
                    ChangeType::_2 => ChangeKind::Deleted,
                },
            })
            .collect();
        changes.sort();
        Ok(changes)
    }
}

/// A tar archive of files. The same files make the same archive, whenever it is made.
pub fn pack(files: &[FileEntry]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(0);
        match file {
            FileEntry::File { path, contents, mode, owner } => {
                owned(&mut header, *mode, *owner);
                header.set_size(contents.len() as u64);
                builder.append_data(&mut header, path, contents.as_slice())?;
            }
            FileEntry::Folder { path, mode, owner } => {
                owned(&mut header, *mode, *owner);
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                builder.append_data(&mut header, path, std::io::empty())?;
            }
            FileEntry::Link { path, target } => {
                owned(&mut header, 0o777, (0, 0));
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target)?;
            }
        }
    }
    builder.into_inner()
}

fn owned(header: &mut tar::Header, mode: u32, (user, group): (u32, u32)) {
    header.set_mode(mode);
    header.set_uid(u64::from(user));
    header.set_gid(u64::from(group));
}

pub(crate) fn entries(archive: Vec<u8>) -> std::io::Result<Vec<FileEntry>> {
    let mut entries = Vec::new();
    for entry in tar::Archive::new(Cursor::new(archive)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let header = entry.header();
        let number = |read: std::io::Result<u64>| read.ok().and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
        let (mode, owner) = (header.mode()? & 0o7777, (number(header.uid()), number(header.gid())));
        let kind = header.entry_type();
        if kind.is_dir() {
            entries.push(FileEntry::Folder { path, mode, owner });
        } else if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
            entries.push(FileEntry::Link { path, target: target.unwrap_or_default() });
        } else if kind.is_file() {
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents)?;
            entries.push(FileEntry::File { path, contents, mode, owner });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_and_is_the_same_each_time() {
        let long = format!("{}/rules.yml", "folder/".repeat(30));
        let files = vec![
            FileEntry::Folder { path: "conf/".to_owned(), mode: 0o755, owner: (65534, 65534) },
            FileEntry::File { path: "conf/p.yml".to_owned(), contents: b"a: 1".to_vec(), mode: 0o600, owner: (1, 2) },
            FileEntry::file(long, b"".to_vec()),
            FileEntry::Link { path: "now".to_owned(), target: "conf/p.yml".to_owned() },
        ];
        let packed = pack(&files).unwrap();
        assert_eq!(packed, pack(&files).unwrap());
        assert_eq!(entries(packed).unwrap(), files);
    }

    #[test]
    fn what_leads_out_is_not_packed() {
        assert!(pack(&[FileEntry::file("../etc/passwd", b"".to_vec())]).is_err());
    }
}
