//! `cargo xtask up`: makes sure of PostgreSQL, builds everything, and becomes the platform.

use crate::{
    failure::Failure,
    places,
    postgresql::{self, Programs},
    process::Program,
};

/// What `up` was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    profile: Profile,
    /// For `bigskies up`.
    arguments: Vec<String>,
}

/// How the platform is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    /// The folder of the profile's programs under the target folder.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }
}

/// Builds the programs and examples of the whole workspace. Always the whole, since building one package chooses features anew and so builds
/// minutes of foreign crates again; with examples, since these choose features as tests do, and one set of crates serves both.
pub(crate) fn build(profile: Profile) -> Result<(), Failure> {
    Program::cargo().args(["build", "--workspace", "--bins", "--examples"]).args(profile.flags()).show()
}

/// Starts the platform; comes back only with a failure.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let wish = read(arguments);
    let programs = if brings_database(&wish.arguments) { None } else { Some(postgresql::ensure()?) };
    build(wish.profile)?;
    let server = places::target().join(wish.profile.folder()).join("bigskies");
    let mut platform = Program::new(server).args(["up"]).args(&wish.arguments).folder(&here()?);
    if let Some(Programs::Bundle(folder)) = programs {
        platform = platform.env("BIGSKIES_POSTGRES_BIN", folder);
    }
    Err(platform.become_it())
}

fn read(arguments: &[String]) -> Wish {
    let mut wish = Wish { profile: Profile::Release, arguments: Vec::new() };
    let mut ours = true;
    for argument in arguments {
        match argument.as_str() {
            "--dev" if ours => wish.profile = Profile::Debug,
            "--" if ours => ours = false,
            _ => wish.arguments.push(argument.clone()),
        }
    }
    wish
}

fn brings_database(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--database" || argument.starts_with("--database="))
        || std::env::var_os("DATABASE_URL").is_some()
}

/// Paths in arguments are meant from where the user stands.
fn here() -> Result<std::path::PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(format!("cannot tell the current folder: {error}"), "change into a folder that exists")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn our_flags_and_the_platforms() {
        for (line, profile, arguments) in [
            ("", Profile::Release, ""),
            ("--dev", Profile::Debug, ""),
            ("--mqtt 127.0.0.1:0 --dev", Profile::Debug, "--mqtt 127.0.0.1:0"),
            ("-- --dev --help", Profile::Release, "--dev --help"),
        ] {
            assert_eq!(read(&words(line)), Wish { profile, arguments: words(arguments) }, "{line}");
        }
    }

    #[test]
    fn a_given_database_needs_no_programs() {
        assert!(brings_database(&words("--database postgres://localhost/sky")));
        assert!(brings_database(&words("--database=postgres://localhost/sky")));
    }
}
