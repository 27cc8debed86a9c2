//! A keeper: starts one program, starts it again when it ends, writes down what it says, and ends it when it is told to end itself.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    signal::unix::{Signal as Signals, SignalKind, signal},
    time::Instant,
};
use vocabulary::Clock;

use super::{
    journal::{Journal, Lines},
    record::{Place, Record, Spec},
};
use crate::{
    configuration::Kind,
    failure::{Failure, Reason},
};

/// Waits between two starts: doubled from the first to the last.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Who ran that long is started anew without a long wait.
const SETTLED: Duration = Duration::from_secs(60);
/// How long a program has for its end.
const GRACE: Duration = Duration::from_secs(10);

/// Keeps a program until it is told to end.
///
/// # Errors
/// Where another keeper has it, or what it needs can't be read or written.
pub async fn run(folder: &Path, kind: Kind) -> Result<(), Failure> {
    // The terminal's Ctrl-C is not meant for it. It fails for who leads a group already, and then needs none.
    let _is_leader = nix::unistd::setsid();
    let place = Place::new(folder, kind);
    let Some(_lock) = place.take().await? else {
        return Err(Failure::new(Reason::Busy, format!("{kind} is kept already")));
    };
    let Some(spec) = Spec::read(&place)? else {
        return Err(Failure::new(Reason::NotFound, format!("nothing says how {kind} is started")));
    };
    let cannot_listen = |error| Failure::new(Reason::Unavailable, format!("signals can't be heard: {error}"));
    let mut asked_to_end = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let clock = Clock::system();
    let journal = Arc::new(Mutex::new(Journal::open(&place.log, clock.clone())?));
    let mut record = Record { keeper: std::process::id(), pid: None, started_at: None, restarts: 0, last_exit: None };
    let mut pause = PAUSE_MIN;
    loop {
        let began = Instant::now();
        match start(&spec, &journal) {
            Ok(mut child) => {
                record.pid = child.id();
                record.started_at = Some(clock.now());
                write_down(&record, &place, &journal);
                let Some(exit) = keep(&mut child, &mut asked_to_end).await else { return Ok(()) };
                record.last_exit = Some(exit);
            }
            Err(error) => record.last_exit = Some(error.to_string()),
        }
        record.pid = None;
        record.restarts = record.restarts.saturating_add(1);
        write_down(&record, &place, &journal);
        if began.elapsed() > SETTLED {
            pause = PAUSE_MIN;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            _ = asked_to_end.recv() => return Ok(()),
        }
    }
}

fn start(spec: &Spec, journal: &Arc<Mutex<Journal>>) -> std::io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command.args(&spec.arguments).envs(&spec.variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    // Both tasks end when the program closes its end of the pipe.
    if let Some(out) = child.stdout.take() {
        tokio::spawn(listen(out, journal.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(listen(err, journal.clone()));
    }
    Ok(child)
}

/// A full disk loses what is written down, never the program.
fn write_down(record: &Record, place: &Place, journal: &Mutex<Journal>) {
    if let Err(failure) = record.write(place) {
        let said = format!("its keeper can't write down how it is: {failure}");
        journal.lock().unwrap_or_else(PoisonError::into_inner).note(said.as_bytes());
    }
}

/// How the program ended by itself; nothing where it was ended because the keeper was told to end.
async fn keep(child: &mut Child, asked_to_end: &mut Signals) -> Option<String> {
    tokio::select! {
        exit = child.wait() => Some(exit.map_or_else(|error| error.to_string(), |exit| exit.to_string())),
        _ = asked_to_end.recv() => {
            if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                let _may_have_ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                let _may_have_ended_meanwhile = child.kill().await;
            }
            None
        }
    }
}

async fn listen(mut pipe: impl AsyncRead + Unpin, journal: Arc<Mutex<Journal>>) {
    let mut lines = Lines::default();
    let mut piece = [0; 4096];
    let note = |line: &[u8]| journal.lock().unwrap_or_else(PoisonError::into_inner).note(line);
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        lines.take(piece.get(..count).unwrap_or_default(), note);
    }
    lines.end(note);
}
