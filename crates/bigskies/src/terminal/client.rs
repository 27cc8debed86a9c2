//! How the terminal reaches an observatory: the global options, and a connection that asks.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bus::{Address, Ask, Bus, BusOptions, Connection, Credentials, Watch};
use catalog::{Command, Owner, Qos, Secret, topic};
use clap::Args;
use rustls::ClientConfig;
use serde_json::{Map, Value};
use vocabulary::{Clock, Fault, ids::fresh_uuid};

use crate::{
    data_folder::data_folder,
    house::trust::TrustOptions,
    terminal::{
        identity::Identity,
        logins::Logins,
        output::{Form, Output},
    },
};

/// How long connecting may take where nothing is said.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Where a broker is looked for where nothing is said.
const DEFAULT_BROKER: &str = "127.0.0.1:1883";

/// How the terminal reaches an observatory.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct ClientOptions {
    /// The broker, as host:port; 127.0.0.1:1883 where nothing is said.
    #[arg(long, global = true, value_name = "ADDR", env = "BIGSKIES_BROKER", hide_env_values = true)]
    pub(crate) broker: Option<Address>,
    /// A file with account and password; else what `bigskies login` keeps for this broker is used. Without either the terminal connects
    /// without a login.
    #[arg(long, global = true, value_name = "FILE", env = "BIGSKIES_CREDENTIALS", hide_env_values = true)]
    pub(crate) credentials: Option<PathBuf>,
    /// The data folder of an observatory on this machine.
    #[arg(long, global = true, value_name = "DIR", env = "BIGSKIES_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustOptions,
    /// Write results as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long to wait for an answer; the message's own limit where nothing is said.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) limit: Option<Duration>,
}

/// Reads a positive number of seconds, at most an hour.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds above 0 and up to 3600 is expected".to_owned()),
    }
}

impl ClientOptions {
    /// Where results go.
    pub(crate) fn output(&self) -> Output {
        Output::new(if self.json { Form::Json } else { Form::Person })
    }

    /// The broker.
    ///
    /// # Errors
    /// None, since the address that holds where nothing is said can be read.
    pub(crate) fn address(&self) -> Result<Address, Fault> {
        self.broker.clone().map_or_else(|| DEFAULT_BROKER.parse(), Ok)
    }

    /// How TLS is spoken with the broker, where its address says so.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(crate) fn tls(&self) -> Result<Option<Arc<ClientConfig>>, Fault> {
        self.tls_for(&self.address()?)
    }

    /// The same for a broker of this address.
    ///
    /// # Errors
    /// As [`Self::tls`].
    pub(crate) fn tls_for(&self, broker: &Address) -> Result<Option<Arc<ClientConfig>>, Fault> {
        if broker.tls { self.trust.config().map(Some) } else { Ok(None) }
    }

    /// The data folder on this machine.
    pub(crate) fn data_folder(&self) -> PathBuf {
        data_folder(self.data_dir.as_deref())
    }

    /// As whom to connect: by the file that is named, else by the login that is stored for this broker, else as nobody.
    ///
    /// # Errors
    /// Where the file can't be used, or the login has ended.
    pub(crate) fn identity(&self) -> Result<Identity, Fault> {
        if let Some(named) = &self.credentials {
            return Ok(Identity::of_file(Credentials::read(named)?));
        }
        match Logins::open()?.at(&self.address()?) {
            Some(login) => Identity::of_login(login, Clock::system().now()),
            None => Ok(Identity::nobody()),
        }
    }

    /// How to connect as somebody.
    ///
    /// # Errors
    /// As [`Self::address`].
    fn bus_options(&self, identity: &Identity) -> Result<BusOptions, Fault> {
        Ok(BusOptions {
            address: self.address()?,
            tls: self.tls()?,
            client_id: format!("bigskies-cli-{}", fresh_uuid()),
            source: format!("user:{}", identity.name),
            account: identity.account.clone(),
            credentials: identity.credentials.clone(),
            last_will: None,
            clock: Clock::system(),
        })
    }
}

/// A connection to an observatory.
#[derive(Debug)]
pub(crate) struct Client {
    bus: Bus,
    limit: Option<Duration>,
    token: Option<Secret>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// `unavailable` where the broker can't be reached, `unauthenticated` where it does not let us in; what is wrong with the credentials.
    pub(crate) async fn connect(options: &ClientOptions) -> Result<Self, Fault> {
        Self::connect_as(options, options.identity()?).await
    }

