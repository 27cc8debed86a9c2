//! Bad and good examples for each rule on text.

use super::*;
use crate::tidy::tests::places_of;

const SOURCE: &str = "crates/bus/src/lib.rs";

/// A rule finds these lines, and no others, in a file with this path and text.
fn check(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str, lines: &[usize]) {
    let expected: Vec<String> = lines.iter().map(|line| format!("{path}:{line}")).collect();
    assert_eq!(places_of(rule, &Tree::of(&[(path, text)], Vec::new())), expected, "{text}");
}

#[test]
fn topics_outside_the_catalogue() {
    let spelled =
        "f(\"bigskies/coordinator\");\n// \"bigskies/x\"\n#[cfg(test)]\nmod tests { const A: &str = \"bigskies/y\"; }";
    check(topics, SOURCE, spelled, &[1]);
    check(topics, "crates/catalog/src/lib.rs", spelled, &[]);
    check(topics, "crates/bus/tests/it.rs", spelled, &[]);
    check(topics, "crates/acceptance/src/lib.rs", spelled, &[]);
    check(topics, SOURCE, "f(\"/bigskies/console\", \"bigskies\")", &[]);
}

#[test]
fn lints_switched_off() {
    check(
        allowed_lints,
        SOURCE,
        "#![allow(dead_code)]\n#[allow(unused)]\n#[expect(unused, reason = \"#[allow\")]",
        &[1, 2],
    );
}

#[test]
fn tests_that_never_run() {
    let attribute = concat!("#[ig", "nore]");
    check(ignored_tests, SOURCE, &format!("#[test]\n{attribute}\nfn a() {{}} // {attribute}"), &[2]);
}

#[test]
fn unfinished_work() {
    let mark = concat!("TO", "DO");
    let call = concat!("to", "do!()");
    check(unfinished, SOURCE, &format!("// {mark}: later\nlet a = \"{mark}\";\n{call}"), &[3, 1]);
    check(unfinished, "plugins/weather/main.py", &format!("# {mark}\n# {mark}S"), &[1]);
    check(unfinished, "docs/guide.md", mark, &[]);
}

#[test]
fn sleeps_in_tests() {
    let text = "fn a() { time::sleep(d) }\n#[cfg(test)]\nmod tests {\n    fn b() { std::thread::sleep(d) }\n    // sleep(1)\n}";
    check(sleeping_tests, SOURCE, text, &[4]);
    check(sleeping_tests, "crates/bus/tests/it/main.rs", "sleep(d).await\nasleep(d)\nlet sleep = 1;", &[1]);
    check(sleeping_tests, "crates/testkit/src/lib.rs", "sleep(d).await", &[]);
    check(sleeping_tests, "crates/acceptance/tests/it.rs", "sleep_until(d).await", &[1]);
}

#[test]
fn modules_without_a_name() {
    check(module_files, "crates/bus/src/client/mod.rs", "//! Client.", &[1]);
    check(module_files, "crates/bus/src/client/commod.rs", "//! Client.", &[]);
}

#[test]
fn files_that_do_not_say_what_lives_there() {
    check(openings, SOURCE, "//! Carries messages.", &[]);
    check(openings, SOURCE, "\n//! Too late.", &[1]);
    check(openings, SOURCE, "use std;", &[1]);
    check(openings, "docs/a.md", "Text", &[]);
}

#[test]
fn files_too_long() {
    check(lengths, SOURCE, &"a\n".repeat(LINES_MAX), &[]);
    check(lengths, SOURCE, &"a\n".repeat(LINES_MAX + 1), &[LINES_MAX + 1]);
    check(lengths, "docs/a.md", &"a\n".repeat(LINES_MAX + 1), &[]);
}

#[test]
fn names_that_say_nothing() {
    check(
        names,
        SOURCE,
        "pub struct PoolManager;\nenum Information {}\ntype DeviceInfo = u8;\nlet a: TaskDto;\ntrait Helper<T> {}",
        &[1, 3, 5],
    );
}

#[test]
fn generated_files_elsewhere() {
    let text = "// @generated\n";
    check(generated, "console/src/messages.ts", text, &[1]);
    check(generated, "docs/generated/messages.ts", text, &[]);
    check(generated, SOURCE, "\n\n\n\n\n// @generated", &[]);
}

#[test]
fn paths_of_some_machine() {
    let (root, scratch, home) = (concat!("/ro", "ot/"), concat!("/t", "mp/"), concat!("/ho", "me/"));
    check(
        machine_paths,
        SOURCE,
        &format!("f(\"{scratch}a\")\n// {root}\nf(\"{home}ann/b\")\nf(\"{home}$USER\")"),
        &[1, 2, 3],
    );
    check(machine_paths, SOURCE, &format!("f(\"target{scratch}a\")\n#[cfg(test)]\nuse {{ \"{scratch}b\" }};"), &[]);
    check(machine_paths, "deploy/compose.yml", &format!("- {scratch}:{scratch}"), &[1]);
    check(machine_paths, "crates/bus/tests/it.rs", &format!("f(\"{scratch}a\")"), &[]);
}

#[test]
fn handlers_that_decide_who_may() {
    let text = "if caller.may(\"slew\") {}\nPermission::new(\"a\");\n/// who may (or not)\nmaybe(1)";
    check(authorisation, "crates/coordinator-telescope/src/pointing.rs", text, &[1, 2]);
    check(authorisation, "crates/coordinator/src/frame.rs", text, &[]);
}
