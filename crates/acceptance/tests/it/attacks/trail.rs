//! The audit trail attacked itself, and what must be found nowhere when all is over.

use serde_json::json;

use super::{
    row::{Row, Why},
    stand::{Stand, cut, text},
    wire::Met,
};

pub(crate) fn rows(_: &Stand) -> Vec<Row> {
    let refuses = |name: &str, statement: &'static str| {
        Row::scene(name, move |stand| {
            Box::pin(async move {
                match stand.observatory.psql(statement).await {
                    Err(_) => Met::Ended,
                    Ok(_) => Met::Passed,
                }
            })
        })
        .why(Why::Ended)
    };
    vec![
        refuses(
            "a row of the trail is changed by the platform's own account",
            "UPDATE audit SET account = 'bob' WHERE sequence = 3",
        ),
        refuses("a row of the trail is removed by the platform's own account", "DELETE FROM audit WHERE sequence = 3"),
        refuses(
            "the end of the trail is cut off by the platform's own account",
            "DELETE FROM audit WHERE sequence > 5",
        ),
        refuses("the trail is emptied by the platform's own account", "TRUNCATE audit"),
        refuses("the ends of the trail are moved by the platform's own account", "UPDATE audit_ends SET sequence = 1"),
        refuses(
            "the anchor of the trail is moved by the platform's own account",
            "UPDATE audit_ends SET anchor_sequence = 3",
        ),
        refuses("the ends of the trail are removed by the platform's own account", "DELETE FROM audit_ends"),
        tampered(
            "a row of the trail is changed by the server's administrator",
            "UPDATE audit SET account = account || 'x' WHERE sequence = 7",
            "UPDATE audit SET account = left(account, -1) WHERE sequence = 7",
            7,
        ),
        tampered(
            "the outcome of a refusal is changed by the server's administrator",
            "CREATE TABLE audit_taken AS SELECT max(sequence) AS sequence FROM audit WHERE outcome = 'refused'; \
             UPDATE audit SET outcome = 'done' WHERE sequence = (SELECT sequence FROM audit_taken)",
            "UPDATE audit SET outcome = 'refused' WHERE sequence = (SELECT sequence FROM audit_taken); DROP TABLE audit_taken",
            0,
        ),
        tampered(
            "a row of the trail is taken out by the server's administrator",
            "CREATE TABLE audit_taken AS SELECT * FROM audit WHERE sequence = 9; DELETE FROM audit WHERE sequence = 9",
            "INSERT INTO audit SELECT * FROM audit_taken; DROP TABLE audit_taken",
            9,
        ),
    ]
}

/// What only who administers the server can do, and undo: the chain says where.
fn tampered(name: &str, change: &'static str, back: &'static str, place: i64) -> Row {
    Row::scene(name, move |stand| {
        Box::pin(async move {
            let without_triggers = |statement: &str| format!("SET session_replication_role = replica; {statement}");
            stand.observatory.psql_as_administrator(&without_triggers(change)).await.unwrap();
            let verdict = stand.good("security/audit/verify", json!({})).await;
            stand.observatory.psql_as_administrator(&without_triggers(back)).await.unwrap();
            let seen = verdict["intact"] == false
                && verdict["first_broken"]["sequence"]
                    .as_i64()
                    .is_some_and(|at| place == 0 || (place..=place + 1).contains(&at));
            assert!(seen, "{verdict:?}");
            Met::NoEffect
        })
    })
}

/// When all is over: nothing has moved, the trail is whole, and no secret lies about.
pub(crate) async fn is_as_it_was(stand: &Stand) {
    let verdict = stand.good("security/audit/verify", json!({})).await;
    assert_eq!(verdict["intact"], true, "{verdict:?}");
    let moved: Vec<_> =
        stand.observatory.simulator().effects().await.into_iter().filter(|effect| effect.what != "connect").collect();
    assert!(moved.is_empty(), "the telescope was moved: {moved:?}");
    for who in ["eve", "ann", "ora", "hal"] {
        let roles = stand.good("security/role/list", json!({"user_id": stand.id(who)})).await;
        let names: Vec<String> = roles["roles"].as_array().unwrap().iter().map(|role| text(&role["name"])).collect();
        let wanted: &[&str] = if who == "ann" { &["operator"] } else { &[] };
        assert_eq!(names, wanted, "roles of {who}");
    }
    lies_nowhere(stand).await;
}

/// Passwords, tokens and keys that were used here are in no message that others hear, no log, and no table.
async fn lies_nowhere(stand: &Stand) {
    let mut places: Vec<(String, String)> = Vec::new();
    for heard in stand.heard.messages() {
        if !heard.topic.starts_with("bigskies/client/") {
            places.push((heard.topic.clone(), heard.payload.to_string()));
        }
    }
    places.push(("the log".to_owned(), stand.observatory.process("up").log()));
    let tables =
        "SELECT string_agg(quote_ident(table_name), ' ') FROM information_schema.tables WHERE table_schema = 'public'";
    for table in stand.observatory.psql(tables).await.unwrap().split(' ') {
        let rows = stand.observatory.psql(&format!("SELECT to_jsonb(t) FROM {table} t")).await.unwrap();
        places.push((format!("table {table}"), rows));
    }
    let secrets = stand.secrets();
    for (place, content) in &places {
        for secret in secrets.iter().filter(|secret| secret.len() >= 12) {
            let found = content.find(secret.as_str());
            let around = found.map(|at| cut(&content[content.floor_char_boundary(at.saturating_sub(200))..]));
            assert_eq!(around, None, "{place} shows a secret");
        }
    }
    println!("{} secrets are in none of {} messages, logs and tables", secrets.len(), places.len());
}
