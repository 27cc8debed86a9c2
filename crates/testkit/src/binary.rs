//! The program under test: the one that cargo built beside the tests.

use std::path::{Path, PathBuf};

/// The built `bigskies`.
#[derive(Debug, Clone)]
pub struct Binary(PathBuf);

impl Binary {
    /// Finds it in the folder of the profile that the running test was built with.
    ///
    /// # Panics
    /// Where it is not built.
    pub fn find() -> Self {
        let test = std::env::current_exe().unwrap_or_else(|e| panic!("the running test has no path: {e}"));
        // …/target/debug/deps/it-0123 or …/target/debug/examples/x: the program is one folder up.
        let found = test.ancestors().skip(1).take(3).map(|folder| folder.join("bigskies")).find(|path| path.is_file());
        match found {
            Some(path) => Self(path),
            None => panic!("bigskies is not built beside {}; build it: cargo build --workspace --bins", test.display()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}
