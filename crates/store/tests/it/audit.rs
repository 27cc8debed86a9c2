//! The audit trail: what is added is found again, and whatever is done to it otherwise is refused, or shows.

use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use store::{
    Endpoint, Slice, Store,
    audit::{self, Break, Entry, Filter, Flaw, Outcome},
    backup,
};

use crate::{
    pool::execute,
    stand::{at, folder, stand},
};

fn entry(n: u64) -> Entry {
    let details = json!({ "n": n, "part": 0.1, "large": 1e300, "list": [1, "two", null], "ü": "é\"\\" });
    Entry {
        at: at(n),
        account: format!("user-{}", n % 3),
        user_id: n.is_multiple_of(2).then(|| format!("id-{}", n % 3).parse().unwrap()),
        action: "telescope/control/slew".to_owned(),
        object: format!("telescope/{}", n % 5),
        outcome: [Outcome::Done, Outcome::Refused, Outcome::Failed][n as usize % 3],
        code: if n.is_multiple_of(3) { String::new() } else { "forbidden".to_owned() },
        peer: "127.0.0.1:1883".to_owned(),
        source: "user:ada".to_owned(),
        message_id: format!("m-{n}"),
        details: serde_json::from_value(details).unwrap(),
    }
}

async fn trail(rows: u64) -> (std::sync::Arc<crate::stand::Stand>, Store, Endpoint) {
    let stand = stand();
    let store = stand.store().await;
    for batch in (1..=rows).collect::<Vec<_>>().chunks(7) {
        let entries: Vec<_> = batch.iter().map(|n| entry(*n)).collect();
        let (first, last) = (batch[0] as i64, batch[batch.len() - 1] as i64);
        assert_eq!(audit::append(&store, &entries).await.unwrap(), Some((first, last)));
    }
    let endpoint = store.endpoint();
    (stand, store, endpoint)
}

async fn broken(store: &Store) -> Option<(i64, Flaw)> {
    let verdict = audit::verify(store, None, None).await.unwrap();
    verdict.first_broken.map(|Break { sequence, flaw }| (sequence, flaw))
}

#[tokio::test]
async fn what_is_added_is_found() {
    let (_stand, store, _) = trail(30).await;
    assert_eq!(audit::append(&store, &[]).await.unwrap(), None);
    let verdict = audit::verify(&store, None, None).await.unwrap();
    assert_eq!((verdict.rows, verdict.first_broken, verdict.ends.sequence), (30, None, 30));
    for (from, to, rows) in [
        (Some(10), None, 21),
        (None, Some(10), 10),
        (Some(5), Some(5), 1),
        (Some(31), None, 0),
        (Some(1), Some(99), 30),
    ] {
        let verdict = audit::verify(&store, from, to).await.unwrap();
        assert_eq!((verdict.rows, verdict.first_broken), (rows, None), "{from:?} {to:?}");
    }

    let user = |n: &str| Some(n.parse().unwrap());
    for (filter, count) in [
        (Filter::default(), 30),
        (Filter { account: Some("user-1".to_owned()), ..Filter::default() }, 10),
        (Filter { user_id: user("id-1"), ..Filter::default() }, 5),
        (Filter { action: Some("telescope/control/slew".to_owned()), ..Filter::default() }, 30),
        (Filter { action: Some("telescope".to_owned()), ..Filter::default() }, 0),
        (Filter { object: Some("telescope/0".to_owned()), ..Filter::default() }, 6),
        (Filter { outcome: Some(Outcome::Refused), ..Filter::default() }, 10),
        (Filter { message_id: Some("m-7".to_owned()), ..Filter::default() }, 1),
        (Filter { since: Some(at(10)), until: Some(at(20)), ..Filter::default() }, 10),
        (Filter { account: Some("' OR 1=1 --".to_owned()), ..Filter::default() }, 0),
    ] {
        let page = audit::query(&store, &filter, &Slice::default()).await.unwrap();
        assert_eq!(page.items.len(), count, "{filter:?}");
        let lines: Vec<String> = audit::export(store.clone(), filter.clone()).try_collect().await.unwrap();
        assert_eq!(lines.len(), count, "{filter:?}");
    }
    let page = audit::query(&store, &Filter::default(), &Slice::first(20)).await.unwrap();
    let rest = Slice { limit: None, cursor: page.next };
    let rest = audit::query(&store, &Filter::default(), &rest).await.unwrap();
    let order: Vec<_> = page.items.iter().chain(&rest.items).map(|record| record.sequence).collect();
    assert_eq!(order, (1..=30).rev().collect::<Vec<_>>());
    assert_eq!(page.items[0].entry, entry(30));

    let lines: Vec<String> = audit::export(store, Filter::default()).try_collect().await.unwrap();
    let last: Value = serde_json::from_str(&lines[29]).unwrap();
    assert_eq!((&last["sequence"], &last["outcome"], &last["details"]["n"]), (&json!(30), &json!("done"), &json!(30)));
    assert!(lines.iter().all(|line| !line.contains('\n')));
}

