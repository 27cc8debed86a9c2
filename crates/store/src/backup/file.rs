//! The file of a backup: a magic line, then pieces that each begin with their length (four bytes, the highest first; zero
//! ends a table), and SHA-256 of all that at the end.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter},
};

use super::BackupError;

/// The first line, with the version of the format.
const MAGIC: &[u8] = b"BIGSKIES BACKUP 1\n";
/// A piece is never longer; a longer one in a file is damage.
const PIECE_BYTES_MAX: usize = 1 << 20;

/// Writes a backup beside its place and moves it there when it is whole.
pub(super) struct Writer {
    path: PathBuf,
    fresh: PathBuf,
    out: BufWriter<File>,
    digest: Sha256,
}

impl Writer {
    pub(super) async fn create(path: &Path) -> Result<Self, BackupError> {
        let fresh = path.with_extension("incomplete");
        let failed = |e: std::io::Error| failed(path, &e);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).await;
        let out = BufWriter::with_capacity(1 << 16, file.map_err(failed)?);
        let mut writer = Self { path: path.to_owned(), fresh, out, digest: Sha256::new() };
        writer.put(MAGIC).await?;
        Ok(writer)
    }

    pub(super) async fn json<T: Serialize>(&mut self, value: &T) -> Result<(), BackupError> {
        let text = serde_json::to_vec(value)
            .map_err(|e| BackupError::File { path: self.path.clone(), reason: e.to_string() })?;
        self.chunk(&text).await?;
        self.end_of_table().await
    }

    pub(super) async fn chunk(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            self.put(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes()).await?;
            self.put(piece).await?;
        }
        Ok(())
    }

    pub(super) async fn end_of_table(&mut self) -> Result<(), BackupError> {
        self.put(&[0; 4]).await
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        self.out.write_all(bytes).await.map_err(|e| failed(&self.path, &e))
    }

    pub(super) async fn finish(mut self) -> Result<(), BackupError> {
        let digest = self.digest.finalize_reset();
        let done = async {
            self.out.write_all(&digest).await?;
            self.out.flush().await?;
            self.out.get_ref().sync_all().await?;
            tokio::fs::rename(&self.fresh, &self.path).await
        };
        done.await.map_err(|e| failed(&self.path, &e))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = std::fs::remove_file(&self.fresh);
    }
}

/// Reads a backup piece by piece.
pub(super) struct Reader {
    path: PathBuf,
    source: BufReader<File>,
    digest: Sha256,
}

impl Reader {
    pub(super) async fn open(path: &Path) -> Result<Self, BackupError> {
        let file = File::open(path).await.map_err(|e| failed(path, &e))?;
        let source = BufReader::with_capacity(1 << 16, file);
        let mut reader = Self { path: path.to_owned(), source, digest: Sha256::new() };
        let mut magic = [0; MAGIC.len()];
        reader.take(&mut magic).await?;
        if magic == MAGIC { Ok(reader) } else { Err(reader.damaged("it is no backup, or one of a newer program")) }
    }

    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, BackupError> {
        let mut text = Vec::new();
        while let Some(piece) = self.chunk().await? {
            text.extend(piece);
            if text.len() > 16 * PIECE_BYTES_MAX {
                return Err(self.damaged("its description has no end"));
            }
        }
        serde_json::from_slice(&text).map_err(|e| self.damaged(&format!("its description can't be read: {e}")))
    }

    /// The next piece, nothing at the end of a table.
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        let mut length = [0; 4];
        self.take(&mut length).await?;
        let length = u32::from_be_bytes(length) as usize;
        if length > PIECE_BYTES_MAX {
            return Err(self.damaged("a piece is longer than any"));
        }
        let mut piece = vec![0; length];
        self.take(&mut piece).await?;
        Ok((length > 0).then_some(piece))
    }

    async fn take(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        match self.source.read_exact(bytes).await {
            Ok(_) => self.digest.update(&*bytes),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Err(self.damaged("its end is missing")),
            Err(e) => return Err(failed(&self.path, &e)),
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self) -> Result<(), BackupError> {
        let expected = self.digest.finalize_reset();
        let mut rest = Vec::new();
        let more = expected.len() as u64 + 1;
        let read = (&mut self.source).take(more).read_to_end(&mut rest).await;
        read.map_err(|e| failed(&self.path, &e))?;
        if rest == expected[..] { Ok(()) } else { Err(self.damaged("its checksum does not fit")) }
    }

    pub(super) fn damaged(&self, reason: &str) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> BackupError {
    BackupError::File { path: path.to_owned(), reason: error.to_string() }
}
