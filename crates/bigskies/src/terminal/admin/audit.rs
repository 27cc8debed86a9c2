//! `bigskies admin audit`: who did what.

mod export;

use catalog::security::{AuditOutcome, AuditRow, AuditRows, QueryAudit, VerifyAudit};
use clap::{Args, Subcommand, ValueEnum};
use vocabulary::{Fault, Timestamp, ids::UserId};

use crate::terminal::{
    admin::{audit::export::ExportArgs, named},
    client::Client,
    output::{Ending, Form, Output, Paint, harmless, remark},
    table::{Shown, table},
};

/// What to do with the trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Show who did what, newest first.
    Query(QueryArgs),
    /// Write the trail as JSON lines, oldest first, with the hashes that show that it is whole.
    Export(ExportArgs),
    /// Look whether the trail is whole. Ends with exit code 1 where it is not.
    #[command(after_help = "Example:\n  bigskies admin audit verify")]
    Verify {
        /// The first row to look at.
        #[arg(long, value_name = "SEQUENCE")]
        from: Option<i64>,
        /// The last row to look at.
        #[arg(long, value_name = "SEQUENCE")]
        to: Option<i64>,
    },
}

/// Which rows; all conditions given must hold.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// Only of this account, as it was called then.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only of this user, whatever the account was called; by name or id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only this: a message such as telescope/control/slew, or another word for what was tried.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only on this.
    #[arg(long, value_name = "OBJECT")]
    object: Option<String>,
    /// Only what ended so.
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Only at this instant (RFC 3339) or later.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only before this instant (RFC 3339).
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

impl WhichArgs {
    async fn user_id(&self, client: &Client) -> Result<Option<UserId>, Fault> {
        named::user_id(client, self.user.as_deref()).await
    }
}

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin audit query --action telescope/control/slew --outcome refused")]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Only about the message of this id.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Go on behind the page before, as its end says.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// Who asked may not.
    Refused,
    /// It was allowed and did not work.
    Failed,
}

impl From<Outcome> for AuditOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Refused => Self::Refused,
            Outcome::Failed => Self::Failed,
        }
    }
}

/// Does it.
pub(crate) async fn run(audit: Audit, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match audit {
        Audit::Query(arguments) => query(arguments, client, out).await,
        Audit::Export(arguments) => export::run(arguments, client, out).await,
        Audit::Verify { from, to } => verify(VerifyAudit { from_sequence: from, to_sequence: to }, client, out).await,
    }
}

async fn query(arguments: QueryArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let QueryArgs { which, message, count, cursor } = arguments;
    let user_id = which.user_id(client).await?;
    let WhichArgs { account, user: _, action, object, outcome, from, to } = which;
    let query = QueryAudit {
        account,
        user_id,
        action,
        object,
        outcome: outcome.map(AuditOutcome::from),
        about_message_id: message,
        from,
        to,
        limit: Some(count),
        cursor,
    };
    let page = client.ask(&query).await?;
    out.show(&page, |paint| rows(paint, &page))?;
    if let (Some(next), false) = (&page.next, out.form() == Form::Json) {
        remark(&format!("there are more: --cursor {}", harmless(next)));
    }
    Ok(())
}

fn rows(paint: Paint, page: &AuditRows) -> String {
    if page.rows.is_empty() {
        return "nothing of that kind was done".to_owned();
    }
    let rows = page.rows.iter().map(|row| {
        vec![
            row.sequence.to_string().into(),
            row.at.to_string().into(),
            harmless(&row.account).into(),
            harmless(&row.action).into(),
            harmless(&row.object).into(),
            outcome(row),
            harmless(&row.peer).into(),
        ]
    });
    table(paint, &["row", "when", "who", "what", "on", "outcome", "from"], rows)
}

fn outcome(row: &AuditRow) -> Shown {
    let code = harmless(&row.code);
    let with = |word: &str| if code.is_empty() { word.to_owned() } else { format!("{word}: {code}") };
    match row.outcome {
        AuditOutcome::Done => Shown::good("done"),
        AuditOutcome::Refused => Shown::bad(with("refused")),
        AuditOutcome::Failed => Shown::doubtful(with("failed")),
    }
}

async fn verify(verify: VerifyAudit, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let verdict = client.ask(&verify).await?;
    out.show(&verdict, |paint| {
        let word = if verdict.intact { Shown::good("whole") } else { Shown::bad("broken") };
        format!(
            "the trail is {}: {} rows are as they were written; row {} has the hash {}",
            word.painted(paint),
            verdict.rows,
            verdict.last_sequence,
            harmless(&verdict.last_hash)
        )
    })?;
    match verdict.first_broken {
        Some(broken) => Err(Fault::internal(format!("audit row {}: {}", broken.sequence, broken.flaw))
            .hint("somebody changed the trail past the program: compare it with an export or a backup")
            .into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        assert_eq!(
            rows(Paint::Plain, &AuditRows::example()),
            "ROW  WHEN                  WHO  WHAT                    ON                                    \
             OUTCOME             FROM\n\
             42   2026-11-21T20:15:00Z  ann  telescope/control/slew  0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a11  \
             refused: forbidden  192.0.2.7"
        );
        let nothing = AuditRows { rows: vec![], next: None };
        assert_eq!(rows(Paint::Plain, &nothing), "nothing of that kind was done");
    }

    #[test]
    fn outcomes_are_called_as_on_the_wire() {
        for outcome in Outcome::value_variants() {
            let word = outcome.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(serde_json::to_value(AuditOutcome::from(*outcome)).unwrap(), word);
        }
    }
}
