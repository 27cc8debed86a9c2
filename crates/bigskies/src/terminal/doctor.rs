//! `bigskies doctor`: looks at each part, one after the other, and says what is wrong and what to do about it.

mod checks;
mod finding;

use std::time::Duration;

use catalog::Owner;
use clap::Args;
use serde_json::json;
use vocabulary::Fault;

use crate::terminal::{
    client::{Client, ClientOptions},
    doctor::finding::{Finding, Verdict},
    output::{Ending, Form, Output},
};

/// How long each question may take where nothing is said.
const LIMIT: Duration = Duration::from_secs(5);

/// Nothing needs to be said.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

/// Looks at everything.
///
/// # Errors
/// `internal`, whose exit code is 1, where something is wrong.
pub(crate) async fn run(options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let options = ClientOptions { limit: Some(options.limit.unwrap_or(LIMIT)), ..options.clone() };
    let mut chart = Chart { out, findings: Vec::new() };
    chart.add(checks::folder(&options.data_folder()))?;
    if let Some(client) = admission(&options, &mut chart).await? {
        let looked = parts(&client, &mut chart).await;
        client.close().await;
        looked?;
    }
    chart.close()
}

/// The way to the bus: a broker that listens, and that lets us in.
async fn admission(options: &ClientOptions, chart: &mut Chart<'_>) -> Result<Option<Client>, Ending> {
    let address = options.address()?;
    let identity = options.identity();
    chart.add(checks::login(&address, &identity))?;
    let Ok(identity) = identity else { return Ok(None) };
    let reached = checks::broker(&address, options.limit.unwrap_or(LIMIT)).await;
    let is_reached = reached.verdict != Verdict::Wrong;
    chart.add(reached)?;
    if !is_reached {
        return Ok(None);
    }
    let started = tokio::time::Instant::now();
    let name = "the broker lets us in";
    match Client::connect_as(options, identity).await {
        Ok(client) => {
            let account = client.bus().options().account.clone();
            chart.add(Finding::well(name, format!("replies come for {account}")).after(started.elapsed()))?;
            Ok(Some(client))
        }
        Err(fault) => {
            chart.add(Finding::of_fault(name, fault))?;
            Ok(None)
        }
    }
}

/// What is behind the bus.
async fn parts(client: &Client, chart: &mut Chart<'_>) -> Result<(), Ending> {
    let mut reports = Vec::new();
    for owner in Owner::ALL {
        let (finding, report) = checks::coordinator(client, owner).await;
        chart.add(finding)?;
        reports.extend(report);
    }
    chart.add(checks::clocks(&reports))?;
    chart.add(checks::database(client).await)?;
    chart.add(checks::connections(client).await)?;
    chart.add(checks::dead_letters(client).await)?;
    chart.add(checks::devices(client).await)?;
    Ok(())
}

/// What was found, shown as it is found.
struct Chart<'a> {
    out: &'a mut Output,
    findings: Vec<Finding>,
}

impl Chart<'_> {
    fn add(&mut self, finding: Finding) -> Result<(), Ending> {
        if self.out.form() == Form::Person {
            let line = finding.words(self.out.paint());
            self.out.text(&line)?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn close(self) -> Result<(), Ending> {
        let wrong = self.findings.iter().filter(|finding| finding.verdict == Verdict::Wrong).count();
        if self.out.form() == Form::Json {
            self.out.text(&json!({ "checks": self.findings, "wrong": wrong }).to_string())?;
        }
        if wrong == 0 {
            return Ok(());
        }
        let all = self.findings.len();
        Err(Fault::internal(format!("{wrong} of {all} checks failed")).hint("begin with the first that failed").into())
    }
}
