//! Noise for the reader of Tle.

#![no_main]

use engine_orbital::Form;

libfuzzer_sys::fuzz_target!(|text: &str| engine_orbital_fuzz::check(Form::Tle, text));
