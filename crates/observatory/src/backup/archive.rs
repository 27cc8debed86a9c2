//! The archive itself: a tar file whose last two entries are the manifest and the manifest's own checksum, so that what was cut off or
//! changed anywhere is found before anything is touched.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{FORMAT, HeldFile, Manifest};
use crate::{
    failure::{Failure, Reason},
    files,
};

const MANIFEST: &str = "manifest.json";
const MANIFEST_SUM: &str = "manifest.json.sha256";
/// A manifest that is longer is none of ours; it has some 200 bytes for each file.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// An archive that is being written.
#[expect(missing_debug_implementations, reason = "the library's archive has none")]
pub struct Writer {
    path: PathBuf,
    beside: PathBuf,
    tar: tar::Builder<BufWriter<File>>,
    files: Vec<HeldFile>,
}

impl Writer {
    /// Begins an archive, readable by its owner only. It has its name when it is whole.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let file = file.map_err(|error| Failure::of_path("write", &beside, &error))?;
        // Rights of a file that a run before left there.
        let kept = file.set_permissions(fs::Permissions::from_mode(0o600));
        kept.map_err(|error| Failure::of_path("protect", &beside, &error))?;
        let tar = tar::Builder::new(BufWriter::new(file));
        Ok(Self { path: path.to_owned(), beside, tar, files: Vec::new() })
    }

    /// Adds every file below a folder, by path; those below `left_out`, relative to it, are not.
    ///
    /// # Errors
    /// Where one can't be read, or the archive can't be written.
    pub fn add_folder(&mut self, prefix: &str, folder: &Path, left_out: &[&str]) -> Result<(), Failure> {
        for path in files::all_below(folder)? {
            let relative = path.strip_prefix(folder).unwrap_or(&path);
            if !left_out.iter().any(|left| relative.starts_with(left)) {
                self.add(&format!("{prefix}/{}", relative.display()), &path)?;
            }
        }
        Ok(())
    }

    /// Adds one file.
    ///
    /// # Errors
    /// Where it can't be read, or the archive can't be written.
    pub fn add(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        let unreadable = |error| Failure::of_path("read", path, &error);
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mode = metadata.permissions().mode() & 0o777;
        let mut hashed = Hashed::new(BufReader::new(file));
        let mut header = header(metadata.len(), mode);
        let written = self.tar.append_data(&mut header, name, &mut hashed);
        written.map_err(|error| Failure::of_path("write", &self.beside, &error))?;
        if hashed.bytes != metadata.len() {
            let message = format!("{} changed while it was copied", path.display());
            return Err(Failure::new(Reason::Unavailable, message).hint("try again"));
        }
        self.files.push(HeldFile { path: name.to_owned(), bytes: hashed.bytes, mode, sha256: hashed.sum() });
        Ok(())
    }

    /// Ends the archive and gives it its name: the manifest as it was written.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<Manifest, Failure> {
        manifest.files = std::mem::take(&mut self.files);
        let text = serde_json::to_vec_pretty(&manifest)?;
        let sum = hex(&Sha256::digest(&text));
        let mut write = || -> io::Result<()> {
            self.tar.append_data(&mut header(text.len() as u64, 0o600), MANIFEST, text.as_slice())?;
            self.tar.append_data(&mut header(sum.len() as u64, 0o600), MANIFEST_SUM, sum.as_bytes())?;
            self.tar.finish()?;
            let buffered = self.tar.get_mut();
            buffered.flush()?;
            buffered.get_ref().sync_all()?;
            fs::rename(&self.beside, &self.path)
        };
        write().map_err(|error| Failure::of_path("write", &self.path, &error))?;
        Ok(manifest)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It is only there where the archive was not finished.
        let _gone_already = fs::remove_file(&self.beside);
    }
}

fn header(bytes: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(mode);
    header.set_mtime(0);
    header
}

/// What an archive holds, after everything in it was held against its checksum.
///
/// # Errors
/// Where it can't be read, is broken, or is none of ours.
pub fn verify(path: &Path) -> Result<Manifest, Failure> {
    read(path, None)
}

