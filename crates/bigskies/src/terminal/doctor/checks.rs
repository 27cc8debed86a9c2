//! The checks: each looks at one thing and comes to a finding.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use bus::Address;
use catalog::{
    Owner,
    datastore::{GetStatistics, Ping, Statistics},
    frame::{GetHealth, HealthNow},
    message::ListDeadLetters,
    telescope::Device,
};
use health::Status;
use tokio::net::TcpStream;
use vocabulary::{Clock, Fault, Timestamp};

use crate::terminal::{client::Client, doctor::finding::Finding, identity::Identity, telescope};

/// How far two clocks may be apart: more, and deadlines are missed and mounts point beside their targets by half a minute of arc.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);
/// How much of what the server allows may be in use.
const CONNECTIONS_PERCENT_MAX: u32 = 80;
/// How many dead letters are looked at.
const LETTERS: u32 = 1000;

/// The data folder on this machine: there, and closed to others.
pub(crate) fn folder(folder: &Path) -> Finding {
    let name = "the data folder is ours alone";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Finding::well(name, format!("{shown} is not there, as where the observatory runs elsewhere"))
        }
        Err(e) => Finding::doubtful(
            name,
            format!("{shown} can't be looked at: {e}"),
            "run this as the account that runs the observatory, or name its folder with --data-dir",
        ),
        Ok(metadata) if !metadata.is_dir() => {
            Finding::wrong(name, format!("{shown} is no folder"), "name another one with --data-dir")
        }
        Ok(metadata) => folder_mode(name, folder, metadata.permissions().mode() & 0o777),
    }
}

/// Others may pass through, as the database's server does where root runs the observatory, but neither read nor write.
fn folder_mode(name: &str, folder: &Path, mode: u32) -> Finding {
    if mode & 0o066 == 0 {
        Finding::well(name, folder.display().to_string())
    } else {
        let shown = folder.display();
        Finding::wrong(name, format!("others can look into {shown} (mode {mode:o})"), format!("chmod go-rw {shown}"))
    }
}

/// The login: usable, or none.
pub(crate) fn login(broker: &Address, identity: &Result<Identity, Fault>) -> Finding {
    let name = "the login can be used";
    match identity {
        Ok(identity) if identity.credentials.is_some() => Finding::well(name, format!("we are {}", identity.name)),
        Ok(_) => Finding::well(name, format!("there is none for {broker}; `bigskies login NAME` makes one")),
        Err(fault) => Finding::of_fault(name, fault.clone()),
    }
}

/// The broker: something listens at its address.
pub(crate) async fn broker(address: &Address, limit: Duration) -> Finding {
    let name = "the broker listens";
    let hint = "start an observatory with `bigskies up`, or name its broker with --broker";
    let started = Instant::now();
    let host = address.host.trim_start_matches('[').trim_end_matches(']');
    match tokio::time::timeout(limit, TcpStream::connect((host, address.port))).await {
        Ok(Ok(_)) => Finding::well(name, address.to_string()).after(started.elapsed()),
        Ok(Err(e)) => Finding::wrong(name, format!("{address}: {e}"), hint),
        Err(_) => Finding::wrong(name, format!("{address} does not answer within {} s", limit.as_secs_f64()), hint),
    }
}

/// A coordinator: answers, and is well.
pub(crate) async fn coordinator(client: &Client, owner: Owner) -> (Finding, Option<Observed>) {
    let name = format!("{} answers and is well", owner.component());
    let before = Clock::system().now();
    let started = Instant::now();
    match client.ask_of(owner, &GetHealth {}).await {
        Ok(health) => {
            let observed = Observed { owner, before, at: health.observed_at, after: Clock::system().now() };
            (of_health(name, &health).after(started.elapsed()), Some(observed))
        }
        Err(fault) => (Finding::of_fault(name, fault), None),
    }
}

