//! What is registered outlives the service and is known to its replicas.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use orbital_client::{
    OrbitalClient, OrbitalClientOptions,
    proto::{
        ListRequest, RegisterGroundStationsRequest, RegisterSatellitesRequest, RemoveRequest, SatelliteRegistration,
        VisibilityQuery, Window,
    },
};
use service_orbital::{Guard, Limits, Orbital, OrbitalOptions, Rows};
use store::{Changes, ClusterOptions, PoolSettings, PrivateCluster, Store, migrations, orbital};
use tonic::Code;

use crate::stand::{VANGUARD, active, greenwich, instant, set, url};

/// A replica of the service, over a store of its own.
struct Replica {
    service: Orbital,
    client: OrbitalClient,
    _changes: Changes,
}

impl Replica {
    async fn start(store: Store) -> Self {
        let changes = Changes::listen(store.clone(), &[orbital::CHANNEL]);
        let changed = changes.on(orbital::CHANNEL).unwrap();
        let mut options = OrbitalOptions::at(([127, 0, 0, 1], 0).into(), Guard::open());
        options.catalogue = active();
        options.limits = Limits { registered_satellites_max: 3, ..Limits::default() };
        options.registrations = Some(Rows { store, changed });
        let service = Orbital::start(options).await.unwrap();
        let client = OrbitalClient::new(&OrbitalClientOptions::new(url(&service))).unwrap();
        Self { service, client, _changes: changes }
    }

    async fn registered(&self) -> Vec<String> {
        let page = ListRequest { contains: "van-".to_owned(), ..ListRequest::default() };
        let found = self.client.list_satellites(page).await.unwrap().satellites;
        found.into_iter().filter(|known| known.registered).map(|known| known.id).collect()
    }

    async fn knows(&self, ids: &[&str]) {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let come = async {
            while self.registered().await != ids {
                ticks.tick().await;
            }
        };
        let is_so = tokio::time::timeout(Duration::from_secs(30), come).await.is_ok();
        assert!(is_so, "{ids:?} were registered, {:?} are known", self.registered().await);
    }
}

fn satellites(ids: &[&str]) -> RegisterSatellitesRequest {
    let one = |id: &&str| SatelliteRegistration { id: (*id).to_owned(), elements: Some(set(VANGUARD)) };
    RegisterSatellitesRequest { satellites: ids.iter().map(one).collect() }
}

#[tokio::test]
async fn replicas_share_what_is_registered_and_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = PrivateCluster::start(folder.path(), ClusterOptions::default()).await.unwrap();
    let endpoint = cluster.create_database("orbital").await.unwrap();
    migrations::run(&endpoint, &[]).await.unwrap();
    let store = async || Store::connect(endpoint.clone(), PoolSettings::default()).await.unwrap();
    let (one, two) = (Replica::start(store().await).await, Replica::start(store().await).await);

    // Whoever registered knows at once; the other in a moment.
    let done = one.client.register_satellites(satellites(&["van-1", "van-2"])).await.unwrap();
    assert_eq!((done.ids, done.replaced), (vec!["van-1".to_owned(), "van-2".to_owned()], 0));
    assert_eq!(one.registered().await, ["van-1", "van-2"]);
    two.knows(&["van-1", "van-2"]).await;
    let asked = RegisterGroundStationsRequest { ground_stations: vec![greenwich()] };
    two.client.register_ground_stations(asked).await.unwrap();
    assert_eq!(two.client.register_satellites(satellites(&["van-1"])).await.unwrap().replaced, 1);

    // The bound holds for all of them together, and all or none are registered.
    let status = two.client.grpc().register_satellites(satellites(&["van-3", "van-4"])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(two.registered().await, ["van-1", "van-2"]);

    one.service.stop().await;
    let again = Replica::start(store().await).await;
    assert_eq!(again.registered().await, ["van-1", "van-2"]);
    let query = VisibilityQuery {
        satellite_id: "van-1".to_owned(),
        ground_station_id: "greenwich".to_owned(),
        window: Some(Window {
            start: Some(instant("2000-06-28T00:00:00Z")),
            end: Some(instant("2000-06-29T00:00:00Z")),
        }),
    };
    let passes = again.client.visibility(query.clone()).await.unwrap().passes;
    assert_eq!(two.client.visibility(query).await.unwrap().passes, passes);
    assert!(!passes.is_empty());

    let ids = vec!["van-1".to_owned(), "nobody".to_owned()];
    assert_eq!(two.client.remove_satellites(RemoveRequest { ids }).await.unwrap().removed, 1);
    again.knows(&["van-2"]).await;
    // A row that somebody wrote by hand and that is none is left out; what is good is served.
    let mut tx = store().await.begin().await.unwrap();
    let broken = orbital::Satellite { id: "broken".to_owned(), elements: "{".to_owned() };
    orbital::put_satellites(&mut tx, &[broken]).await.unwrap();
    tx.commit().await.unwrap();
    let ids = vec!["greenwich".to_owned()];
    assert_eq!(again.client.remove_ground_stations(RemoveRequest { ids }).await.unwrap().removed, 1);
    again.knows(&["van-2"]).await;
    again.service.stop().await;
    two.service.stop().await;
    cluster.stop().await.unwrap();
}
