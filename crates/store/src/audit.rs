//! The audit trail: who did what, on what, from where, with what outcome. Rows are only added, each with the hash of the one before.
//!
//! The chain shows every row that was changed, removed, inserted or moved by whoever can write to the tables but does not make the
//! whole chain anew. Against one who does, only a hash that was noted elsewhere helps: [`ends`] gives the last one, to log or to publish.

mod chain;
mod reading;

use serde_json::{Map, Value, json};
use vocabulary::{Timestamp, ids::UserId};

use crate::{Store, StoreError, Tx, tx::bounded};

pub use chain::{Break, Flaw, Verdict, verify};
pub use reading::{Filter, export, oldest_first, query};

/// How many characters a text of an entry keeps.
const TEXT_MAX: usize = 1024;
/// How many bytes the details of an entry may have as JSON.
const DETAILS_BYTES_MAX: usize = 16 * 1024;

/// How deep the details of an entry may be; what lies deeper is left out.
const DETAILS_DEPTH_MAX: usize = 32;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// Who asked may not.
    Refused,
    /// It was allowed and did not work.
    Failed,
}

impl Outcome {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .ok_or_else(|| StoreError::unreadable("audit", format!("{word} is no outcome")))
    }
}

/// What is to be recorded. Texts may be anything that a stranger sent: control characters are written out, and long ones are cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who, as far as it is known; empty for nobody known.
    pub account: String,
    /// Which user that was then.
    pub user_id: Option<UserId>,
    /// What: the message, or another word for what was tried.
    pub action: String,
    /// On what.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The error code, or a more precise reason; empty where it was done.
    pub code: String,
    /// From where: an address.
    pub peer: String,
    /// What the envelope said of its sender.
    pub source: String,
    /// The message's id.
    pub message_id: String,
    /// What else is worth knowing. Never a secret.
    pub details: Map<String, Value>,
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the trail, without gaps.
    pub sequence: i64,
    /// What was recorded.
    pub entry: Entry,
    /// The hash of the row before.
    pub previous_hash: [u8; 32],
    /// The hash of this one.
    pub hash: [u8; 32],
}

/// Both ends of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The last row; 0 before the first.
    pub sequence: i64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The last row that retention removed; 0 where it removed none.
    pub anchor_sequence: i64,
    /// Its hash.
    pub anchor_hash: [u8; 32],
}

/// Adds entries, in one transaction of their own. Says where they stand: the first and the last.
///
/// After an error it is not known whether they stand; the same again at worst makes them stand twice.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn append(store: &Store, entries: &[Entry]) -> Result<Option<(i64, i64)>, StoreError> {
    if entries.is_empty() {
        return Ok(None);
    }
    let mut tx = store.begin().await?;
    let places = append_in(&mut tx, entries).await?;
    tx.commit().await?;
    Ok(places)
}

/// The same in the transaction of what is recorded. Everybody else who records something waits until it ends, so it should end soon.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn append_in(tx: &mut Tx, entries: &[Entry]) -> Result<Option<(i64, i64)>, StoreError> {
    let entries: Vec<Entry> = entries.iter().map(Entry::cleaned).collect();
    let Some(count) = i64::try_from(entries.len()).ok().filter(|count| *count > 0) else { return Ok(None) };
    let bound = tx.bound();
    let details: Vec<Value> = entries.iter().map(|entry| Value::Object(entry.details.clone())).collect();
    // Details are hashed as the database writes them, since that is how they come back; numbers have several spellings.
    let statement = sqlx::query!(
        r#"SELECT sequence, hash,
               ARRAY(SELECT d::text FROM unnest($1::jsonb[]) WITH ORDINALITY AS given (d, n) ORDER BY n) AS "details!"
           FROM audit_ends FOR UPDATE"#,
        &details
    );
    let ends = bounded("audit append", bound.clone(), statement.fetch_one(tx.connection())).await?;
    let mut links = vec![bytes_of(ends.hash)?];
    for ((entry, details), (before, sequence)) in entries.iter().zip(&ends.details).zip((0..).zip(ends.sequence + 1..))
    {
        links.push(chain::digest(&links[before], sequence, entry, details));
    }
    let last = (ends.sequence + count, links[entries.len()]);
    insert(tx, &entries, &details, ends.sequence + 1, &links).await?;
    let statement = sqlx::query!("UPDATE audit_ends SET sequence = $1, hash = $2", last.0, &last.1[..]);
    bounded("audit append", bound, statement.execute(tx.connection())).await?;
    Ok(Some((ends.sequence + 1, last.0)))
}

