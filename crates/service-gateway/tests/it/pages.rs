//! What each page says without a bus, and the bounds of connections.

use std::time::Duration;

use catalog::Owner;
use service_gateway::{Gateway, GatewayError, GatewayOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use vocabulary::Clock;

use crate::stand::{answer, ask, gateway, nobody};

#[tokio::test]
async fn pages_without_a_bus() {
    let gateway = gateway(nobody(), &[Owner::Telescope]).await;
    for (method, path, status, part) in [
        ("GET", "/health/live", 200, "live"),
        ("HEAD", "/health/live", 200, ""),
        ("GET", "/health/live?x=1", 200, "live"),
        ("GET", "/health", 503, "broker can't be reached"),
        ("GET", "/health/ready", 503, "telescope-coordinator: has not said anything"),
        ("GET", "/metrics", 200, ""),
        ("GET", "/", 404, "not-found"),
        ("GET", "/health/", 404, "not-found"),
        ("GET", "/nothing/here", 404, "page /nothing/here does not exist"),
        ("POST", "/nothing/here", 404, "not-found"),
        ("POST", "/health", 405, "use GET"),
        ("DELETE", "/metrics", 405, "use GET"),
    ] {
        let answer = ask(gateway.address(), method, path).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.body.contains(part), "{method} {path}: {answer:?}");
        if status >= 400 && path != "/health" || status == 405 {
            let body = answer.json();
            assert_eq!(body["success"], false, "{method} {path}");
            assert!(!body["error"]["hint"].as_str().unwrap().is_empty(), "{method} {path}");
        }
    }
    let metrics = ask(gateway.address(), "GET", "/metrics").await;
    assert!(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"), "{metrics:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let first = gateway(nobody(), &[]).await;
    let options = GatewayOptions::new(nobody(), Clock::system(), vec![]);
    let error = Gateway::start(first.address(), options).await.unwrap_err();
    assert!(matches!(error, GatewayError::Address { address, .. } if address == first.address()));
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}

#[tokio::test]
async fn it_stops_in_good_order() {
    let gateway = gateway(nobody(), &[]).await;
    let address = gateway.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read_u8().await.is_ok());
    let begun = std::time::Instant::now();
    gateway.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(answer(&mut idle).await.body, "{\"status\":\"live\"}");
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}

#[tokio::test]
async fn headers_have_a_size() {
    let gateway = gateway(nobody(), &[]).await;
    for (what, header) in [
        ("a long field", format!("x: {}\r\n", "y".repeat(64 * 1024))),
        ("many fields", (0..200).map(|n| format!("x{n}: y\r\n")).collect()),
        ("no header", "\0\r\n".to_owned()),
    ] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let request = format!("GET /health/live HTTP/1.1\r\nhost: x\r\n{header}\r\n");
        // The server may close before all is written.
        let _written = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _read = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.is_empty() || text.contains("431") || text.contains("400"), "{what}: {text}");
    }
    assert_eq!(ask(gateway.address(), "GET", "/health/live").await.status, 200);
}

/// The clock runs ahead whenever everybody waits, so the ten seconds pass at once.
#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_come_is_not_waited_for() {
    let gateway = gateway(nobody(), &[]).await;
    for sent in ["", "GET /health/live HT", "GET /health/live HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let begun = tokio::time::Instant::now();
        let mut bytes = Vec::new();
        let _read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.unwrap();
        assert!(begun.elapsed() <= Duration::from_secs(30), "{sent:?}");
        assert!(!String::from_utf8_lossy(&bytes).contains("200 OK"), "{sent:?}");
    }
}
