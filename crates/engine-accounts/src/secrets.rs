//! Secrets that are made here, and what is kept of them.

use aws_lc_rs::rand;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// The letters of codes that people read and type: none that looks like another (Crockford's base 32, 5 bits each).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Random bytes.
///
/// # Errors
/// The system gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(bytes)
}

/// What is kept of a secret with at least 128 random bits: of one that long, a plain digest can't be turned back.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A code of 28 letters (140 bits) in groups of four.
///
/// # Errors
/// The system gives no random numbers.
pub(crate) fn code() -> Result<SecretString, String> {
    let bytes = random::<28>()?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('0', char::from);
    let groups: Vec<String> = bytes.chunks(4).map(|group| group.iter().map(letter).collect()).collect();
    Ok(groups.join("-").into())
}

/// A code as it was made, from one as it was typed: upper case, blanks and look-alikes are forgiven.
pub(crate) fn canonical(typed: &str) -> String {
    let letters: Vec<char> = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn codes_come_back_however_they_are_typed() {
        let code = code().unwrap();
        let code = code.expose_secret();
        assert_eq!(code.len(), 34);
        for typed in [code.to_owned(), code.to_uppercase(), code.replace('-', " "), code.replace('0', "O")] {
            assert_eq!(canonical(&typed), code);
        }
    }
}
