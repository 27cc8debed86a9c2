//! What is found, what is left alone, and that it comes back.

use super::*;

fn hidden(key: &str, value: &str) -> (String, Secrets) {
    let mut secrets = Secrets::default();
    let said = secrets.pair("box", key, value);
    (said, secrets)
}

#[test]
fn secrets_are_found_by_name_and_by_shape() {
    for (key, value, secret) in [
        ("GF_SECURITY_ADMIN_PASSWORD", "hunter2", "hunter2"),
        ("adminPassword", "a b c", "a b c"),
        ("MYSQLPASSWORD", "quite plain", "quite plain"),
        ("AWS_SECRET_ACCESS_KEY", "abc/def", "abc/def"),
        ("APP_KEY", "base64:xyz", "base64:xyz"),
        ("DB_TOKEN2", "$ecret$", "$ecret$"),
        ("DATABASE_URL", "postgres://me:s3cr@t-no@db/x", "s3cr@t-no"),
        ("DATABASE_URL", "postgres://me:pa55@db:5432/x", "pa55"),
        ("X", "Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
        ("X", "ghp_0123456789abcdefghijABCDEFGHIJ", "ghp_0123456789abcdefghijABCDEFGHIJ"),
        ("X", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("X", "eyJhbGciOi.eyJzdWIiOi.abc-_", "eyJhbGciOi.eyJzdWIiOi.abc-_"),
        ("users", "admin:$2y$05$abcdefghij", "$2y$05$abcdefghij"),
        ("X", "run --password hunter3 --x", "hunter3"),
        ("X", "PASSWORD='two words' run", "two words"),
        ("X", "{\"api_key\": \"k1\\\"k2\"}", "k1\\\"k2"),
        ("SEED", "4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c", "4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c"),
        ("SEED", "--seed=aB3dE5gH7jK9mN1pQ3sT", "aB3dE5gH7jK9mN1pQ3sT"),
        ("X", "<password>pw1</password>", "pw1"),
    ] {
        let (said, secrets) = hidden(key, value);
        assert!(secrets.values().values().any(|found| found == secret), "{key}={value}: {said} {secrets:?}");
        assert_eq!(Secrets::restore(secrets.values(), &said).unwrap(), value);
    }
}

#[test]
fn what_is_no_secret_is_left_alone() {
    for (key, value) in [
        ("GF_AUTH_ANONYMOUS_ENABLED", "true"),
        ("PASSWORD_FILE", "/run/secrets/db"),
        ("TOKEN_URL", "https://id.example/token"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("KEYBOARD", "de"),
        ("PASSWORD", ""),
        ("PASSWORD", "${PASSWORD}"),
        ("com.docker.compose.config-hash", "4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c"),
        ("image", "x@sha256:4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c4f3c2b1a0d9e8f7a6b5c4d3e2f1a0b9c"),
        ("X", "--web.console.libraries=/usr/share/prometheus/console_libraries"),
        ("X", "123e4567-e89b-12d3-a456-426614174000"),
        ("X", "http://prometheus:9090/-/healthy"),
    ] {
        let (said, secrets) = hidden(key, value);
        assert_eq!((said.as_str(), secrets.values().len()), (value, 0), "{key}={value}");
    }
}

#[test]
fn words_of_a_command_are_looked_at_in_their_order() {
    let mut secrets = Secrets::default();
    let words = ["curl", "--token", "t0", "-u", "me:t1", "--password=t2", "--verbose", "x"].map(str::to_owned);
    let said = secrets.words("box", &words).join(" ");
    for secret in ["t0", "t1", "t2"] {
        assert!(!said.contains(secret), "{said}");
    }
    assert_eq!(Secrets::restore(secrets.values(), &said).unwrap(), words.join(" "));
}

#[test]
fn files_of_settings_are_understood_line_by_line() {
    let text = "\
basic_auth:
  username: me
  password: 'correct horse'
  password_file: /etc/x
remote_write:
  - url: https://u:leak1@host/x
    bearer_token: leak2 # why not
secrets:
  - leak3
  - leak4
tls: on
client_secret: |
  leak5
  leak6
other: fine
[smtp]
password = \"\"\"leak7\"\"\"
requirepass leak8
key: -----BEGIN PRIVATE KEY-----\nleak9\n-----END PRIVATE KEY-----
{\"token\": \"leak10\", \"a\": 1}
<set password=\"leak11\"/>
machine x login me password leak12
\r
";
    let mut secrets = Secrets::default();
    let said = secrets.file("box", "/etc/x.yml", text);
    assert!(!said.contains("leak") && !said.contains("horse"), "{said}");
    for kept in ["username: me", "password_file: /etc/x", "other: fine", "tls: on", "https://u:"] {
        assert!(said.contains(kept), "{kept}: {said}");
    }
    assert_eq!(Secrets::restore(secrets.values(), &said).unwrap(), text);

    for path in ["/run/secrets/db", "/etc/tls/server.key", "/etc/db-password"] {
        let mut secrets = Secrets::default();
        assert!(!secrets.file("box", path, "plain words\n").contains("plain"), "{path}");
    }
}

#[test]
fn what_is_known_is_replaced_elsewhere_but_not_in_names() {
    let mut secrets = Secrets::default();
    secrets.pair("a", "PASSWORD", "prometheus");
    secrets.pair("a", "TOKEN", "long-known-secret");
    let mut value = serde_json::json!({
        "name": "prometheus", "text": "run prometheus with long-known-secret", "more": ["xlong-known-secretx"],
    });
    secrets.everywhere(&mut value);
    let said = value.to_string();
    assert!(!said.contains("long-known") && said.contains("run prometheus"), "{said}");
}

#[test]
fn a_value_with_our_own_mark_is_kept_whole() {
    let (said, secrets) = hidden("X", "@@secret:Y@@");
    assert_eq!(Secrets::restore(secrets.values(), &said).unwrap(), "@@secret:Y@@");
    assert!(Secrets::restore(&BTreeMap::new(), &said).is_err());
}

#[test]
fn names_of_secrets_are_unlike_and_fit_for_a_shell() {
    let mut secrets = Secrets::default();
    for (owner, key, value) in [("a-b", "x.password", "1234"), ("a_b", "X_PASSWORD", "5678"), ("1", "pw", "9012")] {
        secrets.pair(owner, key, value);
    }
    let names: Vec<&str> = secrets.values().keys().map(String::as_str).collect();
    assert_eq!(names, ["A_B_X_PASSWORD", "A_B_X_PASSWORD_2", "S_1_PW"]);
}
