//! Catalogues that come with the engine: a real one of a day in 2021, and synthetic ones of any size.

mod synthetic;

pub use synthetic::synthetic;

/// 3,509 active satellites of 2021-08-22 as three-line elements, from CelesTrak; `data/README.md` says what was left out.
pub const ACTIVE: &str = include_str!("../data/active_2021-08-22.tle");
