//! Registering, removing and listing satellites and ground stations.

use orbital_client::proto::{
    ElementSet, GroundStation, ListRequest, RegisterGroundStationsRequest, RegisterSatellitesRequest, RemoveRequest,
    SatelliteRegistration, element_set::Form,
};
use service_orbital::{Guard, Limits};
use tonic::Code;

use crate::stand::{Stand, VANGUARD, active, greenwich, set};

fn vanguard(id: &str) -> SatelliteRegistration {
    SatelliteRegistration { id: id.to_owned(), elements: Some(set(VANGUARD)) }
}

#[tokio::test]
async fn the_whole_catalogue_page_by_page() {
    let stand = Stand::start().await;
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = ListRequest { limit: 1000, cursor, contains: String::new() };
        let page = stand.client.list_satellites(page).await.unwrap();
        listed.extend(page.satellites);
        cursor = page.next;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(listed.len(), active().len());
    assert!(listed.is_sorted_by(|a, b| a.id < b.id));
    assert!(listed.iter().all(|known| known.failure.is_empty() && !known.registered && !known.name.is_empty()));
    let station = ListRequest { limit: 0, cursor: String::new(), contains: "iss (zarya)".to_owned() };
    let found = stand.client.list_satellites(station).await.unwrap().satellites;
    assert_eq!(found.iter().map(|known| known.norad_id).collect::<Vec<_>>(), [25_544]);
}

#[tokio::test]
async fn satellites_come_and_go() {
    let stand = Stand::start().await;
    let asked = RegisterSatellitesRequest { satellites: vec![vanguard(""), vanguard("van-1"), vanguard("25544")] };
    let done = stand.client.register_satellites(asked.clone()).await.unwrap();
    assert_eq!((done.ids, done.replaced), (vec!["5".to_owned(), "van-1".to_owned(), "25544".to_owned()], 0));
    assert_eq!(stand.client.register_satellites(asked).await.unwrap().replaced, 3);
    let list = async |contains: &str| {
        let page = ListRequest { contains: contains.to_owned(), ..ListRequest::default() };
        stand.client.list_satellites(page).await.unwrap().satellites
    };
    let found = list("VAN-1").await;
    assert_eq!(found.len(), 1);
    assert!(found[0].registered && found[0].norad_id == 5, "{found:?}");
    // What is registered stands before the catalogue, which stays behind it.
    assert_eq!(list("25544").await[0].norad_id, 5);
    let ids = ["van-1", "25544", "nobody"].map(str::to_owned).to_vec();
    assert_eq!(stand.client.remove_satellites(RemoveRequest { ids }).await.unwrap().removed, 2);
    assert_eq!(list("25544").await[0].norad_id, 25_544);
    assert_eq!(list("van-1").await, []);
}

#[tokio::test]
async fn wrong_registrations_change_nothing() {
    let limits = Limits { registered_satellites_max: 2, registered_stations_max: 2, ..Limits::default() };
    let stand = Stand::with(limits, Guard::open()).await;
    let broken = ElementSet { form: Some(Form::Omm("{\"OBJECT_NAME\": 5}".to_owned())) };
    let omm = SatelliteRegistration { id: "omm".to_owned(), elements: Some(broken) };
    let nothing = SatelliteRegistration { id: "nothing".to_owned(), elements: None };
    for (satellites, code, says) in [
        (vec![], Code::InvalidArgument, "field satellites "),
        (vec![vanguard("a"), vanguard("a")], Code::InvalidArgument, "field satellites[1].id "),
        (vec![vanguard("a"), vanguard("b/c")], Code::InvalidArgument, "field satellites[1].id "),
        (vec![vanguard("a"), omm], Code::InvalidArgument, "field satellites[1].elements.omm "),
        (vec![vanguard("a"), nothing], Code::InvalidArgument, "field satellites[1].elements "),
        (
            vec![vanguard("a"), vanguard("b"), vanguard("c")],
            Code::ResourceExhausted,
            "2 satellites are registered at most",
        ),
    ] {
        let asked = RegisterSatellitesRequest { satellites };
        let status = stand.client.grpc().register_satellites(asked.clone()).await.unwrap_err();
        assert!(status.code() == code && status.message().starts_with(says), "{asked:?} {status}");
    }
    let page = ListRequest { contains: "a".to_owned(), ..ListRequest::default() };
    assert!(stand.client.list_satellites(page).await.unwrap().satellites.iter().all(|known| !known.registered));

    let at = |latitude_deg| GroundStation { latitude_deg, ..greenwich() };
    for (station, says) in [
        (at(90.1), "field ground_stations[0].latitude_deg "),
        (at(f64::NAN), "field ground_stations[0].latitude_deg "),
        (GroundStation { longitude_deg: 181.0, ..greenwich() }, "field ground_stations[0].longitude_deg "),
        (GroundStation { altitude_m: f64::INFINITY, ..greenwich() }, "field ground_stations[0].altitude_m "),
        (GroundStation { min_elevation_deg: 90.0, ..greenwich() }, "field ground_stations[0].min_elevation_deg "),
        (GroundStation { id: String::new(), ..greenwich() }, "field ground_stations[0].id "),
    ] {
        let asked = RegisterGroundStationsRequest { ground_stations: vec![station] };
        let status = stand.client.grpc().register_ground_stations(asked.clone()).await.unwrap_err();
        assert!(status.code() == Code::InvalidArgument && status.message().starts_with(says), "{asked:?} {status}");
    }
}

#[tokio::test]
async fn ground_stations_come_and_go() {
    let stand = Stand::start().await;
    let south = GroundStation { id: "south".to_owned(), latitude_deg: -33.9, longitude_deg: 18.4, ..greenwich() };
    let asked = RegisterGroundStationsRequest { ground_stations: vec![south.clone(), greenwich()] };
    assert_eq!(stand.client.register_ground_stations(asked.clone()).await.unwrap().replaced, 0);
    assert_eq!(stand.client.register_ground_stations(asked).await.unwrap().replaced, 2);
    let first = stand.client.list_ground_stations(ListRequest { limit: 1, ..ListRequest::default() }).await.unwrap();
    assert_eq!((first.ground_stations, first.next.as_str()), (vec![greenwich()], "greenwich"));
    let page = ListRequest { cursor: first.next, ..ListRequest::default() };
    assert_eq!(stand.client.list_ground_stations(page).await.unwrap().ground_stations, [south]);
    let ids = vec!["south".to_owned(), "greenwich".to_owned()];
    assert_eq!(stand.client.remove_ground_stations(RemoveRequest { ids }).await.unwrap().removed, 2);
    // What was known from the beginning stands again.
    let left = stand.client.list_ground_stations(ListRequest::default()).await.unwrap();
    assert_eq!(left.ground_stations, [greenwich()]);
}
