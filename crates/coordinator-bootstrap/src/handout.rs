//! The message that hands the database out: the path of the `.pgpass` file in base64, and what is known besides it.

use std::path::{Path, PathBuf};

use base64::{
    Engine,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
    },
};
use catalog::bootstrap::Credentials;
use serde_json::Value;
use store::{
    Endpoint, EndpointError, Place, SslMode, Tls,
    endpoint::pgpass::{self, Wanted},
};

/// The version of the message.
const VERSION: &str = "1.0";
/// Base64 with or without the padding at its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is known of the database besides its `.pgpass` file: some of it firmly, some as what is usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What was said: a line of the file must fit it.
    pub said: Wanted,
    /// What is usual: tried first, and given up where no line fits.
    pub usual: Wanted,
}

impl Facts {
    /// Only what is true of `endpoint`.
    pub fn of(endpoint: &Endpoint) -> Self {
        let said = Wanted {
            place: Some(endpoint.place.clone()),
            port: Some(endpoint.port),
            database: Some(endpoint.database.clone()),
            user: Some(endpoint.user.clone()),
            tls: endpoint.tls.clone(),
        };
        Self { said, usual: Wanted::default() }
    }

    /// The database that the file gives the password for.
    ///
    /// # Errors
    /// The file is missing, can be read by others, or has no line that fits.
    pub fn read(&self, path: &Path) -> Result<Endpoint, EndpointError> {
        let Wanted { place, port, database, user, tls } = self.said.clone();
        let usual = self.usual.clone();
        let both = Wanted {
            place: place.or(usual.place),
            port: port.or(usual.port),
            database: database.or(usual.database),
            user: user.or(usual.user),
            tls,
        };
        pgpass::read(path, &both).or_else(|_| pgpass::read(path, &self.said))
    }
}

/// The message about `endpoint`, whose password is in the file at `path`.
pub(crate) fn credentials(path: &Path, endpoint: &Endpoint) -> Credentials {
    Credentials {
        pgpass_path: STANDARD.encode(path.as_os_str().as_encoded_bytes()),
        version: VERSION.to_owned(),
        host: Some(endpoint.place.to_string()),
        port: Some(endpoint.port),
        database: Some(endpoint.database.clone()),
        user: Some(endpoint.user.clone()),
        sslmode: Some(endpoint.tls.mode.as_str().to_owned()),
        sslrootcert: endpoint.tls.root_certificate.as_ref().map(|path| path.display().to_string()),
    }
}

/// Reads the message and then the file that it names.
pub(crate) fn endpoint(payload: &[u8]) -> Result<Endpoint, String> {
    let mut value: Value = serde_json::from_slice(payload).map_err(|e| format!("credentials are not JSON: {e}"))?;
    // Another publisher may put an envelope around it.
    if value.get("pgpass_path").is_none()
        && let Some(inner) = value.get_mut("payload")
    {
        value = inner.take();
    }
    let credentials: Credentials =
        serde_json::from_value(value).map_err(|e| format!("credentials can't be understood: {e}"))?;
    let path = path_of(&credentials)?;
    facts_of(&credentials)?.read(&path).map_err(|e| e.to_string())
}

fn path_of(credentials: &Credentials) -> Result<PathBuf, String> {
    if credentials.version.split('.').next() != Some("1") {
        return Err(format!("credentials have version {:?}, known is {VERSION}", credentials.version));
    }
    let bytes =
        LENIENT.decode(credentials.pgpass_path.trim()).map_err(|e| format!("pgpass_path is not base64: {e}"))?;
    let path = PathBuf::from(String::from_utf8(bytes).map_err(|_| "pgpass_path is not UTF-8".to_owned())?);
    if path.is_absolute() { Ok(path) } else { Err(format!("pgpass_path {} is not absolute", path.display())) }
}

