//! The whole, from outside: the built program is started and talked to as its users do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod badinput;
mod lifetime;
mod scenario;
mod spelling;
mod terminal;
mod voice;
