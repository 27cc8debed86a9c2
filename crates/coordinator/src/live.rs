//! The settings of a running coordinator: rows over defaults, its own and the frame's, changed through one gate.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use catalog::frame::Setting;
use serde_json::{Value, json};
use settings::{Complaints, Key, Settings};
use vocabulary::Fault;

use crate::FrameSettings;

/// The rows of a coordinator, by key.
pub(crate) type Rows = BTreeMap<String, Value>;

/// Settings as they hold: the coordinator's and the frame's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Both<S> {
    pub(crate) own: S,
    pub(crate) frame: FrameSettings,
}

/// The settings that hold now, the rows they come from, and what is wrong with newer rows that were refused.
#[derive(Debug)]
pub(crate) struct Live<S> {
    inner: Mutex<Inner<S>>,
    boot: Vec<Setting>,
}

#[derive(Debug)]
struct Inner<S> {
    both: Both<S>,
    rows: Rows,
    refused: Option<String>,
}

/// What rows come to.
#[derive(Debug)]
pub(crate) struct Parsed<S> {
    pub(crate) both: Both<S>,
    /// Keys that mean nothing here, and boot settings, which rows cannot set.
    pub(crate) ignored: Vec<String>,
}

impl<S: Settings> Live<S> {
    /// Starts with rows; those that cannot stand are left out and complained about.
    pub(crate) fn begin(rows: Rows, boot: Vec<Setting>) -> Self {
        let (both, refused) = match parse::<S>(&rows) {
            Ok(parsed) => {
                if !parsed.ignored.is_empty() {
                    tracing::warn!(keys = ?parsed.ignored, "rows of settings are ignored: boot settings or unknown keys");
                }
                (parsed.both, None)
            }
            Err(complaints) => {
                let wrong: Vec<&str> = complaints.iter().map(|(key, _)| key).collect();
                let good = rows.iter().filter(|(key, _)| !wrong.contains(&key.as_str()));
                let good: Rows = good.map(|(key, value)| (key.clone(), value.clone())).collect();
                let both = parse::<S>(&good)
                    .map_or_else(|_| Both { own: S::default(), frame: FrameSettings::default() }, |parsed| parsed.both);
                tracing::error!(%complaints, "rows of settings are wrong and left out");
                (both, Some(complaints.to_string()))
            }
        };
        Self { inner: Mutex::new(Inner { both, rows, refused }), boot }
    }

    /// What holds now.
    pub(crate) fn now(&self) -> Both<S> {
        self.lock().both.clone()
    }

    /// What is wrong with rows that were refused.
    pub(crate) fn refused(&self) -> Option<String> {
        self.lock().refused.clone()
    }

    /// Notes that rows were refused.
    pub(crate) fn refuse(&self, why: String) {
        self.lock().refused = Some(why);
    }

    /// Lets rows and what they come to hold, and logs every change.
    pub(crate) fn hold(&self, rows: Rows, both: Both<S>) {
        let mut inner = self.lock();
        let (old, new) = (values(&inner.both), values(&both));
        for (key, value) in &new {
            let before = old.get(key).unwrap_or(&Value::Null);
            if before != value {
                let shown = |v: &Value| if S::SECRETS.contains(&key.as_str()) { json!("***") } else { v.clone() };
                tracing::info!(key, old = %shown(before), new = %shown(value), "setting changed");
            }
        }
        inner.rows = rows;
        inner.both = both;
        inner.refused = None;
    }

    /// All settings as they are shown: secrets hidden, boot settings last.
    pub(crate) fn list(&self) -> Vec<Setting> {
        let inner = self.lock();
        let values = values(&inner.both);
        let shown = keys::<S>().into_iter().map(|key| {
            let origin = if inner.rows.contains_key(&key.key) { "row" } else { "default" };
            let hide = |value: Value| if key.secret { json!("***") } else { value };
            Setting {
                value: hide(values.get(&key.key).cloned().unwrap_or_default()),
                default: hide(key.default.clone()),
                kind: key.kind,
                description: key.description.clone(),
                secret: key.secret,
                origin: origin.to_owned(),
                key: key.key,
            }
        });
        shown.chain(self.boot.iter().cloned()).collect()
    }

    /// One setting as it is shown.
    pub(crate) fn get(&self, key: &str) -> Result<Setting, Fault> {
        let found = self.list().into_iter().find(|setting| setting.key == key);
        found.ok_or_else(|| unknown_key::<S>(key))
    }

    /// The key, if rows can set it.
    pub(crate) fn settable(&self, key: &str) -> Result<Key, Fault> {
        if let Some(boot) = self.boot.iter().find(|setting| setting.key == key) {
            return Err(Fault::invalid(format!("setting {key} is a boot setting (from {})", boot.origin))
                .hint("set it by flag, environment or bootstrap.yaml, and start again"));
        }
        keys::<S>().into_iter().find(|known| known.key == key).ok_or_else(|| unknown_key::<S>(key))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<S>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of a coordinator: its own and the frame's.
pub(crate) fn keys<S: Settings>() -> Vec<Key> {
    let mut keys = settings::keys::<S>();
    keys.extend(settings::keys::<FrameSettings>());
    keys.sort_by(|a, b| a.key.cmp(&b.key));
    keys
}

fn values<S: Settings>(both: &Both<S>) -> Rows {
    settings::to_rows(&both.own).into_iter().chain(settings::to_rows(&both.frame)).collect()
}

fn unknown_key<S: Settings>(key: &str) -> Fault {
    let known: Vec<String> = keys::<S>().into_iter().map(|key| key.key).collect();
    Fault::not_found(format!("setting {key} does not exist")).hint(format!("there are {}", known.join(", ")))
}

/// Parses rows for the coordinator and the frame, with the complaints of both.
pub(crate) fn parse<S: Settings>(rows: &Rows) -> Result<Parsed<S>, Complaints> {
    let frame_keys = settings::to_rows(&FrameSettings::default());
    let (for_frame, for_own): (Rows, Rows) =
        rows.iter().map(|(key, value)| (key.clone(), value.clone())).partition(|(key, _)| frame_keys.contains_key(key));
    match (settings::parse::<S>(&for_own), settings::parse::<FrameSettings>(&for_frame)) {
        (Ok(own), Ok(frame)) => Ok(Parsed {
            both: Both { own: own.settings, frame: frame.settings },
            ignored: own.boot.into_iter().chain(own.unknown).collect(),
        }),
        (own, frame) => {
            let mut complaints = Complaints::default();
            for wrong in [own.err(), frame.err()].into_iter().flatten() {
                for (key, what) in wrong.iter() {
                    complaints.add(key, what);
                }
            }
            Err(complaints)
        }
    }
}
