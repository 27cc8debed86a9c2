//! `cargo xtask new`: writes the first files of a coordinator, an engine or a message, and says what to add elsewhere.

mod coordinator;
mod engine;
mod message;

use crate::{
    failure::Failure,
    places,
    process::{Program, print, say},
};

/// Files to write, and what is left for a person to do.
#[derive(Debug)]
struct Skeleton {
    /// Path relative to the root, and text.
    files: Vec<(String, String)>,
    /// One line for each thing to add.
    left: Vec<String>,
}

const FORMS: &str =
    "call `cargo xtask new coordinator weather`, `… new engine weather` or `… new message telescope/FocusMoved`";

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let [kind, name] = arguments else {
        return Err(Failure::new("new takes a kind and a name", FORMS));
    };
    let skeleton = draw(kind, name)?;
    let root = places::root();
    if let Some((path, _)) = skeleton.files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(Failure::new(format!("{path} is there already"), "choose another name, or change what is there"));
    }
    for (path, text) in &skeleton.files {
        places::write(&root.join(path), text)?;
        say(&format!("wrote {path}"));
    }
    let rust = skeleton.files.iter().map(|(path, _)| path).filter(|path| path.ends_with(".rs"));
    Program::new("rustfmt").args(["--edition", "2024"]).args(rust).catch()?;
    print("Now add, where the sentences are yours:\n");
    for line in &skeleton.left {
        print(&format!("  - {line}\n"));
    }
    Ok(())
}

fn draw(kind: &str, name: &str) -> Result<Skeleton, Failure> {
    match kind {
        "coordinator" => Ok(coordinator::draw(&Name::of_words(name)?)),
        "engine" => Ok(engine::draw(&Name::of_words(name)?)),
        "message" => message::draw(name),
        _ => Err(Failure::new(format!("new does not know the kind `{kind}`"), FORMS)),
    }
}

/// A name in the three ways in which code writes it.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// `star-camera`
    dashed: String,
    /// `star_camera`
    snake: String,
    /// `StarCamera`
    camel: String,
}

impl Name {
    /// From lower-case words with dashes between them.
    fn of_words(dashed: &str) -> Result<Self, Failure> {
        let is_word =
            |word: &str| word.starts_with(|letter: char| letter.is_ascii_lowercase()) && word.chars().all(is_plain);
        if !dashed.split('-').all(is_word) {
            let problem = format!("`{dashed}` is not a name for a crate");
            return Err(Failure::new(problem, "use lower-case words with dashes between them, such as `star-camera`"));
        }
        let camel = dashed.split('-').map(capitalised).collect();
        Ok(Self { dashed: dashed.to_owned(), snake: dashed.replace('-', "_"), camel })
    }

    /// From a type's name.
    fn of_type(camel: &str) -> Result<Self, Failure> {
        let is_type = camel.starts_with(|letter: char| letter.is_ascii_uppercase())
            && camel.chars().all(|letter| letter.is_ascii_alphanumeric());
        if !is_type {
            let problem = format!("`{camel}` is not a name for a type");
            return Err(Failure::new(
                problem,
                "use capitalised words without anything between them, such as `FocusMoved`",
            ));
        }
        let mut dashed = String::new();
        for (at, letter) in camel.char_indices() {
            if letter.is_ascii_uppercase() && at > 0 {
                dashed.push('-');
            }
            dashed.push(letter.to_ascii_lowercase());
        }
        Ok(Self { snake: dashed.replace('-', "_"), camel: camel.to_owned(), dashed })
    }

    /// Puts the name into a text, in each of the three ways.
    fn put(&self, text: &str) -> String {
        text.replace("{dashed}", &self.dashed).replace("{snake}", &self.snake).replace("{camel}", &self.camel)
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// What every manifest of the house begins with.
fn manifest(name: &str, description: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\ndescription = \"{description}\"\nversion.workspace = true\nedition.workspace = true\n\
         rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n[lints]\nworkspace = true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_three_ways() {
        let expected = Name { dashed: "star-camera".into(), snake: "star_camera".into(), camel: "StarCamera".into() };
        assert_eq!(Name::of_words("star-camera").unwrap(), expected);
        assert_eq!(Name::of_type("StarCamera").unwrap(), expected);
        for bad in ["", "Star", "star_camera", "star-", "2star"] {
            assert!(Name::of_words(bad).is_err(), "{bad}");
        }
        for bad in ["", "star", "Star-Camera"] {
            assert!(Name::of_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn skeletons_keep_the_rules_on_text() {
        for (kind, name) in
            [("coordinator", "star-camera"), ("engine", "star-camera"), ("message", "telescope/FocusMoved")]
        {
            let skeleton = draw(kind, name).unwrap();
            assert!(!skeleton.left.is_empty(), "{kind}");
            for (path, text) in &skeleton.files {
                assert!(!text.contains("{dashed}") && !text.contains("{camel}") && !text.contains("{snake}"), "{path}");
            }
            let files: Vec<(&str, &str)> =
                skeleton.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            assert_eq!(crate::tidy::tests::broken_by_text(&files), Vec::<String>::new(), "{kind}");
        }
    }

    #[test]
    fn bad_calls_show_the_forms() {
        for words in [vec![], vec!["engine"], vec!["satellite", "one"], vec!["message", "FocusMoved"]] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert!(run(&words).unwrap_err().to_string().contains("hint"), "{words:?}");
        }
    }
}
