//! Scopes: what a token or an API key is good for, less than all that its user may.

use std::{fmt, sync::Arc};

/// How many scopes there may be.
const SCOPES_MAX: usize = 100;
/// How long a word of a scope may be.
const WORD_MAX: usize = 64;

/// Some of what a user may: `resource:action`, either of which may be `*`. They never add a right, they only leave rights out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Arc<[String]>);

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a scope: resource:action is expected, of lower-case words or *, at most 100 of them")]
pub struct NotAScope {
    /// The text, cut to 80 characters.
    pub text: String,
}

impl Scopes {
    /// Reads scopes.
    ///
    /// # Errors
    /// One of them is none, there is none, or there are too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAScope> {
        let not_a_scope = |text: &str| NotAScope { text: text.chars().take(80).collect() };
        let mut scopes = Vec::new();
        for text in texts {
            if !is_scope(text) || scopes.len() == SCOPES_MAX {
                return Err(not_a_scope(text));
            }
            scopes.push(text.to_owned());
        }
        if scopes.is_empty() {
            return Err(not_a_scope(""));
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Self(scopes.into()))
    }

    /// Whether the scopes leave this right in.
    pub fn permit(&self, resource: &str, action: &str) -> bool {
        let fits = |pattern: &str, word: &str| pattern == "*" || pattern == word;
        self.0
            .iter()
            .filter_map(|scope| scope.split_once(':'))
            .any(|(of_resource, of_action)| fits(of_resource, resource) && fits(of_action, action))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Scopes that leave nothing in.
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    /// All of them, as rows keep them.
    pub fn to_vec(&self) -> Vec<String> {
        self.0.to_vec()
    }
}

impl fmt::Display for Scopes {
    /// As the claim `scope` has them (RFC 8693 §4.2): between them a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

fn is_scope(text: &str) -> bool {
    let is_word = |word: &str| {
        word == "*"
            || (word.len() <= WORD_MAX
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_')))
    };
    text.split_once(':').is_some_and(|(resource, action)| is_word(resource) && is_word(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scopes_are() {
        for (texts, good) in [
            (vec!["telescope:control"], true),
            (vec!["telescope:*", "*:read"], true),
            (vec!["*:*"], true),
            (vec![], false),
            (vec![""], false),
            (vec!["telescope"], false),
            (vec!["telescope:"], false),
            (vec![":read"], false),
            (vec!["Telescope:read"], false),
            (vec!["telescope:read write"], false),
            (vec!["telescope:read:all"], false),
            (vec!["tele*:read"], false),
            (vec!["telescope:read\0"], false),
        ] {
            assert_eq!(Scopes::parse(texts.iter().copied()).is_ok(), good, "{texts:?}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("r{n}:read")).collect();
        assert!(Scopes::parse(many.iter().map(String::as_str)).is_err());
        assert!(Scopes::parse(many[1..].iter().map(String::as_str)).is_ok());
    }

    #[test]
    fn what_they_leave_in() {
        for (scopes, resource, action, permitted) in [
            ("telescope:control", "telescope", "control", true),
            ("telescope:control", "telescope", "read", false),
            ("telescope:*", "telescope", "configure", true),
            ("telescope:*", "plugin", "configure", false),
            ("*:read", "audit", "read", true),
            ("*:read", "audit", "write", false),
            ("*:*", "user", "write", true),
            ("plugin:read telescope:read", "telescope", "read", true),
        ] {
            let parsed = Scopes::parse(scopes.split(' ')).unwrap();
            assert_eq!(parsed.permit(resource, action), permitted, "{scopes} {resource}:{action}");
            assert_eq!(parsed.to_string(), scopes);
        }
    }
}
