//! Which known word a person may have meant.

/// The known word that differs least from `word`, if it differs by little.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or changed to come from one word to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (place, &is) in other.iter().enumerate() {
            let over = row.get(place + 1).copied().unwrap_or(usize::MAX - 1);
            left = (diagonal + usize::from(letter != is)).min(left + 1).min(over + 1);
            diagonal = over;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_seen() {
        let known = ["telescope/control/slew", "telescope/control/park", "datastore/ping"];
        for (word, meant) in [
            ("telescope/control/slwe", Some("telescope/control/slew")),
            ("datastor/ping", Some("datastore/ping")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn distances() {
        for (one, other, letters) in [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("a", "a", 0)] {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }
}
