//! Names in certificates: DNS names, wildcards of one level, and addresses.

use std::net::IpAddr;

use rustls::pki_types::DnsName;

use crate::TlsError;

/// How many names a certificate may have.
const NAMES_MAX: usize = 100;

/// Which names may stand in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// DNS names, wildcards and addresses.
    All,
    /// DNS names alone, as the challenges of ours can prove.
    DnsAlone,
}

/// The names of a certificate: the domain first, then the others, each once and in lower case.
pub(crate) fn of(domain: &str, others: &[String], allowed: Allowed) -> Result<Vec<String>, TlsError> {
    let mut names: Vec<String> = Vec::new();
    for name in std::iter::once(domain).chain(others.iter().map(String::as_str)) {
        let name = checked(name, allowed)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.get(NAMES_MAX) {
        None => Ok(names),
        Some(name) => Err(refused(name, "a certificate has a hundred names at most")),
    }
}

/// A name in the form in which it is kept.
pub(crate) fn checked(name: &str, allowed: Allowed) -> Result<String, TlsError> {
    let plain = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if let Ok(address) = plain.parse::<IpAddr>() {
        return match allowed {
            Allowed::All => Ok(address.to_string()),
            Allowed::DnsAlone => Err(refused(name, "an ACME directory is asked for DNS names only")),
        };
    }
    if plain.starts_with("*.") && allowed == Allowed::DnsAlone {
        return Err(refused(name, "a wildcard needs the challenge dns-01, which is not offered"));
    }
    let host = plain.strip_prefix("*.").unwrap_or(&plain);
    // Four numbers that are no address would pass as a name.
    let is_numeric = host.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    match DnsName::try_from(host) {
        Ok(_) if !is_numeric && !host.contains('_') => Ok(plain),
        _ => Err(refused(name, "it is neither a DNS name nor an address")),
    }
}

/// What a certificate is known by, as somebody asks for it: a name in the form in which it is kept, else the text as it is.
pub(crate) fn known_by(domain: &str) -> String {
    checked(domain, Allowed::All).unwrap_or_else(|_| domain.to_owned())
}

fn refused(name: &str, reason: &'static str) -> TlsError {
    TlsError::Name { name: name.chars().take(80).collect(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for (name, all, dns) in [
            ("Sky.Example.ORG", Some("sky.example.org"), Some("sky.example.org")),
            ("sky.example.org.", Some("sky.example.org"), Some("sky.example.org")),
            ("localhost", Some("localhost"), Some("localhost")),
            ("*.example.org", Some("*.example.org"), None),
            ("127.0.0.1", Some("127.0.0.1"), None),
            ("::1", Some("::1"), None),
            ("a.*.org", None, None),
            ("**.org", None, None),
            ("", None, None),
            ("1.2.3.4.5", None, None),
            ("node:telescope", None, None),
            ("a b", None, None),
            ("a\0b", None, None),
            ("münchen.de", None, None),
            ("'; DROP TABLE tls_certificates; --", None, None),
            (&"a".repeat(64) as &str, None, None),
        ] {
            assert_eq!(checked(name, Allowed::All).ok().as_deref(), all, "{name:?}");
            assert_eq!(checked(name, Allowed::DnsAlone).ok().as_deref(), dns, "{name:?}");
        }
    }

    #[test]
    fn each_once_and_a_hundred_at_most() {
        let others = ["B.org".to_owned(), "a.org".to_owned(), "b.org".to_owned()];
        assert_eq!(of("a.org", &others, Allowed::All).unwrap(), ["a.org", "b.org"]);
        let many: Vec<String> = (0..100).map(|number| format!("n{number}.org")).collect();
        assert!(of("n0.org", &many, Allowed::All).is_ok());
        assert!(of("a.org", &many, Allowed::All).is_err());
    }
}
