//! The proof that a stack does what it is for: a sample is pushed, scraped, and comes back as the answer to a question.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{
    configuration::Kind,
    failure::{Failure, NO_SPACE, Reason},
    output::harmless,
    prometheus::{self, Series},
    runtime::{LogWish, Runtime},
    stack::{Part, Stack},
};

/// The metric of the sample.
const METRIC: &str = "observatory_probe";
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// How many lines of each service are searched for what was wrong.
const LAST_LINES: usize = 100;
/// For one request.
const REQUEST: Duration = Duration::from_secs(5);

/// How long it took until each was ready, and until the sample came back.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// Seconds until every service answered that it is ready.
    pub ready_seconds: f64,
    /// Seconds from the push until the sample came back; absent where nothing takes pushes.
    pub data_path_seconds: Option<f64>,
}

/// A client for services of a stack.
///
/// # Errors
/// Where it can't be made.
pub fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .timeout(REQUEST)
        .no_proxy()
        .build()
        .map_err(|error| Failure::new(Reason::Defect, format!("HTTP client can't be made: {error}")))
}

/// Waits until every service is ready and a sample came all the way, at most until `limit` is over.
///
/// # Errors
/// Which service is not ready and what it says, or where the sample was lost.
pub async fn prove(runtime: &dyn Runtime, stack: &Stack, limit: Duration) -> Result<Proof, Failure> {
    let http = client()?;
    let began = Instant::now();
    for part in &stack.parts {
        wait_until_ready(runtime, &http, stack, part, began, limit).await?;
    }
    let ready_seconds = began.elapsed().as_secs_f64();
    let data_path_seconds = match (stack.part(Kind::Pushgateway), stack.part(Kind::Prometheus)) {
        (Some(gateway), Some(prometheus)) => {
            let (gateway, prometheus) = (stack.url(gateway), stack.url(prometheus));
            match follow_a_sample(&http, &gateway, &prometheus, stack, began, limit).await {
                Ok(seconds) => Some(seconds),
                Err(lost) => return Err(with_last_words(runtime, stack, lost).await),
            }
        }
        _ => None,
    };
    Ok(Proof { ready_seconds, data_path_seconds })
}

/// Waits until these services are ready, at most until `limit` is over.
///
/// # Errors
/// Which one is not ready and what it says.
pub async fn until_ready(runtime: &dyn Runtime, stack: &Stack, kinds: &[Kind], limit: Duration) -> Result<(), Failure> {
    let (http, began) = (client()?, Instant::now());
    for part in stack.parts.iter().filter(|part| kinds.contains(&part.kind)) {
        wait_until_ready(runtime, &http, stack, part, began, limit).await?;
    }
    Ok(())
}

/// Whether a service says that it is ready, at once.
pub async fn is_ready(http: &reqwest::Client, stack: &Stack, part: &Part) -> bool {
    let answer = http.get(format!("{}{}", stack.url(part), part.ready)).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

async fn wait_until_ready(
    runtime: &dyn Runtime,
    http: &reqwest::Client,
    stack: &Stack,
    part: &Part,
    began: Instant,
    limit: Duration,
) -> Result<(), Failure> {
    while !is_ready(http, stack, part).await {
        if let Some(trouble) = runtime.trouble(stack, part.kind).await? {
            let is_full = trouble.contains(NO_SPACE);
            let reason = if is_full { Reason::NoSpace } else { Reason::ServiceFailed };
            return Err(Failure::new(reason, format!("{} does not run: {trouble}", part.kind))
                .hint(format!("`observatory logs {}` shows what it wrote", part.kind)));
        }
        if began.elapsed() > limit {
            let message = format!("{} is not ready after {} s", part.kind, limit.as_secs());
            return Err(Failure::new(Reason::NotProven, message).hint(format!(
                "`observatory logs {}` shows what it wrote; --wait-seconds gives it longer",
                part.kind
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Why a sample was lost, as far as those know who had it: one of them ended meanwhile, or says that its disk is full and goes on without.
async fn with_last_words(runtime: &dyn Runtime, stack: &Stack, lost: Failure) -> Failure {
    let carriers = [Kind::Prometheus, Kind::Pushgateway];
    let wish = LogWish { services: carriers.to_vec(), since: None, tail: LAST_LINES };
    let lines = runtime.logs(stack, &wish).await.unwrap_or_default();
    if let Some(line) = lines.iter().rev().find(|line| line.text.contains(NO_SPACE)) {
        let message = format!("{}: {} says {}", lost.message, line.service, harmless(&line.text));
        return Failure::new(Reason::NoSpace, message)
            .hint("free some space where its data lies, or set `retention.size`");
    }
    for kind in carriers {
        if let Ok(Some(trouble)) = runtime.trouble(stack, kind).await {
            return Failure::new(Reason::ServiceFailed, format!("{}: {kind} ended meanwhile: {trouble}", lost.message))
                .hint(lost.hint);
        }
    }
    lost
}

async fn follow_a_sample(
    http: &reqwest::Client,
    gateway: &str,
    prometheus: &str,
    stack: &Stack,
    began: Instant,
    limit: Duration,
) -> Result<f64, Failure> {
    let pushed = Instant::now();
    // A figure that nobody pushed before, exact as a double.
    let value = u64::from(rand::random::<u32>());
    let lost = |what: String| {
        Failure::new(Reason::NotProven, what)
            .hint("`observatory status` shows which service is ill, `observatory logs` what they wrote")
    };
    let address = format!("{gateway}/metrics/job/observatory/instance/{}", stack.project);
    let answer = http.put(&address).body(format!("# TYPE {METRIC} gauge\n{METRIC} {value}\n")).send().await;
    answer
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| lost(format!("the Pushgateway at {gateway} did not take a sample: {error}")))?;
    let question = format!("{METRIC}{{job=\"observatory\",instance=\"{}\"}}", stack.project);
    loop {
        if prometheus::query(http, prometheus, &question).await.is_ok_and(|series| has_value(&series, value)) {
            return Ok(pushed.elapsed().as_secs_f64());
        }
        if began.elapsed() > limit {
            return Err(lost(format!(
                "a sample pushed to {gateway} did not come back from {prometheus} in {} s",
                limit.as_secs()
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a value of 32 bits is exact as a double")]
fn has_value(series: &[Series], value: u64) -> bool {
    series.iter().any(|series| series.value.1.parse::<f64>().is_ok_and(|found| found == value as f64))
}
