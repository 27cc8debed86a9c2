//! Tests of the engine from outside: what it answers, beside what others published, and against the laws that it promises.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod approaches;
mod element_text;
mod elements;
mod lanes;
mod verification;
