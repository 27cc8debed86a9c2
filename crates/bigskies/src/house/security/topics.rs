//! The topics of every account that is connected here, worked out once and kept until rights change.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use catalog::{Access, Capacity, Entry, Face, Needs, Party};
use vocabulary::ids::AccountName;

use super::Security;

/// How many accounts' topics are kept.
const KEPT: usize = 10_000;

/// The topics of accounts.
pub(crate) struct Topics {
    entries: Vec<Entry>,
    open: Option<AccountName>,
    kept: RwLock<HashMap<AccountName, Kept>>,
}

/// Topics, and of which state of rights and tokens they are.
struct Kept {
    of: (u64, u64),
    access: Arc<Access>,
}

impl Topics {
    pub(crate) fn new(open: Option<AccountName>) -> Self {
        Self { entries: catalog::all(), open, kept: RwLock::default() }
    }

    /// The topics of an account now. Without security, at the very beginning, there are those of our own nodes alone.
    pub(crate) fn of(&self, account: &AccountName, security: Option<&Security>) -> Arc<Access> {
        let state = security.map(|security| (security.rights.snapshot().generation(), security.verifier.generation()));
        let state = state.unwrap_or_default();
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept.get(account).filter(|kept| kept.of == state) {
                return Arc::clone(&kept.access);
            }
        }
        let access = Arc::new(self.work_out(account, security));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(account.clone(), Kept { of: state, access: Arc::clone(&access) });
        access
    }

    fn work_out(&self, account: &AccountName, security: Option<&Security>) -> Access {
        if self.open.as_ref() == Some(account) {
            return Access::to_everything();
        }
        let of = |capacity: &Capacity, may: &dyn Fn(Needs) -> bool| Access::of(account, capacity, &self.entries, may);
        let nothing = |_: Needs| false;
        match (Party::of(account), security) {
            (Party::Coordinator(owner), _) => of(&Capacity::Coordinator(owner), &nothing),
            (Party::Face(Face::Gateway), _) => of(&Capacity::Face, &nothing),
            (Party::Node, _) => of(&Capacity::Node, &nothing),
            (Party::Lobby(_), _) => of(&Capacity::Lobby, &nothing),
            (Party::Plugin(_) | Party::Key(_) | Party::User(_), None) => Access::default(),
            (Party::Plugin(id), Some(security)) => {
                let manifest = security.rights.snapshot().account(account).and_then(|found| found.manifest.clone());
                let manifest = manifest.as_deref().cloned().unwrap_or_default();
                let capacity = Capacity::Plugin { id, publishes: manifest.publishes, reads: manifest.reads };
                of(&capacity, &nothing)
            }
            (Party::Key(id), Some(security)) => match security.verifier.standing_key(&id, security.clock.now()) {
                Ok(claims) => of(&Capacity::Client, &|needs| match needs {
                    Needs::Right(right) if !claims.permits(right.resource, right.action) => false,
                    _ => may(security, &claims.account, needs),
                }),
                Err(_) => Access::default(),
            },
            (Party::User(_), Some(security)) => of(&Capacity::Client, &|needs| may(security, account, needs)),
        }
    }
}

/// Whether an account has what a message needs, somewhere.
fn may(security: &Security, account: &AccountName, needs: Needs) -> bool {
    match needs {
        Needs::Nobody => true,
        Needs::Anybody => security.rights.token_epoch(account).is_some(),
        Needs::Right(right) => security.rights.check_somewhere(account, right),
        Needs::Addressee | Needs::Node => false,
    }
}
