//! Clients that others wrote.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use futures::{SinkExt, StreamExt};
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, PublishProperties};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader},
    process::Command,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{
    raw::packet,
    stand::{PATIENCE, account, broker, until},
};

/// A v5 client of `rumqttc` and the task that turns its wheel, which hands every message over.
fn v5(
    tcp: SocketAddr,
    id: &str,
    user: &str,
) -> (rumqttc::v5::AsyncClient, tokio::sync::mpsc::Receiver<rumqttc::v5::mqttbytes::v5::Publish>) {
    let mut options = rumqttc::v5::MqttOptions::new(id, tcp.ip().to_string(), tcp.port());
    options.set_credentials(user, user);
    options.set_connect_properties(ConnectProperties { session_expiry_interval: Some(60), ..ConnectProperties::new() });
    let (client, mut wheel) = rumqttc::v5::AsyncClient::new(options, 100);
    let (tx, rx) = tokio::sync::mpsc::channel(100);
    tokio::spawn(async move {
        while let Ok(event) = wheel.poll().await {
            if let rumqttc::v5::Event::Incoming(rumqttc::v5::Incoming::Publish(publish)) = event {
                tx.send(publish).await.ok();
            }
        }
    });
    (client, rx)
}

#[tokio::test]
async fn stamps_can_not_be_forged() {
    use rumqttc::v5::mqttbytes::QoS;
    let (broker, tcp, _) = broker().await;
    let (root, mut inbox) = v5(tcp, "root", "root");
    root.subscribe("#", QoS::AtLeastOnce).await.unwrap();
    until("root has subscribed", async || broker.statistics().await.filters == 1).await;
    let (alice, _) = v5(tcp, "alice-1", "alice");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let forged = PublishProperties {
        user_properties: vec![
            pair("x-mqtt-sender", "root"),
            pair("token", "t"),
            pair("x-mqtt-sender", "root"),
            pair("x-mqtt-client-id", "root"),
        ],
        response_topic: Some("open/reply".to_owned()),
        correlation_data: Some("c".into()),
        ..PublishProperties::default()
    };
    alice.publish_with_properties("open/a", QoS::AtLeastOnce, false, "x", forged).await.unwrap();
    for (topic, stamp) in [("open/a", "alice"), ("open/b", "bob")] {
        if topic == "open/b" {
            broker.publish(&account("bob"), engine_broker::Message::new(topic, "y")).await.unwrap();
        }
        let publish = timeout(PATIENCE, inbox.recv()).await.unwrap().unwrap();
        assert_eq!(publish.topic, topic);
        let properties = publish.properties.unwrap();
        let values = |key: &str| -> Vec<String> {
            properties.user_properties.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
        };
        assert_eq!(values("x-mqtt-sender"), [stamp]);
        if topic == "open/a" {
            assert_eq!(
                (values("token"), values("x-mqtt-client-id")),
                (vec!["t".to_owned()], vec!["alice-1".to_owned()])
            );
            assert_eq!(properties.response_topic.as_deref(), Some("open/reply"));
            assert_eq!(properties.correlation_data.as_deref(), Some(&b"c"[..]));
        }
    }
}

#[tokio::test]
async fn a_v4_client_over_tcp_and_websocket() {
    use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS, Transport};
    let (broker, tcp, _) = broker().await;
    let websocket = broker.websocket_addresses()[0];
    for (name, mut options) in [
        ("tcp", MqttOptions::new("v4", tcp.ip().to_string(), tcp.port())),
        ("websocket", MqttOptions::new("v4-ws", format!("ws://{websocket}/mqtt"), websocket.port())),
    ] {
        if name == "websocket" {
            options.set_transport(Transport::Ws);
        }
        options.set_credentials("alice", "alice");
        options.set_keep_alive(Duration::from_secs(5));
        let (client, mut wheel) = AsyncClient::new(options, 100);
        client.subscribe("open/#", QoS::ExactlyOnce).await.unwrap();
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            client.publish("open/a", qos, false, name).await.unwrap();
            client.publish("closed/a", qos, false, name).await.unwrap();
        }
        let mut seen = 0;
        while seen < 3 {
            let event =
                timeout(PATIENCE, wheel.poll()).await.unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));
            if let Event::Incoming(Incoming::Publish(publish)) = event {
                assert_eq!((publish.topic.as_str(), &publish.payload[..]), ("open/a", name.as_bytes()));
                seen += 1;
            }
        }
        let listed = broker.clients().await;
        assert!(
            listed.iter().any(|client| client.link.is_some_and(|link| link.transport.as_str() == name)),
            "{listed:?}"
        );
    }
}

