//! Tests of the engine from outside: what it answers, beside what others published.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod element_text;
mod lanes;
mod verification;
