//! Plugins: let in, let in again with something else, and let in no more.

use engine_accounts::{Admitted, ExposeSecret, PluginAdmission};
use store::{
    Slice,
    accounts::{
        permissions::{Holder, Rule},
        plugins::Manifest,
    },
};
use vocabulary::ids::{AccountName, PluginId, RoleId};

use crate::stand::{Stand, until, word};

fn weather() -> PluginAdmission {
    PluginAdmission {
        id: "weather".parse().unwrap(),
        publishes: vec!["bigskies/coordinator/telescope/control/park".to_owned(), "sky/clouds".to_owned()],
        reads: vec!["bigskies/coordinator/telescope/event/#".to_owned()],
        permissions: vec![Rule::allow("telescope", "control"), Rule::deny("telescope", "write").within("telescope:t1")],
    }
}

async fn admit(stand: &Stand, admission: &PluginAdmission) -> Admitted {
    stand.write(async |tx| stand.accounts.admit_plugin(tx, admission).await).await.unwrap()
}

async fn enters(stand: &Stand, admitted: &Admitted) -> &'static str {
    let password = admitted.password.expose_secret();
    word(&stand.login(admitted.user.username.as_str(), password, "peer").await)
}

#[tokio::test]
async fn a_plugin_has_what_it_was_let_in_with() {
    let stand = Stand::new().await;
    let (rights, _changes) = stand.rights(&[]).await;
    let first = admit(&stand, &weather()).await;
    let name: AccountName = "plugin.weather".parse().unwrap();
    assert_eq!((&first.user.username, first.user.is_service, first.user.enabled), (&name, true, true));
    assert_eq!(first.password.expose_secret().len(), 43);
    assert_eq!(enters(&stand, &first).await, "in");
    until("the plugin", || async { rights.user_id(&name).is_some() }).await;
    let may = |resource: &str, action: &str| rights.check(&name, (resource, action), None).allowed;
    for (right, allowed) in [
        (("telescope", "control"), true),
        (("telescope", "write"), false),
        (("service", "write"), true),
        (("uielement", "write"), true),
        (("user", "read"), false),
    ] {
        assert_eq!(may(right.0, right.1), allowed, "{right:?}");
    }
    let snapshot = rights.snapshot();
    let account = snapshot.account(&name).unwrap();
    let weather = weather();
    let manifest = Manifest { publishes: weather.publishes, reads: weather.reads };
    assert_eq!(account.manifest.as_deref(), Some(&manifest));
    assert_eq!(account.roles, ["plugin", "plugin.weather"]);
    assert!(account.is_service && !account.administrator);

    let listed = stand.accounts.plugins(&Slice::default()).await.unwrap().items;
    assert_eq!(listed, [stand.accounts.plugin(&weather.id).await.unwrap()]);
    assert_eq!((&listed[0].manifest, &listed[0].rules, listed[0].enabled), (&manifest, &weather.permissions, true));
}

#[tokio::test]
async fn let_in_again_it_has_the_new_things_alone() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada = stand.user_with("ada", "administrator").await;
    let first = admit(&stand, &weather()).await;
    let id = first.user.id.clone();
    // What somebody gave it besides does not go to whoever lets it in again and so knows its password.
    let group = stand.write(async |tx| accounts.create_group(tx, "owls", "", None).await).await.unwrap();
    let administrator: RoleId = "administrator".parse().unwrap();
    stand
        .write(async |tx| {
            accounts.join_group(tx, &group.id, &id).await?;
            accounts.enrol_second_factor(tx, &id).await?;
            accounts.assign_role(tx, &administrator, &id).await
        })
        .await
        .unwrap();
    stand.wait(60);
    let changed = PluginAdmission {
        publishes: Vec::new(),
        reads: vec!["sky/#".to_owned()],
        permissions: vec![Rule::allow("dome", "read")],
        ..weather()
    };
    let second = admit(&stand, &changed).await;
    assert_eq!(second.user.id, id);
    assert!(second.user.token_epoch > first.user.token_epoch);
    assert_eq!((enters(&stand, &first).await, enters(&stand, &second).await), ("wrong-password", "in"));
    let plugin = accounts.plugin(&changed.id).await.unwrap();
    assert_eq!(plugin.manifest, Manifest { publishes: Vec::new(), reads: changed.reads });
    assert_eq!(plugin.rules, changed.permissions);
    assert!(plugin.updated_at > plugin.created_at);
    let (rights, _changes) = stand.rights(&[]).await;
    let snapshot = rights.snapshot();
    let account = snapshot.account(&plugin.account).unwrap();
    assert_eq!(
        (account.roles.as_slice(), account.groups.len()),
        (&["plugin".to_owned(), "plugin.weather".to_owned()][..], 0)
    );
    assert!(rights.is_administrator(&ada.username));
}

