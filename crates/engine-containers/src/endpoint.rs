//! Where an engine is: a socket, an address with mutual TLS, or a host behind SSH; read from an address as `DOCKER_HOST` has it.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::ContainersError;

/// Where Docker listens, unless told otherwise.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// The port of TCP with TLS.
const TLS_PORT: u16 = 2376;

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket of this machine.
    Socket(PathBuf),
    /// TCP, where both sides show a certificate. TCP without that is not offered: whoever reaches an engine owns its machine.
    Tls {
        /// Name or address of the host, as its certificate has it.
        host: String,
        /// The port.
        port: u16,
        /// What proves who is who.
        files: TlsFiles,
    },
    /// A host that one may log into.
    Ssh(SshHost),
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities that vouch for the engine.
    pub authority: PathBuf,
    /// Our certificate, with what leads to the authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// `ca.pem`, `cert.pem` and `key.pem` of a folder, as Docker's own client names them.
    pub fn of_folder(folder: &Path) -> Self {
        Self { authority: folder.join("ca.pem"), certificate: folder.join("cert.pem"), key: folder.join("key.pem") }
    }
}

/// A host behind SSH. What is not said here, the user's SSH configuration says; `host` may be a name from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshHost {
    /// Name or address.
    pub host: String,
    /// Who logs in.
    pub user: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The engine's socket over there; where none is said, Docker's and then Podman's are tried.
    pub socket: Option<PathBuf>,
    /// The private key.
    pub key: Option<PathBuf>,
    /// The file of known host keys. A key that stands in none is refused, always.
    pub known_hosts: Option<PathBuf>,
    /// The configuration to read instead of the user's.
    pub configuration: Option<PathBuf>,
}

impl Endpoint {
    /// This machine's engine: Docker's socket, else Podman's of the system, else Podman's of the user.
    pub fn local() -> Self {
        let of_user = env::var_os("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("podman/podman.sock"));
        let others = [Some(PathBuf::from("/run/podman/podman.sock")), of_user];
        let docker = PathBuf::from(DOCKER_SOCKET);
        let found = std::iter::once(Some(docker.clone())).chain(others).flatten().find(|path| path.exists());
        Self::Socket(found.unwrap_or(docker))
    }

    /// What `DOCKER_HOST` says, with the certificates in `DOCKER_CERT_PATH`; where it says nothing, [`Self::local`].
    pub fn from_environment() -> Result<Self, ContainersError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// The same, where `variable` knows the environment.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ContainersError> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        match said("DOCKER_HOST") {
            None => Ok(Self::local()),
            Some(address) => {
                let folder = said("DOCKER_CERT_PATH").or_else(|| Some(format!("{}/.docker", said("HOME")?)));
                Self::parse(&address, folder.map(|folder| TlsFiles::of_folder(Path::new(&folder))).as_ref())
            }
        }
    }

    /// Reads `unix:///PATH`, `ssh://[USER@]HOST[:PORT][/SOCKET]`, or `tcp://HOST[:PORT]` and `https://…`, for which `tls` has the files.
    pub fn parse(address: &str, tls: Option<&TlsFiles>) -> Result<Self, ContainersError> {
        let wrong = |reason: &str| ContainersError::BadAddress {
            address: without_password(address),
            reason: reason.to_owned(),
        };
        let (scheme, rest) = address.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Socket(PathBuf::from(rest))),
            "unix" => Err(wrong("the path of the socket is not absolute")),
            "ssh" => ssh_host(rest).map(Self::Ssh).map_err(wrong),
            "tcp" | "https" => {
                let files =
                    tls.ok_or_else(|| wrong("TCP needs certificates; name their folder in DOCKER_CERT_PATH"))?;
                let (host, port) = host_and_port(rest.trim_end_matches('/')).map_err(wrong)?;
                Ok(Self::Tls { host, port: port.unwrap_or(TLS_PORT), files: files.clone() })
            }
            _ => Err(wrong("its scheme is none of unix, ssh, tcp and https")),
        }
    }

    /// Whether the engine's files and ports are this machine's.
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Socket(_))
    }
}

impl FromStr for Endpoint {
    type Err = ContainersError;
    fn from_str(address: &str) -> Result<Self, ContainersError> {
        Self::parse(address, None)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{}", path.display()),
            Self::Tls { host, port, .. } => write!(f, "tcp://{}:{port}", in_brackets(host)),
            Self::Ssh(ssh) => ssh.fmt(f),
        }
    }
}

impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&in_brackets(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.socket.as_ref().map_or(Ok(()), |socket| write!(f, "{}", socket.display()))
    }
}

fn in_brackets(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn ssh_host(rest: &str) -> Result<SshHost, &'static str> {
    let (authority, socket) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    if user.is_some_and(|user| user.contains(':')) {
        return Err("it holds a password; log in with a key");
    }
    let (host, port) = host_and_port(place)?;
    // `ssh` would take either for an option.
    if host.starts_with('-') || user.is_some_and(|user| user.is_empty() || user.starts_with('-')) {
        return Err("neither user nor host may be empty or begin with a dash");
    }
    let socket = Some(socket).filter(|socket| socket.len() > 1).map(PathBuf::from);
    Ok(SshHost { host, user: user.map(str::to_owned), port, socket, ..SshHost::default() })
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match place.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']').ok_or("a bracket is not closed")?;
            (host, rest.strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(['/', '@', ' ', '?', '#']) {
        return Err("it names no host");
    }
    let port = port.map(str::parse).transpose().map_err(|_| "its port is no number from 1 to 65535")?;
    if port == Some(0) {
        return Err("its port is no number from 1 to 65535");
    }
    Ok((host.to_owned(), port))
}

/// `ssh://user:password@host` without the password.
fn without_password(address: &str) -> String {
    let Some((before, after)) = address.rsplit_once('@') else { return address.to_owned() };
    let from = before.find("://").map_or(0, |at| at + 3);
    let user = before.get(from..).and_then(|user| user.split_once(':'));
    user.map_or_else(
        || address.to_owned(),
        |(user, _)| format!("{}{user}:***@{after}", before.get(..from).unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> TlsFiles {
        TlsFiles::of_folder(Path::new("/c"))
    }

    fn tls(host: &str, port: u16) -> Endpoint {
        Endpoint::Tls { host: host.to_owned(), port, files: files() }
    }

    fn ssh(host: &str, user: Option<&str>, port: Option<u16>, socket: Option<&str>) -> Endpoint {
        let (user, socket) = (user.map(str::to_owned), socket.map(PathBuf::from));
        Endpoint::Ssh(SshHost { host: host.to_owned(), user, port, socket, ..SshHost::default() })
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (address, expected) in [
            ("unix:///run/d.sock", Endpoint::Socket("/run/d.sock".into())),
            ("tcp://dome:2376", tls("dome", 2376)),
            ("tcp://[::1]:99", tls("::1", 99)),
            ("ssh://vonnegut", ssh("vonnegut", None, None, None)),
            ("ssh://root@vonnegut:2222/run/p.sock", ssh("vonnegut", Some("root"), Some(2222), Some("/run/p.sock"))),
        ] {
            let read = Endpoint::parse(address, Some(&files())).unwrap();
            assert_eq!(read, expected, "{address}");
            assert_eq!(read.to_string(), address);
        }
        assert_eq!(Endpoint::parse("https://dome/", Some(&files())).unwrap(), tls("dome", 2376));
        assert_eq!(Endpoint::parse("ssh://dome/", None).unwrap(), ssh("dome", None, None, None));
    }

    #[test]
    fn addresses_that_lead_nowhere_are_refused_with_a_reason() {
        for (address, reason) in [
            ("/run/d.sock", "no scheme"),
            ("unix://run/d.sock", "not absolute"),
            ("tcp://dome:2376", "needs certificates"),
            ("npipe:////./pipe/docker", "none of unix"),
            ("ssh://", "names no host"),
            ("ssh://root:secret@dome", "password"),
            ("ssh://-oProxyCommand=evil", "dash"),
            ("ssh://-l@dome", "dash"),
            ("ssh://dome:0", "no number"),
            ("ssh://dome:x", "no number"),
            ("ssh://[::1", "not closed"),
        ] {
            let error = address.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(reason), "{address}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_environment_is_understood_as_dockers_client_does() {
        let of = |host: &str| {
            Endpoint::from_variables(|name| match name {
                "DOCKER_HOST" => Some(host.to_owned()),
                "DOCKER_CERT_PATH" => Some("/c".to_owned()),
                _ => None,
            })
        };
        assert_eq!(of("tcp://dome").unwrap(), tls("dome", 2376));
        assert!(matches!(of("").unwrap(), Endpoint::Socket(_)));
    }
}
