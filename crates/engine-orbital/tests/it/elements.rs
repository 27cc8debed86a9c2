//! Element sets: every real one goes through every form and comes back the same; so does whatever a form can hold. No text
//! makes a reader panic.

mod properties;

use engine_orbital::{Checksums, Elements, Form, Origin, catalogue};

fn origin() -> Origin {
    Origin { originator: "BIG SKIES".to_owned(), created: "2021-08-23T00:00:00Z".parse().unwrap() }
}

#[test]
fn every_real_set_goes_through_every_form() {
    let sets = Elements::read(catalogue::ACTIVE).unwrap();
    assert_eq!(sets.len(), 3_509);
    assert!(sets.iter().all(|set| set.name.is_some()));
    for form in Form::ALL {
        let text = form.write(&sets, &origin()).unwrap();
        assert_eq!(Form::of(&text), Ok(form));
        let again = form.read(&text, Checksums::Verified).into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        assert!(again == sets, "{} changed a set", form.name());
    }
}

/// Some writers put `00000+0` for no drag and some `00000-0`; elements do not keep which. All other characters come back.
#[test]
fn real_lines_are_written_as_they_were() {
    let sets = Elements::read(catalogue::ACTIVE).unwrap();
    let written = Form::Tle.write(&sets, &origin()).unwrap();
    let differing = catalogue::ACTIVE.lines().zip(written.lines()).filter(|(theirs, ours)| theirs != ours);
    let differing = differing.collect::<Vec<_>>();
    assert_eq!(differing.len(), 39);
    for (theirs, ours) in differing {
        assert_eq!(theirs[..68].replace("00000+0", "00000-0"), ours[..68]);
    }
}

/// It has comments, text after column 69, a blank ephemeris type and three wrong checksums.
#[test]
fn the_verification_set_is_read_but_for_its_wrong_checksums() {
    let text = include_str!("../data/vallado/SGP4-VER.TLE");
    assert_eq!(Form::of(text), Ok(Form::Tle));
    let ignored = Form::Tle.read(text, Checksums::Ignored);
    assert_eq!(ignored.len(), 33);
    assert!(ignored.iter().all(Result::is_ok));
    let refused = Form::Tle.read(text, Checksums::Verified).into_iter().filter_map(Result::err);
    assert_eq!(refused.map(|misread| misread.at.column).collect::<Vec<_>>(), [69; 3]);
}
