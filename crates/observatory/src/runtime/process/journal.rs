//! What programs say, line by line with the time, in files that are turned over before they grow too large.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use vocabulary::{Clock, Timestamp};

use super::super::LogLine;
use crate::{configuration::Kind, failure::Failure, files};

/// One file and the one before it are kept.
const BYTES_MAX: u64 = 8 << 20;
/// What is longer is divided.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Where a keeper writes what its program says.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    clock: Clock,
}

impl Journal {
    pub(super) fn open(path: &Path, clock: Clock) -> Result<Self, Failure> {
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        let open = || -> std::io::Result<(File, u64)> {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (file, bytes) = open().map_err(|error| Failure::of_path("open", path, &error))?;
        Ok(Self { path: path.to_owned(), file, bytes, clock })
    }

    /// Writes down a line. A full disk loses lines, never the program.
    pub(super) fn note(&mut self, line: &[u8]) {
        let at: String = self.clock.now().into();
        let text: String = String::from_utf8_lossy(line).chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let written = format!("{at} {text}\n");
        if self.file.write_all(written.as_bytes()).is_ok() {
            self.bytes = self.bytes.saturating_add(written.len() as u64);
        }
        if self.bytes > BYTES_MAX {
            let _kept_if_it_fails = std::fs::rename(&self.path, older(&self.path));
            if let Ok(next) = Self::open(&self.path, self.clock.clone()) {
                *self = next;
            }
        }
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

/// Lines taken from pieces of text, as they come.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Hands over every line that ends in this piece.
    pub(super) fn take(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        for byte in piece {
            if *byte == b'\n' || self.begun.len() >= LINE_BYTES_MAX {
                line(&self.begun);
                self.begun.clear();
            }
            if *byte != b'\n' {
                self.begun.push(*byte);
            }
        }
    }

    /// Hands over what has no end.
    pub(super) fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            line(&self.begun);
            self.begun.clear();
        }
    }
}

/// The last lines of a file, and of the one before it.
pub(super) fn read(path: &Path, kind: Kind, since: Option<Timestamp>, tail: usize) -> Result<Vec<LogLine>, Failure> {
    let mut lines = std::collections::VecDeque::new();
    for path in [older(path), path.to_owned()] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::of_path("read", &path, &error)),
        };
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            let Some((at, text)) = line.split_once(' ') else { continue };
            let Ok(at) = at.parse::<Timestamp>() else { continue };
            if since.is_none_or(|since| at > since) {
                lines.push_back(LogLine { at, service: kind, text: text.to_owned() });
                if lines.len() > tail {
                    lines.pop_front();
                }
            }
        }
    }
    Ok(lines.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_long_ones_divided() {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in ["on", "e\ntwo\n", "th", "ree"] {
            lines.take(piece.as_bytes(), |line| found.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.end(|line| found.push(String::from_utf8_lossy(line).into_owned()));
        assert_eq!(found, ["one", "two", "three"]);
        let mut lengths = Vec::new();
        lines.take(&vec![b'a'; LINE_BYTES_MAX + 5], |line| lengths.push(line.len()));
        lines.end(|line| lengths.push(line.len()));
        assert_eq!(lengths, [LINE_BYTES_MAX, 5]);
    }

    #[test]
    fn what_was_noted_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut journal = Journal::open(&path, Clock::system()).unwrap();
        for number in 0..5 {
            journal.note(format!("line {number}\u{1b}[31m").as_bytes());
        }
        let read = read(&path, Kind::Prometheus, None, 2).unwrap();
        let texts: Vec<&str> = read.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["line 3[31m", "line 4[31m"]);
    }

    #[test]
    fn a_large_file_is_turned_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut journal = Journal::open(&path, Clock::system()).unwrap();
        let long = vec![b'a'; LINE_BYTES_MAX];
        for _ in 0..=(BYTES_MAX as usize / LINE_BYTES_MAX) {
            journal.note(&long);
        }
        assert!(older(&path).exists());
        assert!(std::fs::metadata(&path).unwrap().len() < BYTES_MAX / 2);
    }
}
