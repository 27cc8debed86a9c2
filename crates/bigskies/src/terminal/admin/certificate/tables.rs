//! Certificates as tables.

use catalog::security::{Certificate, CertificateKind, CertificatePurpose, CertificateStatus};
use vocabulary::Timestamp;

use crate::terminal::{
    output::{Paint, harmless},
    table::{Shown, pairs, table},
};

/// Certificates, one a row.
pub(crate) fn rows(paint: Paint, certificates: &[Certificate]) -> String {
    if certificates.is_empty() {
        return "there is no certificate; `bigskies admin certificate request` gets one".to_owned();
    }
    let rows = certificates.iter().map(|certificate| {
        vec![
            harmless(&certificate.domain).into(),
            kind(certificate.kind).into(),
            status(certificate.status),
            or_none(certificate.expires_at).into(),
            certificate.serial.as_deref().map_or_else(|| "-".to_owned(), harmless).into(),
            certificate.last_error.as_deref().map_or_else(String::new, harmless).into(),
        ]
    });
    table(paint, &["domain", "from", "state", "ends", "serial", "last failure"], rows)
}

/// One certificate.
pub(crate) fn details(paint: Paint, certificate: &Certificate) -> String {
    let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), harmless);
    pairs(
        paint,
        &[
            ("domain", harmless(&certificate.domain)),
            ("names", harmless(&certificate.names.join(", "))),
            ("from", kind(certificate.kind).to_owned()),
            ("for", purpose(certificate.purpose).to_owned()),
            ("state", status(certificate.status).painted(paint)),
            ("serial", text(certificate.serial.as_deref())),
            ("issuer", text(certificate.issuer.as_deref())),
            ("begins", or_none(certificate.not_before)),
            ("ends", or_none(certificate.expires_at)),
            ("renewed after", or_none(certificate.renew_after)),
            ("tried again", or_none(certificate.retry_after)),
            ("last failure", text(certificate.last_error.as_deref())),
        ],
    )
}

fn or_none(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

const fn kind(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::SelfSigned => "itself",
        CertificateKind::Internal => "our authority",
        CertificateKind::Acme => "an ACME directory",
        CertificateKind::Imported => "elsewhere",
    }
}

const fn purpose(purpose: CertificatePurpose) -> &'static str {
    match purpose {
        CertificatePurpose::Server => "a listener",
        CertificatePurpose::Node => "a process of ours",
        CertificatePurpose::Account => "an account",
    }
}

fn status(status: CertificateStatus) -> Shown {
    match status {
        CertificateStatus::Valid => Shown::good("valid"),
        CertificateStatus::Due => Shown::doubtful("due"),
        CertificateStatus::Awaited => Shown::doubtful("awaited"),
        CertificateStatus::Expired => Shown::bad("expired"),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &[Certificate::example()]),
            "DOMAIN           FROM               STATE  ENDS                  SERIAL    LAST FAILURE\n\
             sky.example.org  an ACME directory  valid  2026-11-21T20:15:00Z  3f1f9a27"
        );
        let shown = details(Paint::Plain, &Certificate::example());
        assert!(shown.contains("issuer         CN=R11, O=Let's Encrypt, C=US\n"), "{shown}");
    }
}
