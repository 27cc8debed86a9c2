//! The stack through the `docker compose` command, for those who prefer it: its files are rendered into a folder, and Compose starts and
//! removes. What is there, and what it says, is asked of the engine, since Compose's containers are containers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;

use super::{LogLine, LogWish, Progress, Runtime, Seen, Volumes, docker::Docker};
use crate::{
    backup::Shelf,
    configuration::{Environment, Kind},
    failure::{Failure, Reason},
    files::{self, Readers},
    plan::{Change, Deed, Plan},
    render, secrets,
    stack::{Part, Stack},
};

/// For one call of Compose, which may pull an image.
const CALL: Duration = Duration::from_secs(600);
/// How many lines of a failed call are shown.
const LAST_WORDS: usize = 5;

/// Runs services by calling Compose.
#[derive(Debug)]
pub struct Compose {
    docker: Docker,
    folder: PathBuf,
    address: Option<String>,
}

impl Compose {
    /// With its files below this folder.
    ///
    /// # Errors
    /// Where the engine can't be reached, or is on another host.
    pub async fn connect(environment: &Environment, folder: &Path) -> Result<Self, Failure> {
        let docker = Docker::connect(environment, folder).await?.made_by_compose();
        if !docker.is_here() {
            let message = "Compose mounts files of this machine, which an engine on another host does not see";
            return Err(Failure::new(Reason::Configuration, message)
                .hint("use `--engine docker`, which puts files where the engine is"));
        }
        Ok(Self { docker, folder: folder.to_owned(), address: environment.address.clone() })
    }

    fn project_folder(&self) -> PathBuf {
        self.folder.join("compose")
    }

    /// Writes everything that Compose reads.
    fn write(&self, stack: &Stack) -> Result<(), Failure> {
        let folder = self.project_folder();
        for part in &stack.parts {
            for (path, text) in &part.files {
                files::write(&folder.join(part.kind.as_str()).join(path), text, Readers::All)?;
            }
            for (name, secret) in &part.secrets {
                let text = secrets::resolve(&self.folder, name, secret)?;
                // Compose mounts the file as it is, and the service's user must read it; the folder around it keeps others out.
                files::write(&folder.join("secrets").join(name), &text, Readers::All)?;
            }
        }
        files::keep_to_owner(&self.folder)?;
        files::write(&folder.join("compose.yaml"), &render::compose(stack)?, Readers::All)
    }

    async fn call(&self, stack: &Stack, arguments: &[&str]) -> Result<(), Failure> {
        let folder = self.project_folder();
        let mut command = tokio::process::Command::new("docker");
        if let Some(address) = &self.address {
            command.args(["--host", address]);
        }
        command.args(["compose", "--project-name", stack.project.as_str(), "--project-directory"]).arg(&folder);
        command.arg("--file").arg(folder.join("compose.yaml")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let said = format!("docker compose {}", arguments.join(" "));
        let output = match tokio::time::timeout(CALL, command.output()).await {
            Err(_over) => {
                return Err(Failure::new(
                    Reason::Unavailable,
                    format!("`{said}` took longer than {} s", CALL.as_secs()),
                ));
            }
            Ok(Err(error)) => {
                return Err(Failure::new(Reason::ProgramMissing, format!("`docker` can't be started: {error}")).hint(
                    "install Docker's client with its Compose plugin, or use `--engine docker`, which needs neither",
                ));
            }
            Ok(Ok(output)) => output,
        };
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("unknown command: docker compose") || errors.contains("is not a docker command") {
            return Err(Failure::new(Reason::ProgramMissing, "this `docker` knows no `compose`")
                .hint("install the Compose plugin, or use `--engine docker`, which does not need it"));
        }
        let lines: Vec<&str> = errors.lines().rev().take(LAST_WORDS).collect();
        let words: Vec<&str> = lines.into_iter().rev().collect();
        Err(Failure::new(Reason::ServiceFailed, format!("`{said}` failed: {}", words.join(" / ")))
            .hint("`observatory logs` shows what the services wrote"))
    }
}

#[async_trait]
impl Runtime for Compose {
    fn name(&self) -> &'static str {
        "containers, through Compose"
    }

    async fn ways(&self, stack: &Stack) -> BTreeMap<Kind, String> {
        self.docker.ways(stack).await
    }

    async fn look(&self, stack: &Stack) -> Result<Vec<Seen>, Failure> {
        self.docker.look(stack).await
    }

    async fn foresee(&self, stack: &Stack, plan: &Plan) -> Result<(), Failure> {
        self.docker.foresee(stack, plan).await
    }

    async fn apply(&self, stack: &Stack, change: &Change, progress: Progress<'_>) -> Result<(), Failure> {
        progress(&change.to_string());
        let service = change.service.as_str();
        match (change.deed, stack.part(change.service)) {
            (Deed::Remove, _) | (_, None) => self.docker.apply(stack, change, &|_| ()).await,
            (Deed::Create | Deed::Start | Deed::Replace, Some(_)) => {
                self.write(stack)?;
                self.call(stack, &["up", "--detach", "--no-deps", "--force-recreate", service]).await
            }
        }
    }

    async fn clear(&self, stack: &Stack, volumes: Volumes) -> Result<Vec<String>, Failure> {
        files::remove(&self.project_folder())?;
        self.docker.clear(stack, volumes).await
    }

    async fn logs(&self, stack: &Stack, wish: &LogWish) -> Result<Vec<LogLine>, Failure> {
        self.docker.logs(stack, wish).await
    }

    async fn trouble(&self, stack: &Stack, kind: Kind) -> Result<Option<String>, Failure> {
        self.docker.trouble(stack, kind).await
    }

    async fn halt(&self, stack: &Stack, kind: Kind) -> Result<(), Failure> {
        self.docker.halt(stack, kind).await
    }

    async fn fetch(
        &self,
        stack: &Stack,
        part: &Part,
        shelf: Shelf,
        below: &str,
        staging: &Path,
    ) -> Result<Option<PathBuf>, Failure> {
        self.docker.fetch(stack, part, shelf, below, staging).await
    }

    async fn discard(&self, stack: &Stack, part: &Part, below: &str) -> Result<(), Failure> {
        self.docker.discard(stack, part, below).await
    }

    async fn refill(
        &self,
        stack: &Stack,
        part: &Part,
        data: &Path,
        config: Option<&Path>,
        staging: &Path,
    ) -> Result<(), Failure> {
        self.docker.refill(stack, part, data, config, staging).await
    }
}
