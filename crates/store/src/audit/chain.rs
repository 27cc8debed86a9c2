//! The chain of hashes: what a row's hash is made of, and whether all of them fit.

use sha2::{Digest, Sha256};

use super::{Ends, Entry, Record, ends, reading};
use crate::{Store, StoreError};

/// What every hash begins with, so that none of them is taken for another program's or another form's.
const FORM: &[u8] = b"bigskies audit 1";
/// How many rows are read at once.
const BATCH: i64 = 1000;

/// What a look at the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many rows were looked at and found whole.
    pub rows: u64,
    /// Where it breaks first, if it does.
    pub first_broken: Option<Break>,
    /// Both ends, for comparison with what was noted elsewhere.
    pub ends: Ends,
}

/// Where the chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The row.
    pub sequence: i64,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is not there.
    #[error("row is missing")]
    Missing,
    /// It does not follow the row before it.
    #[error("row does not follow the one before it")]
    Unlinked,
    /// It does not say what it said when it was added.
    #[error("row was changed")]
    Changed,
    /// It came in another way than by being appended.
    #[error("row was not appended")]
    Surplus,
    /// It is the last one, and not the one that was appended last.
    #[error("row is not the one that was appended last")]
    NotTheLast,
}

/// The hash of a row. Each part has its length before it, so that no two rows have the same bytes.
pub(super) fn digest(previous: &[u8; 32], sequence: i64, entry: &Entry, details: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(FORM);
    hash.update(previous);
    hash.update(sequence.to_be_bytes());
    hash.update((entry.at.instant().unix_timestamp_nanos() / 1000).to_be_bytes());
    match &entry.user_id {
        Some(user) => {
            hash.update([1]);
            text(&mut hash, user.as_str());
        }
        None => hash.update([0]),
    }
    for part in [
        entry.account.as_str(),
        &entry.action,
        &entry.object,
        entry.outcome.as_str(),
        &entry.code,
        &entry.peer,
        &entry.source,
        &entry.message_id,
        details,
    ] {
        text(&mut hash, part);
    }
    hash.finalize().into()
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Looks at the rows from one to another, both included; without them from the first or to the last that is there.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn verify(store: &Store, from: Option<i64>, to: Option<i64>) -> Result<Verdict, StoreError> {
    let at_first = ends(store).await?;
    let mut look = Look::begin(store, at_first, from).await?;
    let last = to.map_or(at_first.sequence, |to| to.min(at_first.sequence));
    while look.broken.is_none() && look.expected <= last {
        let rows = reading::rows_from(store, look.expected, last.min(look.expected + BATCH - 1)).await?;
        if rows.is_empty() && !look.skip_removed(store).await? {
            look.broken = Some(Break { sequence: look.expected, flaw: Flaw::Missing });
        }
        for (sequence, row) in rows {
            if sequence > look.expected && look.skip_removed(store).await? {
                break;
            }
            look.at(sequence, row.ok());
        }
    }
    if look.broken.is_none() && to.is_none_or(|to| to >= at_first.sequence) {
        look.broken = look.end(store, at_first).await?;
    }
    Ok(Verdict { rows: look.rows, first_broken: look.broken, ends: at_first })
}

/// How far a look has come.
struct Look {
    expected: i64,
    previous: [u8; 32],
    anchor: i64,
    rows: u64,
    broken: Option<Break>,
}

impl Look {
    async fn begin(store: &Store, ends: Ends, from: Option<i64>) -> Result<Self, StoreError> {
        let anchor = ends.anchor_sequence;
        let mut look = Self { expected: anchor + 1, previous: ends.anchor_hash, anchor, rows: 0, broken: None };
        if let Some(from) = from.filter(|from| *from > anchor + 1) {
            let before = reading::rows_from(store, from - 1, from - 1).await?;
            match before.into_iter().next() {
                Some((_, Ok((record, _)))) => (look.expected, look.previous) = (from, record.hash),
                Some((sequence, Err(_))) => look.broken = Some(Break { sequence, flaw: Flaw::Changed }),
                None => look.broken = Some(Break { sequence: from - 1, flaw: Flaw::Missing }),
            }
        }
        Ok(look)
    }

    /// Looks at the next row; one that can't be read was changed.
    fn at(&mut self, sequence: i64, row: Option<(Record, String)>) {
        if self.broken.is_some() {
            return;
        }
        let flaw = match &row {
            _ if sequence != self.expected => Flaw::Missing,
            Some((record, _)) if record.previous_hash != self.previous => Flaw::Unlinked,
            Some((record, details)) if record.hash == digest(&self.previous, sequence, &record.entry, details) => {
                (self.expected, self.previous, self.rows) = (sequence + 1, record.hash, self.rows + 1);
                return;
            }
            _ => Flaw::Changed,
        };
        self.broken = Some(Break { sequence: self.expected, flaw });
    }

    /// Goes on behind what retention removed meanwhile. Says whether it removed something.
    async fn skip_removed(&mut self, store: &Store) -> Result<bool, StoreError> {
        let ends = ends(store).await?;
        if ends.anchor_sequence <= self.anchor || ends.anchor_sequence < self.expected {
            return Ok(false);
        }
        self.anchor = ends.anchor_sequence;
        (self.expected, self.previous) = (ends.anchor_sequence + 1, ends.anchor_hash);
        Ok(true)
    }

    /// Whether the last row is the one that was appended last, and nothing stands behind it.
    async fn end(&self, store: &Store, ends: Ends) -> Result<Option<Break>, StoreError> {
        if self.expected == ends.sequence + 1 && self.previous != ends.hash {
            return Ok(Some(Break { sequence: ends.sequence, flaw: Flaw::NotTheLast }));
        }
        let row = store
            .read("audit verify", |mut connection| async move {
                // In one statement, since rows may be appended right now.
                sqlx::query!(
                    r#"SELECT ends.sequence, (SELECT max(audit.sequence) FROM audit) AS last FROM audit_ends AS ends"#
                )
                .fetch_one(&mut *connection)
                .await
            })
            .await?;
        let surplus = row.last.is_some_and(|last| last > row.sequence);
        Ok(surplus.then_some(Break { sequence: row.sequence + 1, flaw: Flaw::Surplus }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::audit::Outcome;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let entry = |account: &str, action: &str, user: Option<&str>| Entry {
            at: "2026-11-21T20:00:00Z".parse().unwrap(),
            account: account.to_owned(),
            user_id: user.map(|user| user.parse().unwrap()),
            action: action.to_owned(),
            object: String::new(),
            outcome: Outcome::Done,
            code: String::new(),
            peer: String::new(),
            source: String::new(),
            message_id: String::new(),
            details: Map::new(),
        };
        let hash = |entry: &Entry| digest(&[0; 32], 1, entry, "{}");
        let all = [
            entry("ab", "c", None),
            entry("a", "bc", None),
            entry("", "abc", None),
            entry("ab", "c", Some("x")),
            entry("ab", "c", Some("y")),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().map(hash).collect();
        assert_eq!(distinct.len(), all.len());
        assert_ne!(digest(&[0; 32], 1, &all[0], "{}"), digest(&[0; 32], 2, &all[0], "{}"));
        assert_ne!(digest(&[0; 32], 1, &all[0], "{}"), digest(&[1; 32], 1, &all[0], "{}"));
    }
}
