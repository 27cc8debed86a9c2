//! What a certificate says of itself (RFC 5280).

use std::net::IpAddr;

use time::OffsetDateTime;
use vocabulary::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer as _,
    time::ASN1Time,
};

use crate::TlsError;

/// What is read off a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The serial number, in hexadecimal without leading zeros.
    pub(crate) serial: String,
    /// Who issued it, by the common name or whatever stands in its place.
    pub(crate) issuer: String,
    pub(crate) not_before: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) uris: Vec<String>,
    pub(crate) is_authority: bool,
    /// Whether a server may show it.
    pub(crate) is_for_servers: bool,
    /// The names of issuer and subject, as encoded.
    pub(crate) issuer_der: Vec<u8>,
    pub(crate) subject_der: Vec<u8>,
}

impl Facts {
    /// Reads them off a certificate.
    pub(crate) fn of(der: &[u8]) -> Result<Self, TlsError> {
        let defect = TlsError::defect("reading a certificate");
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|e| defect(e.to_string()))?;
        if !rest.is_empty() {
            return Err(defect("something stands behind it".to_owned()));
        }
        let (names, uris) = names(&certificate);
        let usage = certificate.extended_key_usage().ok().flatten();
        Ok(Self {
            serial: hexadecimal(certificate.raw_serial()),
            issuer: issuer(&certificate),
            not_before: timestamp(certificate.validity().not_before),
            expires_at: timestamp(certificate.validity().not_after),
            names,
            uris,
            is_authority: certificate.is_ca(),
            is_for_servers: usage.is_none_or(|usage| usage.value.server_auth || usage.value.any),
            issuer_der: certificate.issuer().as_raw().to_vec(),
            subject_der: certificate.subject().as_raw().to_vec(),
        })
    }
}

/// The serial number alone, in hexadecimal without leading zeros.
pub(crate) fn serial(der: &[u8]) -> Option<String> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| hexadecimal(certificate.raw_serial()))
}

/// A serial number as people write it, in the form in which it is kept; nothing where it is none.
pub(crate) fn serial_of_text(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|letter| *letter != ':').collect::<String>().to_ascii_lowercase();
    let is_serial = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = text.trim_start_matches('0');
    is_serial.then(|| if plain.is_empty() { "0".to_owned() } else { plain.to_owned() })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = text.trim_start_matches('0');
    if plain.is_empty() { "0".to_owned() } else { plain.to_owned() }
}

fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp::new(OffsetDateTime::from_unix_timestamp(time.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn issuer(certificate: &X509Certificate<'_>) -> String {
    let name = certificate.issuer();
    let common = name.iter_common_name().next().and_then(|part| part.as_str().ok());
    common.map_or_else(|| name.to_string(), str::to_owned)
}

fn names(certificate: &X509Certificate<'_>) -> (Vec<String>, Vec<String>) {
    let (mut names, mut uris) = (Vec::new(), Vec::new());
    let alternatives = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(alternative) => Some(&alternative.general_names),
        _ => None,
    });
    for name in alternatives.flatten() {
        match name {
            GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(octets) => names.extend(address(octets).map(|address| address.to_string())),
            GeneralName::URI(uri) => uris.push((*uri).to_owned()),
            _ => {}
        }
    }
    (names, uris)
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_as_people_write_them() {
        for (text, kept) in [
            ("4f:A0:01", Some("4fa001")),
            ("00a1", Some("a1")),
            (" 0 ", Some("0")),
            ("", None),
            ("xyz", None),
            ("1' OR '1'='1", None),
            (&"f".repeat(65) as &str, None),
        ] {
            assert_eq!(serial_of_text(text).as_deref(), kept, "{text:?}");
        }
    }
}
