//! The orbital service over real connections.

mod bounds;
mod door;
mod earlier;
mod found;
mod lists;
mod python;
mod restarts;
mod stand;
mod states;
