//! The table of plugins: what it refuses, what it hands out, and that who answers checks hears of it.

use sqlx::postgres::{PgListener, PgPoolOptions};
use store::{
    Slice, Store, StoreError,
    accounts::{
        RIGHTS_CHANNEL,
        permissions::{self, Holder, Rule},
        plugins::{self, Manifest},
        roles::{self, Role},
        tables,
        users::{self, User},
    },
};
use vocabulary::ids::{PermissionId, UserId};

use crate::{
    pool::execute,
    stand::{at, stand},
};

async fn account(store: &Store, name: &str) -> User {
    let user = User {
        id: UserId::fresh(),
        username: name.parse().unwrap(),
        email: None,
        enabled: true,
        organisation: None,
        token_epoch: 0,
        must_change_password: false,
        password_changed_at: None,
        has_password: false,
        has_second_factor: false,
        is_service: true,
        created_at: at(0),
        updated_at: at(0),
    };
    let mut tx = store.begin().await.unwrap();
    users::create(&mut tx, &user, None).await.unwrap();
    tx.commit().await.unwrap();
    user
}

async fn put(store: &Store, user: &User, manifest: &Manifest, seconds: u64) -> Result<(), StoreError> {
    let mut tx = store.begin().await.unwrap();
    plugins::put(&mut tx, &user.id, &user.username, manifest, at(seconds)).await?;
    tx.commit().await
}

fn manifest(publishes: &[&str], reads: &[&str]) -> Manifest {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Manifest { publishes: owned(publishes), reads: owned(reads) }
}

