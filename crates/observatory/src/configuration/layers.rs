//! Defaults, the file, the environment in use, variables and flags, laid over each other; and where each value came from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    Complaint, Configuration,
    lines::{Step, line_at, line_of, steps},
};
use crate::failure::{Failure, Reason};

/// What variables begin with; `OBSERVATORY_SERVICES__GRAFANA__PORT` is `services.grafana.port`.
const PREFIX: &str = "OBSERVATORY_";
/// Variables that are flags and no fields.
const FLAGS: [&str; 2] = ["OBSERVATORY_CONFIG", "OBSERVATORY_DATA"];

/// What the fields of flags begin with that mean the environment in use.
const IN_USE: &str = "environments.*.";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What the configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file's path and text, where there is one.
    pub file: Option<(PathBuf, String)>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Fields with values, and the flag that said so.
    pub flags: Vec<(String, Value, String)>,
}

impl Sources {
    /// With this file's text, or without a file where it is absent and was not asked for.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn of_file(path: &Path, is_asked_for: bool) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { file: Some((path.to_owned(), text)), ..Self::default() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_asked_for => Ok(Self::default()),
            Err(error) => Err(Failure::of_path("read", path, &error)),
        }
    }
}

/// The configuration, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Layers {
    /// What counts.
    pub configuration: Configuration,
    /// What counts, as a table.
    pub table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Lays everything over each other and checks it.
    ///
    /// # Errors
    /// Where something is not understood or not allowed; the message names file and line, or the variable or flag.
    pub fn of(sources: &Sources) -> Result<Self, Failure> {
        let mut pile = Pile::defaults()?;
        if let Some((path, text)) = &sources.file {
            let table = parse(path, text)?;
            pile.text.clone_from(text);
            pile.lay(&table, &mut Vec::new(), &|field| Origin::File {
                path: path.clone(),
                line: line_of(text, &steps(field)).unwrap_or(1),
            });
        }
        // Which environment is in use may be said by variables and flags, which are laid over its differences afterwards.
        let mut ahead = pile.clone();
        ahead.lay_outside(sources);
        if let Some((path, overrides)) = ahead.overrides() {
            let origin = |field: &str| ahead.origin(&format!("{path}.{field}"));
            pile.lay(&overrides, &mut Vec::new(), &origin);
        }
        pile.lay_outside(sources);
        pile.check()
    }

    /// Where the value of a field came from.
    pub fn origin(&self, field: &str) -> Origin {
        self.origins.get(field).cloned().unwrap_or(Origin::Default)
    }
}

fn nearest(origins: &BTreeMap<String, Origin>, field: &str) -> Origin {
    let mut field = field;
    loop {
        if let Some(origin) = origins.get(field) {
            return origin.clone();
        }
        match field.rfind(['.', '[']) {
            Some(end) => field = field.get(..end).unwrap_or_default(),
            None => return Origin::Default,
        }
    }
}

/// The file as a table.
///
/// # Errors
/// Where it is not TOML; the message names file and line.
pub(super) fn parse(path: &Path, text: &str) -> Result<Table, Failure> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        let message = format!("{}:{line}: {}", path.display(), error.message().trim().replace('\n', ", "));
        Failure::new(Reason::Configuration, message)
            .hint("the file is TOML: `key = \"value\"` below `[table]` headings")
    })
}

