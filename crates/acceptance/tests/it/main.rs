//! The whole, from outside: the built program is started and talked to as its users do.

mod scenario;
mod voice;
