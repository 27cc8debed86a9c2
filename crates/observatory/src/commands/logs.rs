//! `logs`: what several services wrote, in one stream by time.

use std::time::Duration;

use vocabulary::{Clock, Timestamp};

use super::Desk;
use crate::{
    cli::Logs,
    configuration::Span,
    failure::{Failure, Reason},
    output::{Ending, Form, Output, harmless},
    runtime::{LogLine, LogWish},
};

/// Between two looks for more.
const LOOK: Duration = Duration::from_millis(250);

pub(super) async fn run(logs: &Logs, desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let all = desk.stack.parts.iter().map(|part| part.kind);
    let services = if logs.services.is_empty() { all.collect() } else { logs.services.clone() };
    let since = logs.since.as_deref().map(|text| instant(text, Clock::system().now())).transpose()?;
    let mut wish = LogWish { services, since, tail: logs.tail };
    loop {
        let lines = desk.runtime.logs(&desk.stack, &wish).await?;
        for line in &lines {
            show(line, out)?;
        }
        if !logs.follow {
            return Ok(0);
        }
        wish.since = lines.last().map(|line| line.at).or(wish.since);
        wish.tail = usize::MAX;
        tokio::time::sleep(LOOK).await;
    }
}

fn show(line: &LogLine, out: &mut Output) -> Result<(), Ending> {
    match out.form() {
        Form::Json => out.show(line, String::new),
        Form::Person => {
            let at: String = line.at.into();
            out.text(&format!("{at} {:<13} {}\n", line.service.as_str(), harmless(&line.text)))
        }
    }
}

/// A time, or how long ago.
fn instant(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(now.minus(Duration::from_secs_f64(span.seconds())));
    }
    text.parse().map_err(|_neither| {
        Failure::new(Reason::Usage, format!("`--since {text}` is neither a time nor a length of time"))
            .hint("write 2026-11-21T20:15:00Z, or 15m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_of_time() {
        let now: Timestamp = "2026-11-21T20:15:00Z".parse().unwrap();
        for (text, expected) in [
            ("15m", Some("2026-11-21T20:00:00Z")),
            ("2026-11-21T19:00:00+01:00", Some("2026-11-21T18:00:00Z")),
            ("yesterday", None),
        ] {
            assert_eq!(instant(text, now).ok(), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
