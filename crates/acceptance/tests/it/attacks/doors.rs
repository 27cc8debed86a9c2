//! Connections that are not let in: without a login, with another's, over TLS that is too old, with certificates that prove nothing; and
//! those that never say anything.

use std::{sync::Arc, time::Duration};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    },
};

use super::{
    row::{NOT_AUTHORIZED, Row, Trace, Why},
    stand::{Stand, text},
    wire::{Connect, LIMIT, Met, Wire},
};

/// How many connections say nothing at once.
const SILENT: usize = 200;

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    let mut rows = logins(stand);
    rows.extend(slow(stand));
    if stand.broker.is_embedded() {
        // Mosquitto's listeners are its administrator's affair; ours speak TLS.
        rows.extend(tls());
        rows.extend(certificates());
        rows.push(web_page());
    }
    rows
}

fn logins(stand: &Stand) -> Vec<Row> {
    let with = |name: &str, password: &str| Connect::with(&format!("attack-{}", stand.fresh()), name, password);
    let password = |name: &str| stand.someone(name).password;
    let key = stand.someone("ann's key");
    let nameless = Connect { username: None, ..with("", &password("ann")) };
    let mut rows = vec![
        Row::connect("nobody at all", Connect { client_id: "attack".to_owned(), ..Connect::default() }),
        Row::connect("a name without a password", Connect { password: None, ..with("ann", "") }),
        Row::connect("a password without a name", nameless).why(Why::Ended).unaudited(),
        Row::connect("a wrong password", with("ann", "not her password")),
        Row::connect("an empty password", with("ann", "")),
        Row::connect_unknown("an unknown user", with("nobody.here", "not a password")),
        Row::connect("another's password", with("operator", &password("ann"))),
        Row::connect("a node's account with the node's own password", with("telescope-coordinator", &password("node"))),
        Row::connect("a node's account with another's", with("telescope-coordinator", &password("gateway"))),
        Row::connect("the node with a user's password", with("node", &password("operator"))),
        Row::connect("a plugin with a user's password", with("plugin.weather", &password("ann"))),
        Row::connect_unknown("a plugin that nobody admitted", with("plugin.other", &password("plugin.weather"))),
        Row::connect(
            "an API key under another key's name",
            with("key.0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21", &key.password),
        ),
        Row::connect("an API key under another user's name", with("operator", &key.password)),
        Row::connect("a token under another user's name", with("operator", &stand.token("ann").unwrap())),
        Row::connect("a refresh token in place of a password", with("ann", &stand.someone("ann").refresh_token)),
        Row::connect("the lobby with a token", with("lobby.ann", &stand.token("ann").unwrap())),
        Row::connect("the lobby with a wrong password", with("lobby.ann", "not her password")),
        Row::connect_unknown("SQL in a name", with("ann' OR '1'='1", "x")),
        Row::connect_unknown("a name with a wildcard", with("+", "x")),
        Row::connect(
            "a password that is no text",
            Connect { password: Some(vec![0xff, 0xfe, 0x00]), ..with("ann", "") },
        ),
        Row::connect(
            "another way of authentication",
            Connect { method: Some("SCRAM-SHA-1".to_owned()), ..with("ann", &password("ann")) },
        )
        .why(Why::Ended)
        .unaudited(),
    ];
    rows.push(
        Row::scene("who is yet to log in moves a telescope", |stand| {
            Box::pin(async {
                let ann = stand.someone("ann").password;
                stand
                    .people()
                    .insert("lobby.ann".to_owned(), super::stand::Person { password: ann, ..Default::default() });
                let park = json!({"device_id": stand.id("mount")});
                stand.deliver(&stand.message("lobby.ann", stand.token("ann"), "telescope/control/park", &park)).await
            })
        })
        .why(Why::Broker(&[NOT_AUTHORIZED]))
        .audited(Trace::of_broker("bus/publish", "lobby.ann", "telescope/control/park", "no right")),
    );
    rows
}

