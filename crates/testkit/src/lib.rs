//! An observatory in a test.
