//! Where this process speaks TLS, and with which certificate: that for the name that a client asks for, swapped live.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;
use engine_broker::Broker;
use engine_tls::{ClientCertificates, ServerUse, Shown, Versions};
use rustls::ServerConfig;
use vocabulary::Fault;

use crate::house::{broker, security::Security};

/// Where TLS is spoken.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsOptions {
    /// Where MQTT over TLS is served; nowhere where nothing is said.
    #[arg(long, value_name = "ADDR", env = "BIGSKIES_MQTTS", hide_env_values = true)]
    pub(crate) mqtts: Option<SocketAddr>,
    /// Where MQTT over WebSocket over TLS is served; nowhere where nothing is said.
    #[arg(long, value_name = "ADDR", env = "BIGSKIES_MQTT_WSS", hide_env_values = true)]
    pub(crate) mqtt_wss: Option<SocketAddr>,
    /// Where HTTPS is served; nowhere where nothing is said.
    #[arg(long, value_name = "ADDR", env = "BIGSKIES_HTTPS", hide_env_values = true)]
    pub(crate) https: Option<SocketAddr>,
    /// Where gRPC over TLS is served; nowhere where nothing is said.
    #[arg(long, value_name = "ADDR", env = "BIGSKIES_GRPCS", hide_env_values = true)]
    pub(crate) grpcs: Option<SocketAddr>,
    /// The name whose certificate is shown to who asks for none. Where there is none, a self-signed one is made for it.
    #[arg(long, value_name = "NAME", default_value = "localhost", env = "BIGSKIES_TLS_NAME", hide_env_values = true)]
    pub(crate) tls_name: String,
}

impl TlsOptions {
    /// The name for which there must be a certificate, if TLS is spoken at all.
    pub(crate) fn name(&self) -> Option<String> {
        let any = self.mqtts.or(self.mqtt_wss).or(self.https).or(self.grpcs);
        any.map(|_| self.tls_name.clone())
    }

    /// Lets our broker speak TLS where it shall; clients may show certificates of our own authority.
    pub(crate) async fn secure_broker(&self, broker: &Broker, security: &Security) -> Result<(), Fault> {
        if self.mqtts.is_none() && self.mqtt_wss.is_none() {
            return Ok(());
        }
        let config = self.config(security, ClientCertificates::Optional, Vec::new())?;
        let (mqtts, wss): (Vec<SocketAddr>, Vec<SocketAddr>) =
            (self.mqtts.into_iter().collect(), self.mqtt_wss.into_iter().collect());
        broker.speak_tls(&mqtts, &wss, config).await.map_err(broker::fault)
    }

    /// Where HTTPS is served, and how.
    pub(crate) fn https(&self, security: &Security) -> Result<Option<(SocketAddr, Arc<ServerConfig>)>, Fault> {
        let Some(address) = self.https else { return Ok(None) };
        let config = self.config(security, ClientCertificates::None, vec![b"http/1.1".to_vec()])?;
        Ok(Some((address, config)))
    }

    /// Where gRPC is served over TLS, and how.
    pub(crate) fn grpcs(&self, security: &Security) -> Result<Option<(SocketAddr, Arc<ServerConfig>)>, Fault> {
        let Some(address) = self.grpcs else { return Ok(None) };
        let config = self.config(security, ClientCertificates::None, vec![b"h2".to_vec()])?;
        Ok(Some((address, config)))
    }

    fn config(
        &self,
        security: &Security,
        client_certificates: ClientCertificates,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Arc<ServerConfig>, Fault> {
        let shown = Shown::ByName { default: Some(self.tls_name.clone()) };
        let wanted = ServerUse { shown, client_certificates, versions: Versions::Tls12AndLater, alpn };
        let keyring = &security.sealed("TLS")?.keyring;
        keyring.server_config(&wanted).map_err(|e| Fault::internal(e.to_string()))
    }
}
