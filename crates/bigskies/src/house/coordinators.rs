//! The coordinators of this process, each supervised in a task of its own.

use std::path::PathBuf;

use bus::BrokerKind;
use catalog::Owner;
use coordinator::{Coordinator, Frame};
use coordinator_application::Application;
use coordinator_bootstrap::Bootstrap;
use coordinator_datastore::Datastore;
use coordinator_message::Message;
use coordinator_telescope::Telescope;
use engine_broker::Broker;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What coordinators are handed besides the frame.
#[derive(Clone)]
pub(crate) struct Handed {
    /// What the bootstrap coordinator hands out; only where it runs.
    pub(crate) bootstrap: Option<coordinator_bootstrap::Given>,
    /// The broker of this process, if it runs one.
    pub(crate) broker: Option<Broker>,
    /// Whose broker it is.
    pub(crate) kind: BrokerKind,
    /// Where backups lie.
    pub(crate) backups: PathBuf,
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
    pub(crate) fn start(&self, owner: Owner) {
        let Handed { bootstrap, broker, kind, backups } = self.handed.clone();
        match owner {
            Owner::Bootstrap => {
                if let Some(given) = bootstrap {
                    self.supervise::<Bootstrap>(given);
                }
            }
            Owner::Message => {
                let address = self.frame.address.to_string();
                self.supervise::<Message>(coordinator_message::Given { broker, kind, address });
            }
            Owner::Datastore => self.supervise::<Datastore>(coordinator_datastore::Given { backups }),
            Owner::Security => {}
            Owner::Application => self.supervise::<Application>(()),
            Owner::Telescope => self.supervise::<Telescope>(()),
        }
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
