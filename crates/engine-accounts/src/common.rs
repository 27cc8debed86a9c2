//! Passwords that are tried first by everybody who guesses.

/// In lower case and in alphabetical order; only what the length would let through, and a few of this house.
const COMMON: &[&str] = &[
    "00000000", "01234567", "012345678", "0123456789", "0987654321", "11111111", "1111111111", "11223344", "12121212",
    "123123123", "12341234", "12344321", "123454321", "12345678", "123456789", "1234567890", "1234567a", "123456abc",
    "1234abcd", "123qweasd", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "1qazxsw2", "22222222", "66666666", "77777777",
    "87654321", "88888888", "987654321", "9876543210", "99999999", "a1234567", "a12345678", "aa123456", "aaaaaaaa",
    "abc12345", "abcd1234", "abcdefgh", "admin123", "admin1234", "administrator", "alexander", "andromeda", "asdasdasd",
    "asdf1234", "asdfasdf", "asdfghjk", "asdfghjkl", "astronomy", "baseball", "bigskies", "bigskies1", "bigskies123",
    "bigskies_admin_2024", "bigskies_dev_password", "butterfly", "change-this-secret-in-production", "changeit", "changeme",
    "changeme1", "charlotte", "chocolate", "computer", "default1", "dragon123", "einstein", "elizabeth", "facebook",
    "football", "football1", "galileo1", "google123", "hello123", "helloworld", "iloveyou", "iloveyou1", "internet",
    "jennifer", "kepler123", "letmein1", "letmein123", "liverpool", "login123", "master123", "michelle", "midnight",
    "minecraft", "monkey123", "mustang1", "nebula123", "observatory", "observer", "operator", "passw0rd", "password",
    "password!", "password1", "password12", "password123", "password1234", "pa55word", "p@ssw0rd", "p@ssword", "princess",
    "princess1", "q1w2e3r4", "q1w2e3r4t5", "qazwsxedc", "qwer1234", "qwerasdf", "qwertyui", "qwerty12", "qwerty123",
    "qwertyuiop", "raspberry", "samantha", "saturn123", "secret12", "secret123", "september", "shadow123", "starwars",
    "sunshine", "sunshine1", "superman", "superman1", "supernova", "telescope", "telescope1", "test1234", "testtest",
    "trustno1", "unknown1", "victoria", "welcome1", "welcome123", "whatever", "william1", "zaq12wsx", "zxcvbnm1", "zxcvbnma",
    "zxcvbnm123", "zzzzzzzz",
];

/// Whether everybody who guesses would try it.
pub(crate) fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    let all_the_same = password.chars().zip(password.chars().skip(1)).all(|(one, next)| one == next);
    all_the_same || COMMON.contains(&password.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_ones_are_known_in_any_case() {
        for (password, common) in [
            ("password", true),
            ("PassWord1", true),
            ("bigskies_admin_2024", true),
            ("ßßßßßßßß", true),
            ("qqqqqqqqqqqqqqqqqqqq", true),
            ("correct horse battery staple", false),
            ("Vega is 25 light years away", false),
        ] {
            assert_eq!(is_common(password), common, "{password}");
        }
        assert!(COMMON.iter().all(|one| *one == one.to_lowercase() && one.len() >= 8));
    }
}
