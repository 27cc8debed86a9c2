//! The audit trail, for people and for other programs.

use catalog::security::{AuditLines, AuditRows, AuditVerdict, ExportAudit, QueryAudit, VerifyAudit};
use store::{
    Slice,
    audit::{self, Filter, Record},
};
use vocabulary::Fault;

use crate::{Cx, shown};

/// How many bytes of lines are answered at once, as they stand in the answer: a message has at most 256 KiB.
const LINES_BYTES_MAX: usize = 192 * 1024;
/// How many rows are answered at once: their details may have 16 KiB each.
const ROWS_BYTES_MAX: usize = LINES_BYTES_MAX;

/// Who did what, newest first.
pub(crate) async fn query(cx: Cx, query: QueryAudit) -> Result<AuditRows, Fault> {
    let filter = Filter {
        account: query.account,
        user_id: query.user_id,
        action: query.action,
        object: query.object,
        outcome: query.outcome.map(shown::outcome_row),
        message_id: query.about_message_id,
        since: query.from,
        until: query.to,
    };
    let mut slice = shown::slice(query.limit, query.cursor);
    let mut page = audit::query(cx.store(), &filter, &slice).await?;
    let fitting = fitting(&page.items, ROWS_BYTES_MAX);
    if fitting < page.items.len() {
        slice.limit = Some(limit_of(fitting));
        page = audit::query(cx.store(), &filter, &slice).await?;
    }
    Ok(AuditRows { rows: page.items.into_iter().map(shown::record).collect(), next: shown::next(page.next) })
}

/// The same as lines, oldest first.
pub(crate) async fn export(cx: Cx, export: ExportAudit) -> Result<AuditLines, Fault> {
    let filter = Filter {
        account: export.account,
        user_id: export.user_id,
        action: export.action,
        object: export.object,
        outcome: export.outcome.map(shown::outcome_row),
        message_id: None,
        since: export.from,
        until: export.to,
    };
    let mut slice = shown::slice(export.limit, export.cursor);
    let mut page = audit::oldest_first(cx.store(), &filter, &slice).await?;
    let fitting = fitting(&page.items, LINES_BYTES_MAX);
    if fitting < page.items.len() {
        slice = Slice { limit: Some(limit_of(fitting)), ..slice };
        page = audit::oldest_first(cx.store(), &filter, &slice).await?;
    }
    let lines: String = page.items.iter().map(|record| format!("{}\n", record.to_json())).collect();
    Ok(AuditLines { lines, rows: limit_of(page.items.len()), next: shown::next(page.next) })
}

/// How many of the records fit into so many bytes, written as text within JSON; at least one.
fn fitting(records: &[Record], bytes_max: usize) -> usize {
    let sizes = records.iter().map(|record| {
        let line = record.to_json().to_string();
        line.len() + line.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count() + 2
    });
    let fitting = sizes
        .scan(0, |sum, size| {
            *sum += size;
            (*sum <= bytes_max).then_some(())
        })
        .count();
    fitting.max(1)
}

fn limit_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether the trail is whole.
pub(crate) async fn verify(cx: Cx, verify: VerifyAudit) -> Result<AuditVerdict, Fault> {
    let verdict = audit::verify(cx.store(), verify.from_sequence, verify.to_sequence).await?;
    if let Some(found) = verdict.first_broken {
        cx.found_broken(found).await;
    } else if verify.from_sequence.is_none() && verify.to_sequence.is_none() {
        cx.trail.is_whole(&verdict.ends);
    }
    Ok(AuditVerdict {
        rows: verdict.rows,
        intact: verdict.first_broken.is_none(),
        first_broken: verdict.first_broken.map(shown::broken),
        last_sequence: verdict.ends.sequence,
        last_hash: shown::hexadecimal(&verdict.ends.hash),
    })
}