    /// Connects as somebody.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(crate) async fn connect_as(options: &ClientOptions, identity: Identity) -> Result<Self, Fault> {
        let bus = Bus::open(options.bus_options(&identity)?);
        if let Err(fault) = reach(&bus, &identity, options.limit.unwrap_or(CONNECT_LIMIT)).await {
            bus.abandon();
            return Err(fault);
        }
        Ok(Self { bus, limit: options.limit, token: identity.token })
    }

    /// Brings this token with each message from now on.
    pub(crate) fn bring(&mut self, token: Secret) {
        self.token = Some(token);
    }

    /// What is brought with each message.
    pub(crate) const fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// The connection.
    pub(crate) const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Asks for what a command promises.
    ///
    /// # Errors
    /// What the owner says; `timeout` and `unavailable` where it says nothing.
    pub(crate) async fn ask<C: Command>(&self, command: &C) -> Result<C::Reply, Fault> {
        self.ask_named(C::NAME, command).await
    }

    /// The same for a command that every coordinator has.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn ask_of<C: Command>(&self, owner: Owner, command: &C) -> Result<C::Reply, Fault> {
        self.ask_named(&format!("{}/{}", owner.word(), C::NAME), command).await
    }

    async fn ask_named<C: Command>(&self, name: &str, command: &C) -> Result<C::Reply, Fault> {
        let payload = serde_json::to_value(command).map_err(|e| Fault::internal(e.to_string()))?;
        let ask = Ask { limit: Some(C::LIMIT), ..Ask::default() };
        let reply = self.ask_topic(&topic::inbound(name), without_nulls(payload), C::QOS, ask).await?;
        serde_json::from_value(Value::Object(reply))
            .map_err(|e| Fault::internal(format!("answer to {name} can't be read: {e}")))
    }

    /// Asks on any topic; the answer's own fields come back. `--limit` stands over the limit of `ask`.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn ask_topic(
        &self,
        topic: &str,
        payload: Value,
        qos: Qos,
        ask: Ask,
    ) -> Result<Map<String, Value>, Fault> {
        let token = self.token.as_ref().map(|token| token.expose().to_owned());
        let ask = Ask { limit: self.limit.or(ask.limit), token: ask.token.or(token), ..ask };
        self.bus.ask_topic(topic, payload, qos, ask).await
    }

    /// Watches filters.
    ///
    /// # Errors
    /// `unavailable` where that can't be sent.
    pub(crate) async fn watch(&self, filters: &[(String, Qos)]) -> Result<Watch, Fault> {
        // Room for what retained messages come to in a large observatory.
        self.bus.watch(filters, 16_384).await
    }

    /// Waits until the broker does not let us in any more, as when the key of this connection is taken back.
    pub(crate) async fn refused(&self) {
        refused(&self.bus).await;
    }

    /// Leaves in good order.
    pub(crate) async fn close(&self) {
        self.bus.close().await;
    }
}

/// The same object without fields that are null: what is not said need not be sent.
fn without_nulls(mut payload: Value) -> Value {
    if let Some(object) = payload.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    payload
}

/// Waits until the connection stands, but not on a broker that has refused us: it will not change its mind.
async fn reach(bus: &Bus, identity: &Identity, limit: Duration) -> Result<(), Fault> {
    let address = &bus.options().address;
    tokio::select! {
        ready = bus.ready(limit) => ready.map_err(|fault| {
            Fault::new(fault.code, format!("{} ({address})", fault.message))
                .hint("start an observatory with `bigskies up`, or name the broker of yours with --broker")
        }),
        () = refused(bus) => Err(identity.refusal(address)),
    }
}

/// Waits until a broker has refused us.
async fn refused(bus: &Bus) {
    let mut connection = bus.connection();
    let seen = connection.wait_for(|now| matches!(now, Connection::Down(why) if is_refusal(why))).await;
    if seen.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether a broker answered that it does not want us (MQTT 5, section 3.2.2.2), as the bus words it.
fn is_refusal(why: &str) -> bool {
    ["BadUserNamePassword", "NotAuthorized", "Banned", "BadAuthenticationMethod"].iter().any(|code| why.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_seconds() {
        for (text, limit) in [
            ("2", Some(2000)),
            ("0.25", Some(250)),
            ("3600", Some(3_600_000)),
            ("0", None),
            ("-1", None),
            ("3601", None),
            ("nan", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text).ok(), limit.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn refusals() {
        for (why, refused) in [
            ("Connection refused, return code: `BadUserNamePassword`", true),
            ("Connection refused, return code: `NotAuthorized`", true),
            ("Connection refused, return code: `ServerBusy`", false),
            ("I/O: Connection refused (os error 111)", false),
        ] {
            assert_eq!(is_refusal(why), refused, "{why}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let payload = serde_json::json!({"port": null, "hosts": [], "wait_seconds": 2.0});
        assert_eq!(without_nulls(payload), serde_json::json!({"hosts": [], "wait_seconds": 2.0}));
    }
}