fn of_health(name: String, health: &HealthNow) -> Finding {
    let hint = "its health names the part; `bigskies settings list` and the log show more";
    match health.status {
        Status::Healthy => Finding::well(name, String::new()),
        Status::Unknown | Status::Degraded => {
            Finding::doubtful(name, format!("{}: {}", health.status, health.message), hint)
        }
        Status::Unhealthy => Finding::wrong(name, health.message.clone(), hint),
    }
}

/// When a coordinator said that it answered, between two readings of our clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    owner: Owner,
    before: Timestamp,
    at: Timestamp,
    after: Timestamp,
}

impl Observed {
    /// How far the other clock must at least be from ours.
    fn apart(&self) -> Duration {
        self.before.since(self.at).max(self.at.since(self.after))
    }
}

/// The clocks: ours and the coordinators' agree, and are not from before the program was written.
pub(crate) fn clocks(observed: &[Observed]) -> Finding {
    let name = "the clocks agree";
    let now = Clock::system().now();
    let hint = "set the clock by the network: timedatectl set-ntp true";
    if now.instant().year() < 2026 {
        return Finding::wrong(name, format!("this machine's clock says {now}"), hint);
    }
    match observed.iter().max_by_key(|observed| observed.apart()) {
        None => Finding::doubtful(name, "no coordinator answered, so there is nothing to compare with", ""),
        Some(worst) if worst.apart() > CLOCKS_APART_MAX => {
            let seconds = worst.apart().as_secs_f64();
            let note = format!("{} is {seconds:.1} s away from this machine", worst.owner.component());
            Finding::wrong(name, note, format!("{hint}, here and there"))
        }
        Some(worst) => Finding::well(name, format!("within {:.1} s", worst.apart().as_secs_f64())),
    }
}

/// The database: gives a sign of life.
pub(crate) async fn database(client: &Client) -> Finding {
    let name = "the database answers";
    match client.ask(&Ping {}).await {
        Ok(pong) => {
            let took = Duration::try_from_secs_f64(pong.round_trip_milliseconds / 1000.0).unwrap_or_default();
            Finding::well(name, String::new()).after(took)
        }
        Err(fault) => Finding::of_fault(name, fault),
    }
}

/// The database: has room for more connections.
pub(crate) async fn connections(client: &Client) -> Finding {
    match client.ask(&GetStatistics {}).await {
        Ok(statistics) => of_statistics(&statistics),
        Err(fault) => Finding::of_fault(ROOM, fault),
    }
}

const ROOM: &str = "the database has room for more connections";

fn of_statistics(statistics: &Statistics) -> Finding {
    let Statistics { server_version, server_connections, server_max, database_bytes, .. } = statistics;
    let megabytes = *database_bytes as f64 / 1e6;
    let note = format!("{server_connections} of {server_max} in use; PostgreSQL {server_version}, {megabytes:.1} MB");
    if u64::from(*server_connections) * 100 > u64::from(*server_max) * u64::from(CONNECTIONS_PERCENT_MAX) {
        let hint = "lower max_connections of the datastore coordinator, or raise max_connections of the server";
        return Finding::doubtful(ROOM, note, hint);
    }
    Finding::well(ROOM, note)
}

/// Messages that nobody owns: misspelt topics, plugins of another version.
pub(crate) async fn dead_letters(client: &Client) -> Finding {
    let name = "no message was lost on an unknown topic";
    match client.ask(&ListDeadLetters { limit: Some(LETTERS), cursor: None }).await {
        Ok(letters) => match letters.letters.first() {
            None => Finding::well(name, String::new()),
            Some(last) => {
                let more = if letters.next.is_some() { " or more" } else { "" };
                let note =
                    format!("{}{more}, the last on {} at {}", letters.letters.len(), last.topic, last.received_at);
                let hint = "`bigskies send message/deadletter/list` shows them, `bigskies send message/deadletter/clear` throws them away";
                Finding::doubtful(name, note, hint)
            }
        },
        Err(fault) => Finding::of_fault(name, fault),
    }
}