#[tokio::test]
async fn a_long_export_comes_in_pieces() {
    let stand = stand();
    let store = stand.store().await;
    for part in 0..5 {
        let entries: Vec<_> = (part * 500..(part + 1) * 500).map(entry).collect();
        audit::append(&store, &entries).await.unwrap();
    }
    let lines: Vec<String> = audit::export(store.clone(), Filter::default()).try_collect().await.unwrap();
    let sequences: Vec<_> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["sequence"].as_i64().unwrap()).collect();
    assert_eq!(sequences, (1..=2500).collect::<Vec<_>>());
    let began = std::time::Instant::now();
    assert_eq!(audit::verify(&store, None, None).await.unwrap().rows, 2500);
    println!("2500 rows verified in {:?}", began.elapsed());
}

#[tokio::test]
async fn many_add_at_once() {
    let stand = stand();
    let store = stand.store().await;
    let began = std::time::Instant::now();
    let adds = (0..40).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { audit::append(&store, &[entry(n), entry(n), entry(n)]).await.unwrap() })
    });
    let places = futures::future::try_join_all(adds).await.unwrap();
    println!("40 times three rows at once in {:?}", began.elapsed());
    let mut firsts: Vec<_> = places.iter().map(|place| place.unwrap()).collect();
    firsts.sort_unstable();
    assert_eq!(firsts, (0..40).map(|n| (3 * n + 1, 3 * n + 3)).collect::<Vec<_>>());
    assert_eq!(broken(&store).await, None);
    // What is recorded with something else stands or falls with it.
    let mut tx = store.begin().await.unwrap();
    assert_eq!(audit::append_in(&mut tx, &[entry(1)]).await.unwrap(), Some((121, 121)));
    tx.rollback().await.unwrap();
    assert_eq!(audit::append(&store, &[entry(1)]).await.unwrap(), Some((121, 121)));
    assert_eq!(broken(&store).await, None);
}

#[tokio::test]
async fn whatever_a_stranger_sends_can_be_recorded() {
    let stand = stand();
    let store = stand.store().await;
    let nasty = "a\0b\r\n2026-11-21 admin logged in\u{1b}[2J'); DROP TABLE audit; --\u{202e}";
    let details = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    let one = Entry {
        account: nasty.to_owned(),
        action: nasty.to_owned(),
        object: "ö".repeat(5000),
        details: details(json!({ "a\0": ["\0", { "b": "\0\u{ffff}" }], "number": -0.0, "small": 5e-324 })),
        ..entry(1)
    };
    let large = Entry { details: details(json!({ "text": "x".repeat(20_000) })), ..entry(2) };
    let nested = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let deep = Entry { details: details(json!({ "deep": nested })), ..entry(3) };
    audit::append(&store, &[one, large, deep]).await.unwrap();
    assert_eq!(broken(&store).await, None);
    let kept = audit::query(&store, &Filter::default(), &Slice::default()).await.unwrap().items;
    assert_eq!(kept[0].entry.details["deep"].to_string(), format!("{}\"…\"{}", "[".repeat(31), "]".repeat(31)));
    assert_eq!(kept[1].entry.details["cut"], json!(true));
    let kept = &kept[2].entry;
    assert!(kept.account.starts_with("a\\u{0}b\\r\\n") && !kept.account.contains(char::is_control), "{}", kept.account);
    assert_eq!(kept.object.chars().count(), 1025);
    let line = audit::export(store, Filter::default()).try_collect::<Vec<_>>().await.unwrap().remove(0);
    assert!(!line.contains(['\n', '\r', '\0']));
}

