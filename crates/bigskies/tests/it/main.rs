//! The built program, run as a person or a script runs it. What needs a running observatory is in `acceptance`.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

mod orbit;
