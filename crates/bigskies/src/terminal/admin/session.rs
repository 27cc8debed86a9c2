//! `bigskies admin session`: who is logged in where, and the end of it.

use catalog::security::{EndSession, EndSessions, OpenSession};
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::ids::SessionId;

use crate::terminal::{
    admin::named,
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::table,
};

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Show the sessions that can go on.
    #[command(after_help = "Example:\n  bigskies admin session list --user ann")]
    List(OfArgs),
    /// End one session, or all of an account, or everybody's. Their tokens are good for nothing from then on.
    End(EndArgs),
}

/// Whose sessions.
#[derive(Debug, Args)]
pub(crate) struct OfArgs {
    /// Whose, by name or id; one's own where nothing is said.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// Which sessions are to end.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin session end --all --user ann")]
pub(crate) struct EndArgs {
    /// The session, by its id.
    #[arg(value_name = "SESSION", required_unless_present_any = ["all", "everybody"])]
    id: Option<SessionId>,
    /// All of the account.
    #[arg(long, conflicts_with_all = ["id", "everybody"])]
    all: bool,
    /// All of everybody: for administrators, where something leaked.
    #[arg(long, conflicts_with_all = ["id", "user"])]
    everybody: bool,
    #[command(flatten)]
    of: OfArgs,
}

/// Does it.
pub(crate) async fn run(session: Session, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match session {
        Session::List(OfArgs { user }) => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let sessions = named::sessions(client, user_id).await?;
            out.show(&json!({ "sessions": sessions }), |paint| rows(paint, &sessions))
        }
        Session::End(arguments) => end(arguments, client, out).await,
    }
}

async fn end(arguments: EndArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let EndArgs { id, everybody, of: OfArgs { user }, .. } = arguments;
    let user_id = named::user_id(client, user.as_deref()).await?;
    if let Some(id) = id {
        let reply = client.ask(&EndSession { id: id.clone(), user_id }).await?;
        return out.show(&reply, |_| format!("session {id} has ended"));
    }
    let reply = client.ask(&EndSessions { user_id, everybody }).await?;
    out.show(&reply, |_| match reply.ended {
        1 => "1 session has ended".to_owned(),
        several => format!("{several} sessions have ended"),
    })
}

fn rows(paint: Paint, sessions: &[OpenSession]) -> String {
    if sessions.is_empty() {
        return "there is no session".to_owned();
    }
    let rows = sessions.iter().map(|session| {
        vec![
            session.username.to_string().into(),
            harmless(&session.client).into(),
            session.began_at.to_string().into(),
            session.refreshed_at.to_string().into(),
            session.ends_at.to_string().into(),
            session.id.to_string().into(),
        ]
    });
    table(paint, &["account", "client", "began", "last heard of", "ends", "id"], rows)
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn tables() {
        let shown = rows(Paint::Plain, &[OpenSession::example()]);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("ACCOUNT  CLIENT   BEGAN"), "{shown}");
        assert!(lines[1].starts_with("ann      console  2026-11-21T20:15:00Z") && lines.len() == 2, "{shown}");
        assert_eq!(rows(Paint::Plain, &[]), "there is no session");
    }
}