#[tokio::test]
async fn everything_but_adding_is_refused() {
    let (_stand, store, endpoint) = trail(10).await;
    for statement in [
        "UPDATE audit SET outcome = 'done'",
        "UPDATE audit SET outcome = 'done' WHERE false",
        "DELETE FROM audit WHERE sequence = 3",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "TRUNCATE audit, audit_ends",
        "DELETE FROM audit_ends",
        "TRUNCATE audit_ends",
        "UPDATE audit_ends SET sequence = 5",
        "UPDATE audit_ends SET sequence = 11",
        "UPDATE audit_ends SET hash = sha256('x')",
        "UPDATE audit_ends SET anchor_sequence = 5, anchor_hash = (SELECT hash FROM audit WHERE sequence = 5)",
        "CREATE SCHEMA evil; CREATE FUNCTION evil.audit_retain() RETURNS void LANGUAGE sql AS 'DELETE FROM audit';
         SELECT evil.audit_retain()",
        "CREATE SCHEMA evil; CREATE FUNCTION evil.audit_retain() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
             UPDATE audit_ends SET anchor_sequence = 5, anchor_hash = (SELECT hash FROM audit WHERE sequence = 5); END $$;
         SELECT evil.audit_retain()",
        "SET bigskies.retention = 'on'; DELETE FROM audit",
        "INSERT INTO audit_ends SELECT * FROM audit_ends",
    ] {
        let outcome = try_execute(&endpoint, statement);
        assert!(outcome.contains("refused") || outcome.contains("audit") && outcome.contains("ERROR"), "{statement}: {outcome}");
        assert_eq!(broken(&store).await, None, "{statement}");
    }
    assert_eq!(audit::append(&store, &[entry(11)]).await.unwrap(), Some((11, 11)));
}

