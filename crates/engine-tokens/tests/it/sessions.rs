//! Sessions: refresh tokens are good once, limits hold, and whatever ends a session ends all of it.

use engine_tokens::{Issued, RefreshError, Scopes, Tokens, TokensError, TokensSettings, Verifier, Which};
use store::{
    Changes, Slice, Vault,
    tokens::{CHANNEL, EndedBefore, sweep},
};
use vocabulary::{Code, Fault};

use crate::stand::{World, epochs_of, subject};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

async fn refused(tokens: &Tokens, refresh: &str, holder: Option<&engine_tokens::Holder>) -> RefreshError {
    match tokens.refresh(refresh, holder).await {
        Err(TokensError::Refresh(error)) => error,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn one_login_and_what_follows() {
    let world = World::new().await;
    let ada = world.user("ada");
    let scopes = Scopes::parse(["telescope:read"]).unwrap();
    let first =
        world.tokens.issue(&engine_tokens::Subject { scopes: Some(scopes.clone()), ..subject(&ada) }).await.unwrap();
    assert!(!format!("{first:?}").contains(&first.access) && !format!("{first:?}").contains(&first.refresh));
    let claims = world.verifier.verify(&first.access, world.now()).unwrap();
    assert_eq!((&claims.account, claims.user_id.as_ref()), (&ada.account, Some(&ada.user_id)));
    assert_eq!(
        (&claims.jti, claims.session.as_ref(), &claims.email),
        (&first.access_id, Some(&first.session), &ada.email)
    );
    assert_eq!((claims.expires_at, claims.epoch), (Some(first.access_expires_at), Some(0)));
    assert!(claims.permits("telescope", "read") && !claims.permits("telescope", "control"));
    assert_eq!(first.access_expires_at.since(world.now()).as_secs(), HOUR - 1, "of the second that has begun");

    assert_eq!(world.tokens.holder_of(&first.refresh).await.unwrap(), Some(ada.user_id.clone()));
    assert_eq!(world.tokens.holder_of("bsr_nonsense").await.unwrap(), None);
    world.advance(HOUR / 2);
    let second = world.tokens.refresh(&first.refresh, Some(&ada)).await.unwrap();
    assert_eq!((&second.session, second.session_expires_at), (&first.session, first.session_expires_at));
    assert_ne!((&second.access, &second.refresh), (&first.access, &first.refresh));
    let next = world.verifier.verify(&second.access, world.now()).unwrap();
    assert_eq!((&next.scopes, &next.audience), (&Some(scopes), &claims.audience), "a refresh widens nothing");
    // The access token from before stays good until it ends by itself.
    assert_eq!(world.judged(&first.access), "good");
    world.advance(HOUR / 2 + 5);
    assert_eq!((world.judged(&first.access), world.judged(&second.access)), ("expired", "good"));

    let listed = world.tokens.sessions(Some(&ada.user_id), &Slice::default()).await.unwrap().items;
    assert_eq!((listed.len(), &listed[0].id, listed[0].client.as_str()), (1, &first.session, "a test"));
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_the_session() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let (first, other, of_bob) = (world.login(&ada).await, world.login(&ada).await, world.login(&bob).await);
    let second = world.tokens.refresh(&first.refresh, Some(&ada)).await.unwrap();
    let third = world.tokens.refresh(&second.refresh, Some(&ada)).await.unwrap();
    assert_eq!(world.judged(&third.access), "good");

    let session = first.session.clone();
    let reused = refused(&world.tokens, &first.refresh, Some(&ada)).await;
    assert_eq!(reused, RefreshError::Reused { session: session.clone() });
    assert_eq!(Fault::from(reused).code, Code::Unauthenticated);
    for dead in [&first, &second, &third] {
        assert_eq!(world.judged(&dead.access), "revoked");
        let ended = refused(&world.tokens, &dead.refresh, Some(&ada)).await;
        assert_eq!(ended, RefreshError::Ended { session: session.clone() });
    }
    // Others are not touched, of whomever.
    for alive in [&other, &of_bob] {
        assert_eq!(world.judged(&alive.access), "good");
    }
    world.tokens.refresh(&other.refresh, Some(&ada)).await.unwrap();
}

#[tokio::test]
async fn of_two_at_once_one_is_a_thief() {
    let world = World::new().await;
    let ada = world.user("ada");
    for _ in 0..10 {
        let first = world.login(&ada).await;
        let go = || world.tokens.refresh(&first.refresh, Some(&ada));
        let outcomes: [Result<Issued, TokensError>; 4] = tokio::join!(go(), go(), go(), go()).into();
        let good: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(good.len(), 1, "{outcomes:?}");
        assert_eq!(world.judged(&good[0].access), "revoked");
        refused(&world.tokens, &good[0].refresh, Some(&ada)).await;
    }
}

#[tokio::test]
async fn limits() {
    let settings = TokensSettings {
        session_idle_seconds: u32::try_from(2 * HOUR).unwrap(),
        session_absolute_seconds: u32::try_from(5 * HOUR).unwrap(),
        sessions_per_user_max: 3,
        ..TokensSettings::default()
    };
    let world = World::with(settings).await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let (idle, busy) = (world.login(&ada).await, world.login(&ada).await);
    let mut last = busy.clone();
    for _ in 0..4 {
        world.advance(HOUR + 60);
        last = world.tokens.refresh(&last.refresh, Some(&ada)).await.unwrap();
    }
    assert_eq!(refused(&world.tokens, &idle.refresh, Some(&ada)).await, RefreshError::Idle { session: idle.session });
    assert_eq!(last.access_expires_at, last.session_expires_at.minus(std::time::Duration::from_millis(250)));
    assert_eq!(last.refresh_expires_at, busy.session_expires_at, "no token outlives its session");
    world.advance(HOUR);
    assert_eq!(world.judged(&last.access), "expired");
    assert_eq!(refused(&world.tokens, &last.refresh, Some(&ada)).await, RefreshError::Over { session: busy.session });

    let of_bob = world.login(&bob).await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        world.advance(1);
        sessions.push(world.login(&ada).await);
    }
    world.verifier.reload().await.unwrap();
    let judged: Vec<_> = sessions.iter().map(|session| world.judged(&session.access)).collect();
    assert_eq!(judged, ["revoked", "revoked", "good", "good", "good"], "the oldest make room");
    assert_eq!(world.judged(&of_bob.access), "good");
}

#[tokio::test]
async fn users_that_change() {
    let world = World::new().await;
    let ada = world.user("ada");
    for (what, epoch, reason, judged) in [
        ("disabled", None, "no-user", "no-user"),
        ("a changed password", Some(1), "outdated", "outdated"),
        ("nothing", Some(0), "good", "good"),
    ] {
        world.set_epoch(&ada, Some(0));
        let issued = world.login(&ada).await;
        world.set_epoch(&ada, epoch);
        assert_eq!(world.judged(&issued.access), judged, "{what}");
        let holder = epoch.map(|epoch| engine_tokens::Holder { epoch, ..ada.clone() });
        match world.tokens.refresh(&issued.refresh, holder.as_ref()).await {
            Ok(next) => assert_eq!((reason, world.judged(&next.access)), ("good", "good"), "{what}"),
            Err(TokensError::Refresh(error)) => {
                assert_eq!(error.reason(), reason, "{what}");
                // It does not come back when the user does.
                world.set_epoch(&ada, Some(0));
                assert_eq!(world.judged(&issued.access), "revoked", "{what}");
                assert_eq!(refused(&world.tokens, &issued.refresh, Some(&ada)).await.reason(), "ended", "{what}");
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
    // A token that is newer than what this process knows of its user is not refused.
    let newer = world.login(&engine_tokens::Holder { epoch: 7, ..ada.clone() }).await;
    assert_eq!(world.judged(&newer.access), "good");
    // Another user's refresh token goes on for nobody.
    let bob = world.user("bob");
    let issued = world.login(&ada).await;
    assert_eq!(refused(&world.tokens, &issued.refresh, Some(&bob)).await, RefreshError::Unknown);
    world.tokens.refresh(&issued.refresh, Some(&ada)).await.unwrap();
}

#[tokio::test]
async fn ends() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let (first, second, third, of_bob) =
        (world.login(&ada).await, world.login(&ada).await, world.login(&ada).await, world.login(&bob).await);
    let renewed = world.tokens.refresh(&first.refresh, Some(&ada)).await.unwrap();
    let claims = world.tokens.logout(&renewed.access).await.unwrap();
    assert_eq!(claims.session, Some(first.session.clone()));
    assert_eq!((world.judged(&first.access), world.judged(&renewed.access)), ("revoked", "revoked"));
    assert_eq!(refused(&world.tokens, &renewed.refresh, Some(&ada)).await.reason(), "ended");
    world.tokens.logout(&renewed.access).await.unwrap();

    let others = Which::OfUser { user: &ada.user_id, but: Some(&third.session) };
    assert_eq!(world.tokens.end_sessions(others, "from another place").await.unwrap(), 1);
    assert_eq!((world.judged(&second.access), world.judged(&third.access)), ("revoked", "good"));
    assert_eq!(world.tokens.end_sessions(Which::One(&third.session), "by hand").await.unwrap(), 1);
    assert_eq!(world.tokens.end_sessions(Which::One(&third.session), "by hand").await.unwrap(), 0);
    assert_eq!((world.judged(&third.access), world.judged(&of_bob.access)), ("revoked", "good"));

    // What is written with something else stands or falls with it.
    let mut tx = world.store.begin().await.unwrap();
    world.tokens.logout_in(&mut tx, &of_bob.access).await.unwrap();
    tx.rollback().await.unwrap();
    world.verifier.reload().await.unwrap();
    assert_eq!(world.judged(&of_bob.access), "good");

    // A token that has expired ends its session all the same; one that is not ours ends nothing.
    world.advance(2 * HOUR);
    assert_eq!(world.judged(&of_bob.access), "expired");
    world.tokens.logout(&of_bob.access).await.unwrap();
    assert_eq!(refused(&world.tokens, &of_bob.refresh, Some(&bob)).await.reason(), "ended");
    for (token, reason) in [("x", "malformed"), (of_bob.refresh.as_str(), "refresh-token")] {
        match world.tokens.logout(token).await {
            Err(TokensError::Token(error)) => assert_eq!(error.reason(), reason),
            other => panic!("a refusal was expected, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let world = World::new().await;
    let ada = world.user("ada");
    let (dead, alive) = (world.login(&ada).await, world.login(&ada).await);
    world.tokens.logout(&dead.access).await.unwrap();
    engine::Engine::stop(&world.tokens).await;

    let changes = Changes::listen(world.store.clone(), &[CHANNEL]);
    let epochs = epochs_of(&world.users);
    let verifier = Verifier::start(world.store.clone(), None, &changes, epochs, world.clock.clone()).await.unwrap();
    let vault = Vault::new(&world.master, &[]).unwrap();
    let settings = TokensSettings::default();
    let tokens =
        Tokens::start(world.store.clone(), vault, verifier.clone(), world.clock.clone(), settings).await.unwrap();
    let judged = |token: &str| crate::stand::judged(&verifier, token, world.now());
    assert_eq!((judged(&dead.access), judged(&alive.access)), ("revoked", "good"));
    assert_eq!(refused(&tokens, &dead.refresh, Some(&ada)).await.reason(), "ended");
    let next = tokens.refresh(&alive.refresh, Some(&ada)).await.unwrap();
    assert_eq!(judged(&next.access), "good");
    assert_eq!(refused(&tokens, &alive.refresh, Some(&ada)).await.reason(), "reused");
    engine::Engine::stop(&tokens).await;
    engine::Engine::stop(&tokens).await;
}

#[tokio::test]
async fn what_ended_is_removed() {
    let world = World::new().await;
    let ada = world.user("ada");
    let first = world.login(&ada).await;
    let second = world.tokens.refresh(&first.refresh, Some(&ada)).await.unwrap();
    let dead = world.login(&ada).await;
    world.tokens.logout(&dead.access).await.unwrap();
    let count = async || {
        let now = world.now();
        let swept = sweep(&world.store, EndedBefore { checks: now, sessions: now, api_keys: now }).await.unwrap();
        (swept.refresh_tokens, swept.revoked)
    };
    assert_eq!(count().await, (0, 0));
    world.advance(HOUR + 120);
    assert_eq!(count().await, (0, 2), "the token and its session");
    world.advance(DAY);
    assert_eq!(count().await, (2, 0), "the session that ended by itself; the one that was ended is remembered");
    assert_eq!(refused(&world.tokens, &second.refresh, Some(&ada)).await, RefreshError::Unknown);
    assert_eq!(refused(&world.tokens, &dead.refresh, Some(&ada)).await.reason(), "ended");
    world.advance(40 * DAY);
    // The engine does it by itself.
    world.tokens.tend().await;
    assert_eq!(refused(&world.tokens, &dead.refresh, Some(&ada)).await, RefreshError::Unknown);
}
