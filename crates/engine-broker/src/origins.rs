//! Which web pages may open a WebSocket here: a browser sends a page's origin, and a foreign page must not speak to the broker on
//! this machine in the name of who looks at it.

use std::net::IpAddr;

/// Whether a connection with this `Origin` header (RFC 6454) may stand. Programs that are no browsers send none.
pub(crate) fn may_connect(origin: Option<&str>, allowed: &[String]) -> bool {
    let Some(origin) = origin else { return true };
    allowed.iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(origin)) || is_local(origin)
}

/// Whether the page came from this machine, whatever the port. A name that merely resolves to it (DNS rebinding) does not count.
fn is_local(origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => authority.split(':').next(),
    };
    host.is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_and_listed_ones() {
        let listed = ["https://console.example.org".to_owned()];
        let any = ["*".to_owned()];
        for (origin, allowed, expected) in [
            (None, &listed[..], true),
            (Some("http://localhost:8080"), &[], true),
            (Some("http://127.0.0.1:8080"), &[], true),
            (Some("http://127.8.9.1"), &[], true),
            (Some("http://[::1]:8080"), &[], true),
            (Some("https://console.example.org"), &listed, true),
            (Some("https://CONSOLE.example.org"), &listed, true),
            (Some("https://console.example.org"), &[], false),
            (Some("https://console.example.org:8443"), &listed, false),
            (Some("http://localhost.evil.org"), &[], false),
            (Some("http://127.0.0.1.evil.org"), &[], false),
            (Some("http://192.168.1.7"), &[], false),
            (Some("null"), &listed, false),
            (Some(""), &[], false),
            (Some("https://evil.org"), &any, true),
        ] {
            assert_eq!(may_connect(origin, allowed), expected, "{origin:?} {allowed:?}");
        }
    }
}
