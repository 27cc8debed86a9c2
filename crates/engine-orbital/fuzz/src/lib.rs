//! What must hold for every text, however broken: no panic, errors within the text, and what was read is written and read again
//! as the same.

use engine_orbital::{Checksums, Elements, Form, Origin};

/// Panics where a law is broken.
pub fn check(form: Form, text: &str) {
    let _found = Elements::read(text);
    let lines = text.split('\n').count();
    for checksums in [Checksums::Verified, Checksums::Ignored] {
        for set in form.read(text, checksums) {
            match set {
                Ok(set) => comes_back(form, set),
                Err(misread) => {
                    assert!((1..=lines).contains(&misread.at.line), "{misread}");
                    assert!(!misread.to_string().is_empty());
                }
            }
        }
    }
}

fn comes_back(form: Form, set: Elements) {
    let origin = Origin { originator: "NOISE".to_owned(), created: set.epoch };
    let sets = [set];
    if let Ok(text) = form.write(&sets, &origin) {
        let again = form.read(&text, Checksums::Verified);
        assert_eq!(again, sets.each_ref().map(|set| Ok(set.clone())), "{text}");
    }
    let rounded = sets.each_ref().map(Elements::rounded_for_tle);
    if let Ok(text) = Form::Tle.write(&rounded, &origin) {
        assert_eq!(Elements::read(&text), Ok(rounded.to_vec()), "{text}");
    }
}