/// Connections that never say anything keep nobody out.
fn slow(stand: &Stand) -> Vec<Row> {
    let quiet = |name: &str, first: &'static [u8], to_tls: bool| {
        Row::scene(name, move |stand| {
            Box::pin(async move {
                let place = if to_tls { stand.observatory.mqtts() } else { stand.observatory.mqtt() };
                let mut silent = Vec::with_capacity(SILENT);
                for _ in 0..SILENT {
                    let mut stream = TcpStream::connect(place).await.unwrap();
                    stream.write_all(first).await.unwrap();
                    silent.push(stream);
                }
                let connect = stand.hello("ann");
                let come = async {
                    if to_tls { secure(stand, None).await.is_ok() } else { stand.connect(&connect).await.is_ok() }
                };
                let met = match tokio::time::timeout(Duration::from_secs(5), come).await {
                    Ok(true) => Met::NoEffect,
                    Ok(false) | Err(_) => Met::Silence,
                };
                drop(silent);
                met
            })
        })
    };
    let mut rows = vec![
        quiet("two hundred connections that say nothing", b"", false),
        quiet("two hundred connections that say half of a word", b"\x10\xff\xff", false),
    ];
    if stand.broker.is_embedded() {
        rows.push(quiet("two hundred connections that say nothing over TLS", b"", true));
    }
    rows
}

/// TLS 1.0's first word, with a cipher of its time (RFC 2246, 7.4.1.2), and 1.1's.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let mut handshake = vec![1, 0, 0, hello.len() as u8];
    handshake.extend(hello);
    let mut record = vec![22, 3, 1, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}

fn tls() -> Vec<Row> {
    let says = |name: &str, bytes: Vec<u8>| {
        Row::scene(name, move |stand| {
            Box::pin(async move {
                let mut stream = TcpStream::connect(stand.observatory.mqtts()).await.unwrap();
                stream.write_all(&bytes).await.unwrap();
                let mut answer = Vec::new();
                match tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await {
                    // An alert is fatal and says why; what comes after it is the end (RFC 8446, 6.2).
                    Ok(_) if answer.is_empty() || answer.starts_with(&[21]) => Met::Ended,
                    Ok(_) => Met::Passed,
                    Err(_) => Met::Silence,
                }
            })
        })
        .why(Why::Ended)
        .audited(Trace::of_broker("bus/connect", "", "", "TLS"))
    };
    let plain = Connect::with("attack", "ann", "x");
    vec![
        says("TLS 1.0", old_hello(1)),
        says("TLS 1.1", old_hello(2)),
        says("SSL 3", old_hello(0)),
        says("plain MQTT where TLS is spoken", plain.packet()),
        says("HTTP where TLS is spoken", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        Row::scene("TLS where plain MQTT is spoken", |stand| {
            Box::pin(async {
                let mut stream = stand.stream().await;
                stream.write_all(&old_hello(3)).await.unwrap();
                let mut answer = Vec::new();
                let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
                if read.is_ok() { Met::Ended } else { Met::Silence }
            })
        })
        .why(Why::Ended),
    ]
}

/// A client's certificate.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn certificates() -> Vec<Row> {
    let shows = |name: &str, make: fn(&str, &str) -> Shown, trace: Trace| {
        Row::scene(name, move |stand| {
            Box::pin(async move {
                let authority = stand.observatory.authority().await;
                let shown = make(&authority.certificate_pem, &authority.private_key_pem);
                with_certificate(stand, shown, None).await
            })
        })
        .why(Why::Ended)
        .audited(trace)
    };
    let refused_by_tls = || Trace::of_broker("bus/connect", "", "", "TLS");
    let refused_by_door = || Trace::of_broker("bus/connect", "", "", "");
    vec![
        shows("a certificate that has expired", expired, refused_by_tls()),
        shows("a certificate that is not valid yet", future, refused_by_tls()),
        shows("a certificate of another authority", foreign, refused_by_tls()),
        shows("a certificate that one signed oneself", self_signed, refused_by_tls()),
        shows("a certificate for servers", for_servers, refused_by_tls()),
        shows("a certificate of nobody", nameless, refused_by_door()),
        shows("a certificate of two accounts", of_two, refused_by_door()),
        shows("a certificate of a user who never was", of_nobody, refused_by_door()),
        Row::scene("a certificate that was revoked", |stand| {
            Box::pin(async {
                let issued = stand.good("security/cert/account", json!({"username": "ann"})).await;
                let key = text(&issued["private_key_pem"]);
                stand.keep_secret(&key);
                let shown = Shown {
                    chain: CertificateDer::pem_slice_iter(text(&issued["certificate_pem"]).as_bytes())
                        .map(Result::unwrap)
                        .collect(),
                    key: PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                };
                let serial = text(&issued["certificate"]["serial"]);
                stand.good("security/cert/revoke", json!({ "serial": serial })).await;
                with_certificate(stand, shown, None).await
            })
        })
        .why(Why::Ended)
        .audited(Trace::of_broker("bus/connect", "", "", "")),
        Row::scene("a certificate under another's name", |stand| {
            Box::pin(async {
                let authority = stand.observatory.authority().await;
                let shown = issued(&authority.certificate_pem, &authority.private_key_pem, |_| ());
                with_certificate(stand, shown, Some("operator")).await
            })
        })
        .why(Why::Broker(&[0x86, NOT_AUTHORIZED]))
        .audited(Trace::of_broker("bus/connect", "", "operator", "wrong")),
    ]
}

