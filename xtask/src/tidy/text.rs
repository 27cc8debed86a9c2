//! Rules on what source files say: words, literals, attributes, names and lengths.

use super::{
    File, Finding, Tree,
    source::{Source, find_word, is_word},
};

const LINES_MAX: usize = 700;

/// A topic is spelled in the catalogue only; tests may spell what they send.
pub(super) fn topics(tree: &Tree) -> Vec<Finding> {
    let hint = "name the message's type from `catalog`, which knows its topic";
    let mut findings = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| spells_no_topics(file)) {
        for literal in rust.literals.iter().filter(|literal| literal.value.starts_with("bigskies/")) {
            if !rust.is_test(literal.line) {
                let problem = format!("a topic outside the catalogue, \"{}\"", literal.value);
                findings.push(Finding::new(&file.path, literal.line, problem, hint));
            }
        }
    }
    findings
}

fn spells_no_topics(file: &File) -> bool {
    file.path.starts_with("crates/") && !file.path.starts_with("crates/catalog/") && !file.is_test()
}

/// Lints are expected with a reason, never switched off.
pub(super) fn allowed_lints(tree: &Tree) -> Vec<Finding> {
    let hint = "fix it, or write `#[expect(…, reason = \"…\")]`";
    in_code(tree, &["#[allow", "#![allow"], "a lint that is switched off", hint)
}

/// No test is left out.
pub(super) fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    let hint = "make it fast enough to run, or move it to `cargo xtask soak`";
    in_code(tree, &[concat!("#[ig", "nore")], "a test that never runs", hint)
}

/// Words that promise work, and macros that stand for it.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    const WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    let hint = "do it now, or write an issue and take the mark away";
    let mut findings =
        in_code(tree, &[concat!("to", "do!"), concat!("unimple", "mented!")], "code that is not written yet", hint);
    for file in tree.files.iter().filter(|file| is_program(&file.path)) {
        let said = file.rust.as_ref().map_or(&file.text, |rust| &rust.comments);
        for (number, line) in (1..).zip(said.lines()) {
            if let Some(word) = WORDS.iter().find(|word| find_word(line, word).is_some()) {
                findings.push(Finding::new(&file.path, number, format!("a mark of unfinished work, {word}"), hint));
            }
        }
    }
    findings
}

fn is_program(path: &str) -> bool {
    [".rs", ".py", ".sh", ".sql", ".ts", ".tsx", ".js", ".mjs"].iter().any(|ending| path.ends_with(ending))
        || path == ".ci/run"
}

/// A test waits for a state, within a bound; it never waits for a while.
pub(super) fn sleeping_tests(tree: &Tree) -> Vec<Finding> {
    let hint = "wait for the state: a channel, or a condition asked at each tick of a `tokio::time::interval` within a `timeout`";
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        for (number, line) in (1..).zip(rust.code.lines()) {
            let is_test = is_test_file(file) || rust.is_test(number);
            if is_test && ["sleep", "sleep_until", "sleep_ms"].iter().any(|name| calls(line, name)) {
                findings.push(Finding::new(&file.path, number, "a sleep in a test", hint));
            }
        }
    }
    findings
}

/// What `testkit` offers is a product for tests, not a test; its waits are its purpose.
fn is_test_file(file: &File) -> bool {
    file.is_test() && !file.path.starts_with("crates/testkit/src/")
}

fn calls(line: &str, name: &str) -> bool {
    find_word(line, name).is_some_and(|at| line[at + name.len()..].starts_with('('))
}

/// A module is `name.rs` with a folder `name/`, so that a tab in an editor says which.
pub(super) fn module_files(tree: &Tree) -> Vec<Finding> {
    let hint = "name it after its folder: `name.rs` beside `name/`";
    let named = tree.rust().filter(|(file, _)| file.path.ends_with("/mod.rs"));
    named.map(|(file, _)| Finding::new(&file.path, 1, "a file called mod.rs", hint)).collect()
}

/// A file opens with one sentence: what lives there.
pub(super) fn openings(tree: &Tree) -> Vec<Finding> {
    let hint = "begin it with `//!` and one sentence: what lives there";
    let silent = tree.rust().filter(|(file, _)| !file.text.starts_with("//! "));
    silent.map(|(file, _)| Finding::new(&file.path, 1, "a file that does not say what lives there", hint)).collect()
}