/// What is laid over each other so far.
#[derive(Debug, Clone)]
struct Pile {
    /// The file's text, in which places deeper than a field can be found.
    text: String,
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Pile {
    fn defaults() -> Result<Self, Failure> {
        let table = Table::try_from(Configuration::default())
            .map_err(|error| Failure::new(Reason::Defect, format!("defaults can't be written: {error}")))?;
        Ok(Self { text: String::new(), table, origins: BTreeMap::new() })
    }

    /// Lays a table over what is there: tables are merged, everything else is replaced.
    fn lay(&mut self, over: &Table, way: &mut Vec<String>, origin: &dyn Fn(&str) -> Origin) {
        for (key, value) in over {
            way.push(key.clone());
            let field = way.join(".");
            match value {
                Value::Table(inner) => {
                    self.origins.entry(field.clone()).or_insert_with(|| origin(&field));
                    self.lay(inner, way, origin);
                    if inner.is_empty() {
                        self.put(way, value.clone());
                    }
                }
                _ => {
                    self.origins.insert(field.clone(), origin(&field));
                    self.put(way, value.clone());
                }
            }
            way.pop();
        }
    }

    fn put(&mut self, way: &[String], value: Value) {
        let Some((last, before)) = way.split_last() else { return };
        let mut table = &mut self.table;
        for key in before {
            let entry = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            let Value::Table(next) = entry else { return };
            table = next;
        }
        if !(value.is_table() && table.get(last).is_some_and(Value::is_table)) {
            table.insert(last.clone(), value);
        }
    }

    fn lay_outside(&mut self, sources: &Sources) {
        let ours =
            sources.variables.iter().filter(|(name, _)| name.starts_with(PREFIX) && !FLAGS.contains(&name.as_str()));
        for (name, text) in ours {
            let field = name.trim_start_matches(PREFIX).to_lowercase().replace("__", ".").replace('_', "-");
            let value = value_of(text);
            self.lay_one(&field, value, Origin::Variable(name.clone()));
        }
        for (field, value, flag) in &sources.flags {
            match field.strip_prefix(IN_USE) {
                None => self.lay_one(field, value.clone(), Origin::Flag(flag.clone())),
                Some(rest) => {
                    // An environment that nobody described is not made by a flag.
                    let name = self.table.get("environment").and_then(Value::as_str).unwrap_or_default();
                    if self.table.get("environments").and_then(|all| all.get(name)).is_some() {
                        let field = format!("environments.{name}.{rest}");
                        self.lay_one(&field, value.clone(), Origin::Flag(flag.clone()));
                    }
                }
            }
        }
    }

    fn lay_one(&mut self, field: &str, value: Value, origin: Origin) {
        let way: Vec<String> = field.split('.').map(str::to_owned).collect();
        self.put(&way, value);
        self.origins.insert(field.to_owned(), origin);
    }

    /// What is different in the environment in use, and where that stands.
    fn overrides(&self) -> Option<(String, Table)> {
        let name = self.table.get("environment")?.as_str()?;
        let overrides = self.table.get("environments")?.get(name)?.get("overrides")?.as_table()?;
        Some((format!("environments.{name}.overrides"), overrides.clone()))
    }

    fn origin(&self, field: &str) -> Origin {
        nearest(&self.origins, field)
    }

    /// Where a person should look: of an element of a list, its own line.
    fn place(&self, path: &str) -> Origin {
        match self.origin(path) {
            Origin::File { path: file, line } if path.contains('[') => {
                Origin::File { path: file, line: line_of(&self.text, &steps(path)).unwrap_or(line) }
            }
            origin => origin,
        }
    }

    fn check(self) -> Result<Layers, Failure> {
        let read = serde_path_to_error::deserialize(Value::Table(self.table.clone()));
        let configuration: Configuration = read.map_err(|error| {
            let problem = error.inner().message().trim().to_owned();
            let mut path = error.path().to_string();
            // The path ends before a key that nobody knows.
            if let Some(unknown) = problem.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
                && !path.ends_with(unknown)
            {
                path = if path == "." { unknown.to_owned() } else { format!("{path}.{unknown}") };
            }
            self.failure(&[Complaint { path, problem }])
        })?;
        let complaints = configuration.complaints();
        if complaints.is_empty() {
            return Ok(Layers { configuration, table: self.table, origins: self.origins });
        }
        Err(self.failure(&complaints))
    }

    fn failure(&self, complaints: &[Complaint]) -> Failure {
        let line = |complaint: &Complaint| match self.place(&complaint.path) {
            Origin::Default => format!("{}: {}", complaint.path, complaint.problem),
            origin => format!("{origin}: {}: {}", complaint.path, complaint.problem),
        };
        let lines: Vec<String> = complaints.iter().map(line).collect();
        Failure::new(Reason::Configuration, lines.join("\n"))
            .hint("`observatory config show --origin` lists every field with its value and where it came from")
    }
}

/// A text as a value: TOML where it is some, else the text itself.
pub(super) fn value_of(text: &str) -> Value {
    let read: Option<Table> = format!("value = {text}").parse().ok();
    read.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Every field below a table that is no table itself, with its whole name.
pub fn flatten(table: &Table) -> Vec<(String, Value)> {
    fn walk(table: &Table, before: &str, found: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            let name = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
            match value {
                Value::Table(inner) if !inner.is_empty() => walk(inner, &name, found),
                _ => found.push((name, value.clone())),
            }
        }
    }
    let mut found = Vec::new();
    walk(table, "", &mut found);
    found
}

/// The field of a table with this whole name.
pub(crate) fn field<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    let mut at: Option<&Value> = None;
    for step in steps(name) {
        at = match (step, at) {
            (Step::Key(key), None) => table.get(&key),
            (Step::Key(key), Some(value)) => value.get(&key),
            (Step::Index(index), Some(value)) => value.get(index),
            (Step::Index(_), None) => None,
        };
        at?;
    }
    at
}

pub(crate) fn parse_value(text: &str) -> Value {
    value_of(text)
}
