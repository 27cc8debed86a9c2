//! `config`: what counts and where it came from, and changes of the file that leave everything else in it as it is.

use std::path::Path;

use serde::Serialize;
use toml::Value;

use super::{configured, file, outside};
use crate::{
    cli::{Config, Options},
    configuration::{Layers, Sources, field, flatten, set},
    failure::{Failure, Reason},
    files::{self, Readers},
    output::{Ending, Form, Output, table},
};

#[derive(Serialize)]
struct Row {
    field: String,
    value: Value,
    origin: String,
}

pub(super) fn run(config: Config, options: &Options, out: &mut Output) -> Result<u8, Ending> {
    match config {
        Config::Show { origin } => show(&configured(options)?, origin, out)?,
        Config::Get { field } => get(&configured(options)?, &field, out)?,
        Config::Set { field, value, dry_run } => change(options, &field, Some(&value), dry_run, out)?,
        Config::Unset { field, dry_run } => change(options, &field, None, dry_run, out)?,
        Config::Validate => validate(options, out)?,
        Config::Edit => edit(options, out)?,
    }
    Ok(0)
}

fn show(layers: &Layers, origin: bool, out: &mut Output) -> Result<(), Ending> {
    let rows = flatten(&layers.table).into_iter().map(|(field, value)| {
        let origin = layers.origin(&field).to_string();
        Row { field, value, origin }
    });
    match (origin, out.form()) {
        (false, Form::Person) => {
            let text = toml::to_string(&layers.table)
                .map_err(|error| Failure::new(Reason::Defect, format!("configuration can't be written: {error}")))?;
            out.text(&text)
        }
        (false, Form::Json) => out.show(&layers.table, String::new),
        (true, _) => {
            let rows: Vec<Row> = rows.collect();
            let cells = || rows.iter().map(|row| vec![row.field.clone(), row.value.to_string(), row.origin.clone()]);
            out.show(&rows, || table(&["field", "value", "origin"], cells()))
        }
    }
}

fn get(layers: &Layers, name: &str, out: &mut Output) -> Result<(), Ending> {
    let value = field(&layers.table, name).ok_or_else(|| unknown(layers, name))?;
    out.show(value, || match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => toml::to_string(table).unwrap_or_else(|_unwritable| value.to_string()),
        other => other.to_string(),
    })
}

fn unknown(layers: &Layers, name: &str) -> Failure {
    let above = name.rsplit_once('.').map_or("", |(above, _)| above);
    let beside = field(&layers.table, above).and_then(Value::as_table).unwrap_or(&layers.table);
    let known: Vec<String> = beside.keys().map(|key| format!("`{key}`")).collect();
    Failure::new(Reason::NotFound, format!("no field `{name}` is set, expected one of {}", known.join(", ")))
        .hint("`observatory config show --origin` lists every field")
}

#[derive(Serialize)]
struct Changed<'a> {
    file: String,
    field: &'a str,
    value: Option<&'a str>,
    written: bool,
}

fn change(options: &Options, name: &str, value: Option<&str>, dry_run: bool, out: &mut Output) -> Result<(), Ending> {
    let (path, _) = file(options);
    let old = files::read(&path)?.unwrap_or_default();
    let new = set(&path, &old, name, value)?;
    check(&path, &new)?;
    let differs = new != old;
    if differs && !dry_run {
        files::write(&path, &new, Readers::All)?;
    }
    let changed = Changed { file: path.display().to_string(), field: name, value, written: differs && !dry_run };
    out.show(&changed, || match (value, differs, dry_run) {
        (_, false, _) => format!("{} says so already", path.display()),
        (Some(value), true, true) => format!("would set {name} to {value} in {}", path.display()),
        (Some(value), true, false) => format!("{name} is {value} in {}", path.display()),
        (None, true, true) => format!("would take {name} out of {}", path.display()),
        (None, true, false) => format!("{name} is taken out of {}", path.display()),
    })
}

/// What a text would mean as the file, by itself: what variables and flags say today must not decide over what is written for tomorrow.
fn check(path: &Path, text: &str) -> Result<Layers, Failure> {
    Layers::of(&Sources { file: Some((path.to_owned(), text.to_owned())), ..Sources::default() })
}

#[derive(Serialize)]
struct Valid {
    file: Option<String>,
    valid: bool,
}

fn validate(options: &Options, out: &mut Output) -> Result<(), Ending> {
    let (path, is_asked_for) = file(options);
    let sources = outside(options, Sources::of_file(&path, is_asked_for)?)?;
    Layers::of(&sources)?;
    let file = sources.file.map(|(path, _)| path.display().to_string());
    let valid = Valid { file, valid: true };
    out.show(&valid, || match &valid.file {
        Some(file) => format!("{file} can be used"),
        None => "there is no file; the defaults can be used".to_owned(),
    })
}

/// What is opened where there is no file yet.
const FIRST: &str = "\
# The monitoring stack. Every field has a default: `observatory config show` lists them.
";

fn edit(options: &Options, out: &mut Output) -> Result<(), Ending> {
    let (path, _) = file(options);
    let old = files::read(&path)?.unwrap_or_else(|| FIRST.to_owned());
    let beside = path.with_extension("edit.toml");
    files::write(&beside, &old, Readers::All)?;
    let editor =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // As others do it: the variable may hold arguments, too.
    let mut words = editor.split_whitespace();
    let mut command = std::process::Command::new(words.next().unwrap_or("vi"));
    let status = command.args(words).arg(&beside).status();
    let status = status.map_err(|error| {
        Failure::new(Reason::ProgramMissing, format!("the editor `{editor}` can't be started: {error}"))
            .hint("name one in VISUAL or EDITOR")
    })?;
    let new = files::read(&beside)?.unwrap_or_default();
    if !status.success() || new == old {
        files::remove(&beside)?;
        return out.text(&format!("{} stays as it is", path.display()));
    }
    if let Err(failure) = check(&beside, &new) {
        let hint = format!("{} stays as it is; what you wrote is kept in {}", path.display(), beside.display());
        return Err(failure.hint(hint).into());
    }
    files::write(&path, &new, Readers::All)?;
    files::remove(&beside)?;
    out.text(&format!("{} is written", path.display()))
}