/// What `psql` says of a statement that should fail.
fn try_execute(endpoint: &Endpoint, statement: &str) -> String {
    let psql = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten().next().unwrap().path().join("bin/psql");
    let output = std::process::Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--command", statement])
        .arg(endpoint.to_url_with_password())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{statement}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Statements of somebody who can switch the triggers off.
async fn tamper(endpoint: &Endpoint, statement: &str) {
    let off = "ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE audit_ends DISABLE TRIGGER USER;";
    let on = "ALTER TABLE audit ENABLE TRIGGER USER; ALTER TABLE audit_ends ENABLE TRIGGER USER;";
    execute(endpoint, &format!("{off} {statement}; {on}")).await;
}

/// Keeps the trail as it is, for [`RESET`].
const SAVE: &str = "CREATE TABLE saved AS SELECT * FROM audit; CREATE TABLE saved_ends AS SELECT * FROM audit_ends";
/// Puts the trail back to what was kept.
const RESET: &str = "TRUNCATE audit, audit_ends; INSERT INTO audit SELECT * FROM saved; INSERT INTO audit_ends SELECT * FROM saved_ends";

#[tokio::test]
async fn whatever_is_done_past_the_triggers_shows() {
    let (_stand, store, endpoint) = trail(12).await;
    execute(&endpoint, SAVE).await;
    let set = |what: &str| format!("UPDATE audit SET {what} WHERE sequence = 6");
    let copy =
        "INSERT INTO audit SELECT {n}, at, account, user_id, action, object, outcome, code, peer, source, message_id,
                    details, hash, sha256(hash) FROM audit WHERE sequence = {of}";
    let copied = |n: &str, of: &str| copy.replace("{n}", n).replace("{of}", of);
    for (statement, found) in [
        (set("at = at + interval '1 microsecond'"), Some((6, Flaw::Changed))),
        (set("account = 'somebody'"), Some((6, Flaw::Changed))),
        (set("account = account || ' '"), Some((6, Flaw::Changed))),
        (set("user_id = NULL"), Some((6, Flaw::Changed))),
        (set("user_id = 'id-9'"), Some((6, Flaw::Changed))),
        (set("user_id = 'not an id/#'"), Some((6, Flaw::Changed))),
        (set("action = 'telescope/control/park'"), Some((6, Flaw::Changed))),
        (set("object = ''"), Some((6, Flaw::Changed))),
        (set("outcome = 'refused'"), Some((6, Flaw::Changed))),
        (set("code = 'x'"), Some((6, Flaw::Changed))),
        (set("peer = '10.0.0.1'"), Some((6, Flaw::Changed))),
        (set("source = 'user:bob'"), Some((6, Flaw::Changed))),
        (set("message_id = 'm-66'"), Some((6, Flaw::Changed))),
        (set("details = details || '{\"n\": 7}'"), Some((6, Flaw::Changed))),
        (set("details = details - 'n'"), Some((6, Flaw::Changed))),
        (set("account = action, action = account"), Some((6, Flaw::Changed))),
        (set("previous_hash = sha256('x')"), Some((6, Flaw::Unlinked))),
        (set("hash = sha256('x')"), Some((6, Flaw::Changed))),
        (set("hash = sha256('x'), previous_hash = sha256('y')"), Some((6, Flaw::Unlinked))),
        (set("sequence = 60"), Some((6, Flaw::Missing))),
        ("DELETE FROM audit WHERE sequence = 6".to_owned(), Some((6, Flaw::Missing))),
        ("DELETE FROM audit WHERE sequence = 1".to_owned(), Some((1, Flaw::Missing))),
        ("DELETE FROM audit WHERE sequence < 6".to_owned(), Some((1, Flaw::Missing))),
        ("DELETE FROM audit WHERE sequence = 12".to_owned(), Some((12, Flaw::Missing))),
        ("DELETE FROM audit WHERE sequence > 6".to_owned(), Some((7, Flaw::Missing))),
        ("DELETE FROM audit".to_owned(), Some((1, Flaw::Missing))),
        ("TRUNCATE audit".to_owned(), Some((1, Flaw::Missing))),
        // One is taken out and those behind it move up.
        (
            "DELETE FROM audit WHERE sequence = 6; UPDATE audit SET sequence = sequence + 1000 WHERE sequence > 6;
             UPDATE audit SET sequence = sequence - 1001 WHERE sequence > 1000; UPDATE audit_ends SET sequence = 11"
                .to_owned(),
            Some((6, Flaw::Unlinked)),
        ),
        // Two change places.
        (
            "UPDATE audit SET sequence = 1006 WHERE sequence = 6; UPDATE audit SET sequence = 6 WHERE sequence = 7;
             UPDATE audit SET sequence = 7 WHERE sequence = 1006"
                .to_owned(),
            Some((6, Flaw::Unlinked)),
        ),
        // What two of them say changes places, and their chain stays.
        (
            "UPDATE audit a SET account = b.account, at = b.at, object = b.object FROM audit b
             WHERE (a.sequence, b.sequence) IN ((6, 7), (7, 6))"
                .to_owned(),
            Some((6, Flaw::Changed)),
        ),
        // One is put in between, and those behind it move down.
        (
            format!(
                "UPDATE audit SET sequence = sequence + 1000 WHERE sequence > 6; {};
                 UPDATE audit SET sequence = sequence - 999 WHERE sequence > 1000; UPDATE audit_ends SET sequence = 13",
                copied("7", "6")
            ),
            Some((7, Flaw::Changed)),
        ),
        (copied("13", "12"), Some((13, Flaw::Surplus))),
        (copied("500", "12"), Some((13, Flaw::Surplus))),
        (format!("{}; UPDATE audit_ends SET sequence = 13", copied("13", "12")), Some((13, Flaw::Changed))),
        ("UPDATE audit_ends SET hash = sha256('x')".to_owned(), Some((12, Flaw::NotTheLast))),
        (
            "DELETE FROM audit WHERE sequence > 6; UPDATE audit_ends SET sequence = 6".to_owned(),
            Some((6, Flaw::NotTheLast)),
        ),
        (
            "DELETE FROM audit WHERE sequence <= 6; UPDATE audit_ends SET anchor_sequence = 6".to_owned(),
            Some((7, Flaw::Unlinked)),
        ),
        ("SELECT 1".to_owned(), None),
    ] {
        tamper(&endpoint, &format!("{RESET}; {statement}")).await;
        assert_eq!(broken(&store).await, found, "{statement}");
    }
}

#[tokio::test]
async fn retention_leaves_a_chain() {
    let (_stand, store, endpoint) = trail(20).await;
    let before = audit::ends(&store).await.unwrap();
    assert_eq!(audit::retain(&store, at(1)).await.unwrap(), 0);
    assert_eq!(audit::retain(&store, at(8)).await.unwrap(), 7);
    assert_eq!(audit::retain(&store, at(8)).await.unwrap(), 0);
    let verdict = audit::verify(&store, None, None).await.unwrap();
    assert_eq!((verdict.rows, verdict.first_broken, verdict.ends.anchor_sequence), (13, None, 7));
    assert_eq!(verdict.ends.hash, before.hash, "what was noted elsewhere still proves the rest");
    assert_eq!(audit::verify(&store, Some(3), None).await.unwrap().rows, 13);
    // A row that is younger than those behind it keeps them.
    audit::append(&store, &[entry(500), entry(21)]).await.unwrap();
    assert_eq!(audit::retain(&store, at(100)).await.unwrap(), 13);
    assert_eq!(audit::verify(&store, None, None).await.unwrap().rows, 2);
    // All of them may go, and the next one still has its place.
    assert_eq!(audit::retain(&store, at(1000)).await.unwrap(), 2);
    assert_eq!(broken(&store).await, None);
    assert_eq!(audit::append(&store, &[entry(23)]).await.unwrap(), Some((23, 23)));
    assert_eq!(broken(&store).await, None);
    tamper(&endpoint, "UPDATE audit_ends SET anchor_hash = sha256('x')").await;
    assert_eq!(broken(&store).await, Some((23, Flaw::Unlinked)));
}

#[tokio::test]
async fn a_backup_brings_it_back() {
    let (stand, store, endpoint) = trail(10).await;
    let folder = folder();
    let path = folder.path().join("trail.backup");
    backup::backup(&endpoint, &path, at(0)).await.unwrap();
    audit::append(&store, &[entry(11)]).await.unwrap();
    let (fresh, another, old) = (stand.store().await, stand.store().await, stand.store().await);
    audit::append(&another, &[entry(500)]).await.unwrap();
    for n in 1..=20 {
        audit::append(&old, &[entry(n)]).await.unwrap();
    }
    audit::retain(&old, at(15)).await.unwrap();
    for (what, store, rows, last) in [
        ("the trail that went on since hides nothing", &store, 11, 11),
        ("a new machine has none", &fresh, 10, 10),
        ("another one's trail", &another, 10, 10),
        ("one that has forgotten where the backup ends", &old, 6, 20),
    ] {
        backup::restore(&store.endpoint(), &path).await.unwrap();
        let verdict = audit::verify(store, None, None).await.unwrap();
        assert_eq!((verdict.rows, verdict.first_broken, verdict.ends.sequence), (rows, None, last), "{what}");
        try_execute(&store.endpoint(), "DELETE FROM audit");
        audit::append(store, &[entry(30)]).await.unwrap();
        assert_eq!(broken(store).await, None, "{what}, and on");
    }
}
