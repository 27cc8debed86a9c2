//! The `.pgpass` file (PostgreSQL documentation, section 34.16): which line holds for whom, and writing one line.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{DEFAULT_NAME, DEFAULT_PORT, Endpoint, EndpointError, Password, Place, SslMode, Tls};

/// What is already known of the database; what is not known comes from the first line that fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The server.
    pub place: Option<Place>,
    /// Its port.
    pub port: Option<u16>,
    /// The database.
    pub database: Option<String>,
    /// The account.
    pub user: Option<String>,
    /// How the connection is protected; the file says nothing of that.
    pub tls: Tls,
}

/// The database that `path` gives the password for. Where the line has `*` and nothing is wanted, `localhost`, 5432 and
/// `bigskies` hold.
///
/// # Errors
/// The file is missing, can be read by others, or has no line that fits.
pub fn read(path: &Path, wanted: &Wanted) -> Result<Endpoint, EndpointError> {
    let wrong = |reason: String| EndpointError::PasswordFile { path: path.to_owned(), reason };
    let metadata = fs::metadata(path).map_err(|e| wrong(e.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("not a file".to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        let (mode, shown) = (metadata.mode() & 0o777, path.display());
        return Err(wrong(format!("mode {mode:04o} lets others read it; run `chmod 600 {shown}`")));
    }
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    find(&text, wanted).ok_or_else(|| {
        wrong("no line fits; expected host:port:database:user:password, where * fits anything".to_owned())
    })
}

/// Writes the one line that [`read`] understands, with mode 0600, in place of what was there.
///
/// # Errors
/// The folder can't be written, or a field holds a line break.
pub fn write(path: &Path, endpoint: &Endpoint) -> Result<(), EndpointError> {
    let wrong = |reason: String| EndpointError::PasswordFile { path: path.to_owned(), reason };
    let place = endpoint.place.to_string();
    let port = endpoint.port.to_string();
    let password = endpoint.password.as_ref().map_or("", Password::expose);
    let fields = [&place, &port, &endpoint.database, &endpoint.user, password];
    if fields.iter().any(|field| field.contains(['\n', '\r'])) {
        return Err(wrong("a line break can't stand in a field".to_owned()));
    }
    let line = fields.map(|field| field.replace('\\', "\\\\").replace(':', "\\:")).join(":");
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::remove_file(&fresh)
        .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
        .and_then(|()| fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh))
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path));
    written.map_err(|e| wrong(e.to_string()))
}

fn find(text: &str, wanted: &Wanted) -> Option<Endpoint> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| endpoint_of(&fields(line)?, wanted))
}

/// The five fields without their escapes. As in libpq an unescaped colon ends the password too, and nothing is trimmed.
fn fields(line: &str) -> Option<[String; 5]> {
    let mut fields: [String; 5] = Default::default();
    let mut at = 0;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if at == 4 => break,
            ':' => at += 1,
            '\\' => fields.get_mut(at)?.push(characters.next().unwrap_or('\\')),
            other => fields.get_mut(at)?.push(other),
        }
    }
    (at == 4).then_some(fields)
}

fn endpoint_of([host, port, database, user, password]: &[String; 5], wanted: &Wanted) -> Option<Endpoint> {
    let place = match (&wanted.place, host.as_str()) {
        (Some(place), "*") => place.clone(),
        (Some(place @ Place::Socket(_)), "localhost") => place.clone(),
        (Some(place), host) => (*place == Place::new(host)).then(|| place.clone())?,
        (None, "*") => Place::Host("localhost".to_owned()),
        (None, host) => Place::new(host),
    };
    let port = match (wanted.port, port.as_str()) {
        (Some(port), "*") => port,
        (None, "*") => DEFAULT_PORT,
        (wanted, text) => text.parse().ok().filter(|port| wanted.is_none_or(|wanted| wanted == *port))?,
    };
    let name = |wanted: &Option<String>, text: &str| match (wanted, text) {
        (Some(wanted), "*") => Some(wanted.clone()),
        (None, "*") => Some(DEFAULT_NAME.to_owned()),
        (Some(wanted), text) => (wanted == text).then(|| wanted.clone()),
        (None, text) => Some(text.to_owned()),
    };
    let tls = match place {
        Place::Host(_) => wanted.tls.clone(),
        Place::Socket(_) => Tls { mode: SslMode::Disable, root_certificate: None },
    };
    Some(Endpoint {
        database: name(&wanted.database, database)?,
        user: name(&wanted.user, user)?,
        password: (!password.is_empty()).then(|| Password::new(password)),
        place,
        port,
        tls,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn shown(text: &str, wanted: &Wanted) -> Option<(String, Option<String>)> {
        let endpoint = find(text, wanted)?;
        Some((
            format!("{}:{}:{}:{}", endpoint.place, endpoint.port, endpoint.database, endpoint.user),
            endpoint.password.map(|password| password.expose().to_owned()),
        ))
    }

    #[test]
    fn lines() {
        let nothing = Wanted::default();
        let socket = Wanted { place: Some(Place::new("/run/pg")), ..Wanted::default() };
        let other = Wanted { user: Some("other".to_owned()), ..Wanted::default() };
        let port = Wanted { port: Some(6000), ..Wanted::default() };
        for (text, wanted, found) in [
            ("h:1:d:u:p", &nothing, Some(("h:1:d:u", Some("p")))),
            ("*:*:*:*:p", &nothing, Some(("localhost:5432:bigskies:bigskies", Some("p")))),
            ("# comment\n\nh:1:d:u:p", &nothing, Some(("h:1:d:u", Some("p")))),
            ("h:1:d:u: p \nx", &nothing, Some(("h:1:d:u", Some(" p ")))),
            ("h:1:d:u:a\\:b\\\\c:rest", &nothing, Some(("h:1:d:u", Some("a:b\\c")))),
            ("\\:\\:1:1:d:u:p", &nothing, Some(("::1:1:d:u", Some("p")))),
            ("h:1:d:u:p\nh:1:d:other:q", &other, Some(("h:1:d:other", Some("q")))),
            ("h:*:d:u:first\nh:6000:d:u:second", &port, Some(("h:6000:d:u", Some("first")))),
            ("localhost:*:d:u:p", &socket, Some(("/run/pg:5432:d:u", Some("p")))),
            ("/run/pg:5432:d:u:", &socket, Some(("/run/pg:5432:d:u", None))),
            ("/run/other:5432:d:u:", &socket, None),
            ("h:1:d:u", &nothing, None),
            ("h:port:d:u:p", &nothing, None),
            ("", &nothing, None),
        ] {
            let found =
                found.map(|(place, password): (&str, Option<&str>)| (place.to_owned(), password.map(str::to_owned)));
            assert_eq!(shown(text, wanted), found, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        for url in ["postgres://u:p%3A%5Cq@h:1/d", "postgres:///d?host=/run/a:b&user=u&sslmode=disable"] {
            let endpoint: Endpoint = url.parse().unwrap();
            write(&path, &endpoint).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            assert_eq!(read(&path, &Wanted::default()).unwrap(), endpoint, "{url}");
        }
    }

    #[test]
    fn files_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        let complaint = || read(&path, &Wanted::default()).unwrap_err().to_string();
        assert!(complaint().contains("No such file"));
        fs::write(&path, "nonsense\n").unwrap();
        for (mode, part) in [
            (0o644, "chmod 600"),
            (0o640, "chmod 600"),
            (0o602, "chmod 600"),
            (0o600, "no line fits"),
            (0o400, "no line fits"),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(complaint().contains(part), "{mode:o}: {}", complaint());
        }
    }
}
