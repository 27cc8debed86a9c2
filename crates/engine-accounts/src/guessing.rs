//! Passwords that are guessed soon: by whoever tries the most common ones first, keys in a row, and the words of this house.

use zxcvbn::{Score, zxcvbn};

/// What the programs before this one came with. They are in public repositories, and no estimate knows that.
const HANDED_OUT: [&str; 2] = ["bigskies_admin_2024", "bigskies_dev_password"];
/// Words that stand for nothing here, since everybody knows them.
const HOUSE: [&str; 10] = [
    "bigskies",
    "big skies",
    "observatory",
    "telescope",
    "astronomy",
    "astronomer",
    "satellite",
    "andromeda",
    "orion",
    "operator",
];

/// Whether fewer than a million guesses find it, which is what a login that slows guesses down keeps away
/// (the estimate of Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016; it knows the 30,000 most common
/// passwords). What stands in `own`, such as the account's name, counts as known.
pub(crate) fn is_guessed_soon(password: &str, own: &[&str]) -> bool {
    if HANDED_OUT.contains(&password.to_lowercase().as_str()) {
        return true;
    }
    let known: Vec<&str> = HOUSE.iter().chain(own).copied().collect();
    zxcvbn(password, &known).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_soon() {
        for (password, soon) in [
            ("password", true),
            ("PassWord1", true),
            ("bigskies_admin_2024", true),
            ("BigSkies2024", true),
            ("Telescope1", true),
            ("ada.lovelace1", true),
            ("lovelace99", true),
            ("qwertyuiop", true),
            ("zaq12wsx", true),
            ("trustno1", true),
            ("ßßßßßßßß", true),
            ("qqqqqqqqqqqqqqqqqqqq", true),
            ("correct horse battery staple", false),
            ("Vega is 25 light years away", false),
            ("Saturn-rings-7", false),
        ] {
            assert_eq!(is_guessed_soon(password, &["ada.lovelace", "lovelace"]), soon, "{password}");
        }
    }
}
