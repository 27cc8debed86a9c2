//! The orbital engine on real catalogues and against the laws that it promises.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

mod elements;
