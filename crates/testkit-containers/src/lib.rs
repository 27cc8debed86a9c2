//! A Docker engine, a host behind SSH, and images without a registry, in a test.
//!
//! It is a crate beside `testkit`, since tests of containers need neither a broker nor a database, and should not wait until those are built.
//!
//! ```no_run
//! # async fn example() {
//! use testkit_containers::{Dockerd, RootFileSystem};
//!
//! let dockerd = Dockerd::start().await;
//! let archive = RootFileSystem::with_busybox().archive();
//! # let _ = (dockerd.address(), archive);
//! # }
//! ```
//!
//! Everything here fails by a panic that says what was waited for and how the logs end, since its callers are tests. What is started
//! ends when its owner is dropped.
#![expect(clippy::panic, reason = "its callers are tests, which end by a panic that says why")]

mod dockerd;
mod process;
mod rootfs;
mod sshd;

pub use dockerd::{Dockerd, write_strange_certificates};
pub use process::{until, until_some};
pub use rootfs::RootFileSystem;
pub use sshd::Sshd;
