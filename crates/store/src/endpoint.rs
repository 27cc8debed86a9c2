//! Where a database is and who asks for it: from a URL, from a `.pgpass` file, or of the private cluster.

pub mod pgpass;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// The port where PostgreSQL listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 5432;
/// The database and the account of ours unless told otherwise.
pub const DEFAULT_NAME: &str = "bigskies";

/// One database and the account that uses it. The password shows in no output but [`Endpoint::to_url_with_password`].
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The server.
    pub place: Place,
    /// The port; for a socket it is part of the socket's name.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The account.
    pub user: String,
    /// The account's password, if it needs one.
    pub password: Option<Password>,
    /// How the connection is protected.
    pub tls: Tls,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A name or an address.
    Host(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

impl Place {
    /// A text that begins with `/` is the folder of a socket, anything else a host.
    pub fn new(text: &str) -> Self {
        if text.starts_with('/') { Self::Socket(text.into()) } else { Self::Host(text.to_owned()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Socket(folder) => write!(f, "{}", folder.display()),
        }
    }
}

/// A password that formats as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself; for what hands it to a server or into a file of mode 0600.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// How much is asked for.
    pub mode: SslMode,
    /// The certificates that are trusted (PEM); without it those of the public authorities.
    pub root_certificate: Option<PathBuf>,
}

/// The `sslmode` of libpq (PostgreSQL documentation, section 34.19).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Plain text only.
    Disable,
    /// Plain text, TLS where the server insists.
    Allow,
    /// TLS where the server has it.
    #[default]
    Prefer,
    /// TLS, whoever answers.
    Require,
    /// TLS with a certificate that a trusted authority signed.
    VerifyCa,
    /// The same, and it names this host.
    VerifyFull,
}

impl SslMode {
    /// Every mode, weakest first.
    pub const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// libpq's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl FromStr for SslMode {
    type Err = EndpointError;
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| EndpointError::Url(format!("sslmode {text:?} is not one of {}", SslMode::words())))
    }
}

impl SslMode {
    fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

/// Why a text or a file names no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The URL can't be understood; the text never holds the password.
    #[error("database URL: {0}; expected postgres://user:password@host:5432/database?sslmode=prefer")]
    Url(String),
    /// The `.pgpass` file can't be used.
    #[error("password file {}: {reason}", path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`; `host` and `user` may also stand as
    /// parameters, which is how a URL names the folder of a socket.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let complaint = |what: String| EndpointError::Url(what);
        let url = Url::parse(text.trim()).map_err(|e| complaint(e.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(complaint(format!("scheme {:?} is not postgres", url.scheme())));
        }
        let mut host = url.host_str().map(decoded).transpose()?.filter(|host| !host.is_empty());
        let mut user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let mut password = url.password().map(decoded).transpose()?;
        let mut database = Some(decoded(url.path().trim_start_matches('/'))?).filter(|name| !name.is_empty());
        let mut port = url.port();
        let mut tls = Tls::default();
        for (name, value) in url.query_pairs() {
            let value = value.into_owned();
            match name.as_ref() {
                "host" => host = Some(value),
                "port" => port = Some(value.parse().map_err(|_| complaint(format!("port {value:?} is not a port")))?),
                "user" => user = Some(value),
                "password" => password = Some(value),
                "dbname" => database = Some(value),
                "sslmode" => tls.mode = value.parse()?,
                "sslrootcert" => tls.root_certificate = Some(value.into()),
                "application_name" | "connect_timeout" => {}
                other => {
                    let known = "host, port, user, password, dbname, sslmode, sslrootcert";
                    return Err(complaint(format!("parameter {other:?} is not one of {known}")));
                }
            }
        }
        Ok(Self {
            place: Place::new(&host.ok_or_else(|| complaint("the host is missing".to_owned()))?),
            port: port.unwrap_or(DEFAULT_PORT),
            database: database.ok_or_else(|| complaint("the database is missing".to_owned()))?,
            user: user.ok_or_else(|| complaint("the user is missing".to_owned()))?,
            password: password.filter(|password| !password.is_empty()).map(Password),
            tls,
        })
    }
}

fn decoded(text: &str) -> Result<String, EndpointError> {
    let wrong = || EndpointError::Url("a percent escape is not UTF-8".to_owned());
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digits = text.get(at + 1..at + 3).ok_or_else(wrong)?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|_| wrong())
}

