//! `cargo xtask new`.

use crate::failure::Failure;

pub(crate) fn run(_arguments: &[String]) -> Result<(), Failure> {
    Err(Failure::new("x", "y"))
}
