//! `export`: what runs on a host, as a project in a folder.

use serde::Serialize;

use super::discover::found;
use crate::{
    cli::{Export, Options},
    discovery::Unexpressed,
    export::{VARIABLES, export},
    failure::Failure,
    output::{Ending, Output},
};

#[derive(Serialize)]
struct Exported {
    folder: String,
    written: Vec<String>,
    secrets: Vec<String>,
    unexpressed: Vec<Unexpressed>,
}

pub(super) async fn run(wish: &Export, options: &Options, out: &mut Output) -> Result<u8, Ending> {
    let (discovery, secrets) = found(wish.from.as_deref(), &wish.only, options).await?;
    let folder = std::path::absolute(&wish.out).map_err(|error| Failure::of_path("find", &wish.out, &error))?;
    let last = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let whole = export(discovery, &secrets, wish.project.as_deref().unwrap_or(&last));
    let written = if wish.dry_run {
        whole.files.keys().cloned().chain([VARIABLES.to_owned()]).collect()
    } else {
        whole.write(&folder)?
    };
    let exported = Exported {
        folder: folder.display().to_string(),
        written,
        secrets: whole.discovery.secrets,
        unexpressed: whole.discovery.unexpressed,
    };
    let deed = if wish.dry_run { "would write" } else { "wrote" };
    out.show(&exported, || {
        let mut words: String = exported.written.iter().map(|path| format!("{deed} {path}\n")).collect();
        words.push_str(&format!("{} secrets are in {VARIABLES}, and nowhere else\n", exported.secrets.len()));
        for line in &exported.unexpressed {
            words.push_str(&format!("UNEXPRESSED {}: {}; {}\n", line.name, line.what, line.instead));
        }
        words
    })?;
    Ok(0)
}