impl Endpoint {
    /// The database and the account of ours behind the socket in `folder`, where the server knows us by our user.
    pub fn socket(folder: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::Socket(folder.into()),
            port: DEFAULT_PORT,
            database: DEFAULT_NAME.to_owned(),
            user: DEFAULT_NAME.to_owned(),
            password: None,
            tls: Tls { mode: SslMode::Disable, root_certificate: None },
        }
    }

    /// The same server and account, another database.
    #[must_use]
    pub fn with_database(&self, database: impl Into<String>) -> Self {
        Self { database: database.into(), ..self.clone() }
    }

    /// The same server and database, another account without a password.
    #[must_use]
    pub fn with_user(&self, user: impl Into<String>) -> Self {
        Self { user: user.into(), password: None, ..self.clone() }
    }

    /// The same, protected as `tls` says.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// The URL with the password in it: for a child process or a file that nobody else reads.
    pub fn to_url_with_password(&self) -> String {
        self.url(true)
    }

    fn url(&self, with_password: bool) -> String {
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let (host, mut query) = match &self.place {
            Place::Host(host) if host.contains(':') && !host.starts_with('[') => (format!("[{host}]"), vec![]),
            Place::Host(host) => (host.clone(), vec![]),
            Place::Socket(folder) => (String::new(), vec![format!("host={}", encode(&folder.to_string_lossy()))]),
        };
        query.push(format!("sslmode={}", self.tls.mode.as_str()));
        if let Some(path) = &self.tls.root_certificate {
            query.push(format!("sslrootcert={}", encode(&path.to_string_lossy())));
        }
        let password = match &self.password {
            Some(password) if with_password => format!(":{}", encode(password.expose())),
            _ => String::new(),
        };
        let authority = if host.is_empty() {
            // A URL without a host can hold no user in its authority; both go into the query.
            query.push(format!("user={}", encode(&self.user)));
            if let Some(password) = self.password.as_ref().filter(|_| with_password) {
                query.push(format!("password={}", encode(password.expose())));
            }
            if self.port != DEFAULT_PORT {
                query.push(format!("port={}", self.port));
            }
            String::new()
        } else {
            format!("{}{password}@{host}:{}", encode(&self.user), self.port)
        };
        format!("postgres://{authority}/{}?{}", encode(&self.database), query.join("&"))
    }

    /// What sqlx needs to connect; every statement ends within `statement_timeout` on the server's side.
    pub(crate) fn options(&self, statement_timeout: Duration) -> PgConnectOptions {
        choose_cryptography();
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(self.port)
            .database(&self.database)
            .username(&self.user)
            .application_name("bigskies")
            .options([
                ("statement_timeout", format!("{}ms", statement_timeout.as_millis())),
                ("idle_in_transaction_session_timeout", "60s".to_owned()),
            ])
            .ssl_mode(match self.tls.mode {
                SslMode::Disable => PgSslMode::Disable,
                SslMode::Allow => PgSslMode::Allow,
                SslMode::Prefer => PgSslMode::Prefer,
                SslMode::Require => PgSslMode::Require,
                SslMode::VerifyCa => PgSslMode::VerifyCa,
                SslMode::VerifyFull => PgSslMode::VerifyFull,
            });
        options = match &self.place {
            Place::Host(host) => options.host(host),
            Place::Socket(folder) => options.socket(folder),
        };
        if let Some(password) = &self.password {
            options = options.password(password.expose());
        }
        if let Some(path) = &self.tls.root_certificate {
            options = options.ssl_root_cert(path);
        }
        options
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(false))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// Whether `path` is a socket's folder whose socket has a name that the kernel takes (`sun_path` holds 107 bytes and a zero).
pub(crate) fn fits_a_socket(path: &Path) -> bool {
    path.as_os_str().len() + "/.s.PGSQL.5432".len() <= 107
}

/// Chooses the cryptography of TLS for the process, unless somebody has: two are in the tree, and rustls does not choose between them.
fn choose_cryptography() {
    static CHOSEN: std::sync::Once = std::sync::Once::new();
    CHOSEN.call_once(|| {
        // An error only says that one was chosen before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, shown) in [
            (
                "postgres://u:p@db.example:6543/sky?sslmode=verify-full&sslrootcert=/ca.pem",
                "postgres://u@db.example:6543/sky?sslmode=verify-full&sslrootcert=%2Fca.pem",
            ),
            ("postgresql://u@h/d", "postgres://u@h:5432/d?sslmode=prefer"),
            ("postgres://u:p%40%3A%2F@h/d", "postgres://u@h:5432/d?sslmode=prefer"),
            ("postgres:///d?host=/run/pg&user=u", "postgres:///d?host=%2Frun%2Fpg&sslmode=prefer&user=u"),
            ("postgres://u@%2Frun%2Fpg/d", "postgres:///d?host=%2Frun%2Fpg&sslmode=prefer&user=u"),
            ("postgres://u@[::1]:1/d", "postgres://u@[::1]:1/d?sslmode=prefer"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), shown, "{text}");
            assert_eq!(endpoint.to_url_with_password().parse::<Endpoint>().unwrap(), endpoint, "{text}");
        }
    }

    #[test]
    fn wrong_urls() {
        for (text, part) in [
            ("mysql://u@h/d", "not postgres"),
            ("h/d", "relative URL"),
            ("postgres:///d?user=u", "host is missing"),
            ("postgres://u@h", "database is missing"),
            ("postgres://h/d", "user is missing"),
            ("postgres://u@h/d?sslmode=maybe", "verify-full"),
            ("postgres://u@h/d?colour=red", "colour"),
            ("postgres://u@h:99999/d", "invalid port"),
            ("postgres://u:%zz@h/d", "percent"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_password_is_shown_nowhere() {
        let endpoint: Endpoint = "postgres://u:hunter2@h/d".parse().unwrap();
        for text in [format!("{endpoint}"), format!("{endpoint:?}"), format!("{:?}", endpoint.password)] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