/// A file can be read in one sitting.
pub(super) fn lengths(tree: &Tree) -> Vec<Finding> {
    let hint = "divide it by what its parts are about";
    let measured =
        tree.files.iter().filter(|file| is_program(&file.path)).map(|file| (file, file.text.lines().count()));
    let long = measured.filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| Finding::new(&file.path, lines, format!("{lines} lines, {LINES_MAX} are the most"), hint))
        .collect()
}

/// A type's name is a noun of its field.
pub(super) fn names(tree: &Tree) -> Vec<Finding> {
    const KINDS: &[&str] = &["struct ", "enum ", "trait ", "type ", "union "];
    const SUFFIXES: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils", "Info", "Dto", "DTO"];
    let hint = "name what it is or does in the words of the field";
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        for (number, line) in (1..).zip(rust.code.lines()) {
            for name in KINDS.iter().filter_map(|kind| declared(line, kind)) {
                if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
                    findings.push(Finding::new(
                        &file.path,
                        number,
                        format!("a name that says nothing, `{name}`"),
                        hint,
                    ));
                }
            }
        }
    }
    findings
}

fn declared<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    let at = find_word(line, kind.trim_end())?;
    let rest = line[at..].strip_prefix(kind)?.trim_start();
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// What is generated stands where `generate --check` looks.
pub(super) fn generated(tree: &Tree) -> Vec<Finding> {
    const MARKS: &[&str] = &["@generated", "Generated by `cargo xtask generate`"];
    let hint = "let `bigskies describe generated` write it to docs/generated";
    let mut findings = Vec::new();
    for file in
        tree.files.iter().filter(|file| !file.path.starts_with("docs/generated/") && !file.path.starts_with("xtask/"))
    {
        if let Some((number, _)) = file.lines().take(5).find(|(_, line)| MARKS.iter().any(|mark| line.contains(mark))) {
            findings.push(Finding::new(&file.path, number, "a generated file outside docs/generated", hint));
        }
    }
    findings
}

/// Nothing depends on a folder that only one machine has.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    const FOLDERS: &[&str] = &[concat!("/ro", "ot/"), concat!("/t", "mp/")];
    let hint = "take the folder from a flag, the environment, or `std::env::temp_dir`";
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_test() && !file.path.starts_with("docs/generated/")) {
        for (number, line) in file.lines() {
            let in_test = file.rust.as_ref().is_some_and(|rust| rust.is_test(number));
            let folder = FOLDERS.iter().find(|folder| begins_path(line, folder)).copied().or_else(|| home(line));
            if let Some(folder) = folder.filter(|_| !in_test) {
                findings.push(Finding::new(&file.path, number, format!("a path of some machine, {folder}"), hint));
            }
        }
    }
    findings
}

/// Whether a folder of the root is named, not one that lies deeper.
fn begins_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].ends_with(|before: char| is_word(before) || matches!(before, '.' | '}' | '*')))
}

fn home(line: &str) -> Option<&'static str> {
    const HOME: &str = concat!("/ho", "me/");
    let (_, rest) = line.split_once(HOME)?;
    rest.starts_with(|letter: char| letter.is_ascii_lowercase()).then_some(HOME)
}

/// The frame checks the permission that a message declares; a handler never does.
pub(super) fn authorisation(tree: &Tree) -> Vec<Finding> {
    let hint = "declare it as the message's NEEDS in `catalog`; the frame checks it";
    let mut findings = Vec::new();
    for (file, rust) in
        tree.rust().filter(|(file, _)| file.path.starts_with("crates/coordinator-") && file.path.contains("/src/"))
    {
        for (number, line) in (1..).zip(rust.code.lines()) {
            let decides = line.contains("Permission::new") || calls(line, "may");
            if decides && !rust.is_test(number) && !file.is_test() {
                findings.push(Finding::new(&file.path, number, "a handler that decides who may", hint));
            }
        }
    }
    findings
}

fn in_code(tree: &Tree, needles: &[&str], problem: &str, hint: &'static str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        for number in lines_with(rust, needles) {
            findings.push(Finding::new(&file.path, number, problem, hint));
        }
    }
    findings
}

fn lines_with(rust: &Source, needles: &[&str]) -> Vec<usize> {
    let has = |line: &str| needles.iter().any(|needle| line.contains(needle));
    (1..).zip(rust.code.lines()).filter(|(_, line)| has(line)).map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests;