/// The same, and every file is written below a folder.
///
/// # Errors
/// Where it can't be read, is broken, or can't be unpacked.
pub fn unpack(path: &Path, into: &Path) -> Result<Manifest, Failure> {
    read(path, Some(into))
}

fn broken(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(Reason::BrokenArchive, format!("{} can't be trusted: {why}", path.display()))
        .hint("take another archive; nothing was changed")
}

fn read(path: &Path, into: Option<&Path>) -> Result<Manifest, Failure> {
    let file = File::open(path).map_err(|error| Failure::of_path("read", path, &error))?;
    let mut tar = tar::Archive::new(BufReader::new(file));
    let mut found = Vec::new();
    let (mut manifest, mut sum) = (None, None);
    for entry in tar.entries().map_err(|error| broken(path, error))? {
        let mut entry = entry.map_err(|error| broken(path, error))?;
        let name = entry.path().map_err(|error| broken(path, error))?.to_string_lossy().into_owned();
        if !entry.header().entry_type().is_file() {
            return Err(broken(path, format!("{name} is no file")));
        }
        match name.as_str() {
            MANIFEST if entry.size() <= MANIFEST_BYTES_MAX => manifest = Some(text(path, &mut entry)?),
            MANIFEST_SUM if entry.size() <= MANIFEST_BYTES_MAX => sum = Some(text(path, &mut entry)?),
            _ => {
                check_name(path, &name)?;
                let target = into.map(|folder| folder.join(&name));
                found.push(take(path, &mut entry, name, target.as_deref())?);
            }
        }
    }
    let (Some(manifest), Some(sum)) = (manifest, sum) else {
        return Err(broken(path, "it has no manifest; it was cut off, or is none of this program"));
    };
    if hex(&Sha256::digest(manifest.as_bytes())) != sum {
        return Err(broken(path, "its manifest was changed"));
    }
    let manifest: Manifest = serde_json::from_str(&manifest).map_err(|error| broken(path, error))?;
    if manifest.format != FORMAT {
        let message = format!("{} has form {}, this program reads {FORMAT}", path.display(), manifest.format);
        return Err(Failure::new(Reason::VersionSkew, message).hint("take the version of `observatory` that wrote it"));
    }
    match compare(&manifest.files, &found) {
        None => Ok(manifest),
        Some(difference) => Err(broken(path, difference)),
    }
}

/// How what is there differs from what the manifest says.
fn compare(said: &[HeldFile], found: &[HeldFile]) -> Option<String> {
    for (one, other) in said.iter().zip(found) {
        if one.path != other.path {
            return Some(format!("{} stands where {} should", other.path, one.path));
        }
        if one != other {
            return Some(format!("{} is not what was saved", one.path));
        }
    }
    (said.len() != found.len()).then(|| format!("{} files are there and {} were saved", found.len(), said.len()))
}

/// No file may be written beside the folder that is meant.
fn check_name(path: &Path, name: &str) -> Result<(), Failure> {
    let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if is_plain && !name.is_empty() { Ok(()) } else { Err(broken(path, format!("it names {name:?}"))) }
}

fn text(path: &Path, entry: &mut impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    entry.read_to_string(&mut text).map_err(|error| broken(path, error))?;
    Ok(text)
}

fn take<R: Read>(
    path: &Path,
    entry: &mut tar::Entry<'_, R>,
    name: String,
    target: Option<&Path>,
) -> Result<HeldFile, Failure> {
    let mode = entry.header().mode().map_err(|error| broken(path, error))? & 0o777;
    let mut hashed = Hashed::new(entry);
    match target {
        None => {
            io::copy(&mut hashed, &mut io::sink()).map_err(|error| broken(path, error))?;
        }
        Some(target) => {
            if let Some(folder) = target.parent() {
                files::make_folder(folder)?;
            }
            let unwritable = |error| Failure::of_path("write", target, &error);
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(mode).open(target).map_err(unwritable)?;
            io::copy(&mut hashed, &mut file).map_err(unwritable)?;
        }
    }
    Ok(HeldFile { path: name, bytes: hashed.bytes, mode, sha256: hashed.sum() })
}

