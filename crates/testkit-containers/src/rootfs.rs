//! Root file systems for images, made of this machine's programs: no registry is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What busybox is called as, in the images of tests.
const APPLETS: [&str; 23] = [
    "sh", "cat", "cp", "date", "echo", "env", "false", "grep", "head", "httpd", "id", "kill", "ls", "mkdir", "nc",
    "rm", "sleep", "tail", "test", "touch", "true", "wc", "wget",
];

/// A root file system, as it grows. Files are read when the archive is made.
#[derive(Debug, Clone, Default)]
pub struct RootFileSystem {
    entries: BTreeMap<PathBuf, Entry>,
    left_out: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone)]
enum Entry {
    /// A file of this machine.
    Copy(PathBuf),
    /// A file with these contents.
    File(Vec<u8>),
    Folder {
        mode: u32,
        owner: (u32, u32),
    },
    Link(PathBuf),
}

impl RootFileSystem {
    /// `/etc` with the users root and nobody, `/tmp`, and nothing else.
    pub fn empty() -> Self {
        let mut root = Self::default();
        root.file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
        root.file("/etc/group", "root:x:0:\nnogroup:x:65534:\n");
        root.file("/etc/nsswitch.conf", "hosts: files dns\n");
        root.folder("/tmp", 0o1777, (0, 0));
        root
    }

    /// The same with a shell and the small programs of busybox, which include an HTTP server.
    ///
    /// # Panics
    /// Where there is no busybox here.
    pub fn with_busybox() -> Self {
        let mut root = Self::empty();
        let found = ["/bin/busybox", "/usr/bin/busybox"].into_iter().map(Path::new).find(|path| path.is_file());
        let busybox = found.unwrap_or_else(|| panic!("busybox is nowhere; apt-get install busybox-static"));
        root.program_as(busybox, "/bin/busybox");
        for applet in APPLETS {
            root.entries.insert(PathBuf::from("/bin").join(applet), Entry::Link("busybox".into()));
        }
        root
    }

    /// A program of this machine with the libraries that it needs, at the same paths.
    ///
    /// # Panics
    /// Where it is not here.
    pub fn program(&mut self, path: impl AsRef<Path>) -> &mut Self {
        let path = path.as_ref();
        self.program_as(path, path)
    }

    fn program_as(&mut self, from: &Path, to: impl AsRef<Path>) -> &mut Self {
        assert!(from.is_file(), "{} is not here; install the package that has it", from.display());
        self.entries.insert(to.as_ref().to_owned(), Entry::Copy(from.to_owned()));
        for library in libraries(from) {
            self.entries.insert(library.clone(), Entry::Copy(library));
        }
        self
    }

    /// A file or folder of this machine, with all that is in it, at the same path.
    pub fn copy(&mut self, path: impl AsRef<Path>) -> &mut Self {
        let path = path.as_ref();
        if path.is_dir() {
            self.folder(path, 0o755, (0, 0));
            let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort();
            paths.iter().for_each(|path| _ = self.copy(path));
        } else {
            self.entries.insert(path.to_owned(), Entry::Copy(path.to_owned()));
        }
        self
    }

    /// Leaves a file or folder, and all that is in it, out of what is copied.
    pub fn leave_out(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.left_out.insert(path.into());
        self
    }

    /// A file that all can read.
    pub fn file(&mut self, path: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> &mut Self {
        self.entries.insert(path.into(), Entry::File(contents.into()));
        self
    }

    /// A folder of this user and group.
    pub fn folder(&mut self, path: impl Into<PathBuf>, mode: u32, owner: (u32, u32)) -> &mut Self {
        self.entries.insert(path.into(), Entry::Folder { mode, owner });
        self
    }

    /// The archive; the same each time, as long as the files are.
    ///
    /// # Panics
    /// Where a file can't be read.
    pub fn archive(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let kept = self.entries.iter().filter(|(path, _)| !path.ancestors().any(|above| self.left_out.contains(above)));
        for (path, entry) in kept {
            let inside = path.strip_prefix("/").unwrap_or(path);
            append(&mut builder, inside, entry).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        builder.into_inner().unwrap_or_else(|e| panic!("the archive can't be made: {e}"))
    }
}

fn append(builder: &mut tar::Builder<Vec<u8>>, path: &Path, entry: &Entry) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    header.set_size(0);
    match entry {
        Entry::Copy(from) => {
            let contents = fs::read(from)?;
            header.set_mode(fs::metadata(from)?.permissions().mode() & 0o755 | 0o444);
            header.set_size(contents.len() as u64);
            builder.append_data(&mut header, path, contents.as_slice())
        }
        Entry::File(contents) => {
            header.set_mode(0o644);
            header.set_size(contents.len() as u64);
            builder.append_data(&mut header, path, contents.as_slice())
        }
        Entry::Folder { mode, owner: (user, group) } => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(*mode);
            header.set_uid(u64::from(*user));
            header.set_gid(u64::from(*group));
            builder.append_data(&mut header, path, std::io::empty())
        }
        Entry::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            builder.append_link(&mut header, path, target)
        }
    }
}

/// What the loader would load, as `ldd` prints it: `NAME => PATH (ADDRESS)`, or the path alone for the loader itself.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let said = Command::new("ldd").arg(program).output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let words = said.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(PathBuf::from).filter(|path| path.is_file()).collect()
}
