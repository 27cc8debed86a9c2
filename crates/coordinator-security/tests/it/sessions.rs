//! Sessions: seen and ended by who has them, and by administrators.

use catalog::security::{EndSession, EndSessions, ListSessions, Login, Me, QueryAudit, Revoked, Session, TokenRevoked};
use serde_json::json;
use vocabulary::{Code, ids::UserId};

use crate::{
    login::{login, session},
    stand::{PASSWORD, Stand, next_where},
};

fn of(user: &UserId) -> ListSessions {
    ListSessions { user_id: Some(user.clone()), ..ListSessions::default() }
}

#[tokio::test]
async fn one_sees_and_ends_ones_own() {
    let stand = Stand::start().await;
    let ann = stand.user_with("ann", &["observer"]).await;
    let bob = stand.user_with("bob", &["observer"]).await;
    let (lobby, of_bob) = (stand.client("lobby.ann").await, stand.client("lobby.bob").await);
    let console = Login { client: Some("console".parse().unwrap()), ..login("ann", PASSWORD) };
    let first: Session = lobby.ask(console).await.unwrap();
    let second = session(&lobby, "ann").await;
    let bobs = session(&of_bob, "bob").await;
    let (acting, other, of_bob) =
        (lobby.with(first.token.expose()), lobby.with(second.token.expose()), of_bob.with(bobs.token.expose()));
    let listed = acting.ask(ListSessions::default()).await.unwrap().sessions;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|session| session.user_id == ann && session.username.as_str() == "ann"));
    assert_eq!((listed[0].client.as_str(), listed[0].expires_at), ("console", first.refresh_expires_at));
    assert_eq!(of_bob.code(of(&ann)).await, Some(Code::Forbidden), "another's are not shown");
    let one = |id, user_id: Option<&UserId>| EndSession { id, user_id: user_id.cloned() };
    let of_ann = listed[1].id.clone();
    assert_eq!(
        of_bob.code(one(of_ann.clone(), None)).await,
        Some(Code::NotFound),
        "another's is as if there were none"
    );
    assert_eq!(of_bob.code(one(of_ann.clone(), Some(&ann))).await, Some(Code::Forbidden));
    assert_eq!(acting.code(one("no-such".parse().unwrap(), None)).await, Some(Code::NotFound));
    // One of one's own; the token that it has is good for nothing at once.
    let mut revoked = stand.events::<TokenRevoked>().await;
    acting.ask(one(of_ann.clone(), None)).await.unwrap();
    let event = next_where(&mut revoked, |event: &TokenRevoked| event.what == Revoked::Session).await;
    assert_eq!((event.id, event.reason.as_str()), (of_ann.to_string(), "ended"));
    stand.unauthenticated(&other, Me {}).await;
    assert_eq!(acting.code(one(of_ann, None)).await, Some(Code::NotFound), "it has ended");
    // All of one's own, the one that asks included.
    assert_eq!(acting.ask(EndSessions::default()).await.unwrap().ended, 1);
    stand.unauthenticated(&acting, Me {}).await;
    assert_eq!(of_bob.ask(ListSessions::default()).await.unwrap().sessions[0].user_id, bob);
}

#[tokio::test]
async fn administrators_end_anybodys_and_everybodys() {
    let stand = Stand::start().await;
    let ann = stand.user_with("ann", &["observer"]).await;
    stand.user("bob").await;
    let root = stand.client("root").await;
    let (lobby, of_bob) = (stand.client("lobby.ann").await, stand.client("lobby.bob").await);
    let (first, bobs) = (session(&lobby, "ann").await, session(&of_bob, "bob").await);
    let (acting, of_bob) = (lobby.with(first.token.expose()), of_bob.with(bobs.token.expose()));
    let everybody = EndSessions { everybody: true, ..EndSessions::default() };
    assert_eq!(acting.code(everybody.clone()).await, Some(Code::Forbidden));
    let both = EndSessions { user_id: Some(ann.clone()), ..everybody.clone() };
    assert_eq!(root.code(both).await, Some(Code::Invalid));
    let id = root.ask(of(&ann)).await.unwrap().sessions[0].id.clone();
    root.ask(EndSession { id, user_id: Some(ann.clone()) }).await.unwrap();
    stand.unauthenticated(&acting, Me {}).await;
    let acting = lobby.with(session(&lobby, "ann").await.token.expose());
    let mut revoked = stand.events::<TokenRevoked>().await;
    assert_eq!(root.ask(everybody).await.unwrap().ended, 2);
    let event = next_where(&mut revoked, |event: &TokenRevoked| event.what == Revoked::Everybody).await;
    assert_eq!(event.id, "*");
    stand.unauthenticated(&acting, Me {}).await;
    stand.unauthenticated(&of_bob, Me {}).await;
    // Who logs in again is in again; the trail has how it was proven, and what was ended.
    session(&lobby, "ann").await;
    let trail = |action: &str| QueryAudit { action: Some(action.to_owned()), ..QueryAudit::default() };
    let rows = root.ask(trail("security/auth/login")).await.unwrap().rows;
    assert!(rows.iter().all(|row| row.details["factors"] == json!("password")) && rows.len() == 4, "{rows:?}");
    let rows = root.ask(trail("security/session/end-all")).await.unwrap().rows;
    let ended = rows.iter().find(|row| row.details.contains_key("ended")).unwrap();
    assert_eq!((ended.object.as_str(), &ended.details["ended"]), ("everybody", &json!(2)));
}
