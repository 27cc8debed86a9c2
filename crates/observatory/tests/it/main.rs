//! The observatory as a whole: its command line, the files that it renders held against the programs that read them, and stacks that run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its site is not as expected")]

mod by_compose;
mod command_line;
mod containers;
mod dashboards;
mod dock;
mod drift;
mod killed;
mod lifecycle;
mod remote;
mod rendering;
mod site;
