//! Sites, telescopes, devices and roles: kept, changed, refused, and found again under the same id.

use store::{
    Slice, Store, StoreError,
    telescopes::{
        MountType, OwnerType, Role, configurations,
        configurations::{Configuration, Filter},
        devices,
        devices::{Device, Found},
        roles, sites,
        sites::Site,
    },
};
use vocabulary::{
    Latitude, Longitude,
    ids::{DeviceId, SiteId, TelescopeId},
};

use crate::stand::{at, stand};

fn telescope(id: &str, name: &str, owner: &str) -> Configuration {
    Configuration {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        description: "the big one".to_owned(),
        owner: owner.parse().unwrap(),
        owner_type: OwnerType::User,
        site: None,
        mount_type: MountType::Equatorial,
        enabled: true,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn mount(server: &str, number: u32, uuid: Option<&str>) -> Found {
    Found {
        device_type: "telescope".to_owned(),
        device_number: number,
        name: "mount".to_owned(),
        description: String::new(),
        driver_info: "driver".to_owned(),
        driver_version: "1".to_owned(),
        server_url: server.to_owned(),
        uuid: uuid.map(str::to_owned),
        protocol: "alpaca".to_owned(),
        simulated: true,
    }
}

async fn discover(store: &Store, found: &Found, seconds: u64) -> Device {
    let mut tx = store.begin().await.unwrap();
    let device = devices::found(&mut tx, found, at(seconds)).await.unwrap();
    tx.commit().await.unwrap();
    device
}

#[tokio::test]
async fn a_telescope_from_beginning_to_end() {
    let stand = stand();
    let store = stand.store().await;
    let site = Site {
        id: "la".parse().unwrap(),
        name: "Los Angeles".to_owned(),
        description: String::new(),
        latitude: Latitude::degrees(34.05).unwrap(),
        longitude: Longitude::degrees(-118.25).unwrap(),
        elevation_metres: 71.0,
        timezone: "America/Los_Angeles".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    };
    let mut tx = store.begin().await.unwrap();
    sites::put(&mut tx, &site).await.unwrap();
    sites::put(&mut tx, &Site { name: "LA".to_owned(), created_at: at(9), ..site.clone() }).await.unwrap();
    let first = Configuration { site: Some(site.id.clone()), ..telescope("t1", "Big", "ada") };
    configurations::create(&mut tx, &first).await.unwrap();
    configurations::create(&mut tx, &telescope("t2", "Big", "bob")).await.unwrap();
    configurations::create(&mut tx, &telescope("t3", "Small", "ada")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sites::get(&store, &site.id).await.unwrap(), Site { name: "LA".to_owned(), ..site.clone() });
    assert_eq!(sites::list(&store, &Slice::default()).await.unwrap().items.len(), 1);
    assert_eq!(configurations::get(&store, &first.id).await.unwrap(), first);

    for (filter, ids) in [
        (Filter::default(), vec!["t1", "t2", "t3"]),
        (Filter { owner: Some("ada".parse().unwrap()), ..Filter::default() }, vec!["t1", "t3"]),
        (Filter { name: Some("Big".to_owned()), ..Filter::default() }, vec!["t1", "t2"]),
        (Filter { site: Some(site.id.clone()), ..Filter::default() }, vec!["t1"]),
    ] {
        let page = configurations::list(&store, &filter, &Slice::default()).await.unwrap();
        let seen: Vec<String> = page.items.into_iter().map(|telescope| telescope.id.into()).collect();
        assert_eq!(seen, ids, "{filter:?}");
    }

    let nowhere = Some("nowhere".parse::<SiteId>().unwrap());
    for (what, given, creates, part) in [
        ("taken name", telescope("t4", "Big", "ada"), true, "ada has one of this name"),
        ("taken name", telescope("t3", "Big", "ada"), false, "ada has one of this name"),
        ("taken id", telescope("t1", "New", "ada"), true, "telescope t1 exists"),
        (
            "no site",
            Configuration { site: nowhere, ..telescope("t4", "New", "ada") },
            true,
            "site nowhere does not exist",
        ),
        ("no telescope", telescope("t9", "New", "ada"), false, "telescope t9 does not exist"),
        ("no name", telescope("t4", "", "ada"), true, "name_check"),
    ] {
        let mut tx = store.begin().await.unwrap();
        let outcome = if creates {
            configurations::create(&mut tx, &given).await
        } else {
            configurations::update(&mut tx, &given).await
        };
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(part), "{what}: {error}");
    }

    let mut tx = store.begin().await.unwrap();
    let changed = Configuration { enabled: false, name: "Bigger".to_owned(), updated_at: at(5), ..first.clone() };
    configurations::update(&mut tx, &changed).await.unwrap();
    sites::remove(&mut tx, &site.id).await.unwrap();
    configurations::remove(&mut tx, &"t2".parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(configurations::get(&store, &first.id).await.unwrap(), Configuration { site: None, ..changed });
    let gone = configurations::get(&store, &"t2".parse().unwrap()).await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound { .. }), "{gone}");
}

