//! `cargo xtask tidy`: the rules of the house that the compiler does not know, each a function over the tree.

mod imports;
mod manifests;
mod source;
mod text;

use std::fmt;

use crate::{
    failure::Failure,
    places,
    process::say,
    tidy::source::Source,
    workspace::{self, Package},
};

/// Something that breaks a rule: where, what, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    problem: String,
    hint: &'static str,
}

impl Finding {
    fn new(path: &str, line: usize, problem: impl Into<String>, hint: &'static str) -> Self {
        Self { path: path.to_owned(), line, problem: problem.into(), hint }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.problem, self.hint)
    }
}

/// A text file of the tree, with its path relative to the root.
#[derive(Debug)]
pub(crate) struct File {
    path: String,
    text: String,
    /// Taken apart if it is Rust.
    rust: Option<Source>,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let rust = path.ends_with(".rs").then(|| Source::of(text));
        Self { path: path.to_owned(), text: text.to_owned(), rust }
    }

    /// Whether the whole file is for tests: by its folder, its name, or its crate.
    fn is_test(&self) -> bool {
        let by_folder = self.path.split('/').any(|part| matches!(part, "tests" | "benches"));
        let by_crate = ["crates/testkit/", "crates/acceptance/"].iter().any(|folder| self.path.starts_with(folder));
        by_folder || by_crate || self.path.ends_with("/tests.rs")
    }

    /// The lines of the file with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Everything that rules look at.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: Vec<File>,
    packages: Vec<Package>,
}

impl Tree {
    fn read() -> Result<Self, Failure> {
        let root = places::root();
        let mut files = Vec::new();
        for path in places::files_under(&root, is_ours)? {
            let name = path.to_string_lossy().replace('\\', "/");
            if is_text(&name) {
                files.push(File::new(&name, &places::read(&root.join(&path))?));
            }
        }
        Ok(Self { files, packages: workspace::packages()? })
    }

    fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| file.rust.as_ref().map(|rust| (file, rust)))
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

fn is_ours(folder: &str) -> bool {
    !matches!(folder, ".git" | ".sqlx" | "target" | "node_modules" | "dist" | "coverage" | "__pycache__")
}

fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "rs" | "toml" | "md" | "py" | "sh" | "sql" | "ts" | "tsx" | "js" | "mjs" | "json" | "yml" | "yaml")
        || path == ".ci/run"
}

/// A rule: its name, and what looks for what breaks it.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("who may import whom", imports::ours),
    ("one foreign thing, few crates", imports::foreign),
    ("what is declared is used", imports::unused),
    ("every crate says what it is and inherits the lints", manifests::manifests),
    ("what the workspace declares is used", manifests::workspace_dependencies),
    ("only the catalogue spells a topic", text::topics),
    ("no lint is switched off", text::allowed_lints),
    ("nothing is left unfinished", text::unfinished),
    ("no test is ignored", text::ignored_tests),
    ("no test sleeps", text::sleeping_tests),
    ("no mod.rs", text::module_files),
    ("a file opens with what lives there", text::openings),
    ("no file is too long", text::lengths),
    ("names say what a thing is", text::names),
    ("generated files stand under docs/generated", text::generated),
    ("no path of some machine", text::machine_paths),
    ("no handler decides who may", text::authorisation),
];

/// Checks the tree and prints every finding.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::new(format!("tidy takes no argument, but got `{argument}`"), "call `cargo xtask tidy`"));
    }
    let findings = findings(&Tree::read()?);
    for finding in &findings {
        say(&finding.to_string());
    }
    match findings.len() {
        0 => {
            say(&format!("tidy: {} rules hold", RULES.len()));
            Ok(())
        }
        count => Err(Failure::new(format!("{count} places break a rule"), "each line above names its way out")),
    }
}

fn findings(tree: &Tree) -> Vec<Finding> {
    RULES.iter().flat_map(|(_, rule)| rule(tree)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the rules on text find in these files.
    pub(crate) fn broken_by_text(files: &[(&str, &str)]) -> Vec<String> {
        findings(&Tree::of(files, Vec::new())).iter().map(ToString::to_string).collect()
    }

    impl Tree {
        /// A tree of these files and packages.
        pub(crate) fn of(files: &[(&str, &str)], packages: Vec<Package>) -> Self {
            Self { files: files.iter().map(|(path, text)| File::new(path, text)).collect(), packages }
        }
    }

    /// The findings of one rule as `path:line`.
    pub(crate) fn places_of(rule: fn(&Tree) -> Vec<Finding>, tree: &Tree) -> Vec<String> {
        rule(tree).iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    fn check_rule(name: &str) {
        let (_, rule) = RULES.iter().find(|(other, _)| *other == name).expect("a rule of that name");
        let found: Vec<String> = rule(&Tree::read().unwrap()).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }

    /// One test for each rule, so that a broken one is named in the list of tests.
    macro_rules! rules_hold {
        ($($test:ident: $name:literal),+ $(,)?) => {
            $(#[test] fn $test() { check_rule($name); })+
            #[test]
            fn every_rule_is_tested_on_this_tree() {
                assert_eq!([$($name),+], *RULES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            }
        };
    }

    rules_hold! {
        imports_are_allowed: "who may import whom",
        foreign_crates_stay_home: "one foreign thing, few crates",
        declared_is_used: "what is declared is used",
        manifests_are_whole: "every crate says what it is and inherits the lints",
        workspace_declarations_are_used: "what the workspace declares is used",
        topics_are_spelled_once: "only the catalogue spells a topic",
        lints_stay_on: "no lint is switched off",
        nothing_is_unfinished: "nothing is left unfinished",
        no_test_is_ignored: "no test is ignored",
        no_test_sleeps: "no test sleeps",
        no_module_files: "no mod.rs",
        files_open_with_a_sentence: "a file opens with what lives there",
        files_are_short: "no file is too long",
        names_say_something: "names say what a thing is",
        generated_stands_apart: "generated files stand under docs/generated",
        no_machine_paths: "no path of some machine",
        handlers_do_not_authorise: "no handler decides who may",
    }

    #[test]
    fn test_files_are_known_by_folder_name_and_crate() {
        for (path, expected) in [
            ("crates/bus/tests/it.rs", true),
            ("crates/bus/src/client/tests.rs", true),
            ("crates/testkit/src/lib.rs", true),
            ("crates/bus/src/client.rs", false),
        ] {
            assert_eq!(File::new(path, "").is_test(), expected, "{path}");
        }
    }

    #[test]
    fn a_finding_names_place_and_way_out() {
        let finding = Finding::new("a.rs", 3, "a sleep", "wait for the state");
        assert_eq!(finding.to_string(), "a.rs:3: a sleep; wait for the state");
    }
}