async fn with_certificate(stand: &Stand, shown: Shown, name: Option<&str>) -> Met {
    let connect = Connect {
        client_id: format!("attack-{}", stand.fresh()),
        username: name.map(str::to_owned),
        ..Connect::default()
    };
    match secure(stand, Some(shown)).await {
        Err(_) => Met::Ended,
        Ok(stream) => match Wire::open(stream, &connect).await {
            Ok(_) => Met::Passed,
            Err(met) => met,
        },
    }
}

/// A client's certificate of ann's from this authority, with something changed.
fn issued(certificate: &str, key: &str, change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let issuer = Issuer::from_ca_cert_pem(certificate, KeyPair::from_pem(key).unwrap()).unwrap();
    let (params, own) = params(change);
    let made = params.signed_by(&own, &issuer).unwrap();
    Shown { chain: vec![made.der().clone()], key: PrivateKeyDer::try_from(own.serialize_der()).unwrap() }
}

fn params(change: impl FnOnce(&mut CertificateParams)) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names.push(SanType::URI("bigskies:account:ann".try_into().unwrap()));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    change(&mut params);
    (params, KeyPair::generate().unwrap())
}

fn expired(certificate: &str, key: &str) -> Shown {
    issued(certificate, key, |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1))
}

fn future(certificate: &str, key: &str) -> Shown {
    issued(certificate, key, |params| params.not_before = rcgen::date_time_ymd(2099, 1, 1))
}

fn for_servers(certificate: &str, key: &str) -> Shown {
    issued(certificate, key, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
}

fn nameless(certificate: &str, key: &str) -> Shown {
    issued(certificate, key, |params| params.subject_alt_names.clear())
}

fn of_two(certificate: &str, key: &str) -> Shown {
    let operator = SanType::URI("bigskies:account:operator".try_into().unwrap());
    issued(certificate, key, |params| params.subject_alt_names.push(operator))
}

fn of_nobody(certificate: &str, key: &str) -> Shown {
    let nobody = SanType::URI("bigskies:account:nobody.here".try_into().unwrap());
    issued(certificate, key, |params| params.subject_alt_names = vec![nobody])
}

fn self_signed(_: &str, _: &str) -> Shown {
    let (params, own) = params(|_| ());
    let made = params.self_signed(&own).unwrap();
    Shown { chain: vec![made.der().clone()], key: PrivateKeyDer::try_from(own.serialize_der()).unwrap() }
}

/// From an authority of the same name with another key.
fn foreign(certificate: &str, _: &str) -> Shown {
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_ca_cert_pem(certificate, key).unwrap();
    let (params, own) = params(|_| ());
    let made = params.signed_by(&own, &issuer).unwrap();
    Shown { chain: vec![made.der().clone()], key: PrivateKeyDer::try_from(own.serialize_der()).unwrap() }
}

/// TLS to the broker, whoever it is: it is the client that is to be doubted here.
async fn secure(stand: &Stand, shown: Option<Shown>) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)));
    let config = match shown {
        Some(shown) => builder.with_client_auth_cert(shown.chain, shown.key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(stand.observatory.mqtts()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Takes every server for the right one.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A page of another site opens a WebSocket in the name of who looks at it.
fn web_page() -> Row {
    Row::scene("a web page of another site", |stand| {
        Box::pin(async {
            let place = stand.observatory.websocket();
            let mut stream = TcpStream::connect(place).await.unwrap();
            let request = format!(
                "GET /mqtt HTTP/1.1\r\nHost: {place}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Origin: https://evil.example\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = [0; 64];
            let read = stream.read(&mut answer).await.unwrap_or_default();
            let said = String::from_utf8_lossy(&answer[..read]).into_owned();
            if said.starts_with("HTTP/1.1 403") { Met::Ended } else { Met::Passed }
        })
    })
    .why(Why::Ended)
    .audited(Trace::of_broker("bus/connect", "", "", "evil.example"))
}
