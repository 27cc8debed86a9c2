//! The observatory as a whole: its command line, the files that it renders held against the programs that read them, and stacks that run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its site is not as expected")]
#![expect(clippy::print_stdout, reason = "what a test saw and how long it took is for whoever looks at its output")]

mod backup;
mod by_compose;
mod command_line;
mod compose;
mod containers;
mod dashboards;
mod discovery;
mod dock;
mod drift;
mod killed;
mod lifecycle;
mod remote;
mod rendering;
mod roundtrip;
mod site;
mod stacks;
