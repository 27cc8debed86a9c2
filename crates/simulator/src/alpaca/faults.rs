//! Faults by script: which calls fail, how, and how often.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

/// Faults that may be in force at once.
pub(super) const LIMIT: usize = 64;

/// One fault in force. The first that fits a call strikes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptedFault {
    /// What happens to the call.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The calls that it strikes, by the last part of their address in lower case (`slewtocoordinatesasync`,
    /// `configureddevices`), `discovery` for the datagrams; none means every call over HTTP.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The calls that it spares although `methods` has them.
    #[serde(default)]
    pub except: Vec<String>,
    /// How many calls it strikes before it ends; without it, until cleared.
    #[serde(default)]
    pub calls: Option<u64>,
    /// Whether the device sees the call before the fault strikes.
    #[serde(default)]
    pub strikes: Strikes,
}

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// It is taken and never answered.
    Hang,
    /// The connection is closed without an answer.
    Drop,
    /// It is answered with an Alpaca error.
    Error {
        /// `ErrorNumber`, any number at all.
        number: i64,
        /// `ErrorMessage`.
        message: String,
    },
    /// It is answered with an HTTP status and a line of text.
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// It is answered with JSON that ends in the middle.
    Garbage,
    /// It is answered late.
    Slow {
        /// How late.
        milliseconds: u64,
    },
}

/// On which side of the device a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strikes {
    /// The device never sees the call (a late answer is only late).
    #[default]
    Before,
    /// The device does what it is told, then the answer is lost.
    After,
}

impl ScriptedFault {
    /// A fault that strikes every call until it is cleared.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, methods: Vec::new(), except: Vec::new(), calls: None, strikes: Strikes::Before }
    }

    /// The same fault for these methods alone.
    #[must_use]
    pub fn on(mut self, methods: &[&str]) -> Self {
        self.methods = methods.iter().map(|method| method.to_ascii_lowercase()).collect();
        self
    }

    /// The same fault, sparing these methods.
    #[must_use]
    pub fn except(mut self, methods: &[&str]) -> Self {
        self.except = methods.iter().map(|method| method.to_ascii_lowercase()).collect();
        self
    }

    /// The same fault for the next `calls` calls that it fits.
    #[must_use]
    pub const fn times(mut self, calls: u64) -> Self {
        self.calls = Some(calls);
        self
    }

    /// The same fault, after the device has done what it was told.
    #[must_use]
    pub const fn after_the_effect(mut self) -> Self {
        self.strikes = Strikes::After;
        self
    }

    fn fits(&self, method: &str) -> bool {
        let named = self.methods.iter().any(|name| name.eq_ignore_ascii_case(method));
        let spared = self.except.iter().any(|name| name.eq_ignore_ascii_case(method));
        (named || self.methods.is_empty() && method != DISCOVERY) && !spared && self.calls != Some(0)
    }
}

/// The name under which the datagrams of discovery can be struck.
pub(super) const DISCOVERY: &str = "discovery";

/// The faults in force, and how many calls were struck since the start.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    in_force: Arc<Mutex<Vec<ScriptedFault>>>,
    struck: Arc<AtomicU64>,
}

impl Faults {
    pub(super) fn set(&self, faults: Vec<ScriptedFault>) {
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    pub(super) fn all(&self) -> Vec<ScriptedFault> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck.load(Ordering::SeqCst)
    }

    /// The fault that strikes this call, counted.
    pub(super) fn strike(&self, method: &str) -> Option<ScriptedFault> {
        let mut faults = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|fault| fault.fits(method))?;
        if let Some(calls) = &mut fault.calls {
            *calls -= 1;
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strikes_what() {
        let hang = || ScriptedFault::new(FaultKind::Hang);
        for (fault, method, struck) in [
            (hang(), "slewing", true),
            (hang(), DISCOVERY, false),
            (hang().on(&["discovery"]), DISCOVERY, true),
            (hang().except(&["AbortSlew"]), "abortslew", false),
            (hang().on(&["Park"]), "park", true),
            (hang().on(&["Park"]), "unpark", false),
            (hang().times(0), "park", false),
        ] {
            let faults = Faults::default();
            faults.set(vec![fault.clone()]);
            assert_eq!(faults.strike(method).is_some(), struck, "{fault:?} {method}");
        }
    }

    #[test]
    fn counted_faults_end_and_scripts_read_back() {
        let faults = Faults::default();
        let script = r#"[{"kind":"error","number":-2147220480,"message":"m","methods":["park"],"calls":2,"strikes":"after"},{"kind":"drop"}]"#;
        faults.set(serde_json::from_str(script).unwrap());
        let struck: Vec<_> = (0..3).filter_map(|_| faults.strike("park")).map(|fault| fault.kind).collect();
        assert!(matches!(struck[..], [FaultKind::Error { .. }, FaultKind::Error { .. }, FaultKind::Drop]));
        let text = serde_json::to_string(&faults.all()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ScriptedFault>>(&text).unwrap(), faults.all());
    }
}