#[tokio::test]
async fn a_dismissed_one_is_out() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let first = admit(&stand, &weather()).await;
    let id = weather().id;
    let dismiss = || stand.write(async |tx| accounts.dismiss_plugin(tx, &id).await);
    let user = dismiss().await.unwrap();
    assert!(!user.enabled && !user.has_password && user.token_epoch > first.user.token_epoch);
    assert_eq!(enters(&stand, &first).await, "no-password");
    assert_eq!(accounts.plugins(&Slice::default()).await.unwrap().items, []);
    assert!(accounts.role(&"plugin.weather".parse().unwrap()).await.is_err());
    assert_eq!(dismiss().await.unwrap_err().to_string(), "plugin weather is not let in");
    let (rights, _changes) = stand.rights(&[]).await;
    assert_eq!(rights.snapshot().account(&user.username).unwrap().manifest, None);

    let again = admit(&stand, &weather()).await;
    assert_eq!((again.user.id == user.id, again.user.enabled), (true, true));
    assert_eq!(enters(&stand, &again).await, "in");
}

#[tokio::test]
async fn what_is_no_plugin() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    stand.user("plugin.ann").await;
    stand.write(async |tx| accounts.create_role(tx, "plugin.dome", "").await).await.unwrap();
    admit(&stand, &weather()).await;
    let named = |id: &str| PluginAdmission { id: id.parse::<PluginId>().unwrap(), ..weather() };
    let many = |count: usize| vec!["sky/clouds".to_owned(); count];
    for (admission, expected) in [
        (named("ann"), "account plugin.ann is a person's; give the plugin another id"),
        (named("dome"), "role plugin.dome exists"),
        (named("Weather"), "role plugin.Weather exists"),
        (named(&"x".repeat(58)), "its id has more than 57 characters"),
        (PluginAdmission { publishes: many(101), ..weather() }, "more than 100 topics to publish on"),
        (PluginAdmission { reads: many(101), ..weather() }, "more than 100 filters to read"),
        (PluginAdmission { publishes: vec!["sky/#".to_owned()], ..weather() }, "a topic to publish on that is none"),
        (PluginAdmission { reads: vec![String::new()], ..weather() }, "a filter to read that is none"),
        (
            PluginAdmission { permissions: vec![Rule::allow("Sky", "read")], ..weather() },
            "resource is not a lower-case word",
        ),
        (
            PluginAdmission { permissions: vec![Rule::allow("sky", "read"); 101], ..weather() },
            "plugin weather can't have more than 100 permissions",
        ),
    ] {
        let outcome = stand.write(async |tx| accounts.admit_plugin(tx, &admission).await).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let plugin = accounts.plugin(&weather().id).await.unwrap();
    assert_eq!(plugin.rules, weather().permissions, "what is refused changes nothing");
    assert!(accounts.plugin(&named("dome").id).await.is_err());
}

#[tokio::test]
async fn an_administrator_is_left() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada = stand.user_with("ada", "administrator").await;
    admit(&stand, &weather()).await;
    let own: RoleId = "plugin.weather".parse().unwrap();
    stand.write(async |tx| accounts.assign_role(tx, &own, &ada.id).await).await.unwrap();
    let binding = PluginAdmission { permissions: vec![Rule::deny("user", "*")], ..weather() };
    let outcome = stand.write(async |tx| accounts.admit_plugin(tx, &binding).await).await;
    assert!(outcome.unwrap_err().to_string().contains("no administrator would be left"));
    let rules = accounts.permissions(Some(&Holder::Role(own)), &Slice::default()).await.unwrap().items;
    assert_eq!(rules.len(), 2);
}

#[tokio::test]
async fn two_who_let_the_same_one_in_at_once_come_one_after_the_other() {
    let stand = Stand::new().await;
    let admission = weather();
    let (one, two) = tokio::join!(admit(&stand, &admission), admit(&stand, &admission));
    assert_eq!(one.user.id, two.user.id);
    let entered = [enters(&stand, &one).await, enters(&stand, &two).await];
    assert_eq!(entered.iter().filter(|outcome| **outcome == "in").count(), 1, "{entered:?}");
}
