//! The coordinators of this process, each supervised in a task of its own.

use std::{path::PathBuf, sync::Arc};

use catalog::Owner;
use coordinator::{Coordinator, Frame};
use coordinator_application::Application;
use coordinator_bootstrap::Bootstrap;
use coordinator_datastore::Datastore;
use coordinator_message::Message;
use coordinator_telescope::Telescope;
use engine_broker::Broker;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::Fault;

use crate::house::{Reach, security::Security};

/// What coordinators are handed besides the frame.
#[derive(Clone)]
pub(crate) struct Handed {
    /// What the bootstrap coordinator hands out; only where it runs.
    pub(crate) bootstrap: Option<coordinator_bootstrap::Given>,
    /// The broker of this process, if it runs one.
    pub(crate) broker: Option<Broker>,
    /// How the broker is reached.
    pub(crate) reach: Reach,
    /// Where backups lie.
    pub(crate) backups: PathBuf,
    /// Where the one-time secret of the first administrator is put.
    pub(crate) first_secret: Option<PathBuf>,
    /// The name for which there must be a certificate.
    pub(crate) tls_name: Option<String>,
    /// What the process knows of security.
    pub(crate) security: Security,
}

/// The coordinators that run here.
pub(crate) struct Coordinators {
    frame: Frame,
    handed: Handed,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Coordinators {
    pub(crate) fn new(frame: Frame, handed: Handed) -> Self {
        Self { frame, handed, tracker: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Starts one.
    ///
    /// # Errors
    /// It lacks what it needs.
    pub(crate) fn start(&self, owner: Owner) -> Result<(), Fault> {
        let Handed { bootstrap, broker, reach, backups, .. } = self.handed.clone();
        match owner {
            Owner::Bootstrap => {
                if let Some(given) = bootstrap {
                    self.supervise::<Bootstrap>(given);
                }
            }
            Owner::Message => {
                let address = self.frame.address.to_string();
                self.supervise::<Message>(coordinator_message::Given { broker, kind: reach.kind, address });
            }
            Owner::Datastore => self.supervise::<Datastore>(coordinator_datastore::Given { backups }),
            Owner::Security => self.supervise::<coordinator_security::Security>(self.given_to_security()?),
            Owner::Application => self.supervise::<Application>(()),
            Owner::Telescope => self.supervise::<Telescope>(()),
        }
        Ok(())
    }

    fn given_to_security(&self) -> Result<coordinator_security::Given, Fault> {
        let Handed { security, reach, first_secret, tls_name, .. } = &self.handed;
        Ok(coordinator_security::Given {
            vault: security.sealed("role security")?.vault.clone(),
            changes: Arc::clone(&security.changes),
            rights: security.rights.clone(),
            verifier: security.verifier.clone(),
            node: reach.credentials.clone(),
            broker: reach.kind,
            first_secret: first_secret.clone(),
            tls_name: tls_name.clone(),
        })
    }

    fn supervise<C: Coordinator>(&self, given: C::Given) {
        self.tracker.spawn(coordinator::run::<C>(self.frame.clone(), given, self.stop.child_token()));
    }

    /// Ends all of them in good order.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