/// Writes the rows; `links` are the hash of the row before them and then theirs.
async fn insert(
    tx: &mut Tx,
    entries: &[Entry],
    details: &[Value],
    first: i64,
    links: &[[u8; 32]],
) -> Result<(), StoreError> {
    let texts = |field: fn(&Entry) -> &str| entries.iter().map(|entry| field(entry).to_owned()).collect::<Vec<_>>();
    let sequences: Vec<i64> = (first..).take(entries.len()).collect();
    let instants: Vec<_> = entries.iter().map(|entry| entry.at.instant()).collect();
    let users: Vec<_> = entries.iter().map(|entry| entry.user_id.clone().map(String::from)).collect();
    let hashes: Vec<Vec<u8>> = links.iter().map(|hash| hash.to_vec()).collect();
    let statement = sqlx::query!(
        "INSERT INTO audit (sequence, at, account, user_id, action, object, outcome, code, peer, source, message_id,
             details, previous_hash, hash)
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[], $13::bytea[], $14::bytea[])",
        &sequences,
        &instants,
        &texts(|entry| &entry.account),
        &users as &[Option<String>],
        &texts(|entry| &entry.action),
        &texts(|entry| &entry.object),
        &texts(|entry| entry.outcome.as_str()),
        &texts(|entry| &entry.code),
        &texts(|entry| &entry.peer),
        &texts(|entry| &entry.source),
        &texts(|entry| &entry.message_id),
        details,
        &hashes[..entries.len()],
        &hashes[1..]
    );
    let bound = tx.bound();
    bounded("audit append", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Both ends of the trail. The last hash, noted elsewhere, proves later that nothing before it was changed.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn ends(store: &Store) -> Result<Ends, StoreError> {
    let row = store
        .read("audit ends", |mut connection| async move {
            sqlx::query!("SELECT sequence, hash, anchor_sequence, anchor_hash FROM audit_ends")
                .fetch_one(&mut *connection)
                .await
        })
        .await?;
    let (hash, anchor_hash) = (bytes_of(row.hash)?, bytes_of(row.anchor_hash)?);
    Ok(Ends { sequence: row.sequence, hash, anchor_sequence: row.anchor_sequence, anchor_hash })
}

/// Removes the oldest rows, those from before `since`, and keeps the hash that the rest goes on from. Says how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn retain(store: &Store, since: Timestamp) -> Result<u64, StoreError> {
    let since = since.instant();
    let removed = store
        .read("audit retain", |mut connection| async move {
            sqlx::query_scalar!(r#"SELECT audit_retain($1) AS "removed!""#, since).fetch_one(&mut *connection).await
        })
        .await?;
    Ok(removed.unsigned_abs())
}

impl Entry {
    /// The entry as it can be kept and shown.
    fn cleaned(&self) -> Self {
        Self {
            at: self.at,
            account: shown(&self.account),
            user_id: self.user_id.clone(),
            action: shown(&self.action),
            object: shown(&self.object),
            outcome: self.outcome,
            code: shown(&self.code),
            peer: shown(&self.peer),
            source: shown(&self.source),
            message_id: shown(&self.message_id),
            details: bounded_details(&self.details),
        }
    }
}

impl Record {
    /// The row as one object, as exports have it; hashes in hexadecimal.
    pub fn to_json(&self) -> Value {
        let entry = &self.entry;
        json!({
            "sequence": self.sequence,
            "at": entry.at,
            "account": entry.account,
            "user_id": entry.user_id,
            "action": entry.action,
            "object": entry.object,
            "outcome": entry.outcome.as_str(),
            "code": entry.code,
            "peer": entry.peer,
            "source": entry.source,
            "message_id": entry.message_id,
            "details": entry.details,
            "previous_hash": hexadecimal(&self.previous_hash),
            "hash": hexadecimal(&self.hash),
        })
    }
}

/// A text without control characters, so that it can't pretend to be another line of a log, and of a bounded length.
fn shown(text: &str) -> String {
    let written_out = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut shown: String = text.chars().take(TEXT_MAX).map(written_out).collect();
    if text.chars().nth(TEXT_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn bounded_details(details: &Map<String, Value>) -> Map<String, Value> {
    let bytes = Value::Object(details.clone()).to_string().len();
    if bytes > DETAILS_BYTES_MAX {
        return Map::from_iter([("cut".to_owned(), json!(true)), ("bytes".to_owned(), json!(bytes))]);
    }
    match storable(&Value::Object(details.clone()), DETAILS_DEPTH_MAX) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The same without NUL, which the database's texts can't have, and no deeper than is read back.
fn storable(value: &Value, depth: usize) -> Value {
    let text = |text: &String| text.replace('\0', "\\0");
    match value {
        Value::String(s) => Value::String(text(s)),
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::from("…"),
        Value::Array(items) => Value::Array(items.iter().map(|item| storable(item, depth - 1)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (text(key), storable(value, depth - 1))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn bytes_of(hash: Vec<u8>) -> Result<[u8; 32], StoreError> {
    hash.try_into().map_err(|_| StoreError::unreadable("audit", "a hash is not of 32 bytes"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