#[tokio::test]
async fn a_device_keeps_its_id() {
    let stand = stand();
    let store = stand.store().await;
    let (here, there) = ("http://10.0.0.1:11111", "http://10.0.0.2:11111");
    let first = discover(&store, &mount(here, 0, None), 0).await;
    for (what, found) in [
        ("seen again", mount(here, 0, None)),
        ("its own id is known now", mount(here, 0, Some("u-1"))),
        ("not told this time", mount(here, 0, None)),
        ("renamed", Found { name: "new mount".to_owned(), ..mount(here, 0, Some("u-1")) }),
        ("moved", mount(there, 3, Some("u-1"))),
    ] {
        let device = discover(&store, &found, 10).await;
        assert_eq!((&device.id, device.created_at, device.last_seen), (&first.id, at(0), at(10)), "{what}");
        assert_eq!(
            (device.name, device.server_url.unwrap(), device.device_number),
            (found.name, found.server_url, found.device_number),
            "{what}"
        );
    }
    let kinds = Found { device_type: "camera".to_owned(), ..mount(there, 3, Some("u-1")) };
    let others = [mount(here, 0, Some("u-2")), mount(here, 1, None), kinds];
    for found in &others {
        assert_ne!(discover(&store, found, 20).await.id, first.id, "{found:?}");
    }

    // Another device stands at its address: it is the same device still, and nobody knows where.
    let second = discover(&store, &mount(there, 3, Some("u-3")), 30).await;
    assert_ne!(second.id, first.id);
    let displaced = devices::get(&store, &first.id).await.unwrap();
    assert_eq!((displaced.server_url, displaced.uuid.as_deref()), (None, Some("u-1")));
    assert_eq!(discover(&store, &mount(here, 7, Some("u-1")), 40).await.id, first.id);

    // Two that change places keep their ids.
    let (one, two) = (
        discover(&store, &mount(there, 8, Some("a")), 50).await,
        discover(&store, &mount(there, 9, Some("b")), 50).await,
    );
    assert_eq!(discover(&store, &mount(there, 9, Some("a")), 60).await.id, one.id);
    assert_eq!(discover(&store, &mount(there, 8, Some("b")), 60).await.id, two.id);

    let page = devices::list(&store, Some("camera"), &Slice::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(devices::list(&store, None, &Slice::default()).await.unwrap().items.len(), 7);
}

#[tokio::test]
async fn many_discoveries_at_once() {
    let stand = stand();
    let store = stand.store().await;
    let found = (0..20).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { discover(&store, &mount("http://x", number % 2, None), 0).await.id })
    });
    let ids: std::collections::BTreeSet<DeviceId> =
        futures::future::join_all(found).await.into_iter().map(|id| id.unwrap()).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn one_device_for_each_role() {
    let stand = stand();
    let store = stand.store().await;
    let (one, two) = (
        discover(&store, &mount("http://x", 0, None), 0).await,
        discover(&store, &mount("http://x", 1, None), 0).await,
    );
    let id: TelescopeId = "t1".parse().unwrap();
    let mut tx = store.begin().await.unwrap();
    configurations::create(&mut tx, &telescope("t1", "Big", "ada")).await.unwrap();
    roles::assign(&mut tx, &id, Role::Telescope, &one.id, at(1)).await.unwrap();
    roles::assign(&mut tx, &id, Role::Camera, &one.id, at(1)).await.unwrap();
    roles::connected(&mut tx, &one.id, at(2)).await.unwrap();
    roles::assign(&mut tx, &id, Role::Telescope, &two.id, at(3)).await.unwrap();
    devices::set_connected_wanted(&mut tx, &two.id, true, at(3)).await.unwrap();
    tx.commit().await.unwrap();
    let seen: Vec<_> = roles::of_telescope(&store, &id)
        .await
        .unwrap()
        .into_iter()
        .map(|a| (a.role, a.device, a.last_connected, a.created_at))
        .collect();
    let expected = [(Role::Camera, one.id.clone(), Some(at(2)), at(1)), (Role::Telescope, two.id.clone(), None, at(1))];
    assert_eq!(seen, expected);
    assert!(devices::get(&store, &two.id).await.unwrap().connected_wanted);
    assert!(discover(&store, &mount("http://x", 1, None), 9).await.connected_wanted);
    assert_eq!(roles::of_device(&store, &two.id).await.unwrap().len(), 1);

    for (telescope, device, part) in [("t9", &one.id, "telescope t9"), ("t1", &"d9".parse().unwrap(), "device d9")] {
        let mut tx = store.begin().await.unwrap();
        let outcome = roles::assign(&mut tx, &telescope.parse().unwrap(), Role::Dome, device, at(1)).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }) && error.to_string().contains(part), "{error}");
    }
    let mut tx = store.begin().await.unwrap();
    assert!(roles::unassign(&mut tx, &id, Role::Camera).await.unwrap());
    assert!(!roles::unassign(&mut tx, &id, Role::Camera).await.unwrap());
    devices::remove(&mut tx, &two.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(roles::of_telescope(&store, &id).await.unwrap().is_empty());
}
