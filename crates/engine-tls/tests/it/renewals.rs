//! Renewal by itself, by one process at a time, and what becomes of failures.

use std::time::Duration;

use engine::Engine as _;
use engine_tls::{AcmeChallenge, State, TlsError, TlsSettings};
use health::Status;
use vocabulary::{Code, Fault};

use crate::stand::{Site, days, settings, until};

#[tokio::test]
async fn what_is_due_is_renewed_by_itself() {
    let site = Site::fresh().await;
    let engine = site.engine(TlsSettings { renewal_interval: 1, ..settings() }).await;
    engine.issue_node(&"one".parse().unwrap(), &"telescope".parse().unwrap(), &[]).await.unwrap();
    engine.issue_server("sky.example.org", &["*.sky.example.org".to_owned()]).await.unwrap();
    engine.issue_self_signed("dev.example.org", &[]).await.unwrap();
    let serial = async |domain: &str| engine.get(domain).await.unwrap().serial;
    // Seven days, ninety days, a year: renewed after two thirds, two thirds, and thirty days before the end.
    for (domain, before, then) in [
        ("node:one", days(4), days(1)),
        ("sky.example.org", days(54), days(2)),
        ("dev.example.org", days(273), days(2)),
    ] {
        site.clock.advance(before);
        // Those that came before are due as well by now.
        engine.renew_due().await.unwrap();
        let former = serial(domain).await;
        assert_eq!(engine.get(domain).await.unwrap().state, State::Valid, "{domain}");
        site.clock.advance(then);
        until(domain, async || serial(domain).await != former).await;
        let renewed = engine.get(domain).await.unwrap();
        assert_eq!((renewed.state, renewed.attempts, renewed.last_error), (State::Valid, 0, None), "{domain}");
    }
    assert_eq!(engine.get("sky.example.org").await.unwrap().names, ["sky.example.org", "*.sky.example.org"]);
}

#[tokio::test]
async fn one_process_renews() {
    let site = Site::fresh().await;
    let (one, two) = (site.engine(settings()).await, site.engine(settings()).await);
    one.issue_server("sky.example.org", &[]).await.unwrap();
    let mut sql = site.sql().await;
    let count = "CREATE TABLE renewals (serial text);
        CREATE FUNCTION count_renewals() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO renewals VALUES (NEW.serial); RETURN NULL; END $$;
        CREATE TRIGGER renewals AFTER UPDATE ON tls_certificates FOR EACH ROW EXECUTE FUNCTION count_renewals()";
    sqlx::raw_sql(count).execute(&mut sql).await.unwrap();
    site.clock.advance(days(61));
    // Beside those that the engines do by themselves.
    let (first, second) = tokio::join!(one.renew_due(), two.renew_due());
    assert!(first.unwrap().failed.is_empty() && second.unwrap().failed.is_empty());
    let renewed = sqlx::query_scalar::<_, String>("SELECT serial FROM renewals").fetch_all(&mut sql).await.unwrap();
    assert_eq!(renewed, [two.get("sky.example.org").await.unwrap().serial]);
}

#[tokio::test]
async fn an_authority_has_a_successor_in_time() {
    let site = Site::fresh().await;
    let engine = site.engine(TlsSettings { authority_days: 300, ..settings() }).await;
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    site.clock.advance(days(199));
    engine.renew_due().await.unwrap();
    assert_eq!(engine.authorities_pem().matches("BEGIN").count(), 1);
    site.clock.advance(days(3));
    engine.renew_due().await.unwrap();
    assert_eq!(engine.authorities_pem().matches("BEGIN").count(), 2);
    // The former one is forgotten when it has expired.
    site.clock.advance(days(100));
    engine.renew_due().await.unwrap();
    engine.issue_server("sky.example.org", &[]).await.unwrap();
    assert_eq!(engine.authorities_pem().matches("BEGIN").count(), 1);
}

#[tokio::test]
async fn a_directory_that_is_away() {
    let site = Site::fresh().await;
    let engine = site.engine(settings()).await;
    let code = |error: TlsError| Fault::from(error).code;
    let order = async |domain: &str| engine.order(domain, &[]).await.unwrap_err();
    assert_eq!(code(order("sky.example.org").await), Code::Invalid);
    // A port on which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let there = TlsSettings {
        acme_directory: format!("https://localhost:{port}/dir"),
        acme_challenge: AcmeChallenge::Http01,
        ..settings()
    };
    engine.reconfigure(there.clone()).unwrap();
    let error = order("sky.example.org").await;
    assert!(error.to_string().contains("terms of service"), "{error}");
    let agreed = TlsSettings { acme_terms_agreed: true, ..there };
    engine.reconfigure(agreed.clone()).unwrap();
    for (domain, part) in [("*.example.org", "wildcard"), ("127.0.0.1", "DNS names only"), ("a b", "neither")] {
        let error = order(domain).await;
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(code(order("sky.example.org").await), Code::Unavailable);
    let row = engine.get("sky.example.org").await.unwrap();
    assert_eq!((row.state, row.attempts), (State::Awaited, 1));
    assert!(row.last_error.as_deref().is_some_and(|error| error.contains("localhost")), "{row:?}");
    assert_eq!(row.retry_after, Some(site.clock.now().plus(Duration::from_secs(60))));
    let report = engine.health();
    assert_eq!(report.status, Status::Degraded);
    assert!(report.message.contains("sky.example.org is awaited: ACME directory"), "{}", report.message);

    // Not before its time, and then with a longer pause.
    assert_eq!(engine.renew_due().await.unwrap().failed, Vec::new());
    site.clock.advance(Duration::from_secs(61));
    assert_eq!(engine.renew_due().await.unwrap().failed.len(), 1);
    let row = engine.get("sky.example.org").await.unwrap();
    assert_eq!((row.attempts, row.retry_after), (2, Some(site.clock.now().plus(Duration::from_secs(120)))));

    // A root that is not there is said to be so.
    engine.reconfigure(TlsSettings { acme_root_file: "/nowhere/root.pem".to_owned(), ..agreed }).unwrap();
    let error = order("sky.example.org").await;
    assert!(matches!(error, TlsError::File { .. }), "{error}");
}
