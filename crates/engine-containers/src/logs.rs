//! What containers say: of several at once, in the order of time, up to now or as it comes.

use std::pin::Pin;

use bollard::{container::LogOutput, errors::Error, query_parameters::LogsOptions};
use futures::{Stream, StreamExt as _, stream::SelectAll};
use tokio::time::Instant;
use vocabulary::Timestamp;

use crate::{ContainerEngine, ContainersError, Object, names, refusal::Doing};

/// The most lines that are collected for one answer; [`ContainerEngine::logs`] has no such bound.
const LINES_MAX: usize = 100_000;

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Only those since then.
    pub since: Option<Timestamp>,
    /// Only so many of each container, the last.
    pub last_lines: Option<u32>,
}

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The standard output, or a terminal.
    Output,
    /// The standard error output.
    Errors,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The container, as it was asked for.
    pub container: String,
    /// Where it was written to.
    pub source: Source,
    /// When, by the engine's clock: RFC 3339 in its words, with nanoseconds from Docker.
    pub at: String,
    /// The line without its end.
    pub text: String,
}

type Lines = Pin<Box<dyn Stream<Item = Result<LogLine, Error>> + Send>>;

/// Lines of several containers. Up to now they come in the order of time; those that are followed, as they are written.
pub struct Logs {
    engine: ContainerEngine,
    past: Vec<Feed>,
    live: SelectAll<Lines>,
    follow: Option<(Vec<String>, LogOptions)>,
}

/// The lines of one container, and the next of them.
struct Feed {
    container: String,
    lines: Lines,
    head: Option<LogLine>,
    last: Option<String>,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Logs {
    /// The next line; nothing at the end, which for containers that are followed is theirs.
    pub async fn next(&mut self) -> Option<Result<LogLine, ContainersError>> {
        if !self.past.is_empty() || self.follow.is_some() {
            match self.next_of_past().await {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => self.go_live(),
                Err(error) => return Some(Err(error)),
            }
        }
        let line = self.live.next().await?;
        let doing = Doing::new("reading the logs of", Object::Container, "");
        match line {
            Ok(line) => Some(Ok(line)),
            Err(error) => Some(Err(self.engine.explained(doing, error).await)),
        }
    }

    /// The earliest of the next lines.
    async fn next_of_past(&mut self) -> Result<Option<LogLine>, ContainersError> {
        let deadline = Instant::now() + self.engine.inner.options.transfer_limit;
        for feed in &mut self.past {
            if feed.head.is_none() {
                let doing = Doing::new("reading the logs of", Object::Container, &feed.container);
                feed.head = self.engine.next_within(doing, &mut feed.lines, deadline).await?;
            }
        }
        let waiting = self.past.iter_mut().filter(|feed| feed.head.is_some());
        let earliest = waiting.min_by(|a, b| moment(a.head.as_ref()).cmp(&moment(b.head.as_ref())));
        Ok(earliest.and_then(|feed| {
            let line = feed.head.take();
            feed.last = line.as_ref().map(|line| line.at.clone());
            line
        }))
    }

    /// Goes on with what is written from now on; what was shown already is left out by its time.
    fn go_live(&mut self) {
        let past = std::mem::take(&mut self.past);
        let Some((containers, asked)) = self.follow.take() else { return };
        for container in containers {
            let last = past.iter().find(|feed| feed.container == container).and_then(|feed| feed.last.clone());
            let from = last.as_deref().and_then(|at| at.parse().ok());
            let options = if from.is_some() { LogOptions { since: from, last_lines: None } } else { asked.clone() };
            let lines = self.engine.lines(&container, &options, Follow::Yes);
            let fresh = move |line: &Result<LogLine, Error>| {
                let is_old = line.as_ref().is_ok_and(|line| last.as_ref().is_some_and(|last| line.at <= *last));
                futures::future::ready(!is_old)
            };
            self.live.push(Box::pin(lines.filter(fresh)));
        }
    }
}

/// Whether to go on with what is written later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    Yes,
    No,
}

impl ContainerEngine {
    /// What containers have said up to now, merged.
    pub async fn logs(&self, containers: &[&str], options: &LogOptions) -> Result<Logs, ContainersError> {
        let mut past = Vec::with_capacity(containers.len());
        for container in containers {
            names::check(Object::Container, container)?;
            let lines = self.lines(container, options, Follow::No);
            past.push(Feed { container: (*container).to_owned(), lines, head: None, last: None });
        }
        Ok(Logs { engine: self.clone(), past, live: SelectAll::new(), follow: None })
    }

    /// What containers have said, merged, and what they say from now on, until all of them have ended.
    pub async fn follow_logs(&self, containers: &[&str], options: &LogOptions) -> Result<Logs, ContainersError> {
        let mut logs = self.logs(containers, options).await?;
        logs.follow = Some((containers.iter().map(|name| (*name).to_owned()).collect(), options.clone()));
        Ok(logs)
    }

    /// The same as a list of 100,000 lines at most.
    pub async fn logs_until_now(
        &self,
        containers: &[&str],
        options: &LogOptions,
    ) -> Result<Vec<LogLine>, ContainersError> {
        let mut logs = self.logs(containers, options).await?;
        let mut lines = Vec::new();
        while let Some(line) = logs.next().await {
            lines.push(line?);
            if lines.len() >= LINES_MAX {
                break;
            }
        }
        Ok(lines)
    }

    fn lines(&self, container: &str, options: &LogOptions, follow: Follow) -> Lines {
        let since = options.since;
        // The library knows whole seconds; what is too early is left out here.
        let seconds = since.map_or(0, |at| at.instant().unix_timestamp().clamp(0, i64::from(i32::MAX)));
        let asked = LogsOptions {
            follow: follow == Follow::Yes,
            stdout: true,
            stderr: true,
            since: i32::try_from(seconds).unwrap_or(i32::MAX),
            timestamps: true,
            tail: options.last_lines.map_or_else(|| "all".to_owned(), |count| count.to_string()),
            ..LogsOptions::default()
        };
        let name = container.to_owned();
        let read = self.docker().logs(container, Some(asked)).map(move |part| part.map(|part| line(&name, part)));
        Box::pin(read.filter(move |line| {
            let wanted = line.as_ref().map_or(true, |line| {
                let at = line.at.parse::<Timestamp>().ok();
                since.zip(at).is_none_or(|(since, at)| at >= since)
            });
            futures::future::ready(wanted)
        }))
    }
}

fn line(container: &str, part: LogOutput) -> LogLine {
    let source = match part {
        LogOutput::StdErr { .. } => Source::Errors,
        LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => Source::Output,
    };
    let bytes = part.into_bytes();
    let whole = String::from_utf8_lossy(&bytes);
    let whole = whole.trim_end_matches(['\n', '\r']);
    let (at, text) = whole.split_once(' ').unwrap_or((whole, ""));
    LogLine { container: container.to_owned(), source, at: at.to_owned(), text: text.to_owned() }
}

/// What lines are ordered by: the instant, and within a microsecond the engine's digits.
fn moment(line: Option<&LogLine>) -> (Option<Timestamp>, &str) {
    let at = line.map_or("", |line| line.at.as_str());
    (at.parse().ok(), at)
}