/// The devices: how many there are, and which of them only pretend.
pub(crate) async fn devices(client: &Client) -> Finding {
    match telescope::devices(client, None).await {
        Ok(devices) => of_devices(&devices),
        Err(fault) => Finding::of_fault(DEVICES, fault),
    }
}

const DEVICES: &str = "devices are known";

fn of_devices(devices: &[Device]) -> Finding {
    let simulated = devices.iter().filter(|device| device.simulated).count();
    let connected = devices.iter().filter(|device| device.connected).count();
    if devices.is_empty() {
        return Finding::doubtful(DEVICES, "none", "`bigskies telescope discover` looks for them");
    }
    Finding::well(DEVICES, format!("{}, of which {connected} connected and {simulated} simulated", devices.len()))
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;
    use crate::terminal::doctor::finding::Verdict;

    #[test]
    fn folders() {
        for (mode, verdict) in
            [(0o700, Verdict::Well), (0o711, Verdict::Well), (0o755, Verdict::Wrong), (0o770, Verdict::Wrong)]
        {
            assert_eq!(folder_mode("a", Path::new("b"), mode).verdict, verdict, "{mode:o}");
        }
        assert_eq!(folder(Path::new("nowhere/at/all")).verdict, Verdict::Well);
        assert_eq!(folder(Path::new(file!())).verdict, Verdict::Well, "tests run in the crate's folder");
    }

    #[test]
    fn health() {
        for (status, verdict) in [
            (Status::Healthy, Verdict::Well),
            (Status::Unknown, Verdict::Doubtful),
            (Status::Degraded, Verdict::Doubtful),
            (Status::Unhealthy, Verdict::Wrong),
        ] {
            let health = HealthNow { status, ..HealthNow::example() };
            assert_eq!(of_health("a".to_owned(), &health).verdict, verdict, "{status}");
        }
    }

    #[test]
    fn clocks_apart() {
        let now = Clock::system().now();
        let second = Duration::from_secs(1);
        let observed = |at: Timestamp| Observed { owner: Owner::Telescope, before: now, at, after: now.plus(second) };
        for (at, verdict) in [
            (now, Verdict::Well),
            (now.plus(second), Verdict::Well),
            (now.plus(second * 4), Verdict::Wrong),
            (now.minus(second * 3), Verdict::Wrong),
            (now.minus(second), Verdict::Well),
        ] {
            assert_eq!(clocks(&[observed(now), observed(at)]).verdict, verdict, "{at}");
        }
        assert_eq!(clocks(&[]).verdict, Verdict::Doubtful);
    }

    #[test]
    fn connections_in_use() {
        for (used, verdict) in [(9, Verdict::Well), (40, Verdict::Well), (41, Verdict::Doubtful)] {
            let statistics = Statistics { server_connections: used, server_max: 50, ..Statistics::example() };
            assert_eq!(of_statistics(&statistics).verdict, verdict, "{used}");
        }
    }

    #[test]
    fn devices_and_pretenders() {
        assert_eq!(of_devices(&[]).verdict, Verdict::Doubtful);
        assert_eq!(of_devices(&[Device::example()]).note, "1, of which 1 connected and 1 simulated");
    }

    #[tokio::test]
    async fn nobody_listens() {
        // A port that was free a moment ago, and that nobody else is given meanwhile.
        let taken = tokio::net::TcpSocket::new_v4().unwrap();
        taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address: Address = taken.local_addr().unwrap().to_string().parse().unwrap();
        assert_eq!(broker(&address, Duration::from_secs(5)).await.verdict, Verdict::Wrong);
        let listener = taken.listen(1).unwrap();
        assert_eq!(broker(&address, Duration::from_secs(5)).await.verdict, Verdict::Well);
        drop(listener);
    }
}
