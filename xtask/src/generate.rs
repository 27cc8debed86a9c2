//! `cargo xtask generate`: writes what is rendered from the code, or finds what is stale.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    failure::Failure,
    places,
    process::{Program, say},
    up::{self, Profile},
};

const PLACE: &str = "docs/generated";

/// Files by their path.
type Files = BTreeMap<String, Vec<u8>>;

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => write(),
        [flag] if flag == "--check" => check(),
        _ => Err(Failure::new(
            format!("generate does not know `{}`", arguments.join(" ")),
            "call it alone or with `--check`",
        )),
    }
}

/// Fails if a file is not what the code renders.
pub(crate) fn check() -> Result<(), Failure> {
    let stale = differences(&rendered()?, &read(&places::root().join(PLACE))?);
    if stale.is_empty() {
        say(&format!("generate: {PLACE} is what the code says"));
        return Ok(());
    }
    stale.iter().for_each(|line| say(line));
    Err(Failure::new(
        format!("{} files in {PLACE} are stale", stale.len()),
        "run `cargo xtask generate` and commit what it writes",
    ))
}

fn write() -> Result<(), Failure> {
    refresh_queries()?;
    let (place, rendered) = (places::root().join(PLACE), rendered()?);
    let found = read(&place)?;
    for name in found.keys().filter(|name| !rendered.contains_key(*name)) {
        let path = place.join(name);
        fs::remove_file(&path).map_err(|error| Failure::of_path("remove", &path, &error))?;
    }
    for (name, bytes) in rendered.iter().filter(|(name, bytes)| found.get(*name) != Some(bytes)) {
        places::write(&place.join(name), bytes)?;
    }
    let changed = differences(&rendered, &found);
    changed.iter().for_each(|line| say(line));
    say(&format!("generate: {} files in {PLACE}, {} changed", rendered.len(), changed.len()));
    Ok(())
}

/// The descriptions of queries that builds without a database check against.
fn refresh_queries() -> Result<(), Failure> {
    Program::cargo()
        .args(["run", "--quiet", "--package", "store", "--no-default-features", "--example", "prepare"])
        .show()
}

/// What the platform's own binary says of itself.
fn rendered() -> Result<Files, Failure> {
    up::build(Profile::Debug)?;
    let folder = places::target().join("generated");
    places::make_empty(&folder)?;
    let program = places::target().join(Profile::Debug.folder()).join("bigskies");
    Program::new(program).args(["describe", "generated", "--out"]).args([&folder]).catch()?;
    read(&folder)
}

fn read(folder: &Path) -> Result<Files, Failure> {
    places::make(folder)?;
    let mut files = Files::new();
    for path in places::files_under(folder, |_| true)? {
        let name = path.to_string_lossy().replace('\\', "/");
        // The file that keeps the folder in the repository while it is empty.
        if name != ".gitkeep" {
            let bytes =
                fs::read(folder.join(&path)).map_err(|error| Failure::of_path("read", &folder.join(&path), &error))?;
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

/// One line for each file that differs.
fn differences(rendered: &Files, found: &Files) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, bytes) in rendered {
        match found.get(name) {
            None => lines.push(format!("{PLACE}/{name}: missing")),
            Some(old) if old != bytes => lines.push(format!("{PLACE}/{name}: stale")),
            Some(_) => {}
        }
    }
    lines.extend(
        found
            .keys()
            .filter(|name| !rendered.contains_key(*name))
            .map(|name| format!("{PLACE}/{name}: no longer rendered")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> Files {
        of.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_differs_is_named() {
        let rendered = files(&[("a.md", "1"), ("b.md", "2"), ("c.md", "3")]);
        let found = files(&[("a.md", "1"), ("b.md", "old"), ("d.md", "4")]);
        let expected =
            ["docs/generated/b.md: stale", "docs/generated/c.md: missing", "docs/generated/d.md: no longer rendered"];
        assert_eq!(differences(&rendered, &found), expected);
        assert_eq!(differences(&rendered, &rendered), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(run(&["--all".to_owned()]).unwrap_err().to_string().contains("`--all`"));
    }
}