#[tokio::test]
async fn mosquittos_clients() {
    let (broker, tcp, _) = broker().await;
    let port = tcp.port().to_string();
    for version in ["311", "5"] {
        let mut sub = Command::new("mosquitto_sub")
            .args([
                "-p", &port, "-V", version, "-u", "alice", "-P", "alice", "-i", "sub", "-q", "1", "-t", "open/#", "-t",
                "kept/#", "-v",
            ])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("mosquitto_sub is installed (apt-get install mosquitto-clients)");
        let mut lines = BufReader::new(sub.stdout.take().unwrap()).lines();
        until("it has subscribed", async || broker.statistics().await.filters == 2).await;
        let publish = async |user: &str, args: &[&str]| {
            let name = ["-p", &port, "-V", version, "-u", user, "-P", user];
            let done = Command::new("mosquitto_pub").args(name).args(args).output().await.unwrap();
            (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
        };
        for qos in ["0", "1", "2"] {
            let (good, said) = publish("alice", &["-t", "open/a", "-q", qos, "-m", qos]).await;
            assert!(good, "{said}");
            assert_eq!(timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap(), Some(format!("open/a {qos}")));
            // Refused: 3.1.1 can't be told, and must not be thrown out.
            let (good, said) = publish("alice", &["-t", "closed/a", "-q", qos, "-m", qos]).await;
            assert!(good, "{said}");
            assert_eq!(said.contains("Not authorized"), version == "5" && qos != "0", "{version} {qos} {said}");
        }
        // A stream of messages of which every other is refused, over one connection.
        let (good, said) = publish("root", &["-t", "kept/a", "-q", "1", "-r", "-m", "kept"]).await;
        assert!(good, "{said}");
        assert_eq!(timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap(), Some("kept/a kept".to_owned()));
        let (good, said) = publish("mallory", &["-t", "open/a", "-m", "x"]).await;
        assert!(!good, "{said}");
        sub.kill().await.unwrap();
        until("it is gone", async || broker.statistics().await.clients == 0).await;
        let (good, _) = publish("root", &["-t", "kept/a", "-r", "-n"]).await;
        assert!(good);
    }
}

/// Connects over WebSocket as `alice`, subscribes, publishes and reads it back.
pub(crate) async fn websocket_round_trip(websocket: SocketAddr, path: &str) {
    let stream = tokio::net::TcpStream::connect(websocket).await.unwrap();
    websocket_round_trip_over(stream, websocket, path).await;
}

/// The same over a stream that is open; gives the WebSocket back.
pub(crate) async fn websocket_round_trip_over<S>(stream: S, websocket: SocketAddr, path: &str) -> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("ws://{websocket}{path}").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    let (mut socket, response) = timeout(PATIENCE, client_async(request, stream)).await.unwrap().unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "mqtt");
    let connect = packet(
        0x10,
        &[&[0, 4][..], b"MQTT", &[4, 0xc2, 0, 60, 0, 2], b"ws", &[0, 5], b"alice", &[0, 5], b"alice"].concat(),
    );
    let subscribe = packet(0x82, &[&[0, 1, 0, 6][..], b"open/a", &[0]].concat());
    let publish = packet(0x30, &[&[0, 6][..], b"open/a", b"hello"].concat());
    // MQTT 5 §6: packets may be cut and joined by frames as it comes.
    let (head, tail) = connect.split_at(5);
    for frame in [head.to_vec(), tail.to_vec(), [subscribe, publish.clone()].concat()] {
        socket.send(Message::binary(frame)).await.unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 4 + 5 + publish.len() {
        let frame = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        seen.extend(frame.into_data());
    }
    assert_eq!(seen, [&[0x20, 2, 0, 0, 0x90, 3, 0, 1, 0][..], &publish].concat());
    socket
}

#[tokio::test]
async fn websocket_paths_and_origins() {
    let (broker, ..) = broker().await;
    let websocket = broker.websocket_addresses()[0];
    websocket_round_trip(websocket, "/").await;
    for (path, origin, expected) in [
        ("/mqtt", None, 101),
        ("/elsewhere", None, 404),
        ("/mqtt", Some("http://127.0.0.1:8080"), 101),
        ("/mqtt", Some("https://evil.example"), 403),
        ("/mqtt", Some("null"), 403),
    ] {
        let mut request = format!("ws://{websocket}{path}").into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", HeaderValue::from_static(origin));
        }
        let stream = tokio::net::TcpStream::connect(websocket).await.unwrap();
        let status = match client_async(request, stream).await {
            Ok((_, response)) => response.status().as_u16(),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(status, expected, "{path} {origin:?}");
    }
}
