//! `discover`: what runs on a host, as a report and as data.

use std::path::Path;

use engine_containers::{ContainerEngine, Endpoint};

use super::{configured, described};
use crate::{
    cli::{Discover, Options},
    configuration::EngineKind,
    discovery::{Discovery, FORMAT, Gathered, Live, capture, differences, report, script},
    failure::{Failure, Reason},
    files::{self, Readers},
    output::{Ending, Output, Steps},
    redaction::Secrets,
    runtime::docker::{endpoint, failure},
};

pub(super) async fn run(wish: &Discover, options: &Options, out: &mut Output) -> Result<u8, Ending> {
    if wish.script {
        out.text(&script())?;
        return Ok(0);
    }
    let (mut discovery, _secrets) = found(wish.from.as_deref(), &wish.only, options).await?;
    // Without a configuration that can be used there is nothing to compare with.
    let here = Options { host: None, ..options.clone() };
    discovery.differences = match described(&here) {
        Ok((stack, _, _)) => differences(&discovery, &stack),
        Err(reason) => vec![format!("not compared: {reason}")],
    };
    let words = report(&discovery);
    if let Some(path) = &wish.report {
        files::write(path, &words, Readers::All)?;
    }
    if let Some(path) = &wish.out {
        files::write(path, &(serde_json::to_string_pretty(&discovery).map_err(Failure::from)? + "\n"), Readers::All)?;
    }
    out.show(&discovery, || words)?;
    Ok(0)
}

/// The engine that is meant: `--host` may be an address, too.
pub(super) async fn reach(options: &Options) -> Result<ContainerEngine, Failure> {
    // Whatever runs the stack of this machine, only an engine can be asked about containers.
    let engine = options.engine.filter(|engine| *engine != EngineKind::Process).or(Some(EngineKind::Docker));
    let options = Options { engine, ..options.clone() };
    let environment = configured(&options)?.configuration.chosen().cloned().unwrap_or_default();
    let endpoint = match environment.host.as_deref().filter(|host| host.contains("://")) {
        Some(address) => {
            let files = std::env::var_os("DOCKER_CERT_PATH").filter(|folder| !folder.is_empty());
            let files = files.map(|folder| engine_containers::TlsFiles::of_folder(Path::new(&folder)));
            Endpoint::parse(address, files.as_ref())
        }
        None => endpoint(&environment),
    };
    let endpoint = endpoint.map_err(failure)?;
    ContainerEngine::connect(endpoint, engine_containers::Options::default()).await.map_err(failure)
}

/// What a host or a file says, without its secrets, and these. Data of an earlier discovery has none.
pub(super) async fn found(
    from: Option<&Path>,
    only: &[String],
    options: &Options,
) -> Result<(Discovery, Secrets), Failure> {
    let steps = Steps::new(options.form());
    let mut whole = match from {
        None => {
            let engine = reach(options).await?;
            steps.tell(&format!("looking at {}", engine.address()));
            capture(&Live(engine)).await?
        }
        Some(path) => {
            let text = files::read(path)?.ok_or_else(|| {
                Failure::new(Reason::NotFound, format!("there is no file {}", path.display())).hint("check the path")
            })?;
            if !Gathered::is_one(&text) {
                let mut discovery = read(path, &text)?;
                discovery.only(only)?;
                return Ok((discovery, Secrets::default()));
            }
            capture(&Gathered::read(&path.display().to_string(), &text)?).await?
        }
    };
    whole.only(only)?;
    whole.redacted()
}

fn read(path: &Path, text: &str) -> Result<Discovery, Failure> {
    let wrong = |what: String| {
        Failure::new(Reason::Configuration, format!("{}: {what}", path.display()))
            .hint("name a file that the script gathered, or one of `observatory discover --out`")
    };
    let discovery: Discovery = serde_json::from_str(text).map_err(|error| wrong(format!("no discovery: {error}")))?;
    if discovery.format == FORMAT {
        Ok(discovery)
    } else {
        Err(wrong(format!("form {} is not known, only {FORMAT}", discovery.format)))
    }
}
