//! Commands inside of containers that run.

use std::{collections::BTreeMap, time::Duration};

use bollard::{
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::ExecConfig,
};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::{ContainerEngine, ContainersError, Object, names, refusal::Doing};

/// How much of what a command says is kept, for each of its two streams.
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Between two looks whether a command that says nothing more has ended.
const LOOK: Duration = Duration::from_millis(50);

/// A command to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables besides those of the container.
    pub environment: BTreeMap<String, String>,
    /// The user, instead of the container's.
    pub user: Option<String>,
    /// The folder, instead of the container's.
    pub working_folder: Option<String>,
    /// What it reads from its standard input, at most once.
    pub input: Option<Vec<u8>>,
}

impl Command {
    /// A program with arguments.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// What a command said, and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; 126 and 127 where it could not be started.
    pub exit_code: i64,
    /// What it said, 16 MiB at most.
    pub standard: Vec<u8>,
    /// What it complained of, 16 MiB at most.
    pub errors: Vec<u8>,
}

impl Output {
    /// Both as text.
    pub fn text(&self) -> String {
        [&self.standard, &self.errors].map(|bytes| String::from_utf8_lossy(bytes)).concat()
    }
}

impl ContainerEngine {
    /// Runs a command inside of a container that runs, and waits for its end. After `limit` it is left alone, and goes on. An engine that
    /// does not say how it ended is an error.
    pub async fn run(&self, container: &str, command: &Command, limit: Duration) -> Result<Output, ContainersError> {
        let name = names::check(Object::Container, container)?;
        let doing = Doing::new("running a command in", Object::Container, name);
        let environment = command.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = ExecConfig {
            attach_stdin: Some(command.input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.words.clone()),
            env: Some(environment),
            user: command.user.clone(),
            working_dir: command.working_folder.clone(),
            ..ExecConfig::default()
        };
        let made = self.call(doing, self.docker().create_exec(name, request)).await?;
        let to_its_end = async {
            let output = self.attended(&made.id, command.input.as_deref()).await?;
            Ok((output, self.exit_code(&made.id).await?))
        };
        let (output, exit_code) = self.call_within(doing, limit, to_its_end).await?;
        let exit_code = exit_code.ok_or_else(|| ContainersError::Failed {
            doing: doing.to_string(),
            reason: "the engine does not know its exit code".to_owned(),
        })?;
        Ok(Output { exit_code, ..output })
    }

    /// How a command ended, if the engine can tell. It learns that a little after the streams were closed, and a command may close them and
    /// go on: it is said to run until then, without an exit code (Engine API, "Inspect an exec instance").
    async fn exit_code(&self, id: &str) -> Result<Option<i64>, bollard::errors::Error> {
        loop {
            let found = self.docker().inspect_exec(id).await?;
            if !found.running.unwrap_or_default() {
                return Ok(found.exit_code);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn attended(&self, id: &str, given: Option<&[u8]>) -> Result<Output, bollard::errors::Error> {
        let started = self.docker().start_exec(id, None::<StartExecOptions>).await?;
        let StartExecResults::Attached { output: mut said, mut input } = started else { return Ok(Output::default()) };
        let feeding = async {
            match given {
                Some(bytes) => {
                    input.write_all(bytes).await?;
                    input.shutdown().await
                }
                None => Ok(()),
            }
        };
        let mut output = Output::default();
        let reading = async {
            while let Some(part) = said.next().await {
                match part? {
                    LogOutput::StdErr { message } => keep(&mut output.errors, &message),
                    LogOutput::StdOut { message } | LogOutput::Console { message } => {
                        keep(&mut output.standard, &message);
                    }
                    LogOutput::StdIn { .. } => {}
                }
            }
            Ok::<_, bollard::errors::Error>(())
        };
        let (read, _a_command_that_reads_nothing_is_fine) = futures::join!(reading, feeding);
        read.map(|()| output)
    }
}

fn keep(kept: &mut Vec<u8>, more: &[u8]) {
    let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len()).min(more.len());
    kept.extend_from_slice(more.get(..room).unwrap_or_default());
}
