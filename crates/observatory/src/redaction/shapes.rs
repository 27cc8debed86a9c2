//! Secrets that show themselves by their shape, wherever they stand in a text.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};

use super::keys::{is_secret_key, may_be_secret};

/// The shortest run of letters that is looked at for its randomness.
const RANDOM_LENGTH_MIN: usize = 20;
/// Bits for each letter: English has about 3, base 64 of noise up to 6.
const RANDOM_BITS_MIN: f64 = 3.4;
/// A number in base 16 of this length is a key of 128 bits or more.
const HEX_LENGTH_MIN: usize = 32;

/// Shapes in which one group is the secret.
#[expect(clippy::expect_used, reason = "the patterns are constants, and a test reads them")]
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // A private key, whole.
        r"(?s)(?P<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?-----END [A-Z0-9 ]*PRIVATE KEY-----)",
        // A password in an address.
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"]*:(?P<secret>[^\s/'"]+)@"#,
        // What HTTP and Docker have for a login.
        r"(?i)\b(?:bearer|basic)[ \t]+(?P<secret>[A-Za-z0-9+/=._~-]{8,})",
        // `login NAME password SECRET` of a netrc.
        r"\blogin[ \t]+\S+[ \t]+password[ \t]+(?P<secret>\S+)",
        // Tokens of services that begin all theirs alike.
        r"(?P<secret>\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|A[KS]IA[A-Z0-9]{12,}|sk[-_][A-Za-z0-9_-]{16,}|[rp]k_(?:live|test)_[A-Za-z0-9]{10,}|glsa_[A-Za-z0-9_]{16,}|glc_[A-Za-z0-9+/=]{16,}|hv[sb]\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_.-]{16,}|dop_v1_[a-f0-9]{20,}|dckr_pat_[A-Za-z0-9_-]{16,}))",
        // JSON web tokens.
        r"(?P<secret>\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*)",
        // Digests of passwords, as password files have them.
        r#"(?P<secret>\$(?:2[abxy]?|1|5|6|7|y|apr1|argon2[a-z]*|pbkdf2[a-z0-9-]*|scrypt)\$[^\s:"',]+|\{S?SHA[0-9]*\}[A-Za-z0-9+/=]+)"#,
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("a shape is a regular expression"))
    .collect()
});

/// `KEY = VALUE`, `"KEY": "VALUE"`, `<KEY>VALUE</…`.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?P<key>[A-Za-z_][A-Za-z0-9_.\-]*)(?P<between>\\?["']?[ \t]*(?:=>|:=|[=:>])[ \t]*)(?:\\"(?P<escaped>.*?)\\"|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<plain>[^\s"',;&}\])<]+))"#,
    )
    .expect("the shape of a pair is a regular expression")
});

/// `--FLAG VALUE` within a text.
#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static FLAGS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[ \t])--?(?P<key>[A-Za-z][A-Za-z0-9_.\-]*)[ \t]+["']?(?P<plain>[^\s"';&|-][^\s"';&|]*)"#)
        .expect("the shape of a flag is a regular expression")
});

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static RUNS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_=.:@\-]{20,}").expect("a run is a regular expression"));

/// The text with each secret replaced by what `keep` gives for it and the name that it stands under, which may be empty.
pub(super) fn replace<'a>(text: &'a str, is_digest: bool, keep: &mut dyn FnMut(&str, &str) -> String) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for shape in SHAPES.iter() {
        text = swapped(text, shape, &mut |found| {
            let secret = found.name("secret")?;
            may_be_secret(secret.as_str()).then(|| (secret.range(), keep("", secret.as_str())))
        });
    }
    for shape in [&*PAIRS, &*FLAGS] {
        text = swapped(text, shape, &mut |found| {
            let key = found.name("key")?.as_str();
            let value = ["escaped", "double", "single", "plain"].iter().find_map(|group| found.name(group))?;
            let is_one = is_secret_key(key) && may_be_secret(value.as_str());
            is_one.then(|| (value.range(), keep(key, value.as_str())))
        });
    }
    if is_digest {
        return text;
    }
    swapped(text, &RUNS, &mut |found| {
        let run = found.get(0)?;
        let inner = run.as_str();
        // A value after its name, as in `--seed=…`.
        let from = inner.find('=').filter(|at| at + 1 < inner.trim_end_matches('=').len()).map_or(0, |at| at + 1);
        let value = inner.get(from..)?;
        let range = run.start() + from..run.end();
        is_random(value).then(|| (range, keep("", value)))
    })
}

/// What takes the place of which part of a match, if anything does.
type Swap<'a> = &'a mut dyn FnMut(&Captures<'_>) -> Option<(std::ops::Range<usize>, String)>;

/// Replaces a part of each match; a part that `by` gives nothing for stays, and so does what is marked already.
fn swapped<'a>(text: Cow<'a, str>, shape: &Regex, by: Swap<'_>) -> Cow<'a, str> {
    if !shape.is_match(&text) {
        return text;
    }
    let mut swapped = String::new();
    let mut from = 0;
    for marked in super::MARKS.find_iter(&text) {
        between(text.get(from..marked.start()).unwrap_or_default(), shape, by, &mut swapped);
        swapped.push_str(marked.as_str());
        from = marked.end();
    }
    between(text.get(from..).unwrap_or_default(), shape, by, &mut swapped);
    Cow::Owned(swapped)
}

/// The same for a text without marks.
fn between(text: &str, shape: &Regex, by: Swap<'_>, swapped: &mut String) {
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = shape.captures_at(text, at) {
        let Some(whole) = found.get(0) else { break };
        match by(&found) {
            Some((range, mark)) => {
                swapped.push_str(text.get(done..range.start).unwrap_or_default());
                swapped.push_str(&mark);
                (done, at) = (range.end, range.end.max(whole.start() + 1));
            }
            // What follows the name may be a pair itself: `environment: PASSWORD=…`.
            None => at = found.name("between").map_or(whole.end(), |between| between.end()).max(whole.start() + 1),
        }
        while at < text.len() && !text.is_char_boundary(at) {
            at += 1;
        }
        if at > text.len() {
            break;
        }
    }
    swapped.push_str(text.get(done..).unwrap_or_default());
}

/// Whether a word is no word of a person.
fn is_random(word: &str) -> bool {
    let word = word.trim_matches(['.', ':', '@', '-']);
    let count = |is: fn(&char) -> bool| word.chars().filter(is).count();
    let (digits, uppers, lowers) =
        (count(char::is_ascii_digit), count(char::is_ascii_uppercase), count(char::is_ascii_lowercase));
    let hex = count(char::is_ascii_hexdigit);
    if word.contains("sha256:") || word.contains("sha512:") || word.contains("://") || is_uuid(word) {
        return false;
    }
    if hex == word.len() {
        return word.len() >= HEX_LENGTH_MIN && digits > 4 && digits < word.len();
    }
    let slashes = count(|letter| *letter == '/');
    let others = count(|letter| matches!(letter, '.' | ':' | '@' | '-' | '_'));
    word.len() >= RANDOM_LENGTH_MIN
        && digits > 1
        && uppers > 1
        && lowers > 1
        && !word.starts_with('/')
        && slashes <= word.len() / 12
        && others <= word.len() / 8
        && bits(word) >= RANDOM_BITS_MIN
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<usize> = word.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12]
}

/// Shannon's entropy of a word's letters, in bits for each.
fn bits(word: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    word.chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
    let all = f64::from(counts.values().sum::<u32>().max(1));
    counts.values().map(|count| f64::from(*count) / all).map(|part| -part * part.log2()).sum()
}
