//! Who may call, TLS, health and metrics.

use std::{sync::Arc, time::Duration};

use orbital_client::{
    OrbitalClient, OrbitalClientOptions,
    proto::{HealthCheckRequest, ListRequest, RegisterSatellitesRequest, RemoveRequest},
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use service_orbital::{Guard, Limits, Orbital, OrbitalError, OrbitalOptions, READ, WRITE_SATELLITES};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest as Check, health_check_response::ServingStatus, health_client::HealthClient,
};
use vocabulary::Fault;

use crate::stand::{Stand, url};

fn guard() -> Guard {
    Guard::new(|token, permission| match token {
        None => Err(Fault::unauthenticated("call brings no token").hint("log in")),
        Some("reader") if permission == READ => Ok(()),
        Some("writer") if permission == READ || permission == WRITE_SATELLITES => Ok(()),
        Some(who) => Err(Fault::forbidden(format!("{who} lacks {permission}"))),
    })
}

#[tokio::test]
async fn each_method_asks_for_its_right() {
    let stand = Stand::with(Limits::default(), guard()).await;
    for (token, list, remove, stations) in [
        (None, Code::Unauthenticated, Code::Unauthenticated, Code::Unauthenticated),
        (Some("reader"), Code::Ok, Code::PermissionDenied, Code::PermissionDenied),
        (Some("writer"), Code::Ok, Code::Ok, Code::PermissionDenied),
        (Some("nobody"), Code::PermissionDenied, Code::PermissionDenied, Code::PermissionDenied),
    ] {
        stand.client.bring(token).unwrap();
        let mut grpc = stand.client.grpc();
        let code = |status: Option<tonic::Status>| status.map_or(Code::Ok, |status| status.code());
        assert_eq!(code(grpc.list_satellites(ListRequest::default()).await.err()), list, "{token:?}");
        assert_eq!(code(grpc.remove_satellites(RemoveRequest::default()).await.err()), remove, "{token:?}");
        assert_eq!(code(grpc.remove_ground_stations(RemoveRequest::default()).await.err()), stations, "{token:?}");
        assert_eq!(code(grpc.health_check(HealthCheckRequest {}).await.err()), Code::Ok, "{token:?}");
    }
    // Refused before the request is even looked at.
    stand.client.bring(None).unwrap();
    let fault = stand.client.register_satellites(RegisterSatellitesRequest::default()).await.unwrap_err();
    assert_eq!(
        (fault.code, fault.message.as_str()),
        (vocabulary::Code::Unauthenticated, "call brings no token; log in")
    );
}

#[tokio::test]
async fn health_is_told_as_specified() {
    let stand = Stand::start().await;
    let channel = tonic::transport::Endpoint::from_shared(url(&stand.service)).unwrap().connect_lazy();
    let mut health = HealthClient::new(channel);
    for service in ["", "orbital.OrbitalService"] {
        let answer = health.check(Check { service: service.to_owned() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let status = health.check(Check { service: "nobody".to_owned() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    let mut watch = health.watch(Check { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopping = tokio::spawn(stand.service.stop());
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(watch);
    stopping.await.unwrap();
}

#[tokio::test]
async fn metrics_have_the_time_of_each_call() {
    let stand = Stand::start().await;
    stand.client.list_satellites(ListRequest::default()).await.unwrap();
    stand.client.grpc().list_satellites(ListRequest { limit: 5000, ..ListRequest::default() }).await.unwrap_err();
    let lines = [("ListSatellites", "OK"), ("ListSatellites", "RESOURCE_EXHAUSTED")].map(|(method, code)| {
        format!("bigskies_orbital_call_seconds_bucket{{method=\"{method}\",code=\"{code}\",le=\"+Inf\"}}")
    });
    // A call is counted when its answer has been sent, which its caller may see earlier.
    let counted = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let page = stand.page("/metrics").await;
            if lines.iter().all(|line| page.contains(line)) {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/plain; version=0.0.4"), "{page}");
    for line in ["# TYPE bigskies_orbital_call_seconds histogram", "bigskies_orbital_known{kind=\"catalogue\"} "] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn over_tls() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = |alpn: &[&str]| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![issued.cert.der().clone()];
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key.clone_key()).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    };
    let any = ([127, 0, 0, 1], 0).into();
    let mut options = OrbitalOptions::at(any, Guard::open());
    options.address = None;
    options.tls = Some((any, config(&["h2", "http/1.1"])));
    assert!(matches!(Orbital::start(options.clone()).await.unwrap_err(), OrbitalError::Protocol));
    options.tls = Some((any, config(&["h2"])));
    let service = Orbital::start(options).await.unwrap();
    assert_eq!(service.address(), None);
    let mut reached = OrbitalClientOptions::new(format!("https://localhost:{}", service.tls_address().unwrap().port()));
    assert!(OrbitalClient::new(&reached).is_err());
    reached.authorities_pem = Some(issued.cert.pem().into_bytes());
    let client = OrbitalClient::new(&reached).unwrap();
    assert!(client.health_check(HealthCheckRequest {}).await.unwrap().healthy);
}

#[tokio::test]
async fn a_taken_address_is_said() {
    let stand = Stand::start().await;
    let taken = stand.service.address().unwrap();
    let error = Orbital::start(OrbitalOptions::at(taken, Guard::open())).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
}
