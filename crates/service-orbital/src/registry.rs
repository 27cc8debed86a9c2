//! Where registered satellites and ground stations are kept: in rows that all replicas of the service share, else as long as this one runs.

use std::{sync::Arc, time::Duration};

use engine_orbital::{Elements, Form, Origin as Written};
use orbital_client::proto::GroundStation;
use store::{Changed, Store, StoreError, orbital as rows};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;
use vocabulary::Fault;

use crate::{
    answers::register::named_station,
    known::{Ground, Known, Origin, Satellite, full},
    limits::Limits,
    refusal::Refusal,
};

/// Rows are read again now and then without a notice, which may have been lost.
const READ_INTERVAL: Duration = Duration::from_secs(300);
/// The pause before rows that could not be read are asked for again; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The rows of what is registered, and notices of their changes.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Where they are.
    pub store: Store,
    /// Tells of changes, by whichever process; listens on [`store::orbital::CHANNEL`].
    pub changed: Changed,
}

/// What is registered: changes of it are kept first and known then.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    known: Known,
    limits: Limits,
    store: Option<Store>,
    /// Rows are read, and known, one after the other.
    turn: Arc<Mutex<()>>,
}

impl Registry {
    pub(crate) fn new(known: Known, limits: Limits, store: Option<Store>) -> Self {
        Self { known, limits, store, turn: Arc::default() }
    }

    /// Registers satellites, all or none; says how many were there before.
    pub(crate) async fn register_satellites(&self, satellites: Vec<Satellite>) -> Result<u32, Refusal> {
        let Some(store) = &self.store else { return self.known.register_satellites(satellites) };
        let kept = satellites.iter().enumerate().map(|(index, satellite)| {
            written(satellite).map_err(|refusal| refusal.within(&format!("satellites[{index}]")))
        });
        let kept: Vec<rows::Satellite> = kept.collect::<Result<_, Refusal>>()?;
        let _turn = self.turn.lock().await;
        let mut tx = store.begin().await.map_err(kept_nowhere)?;
        let put = rows::put_satellites(&mut tx, &kept).await.map_err(kept_nowhere)?;
        within("satellites", put.total, self.limits.registered_satellites_max)?;
        tx.commit().await.map_err(kept_nowhere)?;
        self.known.register_satellites(satellites)?;
        Ok(count(put.replaced))
    }

    /// Takes registered satellites away; says how many were there.
    pub(crate) async fn remove_satellites(&self, ids: &[String]) -> Result<u32, Refusal> {
        let Some(store) = &self.store else { return self.known.remove_satellites(ids) };
        let _turn = self.turn.lock().await;
        let mut tx = store.begin().await.map_err(kept_nowhere)?;
        let removed = rows::remove_satellites(&mut tx, ids).await.map_err(kept_nowhere)?;
        tx.commit().await.map_err(kept_nowhere)?;
        self.known.remove_satellites(ids)?;
        Ok(count(removed))
    }

    /// Registers ground stations, all or none; says how many were there before.
    pub(crate) async fn register_stations(&self, stations: Vec<Ground>) -> Result<u32, Refusal> {
        let Some(store) = &self.store else { return self.known.register_stations(stations) };
        let kept: Vec<rows::Station> = stations.iter().map(|ground| row(&ground.sent)).collect();
        let _turn = self.turn.lock().await;
        let mut tx = store.begin().await.map_err(kept_nowhere)?;
        let put = rows::put_stations(&mut tx, &kept).await.map_err(kept_nowhere)?;
        within("ground stations", put.total, self.limits.registered_stations_max)?;
        tx.commit().await.map_err(kept_nowhere)?;
        self.known.register_stations(stations)?;
        Ok(count(put.replaced))
    }

    /// Takes registered ground stations away; says how many were there.
    pub(crate) async fn remove_stations(&self, ids: &[String]) -> Result<u32, Refusal> {
        let Some(store) = &self.store else { return self.known.remove_stations(ids) };
        let _turn = self.turn.lock().await;
        let mut tx = store.begin().await.map_err(kept_nowhere)?;
        let removed = rows::remove_stations(&mut tx, ids).await.map_err(kept_nowhere)?;
        tx.commit().await.map_err(kept_nowhere)?;
        self.known.remove_stations(ids)?;
        Ok(count(removed))
    }

    /// Reads everything that is kept; rows that can't be used are left out, and said so.
    pub(crate) async fn read(&self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let _turn = self.turn.lock().await;
        let satellites = rows::satellites(store).await?;
        let stations = rows::stations(store).await?;
        let usable = satellites.into_iter().filter_map(|row| read_satellite(row).inspect_err(left_out).ok()).collect();
        let grounds = stations.into_iter().filter_map(|row| read_station(row).inspect_err(left_out).ok()).collect();
        self.known.replace_registered(usable, grounds);
        Ok(())
    }

    /// Reads again whenever another process has changed something, until `stop`.
    pub(crate) async fn follow(self, mut changed: Changed, stop: CancellationToken) {
        let following = async {
            loop {
                let _ = timeout(READ_INTERVAL, changed.next()).await;
                let mut pause = PAUSE;
                while let Err(error) = self.read().await {
                    tracing::warn!(%error, "registered satellites can't be read; what was read last is served on");
                    let _ = timeout(pause, changed.next()).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }
}

fn within(what: &str, total: u64, max: usize) -> Result<(), Refusal> {
    if total > max as u64 { Err(full(what, max)) } else { Ok(()) }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn kept_nowhere(error: StoreError) -> Refusal {
    Refusal::Fault(Fault::from(error))
}

fn left_out(why: &String) {
    tracing::warn!(why, "a registration can't be used");
}

fn written(satellite: &Satellite) -> Result<rows::Satellite, Refusal> {
    // JSON says nothing of who wrote it, nor when.
    let unsaid = Written { originator: String::new(), created: satellite.elements.epoch };
    let elements = Form::OmmJson.write(std::slice::from_ref(&satellite.elements), &unsaid);
    let elements = elements.map_err(|error| Refusal::field("elements", format!("can't be kept: {error}")))?;
    Ok(rows::Satellite { id: satellite.id.clone(), elements })
}

fn read_satellite(row: rows::Satellite) -> Result<Satellite, String> {
    let mut elements = Elements::read(&row.elements).map_err(|error| format!("satellite {}: {error}", row.id))?;
    match (elements.pop(), elements.is_empty()) {
        (Some(one), true) => Ok(Satellite::new(Some(row.id), one, Origin::Registered)),
        _ => Err(format!("satellite {} does not have one set of elements", row.id)),
    }
}

fn row(sent: &GroundStation) -> rows::Station {
    rows::Station {
        id: sent.id.clone(),
        name: sent.name.clone(),
        latitude_degrees: sent.latitude_deg,
        longitude_degrees: sent.longitude_deg,
        altitude_metres: sent.altitude_m,
        elevation_degrees_min: sent.min_elevation_deg,
    }
}

fn read_station(row: rows::Station) -> Result<Ground, String> {
    let id = row.id.clone();
    let sent = GroundStation {
        id: row.id,
        name: row.name,
        latitude_deg: row.latitude_degrees,
        longitude_deg: row.longitude_degrees,
        altitude_m: row.altitude_metres,
        min_elevation_deg: row.elevation_degrees_min,
    };
    named_station(sent).map_err(|refusal| format!("ground station {id}: {}", tonic::Status::from(refusal).message()))
}
