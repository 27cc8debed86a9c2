//! The audit trail: asked, exported, looked through.

use catalog::security::{
    AuditBroken, AuditOutcome, AuditRow, CreateRole, DeleteUser, ExportAudit, ListUsers, QueryAudit, VerifyAudit,
};
use store::audit::{self, Entry, Outcome};
use vocabulary::Code;

use crate::{
    login::login,
    stand::{Stand, until},
};

#[tokio::test]
async fn who_did_what() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let client = stand.client("ann").await;
    client.code(ListUsers::default()).await;
    client.code(login("ann", "wrong one")).await;
    root.ask(CreateRole { name: "x".to_owned(), description: String::new() }).await.unwrap();
    root.ask(DeleteUser { user_id: ann.clone() }).await.unwrap();
    let query = |query: QueryAudit| {
        let root = &root;
        async move { root.ask(query).await.unwrap().rows }
    };
    // Refusals are written a moment later.
    let refusals = || query(QueryAudit { outcome: Some(AuditOutcome::Refused), ..QueryAudit::default() });
    until("the refusals", || async { refusals().await.len() >= 2 }).await;
    let refused = refusals().await;
    let of = |action: &str| refused.iter().find(|row| row.action == action).unwrap().clone();
    assert_eq!(
        (of("security/user/list").account.as_str(), of("security/user/list").code.as_str()),
        ("ann", "forbidden")
    );
    let failed = of("security/auth/login");
    assert_eq!((failed.object.as_str(), failed.details["reason"].as_str()), ("ann", Some("wrong-password")));
    let done = query(QueryAudit { object: Some(ann.to_string()), ..QueryAudit::default() }).await;
    assert_eq!(
        (done[0].action.as_str(), done[0].outcome, done[0].account.as_str()),
        ("security/user/delete", AuditOutcome::Done, "root")
    );
    assert_eq!(done[0].details["username"], "ann");
    let of_root = query(QueryAudit { account: Some("root".to_owned()), ..QueryAudit::default() }).await;
    assert!(of_root.iter().any(|row| row.action == "security/role/create"));
    assert_eq!(client.code(QueryAudit::default()).await, Some(Code::Forbidden));
    stand.unauthenticated(&stand.client("nobody").await, VerifyAudit::default()).await;
}

#[tokio::test]
async fn pages_fit_into_messages() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let entry = |number: usize| Entry {
        at: stand.clock.now(),
        account: "ann".to_owned(),
        user_id: None,
        action: format!("test/{number}"),
        object: String::new(),
        outcome: Outcome::Done,
        code: String::new(),
        peer: String::new(),
        source: String::new(),
        message_id: String::new(),
        details: [("quotes".to_owned(), "\"".repeat(7000).into())].into_iter().collect(),
    };
    audit::append(&stand.store, &(0..60).map(entry).collect::<Vec<_>>()).await.unwrap();
    let (mut lines, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page =
            root.ask(ExportAudit { account: Some("ann".to_owned()), cursor, ..ExportAudit::default() }).await.unwrap();
        assert_eq!(page.rows as usize, page.lines.lines().count());
        lines.extend(page.lines.lines().map(|line| serde_json::from_str::<AuditRow>(line).unwrap().action));
        (cursor, pages) = (page.next, pages + 1);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(lines, (0..60).map(|number| format!("test/{number}")).collect::<Vec<_>>());
    assert!(pages > 1);
    let (mut count, mut cursor) = (0, None);
    loop {
        let query = QueryAudit { account: Some("ann".to_owned()), cursor, ..QueryAudit::default() };
        let page = root.ask(query).await.unwrap();
        count += page.rows.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(count, 60);
}

#[tokio::test]
async fn a_whole_trail_and_a_broken_one() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    for name in ["a", "b", "c"] {
        root.ask(CreateRole { name: name.to_owned(), description: String::new() }).await.unwrap();
    }
    let verdict = root.ask(VerifyAudit::default()).await.unwrap();
    assert!(verdict.intact && verdict.rows >= 3 && verdict.last_hash.len() == 64, "{verdict:?}");
    let part = root.ask(VerifyAudit { from_sequence: Some(2), to_sequence: Some(3) }).await.unwrap();
    assert!(part.intact && part.rows == 2, "{part:?}");
    // Somebody who can write to the file of the database.
    let mut broken = stand.events::<AuditBroken>().await;
    let rows = root.ask(QueryAudit::default()).await.unwrap().rows;
    let was = rows.iter().find(|row| row.sequence == 2).unwrap().account.clone();
    stand.tamper("eve").await;
    let verdict = root.ask(VerifyAudit::default()).await.unwrap();
    let first = verdict.first_broken.unwrap();
    assert!(!verdict.intact && first.sequence == 2, "{first:?}");
    let event: AuditBroken = crate::stand::next(&mut broken).await;
    assert_eq!(event.first_broken, first);
    stand.until_health_says("audit: trail is broken at row 2").await;
    // Put right again, it is found whole as soon as somebody looks.
    stand.tamper(was.as_str()).await;
    assert!(root.ask(VerifyAudit::default()).await.unwrap().intact);
    stand.until_health_is_well().await;
}
