//! Noise for the reader of OmmKvn.

#![no_main]

use engine_orbital::Form;

libfuzzer_sys::fuzz_target!(|text: &str| engine_orbital_fuzz::check(Form::OmmKvn, text));
