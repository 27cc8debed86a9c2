//! Names that may stand in a request. They become part of a path there, so what could lead elsewhere is refused before it is sent.

use crate::{ContainersError, Object};

/// The longest name that is sent.
const LENGTH_MAX: usize = 512;

/// A name or an id of a container, network or volume.
pub(crate) fn check(object: Object, name: &str) -> Result<&str, ContainersError> {
    let first = name.chars().next().is_some_and(|letter| letter.is_ascii_alphanumeric());
    let rest = name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'));
    if first && rest && name.len() <= LENGTH_MAX { Ok(name) } else { Err(refused(object, name)) }
}

/// A reference of an image: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, or an id.
pub(crate) fn check_image(image: &str) -> Result<&str, ContainersError> {
    let first = image.chars().next().is_some_and(|letter| letter.is_ascii_alphanumeric());
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/' | ':' | '@');
    let straight = image.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if first && straight && image.chars().all(allowed) && image.len() <= LENGTH_MAX {
        Ok(image)
    } else {
        Err(refused(Object::Image, image))
    }
}

/// Name and tag of a reference; `latest` where it has none, nothing where it has a digest or is an id.
pub(crate) fn tag_of(image: &str) -> (&str, &str) {
    if image.contains('@') || image.starts_with("sha256:") {
        return (image, "");
    }
    let path_from = image.rfind('/').map_or(0, |at| at + 1);
    match image.get(path_from..).and_then(|last| last.find(':')) {
        Some(at) => (image.get(..path_from + at).unwrap_or(image), image.get(path_from + at + 1..).unwrap_or_default()),
        None => (image, "latest"),
    }
}

fn refused(object: Object, name: &str) -> ContainersError {
    let shown: String = name.chars().take(80).collect();
    ContainersError::Refused {
        doing: format!("{object} {shown:?}"),
        reason: "letters, digits and `_.-` are allowed, and a letter or digit begins it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, fine) in [
            ("prometheus", true),
            ("a.b-c_1", true),
            ("", false),
            ("../images", false),
            ("a/b", false),
            ("a?force=1", false),
            (".hidden", false),
            ("ü", false),
        ] {
            assert_eq!(check(Object::Container, name).is_ok(), fine, "{name:?}");
        }
        for (image, fine) in [
            ("prom/prometheus:v2.42.0", true),
            ("127.0.0.1:5000/a/b@sha256:00ff", true),
            ("sha256:00ff", true),
            ("a/../b", false),
            ("a//b", false),
            ("a b", false),
            ("a#b", false),
            ("", false),
        ] {
            assert_eq!(check_image(image).is_ok(), fine, "{image:?}");
        }
    }

    #[test]
    fn the_tag_is_told_from_the_port() {
        for (image, expected) in [
            ("busybox", ("busybox", "latest")),
            ("busybox:1", ("busybox", "1")),
            ("h:5000/a", ("h:5000/a", "latest")),
            ("h:5000/a:2", ("h:5000/a", "2")),
            ("a@sha256:00", ("a@sha256:00", "")),
        ] {
            assert_eq!(tag_of(image), expected);
        }
    }
}