/// Hashes what is read through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    fn sum(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            program_version: "1".to_owned(),
            project: "p".to_owned(),
            environment: "local".to_owned(),
            made_at: "2026-11-22T00:00:00Z".parse().unwrap(),
            services: Vec::new(),
            files: Vec::new(),
        }
    }

    fn site() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("in/b/chunk", "samples"), ("in/a", ""), ("in/lock", "x"), ("in/snapshots/s/a", "y")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("backup.tar");
        let mut writer = Writer::create(&path).unwrap();
        writer.add_folder("prometheus/data", &folder.join("in"), &["lock", "snapshots"]).unwrap();
        writer.finish(manifest()).unwrap();
        path
    }

    fn unpacked(path: &Path, into: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
        unpack(path, into)?;
        Ok(files::all_below(into)?.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect())
    }

    #[test]
    fn what_was_written_comes_back() {
        let site = site();
        let path = written(site.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let names: Vec<String> = verify(&path).unwrap().files.into_iter().map(|file| file.path).collect();
        assert_eq!(names, ["prometheus/data/a", "prometheus/data/b/chunk"]);
        let out = site.path().join("out");
        let files = unpacked(&path, &out).unwrap();
        assert_eq!(files[1], (out.join("prometheus/data/b/chunk"), b"samples".to_vec()));
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let site = site();
        drop(Writer::create(&site.path().join("b.tar")).unwrap());
        assert!(!fs::read_dir(site.path()).unwrap().flatten().any(|file| file.path().is_file()));
    }

    #[test]
    fn other_files_are_refused() {
        let site = site();
        let path = site.path().join("b.tar");
        let check = |entries: &[(&str, &str)], said: &str| {
            let mut tar = tar::Builder::new(File::create(&path).unwrap());
            for (name, text) in entries {
                let mut header = header(text.len() as u64, 0o600);
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, text.as_bytes()).unwrap();
            }
            tar.finish().unwrap();
            let failure = unpack(&path, &site.path().join("out")).unwrap_err();
            assert!(failure.message.contains(said), "{failure}");
        };
        let sum = |text: &str| hex(&Sha256::digest(text));
        check(&[], "no manifest");
        check(&[("../a", "x")], "it names \"../a\"");
        check(&[("/etc/a", "x")], "it names \"/etc/a\"");
        check(&[("manifest.json", "{}"), ("manifest.json.sha256", "00")], "its manifest was changed");
        check(&[("manifest.json", "{}"), ("manifest.json.sha256", &sum("{}"))], "missing field");
        let of = |change: fn(&mut Manifest)| {
            let mut other = manifest();
            change(&mut other);
            serde_json::to_string(&other).unwrap()
        };
        let next = of(|manifest| manifest.format = 2);
        check(&[("manifest.json", &next), ("manifest.json.sha256", &sum(&next))], "has form 2");
        let plain = of(|_| ());
        let with_more = [("a/data/x", "x"), ("manifest.json", &plain), ("manifest.json.sha256", &sum(&plain))];
        check(&with_more, "1 files are there and 0 were saved");
        let said = of(|manifest| {
            manifest.files = vec![HeldFile { path: "b".to_owned(), bytes: 0, mode: 0o600, sha256: String::new() }];
        });
        check(&[("c", ""), ("manifest.json", &said), ("manifest.json.sha256", &sum(&said))], "c stands where b should");
        fs::write(&path, "no archive at all").unwrap();
        assert_eq!(verify(&path).unwrap_err().reason, Reason::BrokenArchive);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever byte is changed, and wherever it is cut off: it is refused, or what it holds is what was saved.
        #[test]
        fn damage_is_found(at in any::<prop::sample::Index>(), with in 1_u8.., cut in any::<bool>()) {
            let site = site();
            let path = written(site.path());
            let mut bytes = fs::read(&path).unwrap();
            let whole = unpacked(&path, &site.path().join("out")).unwrap();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= with }
            fs::write(&path, bytes).unwrap();
            fs::remove_dir_all(site.path().join("out")).unwrap();
            match unpacked(&path, &site.path().join("out")) {
                Err(failure) => prop_assert!(matches!(failure.reason, Reason::BrokenArchive), "{failure}"),
                Ok(files) => prop_assert_eq!(files, whole),
            }
        }
    }
}
