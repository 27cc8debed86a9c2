//! A broker, clients of it, a gateway, and plain HTTP over TCP.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bus::{Bus, BusOptions};
use catalog::Owner;
use mqtt5::broker::{
    MqttBroker,
    config::{BrokerConfig, StorageBackend, StorageConfig},
};
use serde_json::Value;
use service_gateway::{Gateway, GatewayOptions};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use vocabulary::Clock;

/// A broker that ends with the test.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    running: JoinHandle<()>,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        let storage = StorageConfig { backend: StorageBackend::Memory, ..StorageConfig::default() };
        let config = BrokerConfig::default().with_bind_address(([127, 0, 0, 1], 0)).with_storage(storage);
        let mut broker = MqttBroker::with_config(config).await.unwrap();
        let address = broker.local_addr().unwrap();
        let running = tokio::spawn(async move { broker.run().await.unwrap() });
        Self { address, running }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// How a client called `name` connects.
pub(crate) fn options(broker: SocketAddr, name: &str) -> BusOptions {
    BusOptions {
        address: broker.to_string().parse().unwrap(),
        client_id: name.to_owned(),
        credentials: None,
        account: "operator".parse().unwrap(),
        source: format!("user:{name}"),
        tls: None,
        last_will: None,
        clock: Clock::system(),
    }
}

/// A client that is connected.
pub(crate) async fn client(broker: SocketAddr, name: &str) -> Bus {
    Bus::connect(options(broker, name), Duration::from_secs(10)).await.unwrap()
}

/// A client of a broker that is not there.
pub(crate) fn nobody() -> Bus {
    Bus::open(options(([127, 0, 0, 1], 9).into(), "nobody"))
}

pub(crate) async fn gateway(bus: Bus, expected: &[Owner]) -> Gateway {
    let options = GatewayOptions::new(bus, Clock::system(), expected.to_vec());
    Gateway::start(([127, 0, 0, 1], 0).into(), options).await.unwrap()
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Asks for a page over a connection of its own.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

/// Reads an answer and what follows until the connection ends.
pub(crate) async fn answer<S: AsyncRead + Unpin>(stream: &mut S) -> Answer {
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
    Answer { status, headers: headers.collect(), body: body.to_owned() }
}

/// Asks until the page has this status.
pub(crate) async fn until(address: SocketAddr, path: &str, status: u16) -> Answer {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut last = None;
    let come = async {
        loop {
            ticks.tick().await;
            let found = ask(address, "GET", path).await;
            if found.status == status {
                return found;
            }
            last = Some(found);
        }
    };
    let come = tokio::time::timeout(Duration::from_secs(30), come).await;
    come.unwrap_or_else(|_| panic!("{path} did not become {status}: {last:?}"))
}