#[tokio::test]
async fn manifests_come_back_as_they_were_kept() {
    let stand = stand();
    let store = stand.store().await;
    let weather = account(&store, "plugin.weather").await;
    let dome = account(&store, "plugin.Dome").await;
    account(&store, "plugin.unknown").await;
    let wanted = manifest(&["sky/clouds", "bigskies/coordinator/telescope/control/park"], &["sky/+/wind", "sky/#"]);
    put(&store, &weather, &manifest(&["a"], &[]), 0).await.unwrap();
    put(&store, &weather, &wanted, 60).await.unwrap();
    put(&store, &dome, &Manifest::default(), 0).await.unwrap();
    let role = Role {
        id: "plugin.weather".parse().unwrap(),
        name: "plugin.weather".to_owned(),
        description: String::new(),
        builtin: false,
        created_at: at(0),
        updated_at: at(0),
    };
    let rule = Rule::allow("telescope", "control").within("telescope:t1");
    let mut tx = store.begin().await.unwrap();
    roles::put(&mut tx, &role).await.unwrap();
    roles::assign(&mut tx, &role.id, &weather.id, at(0)).await.unwrap();
    roles::assign(&mut tx, &"observer".parse().unwrap(), &weather.id, at(0)).await.unwrap();
    let permission = permissions::ensure(&mut tx, &rule, &PermissionId::fresh(), at(0)).await.unwrap();
    permissions::grant(&mut tx, &Holder::Role(role.id.clone()), &permission.id, at(0)).await.unwrap();
    tx.commit().await.unwrap();

    let found = plugins::get(&store, &weather.username).await.unwrap();
    assert_eq!((&found.user, &found.account, &found.manifest), (&weather.id, &weather.username, &wanted));
    assert_eq!((found.rules.as_slice(), found.created_at, found.updated_at), (&[rule][..], at(0), at(60)));
    let first = plugins::list(&store, &Slice::first(1)).await.unwrap();
    assert_eq!((first.items[0].account.as_str(), first.items[0].rules.len()), ("plugin.Dome", 0));
    let second = plugins::list(&store, &Slice { limit: Some(1), cursor: first.next }).await.unwrap();
    assert_eq!((second.items, second.next), (vec![found], None));

    let tables = tables::read(&store).await.unwrap();
    let kept = |user: &User| tables.accounts.iter().find(|account| account.id == user.id).unwrap().manifest.clone();
    assert_eq!((kept(&weather), kept(&dome)), (Some(wanted), Some(Manifest::default())));
    assert_eq!(tables.accounts.iter().filter(|account| account.manifest.is_none()).count(), 1);

    let mut tx = store.begin().await.unwrap();
    assert_eq!(plugins::lock_account(&mut tx, &weather.username).await.unwrap(), Some((weather.id.clone(), true)));
    assert_eq!(plugins::lock_account(&mut tx, &"plugin.WEATHER".parse().unwrap()).await.unwrap(), None);
    plugins::strip(&mut tx, &weather.id, &role.id, std::slice::from_ref(&role.id)).await.unwrap();
    assert!(plugins::remove(&mut tx, &weather.id).await.unwrap());
    assert!(!plugins::remove(&mut tx, &weather.id).await.unwrap());
    tx.commit().await.unwrap();
    let holding = roles::list(&store, Some(&weather.id), &Slice::default()).await.unwrap().items;
    assert_eq!(holding, std::slice::from_ref(&role));
    let left = permissions::list(&store, Some(&Holder::Role(role.id)), &Slice::default()).await.unwrap().items;
    assert!(left.is_empty());
    assert!(matches!(plugins::get(&store, &weather.username).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn what_is_no_manifest() {
    let stand = stand();
    let store = stand.store().await;
    let weather = account(&store, "plugin.weather").await;
    let long = "x".repeat(201);
    let many = |count: usize| vec!["a".to_owned(); count];
    for (wrong, expected) in [
        (manifest(&["sky/+"], &[]), "account plugin.weather: manifest names a topic to publish on that is none"),
        (manifest(&["a", "#"], &[]), "a topic to publish on that is none"),
        (manifest(&[""], &[]), "a topic to publish on that is none"),
        (manifest(&["$SYS/x"], &[]), "a topic to publish on that is none"),
        (manifest(&["a\tb"], &[]), "a topic to publish on that is none"),
        (manifest(&[&long], &[]), "a topic to publish on that is none"),
        (manifest(&[], &[&long]), "a filter to read that is none"),
        (manifest(&[], &["$share/a/b"]), "a filter to read that is none"),
        (manifest(&[], &["a", ""]), "a filter to read that is none"),
        (manifest(&[], &["a\nb"]), "a filter to read that is none"),
        (Manifest { publishes: many(101), reads: Vec::new() }, "more than 100 topics"),
        (Manifest { publishes: Vec::new(), reads: many(101) }, "more than 100 filters"),
        (manifest(&[], &["a\0b"]), "NUL"),
    ] {
        let error = put(&store, &weather, &wrong, 0).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Invalid { .. }) && error.to_string().contains(expected),
            "{wrong:?}: {error}"
        );
    }
    put(&store, &weather, &Manifest { publishes: many(100), reads: many(100) }, 0).await.unwrap();
    let gone = User { id: UserId::fresh(), ..weather };
    assert!(matches!(put(&store, &gone, &Manifest::default(), 0).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_change_of_a_manifest_is_told() {
    let stand = stand();
    let store = stand.store().await;
    let weather = account(&store, "plugin.weather").await;
    let endpoint = store.endpoint();
    let pool = PgPoolOptions::new().max_connections(1).connect(&endpoint.to_url_with_password()).await.unwrap();
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen(RIGHTS_CHANNEL).await.unwrap();
    put(&store, &weather, &Manifest::default(), 0).await.unwrap();
    assert!(listener.recv().await.unwrap().payload().is_empty());
    for statement in
        ["UPDATE plugin_manifests SET reads = '{a}'", "DELETE FROM plugin_manifests", "TRUNCATE plugin_manifests"]
    {
        execute(&endpoint, statement).await;
        execute(&endpoint, &format!("NOTIFY {RIGHTS_CHANNEL}, 'end'")).await;
        assert_eq!(listener.recv().await.unwrap().payload(), "", "{statement}");
        assert_eq!(listener.recv().await.unwrap().payload(), "end", "{statement}");
    }
    drop(listener);
    pool.close().await;
}