fn facts_of(credentials: &Credentials) -> Result<Facts, String> {
    let Credentials { pgpass_path: _, version: _, host, port, database, user, sslmode, sslrootcert } =
        credentials.clone();
    let mode = sslmode.map(|mode| mode.parse::<SslMode>()).transpose().map_err(|e| e.to_string())?;
    let tls = Tls { mode: mode.unwrap_or_default(), root_certificate: sslrootcert.map(PathBuf::from) };
    let said = Wanted { place: host.as_deref().map(Place::new), port, database, user, tls };
    Ok(Facts { said, usual: Wanted::default() })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_handed_out_leads_to_the_same_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pg pass:ü");
        for url in [
            "postgres://u:p@db.example:6543/sky?sslmode=verify-full&sslrootcert=/ca.pem",
            "postgres://u:p@h/d?sslmode=disable",
            "postgres:///d?host=/run/pg&user=u&sslmode=disable",
        ] {
            let there: Endpoint = url.parse().unwrap();
            pgpass::write(&path, &there).unwrap();
            let payload = serde_json::to_vec(&credentials(&path, &there)).unwrap();
            assert_eq!(endpoint(&payload), Ok(there), "{url}");
        }
    }

    #[test]
    fn messages_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        fs::write(&path, "localhost:5432:bigskies:bigskies:secret\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (here, missing) = (STANDARD.encode(path.to_str().unwrap()), STANDARD.encode("/nowhere/.pgpass"));
        let unpadded = here.trim_end_matches('=').to_owned();
        let localhost = "postgres://bigskies@localhost:5432/bigskies?sslmode=prefer";
        for (payload, expected) in [
            (json!({"pgpass_path": here, "version": "1.0"}), Ok(localhost)),
            (json!({"pgpass_path": unpadded, "version": "1.0", "more": 1}), Ok(localhost)),
            (json!({"type": "status", "payload": {"pgpass_path": here, "version": "1.1"}}), Ok(localhost)),
            (json!({"pgpass_path": here, "version": "1.0", "host": "postgres"}), Err("no line fits")),
            (json!({"pgpass_path": here, "version": "2.0"}), Err("version")),
            (json!({"pgpass_path": here, "version": "1.0", "sslmode": "maybe"}), Err("sslmode")),
            (json!({"pgpass_path": missing, "version": "1.0"}), Err("No such file")),
            (json!({"pgpass_path": STANDARD.encode(".pgpass"), "version": "1.0"}), Err("not absolute")),
            (json!({"pgpass_path": STANDARD.encode([0xff, 0xfe]), "version": "1.0"}), Err("not UTF-8")),
            (json!({"pgpass_path": "!", "version": "1.0"}), Err("not base64")),
            (json!({"version": "1.0"}), Err("missing field")),
            (json!([]), Err("can't be understood")),
        ] {
            let found = endpoint(payload.to_string().as_bytes()).map(|endpoint| endpoint.to_string());
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{payload}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{payload}: {found}"),
                _ => panic!("{payload}: {found:?}"),
            }
        }
        assert!(endpoint(b"\xff").is_err());
    }

    #[test]
    fn what_is_usual_gives_way_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        let usual = Wanted { place: Some(Place::new("postgres")), ..Wanted::default() };
        for (line, said, found) in [
            ("*:*:*:*:p", None, Some("postgres")),
            ("localhost:*:*:*:p", None, Some("localhost")),
            ("localhost:*:*:*:p\npostgres:*:*:*:p", None, Some("postgres")),
            ("*:*:*:*:p", Some("db"), Some("db")),
            ("localhost:*:*:*:p", Some("db"), None),
        ] {
            fs::write(&path, line).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let said = Wanted { place: said.map(Place::new), ..Wanted::default() };
            let endpoint = Facts { said, usual: usual.clone() }.read(&path);
            assert_eq!(endpoint.ok().map(|e| e.place.to_string()).as_deref(), found, "{line}");
        }
    }
}
