//! Names under which secrets stand, and values that are none whatever they are called.

/// Words of which one is enough.
const SECRET_WORDS: [&str; 33] = [
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "pass",
    "pw",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "requirepass",
    "masterauth",
    "masterpass",
    "dsn",
    "bearer",
    "jwt",
    "otp",
    "totp",
    "salt",
    "psk",
    "webhook",
    "cookie",
    "pin",
    "authtoken",
    "pgpass",
];
/// Parts of words that are written without anything between them.
const SECRET_PARTS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "privatekey", "accesskey"];
/// What a `key` is that must not be seen.
const KINDS_OF_KEY: [&str; 18] = [
    "api",
    "access",
    "secret",
    "private",
    "encryption",
    "signing",
    "master",
    "auth",
    "license",
    "app",
    "session",
    "account",
    "shared",
    "ssh",
    "hmac",
    "storage",
    "admin",
    "encrypt",
];
/// What a name ends with that says something about a secret, and not the secret.
const ABOUT: [&str; 41] = [
    "file",
    "files",
    "path",
    "paths",
    "dir",
    "directory",
    "folder",
    "url",
    "uri",
    "endpoint",
    "host",
    "port",
    "type",
    "name",
    "names",
    "enabled",
    "enable",
    "disabled",
    "ttl",
    "timeout",
    "expiry",
    "expires",
    "expiration",
    "length",
    "min",
    "max",
    "policy",
    "header",
    "field",
    "lifetime",
    "duration",
    "interval",
    "issuer",
    "audience",
    "algorithm",
    "rotation",
    "count",
    "mode",
    "version",
    "provider",
    "method",
];
/// What says that the value is a digest of something public.
const DIGESTS: [&str; 8] = ["hash", "digest", "revision", "checksum", "commit", "image", "sha256", "id"];

/// Whether a secret is to be expected under this name.
pub fn is_secret_key(key: &str) -> bool {
    let words = words(key);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    let squashed: String = words.concat();
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        || SECRET_PARTS.iter().any(|part| squashed.contains(part))
        || (last == "key" && words.iter().rev().nth(1).is_some_and(|kind| KINDS_OF_KEY.contains(&kind.as_str())))
        || (last == "auth" && words.len() > 1)
}

/// Whether a name says something about a secret, or who has it, and is not the secret's own.
pub(super) fn is_about(key: &str) -> bool {
    let words = words(key);
    let Some(last) = words.last() else { return true };
    ABOUT.contains(&last.as_str()) || matches!(last.as_str(), "user" | "username" | "login" | "id")
}

/// Whether all that stands below a name is secret.
pub(super) fn is_secret_heading(key: &str) -> bool {
    is_secret_key(key) && words(key).last().is_some_and(|last| last != "auth")
}

/// Whether a value under such a name can be one: not nothing, not a switch, not a small number, not a reference to elsewhere.
pub(super) fn may_be_secret(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let is_switch = matches!(
        lower.as_str(),
        "" | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "null"
            | "none"
            | "~"
            | "{"
            | "["
            | "{}"
            | "[]"
            | "enabled"
            | "disabled"
    );
    let is_small = value.len() < 4 && value.chars().all(|letter| letter.is_ascii_digit());
    let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let is_variable = variable.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    let is_reference = is_variable || value.starts_with("$__file{") || value.starts_with("$__env{");
    // A text over several lines begins like this in YAML.
    let is_style = value.starts_with(['|', '>']) && value.len() < 4;
    !is_switch && !is_small && !is_reference && !is_style
}

/// Whether a long number under this name is the digest of something that everybody may know.
pub(super) fn tells_a_digest(key: &str) -> bool {
    words(key).last().is_some_and(|last| DIGESTS.contains(&last.as_str()))
}

/// Whether a file is one secret from its first byte to its last, by its place or name.
pub(super) fn is_secret_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_key = matches!(extension, "key" | "pem" | "p8" | "pass" | "password" | "token" | "secret");
    let is_settings = matches!(
        extension,
        "yml" | "yaml" | "json" | "toml" | "ini" | "conf" | "cfg" | "env" | "sh" | "xml" | "properties" | "rules"
    );
    is_key
        || path.starts_with("/run/secrets/")
        || name.starts_with("id_rsa")
        || name.starts_with("id_ed25519")
        || name.starts_with("id_ecdsa")
        || (!is_settings && (is_secret_key(stem) || is_secret_key(name)))
}

/// The words of a name: `adminPassword`, `ADMIN_PASSWORD` and `admin.password` have the same.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_new = true;
    let mut before_was_small = false;
    for letter in key.chars() {
        if !letter.is_ascii_alphanumeric() {
            is_new = true;
            continue;
        }
        if letter.is_ascii_uppercase() && before_was_small {
            is_new = true;
        }
        before_was_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if is_new {
            words.push(String::new());
            is_new = false;
        }
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    // `TOKEN2` and `PASSWORD_1` are as much a token and a password.
    for word in &mut words {
        let kept = word.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        if kept > 0 {
            word.truncate(kept);
        }
    }
    words.retain(|word| !word.chars().all(|letter| letter.is_ascii_digit()));
    words
}
