//! The whole, from outside: the built program is started and talked to as its users do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![expect(clippy::print_stdout, reason = "what was measured is part of what a test says")]

mod acme;
mod asking;
mod attacks;
mod badinput;
mod faults;
mod flows;
mod house;
mod lifetime;
mod nodes;
mod safety;
mod scenario;
mod spelling;
mod stand;
mod terminal;
mod terminal_admin;
mod voice;
