//! Services, health transitions and dead letters: what is recorded is listed, in pages, until it is forgotten.

use health::{Report, Status};
use serde_json::{Map, Value, json};
use store::{
    Page, Slice, Store, StoreError, dead_letters,
    dead_letters::DeadLetter,
    health_history, orbital, services,
    services::{Filter, Service},
};
use vocabulary::ids::ServiceId;

use crate::stand::{at, stand};

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn service(id: &str, name: &str, metadata: Value) -> Service {
    Service {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        endpoint: format!("http://{name}/"),
        metadata: object(metadata),
        status: Status::Healthy,
        registered_at: at(0),
        last_heartbeat: at(0),
    }
}

async fn found(store: &Store, filter: &Filter) -> Vec<String> {
    let page = services::list(store, filter, &Slice::default()).await.unwrap();
    page.items.into_iter().map(|service| service.id.into()).collect()
}

#[tokio::test]
async fn services_are_found() {
    let stand = stand();
    let store = stand.store().await;
    let mut tx = store.begin().await.unwrap();
    for one in [
        service("a", "weather", json!({"site": "la", "rank": {"x": 1, "y": 2}})),
        service("b", "weather", json!({"site": "sf"})),
        service("c", "sky'); DROP TABLE services; --", json!({})),
    ] {
        services::upsert(&mut tx, &one).await.unwrap();
    }
    services::heartbeat(&mut tx, &"b".parse().unwrap(), Status::Degraded, at(60)).await.unwrap();
    tx.commit().await.unwrap();
    for (filter, ids) in [
        (Filter::default(), vec!["a", "b", "c"]),
        (Filter { name: Some("weather".to_owned()), ..Filter::default() }, vec!["a", "b"]),
        (Filter { endpoint: Some("http://weather/".to_owned()), ..Filter::default() }, vec!["a", "b"]),
        (Filter { metadata: Some(object(json!({"rank": {"y": 2}}))), ..Filter::default() }, vec!["a"]),
        (Filter { metadata: Some(object(json!({}))), ..Filter::default() }, vec!["a", "b", "c"]),
        (Filter { silent_since: Some(at(30)), ..Filter::default() }, vec!["a", "c"]),
        (Filter { name: Some("nobody".to_owned()), ..Filter::default() }, vec![]),
    ] {
        assert_eq!(found(&store, &filter).await, ids, "{filter:?}");
    }

    let mut tx = store.begin().await.unwrap();
    let again = Service { registered_at: at(99), last_heartbeat: at(99), ..service("a", "wind", json!({})) };
    services::upsert(&mut tx, &again).await.unwrap();
    services::set_status(&mut tx, &again.id, Status::Unhealthy).await.unwrap();
    services::remove(&mut tx, &"b".parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    let kept = services::get(&store, &again.id).await.unwrap();
    assert_eq!(kept, Service { registered_at: at(0), status: Status::Unhealthy, ..again });

    let nobody: ServiceId = "b".parse().unwrap();
    let mut tx = store.begin().await.unwrap();
    for outcome in [
        services::get(&store, &nobody).await.map(|_| ()),
        services::heartbeat(&mut tx, &nobody, Status::Healthy, at(0)).await,
        services::set_status(&mut tx, &nobody, Status::Healthy).await,
        services::remove(&mut tx, &nobody).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn services_come_in_pages() {
    let stand = stand();
    let store = stand.store().await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..5 {
        services::upsert(&mut tx, &service(&format!("s{number}"), "x", json!({}))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut slice = Slice::first(2);
    let mut seen = Vec::new();
    loop {
        let Page { items, next } = services::list(&store, &Filter::default(), &slice).await.unwrap();
        seen.push(items.len());
        slice.cursor = next;
        if slice.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [2, 2, 1]);
}

#[tokio::test]
async fn health_transitions() {
    let stand = stand();
    let store = stand.store().await;
    let mut tx = store.begin().await.unwrap();
    let reports = [
        Report::new("telescope", Status::Healthy, "all is well", at(0)),
        Report::new("plugin", Status::Unknown, "not observed yet", at(1)),
        Report::new("telescope", Status::Unhealthy, "mount: silent", at(2)).detail("failures", 3),
    ];
    for report in &reports {
        health_history::record(&mut tx, report).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (component, expected) in [(None, vec![2, 1, 0]), (Some("telescope"), vec![2, 0]), (Some("nobody"), vec![])] {
        let page = health_history::list(&store, component, &Slice::default()).await.unwrap();
        let seen: Vec<Report> = page.items.into_iter().map(|transition| transition.report).collect();
        assert_eq!(seen, expected.into_iter().map(|index: usize| reports[index].clone()).collect::<Vec<_>>());
    }
    assert_eq!(health_history::forget_before(&store, at(2)).await.unwrap(), 2);
    assert_eq!(health_history::list(&store, None, &Slice::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn letters_are_cut_and_forgotten() {
    let stand = stand();
    let store = stand.store().await;
    let letter = |number: u64, payload: Vec<u8>| DeadLetter {
        topic: format!("nobody/{number}"),
        payload_size: payload.len() as u64,
        payload,
        reason: "nobody owns it".to_owned(),
        publisher: (number > 0).then(|| "ada".to_owned()),
        received_at: at(number),
    };
    let letters = [letter(0, vec![]), letter(1, vec![0, 255, b'\\']), letter(2, vec![7; 9000])];
    let mut tx = store.begin().await.unwrap();
    dead_letters::record(&mut tx, &letters).await.unwrap();
    let broken = DeadLetter { topic: "a\0b".to_owned(), ..letter(3, vec![]) };
    dead_letters::record(&mut tx, &[broken]).await.unwrap();
    dead_letters::record(&mut tx, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(dead_letters::count(&store).await.unwrap(), 4);
    let page = dead_letters::list(&store, &Slice::default()).await.unwrap();
    assert_eq!(page.items[0].letter.topic, "a\u{fffd}b");
    assert_eq!((page.items[1].letter.payload.len(), page.items[1].letter.payload_size), (4096, 9000));
    assert_eq!(page.items[2].letter, letters[1]);
    assert_eq!(page.items[3].letter, letters[0]);
    assert_eq!(dead_letters::forget_before(&store, at(1)).await.unwrap(), 1);
    assert_eq!(dead_letters::forget_beyond(&store, 3).await.unwrap(), 0);
    assert_eq!(dead_letters::forget_beyond(&store, 1).await.unwrap(), 2);
    assert_eq!(dead_letters::list(&store, &Slice::first(9)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_the_orbital_service_knows_is_kept() {
    let stand = stand();
    let store = stand.store().await;
    let satellite = |id: &str, elements: &str| orbital::Satellite { id: id.to_owned(), elements: elements.to_owned() };
    let station = |id: &str, latitude_degrees: f64| orbital::Station {
        id: id.to_owned(),
        name: "Royal Observatory".to_owned(),
        latitude_degrees,
        longitude_degrees: -0.0015,
        altitude_metres: 46.0,
        elevation_degrees_min: 10.0,
    };
    let mut tx = store.begin().await.unwrap();
    let put = orbital::put_satellites(&mut tx, &[satellite("b", "{}"), satellite("a", "{}")]).await.unwrap();
    assert_eq!(put, orbital::Put { replaced: 0, total: 2 });
    let put = orbital::put_satellites(&mut tx, &[satellite("b", "[]"), satellite("c", "{}")]).await.unwrap();
    assert_eq!(put, orbital::Put { replaced: 1, total: 3 });
    let put = orbital::put_stations(&mut tx, &[station("north", 51.5), station("south", -33.9)]).await.unwrap();
    assert_eq!(put, orbital::Put { replaced: 0, total: 2 });
    assert_eq!(orbital::put_stations(&mut tx, &[station("south", -34.0)]).await.unwrap().replaced, 1);
    tx.commit().await.unwrap();
    let wanted = [satellite("a", "{}"), satellite("b", "[]"), satellite("c", "{}")];
    assert_eq!(orbital::satellites(&store).await.unwrap(), wanted);
    assert_eq!(orbital::stations(&store).await.unwrap(), [station("north", 51.5), station("south", -34.0)]);

    let ids = ["a", "c", "nobody"].map(str::to_owned);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(orbital::remove_satellites(&mut tx, &ids).await.unwrap(), 2);
    assert_eq!(orbital::remove_stations(&mut tx, &["north".to_owned()]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(orbital::satellites(&store).await.unwrap(), [satellite("b", "[]")]);
    for wrong in [station("east", 90.5), station("", 0.0), station("x", f64::NAN)] {
        let mut tx = store.begin().await.unwrap();
        assert!(orbital::put_stations(&mut tx, &[wrong]).await.is_err());
    }
    assert_eq!(orbital::stations(&store).await.unwrap(), [station("south", -34.0)]);
}
