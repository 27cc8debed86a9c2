//! What each command does.

mod backup;
mod bring;
mod config;
mod discover;
mod export;
mod import;
mod logs;
mod render;
mod restore;
mod status;

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use toml::Value;

use crate::{
    cli::{Cli, Command, Options},
    configuration::{EngineKind, Environment, FILE, Layers, Sources, parse_value},
    failure::{Failure, Reason},
    files,
    output::{Ending, Output},
    runtime::{
        Runtime,
        compose::Compose,
        docker::Docker,
        process::{Processes, keeper},
    },
    stack::Stack,
};

/// Does what the command line says; the exit code where it succeeded.
///
/// # Errors
/// Why it could not be done.
pub async fn run(cli: Cli, out: &mut Output) -> Result<u8, Ending> {
    let options = cli.options;
    match cli.command {
        Command::Up(up) => bring::up(&up, &Desk::open(&options).await?, out).await,
        Command::Down(down) => bring::down(&down, &Desk::open(&options).await?, out).await,
        Command::Plan => bring::plan(&Desk::open(&options).await?, out).await,
        Command::Status => status::run(&Desk::open(&options).await?, out).await,
        Command::Logs(logs) => logs::run(&logs, &Desk::open(&options).await?, out).await,
        Command::Backup(backup) => backup::run(&backup, &Desk::open(&options).await?, out).await,
        Command::Restore(restore) => restore::run(&restore, &Desk::open(&options).await?, out).await,
        Command::Discover(discover) => discover::run(&discover, &options, out).await,
        Command::Export(export) => export::run(&export, &options, out).await,
        Command::Import(import) => import::run(&import, &options, out).await,
        Command::Render(render) => render::run(&render, &described(&options)?.0, out),
        Command::Config(config) => config::run(config, &options, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "observatory", &mut script);
            out.text(&String::from_utf8_lossy(&script))?;
            Ok(0)
        }
        Command::Keep { folder, service } => {
            keeper::run(&folder, service).await?;
            Ok(0)
        }
    }
}

/// What commands about a stack work with.
pub(crate) struct Desk {
    pub(crate) stack: Stack,
    pub(crate) runtime: Box<dyn Runtime>,
    pub(crate) folder: PathBuf,
}

impl Desk {
    async fn open(options: &Options) -> Result<Self, Failure> {
        let (mut stack, folder, environment) = described(options)?;
        let runtime: Box<dyn Runtime> = match environment.engine {
            EngineKind::Process => Box::new(Processes::new(&folder, &own_path()?)),
            EngineKind::Docker => Box::new(Docker::connect(&environment, &folder).await?),
            EngineKind::Compose => Box::new(Compose::connect(&environment, &folder).await?),
        };
        stack.ways = runtime.ways(&stack).await;
        Ok(Self { stack, runtime, folder })
    }

    /// Keeps other runs of this program away from the same stack, and clears what one that was killed left on its way.
    fn lock(&self) -> Result<impl Drop + use<>, Failure> {
        let path = self.folder.join("run").join("observatory.lock");
        let lock = files::lock(&path)?.ok_or_else(|| {
            Failure::new(Reason::Busy, format!("another `observatory` works on {} now", self.stack.project))
                .hint("wait until it is done")
        })?;
        files::remove(&self.folder.join(STAGING))?;
        Ok(lock)
    }
}

/// Below the data folder: what a command makes on its way, and the next one removes where the first was killed.
pub(crate) const STAGING: &str = "run/staging";

/// Whether the person agrees to what is about to be done; `flag` says how a script does.
pub(crate) fn agrees(asked: &str, flag: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Reason::Usage, asked).hint(flag));
    }
    let _nobody_listens = write!(std::io::stderr(), "{asked}. Type yes to go on: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Reason::Unavailable, format!("no answer could be read: {error}")))?;
    Ok(matches!(answer.trim(), "yes" | "y"))
}

/// The stack that is configured, its folder, and where it runs.
fn described(options: &Options) -> Result<(Stack, PathBuf, Environment), Failure> {
    let layers = configured(options)?;
    let folder = data_folder(options, &layers)?;
    let stack = Stack::of(&layers.configuration, &folder)?;
    let environment = layers.configuration.chosen().cloned().unwrap_or_default();
    Ok((stack, folder, environment))
}

fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::new(Reason::Unavailable, format!("this program's own file can't be found: {error}")))
}

/// The file that is meant, and whether somebody named it.
pub(crate) fn file(options: &Options) -> (PathBuf, bool) {
    options.config.clone().map_or_else(|| (PathBuf::from(FILE), false), |path| (path, true))
}

/// Everything that counts, from the file, variables and flags.
///
/// # Errors
/// Where it can't be used.
pub(crate) fn configured(options: &Options) -> Result<Layers, Failure> {
    let (path, is_asked_for) = file(options);
    Layers::of(&outside(options, Sources::of_file(&path, is_asked_for)?)?)
}

/// What variables and flags say, besides the file.
pub(crate) fn outside(options: &Options, mut sources: Sources) -> Result<Sources, Failure> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    sources.variables = variables.collect();
    let flags = &mut sources.flags;
    let mut flag = |field: &str, value: Value, name: &str| flags.push((field.to_owned(), value, name.to_owned()));
    if let Some(name) = &options.environment {
        flag("environment", Value::String(name.clone()), "--environment");
    }
    if let Some(engine) = options.engine {
        flag("environments.*.engine", Value::String(engine.to_string()), "--engine");
    }
    if let Some(host) = &options.host {
        flag("environments.*.host", Value::String(host.clone()), "--host");
    }
    for (kinds, enabled, name) in [(&options.with, true, "--with"), (&options.without, false, "--without")] {
        for kind in kinds {
            flag(&format!("services.{kind}.enabled"), Value::Boolean(enabled), name);
        }
    }
    for setting in &options.set {
        let (field, value) = setting.split_once('=').ok_or_else(|| {
            Failure::new(Reason::Usage, format!("`--set {setting}` has no `=`")).hint("write `--set FIELD=VALUE`")
        })?;
        flag(field, parse_value(value), "--set");
    }
    Ok(sources)
}

/// Where data and state of this stack are kept, as an absolute path.
fn data_folder(options: &Options, layers: &Layers) -> Result<PathBuf, Failure> {
    let name = format!("{}-{}", layers.configuration.project, layers.configuration.environment);
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => {
            let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let data = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
            let data = data.ok_or_else(|| {
                Failure::new(Reason::Configuration, "neither XDG_DATA_HOME nor HOME is set")
                    .hint("name a folder with --data")
            })?;
            data.join("observatory").join(name)
        }
    };
    std::path::absolute(&folder).map_err(|error| Failure::of_path("find", Path::new(&folder), &error))
}
