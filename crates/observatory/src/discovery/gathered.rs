//! What the script wrote down on its host, read as if the engine answered: sections that begin with `@`, each in the words of `docker`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine_containers::{Change, ChangeKind, Container, FileEntry, Image, Network, Volume, unpack};
use serde_json::Value;

use super::{Host, Source, Taken, candidates::is_below};
use crate::{
    failure::{Failure, Reason},
    runtime::docker::failure,
};

/// What the file begins with.
const BEGINNING: &str = "@gathered 1";

/// What a script wrote down.
#[derive(Debug, Default)]
pub struct Gathered {
    host: Host,
    containers: Vec<Container>,
    images: Vec<Image>,
    networks: Vec<Network>,
    volumes: Vec<Volume>,
    changes: BTreeMap<String, Vec<Change>>,
    /// Archives by container and path; nothing where there was too much.
    archives: BTreeMap<(String, String), Option<Vec<FileEntry>>>,
}

impl Gathered {
    /// Whether a text was written by the script.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(BEGINNING)
    }

    /// Reads what the script wrote into this file.
    ///
    /// # Errors
    /// Where it is cut off, or not understood: the line.
    pub fn read(name: &str, text: &str) -> Result<Self, Failure> {
        let wrong = |line: usize, what: &str| {
            Failure::new(Reason::Configuration, format!("{name}:{line}: {what}"))
                .hint("run the script of `observatory discover --script` again, to its end")
        };
        let mut gathered = Self::default();
        let mut section: Option<(usize, &str, String)> = None;
        let mut has_ended = false;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(heading) = line.strip_prefix('@') {
                if let Some((from, heading, body)) = section.take() {
                    gathered.section(heading, &body).map_err(|what| wrong(from, &what))?;
                }
                has_ended = heading == "end";
                section = Some((number, heading, String::new()));
            } else if let Some((_, _, body)) = &mut section {
                body.push_str(line);
                body.push('\n');
            }
        }
        if !has_ended {
            return Err(wrong(text.lines().count(), "the file is cut off"));
        }
        gathered.containers.sort_by(|a, b| a.name.cmp(&b.name));
        gathered.networks.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        gathered.volumes.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        gathered.host.address = name.to_owned();
        Ok(gathered)
    }

    fn section(&mut self, heading: &str, body: &str) -> Result<(), String> {
        let said = |error: Failure| error.message;
        let (kind, rest) = heading.split_once(' ').unwrap_or((heading, ""));
        match kind {
            "version" => self.host.engine = body.trim().to_owned(),
            "containers" => {
                for one in objects(body)? {
                    self.containers.push(Container::of_transcript(one).map_err(failure).map_err(said)?);
                }
            }
            "networks" => self.networks.extend(objects(body)?.into_iter().map(Network::of_transcript)),
            "volumes" => {
                for one in objects(body)? {
                    self.volumes.push(Volume::of_transcript(one).map_err(failure).map_err(said)?);
                }
            }
            "images" => {
                for one in objects(body)? {
                    self.images.push(Image::of_transcript(one).map_err(failure).map_err(said)?);
                }
            }
            "changes" => {
                let changes = body.lines().filter_map(|line| {
                    let (kind, path) = line.split_once(' ')?;
                    let kind = match kind {
                        "A" => ChangeKind::Added,
                        "D" => ChangeKind::Deleted,
                        _ => ChangeKind::Modified,
                    };
                    Some(Change { path: path.to_owned(), kind })
                });
                let mut changes: Vec<Change> = changes.collect();
                changes.sort();
                self.changes.insert(rest.to_owned(), changes);
            }
            "files" | "large" => {
                let (id, path) = rest.split_once(' ').ok_or("it names no path")?;
                let entries = if kind == "large" { None } else { Some(archive(body)?) };
                self.archives.insert((id.to_owned(), path.to_owned()), entries);
            }
            _ => {}
        }
        Ok(())
    }

    /// The entries at a path within an archive of a folder above it.
    fn within(&self, id: &str, path: &str) -> Option<Vec<FileEntry>> {
        let above = self.archives.iter().find(|((of, folder), entries)| {
            of == id && entries.is_some() && is_below(path, folder) && path != folder
        })?;
        let ((_, folder), entries) = above;
        let parent = |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| format!("{parent}/"));
        let skipped = parent(path).len().checked_sub(parent(folder).len())?;
        let wanted = path.get(parent(folder).len()..)?;
        let inside = entries.iter().flatten().filter(|entry| is_below(entry.path().trim_end_matches('/'), wanted));
        let inside = inside.filter_map(|entry| {
            let path = entry.path().get(skipped..)?.to_owned();
            let mut entry = entry.clone();
            match &mut entry {
                FileEntry::File { path: of, .. }
                | FileEntry::Folder { path: of, .. }
                | FileEntry::Link { path: of, .. } => {
                    *of = path;
                }
            }
            Some(entry)
        });
        Some(inside.collect::<Vec<_>>()).filter(|entries| !entries.is_empty())
    }
}

fn objects(body: &str) -> Result<Vec<Value>, String> {
    if body.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(body).map_err(|error| format!("its objects are not understood: {error}"))
}

fn archive(body: &str) -> Result<Vec<FileEntry>, String> {
    let joined: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(joined).map_err(|error| format!("its archive is broken: {error}"))?;
    unpack(bytes.into()).map_err(|error| error.to_string())
}

#[async_trait]
impl Source for Gathered {
    fn host(&self) -> Host {
        self.host.clone()
    }

    async fn containers(&self) -> Result<Vec<Container>, Failure> {
        Ok(self.containers.clone())
    }

    async fn image(&self, id: &str) -> Result<Option<Image>, Failure> {
        Ok(self.images.iter().find(|image| image.id == id).cloned())
    }

    async fn networks(&self) -> Result<Vec<Network>, Failure> {
        Ok(self.networks.clone())
    }

    async fn volumes(&self) -> Result<Vec<Volume>, Failure> {
        Ok(self.volumes.clone())
    }

    async fn changes(&self, container: &str) -> Result<Vec<Change>, Failure> {
        Ok(self.changes.get(container).cloned().unwrap_or_default())
    }

    async fn take(&self, container: &str, path: &str, bytes_max: usize) -> Result<Taken, Failure> {
        let found = self.archives.get(&(container.to_owned(), path.to_owned()));
        let entries = match found {
            Some(None) => return Ok(Taken::TooLarge),
            Some(Some(entries)) => Some(entries.clone()),
            None => self.within(container, path),
        };
        let bytes = |entries: &[FileEntry]| -> usize {
            entries
                .iter()
                .map(|entry| if let FileEntry::File { contents, .. } = entry { contents.len() } else { 0 })
                .sum()
        };
        Ok(match entries {
            None => Taken::Nothing,
            Some(entries) if bytes(&entries) > bytes_max => Taken::TooLarge,
            Some(entries) => Taken::Entries(entries),
        })
    }
}
