//! How many messages a second a broker carries from publishers to subscribers.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Outcome,
    client::{Client, Delivery, Message, PUBACK, PUBLISH, Qos},
    server::{Both, Places, Server, topic_of},
    table::{Goal, Table, Unit},
};

/// Bytes of a message.
pub(crate) const PAYLOAD: usize = 256;
/// Time until everything is warm, and time that counts.
const SPANS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];
/// Messages of one publisher that may be on their way. Less than either broker holds for one reader, so that none is dropped.
const ON_THEIR_WAY: u64 = 250;
/// Messages of one publisher that may wait for their acknowledgement.
const WINDOW: u64 = 50;
/// Messages that are written at once.
const BATCH: u64 = 16;
/// How long a publisher waits for its reader before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is published.
#[derive(Clone, Copy)]
struct Load {
    figure: &'static str,
    pairs: usize,
    qos: Qos,
    retain: bool,
    goal: Goal,
}

/// One pair and ten pairs of publisher and subscriber, and messages that the broker keeps.
const LOADS: [Load; 5] = [
    Load::of("deliver rate, QoS 0, 1→1", 1, Qos::AtMostOnce),
    Load::of("deliver rate, QoS 1, 1→1", 1, Qos::AtLeastOnce),
    Load::of("deliver rate, QoS 0, 10→10", 10, Qos::AtMostOnce),
    Load::of("deliver rate, QoS 1, 10→10", 10, Qos::AtLeastOnce),
    // Ours writes each to the disk, Mosquitto none.
    Load { retain: true, goal: Goal::None, ..Load::of("retained messages, QoS 1, 1→1", 1, Qos::AtLeastOnce) },
];

impl Load {
    const fn of(figure: &'static str, pairs: usize, qos: Qos) -> Self {
        Self { figure, pairs, qos, retain: false, goal: Goal::RatioAtLeast(1.0) }
    }
}

/// All loads.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mut servers = Both::try_from_fn(|maker| places.broker(maker))?;
    for load in LOADS {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(servers.in_turn(round, |server| rate(server, load))?);
        }
        table.compare(load.figure, Unit::Rate, load.goal, &seen);
    }
    Ok(())
}

/// What the two ends of a pair know of each other.
#[derive(Default)]
struct Progress {
    received: Mutex<u64>,
    more: Condvar,
}

impl Progress {
    fn received(&self) -> u64 {
        *self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, received: u64) {
        *self.received.lock().unwrap_or_else(PoisonError::into_inner) = received;
        self.more.notify_one();
    }

    /// Waits until no more than the bound would be on their way after another batch.
    fn wait(&self, sent: u64) -> Outcome<()> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let late = |received: &mut u64| sent + BATCH > *received + ON_THEIR_WAY;
        let (received, waited) =
            self.more.wait_timeout_while(received, PATIENCE, late).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(format!("{} of {sent} messages were lost", sent - *received).into());
        }
        Ok(())
    }
}

fn rate(server: &Server, load: Load) -> Outcome<f64> {
    let progress: Vec<Progress> = std::iter::repeat_with(Progress::default).take(load.pairs).collect();
    let stop = AtomicBool::new(false);
    let (fails, failed) = mpsc::channel();
    // Whoever reads is there before the first message.
    let ends: Vec<_> = (0..load.pairs).map(|pair| ends(server, pair, load.qos)).collect::<Outcome<_>>()?;
    let figure = thread::scope(|scope| {
        for (pair, ((reader, writer), progress)) in ends.into_iter().zip(&progress).enumerate() {
            let (stop, fails, also_fails) = (&stop, fails.clone(), fails.clone());
            scope.spawn(move || read(reader, progress).unwrap_or_else(|error| drop(fails.send(error))));
            scope.spawn(move || {
                write(writer, pair, load, progress, stop).unwrap_or_else(|error| drop(also_fails.send(error)))
            });
        }
        let figure = watch(&progress, &failed);
        stop.store(true, Ordering::Relaxed);
        figure
    });
    // What fails while the rest is read is a loss too.
    failed.try_recv().map_or(figure, Err)
}

fn ends(server: &Server, pair: usize, qos: Qos) -> Outcome<(Client, Client)> {
    let mut reader = Client::connect(&server.entrance, &format!("rate-reader-{pair}"))?;
    reader.subscribe(&topic(pair), qos)?;
    Ok((reader, Client::connect(&server.entrance, &format!("rate-writer-{pair}"))?))
}

fn topic(pair: usize) -> String {
    topic_of(&format!("bench-rate-{pair}"))
}

/// The rate in the span that counts, unless an end fails meanwhile.
fn watch(progress: &[Progress], failed: &mpsc::Receiver<Box<dyn std::error::Error + Send + Sync>>) -> Outcome<f64> {
    let received = || progress.iter().map(Progress::received).sum::<u64>();
    let [warm_up, counted] = SPANS;
    let all_is_well = |span| match failed.recv_timeout(span) {
        Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
        Ok(error) => Err(error),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("nobody publishes".into()),
    };
    all_is_well(warm_up)?;
    let (started, before) = (Instant::now(), received());
    all_is_well(counted)?;
    let (span, count) = (started.elapsed(), received() - before);
    Ok(count as f64 / span.as_secs_f64())
}

/// The first byte of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    More = 0,
    Last = 1,
}

/// Reads until the message that says that it is the last.
fn read(mut reader: Client, progress: &Progress) -> Outcome<()> {
    let (mut received, mut acks) = (0, Vec::new());
    loop {
        let packet = reader.next()?;
        if packet.kind() != PUBLISH {
            continue;
        }
        let Delivery { payload, ack } = reader.delivery(&packet)?;
        let is_last = payload.first() == Some(&(Mark::Last as u8));
        acks.extend(ack.into_iter().flatten());
        received += 1;
        // Acknowledged and told in pieces, as far as there is something to read meanwhile.
        if is_last || received % 32 == 0 || !reader.has_next() {
            reader.send(&acks)?;
            acks.clear();
            progress.tell(received);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Publishes until it is told to stop, as fast as its reader reads.
fn write(mut writer: Client, pair: usize, load: Load, progress: &Progress, stop: &AtomicBool) -> Outcome<()> {
    let topic = topic(pair);
    let Load { qos, retain, .. } = load;
    let message = |number: u64, mark: Mark| {
        let mut payload = [7; PAYLOAD];
        payload[0] = mark as u8;
        // The last is not kept, or the next reader would begin with it.
        let retain = retain && mark == Mark::More;
        let id = u16::try_from(number % 60_000).unwrap_or_default() + 1;
        Message { topic: &topic, qos, retain, id, response_topic: None, payload: &payload }.packet()
    };
    let (mut sent, mut acknowledged) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        progress.wait(sent)?;
        while qos == Qos::AtLeastOnce && sent + BATCH > acknowledged + WINDOW {
            writer.expect(PUBACK)?;
            acknowledged += 1;
        }
        let batch: Vec<u8> = (sent..sent + BATCH).flat_map(|number| message(number, Mark::More)).collect();
        writer.send(&batch)?;
        sent += BATCH;
    }
    progress.wait(sent)?;
    writer.send(&message(sent, Mark::Last))?;
    while qos == Qos::AtLeastOnce && acknowledged <= sent {
        writer.expect(PUBACK)?;
        acknowledged += 1;
    }
    Ok(())
}
