//! The coordinators of this process, each supervised in a task of its own.

use catalog::Owner;
use coordinator::Frame;
use coordinator_telescope::Telescope;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The coordinators that run here.
pub(crate) struct Coordinators {
    frame: Frame,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Coordinators {
    pub(crate) fn new(frame: Frame) -> Self {
        Self { frame, tracker: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Starts one.
    pub(crate) fn start(&self, owner: Owner) {
        let (frame, stop) = (self.frame.clone(), self.stop.child_token());
        match owner {
            Owner::Telescope => {
                self.tracker.spawn(coordinator::run::<Telescope>(frame, (), stop));
            }
            Owner::Bootstrap | Owner::Message | Owner::Datastore | Owner::Application => {}
        }
    }

    /// Ends all of them in good order.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
