//! `render`: the files of the stack, in a folder that `docker compose up` can be called in.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use crate::{
    cli::Render,
    failure::Failure,
    files::{self, Readers},
    output::{Ending, Output},
    render, secrets,
    stack::Stack,
};

#[derive(Serialize)]
struct Rendered {
    written: Vec<String>,
    unchanged: usize,
}

pub(super) fn run(wish: &Render, stack: &Stack, out: &mut Output) -> Result<u8, Ending> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    all.insert("compose.yaml".to_owned(), render::compose(stack)?);
    for part in &stack.parts {
        all.extend(part.files.iter().map(|(path, text)| (format!("{}/{path}", part.kind), text.clone())));
    }
    let mut rendered = Rendered { written: Vec::new(), unchanged: 0 };
    for (path, text) in &all {
        let target = wish.out.join(path);
        if files::read(&target)?.as_deref() == Some(text.as_str()) {
            rendered.unchanged += 1;
            continue;
        }
        if !wish.dry_run {
            files::write(&target, text, Readers::All)?;
        }
        rendered.written.push(path.clone());
    }
    if !wish.dry_run {
        place_secrets(&wish.out, stack)?;
    }
    let deed = if wish.dry_run { "would write" } else { "wrote" };
    out.show(&rendered, || {
        let files: Vec<String> = rendered.written.iter().map(|path| format!("{deed} {path}")).collect();
        format!(
            "{}{}{} files are as they were",
            files.join("\n"),
            if files.is_empty() { "" } else { "\n" },
            rendered.unchanged
        )
    })?;
    Ok(0)
}

/// Compose mounts these files as they are, and a service's own user must read them: the folder keeps others out.
fn place_secrets(folder: &Path, stack: &Stack) -> Result<(), Failure> {
    for (name, secret) in stack.parts.iter().flat_map(|part| &part.secrets) {
        files::keep_to_owner(&folder.join("secrets"))?;
        let text = secrets::resolve(folder, name, secret)?;
        files::write(&secrets::path(folder, name), &text, Readers::All)?;
    }
    Ok(())
}
