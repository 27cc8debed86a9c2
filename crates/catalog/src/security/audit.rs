//! The audit trail: who did what, on what, from where, with what outcome.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vocabulary::{Timestamp, ids::UserId};

use super::example_user;
use crate::{
    frame::example_time,
    kinds::{Command, Effect, Event, Lane, Needs, Privacy, Shape, UserField},
};

/// Who may read the trail, and what is heard of attacks.
pub(super) const READ: Needs = Needs::right("audit", "read");

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// Who asked may not.
    Refused,
    /// It was allowed and did not work.
    Failed,
}

/// A row of the trail. What is not known is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its place, without gaps.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who: the account as it was called then.
    pub account: String,
    /// Which user that was.
    pub user_id: Option<UserId>,
    /// What: the message, or another word for what was tried.
    pub action: String,
    /// On what.
    pub object: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The error code, or a more precise reason.
    pub code: String,
    /// From where: an address.
    pub peer: String,
    /// What the envelope said of its sender; not proven.
    pub source: String,
    /// The message's id.
    pub message_id: String,
    /// What else is worth knowing. Never a secret.
    pub details: Map<String, Value>,
    /// The hash (SHA-256, in hexadecimal) of the row before.
    pub previous_hash: String,
    /// The hash of this one, over its content and the hash before.
    pub hash: String,
}

impl Shape for AuditRow {
    fn example() -> Self {
        Self {
            sequence: 42,
            at: example_time(),
            account: "ann".to_owned(),
            user_id: Some(example_user()),
            action: "telescope/control/slew".to_owned(),
            object: "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a11".to_owned(),
            outcome: AuditOutcome::Refused,
            code: "forbidden".to_owned(),
            peer: "192.0.2.7".to_owned(),
            source: "user:ann".to_owned(),
            message_id: "req-456".to_owned(),
            details: Map::from_iter([("needs".to_owned(), json!("telescope:control"))]),
            previous_hash: "0".repeat(64),
            hash: "1".repeat(64),
        }
    }
}

/// Asks who did what; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryAudit {
    /// Only of this account.
    pub account: Option<String>,
    /// Only of this user, whatever it was called.
    pub user_id: Option<UserId>,
    /// Only this: a message, or another word for what was tried.
    pub action: Option<String>,
    /// Only on this.
    pub object: Option<String>,
    /// Only what ended so.
    pub outcome: Option<AuditOutcome>,
    /// Only this message.
    pub about_message_id: Option<String>,
    /// Only at this instant or later.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for QueryAudit {
    fn example() -> Self {
        Self { account: Some("ann".to_owned()), outcome: Some(AuditOutcome::Refused), ..Self::default() }
    }
}

impl Command for QueryAudit {
    const NAME: &'static str = "security/audit/query";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const USER: UserField = UserField::Object;
    type Reply = AuditRows;
}

/// A page of the trail.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AuditRows {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for AuditRows {
    fn example() -> Self {
        Self { rows: vec![AuditRow::example()], next: None }
    }
}

/// Asks for the trail as lines for other programs, oldest first; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportAudit {
    /// Only of this account.
    pub account: Option<String>,
    /// Only of this user, whatever it was called.
    pub user_id: Option<UserId>,
    /// Only this: a message, or another word for what was tried.
    pub action: Option<String>,
    /// Only on this.
    pub object: Option<String>,
    /// Only what ended so.
    pub outcome: Option<AuditOutcome>,
    /// Only at this instant or later.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub to: Option<Timestamp>,
    /// At most so many; fewer come where they are long.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ExportAudit {
    fn example() -> Self {
        Self { from: Some(example_time()), limit: Some(1000), ..Self::default() }
    }
}

impl Command for ExportAudit {
    const NAME: &'static str = "security/audit/export";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const LANE: Lane = Lane::Slow;
    const REPLY: Privacy = Privacy::Private;
    const USER: UserField = UserField::Object;
    type Reply = AuditLines;
}

/// A page of the trail as text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AuditLines {
    /// One JSON object a line, with the fields of a row, hashes included.
    pub lines: String,
    /// How many there are.
    pub rows: u32,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for AuditLines {
    fn example() -> Self {
        let row = serde_json::to_value(AuditRow::example()).unwrap_or_default();
        Self { lines: format!("{row}\n"), rows: 1, next: None }
    }
}

/// Looks whether the trail is whole: whether each row follows the one before it, and says what it said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyAudit {
    /// The first row to look at; the first that is kept where nothing is said.
    #[serde(alias = "from")]
    pub from_sequence: Option<i64>,
    /// The last row to look at; the last of all where nothing is said.
    #[serde(alias = "to")]
    pub to_sequence: Option<i64>,
}

impl Shape for VerifyAudit {
    fn example() -> Self {
        Self { from_sequence: Some(1), to_sequence: None }
    }
}

impl Command for VerifyAudit {
    const NAME: &'static str = "security/audit/verify";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    const LANE: Lane = Lane::Slow;
    const LIMIT: Duration = Duration::from_secs(300);
    type Reply = AuditVerdict;
}

/// Whether the trail is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerdict {
    /// How many rows were found whole.
    pub rows: u64,
    /// Whether all of them are.
    pub intact: bool,
    /// Where it breaks first; null if it does not.
    pub first_broken: Option<AuditBreak>,
    /// The last row of all.
    pub last_sequence: i64,
    /// Its hash, to be noted elsewhere: it proves later that nothing before it was changed.
    pub last_hash: String,
}

impl Shape for AuditVerdict {
    fn example() -> Self {
        Self { rows: 42, intact: true, first_broken: None, last_sequence: 42, last_hash: "1".repeat(64) }
    }
}

/// Where the trail breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditBreak {
    /// The row.
    pub sequence: i64,
    /// What is wrong with it.
    pub flaw: String,
}

/// The trail was found broken: somebody changed it past the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditBroken {
    /// Where it breaks first.
    pub first_broken: AuditBreak,
    /// When that was found.
    pub observed_at: Timestamp,
}

impl Shape for AuditBroken {
    fn example() -> Self {
        let first_broken = AuditBreak { sequence: 17, flaw: "row was changed".to_owned() };
        Self { first_broken, observed_at: example_time() }
    }
}

impl Event for AuditBroken {
    const NAME: &'static str = "security/audit-broken";
    const NEEDS: Needs = READ;
}
