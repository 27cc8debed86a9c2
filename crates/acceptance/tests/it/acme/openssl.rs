//! OpenSSL's own client, which trusts what it is told and says what it is shown.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use testkit::Credentials;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(15);
/// So that none takes another's place.
static CONNECTIONS: AtomicU32 = AtomicU32::new(1);

fn client(listener: SocketAddr, name: &str, trusted: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &listener.to_string(), "-servername", name, "-verify_hostname", name]);
    command.args(["-CAfile", trusted, "-verify_return_error"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn said(mut command: Command, input: &str) -> (bool, String, String) {
    let mut child = command.spawn().unwrap_or_else(|e| panic!("openssl: {e}; apt-get install openssl"));
    let mut stdin = child.stdin.take().unwrap();
    // One that was refused reads nothing.
    let _ = stdin.write_all(input.as_bytes()).await;
    let _ = stdin.flush().await;
    if !input.contains("HTTP/") {
        drop(stdin);
    }
    let output = timeout(LIMIT, child.wait_with_output()).await.unwrap_or_else(|_| panic!("openssl: no end")).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The serial number of what is shown for a name, in hexadecimal; an error where it is not trusted.
pub(crate) async fn serial_shown(listener: SocketAddr, name: &str, trusted: &str) -> Result<String, String> {
    let (good, shown, complaint) = said(client(listener, name, trusted), "").await;
    if !good {
        return Err(complaint);
    }
    let mut reading = Command::new("openssl");
    reading.args(["x509", "-noout", "-serial"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (_, serial, complaint) = said(reading, &shown).await;
    serial.trim().strip_prefix("serial=").map(str::to_lowercase).ok_or(complaint)
}

/// A page over HTTPS, with its head.
pub(crate) async fn get(listener: SocketAddr, name: &str, trusted: &str, path: &str) -> String {
    let mut command = client(listener, name, trusted);
    command.arg("-quiet");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    said(command, &request).await.1
}

/// A connection of MQTT over TLS that goes on.
pub(crate) struct Standing {
    _client: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Standing {
    /// Connects and logs in, with MQTT 3.1.1.
    pub(crate) async fn open(listener: SocketAddr, name: &str, trusted: &str, login: &Credentials) -> Self {
        let mut command = client(listener, name, trusted);
        let mut client = command.arg("-quiet").spawn().unwrap();
        let (to, from) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
        let mut standing = Self { _client: client, to, from };
        let number = CONNECTIONS.fetch_add(1, Ordering::SeqCst);
        let client_id = format!("standing-{number}");
        let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
        // Clean, with a name and a password, kept alive for a minute (MQTT 3.1.1, 3.1).
        let body = [
            text("MQTT"),
            vec![4, 0b1100_0010, 0, 60],
            text(&client_id),
            text(login.account.as_str()),
            text(&login.password),
        ];
        let body = body.concat();
        let head = [0x10, u8::try_from(body.len()).unwrap()];
        assert!(body.len() < 128);
        standing.say(&[&head[..], &body].concat()).await;
        assert_eq!(standing.hear::<4>().await, [0x20, 2, 0, 0], "not let in");
        standing
    }

    /// It is still the same connection.
    pub(crate) async fn answers_pings(&mut self) {
        self.say(&[0xc0, 0]).await;
        assert_eq!(self.hear::<2>().await, [0xd0, 0]);
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.to.write_all(bytes).await.unwrap();
        self.to.flush().await.unwrap();
    }

    async fn hear<const N: usize>(&mut self) -> [u8; N] {
        let mut heard = [0; N];
        let come = timeout(LIMIT, self.from.read_exact(&mut heard)).await;
        come.unwrap_or_else(|_| panic!("nothing more comes")).unwrap_or_else(|e| panic!("the connection ended: {e}"));
        heard
    }
}
