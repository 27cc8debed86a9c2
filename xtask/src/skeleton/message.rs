//! The first file of a message: a command with its reply, which is the kind that needs most to be said.

use super::{FORMS, Name, Skeleton};
use crate::failure::Failure;

const TEXT: &str = r#"//! What is asked with `{owner}/{verb}`, and the answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::{Command, Effect, Needs, Shape};

/// Asks the {owner} coordinator for something; say here for what.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct {camel} {
    /// What it is about.
    pub name: String,
}

impl Shape for {camel} {
    fn example() -> Self {
        Self { name: "north".to_owned() }
    }
}

impl Command for {camel} {
    const NAME: &'static str = "{owner}/{verb}";
    const NEEDS: Needs = Needs::right("{owner}", "read");
    const EFFECT: Effect = Effect::Reads;
    type Reply = {camel}Answer;
}

/// The answer to [`{camel}`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct {camel}Answer {
    /// What it was about.
    pub name: String,
}

impl Shape for {camel}Answer {
    fn example() -> Self {
        Self { name: "north".to_owned() }
    }
}
"#;

/// From `owner/TypeName`.
pub(super) fn draw(path: &str) -> Result<Skeleton, Failure> {
    let Some((owner, type_name)) = path.split_once('/') else {
        return Err(Failure::new(format!("`{path}` does not name the owner of the message"), FORMS));
    };
    let (owner, name) = (Name::of_words(owner)?, Name::of_type(type_name)?);
    let text = name.put(&TEXT.replace("{owner}", &owner.dashed).replace("{verb}", &name.dashed.replace('-', "/")));
    let rows = format!("crates/catalog/src/{}.rs", owner.snake);
    Ok(Skeleton {
        files: vec![(format!("crates/catalog/src/{}/{}.rs", owner.snake, name.snake), text)],
        left: vec![
            format!(
                "`mod {};` and `pub use {}::{{{camel}, {camel}Answer}};` to {rows}",
                name.snake,
                name.snake,
                camel = name.camel
            ),
            format!("`Entry::command::<{}>(),` to MESSAGES in {rows}", name.camel),
            "the right topic, NEEDS and EFFECT; LANE, LIMIT, QOS, REPLY and `scope` where the defaults do not fit"
                .to_owned(),
            format!("`.on(…)` with a handler to `routes` in crates/coordinator-{}/src/lib.rs", owner.dashed),
            "what `cargo xtask generate` then writes to docs/generated, and a line to CHANGELOG.md".to_owned(),
        ],
    })
}
